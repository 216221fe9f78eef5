# SPDX-License-Identifier: BSD-2-Clause
"""docs/reference/performance.md from a run: the figures as JSON, its two tables between markers, the plots."""
import json
import os
import platform
import statistics
import time

import figures
import grid
import plot

PLOTS = {  # file: what its panels show
    'data': ('bulk64.cpu_per_GB', 'bulk64.MBps', 'bulk16.cpu_per_GB', 'bulk1200.cpu_per_GB', 'rate64.msgps', 'ping64.p50', 'ping64.p99',
             'ping64.cpu_per_rt'),
    'media': ('rtp_blast.cpu_per_pkt', 'rtp_paced.cpu_per_pkt', 'rtp_blast.rx_pps', 'rtp_blast.loss'),
    'connections': ('setup.median', 'setup.cpu', 'scale100.kb_per_pc', 'scale100.idle_cpu_pct', 'scale100.connect_s',
                    'scale500.kb_per_pc', 'scale500.idle_cpu_pct', 'scale500.connect_s'),
}

WHERE = os.path.join('docs', 'reference')
MORE = ('MB/s', 'msg/s', 'packet/s')


def machine():
    model = 'unknown'
    with open('/proc/cpuinfo', encoding='utf-8') as f:
        for line in f:
            if line.startswith('model name'):
                model = line.split(':', 1)[1].strip()
    return '%d × %s, Linux %s' % (os.cpu_count(), model, platform.release())


def cell(value):
    return '–' if value is None else plot.cell(value)


def merge(old, samples, rounds):
    """The new run's figures in place of the old ones of the same measures: of all stacks, as only one run's figures compare."""
    now = {'date': time.strftime('%Y-%m-%d', time.gmtime()), 'rounds': rounds, 'load': round(os.getloadavg()[1], 1)}
    measures = {f.split('.')[0] for c in samples.values() for f in c}
    kept = {p: {f: v for f, v in c.items() if f.split('.')[0] not in measures} for p, c in old.get('figures', {}).items()}
    for peer, c in samples.items():
        for figure, values in c.items():
            kept.setdefault(peer, {})[figure] = {'median': round(statistics.median(values), 3), 'min': round(min(values), 3),
                                                 'max': round(max(values), 3), 'n': len(values)}
    runs = {**old.get('runs', {}), **{m: now for m in sorted(measures)}}
    return {**old, 'machine': machine(), 'runs': runs, 'figures': kept}


def goals(columns):
    lines = ['| figure | | sotto | goal | which is | |', '|---|---|---|---|---|---|']
    for figure, ours, sign, bound, whose, times, verdict in figures.judge(columns):
        unit = figures.FIGURES[figure][1]
        which = '' if whose is None else '%s × %s' % (plot.cell(times), whose)
        lines.append('| %s | %s | %s | %s %s | %s | %s |' % (
            figures.title(figure), unit, cell(ours), sign, cell(bound), which, {True: 'met', False: '**missed**', None: 'nothing to compare'}[verdict]))
    return lines


def table(data, columns):
    peers = ['sotto'] + [p for p in columns if p != 'sotto']
    lines = ['| | | ' + ' | '.join(peers) + ' |', '|---|---|' + '---|' * len(peers)]
    for figure, (name, unit) in figures.FIGURES.items():
        if not any(figure in columns[p] for p in peers):
            continue
        cells = []
        for p in peers:
            s = data['figures'].get(p, {}).get(figure)
            spread = ' [%s…%s]' % (cell(s['min']), cell(s['max'])) if p == 'sotto' and s and s['n'] > 1 else ''
            cells.append(cell(columns[p].get(figure)) + spread)
        lines.append('| %s | %s | %s |' % (name.strip() if not name.startswith('  ') else '… ' + name.strip(), unit, ' | '.join(cells)))
    return lines


def draw(columns):
    """{file: picture}"""
    bounds = {r[0]: r[3] for r in figures.judge(columns)}
    pictures = {}
    for name, wanted in PLOTS.items():
        panels = []
        for figure in wanted:
            bars = [(p, columns[p][figure]) for p in columns if columns[p].get(figure) is not None]
            if not bars:
                continue
            unit = figures.FIGURES[figure][1]
            panels.append((figures.title(figure), unit + (', more is better' if unit in MORE else ', less is better'), bars, bounds.get(figure)))
        if panels:
            pictures['performance-%s.svg' % name] = plot.bars(panels)
    return pictures


def between(text, marker, lines):
    begin, end = '<!-- %s -->' % marker, '<!-- /%s -->' % marker
    at, to = text.index(begin) + len(begin), text.index(end)
    return text[:at] + '\n' + '\n'.join(lines) + '\n' + text[to:]


def spread(values):
    """"3", or "3 to 5"."""
    return ' to '.join(str(v) for v in sorted({min(values), max(values)}))


def pages(root, data):
    """{path below root: text} of all that follows from the figures."""
    columns = {p: {k: v['median'] for k, v in c.items()} for p, c in data['figures'].items()}
    with open(os.path.join(root, 'bench', 'peers.json'), encoding='utf-8') as f:
        constants = json.load(f)
    figures.add_constants(columns, constants)
    runs = data['runs'].values()
    said = ['%s. Measured %s, medians of %s interleaved rounds, load average %s.' % (
        data['machine'], spread([r['date'] for r in runs]), spread([r['rounds'] for r in runs]), spread([r['load'] for r in runs])),
        '', 'Stacks with a star are not here: ' + constants['source']]
    pictures = draw(columns)
    shown = ['![%s](%s)' % (name, name) for name in pictures]
    with open(os.path.join(root, WHERE, 'performance.md'), encoding='utf-8') as f:
        text = f.read()
    for marker, lines in (('run', said), ('goals', goals(columns)), ('plots', shown), ('figures', table(data, columns))):
        text = between(text, marker, lines)
    if 'grid' in data:
        lines = [grid.said(data['grid']), '', *grid.table(data['grid']), '', '![performance-grid.svg](performance-grid.svg)']
        text = between(text, 'grid', lines)
        pictures['performance-grid.svg'] = plot.lines(grid.panels(data['grid']))
    return {os.path.join(WHERE, name): t for name, t in {'performance.md': text, **pictures}.items()}


def read(root):
    path = os.path.join(root, WHERE, 'performance.json')
    if not os.path.exists(path):
        return {}
    with open(path, encoding='utf-8') as f:
        return json.load(f)


def write(root, samples, rounds):
    put(root, merge(read(root), samples, rounds))


def write_grid(root, kept):
    """The new cells in place of the old grid."""
    put(root, {**read(root), 'grid': kept})


def put(root, data):
    files = {**pages(root, data), os.path.join(WHERE, 'performance.json'): json.dumps(data, indent=1) + '\n'}
    for path, text in files.items():
        with open(os.path.join(root, path), 'w', encoding='utf-8') as f:
            f.write(text)
        print('written: ' + path)

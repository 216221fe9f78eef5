# SPDX-License-Identifier: BSD-2-Clause
"""docs/reference/performance.md from a run: the figures as JSON, its two tables between markers, the plots."""
import json
import os
import platform
import statistics
import time

import figures
import plot

PLOTS = {  # file: what its panels show
    'data': ('bulk64.cpu_per_GB', 'bulk64.MBps', 'bulk16.cpu_per_GB', 'bulk1200.cpu_per_GB', 'rate64.msgps', 'ping64.p50', 'ping64.p99',
             'ping64.cpu_per_rt'),
    'media': ('rtp_blast.cpu_per_pkt', 'rtp_paced.cpu_per_pkt', 'rtp_blast.rx_pps', 'rtp_blast.loss'),
    'connections': ('setup.median', 'setup.cpu', 'scale100.kb_per_pc', 'scale100.idle_cpu_pct', 'scale100.connect_s',
                    'scale500.kb_per_pc', 'scale500.idle_cpu_pct', 'scale500.connect_s'),
}

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
    return {'machine': machine(), 'runs': runs, 'figures': kept}


def goals(columns):
    lines = ['| figure | | sotto | goal | which is | |', '|---|---|---|---|---|---|']
    for figure, ours, sign, bound, whose, times, verdict in figures.judge(columns):
        name, unit = figures.FIGURES[figure]
        which = '' if whose is None else '%s × %s' % (plot.cell(times), whose)
        lines.append('| `%s` %s | %s | %s | %s %s | %s | %s |' % (
            figure, name.strip(), unit, cell(ours), sign, cell(bound), which, {True: 'met', False: '**missed**', None: 'nothing to compare'}[verdict]))
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


def draw(where, columns):
    bounds = {r[0]: r[3] for r in figures.judge(columns)}
    lines = []
    for name, wanted in PLOTS.items():
        panels = []
        for figure in wanted:
            bars = [(p, columns[p][figure]) for p in columns if columns[p].get(figure) is not None]
            if not bars:
                continue
            at = list(figures.FIGURES)
            head = next(figures.FIGURES[f][0] for f in reversed(at[:at.index(figure) + 1]) if not figures.FIGURES[f][0].startswith(' '))
            own = figures.FIGURES[figure][0]
            title = head if own == head else '%s: %s' % (head.split(',')[0], own.strip())
            unit = figures.FIGURES[figure][1]
            panels.append((title, unit + (', more is better' if unit in MORE else ', less is better'), bars, bounds.get(figure)))
        if panels:
            with open(os.path.join(where, 'performance-%s.svg' % name), 'w', encoding='utf-8') as f:
                f.write(plot.bars(panels))
            lines.append('![%s](performance-%s.svg)' % (name, name))
    return lines


def between(text, marker, lines):
    begin, end = '<!-- %s -->' % marker, '<!-- /%s -->' % marker
    at, to = text.index(begin) + len(begin), text.index(end)
    return text[:at] + '\n' + '\n'.join(lines) + '\n' + text[to:]


def write(root, samples, rounds):
    where = os.path.join(root, 'docs', 'reference')
    path, page = os.path.join(where, 'performance.json'), os.path.join(where, 'performance.md')
    old = {}
    if os.path.exists(path):
        with open(path, encoding='utf-8') as f:
            old = json.load(f)
    data = merge(old, samples, rounds)
    with open(path, 'w', encoding='utf-8') as f:
        json.dump(data, f, indent=1)
        f.write('\n')
    columns = {p: {k: v['median'] for k, v in c.items()} for p, c in data['figures'].items()}
    with open(os.path.join(root, 'bench', 'peers.json'), encoding='utf-8') as f:
        constants = json.load(f)
    figures.add_constants(columns, constants)
    days = sorted({r['date'] for r in data['runs'].values()})
    rounds = sorted({r['rounds'] for r in data['runs'].values()})
    loads = [r['load'] for r in data['runs'].values()]
    said = ['%s. Measured %s, medians of %s interleaved rounds, load average %s.' % (
        data['machine'], ' to '.join(sorted({days[0], days[-1]})), ' to '.join(str(r) for r in sorted({rounds[0], rounds[-1]})),
        ' to '.join('%.1f' % x for x in sorted({min(loads), max(loads)}))), '', 'Stacks with a star are not here: ' + constants['source']]
    with open(page, encoding='utf-8') as f:
        text = f.read()
    for marker, lines in (('run', said), ('goals', goals(columns)), ('plots', draw(where, columns)), ('figures', table(data, columns))):
        text = between(text, marker, lines)
    with open(page, 'w', encoding='utf-8') as f:
        f.write(text)
    print('written: %s' % os.path.relpath(page))

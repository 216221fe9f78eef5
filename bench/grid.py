# SPDX-License-Identifier: BSD-2-Clause
"""The grid: bulk64 over an emulated path, round trip × loss, of each stack in turn. A cell is named "RTT/LOSS": milliseconds, and per cent in
each direction. The path is the program of test/net/link.c; what it has beside is below."""
import json
import os
import re
import statistics
import subprocess
import threading
import time

import others
import own
import plot

STACKS = ['sotto', 'node-dc', 'wrtc', 'pion3']
RTTS, LOSSES = ['0', '20', '50', '100'], ['0', '0.1', '1']
CELLS = ['%s/%s' % (r, p) for p in LOSSES for r in RTTS]
RATE, QUEUE = 1000, 1500 * 1000  # Mbit/s, and what waits for it: a thousand packets, as Linux has it
SECONDS = '6'
TRIES = 3  # of the other stacks: some do not connect each time
HIGH = {'pion3': '131072'}  # of the send queue, as its other figures


class Link:
    """The emulator, running."""

    def __init__(self, build, seed, *settings):
        self.process = subprocess.Popen([os.path.join(build, 'test', 'net', 'link'), 'seed=%d' % seed, *settings],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        words = self.process.stdout.readline().split()
        if not words or words[0] != 'ready':
            raise OSError('the link does not start: it needs /dev/net/tun, and rights to make namespaces')
        self.enter = {r: ['nsenter', '--net=' + n] for r, n in zip('ab', words[2:])}
        self.lock = threading.Lock()

    def counts(self):
        """Of what left a, and of what left b."""
        with self.lock:
            self.process.stdin.write('counts\n')
            self.process.stdin.flush()
            return [json.loads(self.process.stdout.readline()) for _ in 'ab']

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Watch:
    """How many bytes have crossed to b, again and again: how the rate went."""

    def __init__(self, link):
        self.link, self.points, self.done = link, [], threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            self.points.append((time.monotonic(), self.link.counts()[0]['bytes']))
            if self.done.wait(0.1):
                return

    def stop(self):
        self.done.set()
        self.thread.join()

    def at(self, when):
        before = (self.points[0][0], 0)
        for t, n in self.points:
            if t >= when:
                return before[1] + (n - before[1]) * (when - before[0]) / max(1e-9, t - before[0])
            before = (t, n)
        return before[1]


def settings(cell):
    rtt, loss = cell.split('/')
    return ['delay-ms=%g' % (float(rtt) / 2), 'loss=%g' % (float(loss) / 100), 'rate-mbit=%d' % RATE, 'queue=%d' % QUEUE]


def one(build, home, stack, cell, seconds, seed):
    """{figure: value}, or {}: no result. late: the rate of the second half, by the share of the link's bytes that it has."""
    link = Link(build, seed, *settings(cell))
    try:
        program = [os.path.join(build, 'bench', 'peer')] if stack == 'sotto' else others.program(home, stack)
        watch = Watch(link)
        r = own.pair({role: link.enter[role] + program for role in 'ab'}, ['bulk', '65536', seconds],
                     HIGH.get(stack, '1048576'), float(seconds) + 12)
        watch.stop()
        if not r or not r['b'].get('bytes'):
            return {}
        b, end = r['b'], r['at']['b']
        start, half = end - b['secs'], end - b['secs'] / 2
        whole, late = watch.at(end) - watch.at(start), watch.at(end) - watch.at(half)
        rate = b['bytes'] / b['secs'] / 1e6
        lost = link.counts()[0]
        return {'MBps': rate, 'late': rate * 2 * late / max(1, whole),
                'cpu_per_GB': (r['a']['cpu'] + b['cpu']) / b['bytes'] * 1e9, 'rss': max(x['rss_kb'] for x in (r['a'], b)) / 1024,
                'dropped': 100 * lost['dropped'] / max(1, lost['packets'] + lost['dropped'] + lost['lost'])}
    finally:
        link.close()


def run(build, home, cells, rounds, seconds):
    """{cell: {stack: {figure: [values]}}}; prints a JSON line for each run, which is kept too."""
    kept = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'build', 'bench')
    os.makedirs(kept, exist_ok=True)
    path = os.path.join(kept, time.strftime('grid-%Y%m%d-%H%M%S.jsonl', time.gmtime()))
    samples = {}
    for turn in range(1, rounds + 1):
        for cell in cells:
            for stack in STACKS if home else STACKS[:1]:
                values = {}
                for again in range(1 if stack == 'sotto' else TRIES):
                    values = values or one(build, home, stack, cell, seconds, 1000 * turn + again)
                for figure, value in values.items():
                    samples.setdefault(cell, {}).setdefault(stack, {}).setdefault(figure, []).append(value)
                line = json.dumps({'cell': cell, 'peer': stack, 'round': turn, 'load': round(os.getloadavg()[0], 1),
                                   **{f: round(v, 3) for f, v in values.items()}})
                print(line, flush=True)
                with open(path, 'a', encoding='utf-8') as f:
                    f.write(line + '\n')
    return samples


def summary(samples, rounds, seconds):
    """What is kept in performance.json."""
    cells = {c: {s: {f: {'median': round(statistics.median(v), 3), 'min': round(min(v), 3), 'max': round(max(v), 3), 'n': len(v)}
                     for f, v in figures.items()} for s, figures in stacks.items()} for c, stacks in samples.items()}
    return {'date': time.strftime('%Y-%m-%d', time.gmtime()), 'rounds': rounds, 'seconds': float(seconds),
            'load': round(os.getloadavg()[1], 1), 'rate': RATE, 'queue': QUEUE, 'cells': cells}


def ordered(cells):
    return [c for c in CELLS if c in cells] + sorted(c for c in cells if c not in CELLS)


def verdict(stacks):
    """(best of the others, its rate, whether ours is at least that); None: nothing to compare."""
    rates = {s: stacks[s]['MBps']['median'] for s in stacks if s != 'sotto' and 'MBps' in stacks[s]}
    if not rates or 'sotto' not in stacks:
        return None
    name = max(rates, key=rates.get)
    return name, rates[name], stacks['sotto']['MBps']['median'] >= rates[name]


def table(grid):
    """Lines of Markdown."""
    lines = ['| round trip | loss | ' + ' | '.join(STACKS) + ' | sotto, second half | |', '|---|---|' + '---|' * (len(STACKS) + 2)]
    for cell in ordered(grid['cells']):
        stacks = grid['cells'][cell]
        row = ['%s ms' % cell.split('/')[0], '%s %%' % cell.split('/')[1]]
        for s in STACKS:
            v = stacks.get(s, {}).get('MBps')
            spread = ' [%s…%s]' % (plot.cell(v['min']), plot.cell(v['max'])) if v and s == 'sotto' and v['n'] > 1 else ''
            row.append(plot.cell(v['median']) + spread if v else '–')
        row.append(plot.cell(stacks['sotto']['late']['median']) if 'sotto' in stacks else '–')
        judged = verdict(stacks)
        row.append('–' if not judged else 'met' if judged[2] else '**missed**')
        lines.append('| %s |' % ' | '.join(row))
    return lines


def said(grid):
    return ('%g Mbit/s, a queue of %d kB; messages of 64 KiB for %g s from the first one that arrives. Megabytes a second that arrive, '
            '%s, measured %s, load average %s.') % (
                grid['rate'], grid['queue'] / 1000, grid['seconds'],
                'one round' if grid['rounds'] == 1 else 'medians of %d rounds' % grid['rounds'], grid['date'], grid['load'])


def panels(grid):
    """For plot.lines: one panel for each loss."""
    out = []
    for loss in sorted({c.split('/')[1] for c in grid['cells']}, key=float):
        rtts = sorted({c.split('/')[0] for c in grid['cells'] if c.split('/')[1] == loss}, key=float)
        series = [(s, [grid['cells']['%s/%s' % (r, loss)].get(s, {}).get('MBps', {}).get('median') for r in rtts]) for s in STACKS]
        out.append(('%s %% loss' % loss, 'MB/s over round trip in ms, more is better', rtts, series))
    return out


def cells_of(args):
    """The cells that are named; None: one is no cell."""
    return args or CELLS if all(re.fullmatch(r'\d+(\.\d+)?/\d+(\.\d+)?', a) for a in args) else None

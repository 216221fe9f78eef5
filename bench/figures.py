# SPDX-License-Identifier: BSD-2-Clause
"""What is measured, what each figure says, and what it shall be: tables only."""
import statistics

HIGH = {'bulk64': '1048576', 'bulk16': '1048576', 'bulk1200': '1048576', 'rate64': '16384'}  # of the send queue, bytes
# measure: program and arguments; those that take two processes end with seconds
MEASURES = {
    'udp': ['udp', '1'],
    'bulk64': ['bulk', '65536', '5'], 'bulk16': ['bulk', '16384', '4'], 'bulk1200': ['bulk', '1200', '4'],
    'rate64': ['bulk', '64', '4'], 'ping64': ['ping', '64', '3'], 'rtp_blast': ['rtp', '0', '4'],
    'rtp_paced': ['rtp', '20000', '4'], 'frame': ['frame', '50000', '4'], 'opus': ['opus', '2'], 'isolate': ['isolate', '2000'],
    'setup': ['setup', '30'], 'scale100': ['scale', '100', '5'], 'scale500': ['scale', '500', '5'],
    'scale1000': ['scale', '1000', '5'], 'hold': ['hold', '0', '1'], 'cores': ['cores', '3'], 'size': [],
}
PAIRS = ('bulk', 'ping', 'rtp', 'frame', 'hold')  # two processes
OURS = ('udp', 'frame', 'opus', 'isolate', 'scale1000', 'hold', 'cores', 'size')  # the other stacks have no such measure
USUAL = [m for m in MEASURES if m not in ('scale500', 'scale1000')]  # without names: what takes a minute
SCALE = ('kb_per_pc', 'threads', 'fds', 'idle_cpu_pct', 'connect_s')

# figure: what it says, its unit
FIGURES = {
    'bulk64.MBps': ('64 KiB messages', 'MB/s'), 'bulk64.cpu_per_GB': ('  CPU of both sides', 's/GB'),
    'bulk64.rss': ('  memory of the larger side', 'MiB'),
    'bulk16.MBps': ('16 KiB messages', 'MB/s'), 'bulk16.cpu_per_GB': ('  CPU of both sides', 's/GB'),
    'bulk1200.MBps': ('1200 B messages', 'MB/s'), 'bulk1200.cpu_per_GB': ('  CPU of both sides', 's/GB'),
    'rate64.msgps': ('64 B messages', 'msg/s'), 'rate64.cpu_per_msg': ('  CPU of both sides', 'us/msg'),
    'udp.p50': ('round trip of bare UDP, median', 'us'), 'udp.p99': ('  99th percentile', 'us'),
    'ping64.p50': ('round trip of 64 B, median', 'us'), 'ping64.p99': ('  99th percentile', 'us'),
    'ping64.cpu_per_rt': ('  CPU of both sides', 'us'),
    'rtp_blast.rx_pps': ('RTP as fast as it goes, received', 'packet/s'),
    'rtp_blast.cpu_per_pkt': ('  CPU of both sides', 'us/packet'), 'rtp_blast.loss': ('  lost', '%'),
    'rtp_paced.rx_pps': ('RTP at 20,000 packets/s, received', 'packet/s'),
    'rtp_paced.cpu_per_pkt': ('  CPU of both sides', 'us/packet'),
    'frame.us': ('a 50 KB H.264 frame: split, sealed, sent', 'us'), 'frame.rx_us': ('  received', 'us'),
    'opus.rt_factor': ('Opus coded and decoded, times real time', 'x'),
    'isolate.here_us': ('Opus decoder in this process: 20 ms, median', 'us'), 'isolate.here_cpu_us': ('  CPU', 'us'),
    'isolate.us': ('Opus decoder in a process of its own: 20 ms, median', 'us'), 'isolate.cpu_us': ('  CPU of both', 'us'),
    'isolate.kb': ('  memory of the process', 'KiB'), 'isolate.start_us': ('  time until it can decode', 'us'),
    'setup.median': ('set-up of a pair, median', 'ms'), 'setup.p90': ('  90th percentile', 'ms'),
    'setup.p99': ('  99th percentile', 'ms'), 'setup.cpu': ('  CPU of a pair', 'ms'),
    **{'scale%d.%s' % (n, k): (t % (2 * n) if '%' in t else t, u) for n in (100, 500, 1000) for k, t, u in (
        ('kb_per_pc', '%d connections: memory of each', 'KiB'), ('threads', '  threads', 'n'), ('fds', '  descriptors', 'n'),
        ('idle_cpu_pct', '  CPU while idle', '%'), ('connect_s', '  time to connect them', 's'))},
    'rss1': ('a process with one connection', 'MB'),
    'dirty': ('  own memory above that of the libraries', 'KiB'),
    'cores.ratio': ('two contexts on two cores, times one', 'x'), 'cores.cpu': ('  CPU for a byte, times one', 'x'),
    'cores.full': ('  as fast as they go', 'x'),
    'size': ('the library, stripped', 'bytes'),
}


def title(figure):
    """What it says, with what it belongs to: "64 KiB messages: CPU of both sides"."""
    at, text = list(FIGURES), FIGURES[figure][0]
    head = next(FIGURES[f][0] for f in reversed(at[:at.index(figure) + 1]) if not FIGURES[f][0].startswith(' '))
    return head if text == head else '%s: %s' % (head.split(', median')[0].split(':')[0], text.strip())


AT_MOST, AT_LEAST = '≤', '≥'


def best(columns, figure, sign):
    """The best of the other stacks: (name, value), or None."""
    rest = {p: c[figure] for p, c in columns.items() if p != 'sotto' and c.get(figure) is not None}
    if not rest:
        return None
    name = (min if sign == AT_MOST else max)(rest, key=rest.get)
    return name, rest[name]


def of(peer):
    return lambda columns, figure, sign: (peer, columns[peer][figure]) if columns.get(peer, {}).get(figure) is not None else None


def own(other):
    return lambda columns, figure, sign: (title(other), columns['sotto'][other]) if other in columns['sotto'] else None


def number(value):
    return lambda columns, figure, sign: (None, value)


# figure, sign, how many times, whose
GOALS = [
    ('bulk64.cpu_per_GB', AT_MOST, 1 / 5, best), ('bulk64.MBps', AT_LEAST, 4, best), ('bulk16.cpu_per_GB', AT_MOST, 1 / 5, best),
    ('bulk1200.cpu_per_GB', AT_MOST, 1 / 3, of('node-dc')), ('rate64.msgps', AT_LEAST, 3, of('node-dc')),
    ('ping64.p50', AT_MOST, 2.5, own('udp.p50')), ('ping64.p99', AT_MOST, 1 / 2, best),
    ('setup.median', AT_MOST, 1, of('pion3')), ('setup.cpu', AT_MOST, 1, of('pion3')), ('setup.p99', AT_MOST, 1, number(20)),
    ('scale100.kb_per_pc', AT_MOST, 1, number(100)), ('scale100.threads', AT_MOST, 1, number(1)),
    ('scale100.idle_cpu_pct', AT_MOST, 1 / 2, of('pion3')), ('scale100.connect_s', AT_MOST, 1, of('wrtc')),
    ('scale500.kb_per_pc', AT_MOST, 1, number(100)), ('scale500.threads', AT_MOST, 1, number(1)),
    ('scale500.idle_cpu_pct', AT_MOST, 1 / 2, of('pion3')), ('scale500.connect_s', AT_MOST, 1, of('wrtc')),
    ('scale1000.kb_per_pc', AT_MOST, 1, own('scale100.kb_per_pc')),
    ('scale1000.idle_cpu_pct', AT_MOST, 10, own('scale100.idle_cpu_pct')),
    ('scale1000.connect_s', AT_MOST, 10, own('scale100.connect_s')),
    ('rtp_blast.cpu_per_pkt', AT_MOST, 1 / 4, best), ('rtp_paced.cpu_per_pkt', AT_MOST, 1 / 3, best),
    ('size', AT_MOST, 1, number(400000)), ('dirty', AT_MOST, 1, number(512)), ('cores.ratio', AT_LEAST, 1, number(1.8)),
]
LINEAR = 1.2  # goals of scale1000 say "grows no faster than the number"; this much is noise


def judge(columns):
    """Rows (figure, ours, sign, bound, whose, times, verdict); verdict None: there is nothing to compare with."""
    rows = []
    for figure, sign, times, whose in GOALS:
        ours = columns['sotto'].get(figure)
        if ours is None:
            continue
        other = whose(columns, figure, sign)
        slack = LINEAR if figure.startswith('scale1000') else 1
        bound = other[1] * times * slack if other else None
        verdict = None if bound is None else ours <= bound if sign == AT_MOST else ours >= bound
        rows.append((figure, ours, sign, bound, other[0] if other else None, times, verdict))
    return rows


def medians(samples):
    """{peer: {figure: [values]}} → {peer: {figure: median}}"""
    return {p: {f: statistics.median(v) for f, v in c.items() if v} for p, c in samples.items()}


def add_constants(columns, constants):
    """Peers that are not here: what they had once, times what the yardstick has now over what it had then."""
    then, now = constants['figures'][constants['yardstick']], columns.get(constants['yardstick'], {})
    for peer, figures in constants['figures'].items():
        if peer != constants['yardstick'] and now:
            columns[peer + '*'] = {f: v * now[f] / then[f] for f, v in figures.items() if f in now}

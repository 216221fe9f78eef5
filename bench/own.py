# SPDX-License-Identifier: BSD-2-Clause
"""The measures of sotto: runs the programs of this directory and gives (figure, value) pairs."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from figures import FIGURES, HIGH, MEASURES, PAIRS, SCALE


def pair(programs, args, high, limit):
    """Two processes, programs[role], whose signaling lines are passed on; their results by role and when they came, or None."""
    env = dict(os.environ, **({'HIGH': high} if high else {}))
    ps = {r: subprocess.Popen([*programs[r], r, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                              bufsize=1, env=env) for r in 'ab'}
    results, when, done = {}, {}, threading.Event()

    def pump(me, other):
        for line in ps[me].stdout:
            if line.startswith('R '):
                results[me], when[me] = json.loads(line[2:]), time.monotonic()
                if len(results) == 2:
                    done.set()
            else:
                try:
                    ps[other].stdin.write(line)
                    ps[other].stdin.flush()
                except OSError:
                    pass  # it ended: its exit shows in the missing result
    threads = [threading.Thread(target=pump, args=x, daemon=True) for x in (('a', 'b'), ('b', 'a'))]
    for t in threads:
        t.start()
    ok = done.wait(limit)
    for p in ps.values():
        p.kill()
        p.wait()
    return dict(results, at=when) if ok else None


def both(program):
    return {role: [program] for role in 'ab'}


def of_pair(name, args, a, b):
    cpu = a.get('cpu', 0) + b.get('cpu', 0)
    if args[0] == 'ping':
        return {'ping64.p50': a['p50_us'], 'ping64.p99': a['p99_us'], 'ping64.cpu_per_rt': 1e6 * cpu / max(1, a['n']),
                'rss1': a['rss_kb'] * 1024 / 1e6}
    if args[0] == 'rtp':
        per = 1e6 * (a['cpu'] / max(1, a['sent']) + b['cpu'] / max(1, b['msgs']))
        r = {name + '.rx_pps': b['msgs'] / b['secs'], name + '.cpu_per_pkt': per}
        if name == 'rtp_blast':
            r[name + '.loss'] = 100 * max(0, 1 - b['msgs'] / b['secs'] / (a['sent'] / a['secs']))
        return r
    if name == 'frame':
        return {'frame.us': 1e6 * a['cpu'] / max(1, a['sent']), 'frame.rx_us': 1e6 * b['cpu'] / max(1, b['msgs'])}
    if name == 'rate64':
        return {'rate64.msgps': b['msgs'] / b['secs'], 'rate64.cpu_per_msg': 1e6 * cpu / max(1, b['msgs'])}
    r = {name + '.MBps': b['bytes'] / b['secs'] / 1e6, name + '.cpu_per_GB': cpu / max(1, b['bytes']) * 1e9}
    if name == 'bulk64':
        r['bulk64.rss'] = max(a['rss_kb'], b['rss_kb']) / 1024
    return r


def one(program, *args):
    """One process: its result, or None, and what it said then."""
    p = subprocess.run([program, *args], capture_output=True, text=True, timeout=600)
    r = [json.loads(x[2:]) for x in p.stdout.splitlines() if x.startswith('R ')]
    if p.returncode != 0 or not r or r[0]['fail']:
        sys.stderr.write(p.stderr + p.stdout)
        return None
    return r[0]


def of_size(build):
    with tempfile.TemporaryDirectory() as d:
        copy = os.path.join(d, 'libsotto.so')
        shutil.copy(os.path.realpath(os.path.join(build, 'lib', 'libsotto.so')), copy)
        subprocess.run(['strip', '--strip-unneeded', copy], check=True)
        return {'size': os.path.getsize(copy)}


def of_cores(program, secs):
    """One context and two: at a third of what one carries alone, and as fast as they go."""
    full = [one(program, 'cores', n, secs) for n in '12']
    if not all(full):
        return None
    rate = str(max(1, int(full[0]['bytes'] / full[0]['secs'] / 65536 / 3)))
    paced = [one(program, 'cores', n, secs, rate) for n in '12']
    if not all(paced):
        return None
    per = [x['cpu'] / max(1, x['bytes']) for x in paced]
    return {'cores.ratio': paced[1]['bytes'] / max(1, paced[0]['bytes']), 'cores.cpu': per[1] / per[0],
            'cores.full': full[1]['bytes'] / max(1, full[0]['bytes'])}


def of_hold(build, program, args):
    idle, r = one(os.path.join(build, 'bench', 'idle')), pair(both(program), args, None, 30)
    return {'dirty': max(r[x]['dirty_kb'] for x in 'ab') - idle['dirty_kb']} if idle and r else None


def measure(build, name, seconds=None):
    """{figure: value}, or None: it failed. In this network namespace."""
    program, args = os.path.join(build, 'bench', 'peer'), list(MEASURES[name])
    if seconds and args and args[0] in PAIRS and name != 'hold':
        args[-1] = seconds
    if name == 'size':
        return of_size(build)
    if name == 'cores':
        return of_cores(program, args[1])
    if name == 'isolate':
        r = one(os.path.join(build, 'bench', 'isolate'), os.path.abspath(os.path.join(build, 'lib', 'extra', 'sotto-decoder')), args[1])
        return r and {k: v for k, v in (('isolate.' + x, y) for x, y in r.items()) if k in FIGURES}
    if name == 'hold':
        return of_hold(build, program, args)
    if args[0] in PAIRS:
        r = pair(both(program), args, HIGH.get(name), float(args[2]) + 20)
        if not r or not r['b'].get('bytes', 1):
            return None
        return of_pair(name, args, r['a'], r['b'])
    r = one(os.path.join(build, 'bench', 'udp'), args[1]) if name == 'udp' else one(program, *args)
    if not r:
        return None
    if name == 'udp':
        return {'udp.p50': r['p50_us'], 'udp.p99': r['p99_us']}
    if name == 'setup':
        return {'setup.median': r['median_ms'], 'setup.p90': r['p90_ms'], 'setup.p99': r['p99_ms'], 'setup.cpu': r['cpu_ms']}
    if name == 'opus':
        return {'opus.rt_factor': r['rt_factor']}
    return {'%s.%s' % (name, k): r[k] for k in SCALE}

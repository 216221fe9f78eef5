# SPDX-License-Identifier: BSD-2-Clause
"""The other stacks: their programs are not part of this repository. They are looked for in $SOTTO_PEERS_BENCH, else in
../shared/peers-bench beside this checkout: run.py STACK MEASURE [secs=S] prints JSON lines, setup.sh installs, netns.sh makes the
network namespace "bp" with one IPv4 address in it."""
import importlib
import json
import os
import subprocess
import sys

from figures import FIGURES, MEASURES, OURS, PAIRS

STACKS = ['node-dc', 'wrtc', 'pion3', 'gst']
NAMESPACE = ['ip', 'netns', 'exec', 'bp']
SLOW = {n: ('wrtc', 'pion3') for n in ('scale100', 'scale500')}  # the others take minutes, or more descriptors than there are


def find(root):
    """The directory of their programs, ready to be used; None: there are none."""
    home = os.environ.get('SOTTO_PEERS_BENCH') or os.path.join(os.path.dirname(root), 'shared', 'peers-bench')
    if not os.path.exists(os.path.join(home, 'run.py')):
        return None
    cache = os.environ.setdefault('PEERS_BENCH', os.path.expanduser('~/.cache/peers-bench'))
    if not os.path.exists(os.path.join(cache, 'npm', 'node_modules')):
        print('bench: sets the other stacks up in %s (some minutes)' % cache, file=sys.stderr)
        if subprocess.run([os.path.join(home, 'setup.sh')], stdout=sys.stderr).returncode != 0:
            sys.exit('bench: %s/setup.sh failed: it needs root, Debian packages and npm' % home)
    subprocess.run([os.path.join(home, 'netns.sh')], check=True)
    return home


def has(stack, name):
    return name not in OURS and stack in SLOW.get(name, STACKS)


def program(home, stack):
    """The program of the contract: the words before "a bulk …"."""
    sys.path.insert(0, home)
    try:
        return list(importlib.import_module('run').PEERS[stack])
    finally:
        sys.path.remove(home)


def measure(home, stack, name, seconds=None):
    """{figure: value}; what failed is missing."""
    secs = ['secs=' + (seconds or MEASURES[name][2])] if MEASURES[name][0] in PAIRS else []
    try:
        p = subprocess.run([sys.executable, os.path.join(home, 'run.py'), stack, name, *secs], stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, text=True, timeout=300)
    except subprocess.TimeoutExpired:
        return {}
    r = {}
    for d in map(json.loads, p.stdout.splitlines()):
        figure, value = d['measure'], d['value']
        if value is None or figure not in FIGURES:
            continue
        r[figure] = value * 1.048576 if figure == 'rss1' else value  # theirs is MiB
        if figure == 'setup.median':
            r['setup.p90'] = d['p90']
            if d.get('p99') is not None:
                r['setup.p99'] = d['p99']
        if figure == 'rtp_blast.rx_pps':
            r['rtp_blast.loss'] = max(0, d['loss_pct'])
    return r

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""chromium.py PEER [--fast] [--write] [TEXT…]: Chromium at one site and sotto at the other, across networks of the matrix (matrix.py): both connect and exchange
ten megabytes each way. A line "ok CELL: …" or "not ok CELL: …" each. --fast: only some of them. --write: into
docs/reference/networks.md. Needs chromium, node, node_modules (npm ci)."""
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys

import page
import peers
import worlds
from matrix import DIRECT, RELAYED

HERE = os.path.dirname(os.path.abspath(__file__))
# The browser's site, the library's, who offers, who uses nothing but the relay, whether the browser hides its addresses by mDNS names
CELLS = [
    ('open', 'open', 'browser', '', False),
    ('open', 'open', 'library', '', True),
    ('cone', 'cone', 'browser', '', True),
    ('cone', 'symmetric', 'browser', '', True),
    ('symmetric', 'symmetric', 'library', '', True),
    ('no-udp', 'cone', 'browser', '', True),
    ('only-443', 'symmetric', 'library', '', True),
    ('ipv6-only', 'ipv6-only', 'browser', '', False),
    ('broken-ipv6', 'broken-ipv6', 'library', '', False),
    ('mtu-1280', 'cone', 'browser', '', True),
    ('open', 'open', 'browser', 'library', False),
    ('cone', 'cone', 'library', '', False),
    ('cone', 'no-udp', 'library', '', True),
    ('symmetric', 'only-443', 'browser', '', True),
    ('open', 'open', 'library', 'browser', False),
]
FAST = 11  # of them


def page_servers():
    """As RTCConfiguration has them."""
    found = []
    for s in peers.servers():
        url, *login = s.partition('=')[2].split('|')
        found.append({'urls': url, **({'username': login[0], 'credential': login[1]} if login else {})})
    return found


def name_of(cell):
    left, right, offerer, hidden, mdns = cell
    return 'chromium at %s, sotto at %s, the %s offers%s%s' % (left, right, offerer, ', the %s uses nothing but the relay' % hidden if hidden else '',
                                                              ', mDNS names' if mdns else '')


def run(cell, program, directory):
    left, right, offerer, hidden, mdns = cell
    direct = not hidden and worlds.direct(worlds.Kind(left), worlds.Kind(right))
    world = None
    try:
        world = worlds.World(directory, left, right)
        what = {'offerer': offerer, 'mdns': mdns, 'hidden': hidden, 'direct': direct, 'limit': DIRECT if direct else RELAYED,
                'servers': page_servers(), 'hosts': [worlds.SERVER4, '[%s]' % worlds.SERVER6],
                'options': [*peers.servers(), *(['relay'] if hidden == 'library' else [])]}
        env = dict(os.environ, SOTTO_NETNS_OTHER=world.peers[2].path, SOTTO_INTEROP_PEER=os.path.abspath(program))
        p = world.peers[1].start(['node', os.path.join(HERE, 'chromium.mjs'), json.dumps(what)], env=env, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            out, noise = p.communicate(timeout=150)
        except subprocess.TimeoutExpired:
            p.kill()
            out, noise = p.communicate()
        last = (out.strip() or noise.strip() or 'no word').splitlines()[-1]
        return p.returncode == 0, last
    except OSError as e:
        return False, str(e)
    finally:
        if world:
            world.close()


def main():
    program, words = sys.argv[1], [w for w in sys.argv[2:] if not w.startswith('--')]
    todo = [c for c in CELLS[:FAST if '--fast' in sys.argv else None] if not words or any(w in name_of(c) for w in words)]
    directory, failed, rows = worlds.ready(program), 0, []
    try:
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            for cell, (good, text) in zip(todo, pool.map(lambda c: run(c, program, directory), todo)):
                failed += not good
                rows.append([name_of(cell), text])
                print('%s %s: %s' % ('ok' if good else 'not ok', name_of(cell), text), flush=True)
    finally:
        shutil.rmtree(directory)
    if '--write' in sys.argv and not failed and len(todo) == len(CELLS):
        page.put('chromium', page.table(['cell', 'the browser\'s and our end of the pair, times'], rows))
    print('%d passed, %d failed' % (len(todo) - failed, failed))
    return 1 if failed or not todo else 0


if __name__ == '__main__':
    sys.exit(main())

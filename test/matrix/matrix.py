#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""matrix.py PEER [--fast] [--jobs N] [--list] [TEXT…]: two peers across each pair of kinds of sites (worlds.py), and through the TURN server by
each transport. In each cell both connect, within 5 s where there is a direct way and 10 s through the relay, and exchange ten megabytes each
way unharmed. A line "ok CELL: …" or "not ok CELL: …" each, with the ways that were taken. PEER: the commanded peer of test/interop.
--fast: each kind and each transport once. TEXT: only cells whose name contains one of them."""
import argparse
import concurrent.futures
import os
import shutil
import sys
import threading
import time

import peers
import worlds

DIRECT, RELAYED = 5, 10  # seconds
BUSY = threading.Semaphore(os.cpu_count() or 1)  # who sends: the others shall have time to connect
FAST = ['open to open', 'cone to cone', 'symmetric to open', 'symmetric to cone', 'no-udp to symmetric', 'only-443 to only-443',
        'ipv6-only to broken-ipv6', 'mtu-1280 to ipv6-only', 'broken-ipv6 to mtu-1280', 'ipv6-only to ipv6-only']
TRANSPORTS = ['udp', 'tcp', 'tcp443', 'tls', 'udp6', 'tcp6', 'tls6', 'name']


class Cell:
    """relay: the transport by which both ends must use the relay, '': as they like. hidden: the ends that use nothing but the relay."""

    def __init__(self, left, right, relay='', hidden=''):
        self.kinds, self.relay, self.hidden = (left, right), relay, hidden
        self.name = '%s to %s' % self.kinds
        if hidden:
            self.name += ', relay only by %s at %s' % (relay, {'a': 'the left', 'b': 'the right', 'ab': 'both'}[hidden])

    def options(self, end):
        hide = end in self.hidden
        return [*peers.servers(self.relay if hide else 'all'), *(['relay'] if hide else [])]

    def is_direct(self):
        return not self.hidden and worlds.direct(*(worlds.Kind(k) for k in self.kinds))


def cells():
    kinds = list(worlds.KINDS)
    found = [Cell(left, right) for left in kinds for right in kinds]
    found += [Cell('broken-ipv6' if t.endswith('6') else 'cone', 'ipv6-only' if t.endswith('6') else 'symmetric', t, 'b') for t in TRANSPORTS]
    found += [Cell('ipv6-only', 'ipv6-only', t, 'ab') if t.endswith('6') else Cell('open', 'cone', t, 'ab') for t in TRANSPORTS]
    found.append(Cell('only-443', 'symmetric', 'tls', 'a'))  # what an office lets out
    return found


def wrong_way(cell, call):
    """What is wrong with the way that the data takes, or ''. A better one than the first is taken when it is found."""
    end = time.monotonic() + 2
    while True:
        pairs = call.a.pair(), call.b.pair()
        text = '%s and %s' % pairs
        if all(pairs) and cell.is_direct() == (not any(p.relayed for p in pairs)):
            break
        if time.monotonic() > end:
            return text + (' where there is a direct way' if cell.is_direct() else ' where there is none')
        time.sleep(0.05)
    for p, which in zip(pairs, 'ab'):
        if which in cell.hidden and str(p) != 'relay/' + protocol(cell.relay):
            return '%s, not the relay by %s' % (text, protocol(cell.relay))
    return ''


def protocol(transport):
    return 'udp' if transport.startswith('udp') else 'tls' if transport.startswith('tls') or transport == 'name' else 'tcp'


def run(cell, program, directory):
    """(whether it is good, what there is to say)"""
    world = call = None
    try:
        world = worlds.World(directory, *cell.kinds)
        call = peers.Call(program, world, (cell.options('a'), cell.options('b')), DIRECT if cell.is_direct() else RELAYED)
        connected = call.connect()
        with BUSY:
            start = time.monotonic()
            call.exchange()
            spent = time.monotonic() - start
        wrong = wrong_way(cell, call) or '; '.join(call.errors())
        return not wrong, wrong or '%s and %s, connected after %.2f s, ten megabytes each way in %.1f s' % (
            call.a.pair(), call.b.pair(), connected, spent)
    except (peers.Late, OSError) as e:
        return False, str(e)
    finally:
        if call:
            call.end()
        if world:
            world.close()


def chosen(args):
    all_cells = cells()
    if args.text:
        return [c for c in all_cells if any(t in c.name for t in args.text)]
    if args.fast:
        return [c for c in all_cells if c.name in FAST or c.hidden == 'ab']
    return all_cells


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('peer')
    parser.add_argument('--fast', action='store_true')
    parser.add_argument('--list', action='store_true')
    parser.add_argument('--jobs', type=int, default=3 * (os.cpu_count() or 1))
    parser.add_argument('text', nargs='*')
    args = parser.parse_args()
    if os.geteuid() != 0:
        os.execvp('unshare', ['unshare', '--user', '--map-root-user', '--net', sys.executable, *sys.argv])
    todo, failed, start = chosen(args), 0, time.monotonic()
    if args.list:
        print('\n'.join(c.name for c in todo))
        return 0
    directory = worlds.ready()
    try:
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            for cell, result in zip(todo, pool.map(lambda c: run(c, args.peer, directory), todo)):
                failed += not result[0]
                print('%s %s: %s' % ('ok' if result[0] else 'not ok', cell.name, result[1]), flush=True)
    finally:
        shutil.rmtree(directory)
    print('%d passed, %d failed, %.0f s' % (len(todo) - failed, failed, time.monotonic() - start))
    return 1 if failed or not todo else 0


if __name__ == '__main__':
    sys.exit(main())

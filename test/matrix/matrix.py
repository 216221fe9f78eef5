#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""matrix.py PEER [--fast] [--jobs N] [--list] [--write] [TEXT…]: two peers across each pair of kinds of sites (worlds.py), and through the TURN server by
each transport, and over links with faults. In each cell both connect, within 5 s where there is a direct way and 10 s through the relay, and
exchange ten megabytes each way unharmed, or less over a slow link. A line "ok CELL: …" or "not ok CELL: …" each, with the ways that were taken. PEER: the commanded peer of test/interop.
--fast: each kind and each transport once. --write: docs/reference/networks.md, from all of them. TEXT: only cells whose name contains one of them."""
import argparse
import concurrent.futures
import os
import shutil
import sys
import threading
import time

import page
import peers
import worlds

DIRECT, RELAYED = 5, 10  # seconds
BUSY = threading.Semaphore(os.cpu_count() or 1)  # who sends: the others shall have time to connect
FAST = ['open to open', 'cone to cone', 'symmetric to open', 'symmetric to cone', 'no-udp to symmetric', 'only-443 to only-443',
        'ipv6-only to broken-ipv6', 'mtu-1280 to ipv6-only', 'broken-ipv6 to mtu-1280', 'ipv6-only to ipv6-only',
        'cone to cone, all of it', 'symmetric to symmetric, all of it']
TRANSPORTS = ['udp', 'tcp', 'tcp443', 'tls', 'udp6', 'tcp6', 'tls6', 'name']


# Of the left site, both ways (test/net/link.c), and how many messages go over it each way
LINKS = {
    'delay 100 ms': (['delay-ms=100'], peers.MESSAGES),
    'loss 5 %': (['delay-ms=10', 'loss=0.05'], peers.MESSAGES),
    'reordering 10 %': (['delay-ms=10', 'reorder=0.1', 'behind-ms=10'], peers.MESSAGES),
    'rate 2 Mbit/s': (['rate-mbit=2', 'queue=60000'], 48),
    'MTU 1280': (['mtu=1280'], peers.MESSAGES),
}
LINKS['all of it'] = (sum((settings for settings, _ in reversed(LINKS.values())), []), 16)  # the last delay counts


class Cell:
    """relay: the transport by which both ends must use the relay, '': as they like. hidden: the ends that use nothing but the relay. link: one
    of LINKS, or ''."""

    def __init__(self, left, right, relay='', hidden='', link=''):
        self.kinds, self.relay, self.hidden, self.link = (left, right), relay, hidden, link
        self.settings, self.messages = LINKS[link] if link else (None, peers.MESSAGES)
        self.name = '%s to %s' % self.kinds
        if hidden:
            self.name += ', relay only by %s at %s' % (relay, {'a': 'the left', 'b': 'the right', 'ab': 'both'}[hidden])
        if link:
            self.name += ', ' + link

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
    found += [Cell('cone', 'cone', link=k) for k in LINKS]
    found += [Cell('symmetric', 'symmetric', link=k) for k in LINKS]
    found += [Cell('ipv6-only', 'ipv6-only', link='all of it'), Cell('only-443', 'open', 'tls', 'a', 'all of it')]
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
        world = worlds.World(directory, *cell.kinds, link=cell.settings)
        call = peers.Call(program, world, (cell.options('a'), cell.options('b')), DIRECT if cell.is_direct() else RELAYED)
        connected = call.connect()
        with BUSY:
            start = time.monotonic()
            call.exchange(cell.messages)
            spent = time.monotonic() - start
        wrong = wrong_way(cell, call) or '; '.join(call.errors())
        text = '%s and %s, connected after %.2f s, %g MB each way in %.1f s' % (
            call.a.pair(), call.b.pair(), connected, cell.messages / 16, spent)
        cell.way, cell.seconds, cell.spent = '%s, %s' % (call.a.pair(), call.b.pair()), connected, spent
        wrong = wrong or call.end()
        return not wrong, wrong or text
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


def write_page(all_cells):
    kinds = list(worlds.KINDS)
    plain = {c.kinds: c for c in all_cells if not c.hidden and not c.link}
    page.put('grid', page.table(['from ↓ to →', *kinds], [
        [left, *['%s, %.2f s' % ('direct' if c.is_direct() else 'relay', c.seconds) for c in (plain[left, right] for right in kinds)]]
        for left in kinds]))
    page.put('relays', page.table(['cell', 'way', 'connected after', 'ten megabytes each way in'], [
        [c.name, c.way, '%.2f s' % c.seconds, '%.1f s' % c.spent] for c in all_cells if c.hidden and not c.link]))
    page.put('links', page.table(['cell', 'way', 'connected after', 'megabytes each way', 'in'], [
        [c.name, c.way, '%.2f s' % c.seconds, '%g' % (c.messages / 16), '%.1f s' % c.spent] for c in all_cells if c.link]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('peer')
    parser.add_argument('--fast', action='store_true')
    parser.add_argument('--list', action='store_true')
    parser.add_argument('--write', action='store_true')
    parser.add_argument('--jobs', type=int, default=3 * (os.cpu_count() or 1))
    parser.add_argument('text', nargs='*')
    args = parser.parse_args()
    if os.geteuid() != 0:
        os.execvp('unshare', ['unshare', '--user', '--map-root-user', '--net', sys.executable, *sys.argv])
    todo, failed, start = chosen(args), 0, time.monotonic()
    if args.list:
        print('\n'.join(c.name for c in todo))
        return 0
    directory = worlds.ready(args.peer)
    try:
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            for cell, result in zip(todo, pool.map(lambda c: run(c, args.peer, directory), todo)):
                failed += not result[0]
                print('%s %s: %s' % ('ok' if result[0] else 'not ok', cell.name, result[1]), flush=True)
    finally:
        shutil.rmtree(directory)
    if args.write and not failed and len(todo) == len(cells()):
        write_page(todo)
    print('%d passed, %d failed, %.0f s' % (len(todo) - failed, failed, time.monotonic() - start))
    return 1 if failed or not todo else 0


if __name__ == '__main__':
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""check_link.py LINK: the emulated link as it is, between two processes: delay, loss, rate, MTU, and that it can be cut. Whatever a busy
machine does to the time of a packet, it cannot bring it early, nor let more of them through. What else it may spoil is measured again: a
link that is wrong is so each time."""
import json
import os
import socket
import struct
import subprocess
import sys
import time

ECHO = '''
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
s.bind(("10.88.0.2", 7))
print("here", flush=True)
while True:
    d, a = s.recvfrom(4096)
    s.sendto(d, a)
'''
PART = 'inside'
TRIES = 10


class World:
    """A link with an echo at its far end; this process is at the near one."""

    def __init__(self, link, *settings):
        self.link = subprocess.Popen([link, *settings], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ready = self.link.stdout.readline().split()
        self.near, self.far = ready[2:]
        self.echo = subprocess.Popen(['nsenter', '--net=' + self.far, sys.executable, '-c', ECHO], stdout=subprocess.PIPE, text=True)
        self.echo.stdout.readline()

    def tell(self, line):
        self.link.stdin.write(line + '\n')
        self.link.stdin.flush()

    def counts(self):
        self.tell('counts')
        return [json.loads(self.link.stdout.readline()) for _ in 'ab']

    def ask(self, n, size, pause, linger):
        """Sends n packets from the near end; the round trips of those that came back, by number."""
        out = subprocess.run(['nsenter', '--net=' + self.near, sys.executable, os.path.abspath(__file__), PART, str(n), str(size),
                              str(pause), str(linger)], stdout=subprocess.PIPE, text=True, check=True).stdout
        return {int(k): float(v) for k, v in (line.split() for line in out.splitlines())}

    def close(self):
        self.echo.kill()
        self.echo.wait()
        self.link.stdin.close()
        self.link.wait()


def inside(n, size, pause, linger):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    s.connect(('10.88.0.2', 7))
    sent, end, k = {}, time.monotonic() + 1e9, 0
    while True:
        if k < n:
            sent[k] = time.monotonic()
            s.send(struct.pack('!I', k) + bytes(size - 4))
            k += 1
            if k == n:
                end = time.monotonic() + linger
        s.settimeout(pause if k < n else max(0.001, end - time.monotonic()))
        try:
            d = s.recv(4096)
            number = struct.unpack('!I', d[:4])[0]
            print(number, time.monotonic() - sent[number])
        except (TimeoutError, BlockingIOError):
            if k == n and time.monotonic() >= end:  # and nothing waits
                return


def check_delay(link):
    w = World(link, 'delay-ms=20')
    trips = sorted(w.ask(30, 100, 0.005, 0.5).values())
    w.tell('delay-ms=5')
    shorter = sorted(w.ask(30, 100, 0.005, 0.5).values())
    w.close()
    yield len(trips) == 30, 'all come back: %d of 30' % len(trips)
    yield 0.040 <= trips[0] < 0.050, 'the fastest of 40 ms took %.2f ms' % (1e3 * trips[0])
    yield 0.010 <= shorter[0] < 0.020, 'the fastest of 10 ms took %.2f ms' % (1e3 * shorter[0])


def check_loss(link):
    w = World(link, 'loss=0.1', 'seed=5')
    back = w.ask(3000, 200, 0.0003, 0.5)
    a, b = w.counts()
    w.close()
    yield 240 <= a['lost'] <= 360, 'of 3000 packets %d were lost' % a['lost']
    yield a['packets'] == 3000 - a['lost'], '%d of the others arrived' % a['packets']
    yield len(back) == b['packets'], '%d came back, %d were sent back' % (len(back), b['packets'])


def check_rate(link):
    w = World(link, 'a.rate-mbit=8', 'a.queue=1000000')  # a megabyte a second
    start = time.monotonic()
    back = w.ask(500, 972, 0, 1.5)  # with headers 1000 bytes
    spent = max(back.values()) if back else 0
    a = w.counts()[0]
    w.close()
    yield a['packets'] == 500 and a['bytes'] == 500000, '%d packets of %d bytes' % (a['packets'], a['bytes'])
    yield 0.3 <= spent <= 1.5 and time.monotonic() - start > 0.5, 'the last of half a megabyte took %.2f s' % spent


def check_queue(link):
    w = World(link, 'a.rate-mbit=8', 'a.queue=50000')
    w.ask(500, 972, 0, 0.5)
    a = w.counts()[0]
    w.close()
    yield a['packets'] + a['dropped'] == 500 and a['dropped'] > 50, '%d packets passed, %d were dropped' % (a['packets'], a['dropped'])


def check_mtu(link):
    w = World(link, 'mtu=1000')
    fits, too_large = w.ask(10, 972, 0.001, 0.3), w.ask(10, 973, 0.001, 0.3)
    a = w.counts()[0]
    w.close()
    yield len(fits) == 10 and not too_large and a['too_large'] == 10, '%d and %d came back' % (len(fits), len(too_large))


def check_cut(link):
    w = World(link)
    before = w.ask(10, 100, 0.001, 0.3)
    w.tell('down')
    cut = w.ask(10, 100, 0.001, 0.3)
    w.tell('up')
    after = w.ask(10, 100, 0.001, 0.3)
    w.close()
    yield (len(before), len(cut), len(after)) == (10, 0, 10), 'before, while and after it is cut: %d %d %d' % (
        len(before), len(cut), len(after))


def check_reorder(link):
    w = World(link, 'a.reorder=0.2', 'behind-ms=20')
    order = list(w.ask(200, 100, 0.001, 0.5))
    w.close()
    late = sum(1 for i, k in enumerate(order) if any(x > k for x in order[:i]))
    yield len(order) == 200 and late >= 10, '%d of %d came behind' % (late, len(order))


def main():
    if os.geteuid() != 0:
        os.execvp('unshare', ['unshare', '--user', '--map-root-user', sys.executable, *sys.argv])
    failed = 0
    for name, check in [(n[len('check_'):], f) for n, f in globals().items() if n.startswith('check_')]:
        for _ in range(TRIES):
            found = list(check(sys.argv[1]))
            if all(good for good, _ in found):
                break
        for good, text in found:
            print('%s %s: %s' % ('ok' if good else 'not ok', name, text), flush=True)
            failed += not good
    return 1 if failed else 0


if __name__ == '__main__':
    if sys.argv[1] == PART:
        inside(int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5]))
    else:
        sys.exit(main())

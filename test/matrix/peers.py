# SPDX-License-Identifier: BSD-2-Clause
"""The commanded peer (test/interop/peer.c) as a process in some namespace, and two of them in a call."""
import json
import os
import subprocess
import threading
import time

import worlds

CONNECTED, DISCONNECTED, FAILED = '2', '3', '4'
MESSAGE, MESSAGES = 65536, 160  # ten megabytes


class Late(Exception):
    pass


class Peer:
    """Commands in, reports out. Descriptions and candidates go to `other` by themselves, and are kept in `said`. With `restarts` set, ICE is
    restarted when the connection shows itself disconnected or failed, as applications do."""

    def __init__(self, argv, space, other=None):
        self.process = space.start(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1)
        self.other, self.said, self.errors, self.noise, self.lock, self.restarts = other, [], [], [], threading.Lock(), False
        self.kept, self.states, self.more, self.over = [], [], threading.Condition(), False
        with open(argv[-1], 'rb') as f:
            self.is_instrumented = b'__asan_init' in f.read()  # its size says nothing then
        self.readers = [threading.Thread(target=f, daemon=True) for f in (self.read, self.listen)]
        for t in self.readers:
            t.start()

    def read(self):
        for line in self.process.stdout:
            fields = line.rstrip('\n').split('\t')
            if fields[0] in ('D', 'C'):
                self.said.append(line)
                if self.other:
                    self.other.write(line)
            elif fields[0] in ('error', 'gap'):
                self.errors.append(' '.join(fields))
            elif fields[0] == 'state':
                if fields[2] != self.state():
                    self.states.append((time.monotonic(), fields[2]))
                    if self.restarts and fields[2] in (DISCONNECTED, FAILED):
                        self.tell('restart', 0)
            with self.more:
                self.kept.append(fields)
                self.more.notify_all()
        with self.more:
            self.over = True
            self.more.notify_all()

    def listen(self):
        for line in self.process.stderr:
            self.noise.append(line.rstrip('\n'))

    def write(self, line):
        with self.lock:
            try:
                self.process.stdin.write(line)
            except (OSError, ValueError):
                pass  # it ended: whoever waits for its reports hears of it

    def tell(self, *fields):
        self.write('\t'.join(str(f) for f in fields) + '\n')

    def wait(self, fields, seconds=20):
        """The first report, past or to come, that begins with these fields (None: any); it is taken out. Any thread."""
        def fits(r):
            return all(f is None or str(f) == g for f, g in zip(fields, r)) and len(r) >= len(fields)
        end = time.monotonic() + seconds
        with self.more:
            while True:
                for i, r in enumerate(self.kept):
                    if fits(r):
                        return self.kept.pop(i)
                if self.over:
                    raise Late('the peer ended' + self.said_last())
                if not self.more.wait(end - time.monotonic()) and time.monotonic() >= end:
                    raise Late('no "%s" within %g s%s' % (' '.join(str(f) for f in fields), seconds, self.said_last()))

    def said_last(self):
        return ''.join('; ' + t for t in [*self.errors[-1:], *self.noise[-1:]])

    def ask(self, *fields):
        self.tell(*fields)
        return self.wait(fields[:2])

    def state(self):
        return self.states[-1][1] if self.states else '0'

    def wait_state(self, value, seconds):
        end = time.monotonic() + seconds
        while self.state() != value:
            if time.monotonic() > end:
                raise Late('state %s, not %s, after %g s%s' % (self.state(), value, seconds, self.said_last()))
            time.sleep(0.005)

    def count(self, channel):
        return [int(x) for x in self.ask('count', channel)[2:]]

    def pair(self):
        """Of the selected pair: "host", "srflx", "prflx", "relay-udp", "relay-tcp" or "relay-tls" of each end, and the local address."""
        stats = {}
        for s in json.loads(self.ask('stats', 0)[2]).values():
            stats[s['id']] = s
        transport = next(s for s in stats.values() if s['type'] == 'transport')
        pair = stats.get(transport.get('selectedCandidatePairId'))
        if not pair:
            return None
        ends = [stats[pair[x]] for x in ('localCandidateId', 'remoteCandidateId')]
        return Pair(*ends)

    def packet_size(self):
        return max(int(s.get('mtu', 0)) for s in json.loads(self.ask('stats', 0)[2]).values())

    def size(self):
        """KB of memory."""
        return int(self.ask('rss')[1])

    def descriptors(self):
        return len(os.listdir('/proc/%d/fd' % self.process.pid))

    def end(self):
        """What is wrong with how it ended, or ''. A sanitizer has its say then."""
        wrong = ''
        try:
            self.process.stdin.close()
        except OSError:
            pass  # it has ended
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            wrong = 'a peer does not end'
        for t in self.readers:
            t.join()
        self.process.stdout.close()
        self.process.stderr.close()
        if self.process.returncode != 0 and not wrong:
            wrong = 'a peer ended with %d; %s' % (self.process.returncode, ' | '.join([n for n in self.noise if 'ERROR' in n or '    #' in n][:12]))
        return wrong


class Pair:
    def __init__(self, local, remote):
        self.local, self.remote = local, remote
        self.relayed = 'relay' in (local['candidateType'], remote['candidateType'])

    def __str__(self):
        via = self.local.get('relayProtocol')
        return '%s%s' % (self.local['candidateType'], '/' + via if via else '')


def servers(which='all'):
    """URLs as the peer takes them. which: 'all', or one of 'udp', 'tcp', 'tls', 'udp6', 'tcp6', 'tls6', 'name'."""
    urls = {
        'stun': 'stun:%s:%d' % (worlds.SERVER4, worlds.PORT),
        'udp': 'turn:%s:%d?transport=udp' % (worlds.SERVER4, worlds.PORT),
        'tcp': 'turn:%s:%d?transport=tcp' % (worlds.SERVER4, worlds.PORT),
        'tcp443': 'turn:%s:%d?transport=tcp' % (worlds.SERVER4, worlds.PORT_TLS),
        'tls': 'turns:%s:%d?transport=tcp' % (worlds.SERVER4, worlds.PORT_TLS),
        'udp6': 'turn:[%s]:%d?transport=udp' % (worlds.SERVER6, worlds.PORT),
        'tcp6': 'turn:[%s]:%d?transport=tcp' % (worlds.SERVER6, worlds.PORT),
        'tls6': 'turns:[%s]:%d?transport=tcp' % (worlds.SERVER6, worlds.PORT_TLS),
        'name': 'turns:turn.example:%d?transport=tcp' % worlds.PORT_TLS,
    }
    chosen = ['stun', 'udp', 'tcp443', 'udp6'] if which == 'all' else [which]
    return ['server=%s|%s|%s' % (urls[w], worlds.USER, worlds.PASSWORD) if w != 'stun' else 'server=' + urls[w] for w in chosen]


class Call:
    """A peer at each of two sites, connected by a channel "first" that the left one opens."""

    def __init__(self, program, world, options=((), ()), seconds=10):
        argv = world.names.wrap([program])
        self.a = Peer(argv, world.peers[1])
        self.b = Peer(argv, world.peers[2], self.a)
        self.a.other = self.b
        self.seconds, self.options = seconds, options
        self.begin()

    def begin(self):
        """New connections, in the place of those that there were."""
        for p, more in ((self.a, self.options[0]), (self.b, self.options[1])):
            p.tell('new', 0, 'trickle', *more)
            p.tell('mode', 0, 'sink')
        self.a.tell('perfect', 0, 'impolite')
        self.b.tell('perfect', 0, 'polite')

    def drop(self):
        """Frees the connections, but not the processes. What they had to say has been said: both had gathered."""
        for p in self.a, self.b:
            p.wait(['state', 0, None, None, 2], 10)
        for p in self.a, self.b:
            p.tell('free', 0)
        for p in self.a, self.b:
            p.ask('rss')
            with p.more:
                p.kept.clear()
            p.states.clear()
            p.said.clear()

    def anew(self, options):
        self.options = options
        self.begin()
        return self.connect()

    def connect(self):
        """Seconds until both are connected and the channel is open."""
        for p in self.a, self.b:
            p.ask('rss')  # all that it was told before is done
        if self.errors():
            raise Late('; '.join(self.errors()))
        start = time.monotonic()
        self.a.tell('open', 0, 'first')
        self.i = int(self.a.wait(['dc'])[1])
        try:
            self.a.wait(['open', self.i], self.seconds)
        except Late as e:
            raise Late('not connected after %g s%s' % (self.seconds, str(e).partition(' s')[2])) from None
        self.k = int(self.b.wait(['channel', 0, None, 'first'], 2)[2])
        for p in self.a, self.b:
            p.wait_state(CONNECTED, 2)
        return time.monotonic() - start

    def exchange(self, messages=MESSAGES, seconds=60):
        """Both send so many at once; what came must be what was sent, by number, length, order and content."""
        for p, c in ((self.a, self.i), (self.b, self.k)):
            p.tell('send', c, 'bin', MESSAGE, messages)
        for p, c, q, d in ((self.a, self.i, self.b, self.k), (self.b, self.k, self.a, self.i)):
            sent = [int(x) for x in p.wait(['sent', c], seconds)[2:]]
            end = time.monotonic() + seconds
            while (got := q.count(d))[0] < messages and time.monotonic() < end:
                time.sleep(0.02)
            if got != [messages, messages * MESSAGE, sent[1]]:
                raise Late('%d of %d messages came, hash %d of %d' % (got[0], messages, got[2], sent[1]))

    def end(self):
        """What is wrong with how they ended, or ''."""
        return '; '.join(filter(None, [p.end() for p in (self.a, self.b)]))

    def errors(self):
        return [e for p in (self.a, self.b) for e in p.errors]

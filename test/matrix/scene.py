# SPDX-License-Identifier: BSD-2-Clause
"""A call in a world of its own while something happens to it."""
import concurrent.futures
import threading
import time

import peers
import worlds
from peers import Late

RATE = '10mbit'  # of a site, each way: so that a transfer lasts as long as what happens to it, and many at once do not need all of a machine
ENOUGH = 80      # messages: 4 s at that rate


class Scene:
    """A call in a world of its own, with slow links, and bulk data in both directions."""

    def __init__(self, program, directory, left, right, options=None, media=False, link=None):
        self.world = worlds.World(directory, left, right, link=link)
        for n in 1, 2:
            self.slow(n)
        everything = peers.servers()
        self.call = peers.Call(program, self.world, options or (everything, everything))
        self.media = media
        if media:
            self.call.a.tell('transceiver', 0, 'video', 'sendonly')
            self.call.a.tell('transceiver', 0, 'audio', 'sendonly')

    def slow(self, n):
        for space, device in ((self.world.internet.space, 's%d' % n), (self.world.sites[n].router, 'wan')):
            space.run('tc', 'qdisc', 'replace', 'dev', device, 'root', 'tbf', 'rate', RATE, 'burst', '32k', 'limit', '100k')

    def __enter__(self):
        self.call.connect()
        if self.media:
            self.call.a.tell('play', 0, 0, '160x90')
            self.call.a.tell('play', 0, 1)
        return self

    def __exit__(self, kind, *_):
        wrong = self.call.end()
        self.world.close()
        if wrong and not kind:
            raise Late(wrong)

    def begin(self, messages=ENOUGH):
        """The transfer, in another thread; `done` gives its result."""
        self.result = concurrent.futures.Future()

        def transfer():
            try:
                self.call.exchange(messages, 150)
                self.result.set_result(time.monotonic())
            except Exception as e:  # whatever it is, who waits for it shall have it
                self.result.set_exception(e)
        threading.Thread(target=transfer, daemon=True).start()
        time.sleep(1)

    def large(self, seconds=10):
        """Until both send packets that fill those of the path: a smaller one shall get what was cut for it."""
        end = time.monotonic() + seconds
        for p in self.call.a, self.call.b:
            while p.packet_size() < 1400:
                if time.monotonic() > end:
                    raise Late('packets of %d bytes after %g s' % (p.packet_size(), seconds))
                time.sleep(0.1)

    def done(self, since, limit):
        """Seconds from then until the transfer was complete."""
        try:
            return self.result.result(max(0, since + limit - time.monotonic())) - since
        except (TimeoutError, concurrent.futures.TimeoutError):
            a, b = (p.state() for p in (self.call.a, self.call.b))
            raise Late('not complete after %g s; states %s and %s' % (limit, a, b)) from None

    def both(self, state, seconds):
        for p in self.call.a, self.call.b:
            p.wait_state(state, seconds)
        return time.monotonic()

    def restart(self):
        """As an application does that was told of the change."""
        self.call.a.tell('restart', 0)

    def frames(self, kind='video/'):
        tracks = [f.split(',') for f in self.call.b.ask('frames', 0)[2:]]
        return sum(int(t[3]) for t in tracks if t[2].startswith(kind))

    def seen(self, since):
        """The states that the left peer showed since then."""
        return ''.join(s for t, s in self.call.a.states if t >= since)

    def sound(self):
        if self.call.errors():
            raise Late('; '.join(self.call.errors()))


def video_back(s, since, limit=2):
    """Seconds from then until pictures come again."""
    before = s.frames()
    while s.frames() < before + 3:
        if time.monotonic() > since + limit:
            raise Late('no video %.1f s after the path was there' % (time.monotonic() - since))
        time.sleep(0.02)
    return time.monotonic() - since

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""events.py PEER [--long] [TEXT…]: what happens to a path while data crosses it: it is cut for a while, addresses change, a NAT forgets, the
TURN server is started anew; and what is on the wire of a peer that uses nothing but the relay. Reliable data must arrive complete and in
order, video come back within two seconds of the path. A line "ok EVENT: …" or "not ok EVENT: …" each. --long: cuts of 20 and 40 s too, which
need a minute. TEXT: only events whose name contains one of them."""
import concurrent.futures
import os
import shutil
import socket
import struct
import sys
import threading
import time

import peers
import worlds
from peers import CONNECTED, DISCONNECTED, FAILED, Late

RATE = '40mbit'  # of a site, each way: so that a transfer lasts as long as what happens to it
ENOUGH = 320     # messages: 4 s at that rate


class Scene:
    """A call in a world of its own, with slow links, and bulk data in both directions."""

    def __init__(self, program, directory, left, right, options=None, media=False):
        self.world = worlds.World(directory, left, right)
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
            space.run('tc', 'qdisc', 'replace', 'dev', device, 'root', 'tbf', 'rate', RATE, 'burst', '64k', 'limit', '300k')

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


# ---- the path is cut ----

def cut(s, seconds):
    """The times at which it was cut and mended."""
    s.begin()
    at = time.monotonic()
    s.world.sites[1].cut()
    time.sleep(seconds)
    s.world.sites[1].mend()
    return at, time.monotonic()


def event_cut_3_s_direct(make):
    with make('cone', 'cone') as s:
        at, mended = cut(s, 3)
        took = s.done(mended, 60)
        if s.seen(at):
            raise Late('the state changed: ' + s.seen(at))
        s.sound()
        return 'complete %.1f s after it was mended' % took


def event_cut_3_s_through_the_relay(make):
    with make('symmetric', 'symmetric') as s:
        at, mended = cut(s, 3)
        took = s.done(mended, 60)
        if s.seen(at):
            raise Late('the state changed: ' + s.seen(at))
        s.sound()
        return 'complete %.1f s after it was mended' % took


def longer(s, seconds):
    at, mended = cut(s, seconds)
    shown = [(t - at, v) for t, v in s.call.a.states if t >= at]
    if not shown or shown[0][1] != DISCONNECTED or not 4.5 <= shown[0][0] <= 7.5:
        raise Late('states while it was cut: %s' % shown)
    s.both(CONNECTED, 10)
    back = time.monotonic() - mended
    took = s.done(mended, 90)
    s.sound()
    return 'disconnected after %.1f s, connected %.1f s after it was mended, complete after %.1f s' % (shown[0][0], back, took)


def event_long_cut_20_s_direct(make):
    with make('cone', 'cone') as s:
        return longer(s, 20)


def event_long_cut_20_s_through_the_relay(make):
    with make('symmetric', 'symmetric') as s:
        return longer(s, 20)


def ends(s):
    """Consent ends after 30 s: no packet but STUN leaves then. An ICE restart brings the same connection back."""
    s.begin()
    at = time.monotonic()
    s.world.sites[1].cut()
    failed = s.both(FAILED, 36) - at
    time.sleep(max(0, 40 - (time.monotonic() - at)))
    s.world.sites[1].mend()
    mended = time.monotonic()
    s.restart()
    back = s.both(CONNECTED, 10) - mended
    took = s.done(mended, 90)
    s.sound()
    return 'failed after %.1f s, connected %.1f s after it was mended and restarted, complete after %.1f s' % (failed, back, took)


def event_long_cut_40_s_direct(make):
    with make('cone', 'cone') as s:
        return ends(s)


def event_long_cut_40_s_through_the_relay(make):
    with make('symmetric', 'symmetric') as s:
        return ends(s)


# ---- addresses change ----

def move(s, host):
    site, peer = s.world.sites[1], s.world.peers[1]
    site.unplug()
    site.plug(peer, host)


def event_new_address_and_a_restart(make):
    with make('cone', 'cone') as s:
        s.begin()
        move(s, 11)
        at = time.monotonic()
        s.restart()
        took = s.done(at, 60)
        s.both(CONNECTED, 1)
        s.sound()
        return 'complete %.1f s after it changed' % took


def event_new_address_and_a_restart_when_that_shows(make):
    with make('cone', 'cone') as s:
        s.call.a.restarts = s.call.b.restarts = True
        s.begin()
        move(s, 11)
        at = time.monotonic()
        took = s.done(at, 60)
        s.both(CONNECTED, 10)
        s.sound()
        return 'complete %.1f s after it changed' % took


def event_new_address_that_nobody_told_of(make):  # the library must watch the interfaces
    with make('cone', 'cone') as s:
        s.begin()
        move(s, 11)
        at = time.monotonic()
        took = s.done(at, 20)
        s.sound()
        return 'complete %.1f s after it changed' % took


def mobile(s):
    """The peer leaves its site for another one, behind another NAT."""
    s.world.add(3, 'symmetric')
    s.slow(3)
    s.begin()
    s.world.sites[1].unplug()
    s.world.sites[3].plug(s.world.peers[1])
    return time.monotonic()


def video_back(s, since, limit):
    before = s.frames()
    while s.frames() < before + 3:
        if time.monotonic() > since + limit:
            raise Late('no video %.1f s after the change' % limit)
        time.sleep(0.02)
    return time.monotonic() - since


def event_other_network_and_a_restart_video_too(make):
    with make('cone', 'cone', media=True) as s:
        at = mobile(s)
        time.sleep(0.3)  # what was on its way has arrived
        s.restart()
        video, took = video_back(s, at + 0.3, 2), s.done(at, 60)
        s.sound()
        return 'video %.2f s after the path, data complete after %.1f s; %s' % (video, took, s.call.a.pair())


def event_other_network_that_nobody_told_of_video_too(make):
    with make('cone', 'cone', media=True) as s:
        at = mobile(s)
        time.sleep(0.3)  # what was on its way has arrived
        video, took = video_back(s, at + 0.3, 4), s.done(at, 60)
        s.sound()
        return 'video %.2f s after the path, data complete after %.1f s; %s' % (video, took, s.call.a.pair())


def rebind(s, n=1):
    """Neither peer can know; whose packets no longer arrive finds it out, and its application restarts ICE then."""
    s.call.a.restarts = s.call.b.restarts = True
    s.begin()
    s.world.sites[n].rebind()
    at = time.monotonic()
    took = s.done(at, 90)
    s.both(CONNECTED, 10)
    s.sound()
    return 'complete %.1f s after it; states of the left one %s' % (took, s.seen(at) or 'as before')


def event_nat_rebinds_towards_an_open_site(make):
    with make('cone', 'open') as s:
        return rebind(s)


def event_nat_rebinds_of_the_answerer(make):
    with make('open', 'cone') as s:
        return rebind(s, 2)


def event_nat_rebinds_between_two(make):
    with make('cone', 'cone') as s:
        return rebind(s)


def event_nat_rebinds_on_the_way_to_the_relay(make):
    with make('symmetric', 'symmetric') as s:
        return rebind(s)


# ---- the TURN server ----

def event_turn_server_starts_anew_and_a_restart(make):
    with make('symmetric', 'symmetric') as s:
        s.begin()
        s.world.turn.stop()
        s.world.turn.start()
        at = time.monotonic()
        s.restart()
        took = s.done(at, 60)
        s.both(CONNECTED, 1)
        s.sound()
        return 'complete %.1f s after it' % took


def event_turn_server_starts_anew_and_nobody_knows(make):
    with make('symmetric', 'symmetric') as s:
        s.begin()
        s.world.turn.stop()
        s.world.turn.start()
        at = time.monotonic()
        s.both(FAILED, 45)
        failed = time.monotonic() - at
        s.restart()
        took = s.done(at, 90)
        s.both(CONNECTED, 1)
        s.sound()
        return 'failed after %.1f s, restarted, complete after %.1f s' % (failed, took)


# ---- patience ----

def lossy(s, seconds):
    """Five per cent of all packets, each way, under numbered messages, ten a second in each direction, sound and a small picture."""
    with s:
        ends = ((s.call.a, s.call.i), (s.call.b, s.call.k))
        s.world.sites[1].lose(5)
        at = time.monotonic()
        for p, channel in ends:
            p.tell('mode', 0, 'numbered')
            p.tell('flow', channel, 100)
        while time.monotonic() < at + seconds:
            time.sleep(1)
            steady(s, at)
        spent = time.monotonic() - at
        for p, channel in ends:
            p.tell('flow', channel, 0)
        counts = [int(p.wait(['flow', channel])[2]) for p, channel in ends]
        for (q, channel), sent in zip(reversed(ends), counts):
            end = time.monotonic() + 30
            while (got := q.count(channel)[0]) < sent and time.monotonic() < end:
                time.sleep(0.05)
            if got != sent or sent < 5 * spent:
                raise Late('%d of %d messages came' % (got, sent))
        sound, pictures = s.frames('audio/'), s.frames()
        if sound < 25 * spent or pictures < 10 * spent:
            raise Late('%d frames of sound and %d pictures in %.0f s' % (sound, pictures, spent))
        steady(s, at)
        return 'no state changed in %.0f s; %s and %s messages, %d frames of sound, %d pictures; %s' % (
            spent, *counts, sound, pictures, s.call.a.pair())


def steady(s, since):
    for p in s.call.a, s.call.b:
        if p.over:
            raise Late('a peer ended' + p.said_last())
        changed = [(round(t - since, 1), v) for t, v in p.states if t >= since]
        if changed:
            raise Late('the state changed: %s' % changed)
    s.sound()


def event_five_percent_are_lost(make):
    return lossy(make('cone', 'cone', media=True), 30)


def event_five_percent_are_lost_through_the_relay(make):
    return lossy(make('symmetric', 'symmetric', media=True), 30)


def event_long_five_percent_are_lost_for_an_hour(make):
    return lossy(make('cone', 'cone', media=True), 3600)


def event_long_five_percent_are_lost_for_an_hour_through_the_relay(make):
    return lossy(make('symmetric', 'symmetric', media=True), 3600)


TRANSPORTS = ['udp', 'tcp', 'tls']


def churn(make, rounds):
    """Connections over relays made and dropped, in the same two processes: neither they nor the server keep anything of them."""
    options = [[*peers.servers(t), 'relay'] for t in TRANSPORTS]
    with make('open', 'open', (options[0], options[0])) as s:
        sizes = []
        for k in range(rounds):
            s.call.drop()
            if k == rounds // 3:
                sizes.append(at_rest(s))
            s.call.anew((options[k % 3], options[k % 3]))
        s.call.drop()
        sizes.append(at_rest(s))
        grown, more = (max(y[i] - x[i] for x, y in zip(*sizes)) for i in (0, 1))
        if more or grown > 2048 and not s.call.a.is_instrumented:
            raise Late('%d KB and %d descriptors more after %d connections' % (grown, more, rounds))
        s.sound()
        return '%d KB and %d descriptors more after %d connections, no allocation left' % (grown, more, rounds)


def at_rest(s):
    """Memory and descriptors of each peer when nothing is connected and the server holds nothing; goodbyes take a second at most."""
    end = time.monotonic() + 5
    while (left := s.world.turn.left()) and time.monotonic() < end:
        time.sleep(0.1)
    if left:
        raise Late(left)
    time.sleep(1.5)
    return [(p.size(), p.descriptors()) for p in (s.call.a, s.call.b)]


def event_connections_over_relays_leave_nothing(make):
    return churn(make, 30)


def event_long_a_thousand_connections_over_relays_leave_nothing(make):
    return churn(make, 1000)


# ---- what is on the wire ----

class Capture:
    """Source and destination of each packet of IP of a peer."""

    def __init__(self, space):
        with space:
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            self.socket.bind(('net', 0))
        self.ends, self.packets, self.over = set(), 0, False
        self.socket.settimeout(0.1)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.over:
            try:
                p = self.socket.recv(70000)
            except TimeoutError:
                continue
            except OSError:
                return  # the interface went
            kind = struct.unpack('!H', p[12:14])[0]
            if kind == 0x0800:
                self.note(socket.AF_INET, p[26:30], p[30:34])
            elif kind == 0x86dd and 58 not in (p[20], p[54] if p[20] == 0 else 0):  # ICMPv6, also after options, belongs to the link
                self.note(socket.AF_INET6, p[22:38], p[38:54])

    def note(self, family, a, b):
        self.packets += 1
        self.ends |= {socket.inet_ntop(family, a), socket.inet_ntop(family, b)}

    def stop(self):
        self.over = True
        self.thread.join()
        self.socket.close()


def hidden(make, left, right, who, transport):
    """`who` use nothing but the relay: the other's addresses are not on their wire, theirs in nothing that they say."""
    options = [[*peers.servers(transport), 'relay'] if w in who else peers.servers() for w in 'ab']
    scene = make(left, right, options)
    captures = {w: Capture(scene.world.peers[n]) for n, w in ((1, 'a'), (2, 'b')) if w in who}
    try:
        with scene as s:
            s.begin(40)
            s.done(time.monotonic(), 30)
            time.sleep(1)  # checks may go on
            for w, c in captures.items():
                c.stop()
                leaks(s, w, c)
            s.sound()
            return 'nothing among %s packets' % ' and '.join(str(c.packets) for c in captures.values())
    finally:
        for c in captures.values():
            c.over = True


def leaks(s, who, capture):
    n = 1 if who == 'a' else 2
    site, said = s.world.sites[n], ''.join(getattr(s.call, who).said)
    own = {site.address(f) for f in site.kind.families}
    others = capture.ends - own - {worlds.SERVER4, worlds.SERVER6}
    if capture.packets < 1000 or not capture.ends & own:
        raise Late('the capture of %s holds %d packets: it is none' % (who, capture.packets))
    if others:
        raise Late('packets of %s to or from %s' % (who, ', '.join(sorted(others))))
    found = [a for a in own | {'203.0.113.%d' % (16 * n + 2)} if a + ' ' in said or a + '\\n' in said]
    if found:
        raise Late('%s says %s' % (who, ', '.join(found)))


def event_nothing_but_the_relay_both(make):
    return hidden(make, 'open', 'open', 'ab', 'udp')


def event_nothing_but_the_relay_by_tcp_both(make):
    return hidden(make, 'open', 'open', 'ab', 'tcp')


def event_nothing_but_the_relay_who_offers(make):
    return hidden(make, 'cone', 'open', 'a', 'udp')


def event_nothing_but_the_relay_who_answers(make):
    return hidden(make, 'open', 'cone', 'b', 'udp')


def event_nothing_but_the_relay_by_ipv6(make):
    return hidden(make, 'ipv6-only', 'ipv6-only', 'ab', 'udp6')


# ---- all of it ----

def run(name, program, directory):
    try:
        return True, globals()['event_' + name](lambda *args, **more: Scene(program, directory, *args, **more))
    except (Late, OSError) as e:
        return False, str(e)


def main():
    program, words = sys.argv[1], [w.replace(' ', '_') for w in sys.argv[2:] if not w.startswith('--')]
    if os.geteuid() != 0:
        os.execvp('unshare', ['unshare', '--user', '--map-root-user', '--net', sys.executable, *sys.argv])
    names = [n[len('event_'):] for n in globals() if n.startswith('event_')]
    names = [n for n in names if '--long' in sys.argv or n in words or not n.startswith('long')]
    names = [n for n in names if not words or any(w in n for w in words)]
    directory, failed = worlds.ready(program), 0
    try:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for name, (good, text) in zip(names, pool.map(lambda n: run(n, program, directory), names)):
                failed += not good
                print('%s %s: %s' % ('ok' if good else 'not ok', name.replace('_', ' '), text), flush=True)
    finally:
        shutil.rmtree(directory)
    print('%d passed, %d failed' % (len(names) - failed, failed))
    return 1 if failed or not names else 0


if __name__ == '__main__':
    sys.exit(main())

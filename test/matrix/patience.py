# SPDX-License-Identifier: BSD-2-Clause
"""Events that are long, or many: loss that goes on, and connections made and dropped."""
import time

import peers
from peers import Late


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

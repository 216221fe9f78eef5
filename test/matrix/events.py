#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""events.py PEER [--long] [--write] [TEXT…]: what happens to a path while data crosses it: it is cut for a while, addresses change, a NAT forgets, the
TURN server is started anew; five per cent of loss, connections made and dropped (patience.py); and what is on the wire of a peer that uses
nothing but the relay (relay_only.py). Reliable data must arrive complete and in order, video come back within two seconds of the path. A line
"ok EVENT: …" or "not ok EVENT: …" each. --long: also those that are long. --write: into docs/reference/networks.md. TEXT: only events whose name contains one of them."""
import concurrent.futures
import os
import shutil
import sys
import time

import page
import patience
import relay_only
import worlds
from peers import CONNECTED, DISCONNECTED, FAILED, Late
from scene import ENOUGH, Scene, video_back


# ---- the path is cut ----

def cut(s, seconds):
    """The times at which it was cut and mended."""
    s.begin()
    at = time.monotonic()
    s.world.sites[1].cut()
    time.sleep(seconds)
    s.world.sites[1].mend()
    return at, time.monotonic()


def short(s):
    at, mended = cut(s, 3)
    video, took = video_back(s, mended), s.done(mended, 60)
    if s.seen(at):
        raise Late('the state changed: ' + s.seen(at))
    s.sound()
    return 'video %.2f s after it was mended, data complete after %.1f s' % (video, took)


def event_cut_3_s_direct(make):
    with make('cone', 'cone', media=True) as s:
        return short(s)


def event_cut_3_s_through_the_relay(make):
    with make('symmetric', 'symmetric', media=True) as s:
        return short(s)


def longer(s, seconds):
    at, mended = cut(s, seconds)
    shown = [(t - at, v) for t, v in s.call.a.states if t >= at]
    if not shown or shown[0][1] != DISCONNECTED or not 4.5 <= shown[0][0] <= 7.5:
        raise Late('states while it was cut: %s' % shown)
    video, back = video_back(s, mended), s.both(CONNECTED, 10) - mended
    took = s.done(mended, 90)
    s.sound()
    return 'disconnected after %.1f s, connected %.1f s after it was mended, video %.2f s, complete after %.1f s' % (
        shown[0][0], back, video, took)


def event_long_cut_20_s_direct(make):
    with make('cone', 'cone', media=True) as s:
        return longer(s, 20)


def event_long_cut_20_s_through_the_relay(make):
    with make('symmetric', 'symmetric', media=True) as s:
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
    video, back = video_back(s, mended), s.both(CONNECTED, 10) - mended
    took = s.done(mended, 90)
    s.sound()
    return 'failed after %.1f s, connected %.1f s after it was mended and restarted, video %.2f s, complete after %.1f s' % (
        failed, back, video, took)


def event_long_cut_40_s_direct(make):
    with make('cone', 'cone', media=True) as s:
        return ends(s)


def event_long_cut_40_s_through_the_relay(make):
    with make('symmetric', 'symmetric', media=True) as s:
        return ends(s)


# ---- addresses change ----

def move(s, host):
    site, peer = s.world.sites[1], s.world.peers[1]
    site.unplug()
    site.plug(peer, host)


def changed(s, at, restart=False, limit=2):
    """Since then there is a path, which the application knows of if restart, and else must be found."""
    if restart:
        s.restart()
    time.sleep(0.3)  # what was on its way has arrived
    video, took = video_back(s, at, limit), s.done(at, 60)
    s.both(CONNECTED, 10)
    s.sound()
    return 'video %.2f s after the path, data complete after %.1f s; %s' % (video, took, s.call.a.pair())


def event_new_address_and_a_restart(make):
    with make('cone', 'cone', media=True) as s:
        s.begin()
        move(s, 11)
        return changed(s, time.monotonic(), restart=True)


def event_new_address_and_a_restart_when_that_shows(make):
    with make('cone', 'cone', media=True) as s:
        s.call.a.restarts = s.call.b.restarts = True
        s.begin()
        move(s, 11)
        return changed(s, time.monotonic())


def event_new_address_that_nobody_told_of(make):  # the library must watch the interfaces
    with make('cone', 'cone', media=True) as s:
        s.begin()
        move(s, 11)
        return changed(s, time.monotonic())


def mobile(s, kind='symmetric'):
    """The peer leaves its site for another one, behind another NAT. When there is a path again."""
    s.world.add(3, kind)
    s.slow(3)
    s.begin(160)
    s.large()
    s.world.sites[1].unplug()
    s.world.sites[3].plug(s.world.peers[1])
    return time.monotonic()


def event_other_network_and_a_restart(make):
    with make('cone', 'cone', media=True) as s:
        at = mobile(s)
        return changed(s, at, restart=True)


def event_other_network_that_nobody_told_of(make):
    with make('cone', 'cone', media=True) as s:
        return changed(s, mobile(s))


def event_other_network_only_relays_there(make):
    """From a site that is reached directly to one that lets out only what goes to port 443."""
    with make('cone', 'cone', media=True) as s:
        return changed(s, mobile(s, 'only-443'))


def rebind(s, n=1, restarts=True):
    """Neither peer can know; whose packets no longer arrive finds it out. Where the other's NAT lets nothing in from the new port there is no path
    until an application restarts ICE, when after 5 s the connection shows itself disconnected; and so it takes until then."""
    s.call.a.restarts = s.call.b.restarts = restarts
    s.begin(2 * ENOUGH)
    time.sleep(2)  # only where data came steadily for two seconds does its end say something
    s.world.sites[n].rebind()
    at = time.monotonic()
    text = changed(s, at, limit=10 if restarts else 2)
    return text + '; states of the left one ' + (s.seen(at) or 'as before')


# proves: A14
def event_nat_rebinds_towards_an_open_site(make):
    with make('cone', 'open', media=True) as s:
        return rebind(s, restarts=False)


# proves: A14
def event_nat_rebinds_of_the_answerer(make):
    with make('open', 'cone', media=True) as s:
        return rebind(s, 2, restarts=False)


def event_nat_rebinds_between_two(make):
    with make('cone', 'cone', media=True) as s:
        return rebind(s)


def event_nat_rebinds_on_the_way_to_the_relay(make):
    with make('symmetric', 'symmetric', media=True) as s:
        return rebind(s)


# ---- the TURN server ----

def event_turn_server_starts_anew_and_a_restart(make):
    with make('symmetric', 'symmetric', media=True) as s:
        s.begin()
        s.world.turn.stop()
        s.world.turn.start()
        return changed(s, time.monotonic(), restart=True)


def event_turn_server_starts_anew_and_nobody_knows(make):
    with make('symmetric', 'symmetric', media=True) as s:
        s.begin()
        s.world.turn.stop()
        s.world.turn.start()
        at = time.monotonic()
        s.both(FAILED, 45)
        failed = time.monotonic() - at
        return 'failed after %.1f s, restarted; ' % failed + changed(s, time.monotonic(), restart=True)


# ---- all of it ----

def found():
    """By name, in order."""
    everything = {**globals(), **vars(patience), **vars(relay_only)}
    return {n[len('event_'):]: f for n, f in everything.items() if n.startswith('event_')}


def run(event, program, directory):
    try:
        return True, event(lambda *args, **more: Scene(program, directory, *args, **more))
    except (Late, OSError) as e:
        return False, str(e)


def main():
    program, words = sys.argv[1], [w.replace(' ', '_') for w in sys.argv[2:] if not w.startswith('--')]
    if os.geteuid() != 0:
        os.execvp('unshare', ['unshare', '--user', '--map-root-user', '--net', sys.executable, *sys.argv])
    events = found()
    names = [n for n in events if '--long' in sys.argv or n in words or not n.startswith('long')]
    names = [n for n in names if not words or any(w in n for w in words)]
    directory, failed, rows = worlds.ready(program), 0, []
    try:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for name, (good, text) in zip(names, pool.map(lambda n: run(events[n], program, directory), names)):
                failed += not good
                rows.append([name.replace('_', ' '), text.replace('|', '/')])
                print('%s %s: %s' % ('ok' if good else 'not ok', name.replace('_', ' '), text), flush=True)
    finally:
        shutil.rmtree(directory)
    if '--write' in sys.argv and not failed:
        page.merge('events', ['event', 'what was seen'], rows)
    print('%d passed, %d failed' % (len(names) - failed, failed))
    return 1 if failed or not names else 0


if __name__ == '__main__':
    sys.exit(main())

# SPDX-License-Identifier: BSD-2-Clause
"""What a peer that uses nothing but the relay shows of itself: on its wire, and in what it says (RFC 8828 §5.2, mode 4 and "relay")."""
import ipaddress
import re
import socket
import struct
import threading
import time

import peers
import worlds
from peers import Late

PACKET_STATISTICS = 6
CANDIDATE = re.compile(r'candidate:\S+ \d+ \S+ \d+ (\S+) (\d+) typ (\S+)(?: raddr (\S+) rport (\d+))?')
SERVERS = {worlds.SERVER4, worlds.SERVER6}


class Capture:
    """Source and destination of each packet of IP of a peer."""

    def __init__(self, space):
        with space:
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        for option in socket.SO_RCVBUF, 33:  # SO_RCVBUFFORCE, where that is allowed
            try:
                self.socket.setsockopt(socket.SOL_SOCKET, option, 1 << 26)
            except PermissionError:
                pass
        self.socket.bind(('net', 0))
        self.ends, self.packets, self.over = set(), 0, False
        self.socket.settimeout(0.1)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                p = self.socket.recv(128)
            except TimeoutError:
                if self.over:
                    return
                continue
            except OSError:
                return  # its network went, at the end of a scene that failed
            kind = struct.unpack('!H', p[12:14])[0]
            if kind == 0x0800:
                self.note(socket.AF_INET, p[26:30], p[30:34])
            elif kind == 0x86dd and 58 not in (p[20], p[54] if p[20] == 0 else 0):  # ICMPv6, also after options, belongs to the link
                self.note(socket.AF_INET6, p[22:38], p[38:54])

    def note(self, family, a, b):
        self.packets += 1
        self.ends |= {socket.inet_ntop(family, a), socket.inet_ntop(family, b)}

    def stop(self):
        """How many packets it missed."""
        self.over = True
        self.thread.join()
        missed = struct.unpack('=II', self.socket.getsockopt(263, PACKET_STATISTICS, 8))[1]
        self.socket.close()
        return missed


def on_the_wire(capture, own):
    """What is wrong with it, in words, or ''."""
    missed = capture.stop()
    if missed:
        return 'the capture missed %d packets' % missed
    if capture.packets < 300 or not capture.ends & own:
        return 'the capture holds %d packets: it is none' % capture.packets
    others = capture.ends - own - SERVERS
    return 'packets to or from ' + ', '.join(sorted(others)) if others else ''


def in_words(said, own):
    """The same of descriptions and candidates: no address of ours as any word of them, and none but relayed candidates."""
    for line in ''.join(said).replace('\\n', '\n').splitlines():
        for word in re.split(r'[\s=]', line):
            try:
                if str(ipaddress.ip_address(word.strip('[]'))) in own:
                    return 'it says "%s"' % line
            except ValueError:
                pass  # most words are no addresses
        found = CANDIDATE.search(line)
        if found and (found[1] not in SERVERS or found[3] != 'relay' or found[4] not in (None, '0.0.0.0', '::')):
            return 'it says "%s"' % line
        if not found and 'candidate:' in line:
            return 'a candidate of another form: "%s"' % line
    return '' if any('candidate:' in line for line in said) else 'it named no candidate'


def hidden(make, left, right, who, transport, is_hiding=True, link=None):
    """`who` use nothing but the relay: the other's addresses are not on their wire, theirs in nothing that they say. is_hiding False: they may
    use anything, so that what is looked for must be found."""
    options = [[*peers.servers(transport), *(['relay'] if is_hiding else [])] if w in who else peers.servers() for w in 'ab']
    scene = make(left, right, options, link=link)
    captures = {w: Capture(scene.world.peers[n]) for n, w in ((1, 'a'), (2, 'b')) if w in who}
    with scene as s:
        s.begin(20)
        s.done(time.monotonic(), 60)
        time.sleep(1)  # checks may go on
        if is_hiding:
            s.restart()  # and what a restart says and sends
            time.sleep(1)
        packets = []
        for w, capture in captures.items():
            n = 1 if w == 'a' else 2
            site = s.world.sites[n]
            own = {site.address(f) for f in site.kind.families}
            reflexive = {'203.0.113.%d' % (16 * n + 2)}
            wrong = [on_the_wire(capture, own), in_words(getattr(s.call, w).said, own | reflexive)]
            if is_hiding and any(wrong):
                raise Late('%s: %s' % (w, '; '.join(filter(None, wrong))))
            if not is_hiding and not all(wrong):
                raise Late('%s hides nothing, but only this is seen: %s' % (w, wrong))
            packets.append(str(capture.packets))
        s.sound()
        return '%s among %s packets' % ('nothing' if is_hiding else '; '.join(wrong), ' and '.join(packets))


def event_nothing_but_the_relay_both(make):
    return hidden(make, 'open', 'open', 'ab', 'udp')


def event_nothing_but_the_relay_by_tcp_both(make):
    return hidden(make, 'open', 'open', 'ab', 'tcp')


def event_nothing_but_the_relay_by_tls_both(make):
    return hidden(make, 'cone', 'cone', 'ab', 'tls')


def event_nothing_but_the_relay_who_offers(make):
    return hidden(make, 'cone', 'open', 'a', 'udp')


def event_nothing_but_the_relay_who_answers(make):
    return hidden(make, 'open', 'cone', 'b', 'udp')


def event_nothing_but_the_relay_by_ipv6(make):
    return hidden(make, 'ipv6-only', 'ipv6-only', 'ab', 'udp6')


def event_nothing_but_the_relay_while_there_is_none_yet(make):
    """The other's candidates come before a relay of ours does: no check leaves from the host meanwhile."""
    return hidden(make, 'open', 'open', 'a', 'udp', link=['delay-ms=150'])


def event_what_is_not_hidden_is_seen(make):
    """The capture and the search of the words find what they are there for."""
    return hidden(make, 'cone', 'cone', 'ab', 'udp', is_hiding=False)

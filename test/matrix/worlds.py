# SPDX-License-Identifier: BSD-2-Clause
"""Networks to connect across, made of network namespaces: an internet with a TURN server (coturn), and sites, each a router of some kind, at
which a peer is. No namespace has a name, so nothing is left when the process ends. Needs root, or user namespaces, iproute2 and nftables.

    site N: a peer, 10.N.0.10 behind a NAT, else 198.51.100.(16 N + 10), and 2001:db8:N::10 where there is IPv6
            its router, 203.0.113.(16 N + 2) on the side of the internet, and 2001:db8:100:N::2
    internet: the TURN server, 203.0.113.200 and 2001:db8:ff::200: UDP and TCP 3478; TCP and TLS 443
"""
import ctypes
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time

CLONE_NEWNET = 0x40000000
SERVER4, SERVER6, PORT, PORT_TLS, REALM = '203.0.113.200', '2001:db8:ff::200', 3478, 443, 'matrix'
USER, PASSWORD = 'sotto', 'word'
libc = ctypes.CDLL(None, use_errno=True)
os.environ['PATH'] += ':/usr/sbin:/sbin'

# What a site is like. families: that its peer has; nat: '', 'cone' or 'symmetric'; allowed: what may leave, as nft says it, None: all.
KINDS = {
    'open': {},
    'cone': {'nat': 'cone'},
    'symmetric': {'nat': 'symmetric'},
    'no-udp': {'nat': 'cone', 'allowed': 'meta l4proto != udp'},
    'only-443': {'nat': 'cone', 'allowed': 'tcp dport 443'},
    'ipv6-only': {'families': (6,)},
    'broken-ipv6': {'families': (4, 6), 'dead6': True},
    'mtu-1280': {'mtu': 1280},
}


class Kind:
    def __init__(self, name):
        k = KINDS[name]
        self.name, self.nat, self.allowed = name, k.get('nat', ''), k.get('allowed')
        self.families, self.dead6, self.mtu = k.get('families', (4,)), k.get('dead6', False), k.get('mtu', 1500)
        self.udp = self.allowed is None
        self.works = {f for f in self.families if f == 4 or not self.dead6}  # families that reach anybody


def direct(a, b):
    """Whether peers at sites of these kinds can reach each other without a relay. Linux's masquerade lets in only what answers."""
    nats = {a.nat, b.nat}
    return a.udp and b.udp and bool(a.works & b.works) and nats not in ({'symmetric'}, {'symmetric', 'cone'})


class Space:
    """A network namespace. Only the calling thread is ever in it, and the processes that it starts there."""

    def __init__(self):
        with open('/proc/thread-self/ns/net', encoding='ascii') as home:
            check(libc.unshare(CLONE_NEWNET), 'a network namespace')
            self.fd = os.open('/proc/thread-self/ns/net', os.O_RDONLY | os.O_CLOEXEC)
            check(libc.setns(home.fileno(), CLONE_NEWNET), 'the way back')
        self.path = '/proc/%d/fd/%d' % (os.getpid(), self.fd)
        self.set(ipv6__conf__default__accept_dad=0, ipv6__conf__default__dad_transmits=0)  # addresses are good at once

    def __enter__(self):
        self.home = os.open('/proc/thread-self/ns/net', os.O_RDONLY | os.O_CLOEXEC)
        check(libc.setns(self.fd, CLONE_NEWNET), 'setns')

    def __exit__(self, *_):
        check(libc.setns(self.home, CLONE_NEWNET), 'the way back')
        os.close(self.home)

    def run(self, *argv, text=None):
        with self:
            r = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
        if r.returncode != 0:
            raise OSError('%s: %s' % (' '.join(argv), (r.stderr or r.stdout).strip()))
        return r.stdout

    def start(self, argv, **more):
        with self:
            return subprocess.Popen(argv, **more)

    def ip(self, *lines):
        self.run('ip', '-batch', '-', text='\n'.join(lines) + '\n')

    def nft(self, text):
        self.run('nft', '-f', '-', text=text)

    def set(self, **values):
        with self:
            for name, value in values.items():
                with open('/proc/sys/net/' + name.replace('__', '/'), 'w', encoding='ascii') as f:
                    f.write(str(value))

    def close(self):
        os.close(self.fd)


def check(r, what):
    if r < 0:
        raise OSError(ctypes.get_errno(), what)


def flush_conntrack(space):
    """IPCTNL_MSG_CT_DELETE of everything: what `conntrack -F` does."""
    with space:
        s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)  # NETLINK_NETFILTER
    with s:
        for family in socket.AF_INET, socket.AF_INET6:
            s.send(struct.pack('=IHHIIBBH', 20, 0x0102, 5, 1, 0, family, 0, 0))  # REQUEST and ACK
            r = struct.unpack('=IHHIIi', s.recv(4096)[:20])
            if r[5] != 0:
                raise OSError(-r[5], 'conntrack')


class Internet:
    """Where the sites meet. What leads nowhere vanishes without a word, as it does out there."""

    def __init__(self):
        self.space = Space()
        self.space.set(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1, ipv4__icmp_ratelimit=0)
        self.space.ip('link set lo up', 'link add void type bridge', 'link set void arp off', 'link set void up',
                      'address add %s/32 dev void' % SERVER4, 'address add %s/128 dev void nodad' % SERVER6,
                      'route add default dev void', 'route add ::/0 dev void')


class Wire:
    """From a site's router to the internet by an emulated link (test/net/link.c), for delay, loss and whatever else veth does not do."""
    program = ''  # `ready` knows

    def __init__(self, router, internet, device, settings):
        self.process = subprocess.Popen([self.program, 'a.netns=' + router.path, 'a.device=wan', 'b.netns=' + internet.path,
                                         'b.device=' + device, *settings], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if not self.process.stdout.readline():
            raise OSError('no emulated link')

    def tell(self, line):
        self.process.stdin.write(line + '\n')
        self.process.stdin.flush()

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Site:
    """settings: of the emulated link that it is connected by, None: by one without faults."""

    def __init__(self, internet, number, kind, settings=None):
        self.internet, self.number, self.kind, self.wire = internet, number, kind, None
        self.router, n = Space(), number
        self.inside4 = '10.%d.0.' % n if kind.nat else '198.51.100.'
        self.base = 0 if kind.nat else 16 * n  # of the last byte
        self.length = 24 if kind.nat else 28
        self.router.set(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1, ipv4__icmp_ratelimit=0)
        if settings is None:
            self.router.ip('link add wan type veth peer name s%d netns %s' % (n, internet.space.path))
        else:
            self.wire = Wire(self.router, internet.space, 's%d' % n, settings)
        self.router.ip('link set lo up', 'link set wan mtu %d up' % kind.mtu, 'address add 203.0.113.%d/28 dev wan' % (16 * n + 2),
                       'address add 2001:db8:100:%d::2/64 dev wan nodad' % n)
        internet.space.ip('link set s%d mtu %d up' % (n, kind.mtu), 'address add 203.0.113.%d/28 dev s%d' % (16 * n + 1, n),
                          'address add 2001:db8:100:%d::1/64 dev s%d nodad' % (n, n))
        self.router.ip('route add default via 203.0.113.%d' % (16 * n + 1), 'route add ::/0 via 2001:db8:100:%d::1' % n)
        if not kind.nat:
            internet.space.ip('route add 198.51.100.%d/28 via 203.0.113.%d' % (16 * n, 16 * n + 2))
        internet.space.ip('route add 2001:db8:%d::/64 via 2001:db8:100:%d::2' % (n, n))
        self.filter()
        self.nat('')

    def filter(self):
        k, unasked = self.kind, 'drop' if self.kind.nat else 'accept'
        self.router.nft('''table inet filter {
            chain forward {
                type filter hook forward priority 0; policy drop;
                %s
                tcp flags syn tcp option maxseg size set 1200 # as routers do before narrow links
                ct state established,related accept
                iifname "lan" %s accept
                iifname "wan" %s
            }
            chain input {
                type filter hook input priority 0; # what comes unasked must leave no trace, or the mapping of the peer moves
                iifname "wan" meta l4proto { udp, tcp } drop
            }
            chain output {
                type filter hook output priority 0;
                icmp type destination-unreachable drop
                icmpv6 type { packet-too-big, destination-unreachable } drop
            }
            }''' % ('meta nfproto ipv6 drop' if k.dead6 else '', k.allowed or '', unasked))
        if k.mtu < 1500:  # nor does the other end of the narrow link say what is too large for it
            self.internet.space.nft('''table inet quiet%d { chain output { type filter hook output priority 0;
                icmp type destination-unreachable icmp code frag-needed drop
                icmpv6 type packet-too-big drop; }; }''' % self.number)

    def nat(self, ports):
        """ports: ":20000-29999", what the mappings of now on are taken from; "": the peer's own, where it is free."""
        if not self.kind.nat:
            return
        how = ('to %s ' % ports if ports else '') + ('fully-random' if self.kind.nat == 'symmetric' else 'persistent')
        self.router.nft('''table ip nat
            delete table ip nat
            table ip nat { chain post { type nat hook postrouting priority 100;
                oifname "wan" meta l4proto { udp, tcp } masquerade %s
                oifname "wan" masquerade; }; }''' % how)

    def cut(self):
        """Nothing crosses the router any longer, nor does anybody learn why."""
        self.router.nft('table inet cut { chain f { type filter hook prerouting priority -400; meta l4proto != ipv6-icmp drop; }; }')

    def mend(self):
        self.router.nft('delete table inet cut')

    def lose(self, percent):
        """So many of the packets, each on its own, in each direction."""
        self.router.nft('table inet loss { chain f { type filter hook prerouting priority -400; numgen random mod 100 < %d drop; }; }' % percent)

    def rebind(self):
        """As a NAT that forgot everything: what the peer sends on comes from another port."""
        self.nat(':20000-29999')
        flush_conntrack(self.router)

    def address(self, family, host=10):
        if family == 6:
            return '2001:db8:%d::%d' % (self.number, host)
        return '%s%d' % (self.inside4, self.base + host % 16 if not self.kind.nat else host)

    def plug(self, space, host=10):
        """The peer's namespace gets an interface "net" of this site."""
        n, lines = self.number, ['link set net up']
        self.router.ip('link add lan type veth peer name net netns %s' % space.path, 'link set lan up')
        if 4 in self.kind.families:
            self.router.ip('address add %s/%d dev lan' % (self.address(4, 1), self.length))
            lines += ['address add %s/%d dev net' % (self.address(4, host), self.length), 'route add default via ' + self.address(4, 1)]
        if 6 in self.kind.families:
            self.router.ip('address add %s/64 dev lan nodad' % self.address(6, 1))
            lines += ['address add %s/64 dev net nodad' % self.address(6, host), 'route add ::/0 via 2001:db8:%d::1' % n]
        space.ip(*lines)

    def unplug(self):
        self.router.ip('link delete lan')

    def close(self):
        if self.wire:
            self.wire.close()
        self.router.close()


class Turn:
    """coturn; it ends with the thread that started it. Its certificate is of turn.example and of its addresses, by the authority of ca.pem."""

    def __init__(self, internet, directory, *options):
        self.space, self.options = internet.space, options
        self.chain, self.key = os.path.join(directory, 'turn.pem'), os.path.join(directory, 'turn.key')
        self.process = None
        self.start()

    def start(self):
        self.process = self.space.start(
            ['setpriv', '--pdeathsig', 'KILL', 'turnserver', '-n', '--no-cli', '--listening-ip=' + SERVER4, '--listening-ip=' + SERVER6,
             '--relay-ip=' + SERVER4, '--relay-ip=' + SERVER6, '--listening-port=%d' % PORT, '--tls-listening-port=%d' % PORT_TLS, '--no-dtls',
             '--cert=' + self.chain, '--pkey=' + self.key, '--lt-cred-mech', '--user=%s:%s' % (USER, PASSWORD), '--realm=' + REALM, '--log-file=/dev/null',
             '--simple-log', '--pidfile=/dev/null', '--userdb=/dev/null', '--relay-threads=1', *self.options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with self.space:
            end = time.monotonic() + 10
            for address in SERVER4, SERVER6:
                while True:
                    try:
                        socket.create_connection((address, PORT), 1).close()
                        break
                    except OSError:
                        if time.monotonic() > end or self.process.poll() is not None:
                            raise OSError('turnserver does not start: is Debian\'s package coturn there?') from None
                        time.sleep(0.02)

    def stop(self):
        self.process.kill()
        self.process.wait()

    def left(self):
        """What it holds for its clients, in words, or ''. Each allocation has a socket of the upper ports."""
        own = struct.pack('=I', struct.unpack('!I', socket.inet_aton(SERVER4))[0]).hex().upper()

        def rows(table):
            return [line.split() for line in self.space.run('cat', '/proc/net/' + table).splitlines()[1:]]
        allocations = sum(1 for r in rows('udp') if r[1].split(':')[0] == own and int(r[1].split(':')[1], 16) >= 49152)
        connections = sum(1 for r in rows('tcp') if r[3] == '01')  # established
        return '%d allocations and %d connections are left' % (allocations, connections) if allocations + connections else ''


class Names:
    """A name server beside the TURN server, which knows only that one's name."""

    def __init__(self, internet, directory):
        self.settings = os.path.join(directory, 'resolv.conf')
        with open(self.settings, 'w', encoding='ascii') as f:
            f.write('nameserver %s\n' % SERVER4)
        with internet.space:
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.bind((SERVER4, 53))
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            query, asker = self.socket.recvfrom(512)
            if not query:
                return
            end = query.index(0, 12) + 5
            is_known, kind = query[12:end - 4].lower() == b'\4turn\7example\0', query[end - 4:end - 2]
            found = {b'\0\1': socket.inet_pton(socket.AF_INET, SERVER4), b'\0\x1c': socket.inet_pton(socket.AF_INET6, SERVER6)}.get(kind, b'')
            found = found if is_known else b''
            head = query[:2] + (b'\x81\x80' if is_known else b'\x81\x83') + struct.pack('!4H', 1, 1 if found else 0, 0, 0)
            answer = b'\xc0\x0c' + query[end - 4:end] + struct.pack('!IH', 60, len(found)) + found if found else b''
            self.socket.sendto(head + query[12:end] + answer, asker)

    def wrap(self, argv):
        """The command, with this name server in a mount namespace of its own."""
        return ['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /etc/resolv.conf && exec "$@"', self.settings, *argv]

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RD)
        except OSError:
            pass  # so Linux calls it, as nobody is connected; it wakes the thread all the same
        self.thread.join()
        self.socket.close()


class World:
    """Two sites of these kinds, each with a peer's namespace; peers[1], peers[2]. link: settings of an emulated one at the left site."""

    def __init__(self, directory, left, right, turn=True, link=None):
        self.lock = threading.Lock()
        self.internet = Internet()
        self.sites = {1: Site(self.internet, 1, Kind(left), link), 2: Site(self.internet, 2, Kind(right))}
        self.peers = {n: Space() for n in self.sites}
        for n, space in self.peers.items():
            space.ip('link set lo up')
            self.sites[n].plug(space)
        self.turn = Turn(self.internet, directory) if turn else None
        self.names = Names(self.internet, directory)

    def add(self, number, kind):
        self.sites[number] = Site(self.internet, number, Kind(kind))

    def close(self):
        if self.turn:
            self.turn.stop()
        self.names.close()
        for s in [*self.sites.values(), *self.peers.values(), self.internet.space]:
            s.close()


def certificates(directory):
    """An authority and the TURN server's certificate, as files in there: ca.pem, turn.pem, turn.key."""
    def path(name):
        return os.path.join(directory, name)
    with open(path('names'), 'w', encoding='ascii') as f:
        f.write('subjectAltName=DNS:turn.example,IP:%s,IP:%s\n' % (SERVER4, SERVER6))
    new = ['openssl', 'req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
    for command in (
            [*new, '-x509', '-days', '2', '-subj', '/CN=authority', '-keyout', path('ca.key'), '-out', path('ca.pem')],
            [*new, '-subj', '/CN=turn.example', '-keyout', path('turn.key'), '-out', path('turn.csr')],
            ['openssl', 'x509', '-req', '-days', '2', '-in', path('turn.csr'), '-CA', path('ca.pem'), '-CAkey', path('ca.key'), '-CAcreateserial',
             '-extfile', path('names'), '-out', path('turn.pem')]):
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for name in 'turn.key', 'turn.pem':
        os.chmod(path(name), 0o644)  # coturn may give its rights up


def ready(peer):
    """A directory for what the worlds need, or an exception that says what is missing. The caller removes it. peer: a program of the build."""
    Wire.program = os.path.join(os.path.dirname(peer), '..', 'net', 'link')
    for program in 'ip', 'nft', 'turnserver', 'openssl':
        if not shutil.which(program):
            raise OSError('%s is missing: install iproute2, nftables, coturn and openssl' % program)
    directory = tempfile.mkdtemp(prefix='sotto-matrix-')
    os.chmod(directory, 0o755)
    certificates(directory)
    os.environ['SSL_CERT_FILE'] = os.path.join(directory, 'ca.pem')  # whom OpenSSL believes, in what is started from now on
    return directory

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The client of WHIP (RFC 9725) and WHEP against a real HTTPS server with each misbehaviour: suite.py CLIENT MEDIA EXAMPLE [TEST…].
Each test is a function named as a sentence; it gets a World. Prints "ok TEST" or "not ok TEST: why"."""
import gzip
import inspect
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import warnings

from certs import Certificates, pin_of
from server import Proxy, Reply, Server, Session

CLIENT, MEDIA, EXAMPLE = sys.argv[1:4]
TOKEN = "s3cret-Token.of_the~camera/+=="
ACCESS, PROTO, SDP, NETWORK, AGAIN, STATE = -4, -12, -11, -13, -10, -7
SDP_TYPE = ("Content-Type", "application/sdp")


class Client:
    """client.c, and what it says."""

    def __init__(self, *arguments, env=None):
        self.process = subprocess.Popen([CLIENT, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, **(env or {})})
        self.news, self.frames, self.lines, self.changed = [], (0, 0), [], threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            words = line.rstrip("\n").split(" ", 5)
            with self.changed:
                self.lines.append(line)
                if words[0] == "news":
                    self.news.append((words[1], int(words[2]), int(words[3]), int(words[4]), words[5]))
                if words[0] == "error":
                    self.news.append(("error", int(words[1]), 0, 0, line))
                if words[0] == "frames":
                    self.frames = (int(words[1]), int(words[2]))
                self.changed.notify_all()

    def wait(self, *states, after=0, seconds=20):
        """The first of these news, behind `after` others."""
        until = time.monotonic() + seconds
        with self.changed:
            while True:
                for piece in self.news[after:]:
                    if piece[0] in states:
                        return piece
                left = until - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"no {states} in {seconds} s: {self.news}")
                self.changed.wait(left)

    def say(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def end(self, seconds=20):
        if self.process.poll() is None:
            try:
                self.say("quit")
            except OSError:
                pass
        assert self.process.wait(seconds) == 0, f"the client ended with {self.process.returncode}"


class World:
    def __init__(self, directory):
        self.certs = Certificates(directory)
        self.good = self.certs.make("good")
        self.clients, self.servers, self.sessions = [], [], []

    def context(self, pair=None, **options):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*(pair or self.good))
        if "ciphers" in options:
            context.set_ciphers(options["ciphers"])
        context.minimum_version = options.get("minimum", ssl.TLSVersion.TLSv1_2)
        context.maximum_version = options.get("maximum", ssl.TLSVersion.TLSv1_3)
        return context

    def serve(self, script, context=None, **options):
        server = Server(script, context or self.context(), **options)
        self.servers.append(server)
        return server

    def proxy(self, **options):
        proxy = Proxy(**options)
        self.servers.append(proxy)
        return proxy

    def session(self, **options):
        session = Session(MEDIA, **options)
        self.sessions.append(session)
        return session

    def client(self, url, *arguments, verb="publish", env=None, ca=None, token=TOKEN):
        client = Client(verb, url, f"token={token}", f"ca={ca or self.certs.ca}", "first=200", "longest=400", *arguments, env=env)
        self.clients.append(client)
        return client

    def close(self):
        try:
            for client in self.clients:
                client.end()
        finally:
            for server in self.servers:
                server.close()
            for session in self.sessions:
                session.end()
            self.clients, self.servers, self.sessions = [], [], []


def until(condition, seconds=20, what="it"):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen in {seconds} s"
        time.sleep(0.02)


def has_token(data):
    return TOKEN.encode() in data or TOKEN[:12].encode() in data


# --- the way it is meant to be ---------------------------------------------------------------------------------------


# proves: S02 S27
def publishes_video_and_audio_over_https_and_deletes_the_session(world):
    session = world.session(token=TOKEN)
    server = world.serve(session)
    client = world.client(server.url())
    client.wait("connected")
    until(lambda: session.media.frames[0] > 25 and session.media.frames[1] > 25, what="media")
    client.say("stop")
    client.wait("ended", seconds=4)
    assert [p[0] for p in client.news] == ["new", "connecting", "connected", "ended"], client.news
    assert server.count("POST") == server.count("DELETE") == 1
    assert all(r.token() == "Bearer " + TOKEN for r in server.requests)
    assert not has_token(server.raw), "the token was readable on the wire"
    patch = next(r for r in server.requests if r.method == "PATCH")
    assert patch.fields["if-match"] == '"1-0"' and "a=candidate:" in patch.body


def plays_what_a_server_sends(world):
    session = world.session()
    server = world.serve(session)
    client = world.client(server.url(), verb="play")
    client.wait("connected")
    until(lambda: client.frames[0] > 25 and client.frames[1] > 25, what="media")
    assert "a=recvonly" in session.offer and "a=sendonly" not in session.offer


def plays_what_a_server_offers_instead(world):
    session = world.session(counter=True)
    server = world.serve(session)
    client = world.client(server.url(), verb="play")
    client.wait("connected")
    until(lambda: client.frames[0] > 25 and client.frames[1] > 25, what="media")
    answer = next(r for r in server.requests if r.method == "PATCH")
    assert answer.fields["content-type"] == "application/sdp" and "a=recvonly" in answer.body


def publishes_several_encodings(world):
    session = world.session()
    client = world.client(world.serve(session).url(), "simulcast=yes")
    client.wait("connected")
    until(lambda: session.media.low > 25 and session.media.frames[1] - session.media.low > 25, what="media of both encodings")
    assert "a=rid:hi send" in session.offer and "a=simulcast:send hi;lo" in session.offer, session.offer


def restarts_ice_by_patch_and_media_goes_on(world):
    session = world.session(token=TOKEN)
    server = world.serve(session)
    client = world.client(server.url())
    client.wait("connected")
    until(lambda: session.media.frames[1] > 10, what="media")
    client.say("restart")
    client.wait("restarting")
    client.wait("connected", after=4)
    before = session.media.frames[1]
    until(lambda: session.media.frames[1] > before + 25, what="media after the restart")
    assert session.restarts == 1 and server.count("POST") == 1
    assert next(r for r in server.requests if r.fields.get("if-match") == "*")


def publishes_anew_when_the_server_was_restarted(world):
    session = world.session(token=TOKEN)
    server = world.serve(session)
    client = world.client(server.url(), "patience=300")
    client.wait("connected")
    session.end(is_sudden=True)  # nothing of it is left, not even a goodbye
    session.number = 100
    client.wait("retrying", seconds=40)
    n = len(client.news)
    client.wait("connected", after=n - 1, seconds=40)
    until(lambda: session.media and session.media.frames[0] > 10, what="media after the loss")
    assert server.count("POST") >= 2


def goes_on_when_the_server_takes_no_candidates(world):
    for status in (405, 412, 415, 422, 428, 501):
        session = world.session(patch_status=status)
        client = world.client(world.serve(session).url())
        client.wait("connected")
        until(lambda: session.media.frames[1] > 10, what=f"media after {status}")
        assert [p[0] for p in client.news] == ["new", "connecting", "connected"], client.news
        world.close()


def candidates_that_were_not_taken_for_now_go_out_again_when_the_server_wants_them(world):
    session, times = world.session(), []

    def hesitate(r):
        if r.method == "PATCH":
            times.append(time.monotonic())
            if len(times) == 1:
                return Reply(503, [("Retry-After", "3")])
        return session(r)
    server = world.serve(hesitate)
    client = world.client(server.url())
    until(lambda: len(times) >= 2, what="another PATCH")
    assert times[1] - times[0] >= 2.9, times
    bodies = [r.body for r in server.requests if r.method == "PATCH"]
    assert "a=candidate:" in bodies[0] and bodies[0].split("a=candidate:")[1] in bodies[1]
    client.wait("connected")


def makes_a_new_session_when_the_server_does_not_restart_ice(world):
    for status in (404, 405, 422, 501):
        session = world.session(restart_status=status)
        server = world.serve(session)
        client = world.client(server.url())
        client.wait("connected")
        client.say("restart")
        piece = client.wait("retrying")
        assert piece[2] == status, client.news
        client.wait("connected", after=5)
        assert server.count("POST") == 2
        world.close()


def a_session_that_is_gone_is_made_anew(world):
    session = world.session(patch_status=404)
    server = world.serve(session)
    client = world.client(server.url())
    piece = client.wait("retrying")
    assert piece[1:3] == (NETWORK, 404), piece
    until(lambda: server.count("POST") >= 2, what="another POST")
    assert server.count("DELETE") == 0


def ice_servers_of_the_answer_are_asked_before_candidates_go_out(world):
    stun = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stun.bind(("127.0.0.1", 0))
    stun.settimeout(10)
    link = f'<stun:127.0.0.1:{stun.getsockname()[1]}>; rel="ice-server", <https://x.test/>; rel="other"'
    session = world.session(fields=[("Link", link)])
    client = world.client(world.serve(session).url())
    packet, _ = stun.recvfrom(2000)
    assert packet[4:8] == b"\x21\x12\xa4\x42", "no STUN"
    client.wait("connected")
    stun.close()


def a_server_without_trickle_is_offered_all_candidates_the_next_time(world):
    stun = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stun.bind(("127.0.0.1", 0))
    session = world.session(patch_status=405, fields=[("Link", f'<stun:127.0.0.1:{stun.getsockname()[1]}>; rel="ice-server"')])

    def lose_candidates(r):
        reply = session(r)
        if r.method == "POST" and server.count("POST") == 1:
            reply.body = re.sub(rb"a=candidate:[^\r]*\r\n", b"", reply.body)
            session.media.close(is_sudden=True)
        return reply
    server = world.serve(lose_candidates)
    client = world.client(server.url(), "connect=5000", "gather=600")
    client.wait("retrying")
    client.wait("connected")
    posts = [r.body for r in server.requests if r.method == "POST"]
    assert server.count("OPTIONS") == 1, [r.method for r in server.requests]
    assert "a=candidate:" not in posts[0] and "a=candidate:" in posts[1]
    stun.close()


def a_stop_while_the_offer_is_under_way_deletes_what_came_of_it(world):
    session = world.session()

    def slowly(r):
        if r.method == "POST":
            time.sleep(0.7)
        return session(r)
    server = world.serve(slowly)
    client = world.client(server.url())
    until(lambda: server.count("POST") == 1)
    client.say("stop")
    client.wait("ended", seconds=4)
    assert server.count("DELETE") == 1


def an_end_without_a_stop_deletes_the_session_too(world):
    server = world.serve(world.session())
    client = world.client(server.url())
    client.wait("connected")
    client.end(4)
    assert server.count("DELETE") == 1


def the_example_publishes_sound(world):
    session = world.session(interface="any", token="example")
    server = world.serve(session)
    server.context = None
    with subprocess.Popen([EXAMPLE, server.url(), "example"], stdout=subprocess.PIPE, text=True) as example:
        try:
            until(lambda: session.media and session.media.frames[0] > 25, what="sound")
        finally:
            example.terminate()
        assert example.stdout.read().split() == ["new", "connecting", "connected"]


# --- statuses, and coming back ---------------------------------------------------------------------------------------


def each_status_to_the_offer_has_its_meaning(world):
    refused = {200: PROTO, 202: PROTO, 204: PROTO, 301: PROTO, 302: PROTO, 303: PROTO, 304: PROTO, 400: STATE, 404: STATE,
               405: STATE, 406: STATE, 410: STATE, 412: STATE, 413: STATE, 415: STATE, 418: STATE, 422: STATE, 428: STATE,
               501: STATE}
    retrying = {408: AGAIN, 409: AGAIN, 425: AGAIN, 429: AGAIN, 500: STATE, 502: STATE, 503: AGAIN, 504: STATE, 599: STATE}
    for status, error in {**refused, **retrying}.items():
        server = world.serve(lambda r, s=status: Reply(s, [("Location", "/x")]))
        client = world.client(server.url())
        piece = client.wait("refused", "retrying")
        assert piece[0] == ("refused" if status in refused else "retrying"), (status, piece)
        assert piece[1:3] == (error, status) and piece[4], (status, piece)
        world.close()


def retry_after_is_honoured(world):
    for value, least, most in (("3", 3000, 3000), ("99999999999", 3600000, 3600000), ("Wed, 21 Oct 2015 07:28:05 GMT", 5000, 5000),
                               ("-1", 100, 500), ("soon", 100, 500)):
        fields = [("Retry-After", value), ("Date", "Wed, 21 Oct 2015 07:28:00 GMT")]
        client = world.client(world.serve(lambda r: Reply(503, fields)).url())
        piece = client.wait("retrying")
        assert least <= piece[3] <= most, (value, piece)
        world.close()


def retry_after_is_honoured_when_ice_is_restarted(world):
    session = world.session(restart_status=503, restart_fields=[("Retry-After", "30")])
    server = world.serve(session)
    client = world.client(server.url(), "connect=10000")
    client.wait("connected")
    client.say("restart")
    piece = client.wait("retrying", seconds=8)  # so long nobody waits for a path
    assert piece[2:4] == (503, 30000), piece


def waits_grow_where_connections_do_not_last(world):
    session = world.session()
    client = world.client(world.serve(session).url(), "longest=1600", "calm=3600000")
    waits, n = [], 0
    for _ in range(3):
        client.wait("connected", after=n)
        n = len(client.news)
        session.end()
        waits.append(client.wait("retrying", after=n, seconds=40)[3])
    assert waits[0] <= 240 and 320 <= waits[1] <= 480 and 640 <= waits[2] <= 960, waits


def waits_grow_and_attempts_end(world):
    server = world.serve(lambda r: Reply(503))
    client = world.client(server.url(), "attempts=4")
    piece = client.wait("refused")
    assert piece[1:3] == (AGAIN, 503) and server.count("POST") == 4, client.news
    waits = [p[3] for p in client.news if p[0] == "retrying"]
    assert 160 <= waits[0] <= 240 and all(320 <= w <= 480 for w in waits[1:]), waits
    client.say("retry")
    client.wait("new", after=8)


# proves: S01
def a_challenge_of_each_verb_is_answered_once(world):
    for verb in ("POST", "PATCH", "DELETE"):
        for status in (401, 403):
            session = world.session()

            def challenge(r, verb=verb, status=status, session=session):
                return Reply(status, [("WWW-Authenticate", "Bearer")]) if r.method == verb else session(r)
            server = world.serve(challenge)
            client = world.client(server.url())
            if verb == "DELETE":
                client.wait("connected")
                client.say("stop")
                client.wait("ended")
            else:
                piece = client.wait("refused")
                assert piece[1:3] == (ACCESS, status), piece
            time.sleep(0.3)
            assert server.count(verb) == 2, (verb, status, server.count(verb))
            world.close()


# proves: S01
def a_token_that_was_replaced_answers_the_challenge_and_ends_a_refusal(world):
    session = world.session(token="new-token")

    def replace(r):
        if r.method == "POST" and server.count("POST") == 1:
            client.say("token new-token")
            time.sleep(0.5)
        return session(r)
    server = world.serve(replace)
    client = world.client(server.url())
    client.wait("connected")
    assert server.count("POST") == 2
    world.close()
    server = world.serve(world.session(token="newer"))
    client = world.client(server.url())
    client.wait("refused")
    client.say("token newer")
    client.wait("connected")


# --- secrets ---------------------------------------------------------------------------------------------------------


# proves: S02 S03
def the_token_follows_no_redirection_to_another_origin(world):
    session = world.session()
    other = world.serve(session)
    server = world.serve(lambda r: Reply(307, [("Location", other.url("/elsewhere"))]))
    client = world.client(server.url())
    client.wait("connected")
    client.say("stop")
    client.wait("ended")
    assert server.requests[0].token() == "Bearer " + TOKEN
    assert [r.method for r in other.requests] == ["POST", "PATCH", "DELETE"]
    assert not any(r.token() for r in other.requests), "the token went to another origin"


def redirections_on_the_same_origin_are_followed_with_the_token(world):
    session = world.session(token=TOKEN)

    def move(r):
        if r.path == "/whip":
            return Reply(308, [("Location", "/there?x=1")])
        return session(r)
    client = world.client(world.serve(move).url())
    client.wait("connected")


# proves: S03 A21
def redirections_to_what_may_not_be_followed_are_refused(world):
    plain = world.serve(lambda r: Reply(200))
    plain.context = None
    targets = ["file:///etc/passwd", f"http://127.0.0.1:{plain.port}/whip", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "//",
               "https://user:word@127.0.0.1/", "https://127.1/", "https://0x7f000001/", "https://[::1", "javascript:alert(1)", "",
               "https://127.0.0.1:0/", "https://127.0.0.1:99999/", "https://a b/", "/" + "x" * 3000]
    for target in targets:
        server = world.serve(lambda r, t=target: Reply(307, [("Location", t)]))
        client = world.client(server.url())
        piece = client.wait("refused")
        assert piece[1] == PROTO, (target, piece)
        assert len(server.requests) == 1, target
        client.end()
    assert not plain.raw


# proves: A21
def a_hundred_redirections_are_too_many(world):
    server = world.serve(lambda r: Reply(307, [("Location", f"/{len(server.requests)}")]))
    client = world.client(server.url())
    piece = client.wait("refused")
    assert piece[1] == PROTO and len(server.requests) == 6, (piece, len(server.requests))


# proves: A21 S03
def a_session_of_another_origin_is_refused(world):
    other = world.serve(lambda r: Reply(200))
    for location in (other.url("/session"), "http://127.0.0.1/session", "//localhost/session", "file:///x", None):
        fields = [SDP_TYPE] + ([("Location", location)] if location else [])
        server = world.serve(lambda r, f=fields: Reply(201, f, b"v=0\r\n"))
        client = world.client(server.url())
        piece = client.wait("refused")
        assert piece[1] == PROTO, (location, piece)
        client.end()
        assert server.count("POST") == 1 and not any(r.method == "DELETE" for r in server.requests)
    assert not other.requests


# proves: S02 S04 S27 S33 A21
def a_server_that_cannot_be_trusted_gets_no_byte_of_the_token(world):
    make = world.certs.make
    old = {"minimum": ssl.TLSVersion.MINIMUM_SUPPORTED, "ciphers": "ALL:@SECLEVEL=0"}
    two = {"maximum": ssl.TLSVersion.TLSv1_2}
    cases = {
        "TLS 1.0": world.context(make("rsa", rsa=True), **{**old, "maximum": ssl.TLSVersion.TLSv1}),
        "TLS 1.1": world.context(make("rsa", rsa=True), **{**old, "maximum": ssl.TLSVersion.TLSv1_1}),
        "RSA key exchange": world.context(make("rsa", rsa=True), ciphers="AES128-GCM-SHA256", **two),
        "CBC": world.context(make("rsa", rsa=True), ciphers="ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES256-SHA", **two),
        "another host": world.context(make("host", names="DNS:example.com,IP:127.0.0.2")),
        "ended": world.context(make("ended", has_ended=True)),
        "self-signed": world.context(make("self", authority=None)),
        "another authority": world.context(make("foreign", authority="other")),
    }
    for name, context in cases.items():
        server = world.serve(lambda r: Reply(200), context)
        client = world.client(server.url())
        piece = client.wait("retrying", "refused")
        assert piece[0:2] == ("retrying", ACCESS), (name, piece)
        assert server.raw and not server.requests and not has_token(server.raw), name
        client.end()


# proves: S04
def a_pin_is_checked_beside_the_chain(world):
    right, wrong = pin_of(world.good[0]), pin_of(world.certs.make("some")[0])
    server = world.serve(world.session(token=TOKEN))
    client = world.client(server.url(), f"pin={wrong}")
    assert client.wait("retrying")[1] == ACCESS
    assert not server.requests and server.raw and not has_token(server.raw)
    client.end()
    client = world.client(server.url(), f"pin={wrong};{right}")
    client.wait("connected")
    client.end()
    foreign = world.certs.make("foreign", authority="other")
    server = world.serve(lambda r: Reply(200), world.context(foreign))
    client = world.client(server.url(), f"pin={pin_of(foreign[0])}")
    assert client.wait("retrying")[1] == ACCESS and not server.requests


# proves: S02 S33 A21
def plain_http_is_for_this_host_only(world):
    for url in ("http://example.com/", "http://192.0.2.1/", "http://10.0.0.1:8080/x", "http://127.0.0.1.example.com/",
                "http://localhost.example.com/", "http://0.0.0.0/", "http://[::2]/", "http://[::ffff:10.0.0.1]/"):
        assert world.client(url).wait("error")[1] == ACCESS, url
    for url in ("http://127.1/", "http://2130706433/", "http://0177.0.0.1/", "http://user@127.0.0.1/", "http://127.0.0.1%00.x/",
                "https://", "https:///x", "x", ""):
        assert world.client(url).wait("error")[1] in (-3, ACCESS), url
    server = world.serve(world.session(token=TOKEN))
    server.context = None
    for host in ("127.0.0.1", "localhost"):
        client = world.client(server.url(host=host))
        client.wait("connected")
        client.end()


# proves: S02
def nothing_of_the_environment_is_believed(world):
    proxy = world.serve(lambda r: Reply(200))
    proxy.context = None
    with tempfile.TemporaryDirectory() as home:
        with open(os.path.join(home, ".netrc"), "w", encoding="utf-8") as file:
            file.write("machine 127.0.0.1 login netrc password netrc\n")
        os.chmod(file.name, 0o600)
        at, keys = f"http://127.0.0.1:{proxy.port}", os.path.join(home, "keys")
        env = {"https_proxy": at, "HTTPS_PROXY": at, "ALL_PROXY": at, "all_proxy": at, "HOME": home,
               "SSL_CERT_FILE": world.certs.other_ca, "CURL_CA_BUNDLE": world.certs.other_ca, "SSLKEYLOGFILE": keys}
        session = world.session(fields=[("Set-Cookie", "a=b")])
        server = world.serve(session)
        client = world.client(server.url(), env=env)
        client.wait("connected")
        client.end()
        assert not os.path.exists(keys) or not os.path.getsize(keys), "the secrets of TLS are in a file"
    assert not proxy.raw
    for r in server.requests:
        assert "cookie" not in r.fields and r.token() == "Bearer " + TOKEN and "accept-encoding" not in r.fields


# proves: S02 S27
def a_proxy_leads_to_the_server_and_reads_nothing(world):
    proxy = world.proxy()
    server = world.serve(world.session(token=TOKEN))
    client = world.client(server.url(), f"proxy=http://127.0.0.1:{proxy.port}", env={"no_proxy": "*", "NO_PROXY": "*"})
    client.wait("connected")
    client.say("stop")
    client.wait("ended")
    assert [r.method for r in server.requests if r.method != "PATCH"] == ["POST", "DELETE"], server.requests
    assert proxy.asked and len(proxy.asked) == len(server.open), "not all went by the proxy"
    for head in proxy.asked:
        assert head.startswith(f"CONNECT 127.0.0.1:{server.port} HTTP/1.1\r\n") and "authorization" not in head.lower(), head
    assert not has_token(proxy.raw) and b"a=ice-pwd" not in proxy.raw


# proves: S02 S27 A21
def a_proxy_that_cheats_or_refuses_gets_no_token(world):
    foreign = world.serve(lambda r: Reply(200), world.context(world.certs.make("foreign", authority="other")))
    server = world.serve(lambda r: Reply(200))
    for options, error, why in (({"target": foreign.port}, ACCESS, "certificate"), ({"status": 407}, NETWORK, "proxy"),
                                ({"status": 307}, NETWORK, "proxy"), ({"status": 502}, NETWORK, "proxy")):
        proxy = world.proxy(**options)
        client = world.client(server.url(), f"proxy=http://127.0.0.1:{proxy.port}")
        piece = client.wait("retrying", "refused")
        assert piece[0:2] == ("retrying", error) and why in piece[4], (options, piece)
        client.end()
        assert len(proxy.asked) >= 1 and not has_token(proxy.raw), options
    assert not foreign.requests and not server.raw


# --- what a server can send --------------------------------------------------------------------------------------------


def answer_with(body=b"", *fields, status=201, length=None):
    lines = [f"HTTP/1.1 {status} X", *fields, f"Content-Length: {len(body) if length is None else length}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


# proves: A21
def a_body_without_end_is_cut(world):
    sent = [0]

    def flood(stream):
        block = b"x" * 65536
        for _ in range(16384):  # 1 GiB
            stream.sendall(b"10000\r\n" + block + b"\r\n")
            sent[0] += len(block)
    head = b"HTTP/1.1 201 X\r\nLocation: /s\r\nContent-Type: application/sdp\r\nTransfer-Encoding: chunked\r\n\r\n"
    server = world.serve(lambda r: lambda stream: (stream.sendall(head), flood(stream)))
    piece = world.client(server.url()).wait("refused")
    assert piece[1] == PROTO and sent[0] < 32 * 1024 * 1024, (piece, sent)
    world.close()
    server = world.serve(lambda r: answer_with(b"", "Location: /s", "Content-Type: application/sdp", length=1 << 30))
    assert world.client(server.url()).wait("refused")[1] == PROTO


# proves: A21
def what_is_packed_for_the_way_or_comes_after_the_body_is_no_way_around_the_limits(world):
    def chunked(*fields, body, trailer=b""):
        head = "\r\n".join(["HTTP/1.1 201 X", "Content-Type: application/sdp", *fields]).encode() + b"\r\n\r\n"
        return head + b"%x\r\n" % len(body) + body + b"\r\n0\r\n" + trailer + b"\r\n"
    cases = {
        "a bomb": chunked("Location: /s", "Transfer-Encoding: gzip, chunked", body=gzip.compress(b"\0" * (64 << 20))),
        "a trailer's location": chunked("Transfer-Encoding: chunked", body=b"v=0\r\n", trailer=b"Location: /s\r\n"),
        "trailers without end": chunked("Location: /s", "Transfer-Encoding: chunked", body=b"v=0\r\n", trailer=b"X: y\r\n" * 200),
    }
    for name, data in cases.items():
        server = world.serve(lambda r, d=data: d if r.method == "POST" else Reply(200))
        piece = world.client(server.url()).wait("refused", "retrying")
        assert piece[0:2] == ("refused", PROTO), (name, piece)
        world.close()


# proves: A21
def a_slow_answer_has_its_time(world):
    def drip(data):
        def send(stream):
            for at in range(len(data)):
                stream.sendall(data[at:at + 1])
                time.sleep(0.05)
        return send
    whole = answer_with(b"v=0\r\n" * 20, "Location: /s", "Content-Type: application/sdp")
    for data in (whole, b"HTTP/1.1 201 X\r\nX: " + b"x" * 5000, b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 300):
        server = world.serve(lambda r, d=data: drip(d) if d else lambda stream: time.sleep(3))
        began = time.monotonic()
        piece = world.client(server.url(), "request=800", "attempts=1").wait("refused")
        assert piece[1] == NETWORK and time.monotonic() - began < 4, piece
        world.close()


# proves: A21
def headers_are_bounded(world):
    for head in (b"X: " + b"y" * 20000 + b"\r\n", b"X: y\r\n" * 200, b"HTTP/1.1 100 X\r\n\r\n" * 200):
        begin = b"" if head.startswith(b"HTTP") else b"HTTP/1.1 201 X\r\n"
        server = world.serve(lambda r, h=begin + head: h + (b"" if not begin else b"\r\n"))
        piece = world.client(server.url(), "request=2000").wait("refused")
        assert piece[1] == PROTO, piece
        world.close()


# proves: A21
def answers_that_are_none_are_refused(world):
    sdp = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
    bomb = gzip.compress(b"\0" * (64 << 20))
    good = ["Location: /s", "Content-Type: application/sdp"]
    cases = {
        "compressed": answer_with(bomb, *good, "Content-Encoding: gzip"),
        "no SDP": answer_with(b"hello", *good),
        "another type": answer_with(sdp, "Location: /s", "Content-Type: text/html"),
        "no type": answer_with(sdp, "Location: /s"),
        "nothing": answer_with(b"", *good),
        "NUL": answer_with(sdp + b"\0", *good),
        "ETag with a quote": answer_with(sdp, *good, 'ETag: "a"b"'),
        "ETag, half": answer_with(sdp, *good, 'ETag: "a'),
        "ETag with a space": answer_with(sdp, *good, "ETag: a b"),
        "ETag, long": answer_with(sdp, *good, 'ETag: "' + "a" * 300 + '"'),
        "two ETags": answer_with(sdp, *good, 'ETag: "a"', 'ETag: "b"'),
        "two locations": answer_with(sdp, *good, "Location: /t"),
        "Link": answer_with(sdp, *good, "Link: <stun:x"),
        "many servers": answer_with(sdp, *good, *['Link: <stun:127.0.0.1>; rel="ice-server"'] * 9),
        "long server": answer_with(sdp, *good, 'Link: <turn:x>; rel="ice-server"; username="' + "u" * 3000 + '"; credential="c"'),
        "HTTP/0.9": b"hello\r\n",
        "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    }
    for name, data in cases.items():
        def close(stream, data=data):
            stream.sendall(data)
        server = world.serve(lambda r, c=close: c if r.method == "POST" else Reply(200))
        piece = world.client(server.url(), "request=2000").wait("refused", "retrying")
        assert piece[0] == "refused" and piece[1] in (PROTO, SDP), (name, piece)
        world.close()


# proves: A21
def an_answer_to_another_offer_is_deleted_and_refused(world):
    session = world.session()
    media = world.session()

    def mix(r):
        reply = session(r)
        if r.method == "POST":
            other = media.post(r)  # of an offer with one section less
            at = [m.start() for m in re.finditer(rb"^m=", other.body, flags=re.M)]
            reply.body = other.body[:at[1]].replace(b"a=group:BUNDLE 0 1", b"a=group:BUNDLE 0")
        return reply
    server = world.serve(mix)
    piece = world.client(server.url()).wait("refused")
    assert piece[1] == SDP, piece
    until(lambda: server.count("DELETE") == 1, what="DELETE")
    world.close()
    session, other = world.session(), world.session()

    def swap(r):
        reply = session(r)
        if r.method == "POST":  # the fingerprint and credentials of another connection: it never comes up
            reply.body = other.post(r).body
            other.end()
        return reply
    server = world.serve(swap)
    piece = world.client(server.url(), "connect=1500").wait("retrying")
    assert piece[1] == NETWORK, piece


def main():
    warnings.simplefilter("ignore", DeprecationWarning)  # TLS 1.0 is what is tested
    wanted = sys.argv[4:]
    tests = [f for _, f in sorted(globals().items(), key=lambda item: getattr(getattr(item[1], "__code__", None), "co_firstlineno", 0))
             if inspect.isfunction(f) and list(inspect.signature(f).parameters) == ["world"]]
    n_failed = 0
    with tempfile.TemporaryDirectory() as directory:
        world = World(directory)
        for test in tests:
            if wanted and test.__name__ not in wanted:
                continue
            began = time.monotonic()
            try:
                test(world)
                world.close()
                print(f"ok {test.__name__} ({time.monotonic() - began:.1f} s)", flush=True)
            except Exception as e:  # pylint: disable=broad-except
                n_failed += 1
                print(f"not ok {test.__name__}: {type(e).__name__}: {e}", flush=True)
                try:
                    world.close()
                except Exception as again:  # pylint: disable=broad-except
                    print(f"   and at its end: {again}", flush=True)
    return n_failed > 0


if __name__ == "__main__":
    sys.exit(main())

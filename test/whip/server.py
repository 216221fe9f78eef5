#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The WHIP and WHEP server of suite.py: HTTP on sockets of its own, so that every byte that comes is seen and every wrong one can be
sent. Proxy leads to it. A Server has a script: a function of a Request that gives the answer, as bytes, as a Reply, or as a function of the
connection. Session is the well-behaved one."""
import queue
import re
import socket
import ssl
import subprocess
import threading


class Request:
    def __init__(self, method, path, fields, body):
        self.method, self.path, self.fields, self.body = method, path, fields, body

    def token(self):
        return self.fields.get("authorization", "")


class Reply:
    def __init__(self, status, fields=None, body=b""):
        self.status, self.fields, self.body = status, list(fields or []), body

    def bytes(self):
        lines = [f"HTTP/1.1 {self.status} Reason", f"Content-Length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.fields]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


class Server:
    """A thread per connection. context: of ssl; None: plain. raw: every byte that came over the wire, TLS's own included."""

    def __init__(self, script, context=None, host="127.0.0.1", port=0):
        self.script, self.context = script, context
        self.requests, self.raw, self.failures, self.open = [], b"", [], []
        self.is_closed = False
        self.socket = socket.create_server((host, port))
        self.port, self.host = self.socket.getsockname()[1], host
        threading.Thread(target=self.accept, daemon=True).start()

    def url(self, path="/whip", host=None):
        return f"{'https' if self.context else 'http'}://{host or self.host}:{self.port}{path}"

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        stream = Stream(self, connection)
        self.open.append(connection)
        try:
            if self.context:
                stream.secure(self.context)
            while not self.is_closed:
                request = read_request(stream)
                if not request:
                    break
                self.requests.append(request)
                answer = self.script(request)
                if callable(answer):
                    answer(stream)
                    break
                stream.sendall(answer.bytes() if isinstance(answer, Reply) else answer)
        except (OSError, ssl.SSLError, ValueError) as e:
            self.failures.append(e)
        finally:
            connection.close()

    def count(self, method):
        return sum(r.method == method for r in self.requests)

    def close(self):
        self.is_closed = True
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for connection in self.open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Stream:
    """A connection; TLS by hand, so that what came over the wire is kept."""

    def __init__(self, server, connection):
        self.server, self.connection, self.tls = server, connection, None
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()

    def secure(self, context):
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.run(self.tls.do_handshake)

    def take(self):
        data = self.connection.recv(65536)
        self.server.raw += data
        return data

    def run(self, call, *arguments):
        while True:
            try:
                return call(*arguments)
            except ssl.SSLWantReadError:
                self.flush()
                data = self.take()
                if not data:
                    raise OSError("closed")
                self.incoming.write(data)
            finally:
                self.flush()

    def flush(self):
        data = self.outgoing.read()
        if data:
            self.connection.sendall(data)

    def recv(self):
        if not self.tls:
            return self.take()
        try:
            return self.run(self.tls.read, 65536)
        except OSError:
            return b""

    def sendall(self, data):
        if not self.tls:
            self.connection.sendall(data)
        for at in range(0, len(data) if self.tls else 0, 16384):
            self.run(self.tls.write, data[at:at + 16384])


class Proxy:
    """Takes CONNECT and no other request. status: what it says to it; target: a port that it leads to instead of the one that was asked
    for. raw: every byte that a client said to it before the tunnel, and in it."""

    def __init__(self, status=200, target=None):
        self.status, self.target = status, target
        self.asked, self.raw, self.open = [], b"", []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        self.open.append(connection)
        with connection:
            head = b""
            while b"\r\n\r\n" not in head:
                more = connection.recv(65536)
                if not more:
                    return
                head += more
            self.raw += head
            self.asked.append(head.decode())
            connection.sendall(f"HTTP/1.1 {self.status} X\r\n\r\n".encode())
            if self.status == 200:
                self.lead(connection, self.target or int(head.split()[1].decode().rsplit(":", 1)[1]))

    def lead(self, connection, port):
        with socket.create_connection(("127.0.0.1", port)) as server:
            self.open.append(server)
            threading.Thread(target=self.pump, args=(server, connection, False), daemon=True).start()
            self.pump(connection, server, True)

    def pump(self, source, to, is_of_client):
        try:
            while data := source.recv(65536):
                if is_of_client:
                    self.raw += data
                to.sendall(data)
            to.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        for s in [self.socket, *self.open]:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.socket.close()


def read_request(stream):
    data = b""
    while b"\r\n\r\n" not in data:
        more = stream.recv()
        if not more:
            return None
        data += more
    head, body = data.split(b"\r\n\r\n", 1)
    lines = head.decode().split("\r\n")
    method, path, _ = lines[0].split(" ")
    fields = {}
    for line in lines[1:]:
        name, value = line.split(":", 1)
        fields[name.lower()] = value.strip()
    while len(body) < int(fields.get("content-length", "0")):
        more = stream.recv()
        if not more:
            return None
        body += more
    return Request(method, path, fields, body.decode())


class Media:
    """The media server's end of one connection: media.c."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.errors, self.texts = [], queue.Queue()
        self.frames, self.low = (0, 0), 0
        self.state = "new"
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        out = self.process.stdout
        for line in out:
            words = line.decode().split()
            if words[0] == "sdp":
                self.texts.put(out.read(int(words[1])).decode())
            elif words[0] == "frames":
                self.frames, self.low = (int(words[1]), int(words[2])), int(words[3])
            elif words[0] == "state":
                self.state = words[1]
            else:
                self.errors.append(line.decode())
                self.texts.put(None)

    def say(self, text):
        try:
            self.process.stdin.write(text.encode())
            self.process.stdin.flush()
        except OSError:
            pass

    def offer(self, sdp):
        """The answer; None: it is no offer."""
        self.say(f"offer {len(sdp.encode())}\n{sdp}")
        return self.texts.get(timeout=20)

    def answer(self, sdp):
        self.say(f"answer {len(sdp.encode())}\n{sdp}")

    def make(self):
        self.say("make\n")
        return self.texts.get(timeout=20)

    def close(self, is_sudden=False):
        if is_sudden:
            self.process.kill()
        self.process.stdin.close()
        self.process.wait(20)


def ice_of(sdp):
    """(ufrag, pwd, candidates) of the first section, or above it."""
    ends = [m.start() for m in re.finditer(r"^m=", sdp, flags=re.M)] + [len(sdp)] * 2
    first = sdp[:ends[1]]

    def one(name):
        return re.search(rf"^a={name}:(\S+)", first, flags=re.M).group(1)
    return one("ice-ufrag"), one("ice-pwd"), re.findall(r"^a=(candidate:.*?)\r?$", first, flags=re.M)


def with_ice(sdp, frag):
    """The description with the ICE part of a fragment: a restart as the client means it."""
    ufrag, pwd, candidates = ice_of(frag)
    sdp = re.sub(r"^a=candidate:.*\r\n|^a=end-of-candidates\r\n", "", sdp, flags=re.M)
    sdp = re.sub(r"^a=ice-ufrag:.*?\r$", lambda m: f"a=ice-ufrag:{ufrag}\r", sdp, flags=re.M)
    sdp = re.sub(r"^a=ice-pwd:.*?\r$", lambda m: f"a=ice-pwd:{pwd}\r", sdp, flags=re.M)
    at = [m.start() for m in re.finditer(r"^m=", sdp, flags=re.M)] + [len(sdp)]
    return sdp[:at[1]] + "".join(f"a={c}\r\n" for c in candidates) + sdp[at[1]:]


class Session:
    """A server as RFC 9725 says, with one session at a time. token: what it wants; None: anything. patch_status: for every PATCH of
    candidates; restart_status, restart_fields: for every restart."""

    def __init__(self, program, token=None, counter=False, fields=None, patch_status=None, restart_status=None,
                 restart_fields=None, interface="lo"):
        self.program, self.token, self.is_counter, self.interface = program, token, counter, interface
        self.patch_status, self.restart_status = patch_status, restart_status
        self.fields, self.restart_fields = fields or [], restart_fields or []
        self.media, self.number, self.etag, self.offer = None, 0, None, None
        self.restarts = 0

    def __call__(self, r):
        if self.token and r.token() != "Bearer " + self.token:
            return Reply(401, [("WWW-Authenticate", "Bearer")])
        if r.method == "OPTIONS":
            return Reply(200, [("Accept-Post", "application/sdp")] + self.fields)
        if r.method == "POST":
            return self.post(r)
        if not self.media or r.path != f"/session/{self.number}":
            return Reply(404)
        if r.method == "DELETE":
            self.end()
            return Reply(200)
        return self.patch(r)

    def post(self, r):
        if r.fields.get("content-type") != "application/sdp":
            return Reply(415)
        self.end()
        self.number += 1
        self.media = Media(self.program, self.interface)
        self.offer, self.etag = r.body, f'"{self.number}-0"'
        sdp = self.media.make() if self.is_counter else self.media.offer(r.body)
        if sdp is None:
            return Reply(400)
        fields = [("Content-Type", "application/sdp"), ("Location", f"session/{self.number}"), ("ETag", self.etag)]
        return Reply(406 if self.is_counter else 201, fields + self.fields, sdp.encode())

    def patch(self, r):
        kind, match = r.fields.get("content-type"), r.fields.get("if-match")
        if kind == "application/sdp" and self.is_counter:
            self.media.answer(r.body)
            return Reply(204)
        if kind != "application/trickle-ice-sdpfrag":
            return Reply(415)
        if match in ("*", '"*"'):
            return Reply(self.restart_status, self.restart_fields) if self.restart_status else self.restart(r)
        if self.patch_status:
            return Reply(self.patch_status)
        if not match:
            return Reply(428)
        return Reply(204 if match == self.etag else 412)

    def restart(self, r):
        self.restarts += 1
        self.offer = with_ice(self.offer, r.body)
        ufrag, pwd, candidates = ice_of(self.media.offer(self.offer))
        self.etag = f'"{self.number}-{self.restarts}"'
        frag = ["a=ice-ufrag:" + ufrag, "a=ice-pwd:" + pwd, "m=audio 9 UDP/TLS/RTP/SAVPF 0", "a=mid:0"]
        frag += [f"a={c}" for c in candidates] + ["a=end-of-candidates", ""]
        return Reply(200, [("Content-Type", "application/trickle-ice-sdpfrag"), ("ETag", self.etag)],
                     "\r\n".join(frag).encode())

    def end(self, is_sudden=False):
        if self.media:
            self.media.close(is_sudden)
            self.media = None

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`sotto publish` and `sotto play` through Janus, a media server of others: janus.py SOTTO. WHIP and WHEP are spoken by a server of this
test (server.py), which passes descriptions on to Janus's room for video; media goes to Janus itself. Run in a network namespace of its
own. Writes "ok NAME" and "not ok NAME"."""
import glob
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

from certs import Certificates
from server import Reply, Server

TOKEN = "janus-is-the-roman-god-of-doors-0123456789"
ROOM = 1234
CONFIG = {
    "janus.jcfg": 'general: { configs_folder = "%(at)s" plugins_folder = "%(lib)s/plugins" transports_folder = "%(lib)s/transports" '
                  'events_folder = "%(lib)s/events" loggers_folder = "%(lib)s/loggers" debug_level = 4 }\n'
                  'nat: { ice_lite = false full_trickle = false }\nmedia: { ipv6 = false }\n'
                  'plugins: { disable = "%(plugins)s" }\ntransports: { disable = "%(transports)s" }\n',
    "janus.transport.pfunix.jcfg": 'general: { enabled = true json = "plain" path = "%(at)s/janus.sock" type = "SOCK_SEQPACKET" }\n',
    "janus.plugin.videoroom.jcfg": 'room-%(room)d: { publishers = 4 bitrate = 0 fir_freq = 0 audiocodec = "opus" videocodec = "vp8" '
                                   'record = false }\n',
}


class Janus:
    """The process and one connection to its interface for applications."""

    def __init__(self, directory):
        lib = glob.glob("/usr/lib/*/janus")[0]
        names = {"at": directory, "lib": lib, "room": ROOM,
                 "plugins": ",".join(n for n in sorted(os.listdir(lib + "/plugins")) if n.endswith(".so") and "videoroom" not in n),
                 "transports": ",".join(n for n in sorted(os.listdir(lib + "/transports")) if n.endswith(".so") and "pfunix" not in n)}
        for name, text in CONFIG.items():
            with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
                file.write(text % names)
        self.log = open(os.path.join(directory, "janus.log"), "wb")  # pylint: disable=consider-using-with
        for attempt in range(5):
            self.process = subprocess.Popen(["janus", "-F", directory, "-C", directory + "/janus.jcfg"], stdout=self.log,
                                            stderr=self.log, cwd=directory)
            try:
                self.socket, self.data, self.count = self.connect(directory + "/janus.sock"), "", 0
                break
            except OSError:  # of its two threads one may end before the other has begun: then it says that no transport is available
                if attempt == 4 or self.process.poll() is None:
                    raise
        self.lock = threading.Lock()
        self.session = self.ask({"janus": "create"})["data"]["id"]

    def connect(self, path):
        end = time.monotonic() + 20
        while True:
            try:
                s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                s.connect(path)
                s.settimeout(20)
                return s
            except OSError:
                s.close()
                if time.monotonic() > end or self.process.poll() is not None:
                    with open(path.replace(".sock", ".log"), encoding="utf-8", errors="replace") as file:
                        raise OSError(f"Janus does not start ({self.process.poll()}): {file.read()[-800:]}") from None
                time.sleep(0.1)

    def receive(self):
        while True:
            try:
                message, n = json.JSONDecoder().raw_decode(self.data.lstrip())
                self.data = self.data.lstrip()[n:]
                return message
            except ValueError:
                more = self.socket.recv(1 << 20)
                if not more:
                    raise OSError("Janus has gone") from None
                self.data += more.decode()

    def ask(self, message, ack=False):
        """The answer to a request; of one to a plugin the event that follows its acknowledgement. ack: that is all that comes."""
        with self.lock:
            self.count += 1
            tag = f"t{self.count}"
            self.socket.sendall(json.dumps({**message, "transaction": tag}).encode())
            while True:
                got = self.receive()
                if got.get("transaction") == tag and (ack or got["janus"] != "ack"):
                    break
        if got["janus"] == "error":
            raise ValueError(got["error"]["reason"])
        return got

    def attach(self):
        return self.ask({"janus": "attach", "session_id": self.session, "plugin": "janus.plugin.videoroom"})["data"]["id"]

    def say(self, handle, body, jsep=None):
        message = {"janus": "message", "session_id": self.session, "handle_id": handle, "body": body}
        if jsep:
            message["jsep"] = jsep
        return self.ask(message)

    def trickle(self, handle, frag):
        """The candidates of a fragment of RFC 8840."""
        candidates = [{"candidate": c, "sdpMLineIndex": 0} for c in re.findall(r"^a=(candidate:.*?)\r?$", frag, flags=re.M)]
        if "a=end-of-candidates" in frag:
            candidates.append({"completed": True})
        self.ask({"janus": "trickle", "session_id": self.session, "handle_id": handle, "candidates": candidates}, ack=True)

    def leave(self, handle):
        self.ask({"janus": "detach", "session_id": self.session, "handle_id": handle})

    def close(self):
        self.socket.close()
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


class Bridge:
    """The script of a Server: POST /whip and /whep, PATCH and DELETE of what they made."""

    def __init__(self, janus):
        self.janus, self.handles, self.publisher, self.deleted = janus, {}, None, 0

    def __call__(self, r):
        if r.token() != "Bearer " + TOKEN:
            return Reply(401, [("WWW-Authenticate", "Bearer")])
        if r.method == "OPTIONS":
            return Reply(204, [("Accept-Post", "application/sdp")])
        if r.method == "POST":
            return self.publish(r.body) if r.path == "/whip" else self.play()
        handle = self.handles.get(r.path)
        if handle is None:
            return Reply(404)
        if r.method == "DELETE":
            self.janus.leave(self.handles.pop(r.path))
            self.deleted += 1
            return Reply(200)
        if r.fields.get("content-type") == "application/sdp":
            self.janus.say(handle, {"request": "start"}, {"type": "answer", "sdp": r.body})
        else:
            self.janus.trickle(handle, r.body)
        return Reply(204)

    def reply(self, status, handle, sdp):
        path = f"/session/{handle}"
        self.handles[path] = handle
        return Reply(status, [("Content-Type", "application/sdp"), ("Location", path), ("ETag", f'"{handle}"')], sdp.encode())

    def publish(self, offer):
        handle = self.janus.attach()
        joined = self.janus.say(handle, {"request": "join", "ptype": "publisher", "room": ROOM})
        self.publisher = joined["plugindata"]["data"]["id"]
        done = self.janus.say(handle, {"request": "configure", "audio": True, "video": True}, {"type": "offer", "sdp": offer})
        return self.reply(201, handle, done["jsep"]["sdp"])

    def play(self):
        handle = self.janus.attach()
        offered = self.janus.say(handle, {"request": "join", "ptype": "subscriber", "room": ROOM,
                                          "streams": [{"feed": self.publisher}]})
        return self.reply(406, handle, offered["jsep"]["sdp"])


def wait_for(what, path, words, seconds=30):
    """Words in what a program writes."""
    end = time.monotonic() + seconds
    while True:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
        if words in text:
            return text
        assert time.monotonic() < end, f"{what}: no '{words}' in {seconds} s: {text[-300:]}"
        time.sleep(0.1)


class Stream:
    all = []  # that were begun

    def __init__(self, program, directory, name, url, *arguments):
        self.name, self.log = name, os.path.join(directory, name + ".log")
        with open(os.path.join(directory, "token"), "w", encoding="utf-8") as file:
            file.write(TOKEN + "\n")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([program, name, "--token-file", os.path.join(directory, "token"), *arguments, url],
                                            stdout=log, stderr=log)
        Stream.all.append(self)

    def connected(self):
        wait_for(self.name, self.log, "connected")

    def end(self):
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(20)
        text = wait_for(self.name, self.log, "")
        assert code == 0, f"{self.name} ended with {code}: {text[-300:]}"
        return text


def decoded(path):
    """(frames, seconds) of a file, every one of which must be whole."""
    run = subprocess.run(["ffmpeg", "-v", "error", "-xerror", "-err_detect", "explode", "-i", path, "-vsync", "passthrough",
                          "-f", "rawvideo" if path.endswith(".ivf") else "s16le", "-y", "/dev/null"],
                         capture_output=True, text=True, check=False)
    assert run.returncode == 0 and not run.stderr, f"{path}: {run.stderr[-300:]}"
    probe = subprocess.run(["ffprobe", "-v", "error", "-count_packets", "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0", path],
                           capture_output=True, text=True, check=True)
    return int(probe.stdout.strip().rstrip(","))


def figures(text):
    """(kbit/s, frames/s, loss) of each line of progress."""
    return [tuple(map(float, m)) for m in re.findall(r"([\d.]+) kbit/s +([\d.]+) frames/s.* loss ([\d.]+) %", text)]


# proves: S02 S27
def main():
    program = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as directory:
        certs = Certificates(directory)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certs.make("good"))
        janus = Janus(directory)
        bridge = Bridge(janus)
        server = Server(bridge, context)
        url = f"https://localhost:{server.port}"
        try:
            publish = Stream(program, directory, "publish", url + "/whip", "--ca-file", certs.ca)
            publish.connected()
            play = Stream(program, directory, "play", url + "/whep", "--ca-file", certs.ca, "--directory", directory + "/files")
            play.connected()
            time.sleep(6)
            played, published = play.end(), publish.end()
            print("ok a picture and a sound go through Janus, and both ends leave", flush=True)
            assert bridge.deleted == 2, f"{bridge.deleted} sessions were deleted"
            print("ok both sessions are deleted")
            video, = glob.glob(directory + "/files/*video*.ivf")
            audio, = glob.glob(directory + "/files/*audio*.ogg")
            frames, packets = decoded(video), decoded(audio)
            assert frames > 90 and packets > 200, f"{frames} pictures, {packets} packets of sound"
            print(f"ok what was played can be decoded: {frames} pictures, {packets} packets of sound")
            sent, came = figures(published), figures(played)
            assert len(sent) >= 4 and len(came) >= 4, f"lines of progress: {published} {played}"
            assert max(f for _, f, _ in sent) > 20 and max(f for _, f, _ in came) > 20, f"{sent} {came}"
            print("ok lines of progress say how it goes")
            assert TOKEN not in published + played and TOKEN.encode() not in server.raw
            print("ok nobody sees the token")
        except Exception:
            print(wait_for("Janus", directory + "/janus.log", "")[-1500:])
            raise
        finally:
            for stream in Stream.all:
                stream.process.kill()  # nothing, where it has ended
            server.close()
            janus.close()


if __name__ == "__main__":
    try:
        main()
    except Exception as wrong:  # pylint: disable=broad-except
        print(f"not ok a stream through Janus: {type(wrong).__name__}: {wrong}")
        sys.exit(1)

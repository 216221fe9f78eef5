#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`sotto publish` and `sotto play` as people use them, against the server of suite.py: tool.py SOTTO MEDIA. Prints "ok TEST" or
"not ok TEST: why"."""
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

from server import Server, Session

PROGRAM, MEDIA = map(os.path.abspath, sys.argv[1:3])
TOKEN = "a-token-of-the-tool"


class Tool:
    """A command that runs; what it says goes into files."""

    def __init__(self, directory, *arguments, token=None):
        env = {k: v for k, v in os.environ.items() if k != "SOTTO_TOKEN"}
        self.log = os.path.join(directory, "log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([PROGRAM, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=directory,
                                            env={**env, "SOTTO_TOKEN": token} if token else env)

    def text(self):
        with open(self.log, encoding="utf-8") as log:
            return log.read()

    def until(self, condition, seconds=40):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end and self.process.poll() is None, f"after {seconds} s: {self.text()}"
            time.sleep(0.05)

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(20)


def lines_of(text):
    """(kbit/s, frames/s) of each line of progress."""
    return [tuple(map(float, m)) for m in re.findall(r"([\d.]+) kbit/s +([\d.]+) frames/s", text)]


def publishes_says_how_it_goes_and_leaves_at_ctrl_c(directory):
    session = Session(MEDIA, token=TOKEN)
    server = Server(session)
    tool = Tool(directory, "publish", "--interface", "lo", server.url(), token=TOKEN)
    try:
        tool.until(lambda: len(lines_of(tool.text())) >= 3 and session.media.frames[1] > 10)
        assert tool.end() == 0 and server.count("DELETE") == 1, tool.text()
        assert TOKEN not in tool.text()
    finally:
        tool.process.kill()
        server.close()
        session.end()


def lines_of_progress_are_true_after_a_restart_of_ice(directory):
    session = Session(MEDIA)
    server = Server(session)

    def wake(r):
        if r.fields.get("if-match") == "*":
            session.media.process.send_signal(signal.SIGCONT)
        return session(r)
    server.script = wake
    tool = Tool(directory, "publish", "--interface", "lo", server.url())
    try:
        tool.until(lambda: len(lines_of(tool.text())) >= 4)
        session.media.process.send_signal(signal.SIGSTOP)  # until ICE is restarted
        tool.until(lambda: session.restarts > 0)
        n = len(lines_of(tool.text()))
        tool.until(lambda: len(lines_of(tool.text())) >= n + 4)
        assert all(f < 100 for _, f in lines_of(tool.text())), tool.text()
        assert tool.end() == 0, tool.text()
    finally:
        tool.process.kill()
        server.close()
        session.end()


def what_is_wrong_in_a_command_is_said(directory):
    empty, other = os.path.join(directory, "empty"), os.path.join(directory, "other")
    with open(empty, "wb"):
        pass
    https = "https://127.0.0.1:9/"
    cases = (
        (2, "usage:", ()),
        (2, "usage:", (https, https)),
        (2, "unrecognized option", ("--bogus", https)),
        (2, "the URL: plain http", ("http://example.com/",)),
        (2, "the URL: a text", ("example.com",)),
        (2, "the URL: a text", ("--pin", "x", "example.com")),
        (2, "the pin: a text", ("--pin", "x", https)),
        (2, other + ": No such file", ("--ca-file", other, https)),
        (2, other + ": No such file", ("--token-file", other, https)),
        (2, empty + ": there is no token in", ("--token-file", empty, https)),
        (2, "neither sound nor picture", ("--no-audio", "--no-video", https)),
        (2, "number of seconds", ("--seconds", "0", https)),
        (1, "/dev/none: open: No such file", ("--camera", "/dev/none", https)),
        (1, "/dev/null: no camera", ("--camera", "/dev/null", https)),
        (1, other + ": No such file", ("--file", other, https)),
    )
    for code, text, arguments in cases:
        tool = Tool(directory, "publish", *arguments)
        assert tool.process.wait(20) == code and text in tool.text(), (arguments, tool.process.returncode, tool.text())
    tool = Tool(directory, "publish", https, token="not a token")
    assert tool.process.wait(20) == 2 and "the token: a text" in tool.text(), tool.text()
    for verb in ("publish", "play"):
        tool = Tool(directory, verb, "--help")
        assert tool.process.wait(20) == 0 and tool.text().startswith(f"usage: sotto {verb}"), tool.text()


def main():
    code = 0
    for test in (publishes_says_how_it_goes_and_leaves_at_ctrl_c, lines_of_progress_are_true_after_a_restart_of_ice,
                 what_is_wrong_in_a_command_is_said):
        with tempfile.TemporaryDirectory() as directory:
            try:
                test(directory)
                print(f"ok {test.__name__}", flush=True)
            except Exception as e:  # pylint: disable=broad-except
                code = 1
                print(f"not ok {test.__name__}: {type(e).__name__}: {e}", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())

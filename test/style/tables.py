#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes docs/reference/errors.md and docs/reference/limits.md from the headers, and the tables of threats.py; run.py checks that they are up to date."""
import glob
import os
import re

import threats

ERRORS = """# Errors

Made from `include/sotto/base.h` by `test/style/tables.py`: do not edit.

Every function that can fail returns an `int`: 0 or more is success, below 0 is one of these. On failure nothing has changed.
`sotto_strerror()` gives the text, `sotto_error_w3c()` the name of the DOMException that a browser would throw.
What to do is told by the group: fix the call (INVAL to TOO_BIG), wait (AGAIN), blame the remote (SDP, PROTO, NETWORK), give up the
object (CLOSED, FORKED), look at the machine (NOMEM, SYS).

| code | value | DOMException | text |
|---|---|---|---|
"""

LIMITS = """# Limits

Made from `lib/util/limits.h` and the public headers by `test/style/tables.py`: do not edit.

Whatever a remote or an application can make grow ends at one of these.

| name | value | what and why |
|---|---|---|
"""


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def pages():
    errors = re.findall(r'^    X\((\w+), (-\d+), "(\w+)", "([^"]+)"\)', read("include/sotto/base.h"), re.M)
    rows = [f"| `SOTTO_E_{name}` | {number} | {w3c} | {text} |" for name, number, w3c, text in errors]
    limits = []
    text = read("lib/util/limits.h")
    for line in text.split("\n"):
        section = re.fullmatch(r"/\* (.*) \*/", line)
        limit = re.match(r"#define (SOTTO_\w+) +(\([^)]*\)|\S+)(?:\s*/\* (.*?)(?: \*/)?)?$", line)
        if section and not re.match("Every bound|SPDX", section.group(1)):
            limits.append(f"| **{section.group(1).split(':')[0].split('.')[0]}** | | |")
        elif limit and limit.group(2):
            why = (limit.group(3) or "as the line above").replace("|", "\\|")
            limits.append(f"| `{limit.group(1)}` | {limit.group(2).strip('()')} | {why} |")
    public = re.findall(r"/\*\* ([^*]+?) \*/\n#define (SOTTO_MAX_\w+) (\d+)", read("include/sotto/pc.h"))
    limits += ["| **public, in pc.h** | | |"] + [f"| `{name}` | {number} | {why} |" for why, name, number in public]
    for name in ("media", "audio"):
        found = re.findall(r"^#define (SOTTO_\w+) +(\([^)]*\)|\d+u?) +/\*\*< (.*?) \*/", read(f"include/sotto/{name}.h"), re.M)
        limits += [f"| **public, in {name}.h** | | |"] + [f"| `{limit}` | {number.strip('()')} | {why} |" for limit, number, why in found]
    return {"docs/reference/errors.md": ERRORS + "\n".join(rows) + "\n",
            "docs/reference/limits.md": LIMITS + "\n".join(limits) + "\n",
            **threats.pages()}


def mapped(path, pattern):
    """The first words of the rows of a page that match, in order, and what is wrong: each row names tests that are there, or says with a
    dash why it has none."""
    names, seen, wrong = set(), [], []
    for file in sorted(glob.glob("test/*/test_*.c")):
        text = read(file)
        names |= set(re.findall(r"^static void\s+(\w+)\(void \*\*\w+\)", text, re.M)) | set(re.findall(r'"([a-z0-9_]+)"', text))
    for line in read(path).split("\n"):
        row = re.match(r"\| (%s) \| (.+?) \| (.*) \|$" % pattern, line)
        if not row:
            continue
        step, _, tests = row.groups()
        if step in seen:
            wrong.append(f"{step} is there twice")
        seen.append(step)
        named = re.findall(r"`(\w+)`", tests)
        if not named and not tests.startswith("— "):
            wrong.append(f"{step} has no test")
        wrong += [f"{step} names {name}, which is no test" for name in named if name not in names]
    return seen, [(path, what) for what in wrong]


def steps():
    """What is wrong with the pages that map something to tests."""
    path = "docs/reference/w3c-steps.md"
    seen, wrong = mapped(path, r"[A-Z]+\d+")
    yield from wrong
    if len(seen) < 100:
        yield path, f"has {len(seen)} steps only"
    yield from threats.wrong()


if __name__ == "__main__":
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    for path, text in pages().items():
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        print("written:", path)

# SPDX-License-Identifier: BSD-2-Clause
"""Rows of a catalogue → the code that answers → the tests that prove: two pages, kept up to date by tables.py, checked by run.py.

A page holds the rows with their words; this fills in the other columns. In the library a comment says `answers: H040 S19`, in tests a
line of its own says `proves: H040` directly above the test, or above the case of a table by its name. A fuzzer says it in its head."""
# answers: S32
import glob
import re
from collections import defaultdict

PAGES = {"docs/explanation/threat-model.md": r"S\d\d|H\d\d\d|A\d\d", "docs/reference/conformance.md": r"(?:SDP|ICE|DTLS|SRTP|RTP)-\d\d"}
WANTED = {
    "docs/explanation/threat-model.md": [f"S{i:02}" for i in range(1, 39)] + [f"H{i:03}" for i in range(1, 138)] + [f"A{i:02}" for i in range(1, 25)],
    "docs/reference/conformance.md": [f"SDP-{i:02}" for i in range(1, 35)] + [f"ICE-{i:02}" for i in range(1, 24)] +
                                     [f"DTLS-{i:02}" for i in (8, 9, 10, 21)] + [f"SRTP-{i:02}" for i in range(1, 12)] +
                                     [f"RTP-{i:02}" for i in range(1, 17)],
}
ROW = re.compile(r"[A-Z]+-?\d+")
TESTS = ("test/*/*.[ch]", "test/*/*.py", "test/*/*.mjs", "test/*/*.js", "test/*/*.sh", "test/*/run", "fuzz/*.c")
CODE = ("lib/*/*.[ch]", "test/style/threats.py")
NAMES = (r"static void\s+(\w+)\(void \*\*", r"def (\w+)\(", r"(?:async )?function (\w+)\(", r"(?:await )?\w+\(['\"`]([^'\"`$]+)",
         r"^(\w+)\(\) \{", r"[\"'](\w+)[\"']")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def found(patterns, word):
    """(path, the text behind the comment's end, rows) of each comment `word: ROWS`."""
    for path in sorted({p for pattern in patterns for p in glob.glob(pattern)}):
        text = read(path)
        for match in re.finditer(rf"^[ \t]*(?:/\*+|\*|#|//|\.)?[ \t]*{word}:((?:[ \t]+{ROW.pattern}\b)+)\.?[ \t]*(?:\*/)?$", text, re.M):
            yield path, text[match.end():], match.group(1).split()


def name_of(path, text):
    """The test that stands directly behind a comment, or None; of a fuzzer the file's name."""
    if path.startswith("fuzz/"):
        return path.split("/")[1].split(".")[0]
    lines = text.lstrip("\n").split("\n")
    text = "\n".join(lines[:1 if re.match(r"static |/[/*]|#", lines[0]) else 2])  # the name of a case may stand in its second line
    near = [(m.start(), m.group(1)) for m in (re.search(p, text, re.M) for p in NAMES) if m]
    return min(near)[1] if near else None


def misplaced():
    """(path, what) of each comment that looks like one of these and is none, or that stands above no test."""
    for pattern, word in ((TESTS, "proves"), (CODE, "answers")):
        for path in sorted({p for q in pattern for p in glob.glob(q)}):
            meant = re.findall(rf"(?:^[ \t]*|/\*+ |[*#/.] ){word}:[ \t]+{ROW.pattern}\b", read(path), re.M)
            if not path.startswith("test/style/") and len(meant) != len(list(found([path], word))):
                yield path, f"has a comment '{word}:' that is none: rows with spaces between, on a line of its own"
    for path, text, rows in found(TESTS, "proves"):
        if not name_of(path, text):
            yield path, f"'proves: {' '.join(rows)}' does not stand directly above a test"


def proofs():
    tests, code = defaultdict(list), defaultdict(list)
    for path, text, rows in found(TESTS, "proves"):
        for row in rows:
            if (name := name_of(path, text)) and name not in tests[row]:
                tests[row].append(name)
    for path, _, rows in found(CODE, "answers"):
        for row in rows:
            if (name := path.removeprefix("lib/")) not in code[row]:
                code[row].append(name)
    return tests, code


def cells(names):
    return " ".join(f"`{name}`" for name in names)


def pages():
    """The pages as the comments make them."""
    tests, code = proofs()
    made = {}
    for path, rows in PAGES.items():
        lines = read(path).split("\n")
        for i, line in enumerate(lines):
            match = re.match(rf"\| ({rows}) \| (.*?) \|(.*)\|$", line)
            if match:
                row, what = match.group(1), match.group(2)
                by = f" {cells(code[row])} |" if "threat" in path else ""
                lines[i] = f"| {row} | {what} |{by} {cells(tests[row])} |"
        made[path] = "\n".join(lines)
    return made


def wrong():
    """(place, what) of all that is wrong with rows, code and tests."""
    tests, code = proofs()
    known = set()
    for path, rows in PAGES.items():
        seen = re.findall(rf"^\| ({rows}) \| (.*?) \|", read(path), re.M)
        if [row for row, _ in seen] != WANTED[path]:
            yield path, "does not have each row once, in order"
        for row, what in seen:
            known.add(row)
            offered = not what.startswith("— ")
            if not offered and "threat" in path and (code[row] or tests[row]):
                yield path, f"{row} is not offered, and has code or a test"
            if not offered and not re.match(r"— .{5,}[:,] .{15,}", what):
                yield path, f"{row} is not offered, and does not say why: '— what: why'"
            if offered and not tests[row]:
                yield path, f"{row} has no test"
            if offered and "threat" in path and not code[row]:
                yield path, f"{row} has no code that answers it"
    for rows in (tests, code):
        for row in sorted(set(rows) - known):
            yield rows[row][0], f"names {row}, which is no row of {' or '.join(PAGES)}"
    yield from misplaced()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The house format: format.py [--fix] FILE…

clang-format settles the code. Comments that stand behind code are taken away before and put back after: they may run past
column 100, up to COMMENT_COLUMN, and people align them, which clang-format cannot do without breaking the code before them.
Writes "ok FILE" or "not ok FILE: why"; with --fix it writes the file.
"""
import re
import subprocess
import sys

COMMENT_COLUMN = 140
# A string or character literal is skipped, so that what looks like a comment inside one stays.
TOKEN = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?\*/|//[^\n]*', re.S)


def hide(text):
    """text with a short mark in place of each comment behind code, and the comments with the blanks before them."""
    comments = []
    out, done = [], 0
    for match in TOKEN.finditer(text):
        start, end = match.span()
        line_start = text.rfind("\n", 0, start) + 1
        line_end = text.find("\n", end)
        code_end = line_start + len(text[line_start:start].rstrip())
        behind = text[end:line_end if line_end >= 0 else len(text)].strip() == ""
        if match.group()[0] in "\"'" or code_end <= max(line_start, done - 1) or not behind:
            continue
        out.append(text[done:code_end] + f" //@{len(comments)}")
        comments.append(text[code_end:end])
        done = end
    return "".join(out) + text[done:], comments


def formatted(path, text):
    """text in the house format."""
    hidden, comments = hide(text)
    run = subprocess.run(["clang-format", "--assume-filename=" + path], input=hidden,
                         capture_output=True, text=True, check=True)
    return re.sub(r"[ \t]*//@(\d+)\b", lambda m: comments[int(m.group(1))], run.stdout)


def main():
    fix = "--fix" in sys.argv[1:]
    failed = False
    for path in [a for a in sys.argv[1:] if a != "--fix"]:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        want = formatted(path, text)
        long = [n for n, line in enumerate(want.split("\n"), 1) if len(line) > COMMENT_COLUMN]
        if fix and want != text:
            with open(path, "w", encoding="utf-8") as file:
                file.write(want)
        if want != text and not fix:
            old, new = text.split("\n"), want.split("\n")
            line = next((n for n, (a, b) in enumerate(zip(old, new), 1) if a != b), len(old))
            print(f"not ok {path}:{line}: not in the house format: run ./dev format {path}")
        elif long:
            print(f"not ok {path}:{long[0]}: longer than {COMMENT_COLUMN} columns")
        else:
            print(f"ok {path}")
            continue
        failed = True
    sys.exit(failed)


main()

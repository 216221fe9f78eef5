#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The mutation run: mutate.py [--part N SEED] [--only WORD] BUILD. One security check of the library after the other (checks.txt) is taken
out or turned round in a copy of the sources, and the tests named with it must notice. A line for each, "ok …" or "not ok …"; fails if
fewer than 95 of 100 are noticed, or one that is listed as noticed is not."""
import argparse
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
SHARE = 0.95
PATIENCE = 180  # seconds for a program; one that hangs has noticed


class Mutant:
    """edits: [path, old text, new lines] of each place that is changed."""

    def __init__(self, path, tests, old, survives):
        self.edits, self.tests, self.survives, self.why = [[path, old, []]], tests, survives, ""

    def name(self):
        return " and ".join(f"{path}: {old} -> {' '.join(new).strip() or 'nothing'}" for path, old, new in self.edits)


def read_checks():
    mutants, path, tests = [], None, []
    with open(os.path.join(HERE, "checks.txt"), encoding="utf-8") as file:
        for number, line in enumerate(file.read().split("\n"), 1):
            if line.startswith("@ "):
                path, _, programs = line[2:].partition(" | ")
                tests = programs.split()
            elif line[:2] in ("- ", "= "):
                mutants.append(Mutant(path, tests, line[2:], line[0] == "="))
            elif line.startswith("& "):
                other, _, old = line[2:].partition(" | ")
                mutants[-1].edits.append([other, old, []])
            elif line[:1] == "+":
                mutants[-1].edits[-1][2].append(line[2:])
            elif line.startswith("! "):
                mutants[-1].why = line[2:]
            elif line and not line.startswith("#"):
                sys.exit(f"checks.txt:{number}: cannot be read")
    return mutants


def misfits(mutants):
    """What the list says and the sources do not."""
    texts = {}
    for m in mutants:
        for path, old, new in m.edits:
            if path not in texts:
                with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                    texts[path] = file.read()
            if texts[path].count(old) != 1:
                yield f"{path}: found {texts[path].count(old)} times: {old}"
            if not new:
                yield f"{path}: nothing is done to: {old}"
        if m.survives and not m.why:
            yield f"{m.edits[0][0]}: survives without a reason: {m.edits[0][1]}"


class Copy:
    """The sources and a build of them, in which a mutant lives."""

    def __init__(self, build):
        self.source, self.build = os.path.join(build, "source"), os.path.join(build, "build")
        os.makedirs(self.source, exist_ok=True)
        files = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, check=True).stdout.split(b"\0")
        for name in filter(None, files):
            old, new = os.path.join(ROOT, name.decode()), os.path.join(self.source, name.decode())
            if not os.path.isfile(old):
                continue
            os.makedirs(os.path.dirname(new), exist_ok=True)
            if not os.path.exists(new) or self.read(old) != self.read(new):
                shutil.copy(old, new)
        if not os.path.exists(os.path.join(self.build, "build.ninja")):
            run = subprocess.run(["meson", "setup", self.build, self.source, "-Doptimization=1", "-Ddebug=false", "-Dtests=enabled",
                                  "-Dtools=disabled", "-Dexamples=false", "-Dbench=false", "-Db_sanitize=address", "-Db_lundef=false"], capture_output=True, text=True, check=False)
            if run.returncode != 0:
                sys.exit(run.stdout + run.stderr)

    @staticmethod
    def read(path):
        with open(path, "rb") as file:
            return file.read()

    def make(self, tests):
        """'' or what the compiler says."""
        run = subprocess.run(["ninja", "-C", self.build, *["test/" + t.removeprefix("!") for t in tests]], capture_output=True, text=True, check=False)
        return "" if run.returncode == 0 else run.stdout + run.stderr

    def fails(self, test):
        program = [os.path.join(self.build, "test", test.removeprefix("!"))]
        if test.startswith("!"):
            program.insert(0, os.path.join(ROOT, "test", "netns"))
        try:
            run = subprocess.run(program, capture_output=True, check=False, timeout=PATIENCE,
                                 env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1"}, cwd=os.path.join(self.build, "test"))
        except subprocess.TimeoutExpired:
            return True
        return run.returncode != 0

    def noticed(self, mutant):
        """The program that failed, '' if none did; text beginning with '?' if it does not compile."""
        before = {path: self.read(os.path.join(self.source, path)) for path, _, _ in mutant.edits}
        after = dict(before)
        for path, old, new in mutant.edits:
            after[path] = after[path].replace(old.encode(), "\n".join(new).encode())
        try:
            self.write(after)
            wrong = self.make(mutant.tests)
            if wrong:
                return "? " + "; ".join(re.findall(r"error: .*", wrong)[:3])
            return next((t for t in mutant.tests if self.fails(t)), "")
        finally:
            self.write(before)

    def write(self, texts):
        for path, text in texts.items():
            with open(os.path.join(self.source, path), "wb") as file:
                file.write(text)


def sound(copy, mutants):
    """Without a mutant all tests pass."""
    tests = sorted({t for m in mutants for t in m.tests})
    wrong = copy.make(tests)
    if wrong:
        print("not ok the sources compile:", wrong[-2000:])
        return False
    failing = [t for t in tests if copy.fails(t)]
    print(f"{'not ok' if failing else 'ok'} {len(tests)} programs pass without a change {' '.join(failing)}", flush=True)
    return not failing


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--part", nargs=2, type=int, metavar=("N", "SEED"), help="only N of them, chosen by SEED")
    parser.add_argument("--only", default="", help="only those in whose file or text this stands")
    parser.add_argument("build")
    args = parser.parse_args()
    mutants = read_checks()
    wrong = list(misfits(mutants))
    for text in wrong:
        print("not ok", text)
    if wrong:
        return 1
    mutants = [m for m in mutants if args.only in m.name()]
    if args.part:
        count, seed = args.part
        step = max(1, len(mutants) // count)
        mutants = mutants[seed % step::step][:count]
    copy = Copy(os.path.abspath(args.build))
    if not sound(copy, mutants):
        return 1
    killed, bad = 0, 0
    for mutant in mutants:
        by = copy.noticed(mutant)
        fine = (by == "") == mutant.survives and not by.startswith("?")
        killed += bool(by) and not by.startswith("?")
        bad += not fine
        what = f"noticed by {by}" if by else f"survives{': ' + mutant.why if mutant.why else ''}"
        print(f"{'ok' if fine else 'not ok'} {mutant.name()} {what}", flush=True)
    enough = killed >= SHARE * len(mutants) or args.part or args.only
    print(f"{'ok' if enough else 'not ok'} {killed} of {len(mutants)} are noticed", flush=True)
    return 1 if bad or not enough else 0


if __name__ == "__main__":
    sys.exit(main())

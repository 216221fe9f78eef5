#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Counts what meson ran: count.py TESTLOG.JSON

A program of cmocka holds many tests: each becomes a line "ok PROGRAM: TEST" or "not ok PROGRAM: TEST". A program that broke off
(crash, leak, time), was skipped, or ran no test at all is one "not ok" more.
"""
import json
import re
import sys

try:
    with open(sys.argv[1], encoding="utf-8") as file:
        programs = [json.loads(line) for line in file if line.strip()]
except OSError:
    programs = []
if not programs:
    print("not ok meson: ran no test")
for program in programs:
    name = program["name"].split(" / ")[-1]
    text = program.get("stdout", "") + "\n" + program.get("stderr", "")
    passed = re.findall(r"\[ +OK +\] (\S+)", text)
    failed = sorted(set(re.findall(r"\[ +(?:FAILED|ERROR) +\] (?!\d+ test|---)(\S+)", text)))
    cmocka = "[==========]" in text
    for test in passed:
        print(f"ok {name}: {test}")
    for test in failed:
        print(f"not ok {name}: {test}")
    if re.search(r"\[ +SKIPPED +\] (?!\d+ test)\S+", text):
        print(f"not ok {name}: skips a test")
    elif program["result"] != "OK" and not failed:
        print(f"not ok {name}: {program['result'].lower()}, exit code {program.get('returncode')}")
    elif cmocka and not passed and not failed:
        print(f"not ok {name}: ran no test")
    elif not cmocka and program["result"] == "OK":
        print(f"ok {name}")

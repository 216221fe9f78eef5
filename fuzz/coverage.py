#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Which lines of the library ran: a table by file and by layer, out of what llvm-cov exports, and whether it is enough.

usage: coverage.py CORPORA.json ALL.json
CORPORA: what the corpora of the fuzz targets alone reach; ALL: they and the suites unit and scenario together.
The bounds hold for ALL; where the corpora alone are below them, the table says so.
"""
import json
import os
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LEAST = {'wire': 95.0, 'library': 85.0}


def lines_of(path):
    """{'wire/rtp.c': (lines, of them reached)}"""
    with open(path, encoding='utf-8') as f:
        files = json.load(f)['data'][0]['files']
    ret = {}
    for file in files:
        name = os.path.relpath(os.path.realpath(file['filename']), TOP)
        if name.startswith('lib/'):
            lines = file['summary']['lines']
            ret[name[4:]] = (lines['count'], lines['covered'])
    return ret


def total(table, layer=None):
    rows = [row for name, row in table.items() if layer is None or name.split('/')[0] == layer]
    return sum(row[0] for row in rows), sum(row[1] for row in rows)


def share(row):
    return 100.0 * row[1] / row[0] if row[0] else 100.0


def main():
    corpora, everything = (lines_of(path) for path in sys.argv[1:3])
    if not everything or set(corpora) != set(everything):
        sys.exit('coverage: the two reports are not of the same library')
    print(f'{"":38} {"lines":>6} {"corpora":>9} {"and tests":>10}')
    layers = sorted({name.split('/')[0] for name in everything})
    for layer in layers:
        for name in sorted(name for name in everything if name.split('/')[0] == layer):
            print(f'{"lib/" + name:38} {everything[name][0]:6} {share(corpora[name]):7.1f} % {share(everything[name]):8.1f} %')
    print()
    bad = []
    for layer in layers + ['library']:
        which = None if layer == 'library' else layer
        alone, both = total(corpora, which), total(everything, which)
        label = layer if layer == 'library' else 'lib/' + layer
        note = ''
        if layer in LEAST:
            note = f'   at least {LEAST[layer]:.0f} %'
            if share(both) < LEAST[layer]:
                bad.append(f'{label} is at {share(both):.1f} %, which is below {LEAST[layer]:.0f} %')
            elif share(alone) < LEAST[layer]:
                note += ': with the tests; the corpora alone do not reach it'
            else:
                note += ': by the corpora alone'
        print(f'{label:38} {both[0]:6} {share(alone):7.1f} % {share(both):8.1f} %{note}')
    for line in bad:
        print(f'coverage: {line}', file=sys.stderr)
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())

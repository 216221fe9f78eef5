# SPDX-License-Identifier: BSD-2-Clause
"""docs/reference/networks.md, of which each of the three programs writes its own part, with --write."""
import os
import re

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'docs', 'reference', 'networks.md')


def table(head, rows):
    """Lines of a table."""
    return ['| %s |' % ' | '.join(r) for r in (head, ['---'] * len(head), *rows)]


def parted(name):
    """The text before the part between <!-- NAME --> and <!-- /NAME -->, that part, the text after it."""
    with open(PATH, encoding='utf-8') as f:
        return re.fullmatch('(.*<!-- %s -->\n)(.*)(<!-- /%s -->.*)' % (name, name), f.read(), flags=re.S).groups()


def put(name, lines):
    before, _, after = parted(name)
    with open(PATH, 'w', encoding='utf-8') as f:
        f.write(before + '\n'.join(lines) + '\n' + after)


def merge(name, head, rows):
    """As `put` of a table, whose other rows stay: not all of it is measured in one run."""
    old = [line.strip('| ').split(' | ') for line in parted(name)[1].splitlines()[2:]]
    new = {r[0]: r for r in rows}
    kept = [new.pop(r[0], r) for r in old]
    put(name, table(head, kept + list(new.values())))

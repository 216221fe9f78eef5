# SPDX-License-Identifier: BSD-2-Clause
"""Bars as SVG, without a library: panels of horizontal bars, one for each stack."""
from xml.sax.saxutils import escape

PANEL, ROW, LABEL, HEAD, GAP, COLUMNS = 330, 18, 100, 40, 24, 2
OURS, OTHERS, ONCE = '#1f6fb2', '#a3adb5', '#d3d9de'  # ONCE: of another day, see peers.json
CUT = 4  # a bar that is so many times longer than all others would hide them: it is cut


def cell(value):
    if abs(value) >= 1000:
        return '{:,.0f}'.format(value)
    return '{:.3g}'.format(value) if abs(value) < 100 else '{:.0f}'.format(value)


def text(x, y, what, size=12, anchor='start', weight='normal'):
    return '<text x="%.1f" y="%.1f" font-size="%d" text-anchor="%s" font-weight="%s">%s</text>' % (
        x, y, size, anchor, weight, escape(what))


def longest(values):
    """What fills the width; longer bars are cut."""
    values = sorted(values)
    return values[-2] * 1.2 if len(values) > 1 and values[-1] > CUT * values[-2] > 0 else values[-1] or 1


def panel(x, y, title, unit, bars, bound):
    """bars: (name, value); bound: a line, or None. Height: height(bars)."""
    out = [text(x, y + 14, title, 13, weight='bold'), text(x, y + 29, unit, 11)]
    width, full = PANEL - LABEL - 50, longest([v for _, v in bars] + ([bound] if bound else []))
    for i, (name, value) in enumerate(bars):
        top, long = y + HEAD + i * ROW, max(1, width * min(1, value / full))
        color = OURS if name == 'sotto' else ONCE if name.endswith('*') else OTHERS
        out.append(text(x + LABEL - 6, top + 12, name, 12, 'end', 'bold' if name == 'sotto' else 'normal'))
        out.append('<rect x="%.1f" y="%.1f" width="%.1f" height="%d" fill="%s"/>' % (x + LABEL, top + 1, long, ROW - 4, color))
        if value > full:
            out.append('<path d="M%.1f %.1f l6 -16" stroke="#fff" stroke-width="3"/>' % (x + LABEL + long - 14, top + 16))
        out.append(text(x + LABEL + long + 4, top + 12, cell(value), 11))
    if bound and bound <= full:
        at = x + LABEL + width * bound / full
        out.append('<path d="M%.1f %.1f V%.1f" stroke="#c0392b" stroke-width="1.5" stroke-dasharray="4 2"/>' % (
            at, y + HEAD - 3, y + HEAD + len(bars) * ROW))
    return out


def height(bars):
    return HEAD + len(bars) * ROW + GAP


def bars(panels):
    """One picture; panels: (title, unit, [(name, value)], bound), two beside each other."""
    body, y = [], GAP
    for i in range(0, len(panels), COLUMNS):
        row = panels[i:i + COLUMNS]
        for k, p in enumerate(row):
            body += panel(GAP + k * (PANEL + GAP), y, *p)
        y += max(height(p[2]) for p in row)
    size = (COLUMNS * (PANEL + GAP) + GAP, y)
    return '\n'.join(['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" '
                      'fill="#222">' % (*size, *size), '<rect width="%d" height="%d" fill="#fff"/>' % size, *body, '</svg>', ''])

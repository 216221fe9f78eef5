# SPDX-License-Identifier: BSD-2-Clause
"""Pictures as SVG, without a library: panels of horizontal bars, one for each stack, or of lines."""
import math
from xml.sax.saxutils import escape

PANEL, ROW, LABEL, HEAD, GAP, COLUMNS = 330, 18, 100, 40, 24, 2
OURS, OTHERS, ONCE = '#1f6fb2', '#a3adb5', '#d3d9de'  # ONCE: of another day, see peers.json
LINES = [OURS, '#c0662b', '#4a8f4d', '#8a5aa8', '#777f86']  # ours is the first
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
    return picture(body, (COLUMNS * (PANEL + GAP) + GAP, y))


WIDE, HIGH = 330, 250  # of a panel with lines


def decades(values):
    """Powers of ten around them."""
    return math.floor(math.log10(min(values))), max(math.ceil(math.log10(max(values))), math.floor(math.log10(min(values))) + 1)


def line_panel(x, y, title, unit, marks, series):
    """series: (name, values at the marks, None where there is none); the scale is logarithmic."""
    values = [v for _, s in series for v in s if v]
    if not values:
        return []
    low, high = decades(values)
    left, top, width, tall = x + 44, y + HEAD, WIDE - 44 - 70, HIGH - HEAD - 30
    across = lambda i: left + width * (i / max(1, len(marks) - 1))
    up = lambda v: top + tall * (1 - (math.log10(v) - low) / (high - low))
    out = [text(x, y + 14, title, 13, weight='bold'), text(x, y + 29, unit, 11)]
    for e in range(low, high + 1):
        out.append('<path d="M%.1f %.1f h%.1f" stroke="#d3d9de"/>' % (left, up(10.0 ** e), width))
        out.append(text(left - 6, up(10.0 ** e) + 4, '%g' % 10.0 ** e, 11, 'end'))
    out += [text(across(i), top + tall + 18, m, 11, 'middle') for i, m in enumerate(marks)]
    taken = []
    for i, (name, s) in reversed(list(enumerate(series))):  # ours last, above the others
        points = [(across(k), up(v)) for k, v in enumerate(s) if v]
        if not points:
            continue
        color, thick = LINES[i % len(LINES)], 2.5 if i == 0 else 1.5
        out.append('<polyline fill="none" stroke="%s" stroke-width="%s" points="%s"/>' % (
            color, thick, ' '.join('%.1f,%.1f' % p for p in points)))
        out += ['<circle cx="%.1f" cy="%.1f" r="%s" fill="%s"/>' % (*p, thick + 0.5, color) for p in points]
        taken.append((points[-1][1], name, color, i))
    at = -1e9
    for end, name, color, i in sorted(taken):  # names beside the ends, none over another
        at = max(end, at + 13)
        out.append('<g fill="%s">%s</g>' % (color, text(left + width + 8, at + 4, name, 12, weight='bold' if i == 0 else 'normal')))
    return out


def lines(panels):
    """One picture; panels: (title, unit, marks, series), two beside each other."""
    body, y = [], GAP
    for i in range(0, len(panels), COLUMNS):
        for k, p in enumerate(panels[i:i + COLUMNS]):
            body += line_panel(GAP + k * (WIDE + GAP), y, *p)
        y += HIGH + GAP
    return picture(body, (COLUMNS * (WIDE + GAP) + GAP, y))


def picture(body, size):
    return '\n'.join(['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" '
                      'fill="#222">' % (*size, *size), '<rect width="%d" height="%d" fill="#fff"/>' % size, *body, '</svg>', ''])

"""
A plot of one metric as SVG: a bar to each median, a dot for each sample.

SPDX-License-Identifier: BSD-2-Clause
"""

import math
from html import escape

from .catalogue import is_ours
from .table import heading, number

WIDTH, LEFT, RIGHT = 760, 160, 90
TOP, ROW, BOTTOM = 40, 30, 34

# Beyond this ratio the small bars could not be seen on a linear scale.
LINEAR_MAX = 30

STYLE = """
text { font: 13px sans-serif; fill: #222 }
.title { font-weight: bold } .tick { font-size: 11px; fill: #666 }
.peer { fill: #b8c4d0 } .ours { fill: #4c8c5a } .sample { fill: #222; fill-opacity: .45 }
.grid { stroke: #ddd } .aim { stroke: #b03030; stroke-dasharray: 5 3 }
.label { fill: #b03030; font-size: 11px }
"""


class Scale:
    """From values to x, linear from 0 or logarithmic."""

    def __init__(self, values):
        self.high = max(values) * 1.05
        low = min(values)
        self.logarithmic = self.high > low * LINEAR_MAX
        self.low = 10 ** math.floor(math.log10(low)) if self.logarithmic else 0

    def x(self, value):
        if self.logarithmic:
            part = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            part = value / self.high
        return LEFT + part * (WIDTH - LEFT - RIGHT)

    def ticks(self):
        if self.logarithmic:
            decades = round(math.log10(self.low)), math.floor(math.log10(self.high))
            return [10.0**k for k in range(decades[0], decades[1] + 1)]
        step = 10 ** math.floor(math.log10(self.high / 2))
        step *= next(k for k in (1, 2, 5) if self.high / (step * k) <= 8)
        return [step * i for i in range(int(self.high / step) + 1)]


def _grid(scale, bottom):
    for tick in scale.ticks():
        x = scale.x(tick)
        label = f"{tick:g}" if tick < 1000 else number(tick)
        yield f'<path class="grid" d="M{x:.1f} {TOP - 6}V{bottom}"/>'
        yield (f'<text class="tick" text-anchor="middle" x="{x:.1f}" '
               f'y="{bottom + 16}">{label}</text>')


def _bar(scale, row, y):
    x = scale.x(row.median)
    kind = "ours" if is_ours(row.subject) else "peer"
    yield f'<text text-anchor="end" x="{LEFT - 8}" y="{y + 15}">{escape(row.subject)}</text>'
    yield (f'<rect class="{kind}" x="{LEFT}" y="{y + 3}" width="{x - LEFT:.1f}" '
           f'height="{ROW - 12}"/>')
    for sample in row.samples:
        yield (f'<circle class="sample" cx="{scale.x(sample):.1f}" '
               f'cy="{y + ROW / 2 - 3}" r="2.5"/>')
    end = scale.x(max(row.samples))
    yield f'<text class="tick" x="{end + 6:.1f}" y="{y + 15}">{number(row.median)}</text>'


def _aim(scale, aim, bottom):
    x = scale.x(aim)
    yield f'<path class="aim" d="M{x:.1f} {TOP - 6}V{bottom}"/>'
    yield (f'<text class="label" x="{x + 4:.1f}" y="{bottom + 30}" '
           f'text-anchor="middle">aim {number(aim)}</text>')


def svg(case, metric, rows):
    """The plot as one self-contained element."""
    aims = [] if metric.aim is None else [metric.aim]
    scale = Scale([value for row in rows for value in row.samples] + aims)
    bottom = TOP + ROW * len(rows)
    title = heading(case, metric) + (", logarithmic" if scale.logarithmic else "")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + BOTTOM}" '
        f'width="{WIDTH}" height="{bottom + BOTTOM}">',
        f"<style>{STYLE}</style>",
        f'<text class="title" x="8" y="20">{escape(title)}</text>',
        *_grid(scale, bottom),
    ]
    for i, row in enumerate(rows):
        parts += _bar(scale, row, TOP + ROW * i)
    for aim in aims:
        parts += _aim(scale, aim, bottom)
    return "\n".join([*parts, "</svg>"]) + "\n"

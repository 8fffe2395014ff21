"""
All results as one HTML page, with its plots beside it as SVG files.

SPDX-License-Identifier: BSD-2-Clause
"""

from html import escape
from pathlib import Path

from .catalogue import is_ours
from .plot import svg
from .table import cells, header, heading, remarks, warnings

STYLE = """
body { font: 15px/1.5 sans-serif; max-width: 56em; margin: 2em auto; padding: 0 1em;
       color: #222 }
table { border-collapse: collapse; margin: .5em 0 }
th, td { padding: .15em .8em; text-align: right; border-bottom: 1px solid #ddd;
         white-space: nowrap }
th:first-child, td:first-child { text-align: left }
.ours { font-weight: bold; background: #eaf3ec }
.remark { color: #666; font-size: 13px; margin: .1em 0 }
.warning { background: #fff3d6; padding: .4em .8em }
img { max-width: 100% }
"""


def _table(case, metric, rows):
    yield "<table><tr>" + "".join(
        f"<th>{escape(cell)}</th>" for cell in header(case, metric)) + "</tr>"
    for row in rows:
        kind = ' class="ours"' if is_ours(row.subject) else ""
        yield f"<tr{kind}>" + "".join(
            f"<td>{escape(cell)}</td>" for cell in cells(row, case, metric)) + "</tr>"
    yield "</table>"


def _section(results, case, metric, directory):
    rows = results.rows(case, metric)
    yield f"<h2>{escape(heading(case, metric))}</h2>"
    if rows:
        name = f"{case.name}-{metric.key}.svg"
        (directory / name).write_text(svg(case, metric, rows), encoding="utf-8")
        yield f'<img src="{name}" alt="{escape(heading(case, metric))}">'
        yield from _table(case, metric, rows)
    for remark in remarks(results, case, metric):
        yield f'<p class="remark">{escape(remark)}</p>'


def _head(results):
    machine = ", ".join(f"{key} {value}" for key, value in results.machine.items()
                        if key != "warnings")
    yield '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
    yield f"<title>libvcore: benchmarks</title><style>{STYLE}</style></head><body>"
    yield "<h1>libvcore: benchmarks</h1>"
    yield (f"<p>{escape(machine)}. Lower is better, except of what is a number a second; "
           "ratios are to the best peer.</p>")
    for warning in warnings(results):
        yield f'<p class="warning">{escape(warning)}</p>'


def write(results, cases, directory):
    """Makes the directory, its index.html and its plots."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    parts = list(_head(results))
    for case in cases:
        for metric in case.metrics:
            parts += _section(results, case, metric, directory)
    parts.append("</body></html>\n")
    (directory / "index.html").write_text("\n".join(parts), encoding="utf-8")

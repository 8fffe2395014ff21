"""
Results as text for people.

SPDX-License-Identifier: BSD-2-Clause
"""

import math
from statistics import median

from .catalogue import is_ours
from .results import COARSE, FEW, QUIET, indistinct


def number(value):
    """Three or more digits, and none that the noise would make a lie of."""
    if value is None or math.isinf(value) or math.isnan(value):
        return "–"
    if value >= 1000:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.{0 if value >= 200 else 1 if value >= 20 else 2}f}"


def interval(row):
    low, high = row.interval
    return "too few" if math.isinf(high) else f"{number(low)} … {number(high)}"


def aim(row, metric):
    """Ours alone has one."""
    if not is_ours(row.subject) or metric.aim is None:
        return ""
    sign = "≥" if metric.rate else "≤"
    met = "met" if metric.met_by(row.median) else "missed"
    return f"aim {sign} {number(metric.aim)}, {met}"


def heading(case, metric):
    processors = "1 processor" if case.processors == 1 else f"{case.processors} processors"
    return f"{case.title} ({processors}), {metric.unit}"


def header(case, metric):
    columns = case.columns if metric is case.metrics[0] else ()
    best = "max" if metric.rate else "min"
    return ("subject", best, "median", "spread", "90 % interval", *columns, "ratio", "")


def cells(row, case, metric):
    columns = row.columns if metric is case.metrics[0] else ()
    ratio = "–" if math.isnan(row.ratio) else f"{row.ratio:.2f}"
    return (row.subject, number(metric.best(row.samples)), number(row.median),
            f"{row.spread * 100:.1f} %", interval(row),
            *(number(column) for column in columns), ratio, aim(row, metric))


def remarks(results, case, metric):
    """What the reader must know to read the table right."""
    rows = results.rows(case, metric)
    for first, second, comparison in indistinct(rows):
        if comparison.resolution <= COARSE:
            yield f"no difference: {first} and {second}"
        elif not math.isinf(comparison.resolution):
            yield f"warning: too noisy to tell {first} and {second} apart"
    if any(len(row.samples) < FEW for row in rows):
        yield "too few samples to tell subjects apart"
    for row in rows:
        if row.note:
            yield f"{row.subject}: {row.note}"
    if metric is case.metrics[0]:
        yield from case.notes
        for subject, reason in results.failures(case).items():
            yield f"failed: {subject}: {reason}"


def _aligned(lines):
    widths = [max(map(len, column)) for column in zip(*lines)]
    for line in lines:
        padded = [line[0].ljust(widths[0])]
        padded += [cell.rjust(width) for cell, width in zip(line[1:-1], widths[1:-1])]
        yield "  ".join(padded + [line[-1]]).rstrip()


def _print_metric(results, case, metric):
    rows = results.rows(case, metric)
    print(f"\n{heading(case, metric)}")
    if rows:
        lines = [header(case, metric)] + [cells(row, case, metric) for row in rows]
        for line in _aligned(lines):
            print(f"  {line}")
    for remark in remarks(results, case, metric):
        print(f"    {remark}")


def warnings(results):
    """What puts all the figures in doubt."""
    for warning in results.machine.get("warnings", ()):
        yield warning
    if results.reference_spread() > QUIET:
        yield (f"the machine is noisy: even a plain multiplication varied by "
               f"{results.reference_spread() * 100:.1f} %")


def print_results(results, cases):
    for case in cases:
        for metric in case.metrics:
            _print_metric(results, case, metric)
    print()
    for warning in warnings(results):
        print(f"warning: {warning}")


def _summary(comparisons):
    differing = sum(comparison.different for comparison in comparisons)
    untold = sum(math.isinf(comparison.resolution) for comparison in comparisons)
    if untold:
        return f"{differing} differ, {untold} of {len(comparisons)} had too few samples"
    return f"{differing} of {len(comparisons)} differ" if differing else "no difference"


def print_failures(results, cases):
    for case in cases:
        for subject, reason in results.failures(case).items():
            print(f"failed: {case.name}: {subject}: {reason}")


def print_comparison(compared, names):
    """compared: as made by results.compare_subject."""
    lines = [("", *names, "ratio", "verdict")]
    for case, metric, first, second, comparison in compared:
        lines.append((f"{case.name}, {metric.unit}", number(median(first)),
                      number(median(second)), f"{comparison.ratio:.3f}",
                      comparison.verdict()))
    for line in _aligned(lines):
        print(f"  {line}")
    print(f"\n{_summary([entry[-1] for entry in compared])}")

"""
Results as rows of a table for a document: medians, and no more.

Cases that follow one another and ask the same, of another size, are one row,
with a value for each.

SPDX-License-Identifier: BSD-2-Clause
"""

from statistics import median

from .catalogue import OURS, is_ours
from .table import number, print_failures, warnings


def _question(case):
    return (case.name.rpartition("-")[0] or case.name, case.workload,
            tuple(metric.unit for metric in case.metrics))


def folded(cases):
    """Lists of cases, each of them a row."""
    groups = []
    for case in cases:
        if groups and _question(groups[-1][-1]) == _question(case):
            groups[-1].append(case)
        else:
            groups.append([case])
    return groups


def _values(results, group, i, subject):
    samples = [results.samples(case, subject, case.metrics[i]) for case in group]
    return ", ".join(number(median(taken)) if taken else "–" for taken in samples)


def _aims(group, i):
    aims = [case.metrics[i].aim for case in group]
    return ", ".join(number(aim) for aim in aims) if any(aims) else ""


def _subjects(results, group, i):
    """The best first, of the first case that they were measured in."""
    names = []
    for case in group:
        names += [row.subject for row in results.rows(case, case.metrics[i])
                  if row.subject not in names]
    return names


def _cell(results, group, i, names):
    """Of ours, what makes a variant one is its name."""
    return "; ".join(f"{name.removeprefix(OURS).removeprefix('-')} "
                     f"{_values(results, group, i, name)}".strip() for name in names)


def _row(results, group, i):
    what = ", ".join([group[0].name, *(case.name.rpartition("-")[2] for case in group[1:])])
    subjects = _subjects(results, group, i)
    ours = sorted(filter(is_ours, subjects), key=len)
    others = [subject for subject in subjects if not is_ours(subject)]
    return (f"| {what}, {group[0].metrics[i].unit} | {_cell(results, group, i, ours)} "
            f"| {_aims(group, i)} | {_cell(results, group, i, others)} |")


def print_results(results, cases):
    print("| what | libvcore | aim | others, best first |\n|---|---|---|---|")
    for group in folded(cases):
        for i in range(len(group[0].metrics)):
            print(_row(results, group, i))
    print_failures(results, cases)
    for warning in warnings(results):
        print(f"warning: {warning}")

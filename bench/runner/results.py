"""
The results of a run: what is kept in JSON, and what follows from it.

SPDX-License-Identifier: BSD-2-Clause
"""

import json
from dataclasses import dataclass
from statistics import median

from .catalogue import REFERENCE, is_ours
from .statistics import compare, median_interval, spread

FORMAT = 1

# Samples of the reference vary less than this on a machine left alone.
QUIET = 0.02

# A difference this large should not be able to hide in noise.
COARSE = 0.10

# With fewer samples a subject no comparison can be certain.
FEW = 5


@dataclass(frozen=True)
class Row:
    """One subject in one metric of one case."""

    subject: str
    samples: tuple  # in the unit of the metric
    ratio: float  # of its median to that of the best peer; nan: no peers
    columns: tuple  # medians of the further keys; None where it has none
    note: str

    @property
    def median(self):
        return median(self.samples)

    @property
    def spread(self):
        return spread(self.samples)

    @property
    def interval(self):
        """Where the true median lies, with a confidence of 90 %."""
        return median_interval(self.samples, 0.90)


@dataclass(frozen=True)
class Certainty:
    """What it takes for two results to differ."""

    error: float  # the probability that equals are found to, in any case
    least: float  # smaller relative differences are none


class Results:
    def __init__(self, machine, cases):
        self.machine = machine
        self.cases = cases  # name → {"values", "notes", "failures"}

    @classmethod
    def of(cls, samples, machine):
        names = samples.values.keys() | samples.failures.keys()
        return cls(machine, {
            name: {
                "values": samples.values[name],
                "notes": samples.notes[name],
                "failures": samples.failures[name],
            } for name in sorted(names)})

    @classmethod
    def load(cls, path):
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        if document.get("format") != FORMAT:
            raise ValueError(f"{path} is not a result of this version of bench/run")
        return cls(document["machine"], document["cases"])

    def save(self, path):
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"format": FORMAT, "machine": self.machine, "cases": self.cases},
                      file, indent=1)
            file.write("\n")

    def samples(self, case, subject, metric):
        values = self.cases.get(case.name, {}).get("values", {})
        return tuple(metric.value(value)
                     for value in values.get(subject, {}).get(metric.key, ()))

    def notes(self, case):
        return self.cases.get(case.name, {}).get("notes", {})

    def failures(self, case):
        return self.cases.get(case.name, {}).get("failures", {})

    def rows(self, case, metric):
        """The subjects that have this metric, the fastest first."""
        values = self.cases.get(case.name, {}).get("values", {})
        measured = {subject: self.samples(case, subject, metric) for subject in values}
        measured = {subject: samples for subject, samples in measured.items() if samples}
        peers = [median(samples) for subject, samples in measured.items()
                 if not is_ours(subject)]
        best = metric.best(peers)
        rows = [Row(subject, samples, median(samples) / best,
                    _columns(case, values[subject]), self.notes(case).get(subject, ""))
                for subject, samples in measured.items()]
        return sorted(rows, key=lambda row: row.median, reverse=metric.rate)

    def reference_spread(self):
        return max((row.spread for row in self.rows(REFERENCE, REFERENCE.metrics[0])),
                   default=0.0)


def _columns(case, values):
    return tuple(median(values[key]) if values.get(key) else None for key in case.columns)


def indistinct(rows):
    """Neighbours in the table that the samples do not tell apart."""
    pairs = zip(rows, rows[1:])
    compared = [(a, b, compare(a.samples, b.samples)) for a, b in pairs]
    return [(a.subject, b.subject, comparison) for a, b, comparison in compared
            if not comparison.different]


def compare_subject(first, second, cases, subject, certainty, other=None):
    """
    How `other` (the same, if None) did in the second results compared with
    `subject` in the first: (case, metric, samples, samples, comparison).
    """
    both = [(case, metric, first.samples(case, subject, metric),
             second.samples(case, other or subject, metric))
            for case in cases for metric in case.metrics]
    both = [entry for entry in both if entry[2] and entry[3]]
    alpha = certainty.error / max(1, len(both))
    return [entry + (compare(entry[2], entry[3], alpha, certainty.least),)
            for entry in both]


def drift(first, second):
    """By how much the machine itself differs between two results."""
    metric = REFERENCE.metrics[0]
    ratios = [median(second.samples(REFERENCE, row.subject, metric)) / row.median
              for row in first.rows(REFERENCE, metric)
              if second.samples(REFERENCE, row.subject, metric)]
    return max((abs(ratio - 1) for ratio in ratios), default=0.0)

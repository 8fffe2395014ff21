"""
Takes the samples: each a process of its own, all subjects in turn.

A round takes one sample of every case from every subject.  Within a case the
subjects run one right after the other, in an order drawn anew each round, so
that whatever the machine does meanwhile happens to all alike.

SPDX-License-Identifier: BSD-2-Clause
"""

import json
import os
import random
import subprocess
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

TIMEOUT = 120  # seconds a sample


@dataclass(frozen=True)
class Subject:
    name: str
    path: Path
    workloads: frozenset


class NoSubjects(Exception):
    """The build directory contains no benchmark subject."""


def discover(build):
    """The subjects that were built: the programs in bench/subjects."""
    directory = Path(build) / "bench" / "subjects"
    paths = sorted(directory.glob("*")) if directory.is_dir() else []
    subjects = [_ask(path) for path in paths
                if path.is_file() and os.access(path, os.X_OK)]
    if not subjects:
        raise NoSubjects(f"no subjects in {directory}: is it built, with -Dbench=enabled?")
    return subjects


def _ask(path):
    listed = subprocess.run([path, "--list"], check=True, capture_output=True, text=True)
    return Subject(path.name, path, frozenset(listed.stdout.split()))


def command(subject, case, shorter):
    """How a subject is called; `shorter` gives up some precision."""
    arguments = {"processors": case.processors} | case.arguments
    if shorter and "time" in arguments:
        arguments["time"] //= 3
    if shorter and case.slow:
        arguments.pop("warm", None)
    return [str(subject.path), case.workload] + [
        f"{name}={value}" for name, value in arguments.items()]


def _confine(processors):
    """To the last CPUs: the first ones take the interrupts."""
    cpus = sorted(os.sched_getaffinity(0))[-processors:]
    return lambda: os.sched_setaffinity(0, cpus)


def _sample(subject, case, shorter):
    done = subprocess.run(command(subject, case, shorter), check=True, text=True,
                          capture_output=True, timeout=TIMEOUT,
                          preexec_fn=_confine(case.processors))
    return json.loads(done.stdout)


def _reason(error):
    """Why a sample failed, in one line."""
    said = getattr(error, "stderr", None) or ""
    if isinstance(said, bytes):
        said = said.decode(errors="replace")
    return said.strip().splitlines()[-1] if said.strip() else str(error)


class Samples:
    """By case and subject: lists of values by key; notes; what failed."""

    def __init__(self):
        self.values = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
        self.notes = defaultdict(dict)
        self.failures = defaultdict(dict)

    def take(self, subject, case, shorter):
        if subject.name in self.failures[case.name]:
            return
        try:
            result = _sample(subject, case, shorter)
        except (subprocess.SubprocessError, ValueError) as error:
            self.failures[case.name][subject.name] = _reason(error)
            return
        if "note" in result:
            self.notes[case.name][subject.name] = result.pop("note")
        for key, value in result.items():
            self.values[case.name][subject.name][key].append(value)


def measure(cases, subjects, repetitions, slow_repetitions, shorter=False, progress=None):
    """All samples; progress(done, of, what) is called before each round of a case."""
    samples = Samples()
    turns = [(turn, case) for turn in range(repetitions) for case in cases
             if not case.slow or turn < slow_repetitions]
    for i, (turn, case) in enumerate(turns):
        if progress:
            progress(i, len(turns), case.name)
        able = [subject for subject in subjects if case.workload in subject.workloads]
        for subject in random.sample(able, len(able)):
            samples.take(subject, case, shorter)
    return samples

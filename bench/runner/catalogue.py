"""
What is measured: one case a question, with the aim that libvcore has in it.

SPDX-License-Identifier: BSD-2-Clause
"""

from dataclasses import dataclass, field

OURS = "vcore"


@dataclass(frozen=True)
class Metric:
    key: str  # in the line a subject prints
    unit: str
    aim: float  # at most, in that unit
    scale: float = 1.0  # from what the subject prints to the unit


@dataclass(frozen=True)
class Case:
    name: str
    title: str
    workload: str
    metrics: tuple
    processors: int = 1
    arguments: dict = field(default_factory=dict)
    columns: tuple = ()  # further keys, shown beside the first metric
    slow: bool = False  # takes seconds a sample: fewer repetitions
    notes: tuple = ()


# Samples of operations that last nanoseconds take this many milliseconds.
GROWING = {"time": 40}

# The chain of multiplications that tells whether the machine ran alike.
REFERENCE = Case("reference", "the machine itself", "reference",
                 (Metric("ns", "ns", 0),), arguments=GROWING)

_NO_KERNEL_THREADS = ("pthread is left out: a kernel thread takes 20 µs to spawn, "
                      "and this spawns a million.")
_NO_FIBERS = ("Boost.Fiber is left out: first in, first out, it would have all "
              "threads of the tree at once.")


def _switch(threads):
    return Case(f"switch-{threads}", f"yield between {threads} threads", "switch",
                (Metric("ns", "ns a switch", 8),),
                arguments=GROWING | {"threads": threads})


def _fib(processors, aim):
    return Case(f"fib-{processors}", "fork-join: fib(30), a thread for each left call",
                "fib", (Metric("ns", "ms", aim, 1e-6),), processors,
                {"n": 30, "warm": 1}, slow=True,
                notes=(_NO_KERNEL_THREADS, _NO_FIBERS))


def _skynet(processors, aim):
    return Case(f"skynet-{processors}",
                "fork-join: skynet, 1 000 000 leaves, ten threads a node",
                "skynet", (Metric("ns", "ms", aim, 1e-6),), processors,
                {"n": 1000000, "warm": 1}, slow=True,
                notes=(_NO_KERNEL_THREADS, _NO_FIBERS))


def _ping_pong(processors, aim, where=""):
    return Case(f"ping-pong-{processors}", f"ping-pong between two threads{where}",
                "ping-pong", (Metric("ns", "ns there and back", aim),), processors,
                GROWING | {"laps": 1}, columns=("p50", "p99", "p999"),
                notes=("The percentiles are of single rounds, each with one reading "
                       "of the clock in it.",))


CASES = (
    _switch(2),
    _switch(1000),
    Case("spawn", "spawn and join, one at a time", "spawn",
         (Metric("ns", "ns a thread", 35),), arguments=GROWING),
    Case("spawn-many", "100 000 spawned, then joined, warm", "spawn-many",
         (Metric("ns", "ns a thread", 60),), arguments={"n": 100000, "warm": 1}),
    _fib(1, 60),
    _fib(2, 32),
    _skynet(1, 32),
    _skynet(2, 18),
    _ping_pong(1, 55),
    _ping_pong(2, 250, ", a processor each"),
    Case("waiting", "1 000 000 threads, from spawn to waiting", "waiting",
         (Metric("ns", "ns a thread", 1600), Metric("bytes", "bytes a thread", 4300)),
         arguments={"n": 1000000}, slow=True,
         notes=("Bytes are resident ones, and do not count the kernel's page tables.",)),
    Case("advance", "count an event that nobody waits for", "advance",
         (Metric("ns", "ns", 5.3),), arguments=GROWING),
)


def selected(names):
    """The cases of these names; a name also selects what it begins."""
    return tuple(case for case in CASES
                 if not names or any(case.name.startswith(name) for name in names))

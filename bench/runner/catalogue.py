"""
What is measured: one case a question, with the aim that libvcore has in it.

SPDX-License-Identifier: BSD-2-Clause
"""

from dataclasses import dataclass, field
from math import nan

OURS = "vcore"


def is_ours(subject):
    """Whether it is libvcore, in any of its variants."""
    return subject == OURS or subject.startswith(OURS + "-")


@dataclass(frozen=True)
class Metric:
    key: str  # in the line a subject prints
    unit: str
    aim: float  # at most, of a rate at least, in that unit; None: there is none
    scale: float = 1.0  # from what the subject prints to the unit
    rate: bool = False  # so many in a time, of which it prints what one takes

    def value(self, printed):
        return self.scale / printed if self.rate else self.scale * printed

    def best(self, values):
        return max(values, default=nan) if self.rate else min(values, default=nan)

    def met_by(self, value):
        return value >= self.aim if self.rate else value <= self.aim


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
    asked: bool = False  # measured only when asked for by name
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


_QUANTA = {"10ms": 10000, "1ms": 1000, "200us": 200}  # microseconds
_PEERS_QUANTUM = "Only vcore has the quantum chosen: its peers have their own in all of these."


def _preempted(way, quantum):
    """Arguments and words for threads that are preempted in one of two ways."""
    return ({"quantum": _QUANTA[quantum], "light": int(way == "light")},
            f"quantum {quantum}, {way.upper()}")


def _gap(way, quantum, aim):
    arguments, words = _preempted(way, quantum)
    return Case(f"gap-{way}-{quantum}", f"gap as one of two spinning threads follows "
                f"the other, {words}", "gap", (Metric("gap", "µs", aim),),
                arguments=arguments | {"n": 20}, columns=("p99",), slow=True,
                notes=(_PEERS_QUANTUM,))


def _lost(way, quantum, aim):
    arguments, words = _preempted(way, quantum)
    return Case(f"lost-{way}-{quantum}", f"two threads that compute, at once, {words}",
                "lost", (Metric("relative", "% of the time one after the other", aim),),
                arguments=arguments | {"n": 40, "threads": 2}, slow=True,
                notes=(_PEERS_QUANTUM,))


def _handover(name, cpus, where, aim):
    return Case(f"handover-{name}", f"hand-over from a thread that blocks in read(2), {where}",
                "handover", (Metric("handover", "µs beyond the quantum, to the next thread", aim),
                             Metric("comeback", "µs from the other thread back", 45)),
                cpus, {"processors": 1, "quantum": 1000, "n": 40}, slow=True)


def _late(name, higher, aim):
    return Case(f"late-{name}", f"a sleeping thread beside one that spins, {name} priority",
                "late", (Metric("late", "µs late", aim),),
                arguments={"quantum": 10000, "higher": higher, "n": 40},
                columns=("p99",), slow=True)


_CONTEST = {"n": 60}  # milliseconds
_MIXES = {"read": (0, "only readers"), "31to1": (1, "31 reads to 1 write"),
          "1to1": (16, "1 read to 1 write")}


def _contest(name, title, workload, threads, aim, arguments=(), notes=()):
    return Case(name, f"{title}, {threads} thread{'s' if threads > 1 else ''}", workload,
                (Metric("ns", "million a second", aim, 1e3, rate=True),), 2,
                _CONTEST | {"threads": threads} | dict(arguments),
                columns=("fairness",), slow=True, notes=notes)


def _mutex(threads, aim):
    return _contest(f"mutex-{threads}", "a lock, acquired and released", "mutex",
                    threads, aim)


def _ticket(threads):
    return _contest(f"ticket-{threads}", "a lock that is first come, first served",
                    "ticket", threads, 10)


def _rwlock(mix, threads, aim=None):
    writes, words = _MIXES[mix]
    return _contest(f"rwlock-{mix}-{threads}", f"a reader-writer lock, {words}", "rwlock",
                    threads, aim, {"writes": writes})


def _rcu(threads):
    return _contest(f"rcu-{threads}", "a section in which two words are read", "rcu", threads,
                    None, notes=("pthread and vcore-locked: reader-writer locks.",))


_NO_BOUND = "Those with no bound answer an easier question: they are never full."
_NO_CK = ("Concurrency Kit is left out: its senders spin for one that does not run, "
          "milliseconds a message.")
_CPU = "cpu: CPU time of the process a message, in ns."


def _messages(name, title, workload, arguments, processors=2, aim=None, notes=(), **more):
    """A rate of messages: how many were sent, and received, in a second."""
    return Case(name, title, workload,
                (Metric("ns", "million a second", aim, 1e3, rate=True),), processors,
                GROWING | arguments, columns=("cpu",), notes=(*notes, _CPU), **more)


_ENDS = {1: ("one-to-one", "one sender, one receiver"),
         4: ("many-to-many", "four senders, four receivers")}


def _traffic(ends, processors, capacity=1024, size=8, aim=None, prefix="buffer", **more):
    """Senders and receivers that wait, as many of one as of the other."""
    workload, words = _ENDS[ends]
    return _messages(f"{prefix}-{ends}to{ends}-{processors}-{capacity}x{size}",
                     f"a buffer of {capacity} messages of {size} bytes, {words}", workload,
                     {"threads": ends, "capacity": capacity, "bytes": size}, processors,
                     aim, **more)


def _batches(ends, batch):
    workload, words = _ENDS[ends]
    return _messages(f"batches-{ends}to{ends}-{batch}",
                     f"a buffer of 1024 messages of 8 bytes, {words}, in batches of {batch}",
                     f"{workload}-batches", {"threads": ends, "batch": batch})


def _round_trip(processors):
    return Case(f"round-trip-{processors}", "there and back through two buffers of one message",
                "round-trip", (Metric("ns", "ns there and back", None),), processors,
                GROWING | {"threads": 1, "capacity": 1, "laps": 1},
                columns=("p50", "p99", "p999"))


def _ring(threads, workload="ring", aim=None, notes=()):
    return _messages(f"ring-{threads}", "a ring, never waiting: each of "
                     f"{threads} threads sends a message, then receives one", workload,
                     {"threads": threads}, aim=aim, notes=(_NO_BOUND, *notes))


def _spsc(name, workload, how, arguments=(), aim=None):
    return _messages(name, "a ring for one sender and one receiver, never waiting, each on a "
                     f"processor of its own{how}", workload,
                     {"threads": 1} | dict(arguments), aim=aim)


def _stack(threads, aim):
    return _messages(f"stack-{threads}", f"a stack: each of {threads} threads pushes an "
                     "element, then pops one", "stack", {"threads": threads}, aim=aim)


_FEW_CACHES = "vcore-pthreads: pthreads share a few caches, with locks, of a pool."


def _pool(name, title, workload, arguments):
    """Of objects of 64 bytes, which are written to, and read."""
    return Case(f"pool-{name}", f"objects of 64 bytes, {title}", workload,
                (Metric("ns", "ns an object", None),), 2,
                GROWING | {"bytes": 64} | arguments, columns=("cpu",),
                notes=(_FEW_CACHES, _CPU))


_NO_CACHES = "jemalloc-arena and vcore-heap keep nothing for a thread: each call takes a lock."


def _heap(name, title, workload, size, threads=1, **arguments):
    """Of memory that is written to, and read."""
    return Case(f"heap-{name}", f"memory of {size} bytes, {title}", workload,
                (Metric("ns", "ns allocated and freed", None),), 2,
                GROWING | {"bytes": size, "threads": threads} | arguments, columns=("cpu",),
                notes=(_NO_CACHES, _CPU))


# Of operations that the kernel takes part in there are many cases.
_SHORTER = {"time": 10}
_BACK = "Making it faulty again is counted too."
_PLAIN_RETURNS = "vcore-plain: the thread returns."
_PLAIN_OUTSIDE = "vcore-plain: the threads live in no space."


def _fault(name, title, unit, notes):
    return Case(f"fault-{name}", title, f"fault-{name}", (Metric("ns", unit, None, 1e-3),),
                arguments=_SHORTER, notes=notes)


def _pages(number):
    """An argument, and words."""
    return {"bytes": number * 4096}, f"{number} page{'s' if number > 1 else ''}"


def _map(touched, pages):
    arguments, words = _pages(pages)
    how = "touched" if touched else "untouched"
    return Case(f"map-{how}-{pages}", f"a block of {words} is mapped, {how}, and unmapped", "map",
                (Metric("ns", "µs", None, 1e-3),), slow=touched and pages > 1000,
                arguments=_SHORTER | arguments | {"touched": int(touched)})


def _protect(pages):
    arguments, words = _pages(pages)
    return Case(f"protect-{pages}", f"the protection of {words} is changed", "protect",
                (Metric("ns", "µs", None, 1e-3),), arguments=_SHORTER | arguments)


def _exclusive(name, words, arguments, slow=False):
    return Case(f"exclusive-{name}", "threads of two exclusive spaces take turns, each space has "
                f"{words}, touched", "exclusive",
                (Metric("ns", "µs there and back", None, 1e-3),), arguments=_SHORTER | arguments,
                slow=slow, notes=(_PLAIN_OUTSIDE,))


def _exclusive_pages(number):
    arguments, words = _pages(number)
    return _exclusive(str(number), words, arguments, slow=number > 1000)


_SNAPSHOT = Case(
    "snapshot", "a snapshot of 64 MiB, which are then written to", "snapshot",
    (Metric("take", "ms to take it", None, 1e-6),
     Metric("some", "ms to write to each 100th page", None, 1e-6),
     Metric("all", "ms to write to all pages then", None, 1e-6)),
    arguments={"bytes": 64 << 20}, slow=True,
    notes=("memcpy has copied all when it has taken one.",))


_SIZES = {"8": 8, "4k": 4096, "64k": 65536}


def _copies():
    return tuple(Case(f"copy-{way}-{state}-{size}", f"{_SIZES[size]} bytes are copied {words}, which is "
                      f"{state}", f"copy-{way}", (Metric("ns", "ns", None),),
                      arguments=_SHORTER | {"bytes": _SIZES[size], "closed": closed})
                 for way, words in (("in", "into a space"), ("out", "out of a space"))
                 for closed, state in enumerate(("open", "closed")) for size in _SIZES)


def _product():
    """Buffers of every kind that is of interest."""
    return tuple(_traffic(ends, processors, capacity, size, prefix="product", asked=True)
                 for ends in (1, 4) for processors in (1, 2)
                 for capacity in (1, 64, 1024) for size in (8, 64, 1024))


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
    _gap("keep", "10ms", 45),
    _gap("keep", "1ms", 45),
    _gap("keep", "200us", 45),
    _gap("light", "10ms", 22),
    _gap("light", "1ms", 22),
    _gap("light", "200us", 22),
    _lost("keep", "10ms", 100.8),
    _lost("keep", "1ms", 105),
    _lost("keep", "200us", 125),
    _lost("light", "10ms", 100.4),
    _lost("light", "1ms", 102.5),
    _lost("light", "200us", 112.5),
    Case("libc90", "two threads that compute, nine parts of ten in libc, at once, "
         "quantum 10ms", "lost-in-libc",
         (Metric("relative", "% of the time one after the other", 102),),
         arguments={"quantum": 10000, "n": 40, "threads": 2}, slow=True),
    _handover("idle", 2, "another CPU idle", 40),
    _handover("busy", 1, "no other CPU", 15),
    _late("equal", 0, 10000),
    _late("higher", 1, 100),
    Case("mutex-1", "a lock that nobody else wants, acquired and released", "mutex",
         (Metric("ns", "ns", 10.5),), arguments=_CONTEST | {"threads": 1}),
    _mutex(2, None),
    _mutex(4, 45),
    _contest("mutex-10000", "a lock, acquired and released", "mutex-many", 10000, 40,
             notes=("Kernel threads are left out: 10 000 may be more than there may be.",)),
    _ticket(4),
    _ticket(64),
    _rwlock("read", 2),
    _rwlock("read", 4),
    _rwlock("31to1", 2, 30),
    _rwlock("31to1", 4, 35),
    _rwlock("1to1", 2),
    _rwlock("1to1", 4),
    _rcu(1),
    _rcu(2),
    _rcu(4),
    _traffic(1, 1),
    _traffic(1, 2, aim=60),
    _traffic(4, 1),
    _traffic(4, 2, aim=45),
    _traffic(1, 2, capacity=1),
    _traffic(1, 2, capacity=64),
    _traffic(1, 2, capacity=64, size=64),
    _traffic(1, 2, capacity=1024, size=1024),
    _round_trip(1),
    _round_trip(2),
    _batches(1, 16),
    _batches(1, 64),
    _batches(4, 16),
    _batches(4, 64),
    Case("ring-1", "a ring, never waiting, used by one thread",
         "ring", (Metric("ns", "ns sent and received", None),),
         arguments=GROWING | {"threads": 1}, notes=(_NO_BOUND,)),
    _ring(2, aim=80),
    _ring(4, "ring-crowded", aim=78, notes=(_NO_CK,)),
    _spsc("spsc", "spsc", "", aim=450),
    _spsc("spsc-16", "spsc-batches", ", in batches of 16", {"batch": 16}),
    Case("stack-1", "a stack, used by one thread", "stack",
         (Metric("ns", "ns pushed and popped", 12.5),), arguments=GROWING | {"threads": 1}),
    _stack(2, 20),
    _stack(4, 20),
    _stack(8, None),
    _pool("1", "got and put by one thread", "pool", {"threads": 1}),
    _pool("2", "got and put by each of two threads", "pool", {"threads": 2}),
    _pool("batches-1", "a thousand got, then put, by one thread", "pool-batches",
          {"threads": 1, "batch": 1000}),
    _pool("batches-2", "a thousand got, then put, by each of two threads", "pool-batches",
          {"threads": 2, "batch": 1000}),
    _pool("handed", "got by one thread, put by another", "pool-handed", {"threads": 1}),
    _heap("64", "one piece at a time", "heap", 64),
    _heap("1k", "one piece at a time", "heap", 1024),
    _heap("64k", "one piece at a time", "heap", 65536),
    _heap("64-batches", "a thousand allocated, then freed", "heap-batches", 64, batch=1000),
    _heap("64-2", "one piece at a time, by each of two threads", "heap", 64, threads=2),
    _fault("end", "a thread faults and ends, its joiner goes on", "µs a thread",
           (_PLAIN_RETURNS,)),
    _fault("protect", "a fault is mended by protecting, the access made again", "µs a fault",
           (_BACK,)),
    _fault("map", "a fault is mended by mapping, the access made again", "µs a fault", (_BACK,)),
    *(_map(touched, pages) for touched in (False, True) for pages in (1, 16, 256, 4096)),
    _protect(1),
    _protect(256),
    *(_exclusive_pages(pages) for pages in (1, 16, 256, 4096)),
    _exclusive("huge", "a block of 8 MiB in huge pages", {"bytes": 8 << 20, "huge": 1},
               slow=True),
    _SNAPSHOT,
    *_copies(),
    *_product(),
)


def selected(names):
    """The cases of these names; a name also selects what it begins.  No names: the usual."""
    return tuple(case for case in CASES
                 if any(case.name.startswith(name) for name in names)
                 or not names and not case.asked)

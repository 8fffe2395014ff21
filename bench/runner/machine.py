"""
What was measured on, and whether it was fit to measure on.

SPDX-License-Identifier: BSD-2-Clause
"""

import json
import os
import platform
import time
from datetime import datetime, timezone
from pathlib import Path

# The part of the CPUs that other work may take unmentioned.
BUSY = 0.05

# The fields of the first line of /proc/stat that are not work.
IDLE, IOWAIT = 3, 4


def _all_work():
    """Seconds that the CPUs have worked, for anyone, stolen time included."""
    with open("/proc/stat", encoding="ascii") as file:
        fields = [int(field) for field in file.readline().split()[1:9]]
    return (sum(fields) - fields[IDLE] - fields[IOWAIT]) / os.sysconf("SC_CLK_TCK")


class Watch:
    """Sees how much of the machine others use between now and then."""

    def __init__(self):
        self._started = time.monotonic()
        self._before = self._others()

    @staticmethod
    def _others():
        return _all_work() - sum(os.times()[:4])

    def others(self):
        """The part of all CPUs that went to other work."""
        passed = (time.monotonic() - self._started) * os.cpu_count()
        return max(0.0, self._others() - self._before) / passed


def _cpu():
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _build_options(build):
    path = Path(build) / "meson-info" / "intro-buildoptions.json"
    if not path.exists():
        return {}
    options = json.loads(path.read_text(encoding="utf-8"))
    return {option["name"]: option["value"] for option in options}


def _warnings(build, watch):
    if watch.others() > BUSY:
        yield f"other work took {watch.others() * 100:.0f} % of the machine meanwhile"
    options = _build_options(build)
    if options.get("optimization") in ("plain", "0", "g", "1"):
        yield "this is not a release build: use meson setup --buildtype=release"
    if options.get("b_sanitize", "none") not in ("none", []):
        yield "this build has sanitizers in it"


def describe(build, watch):
    return {
        "cpu": _cpu(),
        "cpus": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "warnings": list(_warnings(build, watch)),
    }

# Symbols and sections of object files, by readelf(1).
#
# SPDX-License-Identifier: BSD-2-Clause
import pathlib
import re
import subprocess
import sys
from collections import namedtuple

Symbol = namedtuple("Symbol", "object name type bind visibility section value")
Section = namedtuple("Section", "object index name size flags")

UNDEFINED = "UND"

MADE_BY_THE_LINKER = ("_GLOBAL_OFFSET_TABLE_", "__start_vcore_text", "__stop_vcore_text",
                      "__start_vcore_firm", "__stop_vcore_firm",
                      "__ehdr_start")


def _readelf(path, *options):
    command = ["readelf", "-W", *options, str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _members(path, text):
    """Pairs (member, its lines); one pair with the path's name if no archive."""
    member, lines = pathlib.Path(path).name, []
    for line in text.splitlines():
        match = re.match(r"File: .*[\[(](.*)[\])]$", line)  # brackets: a thin archive
        if match:
            if lines:
                yield member, lines
            member, lines = match.group(1), []
        else:
            lines.append(line)
    yield member, lines


def sections(path):
    pattern = re.compile(
        r"\s*\[\s*(\d+)\] (\S*)\s+[A-Z_0-9]+\s+[0-9a-f]+ [0-9a-f]+ ([0-9a-f]+) [0-9a-f]+\s+([A-Za-z]*)\s"
    )
    for member, lines in _members(path, _readelf(path, "-S")):
        for line in lines:
            match = pattern.match(line)
            if match:
                index, name, size, flags = match.groups()
                yield Section(member, index, name, int(size, 16), flags)


def symbols(path):
    names = {(s.object, s.index): s.name for s in sections(path)}
    pattern = re.compile(
        r"\s*\d+: ([0-9a-f]+)\s+\S+ (\S+)\s+(\S+)\s+(\S+)\s+(?:\[.*\]\s+)?(\S+) (\S+)"
    )
    for member, lines in _members(path, _readelf(path, "-s")):
        for line in lines:
            match = pattern.match(line)
            if match:
                value, kind, bind, visibility, index, name = match.groups()
                section = names.get((member, index), UNDEFINED if index == "UND" else index)
                yield Symbol(member, name.split("@")[0], kind, bind, visibility, section,
                             int(value, 16))


def is_global(symbol):
    return symbol.bind in ("GLOBAL", "WEAK", "UNIQUE") and symbol.name


def needed(path):
    """The symbols that objects need and none of them defines."""
    found = [s for s in symbols(path) if is_global(s)]
    defined = {s.name for s in found if s.section != UNDEFINED}
    return [s for s in found if s.name not in defined and s.name not in MADE_BY_THE_LINKER]


def disassembly(path, section):
    command = ["objdump", "-d", "--no-show-raw-insn", "-j", section, str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def exported(path):
    """The dynamic symbols that a shared library defines."""
    text = subprocess.run(
        ["nm", "-D", "--defined-only", str(path)], check=True, capture_output=True, text=True
    ).stdout
    names = [line.split() for line in text.splitlines()]
    return [name[-1].split("@")[0] for name in names if name[-2] != "A"]  # A: a version


def dynamic(path, tag):
    """The values of one tag of the dynamic section."""
    return re.findall(rf"\({tag}\).*\[(.*)\]", _readelf(path, "-d"))


def report(title, problems):
    """Ends the script: prints what is wrong, or that nothing is."""
    for problem in problems:
        print(f"{title}: {problem}", file=sys.stderr)
    print(f"{title}: {'ok' if not problems else str(len(problems)) + ' problem(s)'}")
    sys.exit(1 if problems else 0)

# The layers of the source: every #include "…" in src/ names its own layer or
# a lower one, by a path that begins with the layer; and nothing above arch/
# and platform/ asks the preprocessor for the processor or the system.  What is in
# heap/ is a library of its own, which sees of libvcore what is public.
#
#   layers.py SOURCE_ROOT
#
# SPDX-License-Identifier: BSD-2-Clause
import pathlib
import re
import sys

import elf

LAYERS = ["arch", "platform", "memory", "sched", "sync", "comm", "facade"]
APART = "heap"
KNOWS_THE_MACHINE = ("arch", "platform")

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')
CONDITION = re.compile(r"^\s*#\s*(?:if|ifdef|ifndef|elif)\b(.*)")
MACHINE = re.compile(
    r"\b(__x86_64(__)?|__amd64(__)?|__i386(__)?|__aarch64__|__arm__|__ARM_\w+|__riscv\w*"
    r"|__powerpc\w*|__s390x?__|__linux(__)?|linux|__gnu_linux__|__unix(__)?|__APPLE__|_WIN32"
    r"|__FreeBSD__|__NetBSD__|__OpenBSD__|__ANDROID__|__SSE\w*|__AVX\w*)\b"
)


def of_line(source, layer, path, number, line):
    where = f"{path.relative_to(source.parent)}:{number}"
    include = INCLUDE.match(line)
    condition = CONDITION.match(line)
    if include:
        name = include.group(1)
        wanted = name.split("/")[0]
        if (layer == APART) != (wanted == APART):
            yield f'{where}: "{name}" is of another library'
            return
        if layer == APART:
            return
        if layer == "arch" and any(source.glob(f"arch/*/{name}")):
            return  # of the directory that the build chose
        if wanted not in LAYERS or not (source / name).exists():
            yield f'{where}: "{name}" does not begin with a layer'
        elif LAYERS.index(wanted) > LAYERS.index(layer):
            yield f'{where}: "{name}" lies above {layer}/'
    elif condition and layer not in KNOWS_THE_MACHINE and MACHINE.search(condition.group(1)):
        yield f"{where}: asks for the machine: {line.strip()}"


def of_source(source):
    paths = [p for p in sorted(source.rglob("*")) if p.suffix in (".c", ".h", ".S")]
    if not paths:
        yield f"{source} holds no source"
    for path in paths:
        layer = path.relative_to(source).parts[0]
        if layer not in (*LAYERS, APART):
            yield f"{path} is in no layer"
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            yield from of_line(source, layer, path, number, line)


elf.report("layers", list(of_source(pathlib.Path(sys.argv[1]) / "src")))

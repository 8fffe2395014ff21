# Two libraries: who links libvcore gets no jemalloc, and libvcore-heap no more of
# libvcore than others get.
#
#   heap.py LIBVCORE.so LIBVCORE.a LIBVCORE-HEAP.so LIBVCORE-HEAP.a
#
# SPDX-License-Identifier: BSD-2-Clause
import subprocess
import sys

import elf

TEXT = "vcore_heap_text"
CALLS = {"create", "delete", "allocate", "free", "statistics"}


def undefined(path):
    text = subprocess.run(["nm", "-u", str(path)], check=True, capture_output=True,
                          text=True).stdout
    return {line.split()[-1].split("@")[0] for line in text.splitlines() if " U " in line}


def mentions(name):
    return "jemalloc" in name or name.startswith(("mallctl", "mallocx", "dallocx"))


def of_libvcore(shared, archive):
    for name in [*elf.dynamic(shared, "NEEDED"), *undefined(shared), *undefined(archive)]:
        if mentions(name) or name.startswith("vcore_heap_"):
            yield f"libvcore needs {name}"
    for name in elf.exported(shared):
        if name.startswith("vcore_heap_"):
            yield f"{shared} defines {name}"


def of_names(path, names):
    expected = {f"vcore_heap_{call}" for call in CALLS}
    for name in sorted(set(names) ^ expected):
        yield f"{path} defines {name}" if name in names else f"{path} lacks {name}"


def defined(archive):
    return {s.name for s in elf.symbols(archive)
            if elf.is_global(s) and s.section != elf.UNDEFINED}


def of_needs(shared, heap):
    """What it needs of libvcore, libvcore exports."""
    libraries = elf.dynamic(heap, "NEEDED")
    for part in ("libvcore.so", "libjemalloc.so"):
        if not any(library.startswith(part) for library in libraries):
            yield f"{heap} does not need {part}, but {libraries}"
    for name in sorted(undefined(heap)):
        if name.startswith(("vcore_", "vci_")) and name not in elf.exported(shared):
            yield f"{heap} needs {name}, which {shared} does not export"


def of_text(archive):
    """It can say which text is its own: see be_foreign_text in src/heap/heap.c."""
    for section in elf.sections(archive):
        if "X" in section.flags and section.size > 0 and section.name != TEXT:
            yield f"{archive}: {section.size} bytes of text in {section.name}"


shared, archive, heap_shared, heap_archive = sys.argv[1:]
elf.report("heap", [
    *of_libvcore(shared, archive),
    *of_names(heap_shared, elf.exported(heap_shared)),
    *of_names(heap_archive, defined(heap_archive)),
    *of_needs(shared, heap_shared),
    *of_text(heap_archive),
])

# Which symbols leave the library, and which it needs.
#
#   symbols.py LIBRARY.so LIBRARY.a PARTS.a
#
# The shared library and the archive define names that begin with vcore_ and no
# others.  Nothing needs libatomic.  Of the parts, the objects that the library
# is made of, those above the platform call nothing outside of the library;
# outside.py looks at how the others do.
#
# SPDX-License-Identifier: BSD-2-Clause
import sys

import elf

# Objects that may call libc: where the library calls out, and ucontext(3).
MAY_CALL_OUT = ("platform_linux", "arch_generic")


def of_names(path, names):
    if "vcore_run" not in names:
        yield f"{path} does not define vcore_run"
    for name in names:
        if not name.startswith("vcore_"):
            yield f"{path} defines {name}"


def of_shared(path):
    yield from of_names(path, elf.exported(path))
    if any("atomic" in library for library in elf.dynamic(path, "NEEDED")):
        yield f"{path} needs libatomic"


def of_archive(path):
    yield from of_names(path, [s.name for s in elf.symbols(path)
                               if elf.is_global(s) and s.section != elf.UNDEFINED])


def of_parts(path):
    for symbol in elf.needed(path):
        if symbol.name.startswith("__atomic_"):
            yield f"{symbol.object} needs libatomic for {symbol.name}"
        elif not any(place in symbol.object for place in MAY_CALL_OUT):
            yield f"{symbol.object} calls {symbol.name}: only platform/linux may"


shared, archive, parts = sys.argv[1:]
elf.report("symbols", [*of_shared(shared), *of_archive(archive), *of_parts(parts)])

# All text of the library lies in the one section vcore_text, in the shared
# library, in the archive, and in programs that are linked with the archive: there
# its instructions can be told from others by two comparisons.
#
#   text.py LIBRARY.so LIBRARY.a [PROGRAM...]
#
# SPDX-License-Identifier: BSD-2-Clause
import re
import sys

import elf

SECTION = "vcore_text"

# Of the compiler's start files and the static part of libc, which the linker
# puts into every shared library that needs them.
NOT_OURS = ("_init", "_fini", "deregister_tm_clones", "register_tm_clones",
            "__do_global_dtors_aux", "frame_dummy", "call_weak_fn", "pthread_atfork",
            "__pthread_atfork", "atexit", "at_quick_exit")


def stray_functions(path):
    functions = [s for s in elf.symbols(path)
                 if s.type in ("FUNC", "IFUNC") and s.section != elf.UNDEFINED]
    if not any(f.name == "vcore_run" for f in functions):
        yield f"{path} has no function vcore_run: is it stripped?"
    for function in functions:
        if function.section != SECTION and function.name not in NOT_OURS:
            yield f"{path}({function.object}): {function.name} is in {function.section}"


def stray_sections(path):
    for section in elf.sections(path):
        if "X" in section.flags and section.size > 0 and section.name != SECTION:
            yield f"{path}({section.object}): {section.size} bytes of text in {section.name}"


def bytecode(path):
    """What link-time optimisation would make new text from, elsewhere."""
    for section in elf.sections(path):
        if section.name.startswith((".gnu.lto_", ".llvmbc", ".llvm.lto")):
            yield f"{path}({section.object}): {section.name}"


def names(path):
    return {s.name for s in elf.symbols(path)
            if s.type in ("FUNC", "IFUNC") and s.section == SECTION}


def of_bounds(path):
    """The library finds its text in a program by the linker's two symbols."""
    size = [s.size for s in elf.sections(path) if s.name == SECTION]
    bounds = {s.name: s.value for s in elf.symbols(path)
              if s.name in (f"__start_{SECTION}", f"__stop_{SECTION}")}
    if len(size) != 1 or len(bounds) != 2:
        yield f"{path} has {len(size)} sections of text and {len(bounds)} bounds of them"
    elif bounds[f"__stop_{SECTION}"] - bounds[f"__start_{SECTION}"] != size[0]:
        yield f"{path}: the bounds are not those of the section"


def of_contents(path, archive):
    for name in sorted(names(archive) - names(path)):
        yield f"{path}: {name} is not in {SECTION}"
    for name in sorted(names(path) - names(archive)):
        yield f"{path}: {name} is in {SECTION}, and none of ours"


# Direct jumps, of x86-64 and aarch64, that do not come back; where to.
JUMP = re.compile(r"\t(?:j\w+|b|b\.\w+|cbn?z|tbn?z)\s[^<*]*<([^>+]*)")


def of_jumps(path, archive):
    """Who leaves the library's text by a jump has not said that it does."""
    ours = names(archive)
    targets = set(JUMP.findall(elf.disassembly(path, SECTION)))
    if not targets & ours:
        yield f"{path}: no jumps at all: cannot read what objdump says"
    for target in sorted(targets - ours):
        yield f"{path}: a jump to {target} leaves {SECTION}"


shared, archive, *programs = sys.argv[1:]
problems = [*stray_functions(shared), *stray_functions(archive), *stray_sections(archive),
            *bytecode(archive)]
for program in programs:
    problems += [*of_bounds(program), *of_contents(program, archive),
                 *of_jumps(program, archive)]
elf.report("text", problems)

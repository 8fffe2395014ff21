# All text of the library lies in the one section vcore_text, in the shared
# library and in the archive: there its instructions can be told from others.
#
#   text.py LIBRARY.so LIBRARY.a
#
# SPDX-License-Identifier: BSD-2-Clause
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


shared, archive = sys.argv[1:]
elf.report(
    "text",
    [*stray_functions(shared), *stray_functions(archive), *stray_sections(archive)],
)

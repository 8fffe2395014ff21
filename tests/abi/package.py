# The soname and the pkg-config file of a library, as the build made them.
#
#   package.py SOURCE_ROOT NAME LIBRARY.so PKG_CONFIG_DIRECTORY
#
# SPDX-License-Identifier: BSD-2-Clause
import os
import pathlib
import re
import subprocess
import sys

import elf


def version_of_header(source):
    text = (source / "include/vcore/version.h").read_text()
    return [re.search(rf"VCORE_VERSION_{part}\s+(\d+)", text).group(1)
            for part in ("MAJOR", "MINOR", "PATCH")]


def of_soname(name, shared, version):
    """Until 1.0 the soname carries MINOR too, which may change the ABI."""
    parts = version[:2] if version[0] == "0" else version[:1]
    expected = f"lib{name}.so." + ".".join(parts)
    found = elf.dynamic(shared, "SONAME")
    if found != [expected]:
        yield f"the soname is {found}, not {expected}"
    if not (shared.parent / expected).exists():
        yield f"there is no file {expected}"


def pkg_config(name, directory, *options):
    environment = dict(os.environ, PKG_CONFIG_LIBDIR=str(directory))
    run = subprocess.run(["pkg-config", *options, name], env=environment,
                         capture_output=True, text=True)
    return run.returncode, (run.stdout + run.stderr).strip()


def of_pkg_config(name, directory, version):
    if pkg_config(name, directory, "--validate")[0] != 0:
        yield f"{name}.pc is not valid: " + pkg_config(name, directory, "--validate")[1]
    if pkg_config(name, directory, "--modversion") != (0, ".".join(version)):
        yield f"{name}.pc has version " + pkg_config(name, directory, "--modversion")[1]
    if f"-l{name}" not in pkg_config(name, directory, "--libs")[1].split():
        yield f"{name}.pc does not link the library"


name = sys.argv[2]
source, shared, directory = (pathlib.Path(sys.argv[i]) for i in (1, 3, 4))
version = version_of_header(source)
elf.report("package", [*of_soname(name, shared, version), *of_pkg_config(name, directory, version)])

#!/usr/bin/env python3
"""List the kernel's public functions and tables that nothing but tests refers to.

A name is public where its object file exports it; it is used where a relocation of any object that
is not a test's names it, be it the kernel's or a host program's. What only its own file uses is
used, too, unless the compiler has put it into its users: then it should have been static.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

# Outputs of the compiler that are a test's, and those that hold the kernel.
TESTS = re.compile(r"^(tests/|CMakeFiles/(pure_test|rootmode-with-\w+\.elf)\.dir/)")
KERNEL = re.compile(r"^(?:\w+/)?CMakeFiles/(core_objects|room_\w+)\.dir/")

# Sections whose relocations are no use: what a debugger reads, and where faults may land.
_NO_USE = re.compile(r"^Relocation section '\.rela\.(debug|fixup)")
_SECTION = re.compile(r"^Relocation section '")
_RELOCATION = re.compile(r"^[0-9a-f]+ +[0-9a-f]+ R_\S+ +[0-9a-f]+ (\S+)")


def objects(build: Path) -> list[str]:
    """The object files that are no test's and are built, relative to the build folder."""
    commands = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    found = (re.search(r" -o (\S+)", item["command"]) for item in commands)
    names = {match[1] for match in found if match and not TESTS.match(match[1])}
    return sorted(name for name in names if (build / name).is_file())


def public_names(listing: str) -> dict[str, str]:
    """
    Each public name of what `nm -A` printed, with its object file. Of assembly only functions: the
    macros of the guests' code name more places than every guest has a use for.
    """
    names: dict[str, str] = {}
    for line in listing.splitlines():
        file, _, rest = line.partition(":")
        kind, name = rest.split()[-2:]
        if kind == "T" or (kind in "RDBC" and not file.endswith(".S.o")):
            names[name] = file
    return names


def used_names(relocations: str) -> set[str]:
    """Every name of what `readelf --relocs` printed."""
    used: set[str] = set()
    counts = True
    for line in relocations.splitlines():
        if _SECTION.match(line):
            counts = not _NO_USE.match(line)
        match = _RELOCATION.match(line)
        if match and counts:
            used.add(match[1])
    return used


def output_of(command: list[str], build: Path) -> str:
    return subprocess.run(command, cwd=build, capture_output=True, text=True, check=True).stdout


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("build", type=Path, help="the build folder, with everything built")
    parser.add_argument("script", type=Path, help="linker.ld: what it names is used")
    arguments = parser.parse_args()

    files = objects(arguments.build)
    kernel = [file for file in files if KERNEL.match(file)]
    try:
        names = public_names(output_of(["nm", "-A", "-g", "--defined-only", *kernel], arguments.build))
        used = used_names(output_of(["readelf", "--relocs", "--wide", *files], arguments.build))
    except subprocess.CalledProcessError as error:
        sys.exit(f"{arguments.build}: {error.stderr}")
    if not names or not used:
        sys.exit(f"{arguments.build}: no object of the kernel in it")
    used |= set(re.findall(r"\w+", arguments.script.read_text(encoding="utf-8")))
    unused = [f"{KERNEL.sub('', file).removesuffix('.o')}: {name}" for name, file in names.items()
              if name not in used]  # fmt: skip
    for line in sorted(unused):
        print(f"{line} is used by nothing but tests")
    return 1 if unused else 0


if __name__ == "__main__":
    sys.exit(main())

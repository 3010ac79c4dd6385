"""
tools/core-files: the files that go into rootmode-core.elf, a path a line, as the compiler read them:
sources, headers, tables and assembly of this tree. Builds the core where it is not up to date.
`--lines` puts the count of lines before each, and the sum last.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from machine.build import ROOT, build_kernel
from machine.errors import Exit, UserError, in_words
from machine.packages import need
from machine.processes import nobody_reads
from machine.terminal import Progress, say

_OBJECTS = "CMakeFiles/core_objects.dir/"


def core_files(build: Path) -> list[str]:
    """Relative to the tree, sorted; from what the compiler told ninja."""
    log = subprocess.run(["ninja", "-C", str(build), "-t", "deps"], capture_output=True, text=True, check=True).stdout
    found: set[str] = set()
    ours = False
    for line in log.splitlines():
        if line.startswith("    "):
            file = (build / line.strip()).resolve()
            if ours and file.is_relative_to(ROOT) and not file.is_relative_to(build):
                found.add(str(file.relative_to(ROOT)))
        else:
            ours = line.startswith(_OBJECTS)
    return sorted(found)


def _list(lines: bool) -> None:
    need("build")
    files = core_files(build_kernel(Progress("tools/core-files"), core=True).parent)
    total = 0
    for file in files:
        count = (ROOT / file).read_text(encoding="utf-8").count("\n")
        total += count
        print(f"{count:6} {file}" if lines else file)
    if lines:
        print(f"{total:6} lines in {len(files)} files")


def main() -> int:
    """Never ends with a trace back for what a person can cause."""
    parser = argparse.ArgumentParser(
        prog="tools/core-files",
        description="The files of rootmode-core.elf, a path a line.",
        allow_abbrev=False,
    )
    parser.add_argument("--lines", action="store_true", help="with the lines of each and their sum")
    options = parser.parse_args()
    try:
        _list(options.lines)
        sys.stdout.flush()
    except BrokenPipeError:
        return nobody_reads()
    except (UserError, OSError) as error:
        say(f"tools/core-files: {in_words(error)}")
        return Exit.WRONG_USE
    return Exit.OK


if __name__ == "__main__":
    sys.exit(main())

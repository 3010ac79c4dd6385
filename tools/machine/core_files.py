#!/usr/bin/env python3
"""
tools/core-files: the files that go into rootmode-core.elf, a path a line, as the last build read
them: sources, headers, tables and assembly of this tree. `--lines` puts the count of lines before
each, and the sum last.
"""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
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


def main() -> int:
    parser = argparse.ArgumentParser(description="The files of rootmode-core.elf, a path a line.")
    parser.add_argument("--lines", action="store_true", help="with the lines of each and their sum")
    options = parser.parse_args()
    files = core_files(ROOT / "build")
    if not files:
        print("tools/core-files: build/ holds no core: build it first (tools/run --core)", file=sys.stderr)
        return 2
    total = 0
    for file in files:
        lines = (ROOT / file).read_text(encoding="utf-8").count("\n")
        total += lines
        print(f"{lines:6} {file}" if options.lines else file)
    if options.lines:
        print(f"{total:6} lines in {len(files)} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""
Write docs/command-line.md to standard output, from the set of words in the kernel's image
and from tools/words.toml:
`ninja -C build rootmode.elf && tools/gen_command_line.py build/rootmode.elf > docs/command-line.md`.

tools/run reads that page, so that it knows the words before anything is built.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from pathlib import Path

from machine.image import Image

_HEAD = """\
# The command line

<!-- Made by tools/gen_command_line.py from the words that COMMAND_WORD() defines and from tools/words.toml: edit them there. -->

GRUB gives the kernel what stands behind the file's name:

<!-- illustration: GRUB's configuration -->
    multiboot2 /boot/rootmode.elf check=strict report=both exit=poweroff

`tools/run --append "check=strict"` does the same in an emulator. Words stand apart by spaces or
tabs and are written in lower case. Of a word that stands twice the later one counts, except pretend=
and console=, of which each counts. A line has room for 1,023 characters. A word that is unknown or has a bad value is told with what was expected: tools/run
ends with that, before it builds anything; the kernel goes on as if it were not there, has a finding
for it, and says so beside the verdict. [docs/guests.md](guests.md) names the guests.

| word | meaning | without it |
|---|---|---|
"""


def main() -> int:
    parser = argparse.ArgumentParser(description="Write docs/command-line.md to standard output.")
    parser.add_argument("image", type=Path, help="build/rootmode.elf")
    image = Image(parser.parse_args().image)
    told = tomllib.loads((Path(__file__).parent / "words.toml").read_text(encoding="utf-8"))
    sys.stdout.write(_HEAD)
    for word in image.members("words"):
        # The first members of struct command_word (kernel/command_line.h).
        name, values = (image.text(image.number(word + at, "<Q")) for at in (0, 8))
        row = told.pop(name)
        form = f"{name}={values}".removesuffix("=").replace("|", "\\|")
        print(f"| `{form}` | {row['meaning']} | {row['without']} |")
    if told:
        sys.exit(f"gen_command_line.py: the kernel has no such word: {', '.join(told)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

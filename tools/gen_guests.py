#!/usr/bin/env python3
"""
Write docs/guests.md to standard output, from the set of built-in guests in the kernel's image and
from vm/guests/exits/exits.def: `ninja -C build rootmode.elf && tools/gen_guests.py build/rootmode.elf > docs/guests.md`.

tools/run reads the names on that page, so that it knows them before anything is built.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from machine.image import Image

_ROOT = Path(__file__).resolve().parents[1]

_HEAD = """\
# The built-in guests

<!-- Made by tools/gen_guests.py from the guests below vm/guests/ and from vm/guests/exits/exits.def: edit them there. -->

`guest=NAME` on the command line runs one on every CPU, `guest=all` all of them in this order, and
`guest=list` tells in the report what stands here; [docs/command-line.md](command-line.md) has the whole
word. Each ends with what is told of it compared with
what should have come. The last column names the VM exits that the guest is there for;
[docs/exits.md](exits.md) explains each.

| guest | what it does | VM exits |
|---|---|---|
"""


def guests(image: Image) -> Iterator[tuple[str, str]]:
    """Name and purpose of each: the first two members of struct guest (vm/guests/guest.h)."""
    for guest in image.members("guests"):
        yield image.text(image.number(guest, "<Q")), image.text(image.number(guest + 8, "<Q"))


def provoked() -> dict[str, list[str]]:
    """The names of the exit reasons that each guest is named for in vm/guests/exits/exits.def."""
    reasons = dict(
        re.findall(
            r'\bEXIT_REASON\(\s*\d+, (\w+),\s+"([^"]*)"',
            (_ROOT / "vmx" / "exit_reason.def").read_text(encoding="utf-8"),
        )
    )
    result: dict[str, list[str]] = {}
    conditional = re.findall(
        r"^EXIT_WHY\((\w+)", (_ROOT / "tools" / "exit_reasons.def").read_text(encoding="utf-8"), re.M
    )
    for reason, names in re.findall(
        r'^EXIT\((\w+),\s+\w+,\s+"([^"]*)"',
        (_ROOT / "vm" / "guests" / "exits" / "exits.def").read_text(encoding="utf-8"),
        re.M,
    ):
        for name in names.split() if reason not in conditional else ():
            result.setdefault(name, []).append(reasons[reason])
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description="Write docs/guests.md to standard output.")
    parser.add_argument("image", type=Path, help="build/rootmode.elf")
    image = Image(parser.parse_args().image)
    exits = provoked()
    sys.stdout.write(_HEAD)
    for name, purpose in guests(image):
        print(f"| `{name}` | {purpose} | {', '.join(exits.get(name, []))} |".replace("|  |", "| |"))
    return 0


if __name__ == "__main__":
    sys.exit(main())

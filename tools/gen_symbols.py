#!/usr/bin/env python3
"""Make the kernel's symbol table from what nm says of it.

The table is assembly for the section .symbols, in the form that kernel/backtrace/backtrace.h describes. It is
made from the first link, in which the section is empty, and goes into the second; --same then
compares the two, because a table that moved the functions would name the wrong ones.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gen_texts import pack

KERNEL_BASE = 0xFFFFFFFF80000000

NAME_SIZE = 64  # kernel/backtrace/backtrace.h: SYMBOL_NAME_SIZE

# Marks of linker.ld in the text, not functions.
MARKS = {"image_start", "text_start", "text_end"}


def functions(listing: str) -> list[tuple[int, str]]:
    """Offset from KERNEL_BASE and name of each function, by offset; one name for each offset."""
    found: dict[int, str] = {}
    for line in listing.splitlines():
        parts = line.split()
        if len(parts) != 3 or parts[1] not in "tTwW" or parts[2] in MARKS:
            continue
        offset = int(parts[0], 16) - KERNEL_BASE
        if 0 <= offset < 1 << 32:
            found.setdefault(offset, parts[2])
    return sorted(found.items())


def distance_bytes(distance: int) -> list[int]:
    """Seven bits a byte, the lowest first; bit 7: more follow."""
    low, rest = distance & 0x7F, distance >> 7
    return [low | 0x80, *distance_bytes(rest)] if rest else [low]


def assembly(table: list[tuple[int, str]]) -> str:
    """The section's text."""
    packing, names = pack([name for _, name in table])
    lines = ["/* Made by tools/gen_symbols.py. */", '    .section .symbols, "a"', "    .balign 4"]
    lines += [f"    .long {len(table)}", f"    .byte {', '.join(map(str, packing))}"]
    last = 0
    for (offset, whole), name in zip(table, names, strict=True):
        if len(whole) >= NAME_SIZE:
            sys.exit(f"{whole} does not fit into kernel/backtrace/backtrace.h")
        lines.append(f"    .byte {', '.join(map(str, [*distance_bytes(offset - last), *name, 0]))}")
        last = offset
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("listing", type=Path, help="what nm printed for the first link")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--output", type=Path, metavar="FILE.S", help="where the table goes")
    action.add_argument("--same", type=Path, metavar="LISTING", help="nm's list of the second link")
    arguments = parser.parse_args()

    first = functions(arguments.listing.read_text())
    if not first:
        sys.exit(f"{arguments.listing}: no function of the kernel in it")
    if arguments.output:
        arguments.output.write_text(assembly(first))
        return 0
    if functions(arguments.same.read_text()) != first:
        sys.exit(
            f"{arguments.listing} and {arguments.same} differ: the symbol table has moved functions. "
            ".symbols must stand behind all code in linker.ld."
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())

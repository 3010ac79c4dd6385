#!/usr/bin/env python3
"""Make names and texts of the rules of VM entry smaller, for vmx/entry/vmentry_forms.c.

What many texts have in common is written once and stands as one byte in them, as in the symbol table
(tools/gen_symbols.py) and in Linux's kallsyms.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from gen_symbols import PIECE, common_pieces

_ROOT = Path(__file__).resolve().parent.parent

# A row of the table, up to a line that does not go on with it; or where another file stands.
_ROW = re.compile(r'^(?:CHECK\w*|NEED)\((\w+)(.*?)\)\n(?! )|^#include "([^"]*)"', re.DOTALL | re.MULTILINE)
_LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')


def rows(file: Path) -> Iterator[tuple[str, str]]:
    """The id of each rule, and what it says."""
    for row in _ROW.finditer(file.read_text(encoding="utf-8")):
        if row[3]:
            yield from rows(_ROOT / row[3])
        else:
            yield row[1], "".join(_LITERAL.findall(row[2])).replace('\\"', '"')


def literal(text: str) -> str:
    """A string of C that holds it."""
    return '"' + "".join(c if " " <= c <= "~" and c not in '"\\' else f"\\{ord(c):03o}" for c in text) + '"'


def main() -> int:
    """Writes the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("table", type=Path, help="vmx/entry/vmentry_rules.def")
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()

    told = dict(rows(arguments.table))
    if not told or not "".join(told.values()).isascii():
        sys.exit(f"{arguments.table}: no rules, or a text that is not ASCII")
    texts = [list(text) for id, said in told.items() for text in (id.lower().replace("_", "-"), said)]
    pieces = common_pieces(texts)
    codes = {piece: chr(PIECE + i) for i, piece in enumerate(pieces)}
    packed = ["".join(codes.get(part, part) for part in text) for text in texts]
    lines = ["#undef PIECES", f"#define PIECES {literal(chr(0).join(pieces))}"]
    lines += [
        f"TEXT({id}, {literal(name + chr(0) + said)})"
        for id, name, said in zip(told, packed[::2], packed[1::2], strict=True)
    ]
    arguments.output.write_text("/* Made by tools/gen_texts.py. */\n" + "\n".join(lines) + "\n#undef TEXT\n", encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main())

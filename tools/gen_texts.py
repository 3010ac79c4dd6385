#!/usr/bin/env python3
"""Make the texts of a table of rules smaller: those of VM entry, those of findings.

What many texts have in common is written once and stands as one byte in them (lib/packed.h), as in the
symbol table (tools/gen_symbols.py) and in Linux's kallsyms.
"""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

# A row of a table, up to a line that does not go on with it.
_ROW = re.compile(r"^(CHECK\w*|NEED|RULE_TEXT)\((\w+)(.*?)\)\n(?! )", re.DOTALL | re.MULTILINE)
_DEFINITION = re.compile(r"^#define (\w+)((?:.*\\\n)*.*)", re.MULTILINE)
_STRING = r'"((?:[^"\\]|\\.)*)"'
_PART = re.compile(_STRING + r"|(\w+)|(,)")


def rows(file: Path) -> Iterator[tuple[str, list[str]]]:
    """
    The id of each rule, and what it says: each argument that is a string, or the name of one; before
    it the rule's name, made of its id, where the table has no names.
    """
    table = file.read_text(encoding="utf-8")
    strings = {name: "".join(re.findall(_STRING, said)) for name, said in _DEFINITION.findall(table)}
    for row in _ROW.finditer(table):
        texts = [""]
        for part in _PART.finditer(row[3]):
            if part[3]:
                texts.append("")
            texts[-1] += part[1] or strings.get(part[2], "")
        texts = [text.replace('\\"', '"') for text in texts if text]
        yield row[2], texts if row[1] == "RULE_TEXT" else [row[2].lower().replace("_", "-"), *(texts or [""])]


def pack(texts: list[str]) -> tuple[bytes, list[bytes]]:
    """The packing, of letters and of the pairs that occur most often, and each text in it."""
    letters = sorted(set("".join(texts)))
    codes = [[1 + letters.index(letter) for letter in text] for text in texts]
    packing = bytes(ord(letter) for letter in letters) + b"\0"
    for code in range(1 + len(letters), 256):
        counts = Counter(pair for text in codes for pair in zip(text, text[1:], strict=False))
        pair, count = max(counts.items(), key=lambda item: (item[1], item[0]), default=((0, 0), 0))
        if count < 3:  # then it takes as much as it saves
            break
        packing += bytes(pair)
        for text in codes:
            for i in range(len(text) - 2, -1, -1):
                if text[i : i + 2] == list(pair):
                    text[i : i + 2] = [code]
    return packing + b"\0", [bytes(text) for text in codes]


def literal(text: bytes) -> str:
    """A string of C that holds it, without what could be a trigraph."""
    return '"' + "".join(chr(c) if 32 <= c < 127 and c not in b'"\\?' else f"\\{c:03o}" for c in text) + '"'


def main() -> int:
    """Writes the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("output", type=Path)
    parser.add_argument("prefix", help="of the rules' enumerators")
    parser.add_argument("table", type=Path, nargs="+")
    arguments = parser.parse_args()

    told = {id: said for table in arguments.table for id, said in rows(table)}
    texts = [text for said in told.values() for text in said]
    if not told or not "".join(texts).isascii():
        sys.exit(f"{arguments.table[0]}: no rules, or a text that is not ASCII")
    packing, packed = pack(texts)
    of, places, at = iter(packed), [], 0
    lines = ["/* Made by tools/gen_texts.py. */", f"static const char packing[] = {literal(packing)};"]
    lines.append("static const char texts[] =")
    for id, said in told.items():
        row = b"".join(next(of) + b"\0" for _ in said)
        lines.append(f"    {literal(row)}")
        places.append(f"    [{arguments.prefix}_{id}] = {at},")
        at += len(row)
    lines += ["    ;", "static const uint16_t places[] = {", *places, "};", ""]
    arguments.output.write_text("\n".join(lines), encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main())

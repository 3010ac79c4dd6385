#!/usr/bin/env python3
"""Make the kernel's font of a console font: the glyphs of ASCII, which is all that it draws.

The output is PSF version 2 without a table: glyph n is character n.
"""

from __future__ import annotations

import argparse
import gzip
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

ASCII = 128

# The kbd project's description of PSF files.
PSF1_MAGIC, PSF1_HEADER, PSF1_512, PSF1_TABLE = b"\x36\x04", 4, 0x01, 0x06
PSF1_SEQUENCE, PSF1_SEPARATOR = 0xFFFE, 0xFFFF
PSF2_MAGIC, PSF2_HEADER, PSF2_TABLE = b"\x72\xb5\x4a\x86", 32, 0x01
PSF2_SEQUENCE, PSF2_SEPARATOR = 0xFE, 0xFF


class NotAFont(Exception):
    """What is read is no PSF font, or has no table that says which glyph is which character."""


def characters(units: Iterator[int], sequence: int, separator: int) -> dict[int, int]:
    """The glyph of each ASCII character, from a Unicode table's units."""
    found: dict[int, int] = {}
    glyph, alone = 0, True
    for unit in units:
        if unit == separator:
            glyph, alone = glyph + 1, True
        elif unit == sequence:
            alone = False
        elif alone and unit < ASCII:
            found[unit] = glyph
    return found


def ascii_font(font: bytes) -> bytes:
    """The glyphs of ASCII as PSF version 2; characters without one look like '?'."""
    if font.startswith(PSF1_MAGIC) and len(font) > PSF1_HEADER and font[2] & PSF1_TABLE:
        count, size = 512 if font[2] & PSF1_512 else 256, font[3]
        width, height, start = 8, font[3], PSF1_HEADER
        table = font[start + count * size :]
        units = (unit for (unit,) in struct.iter_unpack("<H", table[: len(table) & ~1]))
        glyphs = characters(units, PSF1_SEQUENCE, PSF1_SEPARATOR)
    elif font.startswith(PSF2_MAGIC) and len(font) > PSF2_HEADER and font[12] & PSF2_TABLE:
        start, _, count, size, height, width = struct.unpack_from("<6I", font, 8)
        glyphs = characters(iter(font[start + count * size :]), PSF2_SEQUENCE, PSF2_SEPARATOR)
    else:
        raise NotAFont("not a PSF font with a Unicode table")
    if "?" not in map(chr, glyphs) or max(glyphs.values()) >= count:
        raise NotAFont("a PSF font without the characters of ASCII")
    header = PSF2_MAGIC + struct.pack("<7I", 0, PSF2_HEADER, 0, ASCII, size, height, width)
    chosen = [glyphs.get(character, glyphs[ord("?")]) for character in range(ASCII)]
    return header + b"".join(font[start + g * size : start + (g + 1) * size] for g in chosen)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("packed", type=Path, help="the font as the package has it (.psf.gz)")
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()

    try:
        font = ascii_font(gzip.decompress(arguments.packed.read_bytes()))
    except (OSError, EOFError, NotAFont) as error:
        sys.exit(f"{arguments.packed}: {error}")
    arguments.output.write_bytes(font)
    return 0


if __name__ == "__main__":
    sys.exit(main())

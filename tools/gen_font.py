#!/usr/bin/env python3
"""Make the kernel's font of a console font: the glyphs of ASCII, which is all that it draws.

The output is a C header: for each character its rows, a byte each, the leftmost pixel in bit 7.
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


def ascii_glyphs(font: bytes) -> list[bytes]:
    """The glyph of each character of ASCII; those without one look like '?'."""
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
    if width != 8 or size != height or len(font) < start + count * size:
        raise NotAFont("not a PSF font of 8 pixels' width, or cut short")
    chosen = [glyphs.get(character, glyphs[ord("?")]) for character in range(ASCII)]
    return [font[start + g * size : start + (g + 1) * size] for g in chosen]


def header(glyphs: list[bytes]) -> str:
    """What kernel/screen/screen_device.c includes."""
    rows = ("    {" + ", ".join(f"{row:#04x}" for row in glyph) + "}," for glyph in glyphs)
    return "\n".join(
        (
            f"enum {{ FONT_CHARACTERS = {len(glyphs)}, FONT_WIDTH = 8, FONT_HEIGHT = {len(glyphs[0])} }};",
            "static const uint8_t font_rows[FONT_CHARACTERS][FONT_HEIGHT] = {",
            *rows,
            "};",
            "",
        )
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("packed", type=Path, help="the font as the package has it (.psf.gz)")
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()

    try:
        glyphs = ascii_glyphs(gzip.decompress(arguments.packed.read_bytes()))
    except (OSError, EOFError, NotAFont) as error:
        sys.exit(f"{arguments.packed}: {error}")
    arguments.output.write_text(header(glyphs), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

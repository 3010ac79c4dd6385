"""tools/gen_font.py: the glyphs of ASCII out of console fonts, as the kbd project describes them."""

import gzip
import re
import struct
from pathlib import Path

import pytest

from gen_font import NotAFont, ascii_glyphs, header

_REAL = Path("/usr/share/consolefonts/Uni2-Terminus16.psf.gz")


def _psf1(table: bytes) -> bytes:
    """256 glyphs of three rows, glyph n with a first row of n."""
    return b"\x36\x04\x02\x03" + b"".join(bytes((n, 0, 0)) for n in range(256)) + table


def _units(*units: int) -> bytes:
    return struct.pack(f"<{len(units)}H", *units)


def _psf2(table: bytes, *, width: int = 8, count: int = 3) -> bytes:
    head = struct.pack("<8I", 0x864AB572, 0, 32, 1, count, 2, 2, width)
    return head + b"\x11\x12\x21\x22\x31\x32" + table


def test_version_1() -> None:
    """Glyph 2 is 'x', behind a sequence of 'x' that is glyph 1; U+0080 is no ASCII."""
    table = _units(0xFFFF, 0xFFFE, 0x78, 0xFFFF, 0x78, 0xFFFF, 0x7F, 0x80, 0xFFFF, 0x3F, 0xFFFF)
    glyphs = ascii_glyphs(_psf1(table))
    assert len(glyphs) == 128
    assert glyphs[0x78] == b"\x02\0\0"
    assert glyphs[0x7F] == b"\x03\0\0"
    assert glyphs[0x3F] == b"\x04\0\0"
    assert glyphs[0x41] == b"\x04\0\0", "as '?'"


def test_version_2() -> None:
    glyphs = ascii_glyphs(_psf2(b"A\xffB\xc3\xa4\xff?\xfeC\xff"))
    assert glyphs[0x41] == b"\x11\x12"
    assert glyphs[0x42] == b"\x21\x22"
    assert glyphs[0x43] == glyphs[0x3F] == b"\x31\x32"


@pytest.mark.parametrize(
    "font",
    [
        b"",
        b"\x36\x04\x00\x03" + bytes(768),  # without a table
        _psf1(_units(0x41)),  # no '?'
        _psf1(b"")[:-300],
        _psf2(b"?\xff", width=9),
        _psf2(b"?\xff", count=90),
        _psf2(b"\xff\xff\xff?\xff"),  # a glyph more than there are
    ],
)
def test_no_font(font: bytes) -> None:
    with pytest.raises(NotAFont):
        ascii_glyphs(font)


def test_the_real_font() -> None:
    """Every printable character has a look of its own, and the blank none."""
    glyphs = ascii_glyphs(gzip.decompress(_REAL.read_bytes()))
    assert {len(glyph) for glyph in glyphs} == {16}
    assert len({glyphs[c] for c in range(0x20, 0x7F)}) == 0x7F - 0x20
    assert glyphs[0x20] == bytes(16)


def test_header() -> None:
    text = header([b"\x01\x80", b"\xff\0"])
    assert "FONT_CHARACTERS = 2" in text and "FONT_HEIGHT = 2" in text
    assert re.findall(r"\{(0x.*)\}", text) == ["0x01, 0x80", "0xff, 0x00"]

"""tools/gen_texts.py: the names and texts of the rules of VM entry, packed."""

import re
from pathlib import Path

import pytest

from gen_texts import literal, main, rows
from machine.build import ROOT

_TABLE = ROOT / "vmx" / "entry" / "vmentry_rules.def"
_OCTAL = re.compile(r"\\(\d{3})")


def _held(text: str) -> str:
    return _OCTAL.sub(lambda code: chr(int(code[1], 8)), text)


def test_every_row_is_read() -> None:
    """Also one of two lines, one of a macro of its file, and one whose text the names of controls give."""
    told = dict(rows(_TABLE))
    source = "".join(file.read_text(encoding="utf-8") for file in _TABLE.parent.glob("vmentry_*.def"))
    assert list(told) == list(dict.fromkeys(told))
    assert set(told) == set(re.findall(r"^(?:CHECK\w*|NEED)\((\w+)", source, re.MULTILINE))
    assert told["SEGMENT_S"] == "S is 1 in CS and in every usable SS, DS, ES, FS and GS"
    assert told["GUEST_EFER_LMA"] == 'where it is loaded, LMA of guest IA32_EFER is what "IA-32e mode guest" is'
    assert told["PML_EPT"] == ""


def test_what_is_packed_can_be_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is smaller."""
    made = tmp_path / "texts.inc"
    monkeypatch.setattr("sys.argv", ["gen_texts.py", str(_TABLE), str(made)])
    assert main() == 0
    text = made.read_text(encoding="ascii")
    pieces = _held(re.findall(r'#define PIECES "(.*)"', text)[0]).split("\0")
    packed = {id: _held(said) for id, said in re.findall(r'^TEXT\((\w+), "(.*)"\)$', text, re.MULTILINE)}
    for id, said in rows(_TABLE):
        whole = "".join(pieces[ord(c) - 0x80] if ord(c) >= 0x80 else c for c in packed[id])
        assert whole == f"{id.lower().replace('_', '-')}\0{said}"
    assert sum(map(len, packed.values())) < 0.6 * sum(len(id) + len(said) for id, said in rows(_TABLE))


def test_a_literal_keeps_its_ends() -> None:
    """A digit behind an octal escape is no part of it."""
    assert literal('a"\\1\x801') == '"a\\042\\1341\\2001"'

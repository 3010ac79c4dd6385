"""tools/gen_texts.py: the names and texts of rules, packed."""

import re
from pathlib import Path

import pytest

from gen_texts import literal, main, pack, rows
from machine.build import ROOT

_TABLES = sorted((ROOT / "vmx" / "entry").glob("*.def"))
_FINDINGS = ROOT / "vmx" / "text" / "finding_text.def"
_OCTAL = re.compile(r"\\(\d{3})")


def _held(text: str) -> bytes:
    return _OCTAL.sub(lambda code: chr(int(code[1], 8)), text).encode("latin-1")


def _unpacked(packing: bytes, text: bytes) -> str:
    """As lib/packed.h says."""
    letters, pairs = packing.split(b"\0")[:2]
    codes = [b"", *(bytes([letter]) for letter in letters)]
    for i in range(0, len(pairs), 2):
        codes.append(codes[pairs[i]] + codes[pairs[i + 1]])
    return b"\0".join(b"".join(codes[c] for c in part) for part in text.split(b"\0")).decode("ascii")


def test_every_row_of_vm_entry_is_read() -> None:
    """Also one of two lines, one of a macro of its file, and one whose text the names of controls give."""
    told = [row for table in _TABLES for row in rows(table)]
    source = "".join(table.read_text(encoding="utf-8") for table in _TABLES)
    assert sorted(id for id, _ in told) == sorted(set(re.findall(r"^(?:CHECK\w*|NEED)\((\w+)", source, re.MULTILINE)))
    assert dict(told)["SEGMENT_S"] == ["segment-s", "S is 1 in CS and in every usable SS, DS, ES, FS and GS"]
    text = 'where it is loaded, LMA of guest IA32_EFER is what "IA-32e mode guest" is'
    assert dict(told)["GUEST_EFER_LMA"] == ["guest-efer-lma", text]
    assert dict(told)["PML_EPT"] == ["pml-ept", ""]


def test_every_finding_is_read() -> None:
    """With three texts: its sentence, the manual's section, which may have a name, and the remedy."""
    told = dict(rows(_FINDINGS))
    table = (ROOT / "vmx" / "findings.def").read_text(encoding="utf-8")
    assert list(told) == re.findall(r"^RULE\((\w+)", table, re.MULTILINE)
    assert {len(said) for said in told.values()} == {3}
    assert told["GUEST_NO_CPU"] == [
        "guest= names a guest for a CPU that is not there; the others run",
        "this program's command line",
        "the report lists the CPUs; the first is cpu0, the boot CPU",
    ]


@pytest.mark.parametrize("tables", [_TABLES, [_FINDINGS]], ids=["entry", "findings"])
def test_what_is_packed_can_be_unpacked(tables: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is smaller by half."""
    made = tmp_path / "texts.inc"
    monkeypatch.setattr("sys.argv", ["gen_texts.py", str(made), "RULE", *map(str, tables)])
    assert main() == 0
    text = made.read_text(encoding="ascii")
    packing = _held(re.findall(r' packing\[\] = "(.*)";', text)[0])
    packed = b"".join(_held(said) for said in re.findall(r'^    "(.*)"$', text, re.MULTILINE))
    places = {id: int(at) for id, at in re.findall(r"\[RULE_(\w+)\] = (\d+),", text)}
    told = [row for table in tables for row in rows(table)]
    for id, said in told:
        row = packed[places[id] :].split(b"\0")[: len(said)]
        assert _unpacked(packing, b"\0".join(row)) == "\0".join(said)
    assert len(packed) < 0.5 * sum(len(text) + 1 for _, said in told for text in said)


def test_a_pair_is_worth_its_two_bytes() -> None:
    assert pack(["abab", "ba"]) == (b"ab\0\0", [b"\1\2\1\2", b"\2\1"])
    assert pack(["abab", "ab"]) == (b"ab\0\1\2\0", [b"\3\3", b"\3"])


def test_a_literal_keeps_its_ends() -> None:
    """A digit behind an octal escape is no part of it, and nothing is a trigraph."""
    assert literal(b'a"\\1\x801??=') == '"a\\042\\1341\\2001\\077\\077="'

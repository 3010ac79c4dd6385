"""docs/glossary.md: few words of our own, each of them in use."""

import re
import subprocess

import pytest

from machine.build import ROOT

_WORDS_MAX = 15
_ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("|") and not line.startswith("|---")
][1:]


def test_there_are_few() -> None:
    assert 0 < len(_ROWS) <= _WORDS_MAX


@pytest.mark.parametrize("row", _ROWS, ids=[row[0] for row in _ROWS])
def test_word_is_in_use(row: list[str]) -> None:
    """In the sources, as a word or in a name; defined beside the field's nearest term."""
    word, meaning, nearest = row
    assert meaning and nearest
    pattern = re.sub(r" ", "[ _]", word)
    folders = ("lib", "boot", "mm", "vmx", "vm", "kernel")
    found = subprocess.run(
        ["git", "grep", "-liE", rf"(^|[^a-z]){pattern}(s|[^a-z]|$)", "--", *folders],
        cwd=ROOT, capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    assert found, f"nothing in the tree says {word}"

"""What docs/labs/*.toml say is so: quickly, without a build. tests/tools/test_lab.py grades."""

import csv
import re

import pytest

from labs.lab import FOLDER, Lab, labs_of
from labs.starter import cut
from machine.build import ROOT

_LABS = labs_of(ROOT)


def test_there_are_nine() -> None:
    assert [lab.number for lab in _LABS] == list(range(9))


@pytest.mark.parametrize("lab", _LABS, ids=lambda lab: f"lab{lab.number}")
def test_lab_fits_the_tree(lab: Lab) -> None:
    """A change of the tree may make a lab's cuts and mistakes stale: they say what they expect to find."""
    texts = {change.file: (ROOT / change.file).read_text(encoding="utf-8") for change in lab.cuts}
    for change in lab.cuts:
        unused = set(re.findall(r"\(void\)(\w+);", change.new))
        assert unused <= set(re.findall(r"\w+", (ROOT / change.file).read_text(encoding="utf-8"))), change
        texts[change.file] = cut(texts[change.file], change)
    for mistake in lab.mistakes:
        changed = {change.file: (ROOT / change.file).read_text(encoding="utf-8") for change in mistake.changes}
        for change in mistake.changes:
            changed[change.file] = cut(changed[change.file], change)
            assert change.file in lab.files
        assert set(mistake.loses) <= {check.name for check in lab.checks}, mistake.name
    assert {change.file for change in lab.cuts} == set(lab.files)
    assert lab.of == 20
    for test in lab.tests:
        folder, _, name = test.rpartition("/")
        assert (ROOT / "tests" / "host" / folder / f"test_{name}.c").exists()


@pytest.mark.parametrize("lab", _LABS, ids=lambda lab: f"lab{lab.number}")
def test_checks_name_cases_and_pages(lab: Lab) -> None:
    program = ROOT / "tests" / "labs" / f"lab{lab.number}.c"
    cases = set(re.findall(r"^static void (\w+)\(void \*\*state\)", program.read_text(encoding="utf-8"), re.MULTILINE)) if program.exists() else set()
    page = (ROOT / FOLDER / f"{lab.number}.md").read_text(encoding="utf-8")
    asked = [case for check in lab.checks for case in check.cases]
    assert sorted(asked) == sorted(cases)
    for check in lab.checks:
        for heading in re.findall(rf"docs/labs/{lab.number}\.md, \"([^\"]+)\"", check.read):
            assert f"\n## {heading}\n" in page, check.name


@pytest.mark.parametrize("number", range(1, 8))
def test_mistakes_are_many(number: int) -> None:
    assert len(_LABS[number].mistakes) >= 8


@pytest.mark.parametrize("number", range(1, 8))
def test_page_has_its_parts(number: int) -> None:
    """The manual's sections, something drawn, what to write, how to look at it, questions; and each function that is cut."""
    page = (ROOT / "docs" / "labs" / f"{number}.md").read_text(encoding="utf-8")
    for part in ("## Read first\n\n- ", "## What you write\n", "## Look at it\n", "## Questions\n\n1. ", "SDM", "gdb "):
        assert part in page, part
    assert re.search(r"^ {4,}\+-{3,}", page, re.MULTILINE) or re.search(r"^ {4}.*(──|--)", page, re.MULTILINE)
    write = page.partition("## What you write")[2].partition("## Look at it")[0]
    for change in _LABS[number].cuts:
        assert change.file in write
        assert not change.function or f"`{change.function}()`" in write or "all but the includes" in write, change.function


def test_machines_are_counted() -> None:
    """Lab 1 judges each set of the corpus that has an IA32_VMX_BASIC: the page and the list say how many."""
    with (ROOT / "tests/data/vmx-msrs/vmx-msrs.csv").open(encoding="utf-8", newline="") as stream:
        count = sum(row["msr_480"] != "" for row in csv.DictReader(stream))
    for file in ("1.toml", "1.md", "README.md"):
        assert f"{count} machines" in (ROOT / "docs" / "labs" / file).read_text(encoding="utf-8")

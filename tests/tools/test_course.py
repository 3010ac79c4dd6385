"""What docs/labs/*.toml say is so: quickly, without a build. tests/tools/test_lab.py grades."""

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

"""What docs/first-*.md has people do: each patch is applied to a copy of the tree, built and booted."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from machine.build import ROOT
from machine.mutation import mirror
from pages import HELD, blocks, missing

_PAGES = {  # page: the words to boot with, the guest that shows it, its exits
    "first-guest.md": ("guest=count", "count", {"HLT": 3, "VMCALL": 1}),
    "first-exit-handler.md": ("guest=exits", "exits", {"CPUID": 2, "VMCALL": 2}),
}
_FILES_MAX = 2  # that a newcomer has to touch


def test_every_page_is_tried() -> None:
    assert {page.name for page in (ROOT / "docs").glob("first-*.md")} == set(_PAGES)


@pytest.mark.parametrize("page", _PAGES)
def test_page_touches_few_files(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert 1 <= text.count("\n+++ b/") <= _FILES_MAX


@pytest.fixture(name="tree", scope="module")
def _tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree, which is built once."""
    tree = tmp_path_factory.mktemp("first") / "tree"
    mirror(ROOT, tree)
    return tree


def _patch(tree: Path, page: str, *options: str) -> None:
    patch = (ROOT / "docs" / page).read_bytes()
    subprocess.run(["patch", "-p1", "--no-backup-if-mismatch", *options], cwd=tree, input=patch, check=True,
                   capture_output=True)  # fmt: skip


@pytest.mark.parametrize("page", _PAGES)
def test_page(page: str, tree: Path, tmp_path: Path) -> None:
    words, guest, exits = _PAGES[page]
    report = tmp_path / "report.json"
    _patch(tree, page)
    done = subprocess.run(
        [tree / "tools" / "run", "--on", "bochs", "--cpus", "1", "--append", words, "--unchecked",
         "--headless", "--timeout", "480", "--report", report],
        env={**os.environ, "ROOTMODE_SETUP": "skip"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    _patch(tree, page, "-R")
    assert done.returncode == 0, done.stderr
    shown = [block.lines for block in blocks(ROOT / "docs" / page) if block.kind == HELD]
    assert [missing(lines, done.stdout.splitlines()) for lines in shown] == [[]]
    (run,) = json.loads(report.read_text(encoding="utf-8"))["guests"]
    assert (run["name"], run["result"], run["exits"]) == (guest, "ok", exits)

"""How much of what decides the host tests execute, by gcovr."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from machine.build import ROOT, build
from machine.processes import run_logged
from machine.terminal import Progress

WANTED = 95.0  # per cent of the lines of what decides


def _pure_sources(folder: Path) -> set[str]:
    """What decides, and the mechanism around it: what the library pure_test is made of."""
    commands = json.loads((folder / "compile_commands.json").read_text(encoding="utf-8"))
    return {
        str(Path(command["file"]).relative_to(ROOT))
        for command in commands
        if "pure_test.dir" in command["command"]
    }


def _lines_of(folder: Path, summary: Path) -> dict[str, tuple[int, int]]:
    """By file: lines that were executed, and lines there are."""
    subprocess.run(
        ["gcovr", "--root", str(ROOT), str(folder), "--json-summary", str(summary)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return {
        item["filename"]: (item["line_covered"], item["line_total"])
        for item in json.loads(summary.read_text(encoding="utf-8"))["files"]
    }


@pytest.mark.long
def test_coverage(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The share is printed for each file."""
    folder = build("coverage", ["tests/all", "tools/all"], Progress("pytest"))
    for counters in folder.rglob("*.gcda"):
        counters.unlink()
    log = logs / "ctest-coverage.log"
    log.unlink(missing_ok=True)
    ctest = ["ctest", "--test-dir", str(folder), "-j", str(os.cpu_count() or 1), "--timeout", "120",
             "--output-on-failure"]  # fmt: skip
    assert run_logged(ctest, log, lambda line: None, ROOT) == 0, f"log: {log}"
    files = _lines_of(folder, logs / "coverage.json")
    covered = total = 0
    with capsys.disabled():
        print()
        for source in sorted(_pure_sources(folder) & files.keys()):
            lines_covered, lines = files[source]
            covered, total = covered + lines_covered, total + lines
            print(f"     {lines_covered / max(lines, 1):7.1%}  {source} ({lines_covered}/{lines})")
        print(f"     {covered / total:7.1%}  of all lines of what decides ({covered}/{total})")
    assert 100 * covered / total >= WANTED

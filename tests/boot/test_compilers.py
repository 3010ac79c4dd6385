"""clang and lld make the same kernel as GCC and ld, from the same lines: their reports say the same."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from machine.build import ROOT, build_kernel
from machine.terminal import Progress

# Where things are in memory, which the image's size moves, and when.
_MAY_DIFFER = re.compile(
    r"timing\.|memory\.pool_bytes|cpus\.\d+\.(vmxon_region\.address|vmcs_region\.address|vmptrst)"
    r"|selftest\.\d+\.(predicted|seen)_value|guests\.\d+\.detail"
)


def _fields(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that is not made of others, with its path."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _fields(item, f"{path}.{key}" if path else str(key))
    if not isinstance(value, (dict, list)):
        yield path, value


def _booted(kernel: Path, report: Path, words: str) -> dict[str, Any]:
    subprocess.run(
        [ROOT / "tools" / "run", "--on", "bochs", "--cpus", "2", "--loader", "direct", "--kernel", kernel,
         "--append", words, "--report", report, "--timeout", "480"],
        check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return dict(_fields(json.loads(report.read_text(encoding="utf-8"))))


def test_both_say_the_same(kernel: Path, tmp_path: Path) -> None:
    words = "guest=hello,identity selftest"
    clang = build_kernel(Progress("pytest"), preset="clang")
    told = subprocess.run(["readelf", "--debug-dump=info", "--dwarf-depth=1", clang], capture_output=True, text=True, check=True)
    assert re.search(r"DW_AT_producer.*clang version", told.stdout)
    by_gcc, by_clang = (_booted(file, tmp_path / f"{i}.json", words) for i, file in enumerate((kernel, clang)))
    assert by_gcc.keys() == by_clang.keys()
    differing = {path for path in by_gcc if by_gcc[path] != by_clang[path]}
    assert {path for path in differing if not _MAY_DIFFER.match(path)} == set()


@pytest.mark.long
def test_every_guest_runs_on_clangs_kernel(tmp_path: Path) -> None:
    clang = build_kernel(Progress("pytest"), preset="clang")
    assert _booted(clang, tmp_path / "all.json", "guest=all")["verdict"] == "ok"

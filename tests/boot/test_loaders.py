"""GRUB's Multiboot2 and the direct loader's PVH make the same machine known: their reports say the same."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from machine.build import ROOT

_DIFFER = {"boot.loader", "boot.load_address"}
# Ticks, and the calibration with them; pages of the pool that come from behind the image, which is not at the same
# address: regions, and the one that `identity` names.
_MAY_DIFFER = re.compile(
    r"timing\.|guests\.\d+\.detail$|cpus\.\d+\.(vmxon_region\.address|vmcs_region\.address|vmptrst)$"
)


def _fields(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that is not made of others, with its path."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _fields(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _fields(item, f"{path}.{i}")
    else:
        yield path, value


def _report(kernel: Path, folder: Path, loader: str) -> dict[str, Any]:
    report = folder / f"{loader}.json"
    report.unlink(missing_ok=True)
    subprocess.run(
        [ROOT / "tools" / "run", "--on", "bochs", "--cpus", "2", "--kernel", kernel, "--loader", loader,
         "--append", "guest=hello,identity", "--report", report, "--timeout", "480"],
        check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return dict(_fields(json.loads(report.read_text(encoding="utf-8"))))


def test_the_reports_of_both_loaders_are_the_same(kernel: Path, logs: Path) -> None:
    folder = logs / "boot" / "loaders"
    folder.mkdir(parents=True, exist_ok=True)
    by_grub, direct = (_report(kernel, folder, loader) for loader in ("grub", "direct"))
    assert by_grub.keys() == direct.keys()
    differing = {path for path in by_grub if by_grub[path] != direct[path]}
    assert {path for path in differing if not _MAY_DIFFER.match(path)} == _DIFFER
    assert by_grub["boot.loader"].startswith("GRUB")
    assert direct["boot.loader"] == "PVH"
    # Of 256 MiB the last but one multiple of 2 MiB: the firmware's tables are behind it.
    assert direct["boot.load_address"] == "0xfe00000"


@pytest.mark.long
def test_a_command_line_that_qemu_has_no_room_for(kernel: Path) -> None:
    """It is written over the start info, and lost: also what asks for a report, and for power-off."""
    done = subprocess.run(
        [ROOT / "tools" / "run", "--on", "tcg", "--loader", "direct", "--kernel", kernel, "--unchecked", "--append", "x" * 5000],
        check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "QEMU overwrites it by an -append of more than 4 KiB" in " ".join(done.stdout.split())

"""What tools/core-files says goes into the core: no room, and no more than can be read in a day."""

import subprocess
from collections import Counter
from pathlib import Path

import pytest

from machine.build import ROOT, build, build_kernel
from machine.terminal import Progress

# Folders of rooms: no file of the core is in one, nor includes what is.
_ROOMS = (
    "kernel/backtrace/", "kernel/guests/", "kernel/power/", "kernel/screen/", "kernel/selftest/",
    "vm/guests/", "vmx/entry/", "vmx/selftest/", "vmx/text/",
)  # fmt: skip
_LINES_MAX = 16200
_PROPER_MAX = 8200  # of vmx/ and vm/
_IMAGE_MAX = 128 * 1024  # bytes, stripped


@pytest.fixture(name="lines", scope="module")
def _lines() -> dict[str, int]:
    build_kernel(Progress("pytest"), core=True)
    listed = subprocess.run(
        [ROOT / "tools" / "core-files"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return {file: (ROOT / file).read_text(encoding="utf-8").count("\n") for file in listed}


def test_no_room_is_in_the_core(lines: dict[str, int]) -> None:
    assert [file for file in lines if file.startswith(_ROOMS)] == []


def test_every_room_is_a_folder() -> None:
    assert all((ROOT / room / "README.md").exists() for room in _ROOMS)


def test_what_the_core_is_made_of_is_listed(lines: dict[str, int]) -> None:
    assert {"boot/entry.S", "kernel/main.c", "vmx/vmx_cpu.c", "vm/enter.S", "lib/sets.ld"} - set(lines) in (
        set(), {"lib/sets.ld"},  # the linker's, which no compiler reads
    )  # fmt: skip


def test_it_can_be_read_in_a_day(lines: dict[str, int]) -> None:
    folders = Counter()  # type: Counter[str]
    for file, count in lines.items():
        folders[file.split("/")[0]] += count
    assert sum(lines.values()) <= _LINES_MAX, folders
    assert folders["vmx"] + folders["vm"] <= _PROPER_MAX, folders


def test_image_is_small(tmp_path: Path) -> None:
    stripped, core = tmp_path / "core", build_kernel(Progress("pytest"), core=True)
    subprocess.run(["strip", "-o", stripped, core], check=True)
    assert stripped.stat().st_size <= _IMAGE_MAX


@pytest.mark.long
def test_each_room_needs_no_more_than_it_says() -> None:
    """rootmode-with-NAME.elf is the core, the room, and the rooms named in rootmode_room()."""
    build("default", ["rootmode_with_each_room"], Progress("pytest"))
    assert len(list((ROOT / "build").glob("rootmode-with-*.elf"))) >= 8

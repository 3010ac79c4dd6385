"""What tools/core-files says goes into the core: no room, and no more than can be read in a day."""

import json
import re
import subprocess
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from machine.build import ROOT, build, build_kernel
from machine.terminal import Progress

_LINES_MAX = 11_500
_PROPER_MAX = 4_520  # of vmx/ and vm/
_IMAGE_MAX = 128 * 1024  # bytes, stripped


@pytest.fixture(name="lines", scope="module")
def _lines() -> dict[str, int]:
    build_kernel(Progress("pytest"), core=True)
    listed = subprocess.run(
        [ROOT / "tools" / "core-files"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return {file: (ROOT / file).read_text(encoding="utf-8").count("\n") for file in listed}


@pytest.fixture(name="owners", scope="module")
def _owners() -> dict[str, set[str]]:
    """Source → what of the kernel it belongs to: core, or the room's name."""
    owners: dict[str, set[str]] = defaultdict(set)
    for item in json.loads((ROOT / "build" / "compile_commands.json").read_text(encoding="utf-8")):
        if found := re.search(r" -o (?:\w+/)?CMakeFiles/(core|room)_(\w+)\.dir/", item["command"]):
            source = str(Path(item["file"]).relative_to(ROOT))
            owners[source].add("core" if found[1] == "core" else found[2])
    assert len({owner for each in owners.values() for owner in each}) > 8
    return owners


def test_each_source_is_the_cores_or_one_rooms(owners: dict[str, set[str]]) -> None:
    assert [source for source, each in owners.items() if len(each) != 1] == []


def test_no_room_is_in_the_core(lines: dict[str, int], owners: dict[str, set[str]]) -> None:
    """No source, no file of a folder that is all rooms', and no header of a source that is one's."""
    folders: dict[str, set[str]] = defaultdict(set)
    for source, each in owners.items():
        folders[str(Path(source).parent)] |= each
    rooms = {folder for folder, each in folders.items() if "core" not in each}
    assert {"vm/guests", "vm/linux", "vmx/entry", "kernel/screen"} <= rooms
    assert [file for file in lines if str(Path(file).parent) in rooms] == []
    for file in lines:
        each = {owner for end in (".c", ".S") for owner in owners.get(str(Path(file).with_suffix(end)), ())}
        assert not each or "core" in each, f"{file} is the header of a room"


def test_what_the_core_is_made_of_is_listed(lines: dict[str, int]) -> None:
    assert {"boot/entry.S", "kernel/main.c", "vmx/vmx_cpu.h", "vmx/findings.def"} <= set(lines)


def test_it_can_be_read_in_a_day(lines: dict[str, int]) -> None:
    folders = Counter()  # type: Counter[str]
    for file, count in lines.items():
        folders[file.split("/")[0]] += count
    assert sum(lines.values()) <= _LINES_MAX, folders
    assert folders["vmx"] + folders["vm"] <= _PROPER_MAX, folders


def test_figures_are_told_as_they_are(lines: dict[str, int]) -> None:
    page = " ".join((ROOT / "docs" / "figures.md").read_text(encoding="utf-8").split())
    assert f"of {sum(lines.values()):,} lines in {len(lines)} files" in page


def test_image_is_small(tmp_path: Path) -> None:
    stripped, core = tmp_path / "core", build_kernel(Progress("pytest"), core=True)
    subprocess.run(["strip", "-o", stripped, core], check=True)
    assert stripped.stat().st_size <= _IMAGE_MAX


@pytest.mark.long
def test_each_room_needs_no_more_than_it_says() -> None:
    """rootmode-with-NAME.elf is the core, the room, and the rooms named in rootmode_room()."""
    build("default", ["rootmode_with_each_room"], Progress("pytest"))
    assert len(list((ROOT / "build").glob("rootmode-with-*.elf"))) >= 8

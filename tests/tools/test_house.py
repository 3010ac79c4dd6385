"""The house: folders that can be taken in, includes that point down, and no circles."""

import graphlib
import re
from collections import defaultdict
from pathlib import Path

import pytest

from machine.build import ROOT

_FLOORS = {"lib": 0, "mm": 1, "boot": 2, "vmx": 3, "vm": 4, "kernel": 5}
_BETWEEN = {"lib/host": 2}  # a folder on a floor of its own
_SOURCES = {".c", ".h", ".S", ".def", ".inc"}
_INCLUDE = re.compile(r'^\s*#\s*include "([^"]+)"', re.MULTILINE)
# What a folder within a floor may include of its own floor; folders that are not here: all of it.
_PROCESSOR = {"vmx", "vmx/capability"}
_ROOMS = {
    "vmx": _PROCESSOR,
    "vmx/capability": _PROCESSOR,
    "vmx/entry": _PROCESSOR | {"vmx/entry"},
    "vmx/text": _PROCESSOR | {"vmx/entry", "vmx/text"},
}
_FILES_MAX = 30
_README_LINES_MAX = 15
_SHORT, _SHORT_MAX = 40, 45  # lines below which a file is short, and how many files may be


def _sources(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix in _SOURCES)


_FOLDERS = [
    folder
    for floor in _FLOORS
    for folder in (ROOT / floor, *(ROOT / floor).rglob("*/"))
    if folder.is_dir() and _sources(folder)
]


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _floor(folder: str) -> tuple[int, str]:
    """Its number, and what is on it together."""
    top = folder if folder in _BETWEEN else folder.split("/")[0]
    return (_BETWEEN | _FLOORS)[top], top


@pytest.mark.parametrize("folder", _FOLDERS, ids=_name)
def test_folder_can_be_taken_in(folder: Path) -> None:
    assert len(_sources(folder)) <= _FILES_MAX
    lines = (folder / "README.md").read_text(encoding="utf-8").splitlines()
    assert lines[0] == f"# {_name(folder)}/"
    assert len(lines) <= _README_LINES_MAX
    told = {word for line in lines for word in re.findall(r"`([a-z0-9_]+\.[a-zS]+)`", line)}
    assert told - {file.name for file in folder.iterdir()} == set(), "told, but not there"


@pytest.mark.parametrize("folder", _FOLDERS, ids=_name)
def test_includes_point_down(folder: Path) -> None:
    floor = _floor(_name(folder))
    for file in _sources(folder):
        for included in _INCLUDE.findall(file.read_text(encoding="utf-8")):
            if included.split("/")[0] not in _FLOORS:  # the build made it
                continue
            other = _floor(str(Path(included).parent))
            assert (ROOT / included).exists(), f"{_name(file)}: {included}"
            assert other[0] < floor[0] or other == floor, f"{_name(file)}: {included}"


@pytest.mark.parametrize("folder", _ROOMS)
def test_rooms_include_what_is_below_them(folder: str) -> None:
    floor = folder.split("/")[0]
    for file in _sources(ROOT / folder):
        for included in _INCLUDE.findall(file.read_text(encoding="utf-8")):
            other = str(Path(included).parent)
            assert other.split("/")[0] != floor or other in _ROOMS[folder], f"{file}: {included}"


def test_few_files_are_short() -> None:
    """What says one thing in three files is merged."""
    sources = [file for folder in _FOLDERS for file in _sources(folder)]
    short = [_name(file) for file in sources if file.read_text(encoding="utf-8").count("\n") < _SHORT]
    assert len(short) <= _SHORT_MAX, short


def test_no_circles() -> None:
    """A header and the file that it is the contract of are one; no two such need each other."""
    needs: dict[str, set[str]] = defaultdict(set)
    for folder in _FOLDERS:
        for file in _sources(folder):
            if file.suffix in (".c", ".h"):
                unit = _name(file.with_suffix(""))
                included = _INCLUDE.findall(file.read_text(encoding="utf-8"))
                needs[unit] |= {name[:-2] for name in included if name.endswith(".h")} - {unit}
    graphlib.TopologicalSorter(needs).prepare()  # raises a CycleError that names the circle


# The tables of what emulators do otherwise; tools/run's word, in a remedy, is no such thing.
_QUIRKS = {"vmx/quirks.def", "vmx/selftest/departures.def"}
_NO_QUIRK = re.compile(
    r"tools/run --on bochs|check=kvm|`kvm`|auto\|kvm\|strict|\"kvm\"|\(kvm, |SEVERITY_##kvm|CHECK_KVM"
    r"|QEMU/KVM|kvm_intel|-accel kvm|QEMU without KVM|kvm_mmu_memory_cache"
    # where an algorithm or a rule comes from
    r"|\b(?:as|with which|what) KVM\b|KVM's|KVM, \w+\(\)|KVM: \"|is in KVM|KVM (?:trusts|warns)"
)


def test_quirks_have_one_place() -> None:
    """No other file names an emulator for what it does otherwise, in its comments neither."""
    for folder in _FOLDERS:
        for file in _sources(folder):
            for line in file.read_text(encoding="utf-8").splitlines():
                named = re.search(r"bochs|\bkvm\b", _NO_QUIRK.sub("", line), re.IGNORECASE)
                assert named is None or _name(file) in _QUIRKS, f"{_name(file)}: {line}"


def test_each_quirk_is_asked_for() -> None:
    sources = "".join(
        file.read_text(encoding="utf-8") for folder in _FOLDERS for file in _sources(folder)
    )
    quirks = re.findall(r"^QUIRK\((\w+),", sources, re.MULTILINE)
    assert len(quirks) > 10
    for quirk in quirks:
        assert f"QUIRK_{quirk}" in sources, f"{quirk}: nothing asks for it, and no comment names it"


# A file with its folder, as comments name it; with * in it, some file must be like that.
_NAMED = re.compile(r"(?<![\w/.-])((?:lib|boot|mm|vmx|vm|kernel)/[\w/*-]+\.(?:c|h|S|def|inc))\b")


@pytest.mark.parametrize("folder", _FOLDERS, ids=_name)
def test_files_that_comments_name_are_there(folder: Path) -> None:
    for file in _sources(folder):
        for named in _NAMED.findall(file.read_text(encoding="utf-8")):
            assert list(ROOT.glob(named)), f"{_name(file)} names {named}"


def test_what_runs_guests_knows_none() -> None:
    """A VM is what its tables say: nothing outside of vm/guests/ includes a built-in guest's header."""
    for folder in _FOLDERS:
        if _name(folder) == "vm" or _name(folder).startswith(("vm/exits", "vm/memory", "vm/host")):
            for file in _sources(folder):
                included = _INCLUDE.findall(file.read_text(encoding="utf-8"))
                assert not [name for name in included if name.startswith("vm/guests/")], _name(file)

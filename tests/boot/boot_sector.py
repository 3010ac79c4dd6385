"""
What the BIOS tells a boot sector of the memory: natively in Bochs, and on Rootmode, where all must be as
natively but for what Rootmode keeps. tests/boot/multiboot/start.S prints it.
"""

import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from boot.checks import Result
from boot.multiboot_guest import build_guest
from machine.bochs import start_bochs
from machine.plan import Plan

BOOT_SECTOR = "flat-real"
_SECTOR, _CYLINDER = 512, 16 * 63 * 512
_SECONDS = 60.0
_KIB, _MIB = 1 << 10, 1 << 20
_RAM, _RESERVED = 1, 2

Range = tuple[int, int, int]  # base, end, type


@dataclass(frozen=True)
class Told:
    """Of one boot: the ranges of E820h, and the numbers behind each other word."""

    ranges: list[Range]
    numbers: dict[str, list[int]]


def _told(console: str) -> Told:
    ranges, numbers = [], {}
    for word, rest in re.findall(r"^(range|no range|e801|88|12|c0)((?: [0-9A-F]{8})+)\r?$", console, re.MULTILINE):
        values = [int(text, 16) for text in rest.split()]
        if word == "range":
            base, size = values[0] << 32 | values[1], values[2] << 32 | values[3]
            ranges.append((base, base + size, values[4]))
        else:
            numbers[word] = values
    return Told(ranges, numbers)


def _natively(memory: int) -> str:
    """What it prints on the bare machine, from the first sector of its disk."""
    with tempfile.TemporaryDirectory(prefix="rootmode-") as name:
        folder = Path(name)
        code = build_guest(BOOT_SECTOR, folder).read_bytes()
        assert not any(code[_SECTOR - 2 :]), "it does not fit into a sector"
        disk = folder / "disk.img"
        disk.write_bytes((code[: _SECTOR - 2] + b"\x55\xaa").ljust(_CYLINDER, b"\0"))
        emulator = start_bochs(Plan(cpus=1, memory=memory, loader="direct"), disk, folder)
        said, until = b"", time.monotonic() + _SECONDS
        try:
            while b"\nend\r\n" not in said and time.monotonic() < until:
                said += emulator.read()
                time.sleep(0.1)
        finally:
            emulator.stop()
    return said.decode(errors="replace")


def _reserve(ranges: list[Range], kept: list[tuple[int, int]]) -> list[Range]:
    """The same map with these ranges reserved; neighbours of one type are one."""
    parts: list[Range] = []
    for base, end, kind in ranges:
        cuts = sorted({base, end, *(edge for pair in kept for edge in pair if base < edge < end)})
        for low, high in zip(cuts, cuts[1:]):
            inside = any(first <= low and high <= last for first, last in kept)
            parts.append((low, high, _RESERVED if inside else kind))
    whole: list[Range] = []
    for part in parts:
        if whole and whole[-1][1:] == (part[0], part[2]):
            whole[-1] = (whole[-1][0], part[1], part[2])
        else:
            whole.append(part)
    return whole


def _free_from(ranges: list[Range], address: int) -> int:
    return next((end - address for base, end, kind in ranges if kind == _RAM and base <= address < end), 0)


def memory_by_bios(result: Result) -> Iterator[str]:
    """All that is told of the memory, against what the bare machine tells."""
    native, told = _told(_natively(512)), _told(result.console)
    memory = result.report["linux"]["memory"]
    kept = int(memory["kept_base"], 16)
    low_end = next(end for base, end, kind in native.ranges if base == 0 and kind == _RAM)
    handler = told.numbers["12"][0] * _KIB  # and its table, up to the end of the low memory
    if not 0 < low_end - handler <= 4 * _KIB:
        yield f"INT 12h: {handler:#x} of {low_end:#x}"
    expected = _reserve(native.ranges, [(kept, kept + memory["kept"]), (handler, low_end)])
    if told.ranges != expected:
        yield f"E820h: {told.ranges}, not {expected}"
    below = min(_free_from(expected, _MIB) // _KIB, 15 * _KIB)
    above = _free_from(expected, 16 * _MIB) // (64 * _KIB)
    if told.numbers["e801"] != [0, below, above, below, above]:
        yield f"E801h: {told.numbers['e801']}, not {below}, {above}"
    if told.numbers["88"] != [0, min(_free_from(expected, _MIB) // _KIB, 63 * _KIB)]:
        yield f"88h: {told.numbers['88']}"
    for word in ("no range", "c0"):
        if told.numbers[word] != native.numbers[word]:
            yield f"{word}: {told.numbers[word]}, natively {native.numbers[word]}"

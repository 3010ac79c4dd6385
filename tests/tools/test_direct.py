"""The disk of tools/run --loader direct: what tools/direct/loader.S finds there, and a PVH kernel."""

import argparse
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

from machine.beforehand import check_options
from machine.build import build, build_kernel
from machine.direct import disk_image, read_kernel
from machine.errors import UserError
from machine.plan import Guest
from machine.run import parser
from machine.terminal import Progress

_SECTOR = 512
_BASE = 0x7C00


def _note(owner: bytes, kind: int, value: bytes) -> bytes:
    """ELF, "Note Section": name and value are padded to four bytes."""
    padded = owner + b"\0" * (-len(owner) % 4)
    return struct.pack("<III", len(owner), len(value), kind) + padded + value + b"\0" * (-len(value) % 4)


def _elf(*segments: tuple[int, bytes, int, int]) -> bytes:
    """ELF-64: (type, bytes in the file, physical address, bytes in memory) of each segment."""
    table = 64
    offset = table + 56 * len(segments)
    headers, parts = b"", b""
    for kind, data, address, size in segments:
        headers += struct.pack("<IIQQQQQQ", kind, 5, offset + len(parts), 0, address, len(data), size, 16)
        parts += data
    head = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    head += struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0xFFFFFFFF80000000, table, 0, 0, 64, 56, len(segments), 0, 0, 0)
    return head + headers + parts


_ENTRY = _note(b"Xen\0", 18, struct.pack("<Q", 0x200010))


class _Disk:
    """What loader.S makes of a disk: it reads the first sectors, then each piece of the plan."""

    def __init__(self, image: bytes) -> None:
        self.memory: dict[int, bytes] = {_BASE: image[: 34 * _SECTOR]}
        self.entry, count = struct.unpack("<II", self.at(0x8000, 8))
        for i in range(count):
            sector, on_disk, address, size = struct.unpack("<IIII", self.at(0x8008 + 16 * i, 16))
            self.memory[address] = image[sector * _SECTOR :][:on_disk] + b"\0" * (size - on_disk)

    def at(self, address: int, size: int) -> bytes:
        """Memory."""
        for base, data in self.memory.items():
            if base <= address < base + len(data):
                return data[address - base : address - base + size]
        raise AssertionError(f"nothing is at {address:#x}")

    def string(self, address: int) -> str:
        """Up to its zero."""
        return self.at(address, 8192).split(b"\0")[0].decode()


class DirectTest(unittest.TestCase):
    """Kernels and disks that are made by hand."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self._folder = Path(folder.name)

    def _file(self, name: str, data: bytes) -> Path:
        file = self._folder / name
        file.write_bytes(data)
        return file

    def test_a_kernel_has_its_segments_and_its_entry(self) -> None:
        notes = _note(b"GNU\0", 18, b"1234") + _note(b"Xen\0", 6, b"generic\0") + _ENTRY
        kernel = read_kernel(self._file("k", _elf((1, b"code!", 0x200000, 16), (1, b"", 0x201000, 4096), (4, notes, 0, 0))))
        self.assertEqual(kernel.entry, 0x200010)
        told = [(piece.data, piece.address, piece.size) for piece in kernel.pieces]
        self.assertEqual(told, [(b"code!", 0x200000, 16), (b"", 0x201000, 4096)])
        self.assertEqual(kernel.end, 0x202000)

    def test_an_entry_of_32_bits_is_one(self) -> None:
        note = _note(b"Xen\0", 18, struct.pack("<I", 0x200004))
        self.assertEqual(read_kernel(self._file("k", _elf((1, b"x", 0x200000, 1), (4, note, 0, 0)))).entry, 0x200004)

    def test_what_is_no_pvh_kernel_is_refused(self) -> None:
        load = (1, b"code", 0x200000, 4)
        for data in (
            b"", b"#!/bin/sh\n", b"\x7fELF\x01" + bytes(100), _elf(load), _elf(load, (4, b"", 0, 0)), _elf((4, _ENTRY, 0, 0)),
            _elf(load, (4, _note(b"Xen\0", 17, bytes(8)), 0, 0)), _elf(load, (4, _note(b"XEN\0", 18, bytes(8)), 0, 0)),
            _elf(load, (4, _note(b"Xen\0", 18, bytes(2)), 0, 0)), _elf(load, (4, _ENTRY[:11], 0, 0)),
        ):  # fmt: skip
            with self.assertRaisesRegex(UserError, "no PVH entry"):
                read_kernel(self._file("k", data))

    def test_the_disk_holds_all_that_is_loaded(self) -> None:
        code = bytes(range(256)) * 5
        kernel = read_kernel(self._file("k", _elf((1, code, 0x200000, 2000), (1, b"", 0x201000, 64), (4, _ENTRY, 0, 0))))
        guest = Guest(
            self._file("linux", b"L" * 5000), "quiet console=ttyS0", self._file("initrd", b"I" * 513),
            modules=((self._file("more", b"M"), "its words"),),
        )  # fmt: skip
        image = disk_image(b"LOADER", kernel, ["report=both", "exit=halt"], guest)
        self.assertEqual(len(image) % (16 * 63 * _SECTOR), 0)
        disk = _Disk(image)
        self.assertEqual(disk.at(_BASE, 6), b"LOADER")
        self.assertEqual(disk.entry, 0x200010)
        self.assertEqual(disk.at(0x200000, 2000), code + bytes(2000 - len(code)))
        self.assertEqual(disk.at(0x201000, 64), bytes(64))
        start = struct.unpack("<IIIIQQQQII", disk.at(0x9000, 56))
        magic, version, flags, count, listed, line, rsdp, memory, entries, reserved = start
        self.assertEqual((magic, version, flags, count), (0x336EC578, 1, 0, 3))
        self.assertEqual((rsdp, memory, entries, reserved), (0, 0xD000, 0, 0))  # the loader's to fill in
        self.assertEqual(disk.string(line), "report=both exit=halt")
        modules = [struct.unpack("<QQQQ", disk.at(listed + 32 * i, 32)) for i in range(count)]
        self.assertEqual([address for address, *_ in modules], [0x202000, 0x204000, 0x205000])
        self.assertEqual([disk.at(address, size) for address, size, *_ in modules], [b"L" * 5000, b"I" * 513, b"M"])
        self.assertEqual(disk.string(modules[0][2]), "quiet console=ttyS0")
        self.assertEqual(modules[1][2:], (0, 0))
        self.assertEqual(disk.string(modules[2][2]), "its words")

    def test_modules_have_room_up_to_a_bound(self) -> None:
        kernel = read_kernel(self._file("k", _elf((1, b"code", 0x200000, 4), (4, _ENTRY, 0, 0))))
        module = self._file("module", b"M")
        disk_image(b"", kernel, [], Guest(module, "", modules=((module, ""),) * 5))
        with self.assertRaisesRegex(UserError, "so many modules"):
            disk_image(b"", kernel, [], Guest(module, "", modules=((module, ""),) * 6))

    def test_a_command_line_has_room_up_to_a_bound(self) -> None:
        kernel = read_kernel(self._file("k", _elf((1, b"code", 0x200000, 4), (4, _ENTRY, 0, 0))))
        disk = _Disk(disk_image(b"", kernel, ["x" * 4000, "y" * 4000], None))
        self.assertEqual(disk.string(0x9100), "x" * 4000 + " " + "y" * 4000)
        with self.assertRaisesRegex(UserError, "too long"):
            disk_image(b"", kernel, ["x" * 12100], None)

    def test_too_many_segments_are_refused(self) -> None:
        segments = [(1, b"x", 0x200000 + 16 * i, 1) for i in range(256)]
        kernel = read_kernel(self._file("k", _elf(*segments, (4, _ENTRY, 0, 0))))
        with self.assertRaisesRegex(UserError, "segments"):
            disk_image(b"", kernel, [], None)


class KernelTest(unittest.TestCase):
    """The kernel that is built."""

    def test_its_entry_is_where_its_note_says(self) -> None:
        file = build_kernel(Progress("pytest"))
        told = subprocess.run(["nm", file], capture_output=True, text=True, check=True).stdout
        symbols = {words[2]: int(words[0], 16) for words in map(str.split, told.splitlines()) if len(words) == 3}
        kernel = read_kernel(file)
        self.assertEqual(kernel.entry - 0x200000, symbols["pvh_entry32"] - symbols["image_start"])
        self.assertEqual(kernel.end - 0x200000, symbols["image_end"] - symbols["image_start"])

    def test_the_loader_is_a_boot_sector_and_one_more(self) -> None:
        loader = (build("default", ["direct_loader"], Progress("pytest")) / "direct-loader.bin").read_bytes()
        self.assertEqual((len(loader), loader[510:512]), (2 * _SECTOR, b"\x55\xaa"))


class OptionsTest(unittest.TestCase):
    """What does not go together with it."""

    def _check(self, *arguments: str) -> argparse.Namespace:
        options = parser().parse_args(["--loader", "direct", *arguments])
        check_options(options, options.on)
        return options

    def test_what_is_grubs_is_refused(self) -> None:
        for arguments, words in (
            (("--grub", "ls"), "GRUB's commands"), (("--core",), "PVH"), (("--firmware", "uefi"), "BIOS"),
            (("--media", "usb"), "other media"), (("--screen", "pixels"), "text mode"),
            (("--iso-only", "x.iso"), "ISO for GRUB"), (("--on", "tcg", "--guest", "linux"), "one module"),
        ):  # fmt: skip
            with self.assertRaisesRegex(UserError, words):
                self._check(*arguments)
        self._check("--on", "bochs", "--guest", "linux")
        self._check("--on", "tcg", "--screen", "text")

"""
A disk that starts the kernel in Bochs without GRUB, by PVH. All that can be known beforehand is worked
out here and lies in the disk's first sectors; tools/direct/loader.S copies, and asks the machine.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from machine.build import KERNEL_PRESET, ROOT, build, folder_of
from machine.errors import UserError
from machine.iso import check_printable
from machine.plan import Guest
from machine.terminal import Progress

_SECTOR = 512
_GEOMETRY = 16 * 63 * _SECTOR  # Bochs wants whole cylinders of 16 heads and 63 sectors
_PAGE = 4096

# As tools/direct/loader.S has them.
_BASE = 0x7C00
_PLAN, _PLAN_END = 0x8000, 0x9000
_START_INFO = 0x9000
_MODULES = 0x9040
_STRINGS, _STRINGS_END = 0x9100, 0xC000
_MEMORY_MAP = 0xD000

# Xen's public/elfnote.h, and public/arch-x86/hvm/start_info.h.
_NOTE_OWNER = b"Xen\0"
_NOTE_PHYS32_ENTRY = 18
_START_INFO_FORM = struct.Struct("<IIIIQQQQII")
_MAGIC = 0x336EC578
_MODULE_FORM = struct.Struct("<QQQQ")

_PT_LOAD, _PT_NOTE = 1, 4


@dataclass(frozen=True)
class Piece:
    """What is to be at an address: bytes of a file, then zeros."""

    data: bytes
    address: int
    size: int


@dataclass(frozen=True)
class PvhKernel:
    """An ELF file as a PVH loader sees it."""

    entry: int
    pieces: tuple[Piece, ...]

    @property
    def end(self) -> int:
        """Where nothing of it is any more."""
        return max(piece.address + piece.size for piece in self.pieces)


def _note_entry(notes: bytes) -> int | None:
    """The entry that a PVH note among these names."""
    at = 0
    while at + 12 <= len(notes):
        name_size, size, kind = struct.unpack_from("<III", notes, at)
        name = at + 12
        value = name + -(-name_size // 4) * 4
        if kind == _NOTE_PHYS32_ENTRY and notes[name : name + name_size] == _NOTE_OWNER and size in (4, 8):
            return int.from_bytes(notes[value : value + size], "little")
        at = value + -(-size // 4) * 4
    return None


def read_kernel(file: Path) -> PvhKernel:
    """Reads a 64-bit ELF file; raises UserError where it has no PVH entry."""
    data = file.read_bytes()
    entry, pieces = None, []
    if data[:5] == b"\x7fELF\x02" and len(data) >= 64:
        (table,) = struct.unpack_from("<Q", data, 0x20)
        size, count = struct.unpack_from("<HH", data, 0x36)
        for i in range(count):
            kind, _, offset, _, address, in_file, in_memory, _ = struct.unpack_from("<IIQQQQQQ", data, table + i * size)
            part = data[offset : offset + in_file]
            if kind == _PT_NOTE and entry is None:
                entry = _note_entry(part)
            if kind == _PT_LOAD and in_memory:
                pieces.append(Piece(part, address, in_memory))
    if entry is None or not pieces:
        raise UserError(f"--loader direct: {file} has no PVH entry; use --loader grub")
    return PvhKernel(entry, tuple(pieces))


def _modules(guest: Guest | None, base: int) -> list[tuple[Piece, str]]:
    """The guest's files from an address on, each with its string."""
    modules = []
    for file, words in guest.files() if guest else ():
        base = -(-base // _PAGE) * _PAGE
        data = file.read_bytes()
        modules.append((Piece(data, base, len(data)), words))
        base += len(data)
    return modules


def disk_image(loader: bytes, kernel: PvhKernel, words: Sequence[str], guest: Guest | None) -> bytes:
    """The disk, whole."""
    low = bytearray(loader.ljust(_MEMORY_MAP - _BASE, b"\0"))

    def put(address: int, data: bytes) -> None:
        low[address - _BASE : address - _BASE + len(data)] = data

    strings = _STRINGS

    def put_string(text: str) -> int:
        nonlocal strings
        here, data = strings, text.encode("ascii") + b"\0"
        strings += len(data)
        if strings > _STRINGS_END:
            raise UserError("--loader direct: the command line is too long")
        put(here, data)
        return here

    modules = _modules(guest, kernel.end)
    if len(modules) > (_STRINGS - _MODULES) // _MODULE_FORM.size:
        raise UserError("--loader direct has no room for so many modules; use --loader grub")
    listed = b"".join(_MODULE_FORM.pack(piece.address, piece.size, put_string(text) if text else 0, 0)
                      for piece, text in modules)  # fmt: skip
    put(_MODULES, listed)
    put(_START_INFO, _START_INFO_FORM.pack(
        _MAGIC, 1, 0, len(modules), _MODULES if modules else 0, put_string(" ".join(words)), 0,
        _MEMORY_MAP, 0, 0,
    ))  # fmt: skip

    pieces = [*kernel.pieces, *(piece for piece, _ in modules)]
    sector = len(low) // _SECTOR
    plan, parts = struct.pack("<II", kernel.entry, len(pieces)), []
    for piece in pieces:
        plan += struct.pack("<IIII", sector, len(piece.data), piece.address, piece.size)
        part = piece.data + b"\0" * (-len(piece.data) % _SECTOR)
        sector += len(part) // _SECTOR
        parts.append(part)
    if len(plan) > _PLAN_END - _PLAN:
        raise UserError("--loader direct: the kernel has too many segments")
    put(_PLAN, plan)
    image = b"".join([low, *parts])
    return image + b"\0" * (-len(image) % _GEOMETRY)


def _loader(progress: Progress) -> bytes:
    """The assembled loader, up to date."""
    source, made = ROOT / "tools" / "direct" / "loader.S", folder_of(KERNEL_PRESET) / "direct-loader.bin"
    if not made.exists() or made.stat().st_mtime < source.stat().st_mtime:
        build(KERNEL_PRESET, ["direct_loader"], progress)
    return made.read_bytes()


def make_disk(disk: Path, kernel: Path, words: Sequence[str], guest: Guest | None, progress: Progress) -> None:
    """Writes the disk."""
    check_printable(words)
    disk.write_bytes(disk_image(_loader(progress), read_kernel(kernel), words, guest))

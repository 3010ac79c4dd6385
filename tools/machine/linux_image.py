"""Linux's bzImage taken apart: the uncompressed kernel as it lies in memory, and its PVH entry."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from machine.errors import UserError

# The setup header: Linux's "The Linux/x86 Boot Protocol".
_SETUP_SECTORS = 0x1F1
_HEADER_MAGIC = 0x202
_PAYLOAD = 0x248  # offset behind the setup sectors, length

_LZ4_LEGACY_MAGIC = b"\x02\x21\x4c\x18"
_PT_LOAD = 1
_PT_NOTE = 4
_PHYS32_ENTRY = 18  # XEN_ELFNOTE_PHYS32_ENTRY


@dataclass(frozen=True)
class LinuxImage:
    """The kernel's bytes for one physical address; the entry point is physical too."""

    address: int
    entry: int
    data: bytes


def _long_length(source: bytes, position: int, start: int) -> tuple[int, int]:
    """A length of 15 goes on in further bytes, each of which adds up to 255."""
    length = start
    if start == 15:
        more = 255
        while more == 255:
            more = source[position]
            position += 1
            length += more
    return length, position


def _lz4_block(source: bytes, out: bytearray) -> None:
    """Appends one uncompressed block ("LZ4 Block Format Description")."""
    position = 0
    while True:
        token = source[position]
        literals, position = _long_length(source, position + 1, token >> 4)
        out += source[position : position + literals]
        position += literals
        if position >= len(source):
            return
        distance = source[position] | source[position + 1] << 8
        length, position = _long_length(source, position + 2, token & 15)
        length += 4
        start = len(out) - distance
        if distance >= length:
            out += out[start : start + length]
        else:  # the copy reads what it writes: the last bytes, over and over
            out += (bytes(out[start:]) * (length // distance + 1))[:length]


def lz4_legacy(source: bytes) -> bytes:
    """The contents of an LZ4 file in its legacy frame, which is what Linux uses."""
    out = bytearray()
    position = len(_LZ4_LEGACY_MAGIC)
    while position + 4 <= len(source):
        (size,) = struct.unpack_from("<I", source, position)
        position += 4
        if size == 0 or position + size > len(source):
            break  # what Linux appends: the length of the contents
        _lz4_block(source[position : position + size], out)
        position += size
    return bytes(out)


def _notes(data: bytes) -> Iterator[tuple[bytes, int, bytes]]:
    """Name, type and contents of each ELF note."""
    position = 0
    while position + 12 <= len(data):
        name_size, size, kind = struct.unpack_from("<III", data, position)
        position += 12
        name = data[position : position + name_size].rstrip(b"\0")
        position += -(-name_size // 4) * 4
        yield name, kind, data[position : position + size]
        position += -(-size // 4) * 4


def flat_kernel(elf: bytes) -> LinuxImage:
    """The loadable segments at their physical addresses, zeros where the file has nothing."""
    if elf[:5] != b"\x7fELF\x02":
        raise UserError("the kernel is not a 64-bit ELF file")
    (table,) = struct.unpack_from("<Q", elf, 32)
    size, count = struct.unpack_from("<HH", elf, 54)
    headers = [struct.unpack_from("<IIQQQQQQ", elf, table + i * size) for i in range(count)]
    loads = [header for header in headers if header[0] == _PT_LOAD and header[5] > 0]
    if not loads:
        raise UserError("the kernel has no loadable segments")
    address = min(header[4] for header in loads)
    image = bytearray(max(header[4] + header[6] for header in loads) - address)
    for _, _, offset, _, physical, in_file, _, _ in loads:
        image[physical - address : physical - address + in_file] = elf[offset : offset + in_file]
    for kind, _, offset, _, _, in_file, _, _ in headers:
        if kind != _PT_NOTE:
            continue
        for name, note, contents in _notes(elf[offset : offset + in_file]):
            if name == b"Xen" and note == _PHYS32_ENTRY:
                entry = int.from_bytes(contents[:8], "little")
                return LinuxImage(address, entry, bytes(image))
    raise UserError("the kernel has no PVH entry point (CONFIG_PVH)")


def read_linux(image: bytes) -> LinuxImage:
    """The kernel inside a bzImage."""
    if image[_HEADER_MAGIC : _HEADER_MAGIC + 4] != b"HdrS":
        raise UserError("the kernel is not a bzImage")
    offset, length = struct.unpack_from("<II", image, _PAYLOAD)
    start = ((image[_SETUP_SECTORS] or 4) + 1) * 512 + offset
    payload = image[start : start + length]
    if payload[:4] != _LZ4_LEGACY_MAGIC:
        raise UserError("the kernel is not compressed with LZ4, as Debian's 6.1 cloud kernel is")
    return flat_kernel(lz4_legacy(payload))

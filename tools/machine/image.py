"""What a linked kernel holds: for the pages in docs/ that are made of it."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

_PT_LOAD = 1


class Image:
    """What lies where in the linked kernel."""

    def __init__(self, file: Path) -> None:
        self._data = file.read_bytes()
        (offset,) = struct.unpack_from("<Q", self._data, 0x20)
        size, count = struct.unpack_from("<HH", self._data, 0x36)
        headers = (
            struct.unpack_from("<IIQQQQQQ", self._data, offset + i * size) for i in range(count)
        )
        self._segments = [header for header in headers if header[0] == _PT_LOAD]
        listed = subprocess.run(["nm", file], capture_output=True, text=True, check=True).stdout
        lines = (line.split() for line in listed.splitlines())
        self.symbols = {words[2]: int(words[0], 16) for words in lines if len(words) == 3}

    def _offset(self, address: int) -> int:
        for _, _, offset, start, _, in_file, _, _ in self._segments:
            if start <= address < start + in_file:
                return int(offset + address - start)
        raise ValueError(f"nothing of the file is at {address:#x}")

    def number(self, address: int, form: str) -> int:
        """A number at this address."""
        (value,) = struct.unpack_from(form, self._data, self._offset(address))
        return int(value)

    def text(self, address: int) -> str:
        """A string that ends with a zero."""
        start = self._offset(address)
        return self._data[start : self._data.index(b"\0", start)].decode("ascii")

    def members(self, name: str) -> Iterator[int]:
        """The addresses of the members of a set (lib/set.h)."""
        for member in range(self.symbols[f"set_{name}"], self.symbols[f"set_{name}_end"], 8):
            yield self.number(member, "<Q")

"""Packages for a guest: fetched once, whole, also by two runs at the same time."""

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from machine.build import ROOT
from machine.guest import kind_of

# Stands for apt-get: takes its time, so that two which are not kept apart meet.
_APT_GET = """#!/bin/sh
echo fetched >> "$COUNT"
sleep 0.3
: > busybox-static_1_amd64.deb
"""
_DPKG_DEB = """#!/bin/sh
mkdir -p "$3/bin"
sleep 0.3
[ -e "$2" ] && [ -z "$BROKEN" ] && echo program > "$3/bin/busybox"
"""
_FETCH = """
import sys
from pathlib import Path
from machine import guest
guest._KEEP = Path(sys.argv[1])
print((guest._fetch("busybox-static", "1") / "bin" / "busybox").read_text(), end="")
"""


@pytest.fixture(name="machine")
def _machine(tmp_path: Path) -> dict[str, str]:
    """An environment in which the two programs that fetch and unpack are those above."""
    for name, text in (("apt-get", _APT_GET), ("dpkg-deb", _DPKG_DEB)):
        program = tmp_path / "programs" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(text, encoding="ascii")
        program.chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{tmp_path / 'programs'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "tools"),
        "COUNT": str(tmp_path / "count"),
    }


def _start(folder: Path, environment: dict[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", _FETCH, folder], env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_two_at_the_same_time_fetch_once(tmp_path: Path, machine: dict[str, str]) -> None:
    for run in [_start(tmp_path / "keep", machine) for _ in range(3)]:
        assert run.communicate() == ("program\n", "")
    assert (tmp_path / "count").read_text(encoding="ascii") == "fetched\n"


def test_a_package_half_unpacked_is_unpacked_again(tmp_path: Path, machine: dict[str, str]) -> None:
    stopped = _start(tmp_path / "keep", {**machine, "BROKEN": "yes"})
    stopped.communicate()
    assert stopped.returncode != 0
    assert _start(tmp_path / "keep", machine).communicate() == ("program\n", "")


_HEADER = struct.pack("<III", 0x1BADB002, 3, (-0x1BADB002 - 3) % (1 << 32))


@pytest.mark.parametrize(
    ("data", "mode", "kind"),
    [
        (bytes(0x202) + b"HdrS", None, "Linux"),
        (bytes(8192 - 12) + _HEADER, None, "Multiboot"),
        (bytes(8192 - 8) + _HEADER, None, ""),
        (bytes(2) + _HEADER, None, ""),
        (b"\x1f\x8b", None, ""),
        (_HEADER, "64", "flat"),
        (b"", "real", "flat"),
    ],
)
def test_a_file_is_told_apart(tmp_path: Path, data: bytes, mode: str | None, kind: str) -> None:
    """As Rootmode will: by the headers that the protocols define."""
    file = tmp_path / "file"
    file.write_bytes(data)
    assert kind_of(str(file), mode) == kind

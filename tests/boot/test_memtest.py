"""Debian's memtest86+ on Rootmode: one pass over 64 MiB, without an error. It never ends by itself."""

import re
import tempfile
import time
from pathlib import Path

import pytest

from machine.bochs import start_bochs
from machine.direct import make_disk
from machine.guest import fetch_package
from machine.plan import Guest, Plan
from machine.terminal import Progress

_SECONDS = 7200.0  # eight minutes of a processor of its own


def _counts(said: bytes) -> tuple[int, int]:
    """Passes and errors as its screen, which it also draws on the serial line, has them last."""
    told = re.findall(rb"Pass:\s+(\d+)\s+Errors:\s+(\d+)", said)
    return (int(told[-1][0]), int(told[-1][1])) if told else (0, 0)


@pytest.mark.long
@pytest.mark.timeout(7500)
def test_one_pass_of_memtest(kernel: Path) -> None:
    image = fetch_package("memtest86+") / "boot" / "memtest86+x64.bin"
    guest = Guest(image, "console=ttyS0,115200")
    plan = Plan(cpus=1, memory=64, loader="direct", guest=guest)
    with tempfile.TemporaryDirectory(prefix="rootmode-") as name:
        disk = Path(name) / "rootmode.img"
        make_disk(disk, kernel, plan.words, guest, Progress("pytest"))
        emulator = start_bochs(plan, disk, Path(name))
        said, until = b"", time.monotonic() + _SECONDS
        try:
            while _counts(said) == (0, 0) and emulator.alive() and time.monotonic() < until:
                said = said[-100_000:] + emulator.read()
                time.sleep(0.5)
        finally:
            emulator.stop()
    assert _counts(said) == (1, 0), said[-2000:]

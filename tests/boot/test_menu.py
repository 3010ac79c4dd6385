"""The ISO of tools/run --iso-only has a menu on the screen and the serial line, in BIOS and UEFI."""

import os
import select
import subprocess
import time
from pathlib import Path

import pytest

from machine.build import ROOT
from machine.iso import MENU
from machine.plan import Plan
from machine.processes import kill_group, start
from machine.qemu import qemu_command
from machine.terminal import plain

_SECONDS = 60.0  # to wait for anything at all
_MENU_WAITS = b"executed automatically in"
_KERNEL = b"Rootmode 0"
_ALL_TOLD = b"verdict: "


def _talk(plan: Plan, iso: Path, script: list[tuple[bytes, bytes]]) -> tuple[bytes, float]:
    """
    Boots the ISO, which is alone in its folder, and each time that it says what is awaited, types the
    answer. All that the serial line said, and the seconds from the menu to the kernel.
    """
    # Pipes hold all that there is to say. A socket is full after 300 single bytes, and while nobody
    # gets to read there the kernel gives the port up.
    ends = {}
    for end in ("in", "out"):
        pipe = iso.parent / f"line.{end}"
        pipe.unlink(missing_ok=True)
        os.mkfifo(pipe)
        ends[end] = os.open(pipe, os.O_RDWR)
    command = qemu_command(plan, iso, iso.parent)
    command[command.index("file:serial.txt")] = "chardev:line"
    # Without graphics SeaBIOS writes what it shows to the serial line; OVMF does always.
    command += ["-chardev", "pipe,id=line,path=line", "-machine", "graphics=off"]
    with (iso.parent / "qemu.log").open("wb") as log:
        process = start(
            command, stdin=subprocess.DEVNULL, output=log.fileno(), folder=iso.parent
        )
    said, began, ended = b"", 0.0, 0.0
    try:
        while _ALL_TOLD not in said and select.select([ends["out"]], [], [], _SECONDS)[0]:
            said += os.read(ends["out"], 1 << 16)
            began = began or (time.monotonic() if _MENU_WAITS in said else 0.0)
            ended = ended or (time.monotonic() if _KERNEL in said else 0.0)
            if script and script[0][0] in said:
                os.write(ends["in"], script.pop(0)[1])
    finally:
        kill_group(process)
        for descriptor in ends.values():
            os.close(descriptor)
    return said, ended - began


@pytest.mark.parametrize(
    ("firmware", "entry"), [("bios", 1), ("uefi", 0)], ids=["tools/run menu bios", "tools/run menu uefi"]
)
def test_menu(firmware: str, entry: int, kernel: Path, logs: Path) -> None:
    """An entry can be chosen over the serial line; the first one is taken after a while."""
    folder = logs / "boot" / f"menu-{firmware}"
    folder.mkdir(parents=True, exist_ok=True)
    iso = folder / "rootmode.iso"
    command = [str(ROOT / "tools" / "run"), "--kernel", str(kernel), "--iso-only", str(iso)]
    subprocess.run(command, check=True, timeout=60)
    # "v" is "down", too. One key at a time: SeaBIOS listens to the line beside GRUB.
    script = [(_MENU_WAITS, b"v"), (b"*" + MENU[1][0].encode("ascii"), b"\r")] if entry else []
    said, seconds = _talk(Plan(machine="tcg", firmware=firmware), iso, script)
    text = plain(said.decode("utf-8", "replace"))
    assert _ALL_TOLD in said
    assert [title for title, _ in MENU if title not in text] == []
    assert "error:" not in text
    assert f"command line  {' '.join(MENU[entry][1]) or '(empty)'}" in text
    assert entry or seconds > 2

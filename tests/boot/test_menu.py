"""The ISO of tools/run --iso-only has a menu on the screen and the serial line, in BIOS and UEFI."""

import socket
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
    answer. All that the serial line said, and the seconds from the menu to the kernel. The reader is
    quick: a kernel whose UART is not emptied gives it up.
    """
    ours, its = socket.socketpair()
    command = qemu_command(plan, iso, iso.parent)
    command[command.index("file:serial.txt")] = "chardev:line"
    # Without graphics SeaBIOS writes what it shows to the serial line; OVMF does always.
    command += ["-chardev", f"socket,id=line,fd={its.fileno()}", "-machine", "graphics=off"]
    with its, (iso.parent / "qemu.log").open("wb") as log:
        process = start(
            command, stdin=subprocess.DEVNULL, output=log.fileno(), folder=iso.parent,
            inherited=(its.fileno(),),
        )  # fmt: skip
    said, began, ended = b"", 0.0, 0.0
    ours.settimeout(_SECONDS)
    try:
        while _ALL_TOLD not in said and (more := ours.recv(1 << 16)):
            said += more
            began = began or (time.monotonic() if _MENU_WAITS in said else 0.0)
            ended = ended or (time.monotonic() if _KERNEL in said else 0.0)
            if script and script[0][0] in said:
                ours.sendall(script.pop(0)[1])
    except TimeoutError:
        pass
    finally:
        ours.close()
        kill_group(process)
    return said, ended - began


@pytest.mark.parametrize(("firmware", "entry"), [("bios", 1), ("uefi", 0)])
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

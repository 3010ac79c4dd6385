"""Every row of the tables of boots (boots.py, nested.py), booted and checked."""

import json
import os
import shlex
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from boot.boots import BOOTS
from boot.checks import Result
from boot.console_boots import spcr
from boot.kexec_guest import kexec_initrd, kexec_kernel
from boot.multiboot_guest import build_guest
from boot.nested import NESTED_BOOTS, OPEN_BIOS, open_bios
from boot.row import FAKE, GUEST, HIGH, KEXEC, SCREENSHOT, SPCR, XEN, Boot
from boot.xen_guest import xen_file
from machine.build import ROOT
from machine.errors import UserError

_PATIENCE = 480  # seconds, in Bochs: the machine may be at work on other things
_MESSAGES = {  # of tests/boot/fake.S
    "ok": ("-----BEGIN ROOTMODE REPORT-----\\r\\n{\\r\\n-----END ROOTMODE REPORT-----\\r\\n"
           "\\033[32mverdict: ok\\033[0m\\r\\n", ()),
    "refused": ("verdict: refused\\r\\n", ()),
    "panic": ("PANIC: on purpose\\r\\nverdict: ok\\r\\n", ()),
    "silent": ("no verdict\\r\\n", ("-DSILENT",)),
    "halted": ("verdict: ok\\r\\nPower off: the machine did not obey. Halted.\\r\\n", ("-DHANG",)),
    "hang": ("going nowhere\\r\\n", ("-DHANG",)),
}  # fmt: skip


def _fake(name: str, folder: Path) -> Path:
    """Assembles the fake kernel of this name."""
    message, options = _MESSAGES[name]
    item, kernel = folder / "fake.o", folder / "fake.elf"
    source = ROOT / "tests" / "boot" / "fake.S"
    for command in (
        ["gcc", "-m32", "-c", *options, f'-DMESSAGE="{message}"', str(source), "-o", str(item)],
        ["ld", "-m", "elf_i386", "-Ttext", "0x200000", str(item), "-o", str(kernel)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise UserError(f"{shlex.join(command)}: {done.stderr}")
    return kernel


def _high(kernel: Path, folder: Path) -> Path:
    """A copy of the kernel whose relocatable tag prefers the highest address to the lowest."""
    tag = struct.pack("<HHIIII", 10, 0, 24, 0x200000, 0xFFFFFFFF, 0x200000)
    lowest, highest = (tag + struct.pack("<I", preference) for preference in (1, 2))
    image = kernel.read_bytes()
    if image.count(lowest) != 1:
        raise UserError(f"{kernel}: no relocatable tag as boot/header.S has it")
    copy = folder / "high.elf"
    copy.write_bytes(image.replace(lowest, highest))
    return copy


def _command(boot: Boot, kernel: Path, folder: Path) -> tuple[list[str], list[str]]:
    """What is executed, and what a person types to repeat it."""
    arguments: list[str] = []
    given = "--core" in boot.arguments  # a kernel of its own
    for argument in boot.arguments:
        if argument == SCREENSHOT:
            argument = str(folder / "screen.ppm")
        elif argument == SPCR:
            argument = str(spcr(folder))
        elif argument == OPEN_BIOS:
            argument = str(open_bios(folder))
        elif argument == KEXEC + "kernel":
            argument = str(kexec_kernel())
        elif argument == KEXEC + "initrd":
            argument = str(kexec_initrd(folder))
        elif argument.startswith(XEN):
            name, *words = argument.removeprefix(XEN).split(" ", 1)
            argument = " ".join([str(xen_file(name, folder)), *words])
        elif argument.startswith(GUEST):
            argument = str(build_guest(argument.removeprefix(GUEST), folder))
        elif argument == HIGH:
            argument, given = str(_high(kernel, folder)), True
        elif argument.startswith(FAKE):
            argument, given = str(_fake(argument.removeprefix(FAKE), folder)), True
        arguments.append(argument)
    if boot.report:
        arguments += ["--report", str(folder / "report.json")]
    executed = [str(ROOT / "tools" / "run"), *arguments, "--headless", "--logs", str(folder)]
    if "bochs" in boot.arguments and "--timeout" not in boot.arguments:
        executed += ["--timeout", str(_PATIENCE)]
    return executed + ([] if given else ["--kernel", str(kernel)]), ["tools/run", *arguments]


def _check(boot: Boot, result: Result) -> Iterator[str]:
    """A report of another structure than described cannot be checked further than that."""
    structure, *others = boot.checks
    wrong = list(structure(result))
    if wrong:
        yield from wrong[:10]
        return
    for check in others:
        yield from check(result)


def _tools_run(command: list[str]) -> "subprocess.CompletedProcess[str]":
    """It ends with us: the emulator is not left behind."""
    return subprocess.run(
        ["setpriv", "--pdeathsig", "TERM", *command], stdin=subprocess.DEVNULL,
        capture_output=True, text=True, errors="replace", check=False,
        env={**os.environ, "ROOTMODE_SETUP": "skip"},
    )  # fmt: skip


def _complaints(boot: Boot, done: "subprocess.CompletedProcess[str]", folder: Path) -> list[str]:
    found: list[str] = []
    if done.returncode != boot.status:
        found.append(f"exit status {done.returncode} instead of {boot.status}")
        found += done.stderr.splitlines()[-8:] + done.stdout.splitlines()[-3:]
    report = folder / "report.json"
    if boot.checks and not report.exists():
        found.append("there is no report")
    elif boot.checks:
        document = json.loads(report.read_text(encoding="utf-8"))
        screen = folder / "screen.ppm"
        found += _check(boot, Result(done.returncode, done.stdout, done.stderr, document, screen))
    return found


def _rows() -> Iterator[object]:
    """Those that take longest come first, so that no worker is left with one of them."""
    for boot in (*NESTED_BOOTS, *BOOTS):
        marks = [pytest.mark.long] * boot.long + [pytest.mark.quick] * boot.quick
        yield pytest.param(boot, id=boot.name, marks=marks)


@pytest.mark.parametrize("boot", _rows())
def test_boot(boot: Boot, kernel: Path, logs: Path) -> None:
    """One row."""
    folder = logs / "boot" / boot.name.replace("/", "-").replace(" ", "-")
    folder.mkdir(parents=True, exist_ok=True)
    for old in ("report.json", "screen.ppm", "serial.txt"):
        (folder / old).unlink(missing_ok=True)
    executed, repeat = _command(boot, kernel, folder)
    done = _tools_run(executed)
    (folder / "console.txt").write_text(done.stdout, encoding="utf-8")
    (folder / "messages.txt").write_text(done.stderr, encoding="utf-8")
    complaints = _complaints(boot, done, folder)
    if complaints:
        complaints += [f"log: {folder}", f"repeat with: {shlex.join(repeat)}"]
        pytest.fail("\n".join(complaints), pytrace=False)

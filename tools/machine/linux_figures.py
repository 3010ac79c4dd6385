"""
tools/figures --linux: what Rootmode costs a Linux guest, in Bochs's instructions.

The same kernel, initrd and words natively and on Rootmode (hidden, so that Linux goes the same ways):
from the kernel's 64-bit entry, where Bochs's debugger stops, to the first instruction of init, and
from there through rounds of a load (tools/guest/measure.c). VM exits are those of Rootmode's report.
"""

import re
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from machine.bochs import start_bochs
from machine.build import ROOT
from machine.console import Console
from machine.emulator import TerminalEmulator
from machine.errors import UserError
from machine.guest import LINUX, make_guest
from machine.iso import make_iso
from machine.nested_disks import cpio
from machine.plan import Plan
from machine.terminal import Progress

_INIT = ROOT / "tools" / "guest" / "measure.c"
# The first instructions of Debian's kernel at its 64-bit entry, where it prefers to be. With several
# CPUs the debugger looks at every fifth instruction only.
_ENTRY = (0x1000200, 0x1000201, 0x1000202, 0x1000204, 0x1000206, 0x1000208)
_SECONDS = 900.0
_ROUNDS = 200
_WORDS = "quiet loglevel=0 nokaslr"
_TOLD = re.compile(rb"^([a-z]+)-tsc ([0-9a-f]{16})", re.MULTILINE)
_TIME = re.compile(rb"ptime: (\d+)")


@dataclass
class Measured:
    """One boot: instructions, and VM exits by reason."""

    boot: int
    load: int
    exits: Counter[str] = field(default_factory=Counter)
    cpuid: tuple[int, int] = (0, 0)  # there and back: of a leaf that is passed on, of one that is changed


def _build_init(folder: Path) -> Path:
    init = folder / "measure"
    subprocess.run(
        ["cc", "-O2", "-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector", "-fno-pie",
         "-no-pie", "-o", init, _INIT],
        check=True,
    )  # fmt: skip
    file = folder / "measure-initrd"
    file.write_bytes(cpio({"init": init.read_bytes()}, ("dev",)))
    return file


def _exits(report: dict[str, Any]) -> Counter[str]:
    counted: Counter[str] = Counter()
    for cpu in report["linux"]["exits"]:
        counted.update(cpu["reasons"])
    return counted


def _measure(plan: Plan, kernel: Path, folder: Path) -> Measured:
    assert plan.guest
    iso = folder / "rootmode.iso"
    make_iso(iso, kernel, plan.words, (), pixels=False, guest=plan.guest)
    emulator = start_bochs(plan, iso, folder)
    assert isinstance(emulator, TerminalEmulator)  # whose terminal is the debugger's
    said, until = b"", time.monotonic() + _SECONDS
    try:
        while emulator.alive() and time.monotonic() < until:
            said += emulator.read()
            time.sleep(0.1)
        said += emulator.read()
    finally:
        emulator.stop()
    told = {name.decode(): int(value, 16) for name, value in _TOLD.findall(said.replace(b"\r", b""))}
    entered = _TIME.search(emulator.told)
    if not entered or not set(told) >= {"init", "done"}:
        raise UserError(f"no figures from this boot: {plan}\n{said.decode(errors='replace')[-2000:]}")
    measured = Measured(told["init"] - int(entered[1]), told["done"] - told["init"])
    measured.cpuid = (told.get("passed", 0), told.get("changed", 0))
    if not plan.guest.native:
        console = Console(lambda _: None, hide_report=True)
        console.feed(said)
        console.finish()
        measured.exits = _exits(console.report())
    return measured


def _measured(count: int, kernel: Path, native: bool, rounds: int) -> Measured:
    with tempfile.TemporaryDirectory(prefix="rootmode-") as name:
        folder = Path(name)
        guest = make_guest(
            LINUX, None, _build_init(folder), [_WORDS, f"-- {rounds}"], None, True, count > 1, (), folder, Progress("figures")
        )
        plan = Plan(
            cpus=count, memory=512, words=("hypervisor=hidden", "exit=poweroff", "report=json"),
            debugger=(
                *(f"pb {address:#x}" for address in _ENTRY), "c", "ptime",
                *(f"bpd {number + 1}" for number in range(len(_ENTRY))), "c",
            ),
            guest=type(guest)(guest.kernel, guest.words, guest.initrd, native=native),
        )  # fmt: skip
        return _measure(plan, kernel, folder)


def print_linux(kernel: Path, counts: Iterable[int]) -> None:
    """The tables of docs/figures.md."""
    print("\n| CPUs | boot, native | on Rootmode | ratio | load, native | on Rootmode | ratio |")
    print("|---|---|---|---|---|---|---|")
    rows = {}
    for count in counts:
        native = _measured(count, kernel, True, _ROUNDS)
        top = rows[count] = _measured(count, kernel, False, _ROUNDS)
        print(
            f"| {count} | {native.boot:,} | {top.boot:,} | {top.boot / native.boot:.4f} "
            f"| {native.load:,} | {top.load:,} | {top.load / native.load:.4f} |",
            flush=True,
        )
    print("\n| CPUs | VM exits of boot and power-off | by reason | more with the load |")
    print("|---|---|---|---|")
    for count, with_load in rows.items():
        alone = _measured(count, kernel, False, 0)
        by_reason = ", ".join(f"{number:,} {reason}" for reason, number in sorted(alone.exits.items()))
        more = with_load.exits.total() - alone.exits.total()
        print(f"| {count} | {alone.exits.total():,} | {by_reason} | {more:,} |", flush=True)
    print("\n| CPUID in the guest | instructions there and back |")
    print("|---|---|")
    passed, changed = _measured(1, kernel, False, 1).cpuid
    print(f"| a leaf that is the processor's, 0 | {passed} |")
    print(f"| one in which something is hidden, 7 | {changed} |", flush=True)

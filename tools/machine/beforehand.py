"""What can be known to go wrong before anything is built or booted."""

import argparse
import re
import subprocess
import tempfile
from pathlib import Path

from machine.errors import UserError, in_words
from machine.machines import MACHINES
from machine.plan import Plan
from machine.words import SERIAL_PORTS, console_port, missing_cpus

_PICTURES = (".png", ".ppm")


def _check_output(option: str, file: Path) -> None:
    """Can this file be written? What stands in it stays; none is left behind."""
    there = file.exists()
    try:
        with file.open("ab"):
            pass
        if not there:
            file.unlink()
    except OSError as error:
        raise UserError(f"{option}: {in_words(error)}") from error


def _check_folder(option: str, folder: Path) -> None:
    """Can files be made in this folder, once it is made itself?"""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(f"{option}: {in_words(error)}") from error


def check_options(options: argparse.Namespace, machine: str) -> None:
    """Raises UserError where a file cannot be read or written, or two options contradict."""
    if options.iso_only:
        for option in ("report", "screenshot", "logs", "nmi_at"):
            if getattr(options, option):
                raise UserError(f"--iso-only boots nothing: not with --{option.replace('_', '-')}")
        _check_output("--iso-only", options.iso_only)
    if options.report:
        _check_output("--report", options.report)
    if options.screenshot:
        if not MACHINES[machine].screenshots:
            able = " or ".join(name for name, row in MACHINES.items() if row.screenshots)
            raise UserError(f"--screenshot: there are none of {machine}; use --on {able}")
        if options.screenshot.suffix not in _PICTURES:
            raise UserError(f"--screenshot: a name that ends with {' or '.join(_PICTURES)}")
        _check_output("--screenshot", options.screenshot)
    if options.logs:
        _check_folder("--logs", options.logs)
    if options.nmi_at and machine != "tcg":
        raise UserError("--nmi-at is for --on tcg")


def check_plan(plan: Plan, unchecked: bool) -> None:
    """Raises UserError where the machine is too small for Rootmode or for its command line."""
    least = MACHINES[plan.machine].least_memory[plan.firmware]
    if plan.memory < least:
        raise UserError(
            f"--memory {plan.memory}: {least} MiB is the least on {plan.machine} with "
            f"{plan.firmware.upper()} firmware"
        )
    port = console_port(plan.words)
    if port and port not in SERIAL_PORTS and not unchecked:
        raise UserError(f"console=: {plan.machine} has no serial port at {port:#x}; use com1 to com4")
    cpus = _cpus(plan)
    missing = missing_cpus(plan.words, cpus) if cpus else []
    if missing and not unchecked:
        raise UserError(f"{missing[0]}: there are CPUs 0 to {cpus - 1} only; see --cpus")


def _cpus(plan: Plan) -> int:
    """How many CPUs there will be; 0 where only QEMU knows what becomes of the topology."""
    if not plan.smp:
        return plan.cpus
    told = re.match(r"(?:cpus=)?(\d+)(?:,|$)", plan.smp)
    return int(told[1]) if told else 0


def check_kernel(kernel: Path) -> None:
    """Raises UserError where GRUB would not boot this file."""
    try:
        done = subprocess.run(
            ["grub-file", "--is-x86-multiboot2", str(kernel)], capture_output=True, check=False
        )
    except FileNotFoundError:
        return
    if done.returncode != 0:
        raise UserError(f"--kernel: not a Multiboot2 kernel: {kernel}")

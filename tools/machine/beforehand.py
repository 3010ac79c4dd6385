"""What can be known to go wrong before anything is built or booted."""

import argparse
import os
import re
import subprocess
import tempfile
from pathlib import Path

from machine.errors import UserError, in_words
from machine.guest import LINUX, kind_of
from machine.machines import MACHINES
from machine.plan import Plan
from machine.terminal import say
from machine.words import SERIAL_PORTS, console_port, cpus_wanted, missing_cpus

_PICTURES = (".png", ".ppm")
_OF_A_BOOT = (
    "on", "cpus", "smp", "cpu", "memory", "timeout", "serial", "bios", "chipset", "acpi_table", "report",
    "screenshot", "logs", "nmi_at", "bochs", "headless", "guest", "monitor", "debugger",
)  # fmt: skip


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


def _check_guest(options: argparse.Namespace) -> None:
    """Is there a guest for what is said of one, and are its files there?"""
    for option in ("guest_mode", "initrd", "guest_module", "guest_append", "guest_script"):
        if getattr(options, option) and not options.guest:
            raise UserError(f"--{option.replace('_', '-')} is for a guest: add --guest linux")
    if options.guest and options.core:
        raise UserError("--guest: the core alone runs no guest but its own")
    if options.guest_script and options.initrd:
        raise UserError("--guest-script runs in an initramfs of ours: not with --initrd")
    files = {"--guest": Path(options.guest) if options.guest not in (None, LINUX) else None,
             "--initrd": options.initrd, "--guest-script": options.guest_script}  # fmt: skip
    modules = [("--guest-module", Path((text.split() or [""])[0])) for text in options.guest_module]
    for option, file in (*files.items(), *modules):
        if file and not file.is_file():
            raise UserError(f"{option}: no such file: {file}")
    if options.guest and not options.unchecked:
        _check_kind(options)


def _check_kind(options: argparse.Namespace) -> None:
    """Can this be started, and run what it shall?"""
    kind = kind_of(options.guest, options.guest_mode)
    if not kind:
        raise UserError(
            f"--guest: {options.guest} is neither a bzImage nor a Multiboot kernel (unpack one that is compressed); "
            "of a flat binary say --guest-mode real, 32 or 64"
        )
    if options.guest_script and kind != "Linux":
        raise UserError("--guest-script runs in Linux alone")
    if options.guest_module and kind == "Linux":
        raise UserError("--guest-module is for a Multiboot kernel: a Linux kernel has one initrd, --initrd")
    if options.guest_mode and options.guest == LINUX:
        raise UserError("--guest-mode is for a flat binary: name its file by --guest")


_OF_GRUB = (
    ("grub", "runs GRUB's commands"), ("iso_only", "makes an ISO for GRUB"),
    ("core", "boots a kernel without PVH's entry, which is a room"),
)  # fmt: skip


def _check_direct(options: argparse.Namespace, machine: str) -> None:
    """Does nothing else ask for GRUB, or for what PVH has no word for?"""
    for option, why in _OF_GRUB:
        if getattr(options, option, None):
            raise UserError(f"--{option.replace('_', '-')} {why}: not with --loader direct")
    if options.firmware != "bios" or options.media != "cd" or options.screen == "pixels":
        raise UserError("--loader direct is for a BIOS machine in text mode, without other media")
    if getattr(options, "guest", None) and machine != "bochs":
        raise UserError("--guest: QEMU's -kernel takes one module only; use --loader grub")


def check_options(options: argparse.Namespace, machine: str) -> None:
    """Raises UserError where a file cannot be read or written, or two options contradict."""
    if "guest" in options:
        _check_guest(options)
    if getattr(options, "loader", "grub") == "direct":
        _check_direct(options, machine)
    if options.iso_only:
        for option in _OF_A_BOOT:
            if getattr(options, option) not in (None, False, "auto"):
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
    if options.chipset and machine == "bochs":
        raise UserError("--chipset is QEMU's: use --on tcg")
    if options.bochs and machine != "bochs":
        raise UserError("--bochs is for --on bochs")
    if options.bochs and not os.access(options.bochs, os.X_OK):
        raise UserError(f"--bochs: no such program: {options.bochs}")
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
    if plan.smp and not re.match(r"(cpus=)?0*[1-9]|[a-z]+=", plan.smp):
        raise UserError(f"--smp {plan.smp}: a topology is a count of CPUs, or as 4,cores=2,maxcpus=8")
    if not unchecked:
        _check_console(plan)
        _check_cpus(plan)


def _check_console(plan: Plan) -> None:
    """Will the kernel speak where it is listened to?"""
    port = console_port(plan.words)
    here = f"COM{plan.com}"
    if port is None:
        raise UserError("console=screen: the verdict is read from a serial port; add console=com1")
    if port and port not in SERIAL_PORTS:
        raise UserError(f"console=: {plan.machine} has no serial port at {port:#x}; use com1 to com4")
    if port in SERIAL_PORTS[: plan.com - 1]:
        elsewhere = f"COM{SERIAL_PORTS.index(port) + 1}"
        raise UserError(f"--serial {plan.com}: console= lets the kernel speak on {elsewhere}, not {here}")
    if port == 0 and plan.com > 1 and not plan.acpi_table:
        raise UserError(f"--serial {plan.com}: the kernel speaks on COM1; add console=com{plan.com}")


def _check_cpus(plan: Plan) -> None:
    """Are all CPUs there that the words name?"""
    cpus = cpus_of(plan)
    if not cpus:
        return
    used = min(cpus, cpus_wanted(plan.words) or cpus)
    if missing := missing_cpus(plan.words, used):
        see = "see --cpus" if used == cpus else f"see cpus={used}"
        raise UserError(f"{missing[0]}: there are CPUs 0 to {used - 1} only; {see}")
    if cpus_wanted(plan.words) > cpus:
        say(f"tools/run: cpus={cpus_wanted(plan.words)}: there are {cpus} only; see --cpus")


def cpus_of(plan: Plan) -> int:
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

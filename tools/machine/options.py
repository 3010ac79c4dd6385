"""The options that tools/run and tools/gdb have in common."""

import argparse
import os
from pathlib import Path
from typing import NoReturn

from machine.errors import UserError
from machine.iso import check_printable
from machine.nearest import did_you_mean
from machine.plan import Plan
from machine.words import SERIAL_PORTS, check_words, console_port, words


class Parser(argparse.ArgumentParser):
    """A parser that says what may have been meant."""

    def error(self, message: str) -> NoReturn:
        known = [name for action in self._actions for name in action.option_strings]
        before, _, unknown = message.partition("unrecognized arguments: ")
        if not before and unknown:
            first = unknown.split()[0]
            name = first.split("=")[0]
            if name in words():
                message += f'; words for the kernel: --append "{first}"'
            elif first.startswith("-"):
                message += did_you_mean(name, known)
        super().error(message)


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def seconds(text: str) -> float:
    """A time that can pass."""
    number = float(text)
    if not 0 < number < float("inf"):
        raise ValueError
    return number


seconds.__name__ = "time (more than 0 seconds)"
_count.__name__ = "count (1 or more)"  # argparse names the type in its message


def add_options(parser: argparse.ArgumentParser) -> None:
    """What is booted, and on what hardware."""
    add = parser.add_argument
    add("--firmware", choices=("bios", "uefi"), default="bios", help="default: bios")
    add("--bios", type=Path, metavar="FILE", help="another BIOS image")
    add("--cpu", metavar="MODEL", help="the emulator's name of a CPU model")
    cpus = parser.add_mutually_exclusive_group()
    cpus.add_argument("--cpus", type=_count, metavar="N", help="number of CPUs")
    cpus.add_argument("--smp", metavar="TOPOLOGY", help="QEMU's -smp: 4,cores=3,maxcpus=9")
    add("--memory", type=_count, default=256, metavar="MIB", help="default: 256")
    add("--chipset", "--machine", choices=("pc", "q35"), default="q35", help="QEMU's; default: q35")
    add("--media", choices=("cd", "usb"), default="cd", help="what the ISO is on; default: cd")
    add("--screen", choices=("text", "pixels"), help="text mode or a frame buffer")
    add("--serial", type=int, choices=range(1, 5), metavar="N", help="read this serial port, COM1 to COM4")
    add("--acpi-table", type=Path, metavar="FILE", help="one more ACPI table (QEMU)")
    add("--append", action="append", default=[], metavar='"WORDS"', help="for the kernel")
    add("--grub", action="append", default=[], metavar='"COMMAND"', help="GRUB command before boot")
    add("--kernel", type=Path, metavar="FILE", help="boot this kernel instead of building one")
    add("--unchecked", action="store_true", help="--append and --grub may hold anything")


def _com(words: list[str]) -> int:
    """The serial port where the kernel speaks."""
    port = console_port(words)
    return SERIAL_PORTS.index(port) + 1 if port in SERIAL_PORTS else 1


def plan_of(options: argparse.Namespace, machine: str, words: list[str], display: bool) -> Plan:
    """The options as a plan. UEFI has no text mode: there it is always pixels."""
    if options.kernel and not options.kernel.is_file():
        raise UserError(f"no such kernel: {options.kernel}")
    if options.bios and not options.bios.is_file():
        raise UserError(f"no such firmware image: {options.bios}")
    if any("\n" in command for command in options.grub):
        raise UserError("--grub takes one command on one line; repeat the option for more")
    if options.acpi_table and not options.acpi_table.is_file():
        raise UserError(f"no such ACPI table: {options.acpi_table}")
    screen = options.screen or ("pixels" if options.firmware == "uefi" else "text")
    return Plan(
        machine=machine,
        firmware=options.firmware,
        bios=options.bios,
        cpu=options.cpu,
        cpus=options.cpus or min(os.cpu_count() or 1, 2),
        smp=options.smp,
        memory=options.memory,
        chipset=options.chipset,
        usb=options.media == "usb",
        pixels=screen == "pixels",
        com=options.serial or _com(words),
        acpi_table=options.acpi_table,
        display=display,
        words=tuple(words),
        grub=tuple(options.grub),
    )


def words_of(options: argparse.Namespace) -> list[str]:
    """The kernel's words, in the order given."""
    line = [word for text in options.append for word in text.split()]
    check_printable(line)
    if not options.unchecked:
        check_words(line)
    return line

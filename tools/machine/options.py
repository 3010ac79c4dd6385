"""The options that tools/run and tools/gdb have in common."""

import argparse
import os
import re
from pathlib import Path
from typing import NoReturn

from machine.errors import Exit, UserError
from machine.iso import check_printable
from machine.nearest import did_you_mean
from machine.plan import Plan
from machine.words import SERIAL_PORTS, check_core_words, check_length, check_words, console_port, words


_BIOS_PIECE = 64 * 1024  # bytes: QEMU takes no other size, and Bochs's and SeaBIOS's own images are so


class Parser(argparse.ArgumentParser):
    """A parser that says in a line what is wrong, and what may have been meant."""

    def error(self, message: str) -> NoReturn:
        known = [text for action in self._actions for text in action.option_strings]
        before, _, unknown = message.partition("unrecognized arguments: ")
        if not before and unknown:
            first = unknown.split()[0]
            word = first.split("=")[0]
            if word in words():
                message += f'; words for the kernel: --append "{first}"'
            elif first.startswith("-"):
                message += did_you_mean(word, known)
        elif choice := re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message):
            message += did_you_mean(choice[1], re.findall(r"'([^']*)'", choice[2]))
        self.exit(Exit.WRONG_USE, f"{self.prog}: {message} (see {self.prog.split()[0]} --help)\n")


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _mebibytes(text: str) -> int:
    return _count(text)


def name(text: str) -> str:
    """A name, of which there is something."""
    if not text:
        raise ValueError
    return text


def path(text: str) -> Path:
    """A file or folder; an empty name would be the current folder's."""
    return Path(name(text))


def seconds(text: str) -> float:
    """A time that can pass."""
    number = float(text)
    if not 0 < number < float("inf"):
        raise ValueError
    return number


seconds.__name__ = "time (more than 0 seconds)"
_count.__name__ = "count (1 or more)"  # argparse names the type in its message
_mebibytes.__name__ = "number of MiB (1 or more, without a unit)"
name.__name__ = path.__name__ = "name (not empty)"


def add_guest_options(parser: argparse.ArgumentParser) -> None:
    """The guest that runs on Rootmode, for tools/run."""
    add = parser.add_argument
    add("--guest", type=name, metavar="linux|FILE", help="run Debian's Linux, or this bzImage, Multiboot kernel or flat binary, on Rootmode")
    add("--guest-mode", choices=("real", "32", "64"), help="the file of --guest is a flat binary, entered in this mode")
    add("--initrd", type=path, metavar="FILE", help="the guest's initrd, or a Multiboot kernel's module")
    add("--guest-module", action="append", default=[], metavar='"FILE WORDS"', help="one more module of a Multiboot kernel, with its words")
    add("--guest-append", action="append", default=[], metavar='"WORDS"', help="for the guest's kernel")
    add("--guest-script", type=path, metavar="FILE", help="run this shell script in the guest, then power off")


def add_options(parser: argparse.ArgumentParser) -> None:
    """What is booted, and on what hardware."""
    add = parser.add_argument
    add("--firmware", choices=("bios", "uefi"), default="bios", help="default: bios")
    add("--bios", type=path, metavar="FILE", help="another BIOS image")
    add("--cpu", type=name, metavar="MODEL", help="the emulator's name of a CPU model")
    cpus = parser.add_mutually_exclusive_group()
    cpus.add_argument("--cpus", type=_count, metavar="N", help="number of CPUs")
    cpus.add_argument("--smp", type=name, metavar="TOPOLOGY", help="QEMU's -smp: 4,cores=3,maxcpus=9; in Bochs 4,threads=2")
    add("--memory", type=_mebibytes, metavar="MIB", help="default: 256")
    add("--chipset", "--machine", choices=("pc", "q35"), help="QEMU's; default: q35")
    add("--media", choices=("cd", "usb"), default="cd", help="what the ISO is on; default: cd")
    add("--screen", choices=("text", "pixels"), help="text mode or a frame buffer")
    add("--serial", type=int, choices=range(1, 5), metavar="N", help="read this serial port, COM1 to COM4")
    add("--acpi-table", type=path, metavar="FILE", help="one more ACPI table (QEMU)")
    add("--append", action="append", default=[], metavar='"WORDS"', help="for the kernel")
    add("--grub", action="append", default=[], metavar='"COMMAND"', help="GRUB command before boot")
    kernel = parser.add_mutually_exclusive_group()
    kernel.add_argument("--kernel", type=path, metavar="FILE", help="boot this kernel instead of building one")
    kernel.add_argument("--core", action="store_true", help="the core alone, without rooms")
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
    if options.bios and ((size := options.bios.stat().st_size) == 0 or size % _BIOS_PIECE != 0):
        raise UserError(f"--bios: {options.bios} has {size} bytes; a firmware's image has a multiple of 65,536")
    if any("\n" in command for command in options.grub):
        raise UserError("--grub takes one command on one line; repeat the option for more")
    if options.acpi_table and not options.acpi_table.is_file():
        raise UserError(f"no such ACPI table: {options.acpi_table}")
    if not options.unchecked:
        check_length(words)
    bochs: Path | None = getattr(options, "bochs", None)
    screen = options.screen or ("pixels" if options.firmware == "uefi" else "text")
    return Plan(
        machine=machine,
        core=options.core,
        loader=getattr(options, "loader", None) or "grub",
        firmware=options.firmware,
        bios=options.bios,
        bochs=bochs.resolve() if bochs else None,
        cpu=options.cpu,
        cpus=options.cpus or min(os.cpu_count() or 1, 2),
        smp=options.smp,
        memory=options.memory or (512 if getattr(options, "guest", None) else 256),
        chipset=options.chipset or "q35",
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
    if options.core:
        check_core_words(line)
    if not options.unchecked:
        check_words(line, options.core)
    return line

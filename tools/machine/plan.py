"""What is to be booted, and on what: the options of tools/run as one value."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Guest:
    """What the loader loads beside Rootmode."""

    kernel: Path
    words: str  # of its command line
    initrd: Path | None = None
    kind: str = "Linux"  # or another of guest.KINDS
    has_script: bool = False  # which runs in it, and then it powers off
    native: bool = False  # GRUB starts it without Rootmode: to compare
    modules: tuple[tuple[Path, str], ...] = ()  # more of them, each with its words

    def files(self) -> list[tuple[Path, str]]:
        """All that is loaded, in this order, each with its words."""
        return [(self.kernel, self.words), *([(self.initrd, "")] if self.initrd else []), *self.modules]


@dataclass(frozen=True)
class Plan:
    """One boot."""

    machine: str = "bochs"  # a name in machines.MACHINES
    core: bool = False  # the kernel without rooms
    loader: str = "grub"  # or "direct": tools/direct, QEMU's -kernel
    firmware: str = "bios"  # or "uefi"
    bios: Path | None = None  # another BIOS image, Bochs and QEMU
    bochs: Path | None = None  # another Bochs
    cpu: str | None = None  # the emulator's name of a CPU model
    cpus: int = 1
    smp: str | None = None  # a topology as QEMU's -smp has it, with holes perhaps; instead of `cpus`
    memory: int = 256  # MiB
    chipset: str = "q35"  # or "pc", QEMU
    usb: bool = False  # boot the ISO as a USB stick instead of a CD, QEMU
    pixels: bool = False  # a frame buffer instead of text mode
    nmi_at: int | None = None  # an NMI comes when the kernel is at this address, TCG
    com: int = 1  # the serial port whose line is read, COM1 to COM4
    acpi_table: Path | None = None  # one more than the firmware has, QEMU
    display: bool = False  # a window on the person's screen
    terminal: str | None = None  # what the serial port is connected with; None: a file
    words: tuple[str, ...] = ()  # the kernel's command line
    guest: Guest | None = None  # beside the kernel
    grub: tuple[str, ...] = ()  # GRUB commands before the kernel is loaded
    debugger: tuple[str, ...] = ("c",)  # commands for Bochs's own

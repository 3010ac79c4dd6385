"""The boots about where the console speaks: serial ports other than COM1, named or mistyped."""

import struct
from pathlib import Path

from boot.checks import ALWAYS, IN_VMX, console_has, finding
from boot.row import OK, REFUSED, SPCR, Boot, bochs

_WRONG = 'unknown word "consol=com2": the nearest known one is "console"'


def spcr(folder: Path) -> Path:
    """
    A table that names COM2: Microsoft's "Serial Port Console Redirection Table (SPCR)", revision 1.
    A 16550 (0) in I/O space (1), 8 bits wide, at 0x2f8, no interrupt; 115200 baud (7), no parity, 1
    stop bit, no flow control, ANSI (3); no PCI device.
    """
    header = struct.pack("<4sIBB6s8sI4sI", b"SPCR", 80, 1, 0, b"ROOTMD", b"COM2", 1, b"TEST", 1)
    body = struct.pack("<B3xBBBBQ6xBBBBB", 0, 1, 8, 0, 1, 0x2F8, 7, 0, 1, 0, 3)
    table = bytearray((header + body).ljust(64, b"\0") + b"\xff" * 4 + bytes(12))
    table[9] = -sum(table) % 256
    file = folder / "spcr.aml"
    file.write_bytes(table)
    return file


CONSOLE_BOOTS: tuple[Boot, ...] = (
    bochs("console=com2", OK, IN_VMX, append="console=ttyS1,115200n8"),
    # Nobody looks at COM1: the complaint has to come out at COM3, too, and so does all else.
    bochs(
        "console mistyped", OK,
        (*IN_VMX, console_has(_WRONG), finding("command-line", "warning", 0)),
        "--serial", "3", "--unchecked", append="consol=com2", count=1,
    ),
    bochs(
        "console without a port", OK,
        (*IN_VMX, console_has('no serial port answers for "console"'),
         finding("command-line", "warning", 0)),
        "--serial", "2", append="console=com4", count=1,
    ),
    bochs(
        "command line too long", OK,
        (*IN_VMX, console_has("no room for its last 1358 characters"),
         finding("command-line", "warning", 0, detail="its end, for which there is no room")),
        # 11 + 97 * 10 + 3 * 14 are 1,023: 97 words of 14, the space before them included, are cut off
        "--unchecked", count=1,
        append=" ".join(["report=both", *["exit=halt"] * 97, *["exit=poweroff"] * 100]),
    ),
    Boot(
        "tcg/SPCR names COM2",
        ("--on", "tcg", "--cpus", "1", "--serial", "2", "--acpi-table", SPCR), REFUSED,
        (*ALWAYS, finding("cpuid-svm-instead", "refusal", 0)),
    ),
)  # fmt: skip

"""
tools/gdb: boots Rootmode under QEMU's TCG with gdb attached, symbols loaded, stopped at the 64-bit
entry.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from machine.beforehand import check_kernel, check_plan
from machine.build import build_kernel
from machine.emulator import Emulator
from machine.errors import Exit, UserError, in_words
from machine.grub import check_commands
from machine.iso import check_programs, make_iso
from machine.options import Parser, add_options, plan_of, words_of
from machine.packages import need
from machine.processes import Interrupted, ending_on_signals, start
from machine.qemu import check_qemu, qemu_command
from machine.terminal import Progress, say

_ENTRY = "entry64"  # boot/entry.S
_SOCKET_TIMEOUT = 10.0


def parser() -> argparse.ArgumentParser:
    """The command line of tools/gdb."""
    result = Parser(
        prog="tools/gdb",
        description="Boots Rootmode under QEMU (TCG) and gives you gdb, stopped at the 64-bit "
        "entry. What stands after -- goes to gdb: tools/gdb -- -ex 'break kernel_main'",
        epilog="TCG has no VMX. Debian's Bochs has both VMX and a debugger: docs/debugging.md",
        allow_abbrev=False,
    )
    result.usage = "tools/gdb [options of tools/run] [-- GDB ARGUMENTS]"
    add_options(result)
    return result


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    """What is gdb's stands behind `--` alone: a typo would be a file for it to debug."""
    own, behind = list(arguments), []
    if "--" in own:
        at = own.index("--")
        own, behind = own[:at], own[at + 1 :]
    options = parser().parse_args(own)
    options.gdb = behind
    return options


def _wait_for(socket: Path, emulator: Emulator, log: Path) -> None:
    deadline = time.monotonic() + _SOCKET_TIMEOUT
    while not socket.exists():
        if not emulator.alive() or time.monotonic() > deadline:
            raise UserError(f"QEMU did not start:\n{log.read_text(errors='replace')}")
        time.sleep(0.02)


def _debug(options: argparse.Namespace, folder: Path) -> int:
    words = words_of(options) or ["exit=halt"]
    plan = plan_of(options, "tcg", words, display=False)
    check_plan(plan, options.unchecked)
    need("build", "qemu", "gdb")
    check_programs()
    if not options.unchecked:
        check_commands(options.grub)
    if options.kernel:
        check_kernel(options.kernel)
    check_qemu(plan)
    kernel = options.kernel or build_kernel(Progress("tools/gdb"), options.core)
    iso, log, stub = folder / "rootmode.iso", folder / "qemu.log", folder / "gdb"
    make_iso(iso, kernel, plan.words, plan.grub, plan.pixels)
    command = qemu_command(plan, iso, folder) + [
        "-S", "-chardev", f"socket,id=gdb,path={stub},server=on,wait=off", "-gdb", "chardev:gdb",
    ]  # fmt: skip
    serial = folder / "serial.txt"
    with log.open("wb") as output:
        process = start(command, stdin=subprocess.DEVNULL, output=output.fileno(), folder=folder)
    emulator = Emulator(process, serial)
    try:
        _wait_for(stub, emulator, log)
        say(f"tools/gdb: the serial console goes to {serial}")
        # A hardware breakpoint: GRUB has yet to write the code that a software one would replace.
        gdb = [
            "gdb", "-q", "-ex", f"target remote {stub}", "-ex", f"thbreak {_ENTRY}",
            "-ex", "continue", *options.gdb, str(kernel),
        ]  # fmt: skip
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is gdb's
        return subprocess.run(gdb, check=False).returncode
    finally:
        emulator.stop()


def main() -> int:
    """Runs until the person leaves gdb."""
    options = _parse(sys.argv[1:])
    with ending_on_signals(), tempfile.TemporaryDirectory(prefix="rootmode-gdb-") as folder:
        try:
            return _debug(options, Path(folder))
        except (UserError, OSError) as error:
            say(f"tools/gdb: {in_words(error)}")
            return Exit.WRONG_USE
        except Interrupted as interrupted:
            return 128 + int(interrupted.args[0])


if __name__ == "__main__":
    sys.exit(main())

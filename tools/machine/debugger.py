"""Bochs's own debugger on the person's terminal, with the kernel's symbols (docs/debugging.md)."""

import argparse
import os
import re
import signal
import subprocess
import time
from pathlib import Path

from machine.bochs import BINARY, ENVIRONMENT, SERIAL, build_of, command_of, configuration_of
from machine.build import symbol_address
from machine.emulator import drain, own_screen
from machine.errors import Exit, UserError
from machine.options import name
from machine.plan import Plan
from machine.processes import kill_group, start
from machine.terminal import say

_POLL = 0.05  # seconds between two looks at the screen, which Bochs draws into a terminal of its own


def add_debugger_options(parser: argparse.ArgumentParser) -> None:
    """The debugger, for tools/run."""
    add = parser.add_argument
    add("--debugger", action="store_true", help="Bochs's own debugger, with symbols (docs/debugging.md)")
    add("--break", type=name, action="append", default=[], dest="breakpoints", metavar="FUNCTION",
        help="stop there, in the debugger")  # fmt: skip


def check_debugger(options: argparse.Namespace, machine: str) -> None:
    """Raises UserError where there is none, or something else wants the machine."""
    if options.breakpoints and not options.debugger:
        raise UserError("--break is for the debugger: add --debugger")
    if not options.debugger:
        return
    if machine != "bochs":
        raise UserError("--debugger is Bochs's own: use --on bochs; for the way to VMX there is tools/gdb")
    for option in ("monitor", "report", "screenshot", "guest_script"):
        if getattr(options, option):
            raise UserError(f"--debugger: the debugger takes the machine for itself; not with --{option}")
    binary = options.bochs or BINARY
    if not build_of(binary).debugger:
        raise UserError(
            f"--debugger: {binary} was built without it (--enable-debugger): take another by --bochs FILE, "
            "or Debian's, which has it"
        )


def _symbols(kernel: Path) -> str:
    """ "ADDRESS NAME" a line, of code, as the debugger reads it."""
    told = subprocess.run(["nm", str(kernel)], capture_output=True, text=True, check=True).stdout
    return "".join(f"{line[1]} {line[2]}\n" for line in re.finditer(r"^([0-9a-f]+) [tT] (\S+)$", told, re.MULTILINE))


def debug(plan: Plan, kernel: Path, breakpoints: list[str], medium: Path, folder: Path) -> Exit:
    """Until the person leaves the debugger, or the machine ends. Ctrl-C stops the machine, as there."""
    (folder / "symbols").write_text(_symbols(kernel), encoding="ascii")
    stops = [f"lb {symbol_address(kernel, function):#x}" for function in breakpoints]
    commands = ('ldsym global "symbols"', *stops, *(["c"] if stops else []))
    command = command_of(configuration_of(plan, medium, folder), folder, commands, plan.bochs or BINARY)
    say(f"tools/run: the serial console goes to {folder / SERIAL}; `help` at the prompt, `q` leaves")
    process = start(command, stdin=0, output=1, environment=ENVIRONMENT, folder=folder)
    before = signal.signal(signal.SIGINT, lambda *_: process.send_signal(signal.SIGINT))
    screen = None
    try:
        while process.poll() is None:
            screen = screen or own_screen(process.pid)
            if screen:
                drain(screen)
            time.sleep(_POLL)
    finally:
        signal.signal(signal.SIGINT, before)
        kill_group(process)
        if screen:
            os.close(screen)
    return Exit.OK

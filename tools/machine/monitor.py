"""The monitor (docs/monitor.md): scripts for it, and a terminal for its prompt."""

import argparse
import contextlib
import os
import pty
import re
import select
import sys
import termios
import time
import tty
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from machine.build import IS_PC
from machine.emulator import Emulator
from machine.errors import UserError
from machine.options import path
from machine.plan import Guest

WORD = "monitor"
_MODULE = "monitor-script"  # kernel/monitor/monitor_room.c
_LINE_MOST = 255  # kernel/line/line_command.h: LINE_SIZE, with a zero at the end
_LEAVE = b"\x1d"  # Ctrl-]
_QUIT = b"\rquit\r"  # at the end of what a pipe gives, which may end within a line
_LOST = 10.0  # seconds, after which a key that the machine has not answered is given up
_LINE_TOLD = 1024  # bytes: more than the monitor's line, shown
_PROMPT = "rootmode> "  # kernel/monitor/monitor.h: MONITOR_PROMPT
_FAILED = "FAILED: "  # kernel/monitor/monitor_commands.c: fail()
_SHOWN = re.compile(rb"\rrootmode> [ -~]*\x1b\[K(\x1b\[\d+D)?\Z")  # kernel/line/line_edit.c: line_edit_show()
_TOLD = 1 << 20  # bytes, in which a report has its place


def add_monitor_options(parser: argparse.ArgumentParser) -> None:
    """The monitor, for tools/run."""
    add = parser.add_argument
    add("--monitor", action="store_true", help="a prompt for VMX instructions (docs/monitor.md)")
    add("--script", type=path, action="append", default=[], metavar="FILE", help="commands for the monitor")


def default_loader(options: argparse.Namespace) -> str:
    """Nobody wants to wait for GRUB before each try."""
    plain = options.firmware == "bios" and options.media == "cd" and options.screen != "pixels"
    wanted = (options.monitor or options.debugger or not IS_PC) and not options.core
    return "direct" if wanted and options.on in ("auto", "bochs") and plain and not options.grub else "grub"


def check_monitor(options: argparse.Namespace, machine: str) -> None:
    """Raises UserError where the monitor cannot be had so."""
    if options.script and not options.monitor:
        raise UserError("--script is for the monitor: add --monitor")
    for option in ("core", "report", "guest", "screenshot") if options.monitor else ():
        if getattr(options, option):
            raise UserError(f"--monitor: the monitor takes the machine for itself; not with --{option}")
    if options.monitor and not options.script and machine == "nested-kvm":
        raise UserError("--monitor: nothing can be typed into nested-kvm; use --script")
    if options.script and options.loader == "direct" and machine != "bochs":
        raise UserError("--script: use --loader grub, or --on bochs")
    for file in options.script:
        if not file.exists() or file.is_dir():  # a pipe will do
            raise UserError(f"--script: no such file: {file}")


def _script_text(file: Path) -> str:
    """The lines of a script, which the monitor can read; raises UserError where it cannot."""
    text = file.read_bytes().decode(errors="replace").replace("\r\n", "\n").rstrip("\n")
    for number, line in enumerate(text.split("\n"), 1):
        if bad := re.search(r"[^\t -~]", line):
            raise UserError(f"--script: {file}:{number}: {bad[0]!r} is not printable ASCII")
        if len(line) > _LINE_MOST:
            raise UserError(f"--script: {file}:{number}: {len(line)} characters; a line has at most {_LINE_MOST}")
    return text + "\n"


def script_of(files: Sequence[Path], folder: Path) -> tuple[Guest, list[str]]:
    """The scripts one after another, with a `reset` between two, as the loader takes them; and the place of each command."""
    script = folder / "monitor-script"
    places: list[str] = []
    with script.open("w", encoding="ascii") as whole:
        for index, file in enumerate(files):
            text = _script_text(file)
            if index > 0:
                whole.write("reset\n")
                places.append("--script: reset")
            whole.write(text)
            for number, line in enumerate(text.splitlines(), 1):
                if (command := line.strip(" \t")) and not command.startswith("#"):
                    places.append(f"--script: {file}:{number}: {command}")
    return Guest(script, _MODULE), places


def failures(places: Sequence[str], told: Sequence[str]) -> list[str]:
    """
    Which commands failed, and why, after what the monitor has told. That a line was not understood it
    tells where the next one has come without `expect`, or at the end.
    """
    count, found = 0, []
    for before, line in pairwise(("", *told)):
        count += line.startswith(_PROMPT)
        if line.startswith(_FAILED):
            is_next = "the line before" in line and before.startswith(_PROMPT)
            why = line.removeprefix(_FAILED).replace("the line before was not", "not")
            found.append(f"{places[count - 1 - is_next]}: {why}")
    return found


class SerialTerminal:
    """A pseudo terminal that is the machine's serial port."""

    def __init__(self) -> None:
        self._ours, self._its = pty.openpty()
        tty.setraw(self._its)
        os.set_blocking(self._ours, False)
        self.path = os.ttyname(self._its)

    def read(self) -> bytes:
        """What the machine has sent since the last call."""
        with contextlib.suppress(OSError):
            return os.read(self._ours, 65536)
        return b""

    def write(self, data: bytes) -> None:
        """Sends what was typed."""
        with contextlib.suppress(OSError):
            os.write(self._ours, data)

    def wait(self, typed: bool) -> bool:
        """Until the machine has sent something, or something was typed where that is asked for: whether it was."""
        ready, _, _ = select.select([self._ours, *([sys.stdin] if typed else [])], [], [], 0.2)
        return sys.stdin in ready


class Keys:
    """
    Standard input on its way to the machine. A UART holds 16 bytes, and more come at once where a person
    pastes or another program writes: the monitor gets a key when it has shown what the one before did.
    """

    def __init__(self, to_monitor: bool) -> None:
        self._to_monitor = to_monitor
        self._held = b""
        self._key = b""  # the last one
        self._said = b""  # by the machine since then
        self._moved = time.monotonic()
        self.ended = False

    def said(self, data: bytes) -> None:
        """What the machine has sent."""
        if data:
            self._said = (self._said + data)[-_LINE_TOLD:]
            self._moved = time.monotonic()

    def silence(self) -> float:
        """Seconds since a key went, or something came."""
        return time.monotonic() - self._moved

    def next(self) -> bytes:
        """What the machine shall get now."""
        count = len(self._held)
        if self._to_monitor:
            is_echo = b" " <= self._key <= b"~" and self._said == self._key
            is_lost = self._key != b"" and self.silence() > _LOST
            count = int(is_echo or is_lost or _SHOWN.search(self._said) is not None)
        given, self._held = self._held[:count], self._held[count:]
        if given:
            self._key, self._said, self._moved = given, b"", time.monotonic()
        return given

    def wait(self, line: SerialTerminal) -> bool:
        """Until there is more, on either side; False: the person leaves the machine."""
        wanted = not self.ended and (sys.stdin.isatty() or not self._held)
        if not line.wait(wanted):
            return True
        typed = os.read(sys.stdin.fileno(), 1024)
        if not typed:
            self.ended = True
            typed = _QUIT
        self._held += typed
        return _LEAVE not in typed and (self._to_monitor or not self.ended)


@contextlib.contextmanager
def _raw() -> Iterator[None]:
    """Each key goes to the monitor, which echoes it."""
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setraw(sys.stdin, termios.TCSANOW)  # what was typed before is meant, too
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def talk(emulator: Emulator, line: SerialTerminal, keys: Keys, patience: float) -> bytes:
    """
    Connects the person's terminal with the machine until that ends, or Ctrl-] is typed; or, where no more
    can be typed, is silent for so many seconds. Gives what the machine has sent at the end.
    """
    told = b""
    with _raw():
        while True:
            running = emulator.alive()
            emulator.read()
            data = line.read()
            told = (told + data)[-_TOLD:]
            os.write(sys.stdout.fileno(), data)
            keys.said(data)
            if not running and not data:
                return told
            line.write(keys.next())
            if running and not data and not keys.wait(line):
                return told
            if keys.ended and keys.silence() > patience:
                return told

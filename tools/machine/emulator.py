"""An emulator that runs. Each machine has a module with a function that starts one of these."""

import os
import subprocess
import termios
import tty
from pathlib import Path

from machine.errors import UserError
from machine.processes import kill_group


class Emulator:
    """
    A running emulator whose serial line goes to a file. Machines that say more while they come up,
    or bring their console out by another way, override the methods.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", serial: Path) -> None:
        self._process = process
        self._serial = serial
        self._offset = 0

    def read(self) -> bytes:
        """What the serial line said since the last call."""
        try:
            with self._serial.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return b""
        self._offset += len(data)
        return data

    def alive(self) -> bool:
        """Whether the emulator still runs."""
        return self._process.poll() is None

    def status(self) -> str:
        """What is going on in there, for the progress line."""
        return "booting"

    def last_words(self) -> str:
        """Why it ended, as far as the emulator told; for a person, may be empty."""
        return ""

    def refusal(self) -> str:
        """Why the emulator would not even start with these options; empty where it did."""
        return ""

    def screenshot(self, file: Path) -> None:
        """Writes the screen's picture."""
        raise UserError(f"this machine takes no screenshots ({file} not written)")

    def stop(self) -> None:
        """Ends the emulator and everything that it started."""
        kill_group(self._process)


def own_screen(pid: int) -> int | None:
    """
    The reading end of a pseudo terminal that the process has opened for itself: Bochs, built with
    its debugger, draws its screen into one and stands still when that is full. None: it has none.
    """
    try:
        for info in Path(f"/proc/{pid}/fdinfo").iterdir():
            for line in info.read_text(encoding="ascii").splitlines():
                name, _, number = line.partition(":")
                if name == "tty-index":
                    flags = os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK
                    screen = os.open(f"/dev/pts/{number.strip()}", flags)
                    tty.setraw(screen)
                    return screen
    except (OSError, termios.error):  # it has ended, or not yet unlocked its terminal
        pass
    return None


def drain(terminal: int) -> bytes:
    """All that can be read there now."""
    drained = b""
    try:
        while data := os.read(terminal, 65536):
            drained += data
    except OSError:  # nothing there now (EAGAIN), or nobody at the other end (EIO)
        pass
    return drained


class TerminalEmulator(Emulator):
    """An emulator that needs a terminal: it gets one that nobody looks at, and we drain."""

    def __init__(self, process: "subprocess.Popen[bytes]", serial: Path, terminal: int) -> None:
        super().__init__(process, serial)
        self._terminal = terminal
        self._screen: int | None = None
        self.told = b""  # on the terminal: what a debugger says
        os.set_blocking(terminal, False)

    def read(self) -> bytes:
        self.told += drain(self._terminal)
        if self._screen is None:
            self._screen = own_screen(self._process.pid)
        if self._screen is not None:
            drain(self._screen)
        return super().read()

    def stop(self) -> None:
        super().stop()
        os.close(self._terminal)
        if self._screen is not None:
            os.close(self._screen)

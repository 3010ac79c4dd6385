"""tools/run at a terminal: what is typed goes to a Linux guest's shell, or to the monitor, and what it says comes back."""

import os
import pty
import select
import time

import pytest

from machine.build import ROOT

_SECONDS = 240.0  # until a machine says what is waited for: it may be at work on other things
_UP, _DOWN, _LEFT, _TAB = "\x1b[A", "\x1b[B", "\x1b[D", "\t"


class _Terminal:
    """A command at a pseudo terminal."""

    def __init__(self, *command: str) -> None:
        self._process, self._terminal = pty.fork()
        if self._process == 0:
            os.chdir(ROOT)
            os.execv(ROOT / command[0], command)
        self._said = ""
        self._from = 0  # what stands before was waited for

    def type(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def _read(self, until: float) -> bool:
        while time.monotonic() < until:
            if select.select([self._terminal], [], [], 1.0)[0]:
                try:
                    self._said += os.read(self._terminal, 4096).decode(errors="replace")
                except OSError:  # it has ended
                    return False
                return True
        raise TimeoutError(f"it said {self._said[-2000:]!r}")

    def wait(self, text: str) -> str:
        """What it says up to that, after what was waited for before."""
        until = time.monotonic() + _SECONDS
        while (at := self._said.find(text, self._from)) < 0:
            assert self._read(until), f"without {text!r} it said {self._said[-2000:]!r}"
        begin, self._from = self._from, at + len(text)
        return self._said[begin : self._from]

    def end(self) -> tuple[int, str]:
        """Its exit status, and all that it said."""
        until = time.monotonic() + _SECONDS
        while self._read(until):
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self._process, 0)[1]), self._said


@pytest.mark.long
def test_a_shell() -> None:
    terminal = _Terminal("tools/run", "--on", "bochs", "--cpus", "1", "--guest", "linux")
    terminal.wait("/ # ")
    terminal.type("echo $((6*7))x\r")
    terminal.wait("\n42x")
    terminal.type("poweroff -f\r")
    status, said = terminal.end()
    assert status == 0
    assert "verdict: ok" in said


class _Prompt:
    """The monitor's, which echoes a letter at the line's end, and writes the whole line after each other key."""

    def __init__(self, terminal: _Terminal) -> None:
        self._terminal = terminal
        self.line = ""
        self.shows("")

    def shows(self, line: str) -> None:
        """It is written anew."""
        self.line = line
        self._terminal.wait(f"\rrootmode> {line}\x1b[K")

    def key(self, key: str, line: str) -> None:
        """A key that makes that line of what is there."""
        self._terminal.type(key)
        self.shows(line)

    def type(self, text: str) -> None:
        for letter in text:
            self._terminal.type(letter)
            echo = self._terminal.wait(letter)
            assert echo == letter, echo
            self.line += letter

    def enter(self, answer: str) -> None:
        """Ends the line: that is among what it says before the next one."""
        self._terminal.type("\r")
        told = self._terminal.wait("\rrootmode> \x1b[K")
        assert answer in told, told
        self.line = ""


def test_tab_and_arrow_keys_of_the_monitor() -> None:
    terminal = _Terminal("tools/run", "--on", "bochs", "--cpus", "1", "--monitor")
    prompt = _Prompt(terminal)
    prompt.type("al")
    prompt.key(_TAB, "alloc ")
    prompt.type("region")
    prompt.enter("region = 0x")
    prompt.type("vmx")
    prompt.key(_TAB, "vmxo")
    terminal.type(_TAB)  # two can be meant, which are listed
    terminal.wait("\r\nvmxoff vmxon \r\n")
    prompt.shows("vmxo")
    prompt.type("n")
    prompt.enter("VMsucceed")
    prompt.type("vmclear region")
    prompt.enter("launch state of region: clear")
    prompt.type("vmptrld reg")
    prompt.key(_TAB, "vmptrld region ")
    prompt.enter("current VMCS: region")
    prompt.type("vmwrite guest_rip 7")
    prompt.enter("VMsucceed; 0x7")
    prompt.type("vmread GUEST_RI")
    prompt.key(_TAB, "vmread GUEST_RIP ")
    prompt.enter("VMsucceed; 0x7")
    prompt.key(_UP, "vmread GUEST_RIP ")
    prompt.key(_UP, "vmwrite guest_rip 7")
    prompt.key(_UP, "vmptrld region ")
    prompt.key(_DOWN, "vmwrite guest_rip 7")
    terminal.type(_LEFT)
    terminal.wait("\x1b[1D")
    prompt.key("6", "vmwrite guest_rip 67")
    prompt.enter("VMsucceed; 0x43")  # 67
    prompt.key(_UP, "vmwrite guest_rip 67")
    prompt.key(_UP, "vmread GUEST_RIP ")
    prompt.enter("VMsucceed; 0x43")
    prompt.type("quit")
    terminal.type("\r")
    status, said = terminal.end()
    assert status == 0
    assert "verdict: ok" in said


def test_what_is_pasted_into_the_monitor() -> None:
    """More than a UART's 16 bytes, at once, before there is a prompt and while commands are at work."""
    terminal = _Terminal("tools/run", "--on", "bochs", "--cpus", "1", "--monitor")
    given = [f"{byte:02x}" for byte in range(0x40, 0x40 + 64)]
    terminal.type(f"alloc v\rmem write v {' '.join(given)}\rmem read v 64\rquit\r")
    status, said = terminal.end()
    assert status == 0
    assert "64 bytes written" in said
    for at in range(0, 64, 16):
        assert f"{' '.join(given[at : at + 16])}\r\n" in said
    assert "unknown here" not in said

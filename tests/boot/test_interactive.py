"""A Linux guest's shell at a terminal: what is typed goes there, and what it says comes back."""

import os
import pty
import select
import time

import pytest

from machine.build import ROOT

_SECONDS = 400.0
_COMMAND = ("tools/run", "--on", "bochs", "--cpus", "1", "--guest", "linux")
_TALK = [(b"/ # ", b"echo $((6*7))x\r"), (b"\n42x", b"poweroff -f\r")]


@pytest.mark.long
def test_a_shell() -> None:
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(ROOT)
        os.execv(ROOT / _COMMAND[0], _COMMAND)
    said, talk, until = b"", list(_TALK), time.monotonic() + _SECONDS
    while time.monotonic() < until:
        if not select.select([terminal], [], [], 1.0)[0]:
            continue
        try:
            said += os.read(terminal, 4096).replace(b"\r", b"")
        except OSError:  # it has ended
            break
        if talk and talk[0][0] in said:
            os.write(terminal, talk.pop(0)[1])
    _, status = os.waitpid(process, 0)
    assert not talk, said.decode(errors="replace")[-2000:]
    assert os.waitstatus_to_exitcode(status) == 0
    assert b"verdict: ok" in said

"""Processes that never outlive us: each in a group of its own, killed as a group."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from machine.owner import whole_identity


def start(
    command: Sequence[str],
    *,
    stdin: int,
    output: int,
    environment: dict[str, str] | None = None,
    folder: Path | None = None,
    inherited: Sequence[int] = (),
) -> "subprocess.Popen[bytes]":
    """
    Starts the command in a session of its own, in the folder, with these file descriptors. setpriv
    makes the kernel end it should we be killed in a way that leaves us no time to do so.
    """
    return subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", *command],
        stdin=stdin,
        stdout=output,
        stderr=output,
        env=environment,
        cwd=folder,
        pass_fds=inherited,
        start_new_session=True,
    )


def kill_group(process: "subprocess.Popen[bytes]") -> None:
    """Ends the process and all that it started. SIGKILL: Bochs ignores SIGTERM."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def run_logged(
    command: Sequence[str], log: Path, line: Callable[[str], None], folder: Path
) -> int:
    """Runs the command in the folder; each line of its output goes to the log and to `line`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as file, subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", *command],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        **whole_identity(),
    ) as process:
        try:
            assert process.stdout is not None
            for text in process.stdout:
                file.write(text)
                line(text.rstrip("\n"))
            return process.wait()
        except BaseException:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            raise


class Interrupted(Exception):
    """A signal asked us to end; args[0] is its number."""


def nobody_reads() -> int:
    """After a BrokenPipeError: the exit status that SIGPIPE gives; Python's last flush goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + signal.SIGPIPE


_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    for other in _ENDING:  # a second one must not disturb the tidying up
        signal.signal(other, signal.SIG_IGN)
    raise Interrupted(number)


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Within it SIGINT, SIGTERM and SIGHUP raise Interrupted, so that everything is tidied up."""
    before = [signal.signal(number, _interrupt) for number in _ENDING]
    try:
        yield
    finally:
        for number, handler in zip(_ENDING, before):
            signal.signal(number, handler)

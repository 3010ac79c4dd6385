"""Somebody who waits sees what is done, on a terminal and without one."""

import io
import os
import pty
import sys
import unittest
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from unittest import mock

from machine.build import _step
from machine.terminal import Progress


class NoTerminalTest(unittest.TestCase):
    """A line every five seconds, where nothing else came."""

    def _told(self, seconds: list[float]) -> list[str]:
        clock = iter(seconds)
        with redirect_stderr(io.StringIO()) as told, mock.patch("time.monotonic", lambda: next(clock)):
            progress = Progress("tools/run")
            for number in range(len(seconds) - 1):
                progress.show(f"step {number}")
                progress.clear()
        return told.getvalue().splitlines()

    def test_a_line_every_few_seconds(self) -> None:
        self.assertEqual(self._told([0, 1, 4.9, 5, 6, 9.9, 11]), ["tools/run: step 2", "tools/run: step 5"])

    def test_what_else_comes_is_life_enough(self) -> None:
        clock = iter([0, 4, 6, 9, 10])
        with redirect_stderr(io.StringIO()) as told, mock.patch("time.monotonic", lambda: next(clock)):
            progress = Progress("tools/run")
            progress.told()
            for number in range(3):
                progress.show(f"step {number}")
        self.assertEqual(told.getvalue(), "tools/run: step 1\n")

    def test_quick_steps_are_not_told(self) -> None:
        self.assertEqual(self._told([0, 1, 2, 3]), [])


class TerminalTest(unittest.TestCase):
    """One line, rewritten in place and taken away at the end."""

    @contextmanager
    def _terminal(self) -> Iterator[Callable[[], str]]:
        ours, its = pty.openpty()
        with os.fdopen(its, "w") as stream, mock.patch.object(sys, "stderr", stream), mock.patch.dict(
            os.environ, {"TERM": "xterm"}
        ):
            yield lambda: os.read(ours, 4096).decode("ascii")
        os.close(ours)

    def test_rewritten_in_place(self) -> None:
        with self._terminal() as read:
            progress = Progress("tools/run")
            progress.show("building, step 1 of 2")
            self.assertEqual(read(), "\r\x1b[Kbuilding, step 1 of 2")
            progress.show("too soon to read")
            progress.clear()
            self.assertEqual(read(), "\r\x1b[K")


class BuildTest(unittest.TestCase):
    """What Ninja and CMake say, as a step and a count."""

    def test_step(self) -> None:
        self.assertEqual(_step("[7/213] Linking x.elf"), "building, step 7 of 213: Linking x.elf")
        self.assertEqual(_step("-- Configuring done"), "preparing the build")

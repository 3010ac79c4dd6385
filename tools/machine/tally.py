"""Counts what passed and what failed, and says so line by line."""

import time
from collections.abc import Sequence
from types import TracebackType

from machine.terminal import Progress


class Tally:
    """The checks of one run of tools/test."""

    def __init__(self, progress: Progress, name_filter: str) -> None:
        self.progress = progress
        self.filter = name_filter
        self._passed = 0
        self._failures: list[str] = []

    def wants(self, name: str) -> bool:
        """Whether the person's --filter lets this check run."""
        return self.filter in name

    def heading(self, text: str) -> None:
        """A group of checks begins."""
        self.progress.clear()
        print(f"== {text}", flush=True)

    def add(self, name: str, complaints: Sequence[str], seconds: float, repeat: str = "") -> None:
        """One check has ended; without complaints it passed."""
        self.progress.clear()
        print(f"{'FAIL' if complaints else 'ok':<5}{name} ({seconds:.1f} s)", flush=True)
        if not complaints:
            self._passed += 1
            return
        self._failures.append(name)
        for complaint in complaints:
            print("     " + complaint.replace("\n", "\n     "))
        if repeat:
            print(f"     repeat with: {repeat}", flush=True)

    def finish(self) -> bool:
        """The failures once more, then the last line; whether all passed."""
        self.progress.clear()
        for name in self._failures:
            print(f"failed: {name}")
        print(f"{self._passed} passed, {len(self._failures)} failed", flush=True)
        return not self._failures and self._passed > 0


class Timed:
    """Seconds spent in a `with` block."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self.seconds = 0.0

    def __enter__(self) -> "Timed":
        self._start = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.seconds = time.monotonic() - self._start

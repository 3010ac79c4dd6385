"""Builds the kernel, and shows the compiler's words only when it fails."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from machine.errors import UserError
from machine.processes import run_logged
from machine.terminal import Progress

ROOT = Path(__file__).resolve().parents[2]
KERNEL = "rootmode.elf"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two builds of one folder at the same time would disturb each other."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".tools-lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _failure(lines: list[str]) -> list[str]:
    """The part of the output that tells what went wrong."""
    first = next((i for i, line in enumerate(lines) if line.startswith("FAILED:")), 0)
    return [line for line in lines[first:] if not line.startswith("[")][:60]


def build(preset: str, targets: list[str], progress: Progress) -> Path:
    """
    Builds the targets (none: all) of a CMake preset and returns the build folder. On failure the
    error holds the end of the log.
    """
    folder = ROOT / ("build" if preset == "default" else f"build-{preset}")
    log = folder / "tools-build.log"
    with _alone(folder):
        log.unlink(missing_ok=True)
        lines: list[str] = []

        def line(text: str) -> None:
            lines.append(text)
            progress.show(f"building: {text}")

        commands = [["ninja", "-C", str(folder), *targets]]
        if not (folder / "build.ninja").exists():
            commands.insert(0, ["cmake", "--preset", preset])
        for command in commands:
            try:
                status = run_logged(command, log, line, ROOT)
            except FileNotFoundError as error:
                raise UserError(f"cannot build: {error}") from error
            if status != 0:
                progress.clear()
                tail = "\n".join(_failure(lines))
                raise UserError(f"{tail}\n\nthe build failed ({' '.join(command)}); log: {log}")
    progress.clear()
    return folder


def build_kernel(progress: Progress) -> Path:
    """The kernel, up to date."""
    return build("default", [KERNEL], progress) / KERNEL

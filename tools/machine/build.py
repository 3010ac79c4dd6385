"""Builds the kernel, and shows the compiler's words only when it fails."""

import fcntl
import os
import platform
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from machine.errors import UserError
from machine.owner import as_owner, owner_name
from machine.processes import run_logged
from machine.terminal import Progress

ROOT = Path(__file__).resolve().parents[2]
# Whose compiler makes x86-64 code; elsewhere clang is told to.
IS_PC = platform.machine() in ("x86_64", "AMD64")
KERNEL_PRESET = "default" if IS_PC else "clang"
KERNEL = "rootmode.elf"
CORE = "rootmode-core.elf"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two builds of one folder at the same time would disturb each other."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in (folder, *folder.glob(".ninja_*"), *folder.glob("tools-build.log")):
        if not os.access(file, os.W_OK) and file.exists():  # another build may remove its log
            raise UserError(
                f"{file} belongs to {owner_name(file)} and cannot be written: give it back with "
                f"`sudo chown -R $(id -u):$(id -g) {folder}`, or remove {folder}"
            )
    with (folder / ".tools-lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _failure(lines: list[str]) -> list[str]:
    """The part of the output that tells what went wrong."""
    first = next((i for i, line in enumerate(lines) if line.startswith("FAILED:")), 0)
    return [line for line in lines[first:] if not line.startswith("[")][:60]


def _step(line: str) -> str:
    """A line of Ninja as a step with its count; what CMake says is one step."""
    found = re.match(r"\[(\d+)/(\d+)\] (.*)", line)
    return f"building, step {found[1]} of {found[2]}: {found[3]}" if found else "preparing the build"


def folder_of(preset: str) -> Path:
    """Where a CMake preset builds."""
    return ROOT / ("build" if preset == "default" else f"build-{preset}")


def build(preset: str, targets: list[str], progress: Progress) -> Path:
    """
    Builds the targets (none: all) of a CMake preset and returns the build folder. On failure the
    error holds the end of the log.
    """
    folder = folder_of(preset)
    log = folder / "tools-build.log"
    with as_owner(ROOT), _alone(folder):
        log.unlink(missing_ok=True)
        lines: list[str] = []

        def line(text: str) -> None:
            lines.append(text)
            progress.show(_step(text))

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


def build_kernel(progress: Progress, core: bool = False, preset: str = KERNEL_PRESET) -> Path:
    """The kernel, or its core alone, up to date."""
    target = CORE if core else KERNEL
    return build(preset, [target], progress) / target


def symbol_address(kernel: Path, name: str) -> int:
    """Where the kernel has this function."""
    told = subprocess.run(["nm", str(kernel)], capture_output=True, text=True, check=False).stdout
    for line in told.splitlines():
        address, _, symbol = line.split(" ", 2)
        if symbol == name:
            return int(address, 16)
    raise UserError(f"{kernel} has no function {name}")

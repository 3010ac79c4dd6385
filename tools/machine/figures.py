"""
tools/figures: measures what docs/figures.md tells, and prints it in that page's form.

Bochs counts time in instructions: one TSC tick with one CPU, steps of five with several. The same
sources and the same compiler give the same figures again.
"""

import argparse
import json
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from machine.build import ROOT, build_kernel
from machine.errors import UserError, in_words
from machine.linux_figures import print_linux
from machine.packages import need
from machine.terminal import Progress

_ROOMS = ("lib", "boot", "mm", "vmx", "vm", "kernel")
_CPU_COUNTS = (1, 2, 4, 8)
_STEPS = ("memory_tsc", "cpus_started_tsc", "vmx_on_all_tsc")
_PT_LOAD = 1


def _segments(kernel: Path) -> Iterator[tuple[int, int]]:
    """Bytes in the file and bytes in memory of each segment that is loaded."""
    data = kernel.read_bytes()
    (offset,) = struct.unpack_from("<Q", data, 0x20)
    size, count = struct.unpack_from("<HH", data, 0x36)
    for i in range(count):
        header = struct.unpack_from("<IIQQQQQQ", data, offset + i * size)
        if header[0] == _PT_LOAD:
            yield header[5], header[6]


def loaded_bytes(kernel: Path) -> int:
    """Code, data, symbols, font: what the loader reads from the file."""
    return sum(in_file for in_file, _ in _segments(kernel))


def _lines(room: str) -> tuple[int, int]:
    """Lines of C (headers and tables too) and of assembly that git knows."""
    c = assembly = 0
    listed = subprocess.run(
        ["git", "ls-files", room], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    for name in listed:
        count = len((ROOT / name).read_bytes().splitlines())
        if name.endswith((".c", ".h", ".def")):
            c += count
        elif name.endswith(".S"):
            assembly += count
    return c, assembly


def _boot(count: int, words: str) -> dict[str, Any]:
    """The report of a boot in Bochs."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [
            str(ROOT / "tools" / "run"), "--on", "bochs", "--headless", "--cpus", str(count),
            "--append", words, "--report", str(report),
        ]  # fmt: skip
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode != 0:
            raise UserError(f"{' '.join(command)}: exit status {ended.returncode}\n{ended.stdout}")
        result: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
        return result


def _print_image(kernel: Path) -> None:
    in_file = loaded_bytes(kernel)
    in_memory = sum(size for _, size in _segments(kernel))
    print("| the image | bytes |\n|---|---|")
    print(f"| loaded from the file: code, data, symbols, font | {in_file:,} |")
    print(f"| in memory: also boot page tables, stack, buffers | {in_memory:,} |")


def _print_lines() -> None:
    print("\n| folder | lines of C | lines of assembly |\n|---|---|---|")
    total_c = total_assembly = 0
    for room in _ROOMS:
        c, assembly = _lines(room)
        total_c += c
        total_assembly += assembly
        print(f"| `{room}/` | {c:,} | {assembly:,} |")
    print(f"| all | {total_c:,} | {total_assembly:,} |")


def _print_boots() -> None:
    print("\n| CPUs | memory ready | all CPUs started | all in VMX operation | pages taken |")
    print("|---|---|---|---|---|")
    for count in _CPU_COUNTS:
        report = _boot(count, "stop=vmptrld")
        timing = report["timing"]
        entry = int(timing["entry_tsc"], 16)
        steps = [int(timing[name], 16) - entry for name in _STEPS]
        taken = report["memory"]["used_bytes"] // 4096
        print(f"| {count} | " + " | ".join(f"{step:,}" for step in steps) + f" | {taken:,} |")


def _print_exits() -> None:
    print("\n| a VM exit and back | min | median | max |\n|---|---|---|---|")
    for name, row in _boot(1, "bench=exits")["bench"]["exits"].items():
        print(f"| {name} | {row['min']:,} | {row['median']:,} | {row['max']:,} |")


def main(arguments: list[str]) -> int:
    """Prints all of it."""
    parser = argparse.ArgumentParser(
        prog="tools/figures", description="Measures what docs/figures.md tells, and prints it."
    )
    parser.add_argument(
        "--linux", type=int, nargs="+", metavar="CPUS", help="what a Linux guest costs, with so many CPUs"
    )
    counts = parser.parse_args(arguments).linux
    try:
        need("build", "bochs")
        if counts:
            print_linux(build_kernel(Progress("tools/figures")), counts)
            return 0
        _print_image(build_kernel(Progress("tools/figures")))
        _print_lines()
        _print_boots()
        _print_exits()
    except (UserError, OSError) as error:
        print(f"tools/figures: {in_words(error)}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Runs boots, two at a time, and judges them."""

import json
import os
import shlex
import struct
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from boot.checks import Result
from boot.console_boots import spcr
from boot.nested import OPEN_BIOS, open_bios
from boot.row import FAKE, HIGH, SCREENSHOT, SPCR, Boot
from machine.build import ROOT
from machine.errors import UserError

_AT_A_TIME = 2
_MESSAGES = {  # of tests/boot/fake.S
    "ok": ("-----BEGIN ROOTMODE REPORT-----\\r\\n{\\r\\n-----END ROOTMODE REPORT-----\\r\\n"
           "\\033[32mverdict: ok\\033[0m\\r\\n", ()),
    "refused": ("verdict: refused\\r\\n", ()),
    "panic": ("PANIC: on purpose\\r\\nverdict: ok\\r\\n", ()),
    "silent": ("no verdict\\r\\n", ("-DSILENT",)),
    "hang": ("going nowhere\\r\\n", ("-DHANG",)),
}  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """One boot, judged."""

    boot: Boot
    complaints: list[str]
    command: str  # repeats it
    logs: Path
    seconds: float


def _fake(name: str, folder: Path) -> Path:
    """Assembles the fake kernel of this name."""
    message, options = _MESSAGES[name]
    item, kernel = folder / "fake.o", folder / "fake.elf"
    source = ROOT / "tests" / "boot" / "fake.S"
    for command in (
        ["gcc", "-m32", "-c", *options, f'-DMESSAGE="{message}"', str(source), "-o", str(item)],
        ["ld", "-m", "elf_i386", "-Ttext", "0x200000", str(item), "-o", str(kernel)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise UserError(f"{shlex.join(command)}: {done.stderr}")
    return kernel


def _high(kernel: Path, folder: Path) -> Path:
    """A copy of the kernel whose relocatable tag prefers the highest address to the lowest."""
    tag = struct.pack("<HHIIII", 10, 0, 24, 0x200000, 0xFFFFFFFF, 0x200000)
    lowest, highest = (tag + struct.pack("<I", preference) for preference in (1, 2))
    image = kernel.read_bytes()
    if image.count(lowest) != 1:
        raise UserError(f"{kernel}: no relocatable tag as boot/header.S has it")
    copy = folder / "high.elf"
    copy.write_bytes(image.replace(lowest, highest))
    return copy


def _command(boot: Boot, kernel: Path, folder: Path) -> tuple[list[str], list[str]]:
    """What is executed, and what a person types to repeat it."""
    arguments: list[str] = []
    given = False  # a kernel of its own
    for argument in boot.arguments:
        if argument == SCREENSHOT:
            argument = str(folder / "screen.ppm")
        elif argument == SPCR:
            argument = str(spcr(folder))
        elif argument == OPEN_BIOS:
            argument = str(open_bios(folder))
        elif argument == HIGH:
            argument, given = str(_high(kernel, folder)), True
        elif argument.startswith(FAKE):
            argument, given = str(_fake(argument.removeprefix(FAKE), folder)), True
        arguments.append(argument)
    if boot.report:
        arguments += ["--report", str(folder / "report.json")]
    executed = [str(ROOT / "tools" / "run"), *arguments, "--headless", "--logs", str(folder)]
    return executed + ([] if given else ["--kernel", str(kernel)]), ["tools/run", *arguments]


def _judge(boot: Boot, result: Result) -> Iterator[str]:
    """A report of another structure than described cannot be judged further than that."""
    structure, *others = boot.checks
    wrong = list(structure(result))
    if wrong:
        yield from wrong[:10]
        return
    for check in others:
        yield from check(result)


class Runner:
    """Runs boots of one kernel, with their files in folders below `logs`."""

    def __init__(self, kernel: Path, logs: Path) -> None:
        self._kernel = kernel
        self._logs = logs
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()

    def run_all(self, boots: Iterable[Boot], told: Callable[[Outcome], None]) -> None:
        """All of them; `told` hears of each, in the order of the table."""
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            waiting = [pool.submit(self._run, boot) for boot in boots]
            try:
                for item in waiting:
                    told(item.result())
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                with self._lock:
                    for process in self._running:
                        process.send_signal(signal.SIGTERM)
                raise

    def _execute(self, command: list[str]) -> tuple[int, str, str]:
        with subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            errors="replace", env={**os.environ, "ROOTMODE_SETUP": "skip"},
        ) as process:  # fmt: skip
            with self._lock:
                self._running.add(process)
            output, messages = process.communicate()
            with self._lock:
                self._running.remove(process)
        return process.returncode, output, messages

    def _run(self, boot: Boot) -> Outcome:
        start = time.monotonic()
        folder = self._logs / boot.name.replace("/", "-").replace(" ", "-")
        folder.mkdir(parents=True, exist_ok=True)
        for old in ("report.json", "screen.ppm", "serial.txt"):
            (folder / old).unlink(missing_ok=True)
        executed, repeat = _command(boot, self._kernel, folder)
        status, console, messages = self._execute(executed)
        (folder / "console.txt").write_text(console, encoding="utf-8")
        (folder / "messages.txt").write_text(messages, encoding="utf-8")
        complaints: list[str] = []
        if status != boot.status:
            complaints.append(f"exit status {status} instead of {boot.status}")
            complaints += messages.splitlines()[-8:] + console.splitlines()[-3:]
        report = folder / "report.json"
        if boot.checks and not report.exists():
            complaints.append("there is no report")
        elif boot.checks:
            document = json.loads(report.read_text(encoding="utf-8"))
            result = Result(status, console, messages, document, folder / "screen.ppm")
            complaints += _judge(boot, result)
        seconds = time.monotonic() - start
        return Outcome(boot, complaints, shlex.join(repeat), folder, seconds)

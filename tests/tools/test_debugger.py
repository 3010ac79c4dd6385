"""tools/run --debugger: the session that docs/debugging.md shows, and what is refused."""

import re
import subprocess
from pathlib import Path

import pytest

from machine.build import ROOT, build_kernel
from machine.terminal import Progress

_COMMAND = [str(ROOT / "tools/run"), "--on", "bochs", "--cpus", "1", "--append", "guest=hello", "--debugger"]


def _run(options: list[str], typed: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*_COMMAND, *options], input=typed, capture_output=True, text=True, errors="replace", check=False, timeout=300
    )


def _alike(text: str) -> list[str]:
    """Without addresses, times and the bytes of instructions, which each build has its own of."""
    lines = re.sub(r"0x[0-9a-f]{6,}|\b[0-9a-f]{16}\b|t=\d+|\s*; [0-9a-f]+$", "", text, flags=re.MULTILINE)
    return [" ".join(line.split()) for line in lines.splitlines()]


def test_session_is_as_the_page_shows_it() -> None:
    page = (ROOT / "docs" / "debugging.md").read_text(encoding="utf-8")
    part = page[page.index("--debugger --break vm_exit") : page.index("What one needs most")]
    shown = re.findall(r"^    (.+)$", part, re.MULTILINE)
    typed = [line.split("> ", 1)[1] for line in shown if line.startswith("<bochs:")]
    kernel = build_kernel(Progress("pytest"))
    done = _run(["--break", "vm_exit", "--kernel", str(kernel)], "".join(f"{line}\n" for line in typed))
    told = _alike(done.stdout)
    at = told.index(_alike(shown[0])[0])
    assert told[at : at + len(shown)] == _alike("\n".join(shown))
    assert done.returncode == 0 and typed[-1] == "q"


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    kernel = build_kernel(Progress("pytest"))
    assert "has no function vm_exti" in _run(["--break", "vm_exti", "--kernel", str(kernel)]).stderr
    without = tmp_path / "bochs"
    without.write_text("#!/bin/sh\necho 'Usage: bochs'; echo 'Bochs x86 Emulator 3.0'\n", encoding="ascii")
    without.chmod(0o755)
    done = _run(["--bochs", str(without)])
    assert done.returncode == 2 and "was built without it (--enable-debugger)" in done.stderr


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--monitor"], "not with --monitor"),
        (["--on", "tcg"], "--debugger is Bochs's own"),
        (["--report", "/dev/null"], "not with --report"),
    ],
)
def test_what_contradicts_is_refused(options: list[str], why: str) -> None:
    done = _run(options)
    assert done.returncode == 2 and why in done.stderr

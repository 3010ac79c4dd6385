"""Each mistake of tests/mistakes/mistakes.toml is named: no triple fault, no verdict that all is well."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from machine.build import ROOT
from machine.mistakes import Mistake, kernel_with, mistakes

_SECONDS = "60"  # a boot takes two
_OPEN_BIOS = "OPEN_BIOS"  # in a mistake's options
_BIOS = Path("/usr/share/bochs/BIOS-bochs-latest")
_OR_5_WRMSR, _OR_0_WRMSR = b"\x83\xc8\x05\x0f\x30", b"\x83\xc8\x00\x0f\x30"  # OR EAX, 5; WRMSR


def _open_bios(folder: Path) -> Path:
    """Bochs's, which leaves IA32_FEATURE_CONTROL open and 0, on the boot CPU and on others."""
    image, file = _BIOS.read_bytes(), folder / "open-bios.bin"
    assert image.count(_OR_5_WRMSR) == 2, f"{_BIOS} sets IA32_FEATURE_CONTROL otherwise"
    file.write_bytes(image.replace(_OR_5_WRMSR, _OR_0_WRMSR))
    return file


def _command(mistake: Mistake, kernel: Path, folder: Path) -> list[str]:
    command = [str(ROOT / "tools" / "run"), "--on", "bochs", "--loader", "direct", "--timeout", _SECONDS]
    if "--cpus" not in mistake.options:
        command += ["--cpus", "1"]
    command += [str(_open_bios(folder)) if word == _OPEN_BIOS else word for word in mistake.options]
    if mistake.script:
        (folder / "script.mon").write_text(mistake.script, encoding="ascii")
        return [*command, "--monitor", "--script", str(folder / "script.mon")]
    return [*command, "--kernel", str(kernel_with(mistake, kernel.parent, folder))]


def _missing(mistake: Mistake, console: str) -> Iterator[str]:
    said, at = " ".join(console.split()), 0
    for words in mistake.says:
        found = said.find(words, at)
        if found < 0:
            yield f"not said: {words}"
        at = max(at, found)


def _rows() -> Iterator[object]:
    for mistake in mistakes():
        yield pytest.param(mistake, id=mistake.name, marks=[] if mistake.quick else [pytest.mark.long])


@pytest.mark.parametrize("mistake", _rows())
def test_mistake(mistake: Mistake, kernel: Path, tmp_path: Path) -> None:
    """One of them."""
    done = subprocess.run(
        _command(mistake, kernel, tmp_path), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False, env={**os.environ, "ROOTMODE_SETUP": "skip"},
    )  # fmt: skip
    wrong = list(_missing(mistake, done.stdout))
    if done.returncode != mistake.status:
        wrong.append(f"exit status {done.returncode} instead of {mistake.status}")
    assert not wrong, "\n".join([*wrong, done.stdout[-3000:], done.stderr])


def test_each_can_be_made_and_says_something() -> None:
    """A row that asks for nothing would prove nothing."""
    for mistake in mistakes():
        assert mistake.says and bool(mistake.script) != bool(mistake.file), mistake.name
        assert mistake.script or mistake.applied()

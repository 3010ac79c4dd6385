"""The host programs are an arm64 machine's, too: built by a cross compiler, run by QEMU's user mode."""

import subprocess
from pathlib import Path

import pytest

from machine.build import ROOT, build
from machine.packages import need
from machine.terminal import Progress

_PROGRAMS = {"vmxcap": "tools/capability/vmxcap", "vmcheck": "tools/entry/vmcheck"}
_ASKED = (
    ("vmxcap", "--list"),
    ("vmxcap", "--row", "ilx-406e3-skylake-cpuid"),
    ("vmxcap", "--find", "secondary.ept && !secondary.unrestricted-guest"),
    ("vmcheck", "--help"),
)


def _run(*command: object) -> str:
    done = subprocess.run([str(word) for word in command], cwd=ROOT, capture_output=True, text=True, check=False)
    return f"{done.returncode}\n{done.stdout}{done.stderr}"


@pytest.mark.long
def test_they_say_there_what_they_say_here(tmp_path: Path) -> None:
    need("arm64")
    here = build("default", list(_PROGRAMS), Progress("pytest"))
    configured = _run(
        "cmake", "-G", "Ninja", "-S", ROOT, "-B", tmp_path, "-DROOTMODE_TESTS=OFF", "-DCMAKE_SYSTEM_NAME=Linux",
        "-DCMAKE_SYSTEM_PROCESSOR=aarch64", "-DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc",
    )  # fmt: skip
    assert configured.startswith("0\n"), configured
    built = _run("ninja", "-C", tmp_path, *_PROGRAMS)
    assert built.startswith("0\n"), built
    emulator = ("qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu")
    for name, *words in _ASKED:
        path = _PROGRAMS[name]
        assert _run(*emulator, tmp_path / path, *words) == _run(here / path, *words), (name, words)
    assert "has no VMX" in _run(*emulator, tmp_path / _PROGRAMS["vmxcap"])

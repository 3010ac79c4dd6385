"""What Debian's Linux finds is the same natively and on Rootmode, hidden, but for what Rootmode keeps and VMX."""

import re
import tempfile
import time
from pathlib import Path

import pytest

from machine.bochs import start_bochs
from machine.guest import LINUX, make_guest
from machine.iso import make_iso
from machine.plan import Plan
from machine.terminal import Progress

# Times in dmesg's lines, and numbers that count or measure time, are left out.
_SCRIPT = b"""
say() { echo "== $1"; }
say flags; grep -m1 ^flags /proc/cpuinfo | tr ' ' '\\n' | grep -v -e flags -e :
say cpus; grep -e ^processor -e "model name" -e "apicid" /proc/cpuinfo
say memory; cat /proc/iomem
say interrupts; awk '{ printf "%s", $1; for (i = 2; i <= NF; i++) if ($i !~ /^[0-9]+$/) printf " %s", $i; print "" }' \\
    /proc/interrupts
say devices; ls /sys/bus/pci/devices /sys/bus/platform/devices /sys/bus/acpi/devices
say features; dmesg | sed 's/^\\[[^]]*\\] //' | grep -e "x86/fpu" -e "^Spectre" -e "^MTRR" -e "^x86/PAT" -e "ACPI: PM:" -e "^CPU[0-9: ]"
say end
"""
_SECONDS = 900.0
# What Linux tells of VMX, and of the debug store: vm/linux/linux_policy.c.
_HIDDEN = {"vmx", "tpr_shadow", "vnmi", "flexpriority", "ept", "vpid", "ept_ad"}
_HIDDEN |= {"dts", "dtes64", "ds_cpl", "bts", "pebs"}


def _said(native: bool, count: int, kernel: Path, folder: Path) -> dict[str, list[str]]:
    """What the script prints, by its headings."""
    script = folder / "script"
    script.write_bytes(_SCRIPT)
    guest = make_guest(LINUX, None, None, ["nokaslr"], script, True, count > 1, (), folder, Progress("pytest"))
    guest = type(guest)(guest.kernel, guest.words, guest.initrd, native=native)
    plan = Plan(cpus=count, memory=512, words=("hypervisor=hidden", "exit=poweroff"), guest=guest)
    iso = folder / "rootmode.iso"
    make_iso(iso, kernel, plan.words, (), pixels=False, guest=guest)
    emulator = start_bochs(plan, iso, folder)
    said, until = b"", time.monotonic() + _SECONDS
    try:
        while b"== end\r\n" not in said and time.monotonic() < until:
            said += emulator.read()
            time.sleep(0.2)
    finally:
        emulator.stop()
    parts = re.split(r"^== (.*)\n", said.decode(errors="replace").replace("\r\n", "\n"), flags=re.MULTILINE)
    return {name: text.splitlines() for name, text in zip(parts[1::2], parts[2::2])}


def _ranges(lines: list[str]) -> list[tuple[int, int, str]]:
    """The outermost ones, neighbours of one name joined: base, end, name."""
    whole: list[tuple[int, int, str]] = []
    for line in lines:
        if told := re.fullmatch(r"([0-9a-f]+)-([0-9a-f]+) : (.*)", line):
            base, end, name = int(told[1], 16), int(told[2], 16) + 1, told[3]
            if whole and whole[-1][1:] == (base, name):
                whole[-1] = (whole[-1][0], end, name)
            else:
                whole.append((base, end, name))
    return whole


@pytest.mark.parametrize("count", [1, pytest.param(2, marks=pytest.mark.long)])
def test_linux_finds_the_same(count: int, kernel: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="rootmode-") as name:
        folder = Path(name)
        for run in ("native", "top"):
            (folder / run).mkdir()
        native = _said(True, count, kernel, folder / "native")
        top = _said(False, count, kernel, folder / "top")
    assert list(native) == list(top) and "end" in top
    # The firmware would wake it outside of VMX operation.
    native["features"] = [re.sub(r"^(ACPI: PM: \(supports S0).*( S5\))", r"\1\2", line) for line in native["features"]]
    for part in ("cpus", "interrupts", "devices", "features"):
        assert top[part] == native[part], part
    assert set(native["flags"]) - set(top["flags"]) - _HIDDEN == set()
    assert set(top["flags"]) == set(native["flags"]) - _HIDDEN
    # Where GRUB loads Rootmode: one range of 2 MiB is reserved, which was RAM.
    kept = (0x200000, 0x400000)
    expected = []
    for base, end, what in _ranges(native["memory"]):
        if base < kept[0] and kept[1] < end:
            expected += [(base, kept[0], what), (*kept, "Reserved"), (kept[1], end, what)]
        else:
            expected.append((base, end, what))
    assert _ranges(top["memory"]) == expected and len(expected) == len(_ranges(native["memory"])) + 2

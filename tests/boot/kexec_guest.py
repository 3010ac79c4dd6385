"""The initrd of a Linux that starts itself once more: it has the kernel, kexec and another initrd in it."""

import subprocess
from pathlib import Path

from machine.build import ROOT
from machine.guest import kernel_tree, make_initrd

_SOURCE = ROOT / "tests" / "boot" / "linux" / "kexec.c"
_FIRST = b"""exec /kexec /kernel /second "$(cat /proc/cmdline) second=1"
"""
_SECOND = b"""grep -q second=1 /proc/cmdline || exit 1
[ "$(cat /sys/devices/system/cpu/online)" = "$(cat /sys/devices/system/cpu/present)" ] || exit 2
grep -q " : Reserved" /proc/iomem || exit 3
echo "kexec: the second kernel has $(grep -c ^processor /proc/cpuinfo) CPUs"
"""


def kexec_kernel() -> Path:
    """Debian's kernel."""
    return next(kernel_tree().glob("boot/vmlinuz-*"))


def kexec_initrd(folder: Path) -> Path:
    """Makes it."""
    tree, program = kernel_tree(), folder / "kexec"
    second = make_initrd(tree, _SECOND, folder / "second")
    subprocess.run(["cc", "-O2", "-static", "-Wall", "-Wextra", "-o", str(program), str(_SOURCE)], check=True)
    more = {"kexec": program.read_bytes(), "kernel": kexec_kernel().read_bytes(), "second": second.read_bytes()}
    return make_initrd(tree, _FIRST, folder / "kexec-initrd", more)

"""Debian's Xen, and Debian's usual Linux, alone or as its dom0: the cloud kernel cannot be one."""

import gzip
from pathlib import Path

from machine.guest import fetch_package, make_initrd, package_field

_XEN = "xen-hypervisor-4.17-amd64"
_DOM0 = b"""grep -qw vmx /proc/cpuinfo && exit 1
version=/sys/hypervisor/version
[ -e $version ] && on="dom0: Xen $(cat $version/major).$(cat $version/minor)" || on="no dom0: $(uname -r)"
echo "$on, $(grep -c ^processor /proc/cpuinfo) CPUs"
"""
XEN, KERNEL = "hypervisor", "kernel"
# What their initrds run.
_SCRIPTS = {"dom0-initrd": _DOM0, "look-initrd": (Path(__file__).parent / "linux" / "look.sh").read_bytes()}


def _tree() -> Path:
    newest = package_field("linux-image-amd64", "Depends").split()[0]
    return fetch_package(newest)


def xen_file(name: str, folder: Path) -> Path:
    """Makes one of the files that are loaded."""
    if name == KERNEL:
        return next(_tree().glob("boot/vmlinuz-*"))
    if name in _SCRIPTS:
        return make_initrd(_tree(), _SCRIPTS[name], folder / name)
    packed = next(fetch_package(_XEN).glob("boot/xen-*.gz"))
    unpacked = folder / "xen"
    unpacked.write_bytes(gzip.decompress(packed.read_bytes()))
    return unpacked

"""Debian's Xen, and the Linux that is its dom0, Debian's usual one: the cloud kernel cannot be a dom0."""

import gzip
from pathlib import Path

from machine.guest import fetch_package, make_initrd, package_field

_XEN = "xen-hypervisor-4.17-amd64"
_SCRIPT = b"""grep -qw vmx /proc/cpuinfo && exit 1
version=/sys/hypervisor/version
[ -e $version ] && on="dom0: Xen $(cat $version/major).$(cat $version/minor)" || on="no dom0: $(uname -r)"
echo "$on, $(grep -c ^processor /proc/cpuinfo) CPUs"
"""
XEN, KERNEL, INITRD = "hypervisor", "kernel", "initrd"


def _tree() -> Path:
    newest = package_field("linux-image-amd64", "Depends").split()[0]
    return fetch_package(newest)


def xen_file(name: str, folder: Path) -> Path:
    """Makes one of the three files that are loaded."""
    if name == KERNEL:
        return next(_tree().glob("boot/vmlinuz-*"))
    if name == INITRD:
        return make_initrd(_tree(), _SCRIPT, folder / "dom0-initrd")
    packed = next(fetch_package(_XEN).glob("boot/xen-*.gz"))
    unpacked = folder / "xen"
    unpacked.write_bytes(gzip.decompress(packed.read_bytes()))
    return unpacked

"""
A guest for Rootmode: what it is, and where a Linux kernel and its initrd come from.

Debian's cloud kernel and busybox are fetched as packages, and not installed; the initramfs is made here.
"""

import fcntl
import shutil
import struct
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from machine.build import ROOT
from machine.errors import UserError
from machine.iso import check_printable
from machine.nested_disks import cpio, download, extract, kernel_package
from machine.plan import Guest
from machine.terminal import Progress

LINUX = "linux"  # stands for Debian's kernel
KINDS = {"Linux": "a Linux kernel (bzImage)", "Multiboot": "a Multiboot kernel", "flat": "a flat binary"}
_MULTIBOOT, _HEADER_WITHIN, _LINUX_AT = 0x1BADB002, 8192, 0x202
_KEEP = ROOT / "build" / "guest-linux"
_INIT = ROOT / "tools" / "guest" / "init"
_BUSYBOX = "busybox-static"
_MODULES = ("arch/x86/kernel/msr.ko", "fs/efivarfs/efivarfs.ko")
_CONTROL = ROOT / "tools" / "guest" / "rootmodectl.c"

# What takes long in an emulator and shows nothing: the kernel's own tests of its ciphers, work-arounds
# for faults of processors, and letters that a serial line takes thousands of instructions for.
_WORDS = "console=ttyS0,115200"
_WORDS_EMULATED = "quiet cryptomgr.notests mitigations=off"


def _fetch(package: str, version: str) -> Path:
    """The package's tree, unpacked: once, whoever else wants it, and whole or not at all."""
    tree = _KEEP / f"{package}_{version.replace(':', '%3a')}"
    work = _KEEP / "work"
    _KEEP.mkdir(parents=True, exist_ok=True)
    with (_KEEP / "lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not tree.is_dir():
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            download(package, version, work, work / "package.deb")
            extract(work / "package.deb", work / "tree")
            (work / "tree").rename(tree)
            shutil.rmtree(work)
    return tree


def package_field(package: str, name: str) -> str:
    """What the package lists say of it in this field."""
    told = subprocess.run(
        ["apt-cache", "show", "--no-all-versions", package], capture_output=True, text=True, check=False
    ).stdout
    for line in told.splitlines():
        if line.startswith(f"{name}: "):
            return line.removeprefix(f"{name}: ")
    raise UserError(f"the package lists do not know {package}: run `apt-get update` as root")


def fetch_package(package: str) -> Path:
    """The tree of the newest version, without installing it."""
    return _fetch(package, package_field(package, "Version"))


def _control(program: Path) -> bytes:
    """rootmodectl, which needs nothing of the guest's."""
    command = ["cc", "-O2", "-static", "-Wall", "-Wextra", f"-I{ROOT}", "-o", str(program), str(_CONTROL)]
    subprocess.run(command, check=True)
    return program.read_bytes()


def kernel_tree() -> Path:
    """Debian's kernel and its modules, as its package has them."""
    return _fetch(*kernel_package())


def make_initrd(tree: Path, script: bytes | None, file: Path, more: Mapping[str, bytes] | None = None) -> Path:
    """Writes the initramfs: busybox, rootmodectl, modules of that kernel, and more files."""
    busybox = fetch_package(_BUSYBOX) / "bin" / "busybox"
    files = {"init": _INIT.read_bytes(), "bin/busybox": busybox.read_bytes(), **(more or {})}
    files["bin/rootmodectl"] = _control(file.with_name("rootmodectl"))
    for name in _MODULES:
        for module in tree.glob(f"lib/modules/*/kernel/{name}"):
            files[module.name] = module.read_bytes()
    if script is not None:
        files["script"] = script
    file.write_bytes(cpio(files, ("dev", "etc", "proc", "sys", "root", "tmp")))
    return file


def _has_multiboot_header(start: bytes) -> bool:
    """Multiboot Specification 0.6.96, "The layout of Multiboot header"."""
    for at in range(0, len(start) - 11, 4):
        magic, flags, checksum = struct.unpack_from("<III", start, at)
        if magic == _MULTIBOOT and (magic + flags + checksum) % (1 << 32) == 0:
            return True
    return False


def kind_of(kernel: str, mode: str | None) -> str:
    """What Rootmode takes this file for; "" where that is nothing."""
    if kernel == LINUX:
        return "Linux"
    if mode:
        return "flat"
    with Path(kernel).open("rb") as file:
        start = file.read(_HEADER_WITHIN)
    if _has_multiboot_header(start):
        return "Multiboot"
    return "Linux" if start[_LINUX_AT : _LINUX_AT + 4] == b"HdrS" else ""


def make_guest(
    kernel: str, mode: str | None, initrd: Path | None, append: Sequence[str], script: Path | None, emulated: bool,
    several: bool, modules: Sequence[str], folder: Path, progress: Progress,
) -> Guest:  # fmt: skip
    """The guest; what is made for one run goes to the folder."""
    kind, more = kind_of(kernel, mode) or "Linux", [word for text in append for word in text.split()]
    if kind != "Linux":
        check_printable([*more, *modules])
        split = [text.split(maxsplit=1) for text in modules]
        return Guest(
            Path(kernel), " ".join(more), initrd, kind, modules=tuple((Path(file), " ".join(rest)) for file, *rest in split)
        )
    words = [_WORDS]
    if kernel == LINUX:
        progress.show("fetching Debian's kernel and busybox")
        tree = kernel_tree()
        image = next(tree.glob("boot/vmlinuz-*"))
    else:
        tree, image = Path("/nonexistent"), Path(kernel)
    if emulated:
        words.append(_WORDS_EMULATED)
        if several:  # an emulator's MWAIT may lose wake-ups
            words.append("idle=halt")
    words += more
    check_printable(words)
    if initrd is None and (kernel == LINUX or script):
        progress.show("making the initramfs")
        initrd = make_initrd(tree, script.read_bytes() if script else None, folder / "guest-initrd")
    return Guest(image, " ".join(words), initrd, kind, script is not None)

"""
The two disks of the nested machine's outer half.

The first holds Linux with KVM, QEMU and an init, all from Debian packages; it is built once and
kept in the build folder under the versions that it was made from. The second holds what belongs to one run:
the ISO, QEMU's arguments, the firmware. tools/nested/loader.c reads both.
"""

import fcntl
import hashlib
import os
import re
import shutil
import struct
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from machine.build import ROOT
from machine.errors import UserError
from machine.linux_image import LinuxImage, read_linux

_SOURCES = ROOT / "tools" / "nested"
_KEEP = ROOT / "build" / "nested-kvm"

_SECTOR = 512
_LAYOUT_SECTOR = 16
_LAYOUT_MAGIC = 0x31444E52
_MAX_WORDS = _SECTOR - 8 * 4
_LAYOUT = struct.Struct(f"<8I{_MAX_WORDS}s")
_FIRST_FREE_SECTOR = 24
_INITRAMFS_ADDRESS = 0x0800_0000
_GEOMETRY = 16 * 63 * _SECTOR  # Bochs wants whole cylinders of 16 heads and 63 sectors

_META_PACKAGE = "linux-image-cloud-amd64"
_MODULES = (
    "kernel/virt/lib/irqbypass.ko",
    "kernel/arch/x86/kvm/kvm.ko",
    "kernel/arch/x86/kvm/kvm-intel.ko",
)

# Types, the tables of the stack unwinder, trace events: Linux spends more on these than on all else
# of a module.
_DEBUGGING_SECTIONS = (
    ".BTF", ".orc_unwind", ".orc_unwind_ip", "_ftrace_eval_map", "_ftrace_events", "__mcount_loc",
)  # fmt: skip

# What Linux does once for tracing, for BPF's types and for /sys.
_UNNEEDED_INITCALLS = (
    "trace_eval_init",
    "ftrace_check_for_weak_functions",
    "tracer_init_tracefs",
    "init_kprobe_trace",
    "cubictcp_register",
    "bpf_rstat_kfunc_init",
    "kfunc_init",
    "bpf_key_sig_kfuncs_init",
    "bpf_prog_test_run_init",
    "bpf_tcp_ca_kfunc_init",
    "slab_sysfs_init",
)

# Each option takes away work that nothing here needs. Measured with the time-stamp counter: see
# docs/nested-kvm.md.
_COMMAND_LINE = (
    "quiet loglevel=0 panic=-1 mitigations=off cryptomgr.notests init_on_alloc=0 rodata=off "
    "initcall_blacklist=" + ",".join(_UNNEEDED_INITCALLS)
)


def _output(command: Sequence[str], folder: Path | None = None) -> str:
    """What the command says; its failure is told with its own words."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, errors="replace", check=False, cwd=folder,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise UserError(f"missing: {error.filename} (tools/setup nested)") from error
    if done.returncode != 0:
        raise UserError(f"{done.stderr.strip()}\nfailed: {' '.join(command)}")
    return done.stdout


def newest_kernel(told: str) -> tuple[str, str] | None:
    """Name and version of the kernel that apt-cache's description of the newest one depends on."""
    found = re.search(
        r"^Depends: (linux-image-[0-9][^ ]*-cloud-amd64) \(= ([^)]+)\)", told, re.MULTILINE
    )
    return (found[1], found[2]) if found else None


def _show_meta_package() -> str:
    """What apt-cache says; nothing where it knows no such package, which is its failure."""
    try:
        return _output(["apt-cache", "show", "--no-all-versions", _META_PACKAGE])
    except UserError:
        return ""


def kernel_package() -> tuple[str, str]:
    """Name and version of the cloud kernel: from the package lists, else the one fetched before."""
    newest = newest_kernel(_show_meta_package())
    if newest:
        return newest
    for package in sorted(_KEEP.glob("linux-image-*-cloud-amd64_*.deb")):
        name, version, _ = package.name.split("_")
        return name, version
    if os.geteuid() == 0:
        _output(["apt-get", "update", "-q"])
        newest = newest_kernel(_show_meta_package())
        if newest:
            return newest
    raise UserError(
        f"the package lists do not know {_META_PACKAGE}: run `apt-get update` as root. It is a "
        "package of Debian; Ubuntu has none of the name"
    )


def download(package: str, version: str, work: Path, file: Path) -> None:
    """Fetches the package's file by way of `work`; it is not installed."""
    as_root = ["-o", "APT::Sandbox::User=root"] if os.geteuid() == 0 else []
    _output(["apt-get", "download", "-q", *as_root, f"{package}={version}"], work)
    next(work.glob(f"{package}_*.deb")).rename(file)


def extract(package: Path, tree: Path) -> None:
    """Unpacks a package's files into a folder."""
    _output(["dpkg-deb", "--extract", str(package), str(tree)])


def libraries(program: Path) -> list[Path]:
    """The shared libraries that a program of this machine needs, its interpreter among them."""
    told = _output(["ldd", str(program)])
    return [Path(path) for path in re.findall(r"(/\S+) \(0x", told)]


def _cpio_entry(name: str, mode: int, data: bytes, device: tuple[int, int] = (0, 0)) -> bytes:
    """One entry of the "newc" archive that Linux unpacks as its initramfs."""
    encoded = name.encode() + b"\0"
    fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(encoded), 0)
    entry = b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
    entry += b"\0" * (-len(entry) % 4) + data
    return entry + b"\0" * (-len(entry) % 4)


def cpio(files: Mapping[str, bytes], folders: Iterable[str] = ()) -> bytes:
    """
    An archive of the files (path inside, contents) with the folders that they need. Files are
    executable: nobody but root is there.
    """
    needed = set(folders)
    for name in files:
        needed.update(str(parent) for parent in Path(name).parents if str(parent) not in (".", "/"))
    parts = [_cpio_entry(name, 0o040755, b"") for name in sorted(needed)]
    parts += [_cpio_entry(name, 0o100755, data) for name, data in files.items()]
    archive = b"".join(parts) + _cpio_entry("TRAILER!!!", 0, b"")
    return archive + b"\0" * (-len(archive) % _SECTOR)


def disk_image(boot: bytes, kernel: LinuxImage | None, initramfs: bytes, words: str) -> bytes:
    """A disk as tools/nested/loader.c reads it: struct disk_layout in its sector, then the parts."""
    if len(words) >= _MAX_WORDS:
        raise UserError(f"Linux's command line has {len(words)} characters; {_MAX_WORDS - 1} fit")
    kernel_sectors = -(-len(kernel.data) // _SECTOR) if kernel else 0
    initramfs_sector = _FIRST_FREE_SECTOR + kernel_sectors
    layout = _LAYOUT.pack(
        _LAYOUT_MAGIC, _FIRST_FREE_SECTOR, kernel_sectors,
        kernel.address if kernel else 0, kernel.entry if kernel else 0,
        initramfs_sector, len(initramfs), _INITRAMFS_ADDRESS, words.encode("ascii"),
    )  # fmt: skip
    image = bytearray(initramfs_sector * _SECTOR)
    image[: len(boot)] = boot
    image[_LAYOUT_SECTOR * _SECTOR : (_LAYOUT_SECTOR + 1) * _SECTOR] = layout
    if kernel:
        start = _FIRST_FREE_SECTOR * _SECTOR
        image[start : start + len(kernel.data)] = kernel.data
    image += initramfs
    image += b"\0" * (-len(image) % _GEOMETRY)
    return bytes(image)


def _compile_loader(folder: Path) -> bytes:
    linked, flat = folder / "loader.elf", folder / "loader.bin"
    _output(
        ["gcc", "-m32", "-std=gnu11", "-Os", "-Wall", "-Wextra", "-Werror", "-ffreestanding",
         "-fno-pic", "-fno-pie", "-no-pie", "-static", "-nostdlib", "-fno-stack-protector",
         "-mgeneral-regs-only", "-fno-asynchronous-unwind-tables", "-Wl,--build-id=none",
         "-Wl,-z,noexecstack", f"-Wl,-T,{_SOURCES / 'loader.ld'}",
         str(_SOURCES / "loader.S"), str(_SOURCES / "loader.c"), "-o", str(linked)]
    )  # fmt: skip
    _output(["objcopy", "-O", "binary", "-j", ".text", str(linked), str(flat)])
    return flat.read_bytes()


def _compile_init(folder: Path) -> bytes:
    program = folder / "init"
    _output(
        ["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-s",
         str(_SOURCES / "init.c"), "-o", str(program)]
    )  # fmt: skip
    return program.read_bytes()


def _modules(tree: Path, folder: Path) -> dict[str, bytes]:
    """KVM's modules without what is there for people who debug or trace them."""
    files = {}
    for name in _MODULES:
        source = next(tree.glob(f"lib/modules/*/{name}"), None)
        if source is None:
            raise UserError(f"the kernel package has no {name}")
        target = folder / source.name
        unneeded = [
            option
            for section in _DEBUGGING_SECTIONS
            for option in (f"--remove-section={section}", f"--remove-section=.rela{section}")
        ]
        _output(["objcopy", "--strip-unneeded", *unneeded, str(source), str(target)])
        files[f"modules/{source.name}"] = target.read_bytes()
    return files


def _build(package: Path, qemu: Path, folder: Path) -> bytes:
    """The first disk."""
    tree = folder / "linux"
    extract(package, tree)
    kernel = next(tree.glob("boot/vmlinuz-*"))
    files = {"init": _compile_init(folder), **_modules(tree, folder)}
    for path in (qemu, *libraries(qemu)):
        files[str(path).lstrip("/")] = path.read_bytes()
    initramfs = cpio(files, ("dev", "proc", "run", "tmp"))
    return disk_image(
        _compile_loader(folder), read_linux(kernel.read_bytes()), initramfs, _COMMAND_LINE
    )


def _fingerprint(qemu: Path, kernel_version: str) -> str:
    """Names everything that the first disk is made of."""
    told = hashlib.sha256(f"{kernel_version}\n{_COMMAND_LINE}\n".encode())
    for path in (qemu, *libraries(qemu)):
        state = path.stat()
        told.update(f"{path} {state.st_size} {state.st_mtime_ns}\n".encode())
    here = Path(__file__)
    for source in (*sorted(_SOURCES.iterdir()), here, here.with_name("linux_image.py")):
        told.update(source.read_bytes())
    return told.hexdigest()[:12]


def fixed_disk(qemu: Path) -> Path:
    """The first disk for this QEMU, built when it is not there; what it replaces goes away."""
    name, version = kernel_package()
    key = f"{name}_{version}_{qemu.name}_{_fingerprint(qemu, version)}"
    disk = _KEEP / f"{key}.img"
    _KEEP.mkdir(parents=True, exist_ok=True)
    with (_KEEP / "lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if disk.exists():
            return disk
        work = _KEEP / "work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        package = _KEEP / f"{name}_{version}_amd64.deb"
        if not package.exists():
            for old in _KEEP.glob("linux-image-*.deb"):
                old.unlink()
            download(name, version, work, package)
        unfinished = work / "disk.img"
        unfinished.write_bytes(_build(package, qemu, work))
        for old in _KEEP.glob(f"*_{qemu.name}_*.img"):
            old.unlink()
        unfinished.rename(disk)
        shutil.rmtree(work, ignore_errors=True)
    return disk


def run_disk(files: Mapping[str, bytes]) -> bytes:
    """The second disk: the files of one run."""
    return disk_image(b"", None, cpio(files), "")

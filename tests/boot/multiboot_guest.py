"""The test kernels of tests/boot/multiboot, by the form of their file."""

import shlex
import subprocess
from pathlib import Path

from machine.build import ROOT
from machine.errors import UserError

_SOURCE = ROOT / "tests" / "boot" / "multiboot"
_C_FLAGS = (
    "-O1", "-ffreestanding", "-fno-pic", "-fno-pie", "-fno-stack-protector", "-fcf-protection=none",
    "-mno-red-zone", "-mgeneral-regs-only", "-fno-builtin", "-fno-asynchronous-unwind-tables", "-Wall", "-Wextra", "-Werror",
)  # fmt: skip

# Name → mode, flags of the Multiboot header (None: there is none), where it is linked to, is it an ELF file?
GUESTS: dict[str, tuple[int, int | None, int, bool]] = {
    "elf": (32, 0x3, 0x100000, True),
    "elf-2-mib": (32, 0x3, 0x200000, True),  # where GRUB puts Rootmode
    "elf-top": (32, 0x3, 0x1FE00000, True),  # at the top of 512 MiB
    "elf-no-ram": (32, 0x3, 0xA0000, True),
    "elf-flags": (32, 0x13, 0x100000, True),
    "addresses": (32, 0x10003, 0x100000, False),
    "flat-32": (32, None, 0x100000, False),
    "flat-64": (64, None, 0x100000, False),
    "flat-real": (16, None, 0x7C00, False),
}

MODULE = "module"


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise UserError(f"{shlex.join(command)}: {done.stderr}")


def build_guest(name: str, folder: Path) -> Path:
    """Makes the kernel of this name, or the module that it looks for."""
    if name == MODULE:
        module = folder / "module"
        module.write_bytes(b"a module's text")
        return module
    mode, header, base, is_elf = GUESTS[name]
    defines = [f"-DMODE={mode}"] + ([f"-DHEADER={header:#x}"] if header is not None else [])
    width = "-m64" if mode == 64 else "-m32"
    objects = []
    for source in ("start.S",) if mode == 16 else ("start.S", "main.c"):
        objects.append(str(folder / f"{name}-{source}.o"))
        flags = _C_FLAGS if source == "main.c" else ()
        _run("gcc", width, *flags, *defines, "-c", str(_SOURCE / source), "-o", objects[-1])
    kernel, flat = folder / f"{name}.elf", folder / f"{name}.bin"
    emulation = "elf_x86_64" if mode == 64 else "elf_i386"
    _run("ld", "-m", emulation, "--no-warn-rwx-segments", "-z", "max-page-size=4096", f"--defsym=BASE={base:#x}", "-T",
         str(_SOURCE / "guest.ld"), *objects, "-o", str(kernel))  # fmt: skip
    if is_elf:
        return kernel
    zeros = () if header is not None else ("--set-section-flags", ".bss=alloc,load,contents")
    _run("objcopy", "-O", "binary", *zeros, str(kernel), str(flat))
    return flat

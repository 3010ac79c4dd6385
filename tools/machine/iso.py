"""A small hybrid ISO: BIOS and UEFI, CD and USB stick, with GRUB and the kernel."""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from machine.errors import UserError

# GRUB's time in an emulator grows with the bytes that it loads: no fonts, no themes, and only the
# modules needed. The EFI image asks for every partition map by name, and complains without one.
_MODULES = (
    "normal multiboot2 rdmsr wrmsr iorw memrw all_video part_acorn part_amiga part_bsd "
    "part_dfly part_dvh part_plan part_sun part_sunpc"
)
_PIXELS = "1024x768x32,auto"


def _quote(word: str) -> str:
    """The word as one of GRUB's words, whatever it contains."""
    return "'" + word.replace("'", "'\\''") + "'"


def check_printable(words: Sequence[str]) -> None:
    """The kernel's command line is printable ASCII on one line."""
    for word in words:
        if not all(" " <= character <= "~" for character in word):
            raise UserError(f"not printable ASCII, so not a word for the kernel: {word!r}")


def grub_cfg(words: Sequence[str], commands: Sequence[str], pixels: bool) -> str:
    """GRUB's configuration: the extra commands, then straight into the kernel."""
    drivers = ["insmod all_video"] if pixels else []
    # After the multiboot2 command, which sets it to what the kernel's header prefers.
    mode = f"set gfxpayload={_PIXELS if pixels else 'text'}"
    kernel = " ".join(["multiboot2", "/boot/rootmode.elf", *map(_quote, words)])
    return "\n".join(["set timeout=0", *drivers, *commands, kernel, mode, "boot", ""])


def make_iso(
    iso: Path, kernel: Path, words: Sequence[str], commands: Sequence[str], pixels: bool
) -> None:
    """Writes the ISO."""
    check_printable(words)
    with tempfile.TemporaryDirectory(prefix="rootmode-iso-") as work:
        grub = Path(work) / "tree" / "boot" / "grub"
        grub.mkdir(parents=True)
        shutil.copyfile(kernel, grub.parent / "rootmode.elf")
        (grub / "grub.cfg").write_text(grub_cfg(words, commands, pixels), encoding="ascii")
        try:
            # From within the folder: xorriso takes a "=" in a source's path for a separator.
            made = subprocess.run(
                ["grub-mkrescue", f"--install-modules={_MODULES}", "--fonts=", "--locales=",
                 "--themes=", "-o", str(iso.absolute()), "tree", "--", "-volid", "ROOTMODE"],
                cwd=work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
            )  # fmt: skip
        except FileNotFoundError as error:
            raise UserError(f"cannot make the ISO: {error}") from error
    if made.returncode != 0 or not iso.exists():
        raise UserError(f"{made.stdout}\ngrub-mkrescue failed")

"""A small hybrid ISO: BIOS and UEFI, CD and USB stick, with GRUB and the kernel."""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from machine.errors import UserError
from machine.grub import modules_for
from machine.plan import Guest

# GRUB's time in an emulator grows with the bytes that it loads: no fonts, no themes, and only the
# modules needed. The images ask for every partition map by name, and complain without one.
MODULES = (
    "normal multiboot2 rdmsr wrmsr iorw memrw all_video serial terminal test "
    "part_acorn part_amiga part_apple part_bsd part_dfly part_dvh part_gpt part_msdos part_plan "
    "part_sun part_sunpc"
).split()
_PIXELS = "1024x768x32,auto"


def _quote(word: str) -> str:
    """The word as one of GRUB's words, whatever it contains."""
    return "'" + word.replace("'", "'\\''") + "'"


def check_printable(words: Sequence[str]) -> None:
    """The kernel's command line is printable ASCII on one line."""
    for word in words:
        if not all(" " <= character <= "~" for character in word):
            raise UserError(f"not printable ASCII, so not a word for the kernel: {word!r}")


def check_programs() -> None:
    """Raises UserError where a program that makes the ISO is missing."""
    for program in ("grub-mkrescue", "xorriso", "mformat", "strip"):
        if not shutil.which(program):
            raise UserError(f"{program} is not installed: tools/setup build")


# The entries of the menu: a title, and words of the kernel's command line. The refusals show what a
# wrong IA32_VMX_BASIC looks like; pretend= never reaches the hardware.
MENU = (
    ("VMX on every CPU, and a short guest", ()),
    ("All built-in guests", ("guest=all",)),
    ("Self-test: failures of VMX instructions, provoked and compared", ("selftest",)),
    ("A refusal to look at: VMCSs in uncacheable memory", ("pretend=0x480:0x00c010000000002b",)),
    ("A refusal to look at: CPU 1 differs", ("pretend=cpu1:0x480:0x00d80400000000ff",)),
)
_MENU_SECONDS = 3


def _boot_lines(words: Sequence[str], pixels: bool, modules: Sequence[str] = ()) -> list[str]:
    kernel = " ".join(["multiboot2", "/boot/rootmode.elf", *map(_quote, words)])
    # After the multiboot2 command, which sets it to what the kernel's header prefers.
    return [kernel, *modules, f"set gfxpayload={_PIXELS if pixels else 'text'}"]


def menu_cfg(words: Sequence[str], commands: Sequence[str], pixels: bool) -> str:
    """
    GRUB's configuration with a menu, on the screen and the first serial port. UEFI's console goes
    to a serial port by itself where its setup says so.
    """
    entries = []
    for title, more in MENU:
        entries += [
            f"menuentry '{title}' {{",
            *(f"    {line}" for line in _boot_lines((*words, *more), pixels)),
            "}",
        ]
    return "\n".join(
        [
            f"set timeout={_MENU_SECONDS}",
            'if [ "$grub_platform" = pc ]; then',
            "    if serial --unit=0 --speed=115200; then",
            "        terminal_input console serial",
            "        terminal_output console serial",
            "    fi",
            "fi",
            *(["insmod all_video"] if pixels else []),
            *commands,
            *entries,
            "",
        ]
    )


def grub_cfg(
    words: Sequence[str], commands: Sequence[str], pixels: bool, modules: Sequence[str] = ()
) -> str:
    """GRUB's configuration: the extra commands, then straight into the kernel."""
    drivers = ["insmod all_video"] if pixels else []
    lines = _boot_lines(words, pixels, modules)
    return "\n".join(["set timeout=0", *drivers, *commands, *lines, "boot", ""])


def native_cfg(guest: Guest) -> str:
    """GRUB's configuration: the guest's kernel alone, by GRUB's own loader."""
    kernel = " ".join(["linux", "/boot/guest-0", *map(_quote, guest.words.split())])
    return "\n".join(["set timeout=0", kernel, "initrd /boot/guest-1", "boot", ""])


def _copy_guest(guest: Guest, folder: Path) -> list[str]:
    """Its files to the folder, and GRUB's commands that load them: words without the file's name."""
    lines = []
    for number, (file, words) in enumerate(guest.files()):
        shutil.copyfile(file, folder / f"guest-{number}")
        lines.append(" ".join(["module2", *["--nounzip"] * (number > 0), f"/boot/guest-{number}", *map(_quote, words.split())]))
    return lines


def _copy_stripped(kernel: Path, copy: Path) -> None:
    """GRUB loads what a debugger wants, too: six sevenths of the file, a third of its time."""
    shutil.copyfile(kernel, copy)
    done = subprocess.run(["strip", str(copy)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise UserError(f"cannot strip {kernel}: {done.stderr.strip()}")


def make_iso(
    iso: Path, kernel: Path, words: Sequence[str], commands: Sequence[str], pixels: bool,
    menu: bool = False, guest: Guest | None = None,
) -> None:  # fmt: skip
    """Writes the ISO: one for a person has a menu, one for a machine of ours has nobody to ask."""
    check_printable(words)
    with tempfile.TemporaryDirectory(prefix="rootmode-iso-") as work:
        grub = Path(work) / "tree" / "boot" / "grub"
        grub.mkdir(parents=True)
        _copy_stripped(kernel, grub.parent / "rootmode.elf")
        modules = [*MODULES, *modules_for(commands)]
        if guest and guest.native:
            _copy_guest(guest, grub.parent)
            cfg = native_cfg(guest)
            modules.append("linux")
        elif menu:
            cfg = menu_cfg(words, commands, pixels)
        else:
            cfg = grub_cfg(words, commands, pixels, _copy_guest(guest, grub.parent) if guest else ())
        (grub / "grub.cfg").write_text(cfg, encoding="ascii")
        try:
            # From within the folder: xorriso takes a "=" in a source's path for a separator.
            made = subprocess.run(
                ["grub-mkrescue", f"--install-modules={' '.join(dict.fromkeys(modules))}", "--fonts=", "--locales=",
                 "--themes=", "-o", str(iso.absolute()), "tree", "--", "-volid", "ROOTMODE"],
                cwd=work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
            )  # fmt: skip
        except FileNotFoundError as error:
            raise UserError(f"cannot make the ISO: {error}") from error
    if made.returncode != 0 or not iso.exists():
        raise UserError(f"{made.stdout}\ngrub-mkrescue failed")

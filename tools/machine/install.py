"""
tools/install: puts Rootmode into this machine's GRUB, beside what it boots, or takes it away again.

Exit status: 0 done, 2 wrong use, or refused.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from machine.build import KERNEL, ROOT, build_kernel
from machine.errors import Exit, UserError, in_words
from machine.options import Parser
from machine.terminal import Progress, say

_SCRIPT = ROOT / "tools" / "grub" / "42_rootmode"
# Of the UEFI's global variables: four bytes of attributes, then the value.
_SECURE_BOOT = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"


def parser() -> argparse.ArgumentParser:
    """The command line of tools/install."""
    result = Parser(
        prog="tools/install",
        description="Adds entries to this machine's GRUB that start its own kernels on Rootmode, never as the default.",
        epilog="Exit status: 0 done, 2 wrong use, or refused.",
    )
    what = result.add_mutually_exclusive_group(required=True)
    what.add_argument("--grub", action="store_true", help="write /etc/grub.d/42_rootmode and /boot/rootmode.elf")
    what.add_argument("--remove", action="store_true", help="take both away again")
    result.add_argument("--kernel", type=Path, metavar="FILE", help="this one, instead of one that is built now")
    result.add_argument(
        "--root", type=Path, default=Path("/"), metavar="DIR", help="the system that is mounted there; GRUB is not told"
    )
    return result


def secure_boot(root: Path) -> bool:
    """Is it on? GRUB then loads nothing that is not signed, and Rootmode is not."""
    try:
        value = (root / _SECURE_BOOT).read_bytes()
    except OSError:
        return False
    return value[4:5] == b"\x01"


def _update(root: Path) -> None:
    """GRUB's menu anew, where it is this machine's."""
    if root == Path("/"):
        subprocess.run(["update-grub"], check=True)


def _entries(root: Path, script: Path) -> list[str]:
    """The ids of the entries that the script makes of GRUB's menu as it is now."""
    made = subprocess.run(
        [script, root / "boot/grub/grub.cfg"], capture_output=True, text=True, check=True
    ).stdout
    return [line.split("'")[3] for line in made.splitlines() if line.startswith("menuentry")]


def _install(root: Path, kernel: Path) -> None:
    if not (root / "boot/grub/grub.cfg").is_file():
        raise UserError(f"{root / 'boot/grub/grub.cfg'}: no such file: GRUB does not boot this system")
    entries = _entries(root, _SCRIPT)
    if not entries:
        raise UserError("no entry of GRUB's menu starts a Linux kernel with one initrd, or none")
    shutil.copyfile(kernel, root / "boot" / KERNEL)
    script = root / "etc/grub.d" / _SCRIPT.name
    shutil.copyfile(_SCRIPT, script)
    script.chmod(0o755)
    _update(root)
    say(f"tools/install: wrote {script} and {root / 'boot' / KERNEL}")
    say(f"tools/install: for one try:  grub-reboot '{entries[0]}' && reboot")
    say("tools/install: the entry that GRUB starts by itself is as before; --remove takes all of it away")


def _remove(root: Path) -> None:
    files = (root / "etc/grub.d" / _SCRIPT.name, root / "boot" / KERNEL)
    found = [file for file in files if file.exists()]
    for file in found:
        file.unlink()
    if not found:
        say("tools/install: there is nothing to remove")
        return
    _update(root)
    say(f"tools/install: removed {' and '.join(str(file) for file in found)}")


def _run(options: argparse.Namespace) -> Exit:
    root: Path = options.root
    if root == Path("/") and os.geteuid() != 0:
        raise UserError("only root can change GRUB's menu")
    if options.remove:
        _remove(root)
        return Exit.OK
    if secure_boot(root):
        raise UserError("Secure Boot is on: GRUB would not load Rootmode, which nobody has signed; turn it off first")
    _install(root, options.kernel or build_kernel(Progress("tools/install"), core=False))
    return Exit.OK


def main() -> int:
    """The command."""
    options = parser().parse_args()
    try:
        return _run(options)
    except (UserError, OSError, subprocess.CalledProcessError) as error:
        say(f"tools/install: {in_words(error)}")
        return Exit.WRONG_USE


if __name__ == "__main__":
    sys.exit(main())

"""tools/install: GRUB's entries on Rootmode, made of the machine's own."""

import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from machine.build import ROOT

# As Debian 12's grub-mkconfig writes it, on a machine whose /boot is a file system of its own (abridged).
_MENU = """\
set default="0"
menuentry 'Debian GNU/Linux' --class debian --class os $menuentry_id_option 'gnulinux-simple-1234' {
\tload_video
\tinsmod gzio
\tif [ x$grub_platform = xxen ]; then insmod xzio; insmod lzopio; fi
\tinsmod part_gpt
\tinsmod ext2
\tsearch --no-floppy --fs-uuid --set=root 1234
\techo\t'Loading Linux 6.1.0-13-amd64 ...'
\tlinux\t/vmlinuz-6.1.0-13-amd64 root=UUID=5678 ro  quiet
\techo\t'Loading initial ramdisk ...'
\tinitrd\t/initrd.img-6.1.0-13-amd64
}
submenu 'Advanced options for Debian GNU/Linux' $menuentry_id_option 'gnulinux-advanced-1234' {
\tmenuentry 'Debian GNU/Linux, with Linux 6.1.0-13-amd64' --class debian $menuentry_id_option 'gnulinux-6.1.0-13' {
\t\tlinux\t/vmlinuz-6.1.0-13-amd64 root=UUID=5678 ro  quiet
\t\tinitrd\t/initrd.img-6.1.0-13-amd64
\t}
\tmenuentry 'Debian GNU/Linux, with Linux 6.1.0-13-amd64 (recovery mode)' --class debian $menuentry_id_option 'r' {
\t\tlinux\t/vmlinuz-6.1.0-13-amd64 root=UUID=5678 ro single
\t\tinitrd\t/initrd.img-6.1.0-13-amd64
\t}
\tmenuentry 'Debian GNU/Linux, with Linux 6.1.0-12-amd64' --class debian $menuentry_id_option 'gnulinux-6.1.0-12' {
\t\tlinux\t/vmlinuz-6.1.0-12-amd64 root=UUID=5678 ro
\t}
\tmenuentry 'two of them' $menuentry_id_option 'two' {
\t\tlinux\t/vmlinuz-two root=UUID=5678
\t\tinitrd\t/intel-ucode.img /initrd-two.img
\t}
}
menuentry 'Windows' --class windows $menuentry_id_option 'osprober' {
\tchainloader /EFI/Microsoft/Boot/bootmgfw.efi
}
menuentry 'UEFI Firmware Settings' $menuentry_id_option 'uefi-firmware' {
\tfwsetup
}
"""
_FIRST = """\
menuentry 'Debian GNU/Linux, on Rootmode' --class os $menuentry_id_option 'rootmode-vmlinuz-6.1.0-13-amd64' {
\tload_video
\tinsmod gzio
\tif [ x$grub_platform = xxen ]; then insmod xzio; insmod lzopio; fi
\tinsmod part_gpt
\tinsmod ext2
\tsearch --no-floppy --fs-uuid --set=root 1234
\techo\t'Loading Linux 6.1.0-13-amd64 ...'
\tmultiboot2\t/rootmode.elf
\tmodule2\t--nounzip /vmlinuz-6.1.0-13-amd64 root=UUID=5678 ro  quiet
\techo\t'Loading initial ramdisk ...'
\tmodule2\t--nounzip /initrd.img-6.1.0-13-amd64
}
"""
_SECOND = """\
menuentry 'Debian GNU/Linux, with Linux 6.1.0-12-amd64, on Rootmode' --class os $menuentry_id_option \
'rootmode-vmlinuz-6.1.0-12-amd64' {
\tmultiboot2\t/rootmode.elf
\tmodule2\t--nounzip /vmlinuz-6.1.0-12-amd64 root=UUID=5678 ro
}
"""
_SECURE_BOOT = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"


class Install(unittest.TestCase):
    """In a folder that stands for the machine's file system."""

    def setUp(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.root = Path(self._folder.name)
        self.addCleanup(self._folder.cleanup)
        for name in ("boot/grub", "etc/grub.d", str(Path(_SECURE_BOOT).parent)):
            (self.root / name).mkdir(parents=True)
        self.menu = self.root / "boot/grub/grub.cfg"
        self.menu.write_text(_MENU, encoding="utf-8")
        self.kernel = self.root / "kernel"
        self.kernel.write_bytes(b"Rootmode")
        self.script = self.root / "etc/grub.d/42_rootmode"

    def install(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """tools/install."""
        return subprocess.run(
            [ROOT / "tools" / "install", "--root", self.root, "--kernel", self.kernel, *arguments],
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def test_there_and_back(self) -> None:
        """What GRUB is given for each kernel, once; then nothing is left."""
        done = self.install("--grub")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertIn("grub-reboot 'rootmode-vmlinuz-6.1.0-13-amd64'", done.stderr)
        self.assertEqual((self.root / "boot/rootmode.elf").read_bytes(), b"Rootmode")
        self.assertEqual(self.script.stat().st_mode & 0o777, 0o755)
        made = subprocess.run([self.script, self.menu], capture_output=True, text=True, check=True).stdout
        self.assertEqual(made, _FIRST + _SECOND)
        if shutil.which("grub-script-check"):
            subprocess.run(["grub-script-check"], input=made, text=True, check=True)
        # Of the menu with those entries in it come the same ones again.
        self.menu.write_text(_MENU + made, encoding="utf-8")
        again = subprocess.run([self.script, self.menu], capture_output=True, text=True, check=True).stdout
        self.assertEqual(again, made)
        self.assertEqual(self.install("--remove").returncode, 0)
        self.assertFalse(self.script.exists() or (self.root / "boot/rootmode.elf").exists())
        self.assertIn("nothing to remove", self.install("--remove").stderr)

    def test_words_for_rootmode(self) -> None:
        """They stand behind its name."""
        environment = {"ROOTMODE_WORDS": "hypervisor=hidden report=json", "PATH": "/usr/bin:/bin"}
        script = ROOT / "tools" / "grub" / "42_rootmode"
        made = subprocess.run([script, self.menu], env=environment, capture_output=True, text=True, check=True).stdout
        self.assertIn("\tmultiboot2\t/rootmode.elf hypervisor=hidden report=json\n", made)

    def test_refusals(self) -> None:
        """Nothing is written where GRUB would not load it, or has nothing to start on it."""
        secure = self.root / _SECURE_BOOT
        for attributes_and_value, refused in ((b"\6\0\0\0\1", True), (b"\6\0\0\0\0", False), (b"\1", False)):
            secure.write_bytes(attributes_and_value)
            done = self.install("--grub")
            self.assertEqual(done.returncode, 2 if refused else 0)
            self.assertEqual("Secure Boot is on" in done.stderr, refused)
            self.assertEqual(self.script.exists(), not refused)
            self.install("--remove")
        self.menu.write_text(_MENU[_MENU.index("menuentry 'Windows'") :], encoding="utf-8")
        self.assertEqual(self.install("--grub").returncode, 2)
        self.menu.unlink()
        done = self.install("--grub")
        self.assertIn("GRUB does not boot this system", done.stderr)
        self.assertFalse(self.script.exists())


if __name__ == "__main__":
    unittest.main()

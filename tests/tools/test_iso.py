"""What is written for GRUB means what was said, whatever the words contain."""

import subprocess
import unittest

from machine.errors import UserError
from machine.iso import check_printable, grub_cfg


class GrubConfigurationTest(unittest.TestCase):
    """grub_cfg(), read by GRUB's own parser and by a shell, whose quoting is the same."""

    WORDS = ("report=both", "a'b", '"$x`', "\\", ";|&{}", "#", "''")

    def test_words_arrive_whole(self) -> None:
        text = grub_cfg(self.WORDS, [], pixels=False)
        shell = "insmod() { :; }; multiboot2() { shift; printf '%s\\n' \"$@\"; }; boot() { :; }\n"
        done = subprocess.run(["sh", "-c", shell + text], capture_output=True, text=True, check=True)
        self.assertEqual(tuple(done.stdout.splitlines()), self.WORDS)

    def test_grub_accepts_it(self) -> None:
        for pixels in (False, True):
            text = grub_cfg(self.WORDS, ["wrmsr 0x3a 0x1"], pixels)
            done = subprocess.run(
                ["grub-script-check"], input=text, capture_output=True, text=True, check=False
            )
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_commands_come_before_the_kernel(self) -> None:
        lines = grub_cfg([], ["wrmsr 0x3a 0x1"], pixels=False).splitlines()
        self.assertLess(lines.index("wrmsr 0x3a 0x1"), lines.index("multiboot2 /boot/rootmode.elf"))

    def test_what_no_command_line_can_hold(self) -> None:
        for word in ("two\nlines", "ä", "\x1b"):
            with self.assertRaises(UserError):
                check_printable([word])

"""What is written for GRUB means what was said, whatever the words contain."""

import subprocess
import unittest
from pathlib import Path

from machine.errors import UserError
from machine.iso import MENU, MODULES, check_printable, grub_cfg, menu_cfg
from machine.words import complaint


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


class MenuTest(unittest.TestCase):
    """menu_cfg(): what --iso-only writes for a person."""

    def test_grub_accepts_it(self) -> None:
        for pixels in (False, True):
            text = menu_cfg(("a'b", "exit=halt"), ["wrmsr 0x3a 0x1"], pixels)
            done = subprocess.run(
                ["grub-script-check"], input=text, capture_output=True, text=True, check=False
            )
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_an_entry_has_its_words_behind_those_of_all(self) -> None:
        lines = [line.strip() for line in menu_cfg(("exit=halt",), [], False).splitlines()]
        kernels = [line for line in lines if line.startswith("multiboot2 ")]
        self.assertEqual(len(kernels), len(MENU))
        for line, (title, words) in zip(kernels, MENU):
            quoted = "".join(f" '{word}'" for word in words)
            self.assertEqual(line, f"multiboot2 /boot/rootmode.elf 'exit=halt'{quoted}")
            self.assertIn(f"menuentry '{title}' {{", lines)
            self.assertEqual([complaint(word) for word in words], [""] * len(words))
            self.assertLessEqual(len(title), 70)  # of the 80 columns of a terminal
        self.assertEqual(MENU[0][1], ())  # what is taken after the three seconds
        self.assertIn("set timeout=3", lines)

    def test_both_forms_of_grub_have_the_modules(self) -> None:
        for folder in ("i386-pc", "x86_64-efi"):
            for module in MODULES:
                self.assertTrue(Path(f"/usr/lib/grub/{folder}/{module}.mod").is_file(), module)

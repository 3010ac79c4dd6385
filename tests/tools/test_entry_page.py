"""The page "Why did my VM entry fail?" in a real browser: its answers are the command line's."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any

from machine.build import ROOT, build
from machine.terminal import Progress
from tools.browser import Browser
from tools.test_page import CONTRAST, DESKTOP, PHONE, PICTURES

FIXTURES = sorted((ROOT / "tests" / "fuzz" / "corpus" / "vmcs_text").iterdir())
HASWELL = "ilx-306c3-haswell-cpuid"
BOCHS = "bochs-2-7-corei7-haswell-4770"
TEXT = "h1, p, label, a, button, select, textarea, pre, #verdict"
MSRS = "the MSRs given"  # what the page calls them: also the file's name here


def program_of(variable: str, folder: str, name: str) -> Path:
    """As the other tests' programs: one that is given, or one that is built."""
    given = os.environ.get(variable)
    if given:
        return Path(given)
    return build("default", [name], Progress("tools")) / "tools" / folder / name


class EntryPageTest(unittest.TestCase):
    """One browser for all; the page is loaded anew for each test."""

    vmcheck: Path
    browser: Browser
    _folder: tempfile.TemporaryDirectory[str]

    @classmethod
    def setUpClass(cls) -> None:
        cls.vmcheck = program_of("VMCHECK", "entry", "vmcheck")
        cls._folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls._folder.cleanup)
        vmxcap = program_of("VMXCAP", "capability", "vmxcap")
        subprocess.run([vmxcap, "--html", cls._folder.name], check=True, capture_output=True, timeout=60)
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)

    def setUp(self) -> None:
        self.browser.size(*DESKTOP)
        self.browser.prefer("light")
        self.browser.open("about:blank")
        self.browser.requests()
        self.browser.console()
        self.open()

    def tearDown(self) -> None:
        """No word of complaint, and nothing asked of anybody."""
        self.assertEqual(self.browser.console(), [])
        asked = self.browser.requests()
        self.assertEqual([url for url in asked if not url.startswith(("file://", "data:,", "about:"))], [])

    def open(self, part: str = "") -> None:
        """The page is ready when the engine is."""
        self.browser.open(f"file://{self._folder.name}/entry.html{part}")
        self.browser.run(
            "return new Promise((done) => { const look = () => document.body.dataset.ready ?"
            " done(true) : setTimeout(look, 10); look(); })"
        )

    def evaluate(self, script: str, *arguments: Any) -> Any:
        return self.browser.run(f"return {script}", *arguments)

    def answer(self) -> str:
        return str(self.evaluate("answer.textContent"))

    def paste(self, text: str, row: str = "", json: bool = False) -> str:
        """The answer to a text that was pasted, on this row of the corpus."""
        self.browser.run(
            "cpu.value = arguments[1] === '' ? '-1' :"
            " cpu.querySelector(`[data-id='${arguments[1]}']`).value;"
            "document.getElementById('json').checked = arguments[2];"
            "dump.value = arguments[0]; render();", text, row, json,
        )  # fmt: skip
        return self.answer()

    def command(self, file: Path, *words: str) -> str:
        done = subprocess.run(
            [self.vmcheck, *words, file], capture_output=True, text=True, check=False, timeout=60
        )
        return done.stdout

    def test_answers_are_those_of_the_command_line(self) -> None:
        """Each fixture, on all CPUs, on one, on an emulator's model, and as JSON."""
        self.assertGreaterEqual(len(FIXTURES), 6)
        for file in FIXTURES:
            text = file.read_bytes().decode("utf-8")
            with self.subTest(file.name):
                self.assertEqual(self.paste(text), self.command(file))
                self.assertEqual(self.paste(text, HASWELL), self.command(file, "--cpu", HASWELL))
                self.assertEqual(self.paste(text, BOCHS), self.command(file, "--cpu", BOCHS))
                self.assertEqual(self.paste(text, json=True), self.command(file, "--json"))
                self.assertNotEqual(self.answer(), "")

    def test_msrs_can_be_pasted(self) -> None:
        """The CPU is the one with these values; what cannot be read is said, with the line."""
        values = Path(self._folder.name) / MSRS
        values.write_text("0x480=0xda040000000012\n0x48d=0x7f00000016\n", encoding="utf-8")
        fixture = Path(self._folder.name) / "pin.txt"
        fixture.write_text("PIN_BASED_VM_EXEC_CONTROL = 0x96\n", encoding="utf-8")
        ask = "msrs.value = arguments[0]; cpu.value = '-2'; dump.value = arguments[1]; render()"
        self.browser.run(ask, values.read_text(encoding="utf-8"), fixture.read_text(encoding="utf-8"))
        self.assertEqual(self.answer(), self.command(fixture, "--msrs", str(values)))
        self.assertIn("pin-must-be-0", self.answer())
        self.browser.run(ask, "0x480=zz", "GUEST_RFLAGS = 0")
        self.assertIn("could not be read", self.evaluate("verdict.textContent"))

    def test_pasted_msrs_stand_beside_the_others(self) -> None:
        """As a row of the page of the corpus, the same as of a file that vmxcap was given."""
        values = Path(self._folder.name) / MSRS
        values.write_text("0x480=0xda040000000012\n0x48d=0x7f00000016\n", encoding="utf-8")
        self.browser.run(
            "cpu.value = '-2'; msrs.value = arguments[0]; render()", values.read_text(encoding="utf-8")
        )
        self.browser.click("#beside")
        row = "JSON.stringify(corpus.rows.find((row) => row.kind === 'given'))"
        pasted = self.evaluate(row)
        self.assertEqual(self.evaluate("document.getElementById('dialog-title').textContent"), MSRS)
        self.assertEqual(self.evaluate("KINDS[0].title"), "Given")
        with tempfile.TemporaryDirectory() as folder:
            vmxcap = program_of("VMXCAP", "capability", "vmxcap")
            subprocess.run([vmxcap, "--html", folder, values], check=True, capture_output=True, timeout=60)
            self.browser.open(f"file://{folder}/index.html")
            self.assertEqual(self.evaluate(row), pasted)
        self.browser.open(f"file://{self._folder.name}/index.html?bad#msrs=0x480%3Dzz")
        self.assertIn("line 1 of the MSRs", self.evaluate("document.getElementById('about').textContent"))

    def test_noise_and_nothing(self) -> None:
        self.assertEqual(self.paste("nothing here: 17\n"), "")
        self.assertIn("No field of a VMCS", self.evaluate("verdict.textContent"))
        self.assertEqual(self.paste(""), "")
        self.assertEqual(self.evaluate("verdict.textContent"), "")

    def test_the_keyboard_is_enough(self) -> None:
        """The example by its button, the CPU by its name, and more text typed: the answer follows."""
        self.evaluate("document.getElementById('example').focus()")
        self.browser.press("Enter")
        self.assertTrue(self.evaluate("document.activeElement === dump"))
        self.assertIn("guest-rflags-bit-1", self.answer())
        self.browser.press("x", "\ue004")  # Tab
        self.assertTrue(self.evaluate("document.activeElement === cpu"))
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        self.assertEqual(self.evaluate(outline), "solid")
        self.browser.press("ArrowDown")
        self.assertFalse(self.evaluate("document.getElementById('msrs-part').hidden"))
        self.assertIn("Broken: ", self.paste("GUEST_RFLAGS = 0", HASWELL))
        self.browser.type("#dump", "GUEST_RFLAGS = 2")
        told = "new Promise((done) => setTimeout(() => done(verdict.textContent), 400))"
        self.assertEqual(self.evaluate(told), "No rule is broken that could be checked")

    def test_a_link_chooses_the_cpu(self) -> None:
        self.open(f"?a#cpu={HASWELL}")
        self.assertEqual(self.evaluate("cpu.selectedOptions[0].dataset.id"), HASWELL)
        self.browser.open(f"file://{self._folder.name}/index.html")
        self.browser.click("header a")
        self.assertIn("entry.html", self.evaluate("location.href"))

    def test_light_dark_and_phone(self) -> None:
        """Text stands out from its ground; nothing is wider than a phone."""
        text = FIXTURES[0].read_bytes().decode("utf-8")
        for scheme in ("light", "dark"):
            self.browser.prefer(scheme)
            for name, size in (("desktop", DESKTOP), ("phone", PHONE)):
                self.browser.size(*size, phone=name == "phone")
                self.open(f"?{scheme}{name}")
                self.assertNotEqual(self.paste(text), "")
                with self.subTest(scheme=scheme, size=name):
                    self.assertEqual(self.browser.run(CONTRAST, TEXT), [])
                    self.assertEqual(self.evaluate("document.documentElement.scrollWidth"), size[0])
                self.browser.screenshot(PICTURES / f"entry-{scheme}-{name}.png")
        colour = "getComputedStyle(document.body).backgroundColor"
        dark = self.evaluate(colour)
        self.browser.click("#theme")
        self.assertNotEqual(self.evaluate(colour), dark)


if __name__ == "__main__":
    unittest.main()

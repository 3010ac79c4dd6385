"""The page that `vmxcap --html` writes, in a real browser: as a person uses it, and as it looks."""

import csv
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any

from machine.build import ROOT, build
from machine.terminal import Progress
from tools.browser import Browser

CSV = ROOT / "tests" / "data" / "vmx-msrs" / "vmx-msrs.csv"
PICTURES = ROOT / "build" / "test-logs"
SANDY_BRIDGE = "ilx-206d5-sandybridgeep-cpuid"
HASWELL = "ilx-306c3-haswellxeon-cpuid"
T2600 = "vboxdb-core-duo-t2600"  # 32-bit only: refused
DESKTOP, PHONE = (1440, 900), (390, 844)

# Contrast of the text of an element against the nearest ground that is painted behind it (WCAG 2).
CONTRAST = """
const numbers = (colour) => colour.match(/[0-9.]+/g).map(Number);
const ground = (element) => {
  for (let at = element; at !== null; at = at.parentElement) {
    const [r, g, b, a = 1] = numbers(getComputedStyle(at).backgroundColor);
    if (a === 1) return [r, g, b];
  }
  return [255, 255, 255];
};
const light = (rgb) => {
  const [r, g, b] = rgb.map((part) => part / 255)
    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const poor = [];
for (const element of document.querySelectorAll(arguments[0])) {
  if (element.getClientRects().length === 0) continue;
  const pair = [light(numbers(getComputedStyle(element).color).slice(0, 3)), light(ground(element))];
  const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
  if (ratio < 4.5) poor.push(`${element.className || element.tagName}: ${ratio.toFixed(2)}`);
}
return [...new Set(poor)];
"""
TEXT = "h1, h2, h3, p, small, button, label, .name, .run, .verdict, .state, .top span, dt, dd, code"


class PageTest(unittest.TestCase):
    """One browser for all; the page is loaded anew for each test."""

    program: Path
    browser: Browser
    _folder: tempfile.TemporaryDirectory[str]

    @classmethod
    def setUpClass(cls) -> None:
        given = os.environ.get("VMXCAP")
        cls.program = (
            Path(given)
            if given
            else build("default", ["vmxcap"], Progress("tools")) / "tools" / "capability" / "vmxcap"
        )
        cls._folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls._folder.cleanup)
        cls.run_it("--html", cls._folder.name)
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)

    @classmethod
    def run_it(cls, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [cls.program, *words], capture_output=True, text=True, check=True, timeout=60
        )

    def setUp(self) -> None:
        self.browser.size(*DESKTOP)
        self.browser.prefer("light")
        self.browser.open("about:blank")
        self.browser.requests()
        self.browser.console()
        self.open()

    def tearDown(self) -> None:
        """Whatever a test did: no word of complaint, and nothing asked of anybody."""
        self.assertEqual(self.browser.console(), [])
        asked = self.browser.requests()
        self.assertIn(f"file://{self._folder.name}/data.js", asked)
        strange = [url for url in asked if not url.startswith(("file://", "data:,", "about:"))]
        self.assertEqual(strange, [])

    def open(self, part: str = "") -> None:
        self.browser.open(f"file://{self._folder.name}/index.html{part}")

    def count(self, selector: str) -> int:
        return int(self.browser.run("return document.querySelectorAll(arguments[0]).length", selector))

    def text(self, selector: str) -> str:
        """What is new has a text from the next frame on: `content-visibility` waits for that."""
        return str(self.browser.run(
            "return new Promise((told) => requestAnimationFrame(() => requestAnimationFrame("
            "() => told(document.querySelector(arguments[0]).innerText))))", selector
        ))  # fmt: skip

    def evaluate(self, script: str, *arguments: Any) -> Any:
        return self.browser.run(f"return {script}", *arguments)

    def shot(self, name: str) -> None:
        self.browser.screenshot(PICTURES / f"page-{name}.png")

    def filter(self, text: str) -> None:
        """As if it had been pasted: typing is slower, and tested once."""
        self.browser.run(
            "filter.value = arguments[0]; filter.dispatchEvent(new Event('input'))", text
        )

    def mark(self, row: str) -> None:
        """Ticks a CPU by the box before its name, with the pointer."""
        self.filter(row)
        self.assertEqual(self.count(".cpu"), 1)
        self.browser.click(".cpu .mark")

    def test_every_cpu_and_every_feature_has_its_place(self) -> None:
        with CSV.open(encoding="utf-8", newline="") as file:
            ids = {row["id"] for row in csv.DictReader(file)}
        told = self.run_it("--features").stdout.splitlines()
        features = {line.split()[0] for line in told if not line.startswith(" ")}
        self.assertEqual(self.count(".cpu"), 0)
        self.shot("light")
        self.browser.click("#expand")
        shown = self.evaluate("[...document.querySelectorAll('.cpu')].map((line) => line.cpu.id)")
        self.assertEqual((set(shown), len(shown)), (ids, len(ids)))
        columns = self.evaluate("features.map((feature) => feature.id)")
        self.assertEqual((set(columns), len(columns)), (features, len(features)))
        self.assertEqual(self.count(".cpu .c"), len(ids) * len(features))

    def test_generations_stand_in_the_order_of_time(self) -> None:
        names = self.evaluate("[...document.querySelectorAll('.section .name')].map((e) => e.innerText)")
        known = [names.index(name) for name in ("Yonah", "Nehalem", "Haswell", "Skylake", "Wildcat Lake")]
        self.assertEqual(known, sorted(known))

    def test_the_filter_takes_names_of_cpus_and_of_features(self) -> None:
        with CSV.open(encoding="utf-8", newline="") as file:
            wanted = [row["id"] for row in csv.DictReader(file)
                      if re.search(r"\bceleron", row["cpu"], re.I)]  # fmt: skip
        self.assertGreater(len(wanted), 3)
        self.browser.type("#filter", "celeron")
        self.assertEqual(self.count(".cpu"), len(wanted))
        self.filter("celeron invvpid")
        self.assertEqual(self.count(".cpu"), len(wanted))
        self.assertEqual(self.count(".names .c"), 5)  # INVVPID itself and its four types
        self.filter("nothing-has-this-name")
        self.assertEqual(self.count(".cpu, .section"), 0)
        self.assertIn("Nothing is called", self.text("#status"))

    def test_an_expression_finds_what_vmxcap_finds(self) -> None:
        for expression in (
            "secondary.ept && !secondary.unrestricted-guest",
            "!(ept.1g-pages || pin.preemption-timer) && basic.true-controls",
            "!feature-control.lock",
            "tertiary.hlat || exit2.load-fred",
        ):
            with self.subTest(expression):
                found = self.run_it("--find", expression)
                ids = sorted(line.split()[0] for line in found.stdout.splitlines())
                self.filter(expression)
                shown = self.evaluate(
                    "[...filterBy(arguments[0], state.kinds).rows].map((row) => row.id).sort()",
                    expression,
                )
                self.assertEqual(shown, ids)
                self.assertIn(f"{len(ids)} of 278 CPUs offer this", self.text("#status"))
                unknown = re.search(r"of (\d+) more", found.stderr)
                if unknown:
                    self.assertIn(f"of {unknown[1]} more it is not recorded", self.text("#status"))

    def test_a_torn_expression_finds_nothing(self) -> None:
        for expression in ("secondary.ept &&", "(secondary.ept", "!secondary.nonsense"):
            self.filter(expression)
            self.assertEqual(self.count(".cpu, .section"), 0, expression)
            self.assertIn("Nothing is called", self.text("#status"))

    def test_two_cpus_show_their_difference(self) -> None:
        self.mark(SANDY_BRIDGE)
        self.assertIn("Choose a second CPU", self.text("#compare"))
        self.mark(HASWELL)
        self.assertTrue(self.evaluate("document.querySelector('#dialog').open"))
        for feature, a, b in (
            ("secondary.vm-functions", "0 only", "0 or 1"),
            ("ept.accessed-dirty", "no", "yes"),
        ):
            cells = self.evaluate(
                "[...document.querySelectorAll(`#dialog [data-feature='${arguments[0]}'] td`)]"
                ".map((cell) => cell.innerText)", feature,
            )  # fmt: skip
            self.assertEqual(cells, [a, b], feature)
        self.shot("difference")
        self.browser.press("Escape")
        self.assertFalse(self.evaluate("document.querySelector('#dialog').open"))

    def test_a_difference_is_the_one_that_vmxcap_tells(self) -> None:
        for a, b in (
            (SANDY_BRIDGE, HASWELL), (T2600, HASWELL), ("nested-gce-a", HASWELL),
            ("bochs-2-7-broadwell-ult", "qemu-10-2-2-kvm64-v1"),
        ):  # fmt: skip
            told = " ".join(self.run_it("--diff", a, b).stdout.split())
            wanted = set(re.findall(r"\[([a-z0-9-]+\.[a-z0-9-]+)[;\]]", told))
            self.assertGreater(len(wanted), 5)
            self.open(f"#diff={a},{b}")
            shown = self.evaluate(
                "[...document.querySelectorAll('#dialog [data-feature]')]"
                ".map((line) => line.dataset.feature)"
            )
            self.assertEqual(set(shown), wanted, (a, b))
            self.open()

    def test_a_cell_explains_itself(self) -> None:
        self.filter(f"{HASWELL} secondary.vmcs-shadowing")
        self.browser.hover(".cpu .c")
        self.assertFalse(self.evaluate("card.hidden"))
        for words in (
            "VMCS shadowing", "0 or 1", "the hypervisor chooses", "Haswell",
            "Secondary Processor-Based VM-Execution Controls", "IA32_VMX_PROCBASED_CTLS2",
        ):  # fmt: skip
            self.assertIn(words, self.text("#card"))
        self.shot("cell")
        self.browser.click(".cpu .c")
        self.browser.hover("h1")
        self.assertFalse(self.evaluate("card.hidden"), "a click keeps it open")
        self.browser.press("Escape")
        self.assertTrue(self.evaluate("card.hidden"))

    def test_what_rootmode_could_do_there(self) -> None:
        self.filter(T2600)
        self.assertEqual(self.text(".cpu .run"), "refused")
        self.browser.hover(".cpu .run")
        self.assertIn("exit.host-address-space-size", self.text("#card"))
        self.assertIn("refusal", self.text("#card"))
        self.filter("nested-gce-a")
        self.assertEqual(self.text(".cpu .run"), "incomplete")

    def test_the_keyboard_is_enough(self) -> None:
        self.browser.press("/")
        self.assertTrue(self.evaluate("document.activeElement === filter"))
        self.browser.press(*HASWELL)
        self.assertEqual(self.count(".cpu"), 1)
        self.evaluate("document.querySelector('#grid [tabindex=\"0\"]').focus()")
        self.browser.press("ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "ArrowRight")
        self.assertIn("VMX inside SMX", self.text("#card"))
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        self.assertEqual(self.evaluate(outline), "solid")
        self.browser.press("Escape")
        self.assertTrue(self.evaluate("card.hidden"))
        self.browser.press(" ")
        self.assertIn("Choose a second CPU", self.text("#compare"))
        self.browser.press("Home", "Enter")
        self.assertIn("E3-1245 v3", self.text("#dialog-title"))

    def test_light_and_dark(self) -> None:
        colour = "getComputedStyle(document.body).backgroundColor"
        light = self.evaluate(colour)
        self.browser.click("#theme")
        dark = self.evaluate(colour)
        self.assertNotEqual(light, dark)
        self.shot("dark")
        self.browser.prefer("dark")
        self.open("#none")
        self.browser.reload()
        self.assertEqual(self.evaluate(colour), dark)

    def test_text_stands_out_from_its_ground(self) -> None:
        for scheme in ("light", "dark"):
            self.browser.prefer(scheme)
            for part in ("", f"#cpu={T2600}", f"#diff={SANDY_BRIDGE},{HASWELL}"):
                self.open("?" + scheme + part)
                with self.subTest(scheme=scheme, part=part):
                    self.assertEqual(self.browser.run(CONTRAST, TEXT), [])

    def test_a_phone_shows_lists(self) -> None:
        self.browser.size(*PHONE, phone=True)
        self.open("?phone")
        self.assertEqual(self.evaluate("document.documentElement.scrollWidth"), PHONE[0])
        self.assertFalse(self.evaluate("document.querySelector('.section .c').checkVisibility()"))
        self.filter("haswell xeon")
        self.shot("phone")
        self.browser.click(".cpu .run")
        self.assertIn("Can Rootmode run here", self.text("#card"))
        self.browser.press("Escape")
        self.browser.click(".cpu .name")
        self.assertIn("Features", self.text("#dialog-body"))
        self.assertLessEqual(self.evaluate("dialog.scrollWidth"), PHONE[0])
        self.shot("phone-cpu")
        self.browser.press("Escape")
        self.browser.click("#view-features")
        self.assertEqual(self.evaluate("document.documentElement.scrollWidth"), PHONE[0])
        self.shot("phone-features")

    def test_it_stays_quick(self) -> None:
        """Every row open, a filter typed: no more than a person waits for without noticing much."""
        self.browser.click("#expand")
        milliseconds = self.evaluate(
            "(() => { const begin = performance.now(); render(); grid.getBoundingClientRect();"
            " return performance.now() - begin; })()"
        )
        self.assertLess(milliseconds, 3000)

    def test_own_values_stand_beside_the_corpus(self) -> None:
        dump = Path(self._folder.name) / "mine.txt"
        dump.write_text("0x480=0xda040000000012 0x481=0x7f00000016\n", encoding="ascii")
        folder = Path(self._folder.name) / "with-mine"
        self.run_it("--html", str(folder), str(dump))
        self.browser.open(f"file://{folder}/index.html#cpu=mine.txt")
        self.assertEqual(self.text("#dialog-title"), "mine.txt")
        self.assertIn("279 sets", self.text("#about"))
        self.assertEqual(self.text(".section .name"), "Given")


class PageFailures(unittest.TestCase):
    """What keeps the page from being written is told."""

    def test_a_folder_that_cannot_be_made(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            wanted = f"{folder}/missing/page"
            program = Path(
                os.environ.get("VMXCAP")
                or build("default", ["vmxcap"], Progress("tools")) / "tools" / "capability" / "vmxcap"
            )
            done = subprocess.run(
                [program, "--html", wanted], capture_output=True, text=True, check=False, timeout=60
            )
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr, f"vmxcap: {wanted}: No such file or directory\n")


if __name__ == "__main__":
    unittest.main()

"""The console is understood however its bytes are cut, coloured and ended."""

import unittest

from machine.build import ROOT
from machine.console import BEGIN, END, REPORT, Console

TEXT = (
    f"\x1b[1mhello\x1b[0m\r\n{BEGIN}\r\n" + '{"a":\r\n [1, 2]}' + f"\r\n{END}\r\n"
    "\x1b[32mverdict: ok\x1b[0m\r\n"
).encode()


def _console(hide_report: bool) -> tuple[Console, list[str]]:
    lines: list[str] = []
    return Console(lines.append, hide_report), lines


class ConsoleTest(unittest.TestCase):
    """Console.feed() in all the ways that bytes can come."""

    def test_every_cut(self) -> None:
        for cut in range(len(TEXT)):
            console, lines = _console(True)
            console.feed(TEXT[:cut])
            console.feed(TEXT[cut:])
            self.assertEqual(lines, ["\x1b[1mhello\x1b[0m", "\x1b[32mverdict: ok\x1b[0m"])
            self.assertEqual(console.report(), {"a": [1, 2]})
            self.assertEqual(console.verdict, "ok")
            self.assertTrue(console.ended)

    def test_report_is_shown_unless_hidden(self) -> None:
        console, lines = _console(False)
        console.feed(TEXT)
        self.assertEqual(len(lines), 6)

    def test_last_line_without_newline(self) -> None:
        console, _ = _console(False)
        console.feed(b"verdict: refused")
        self.assertFalse(console.ended)
        console.finish()
        self.assertEqual(console.verdict, "refused")

    def test_the_report_has_begun(self) -> None:
        page = (ROOT / "kernel" / "report" / "report_page.c").read_text(encoding="utf-8")
        self.assertIn(f"\\n{REPORT}\\n", page)
        console, _ = _console(False)
        console.feed(b"Rootmode\r\n")
        self.assertFalse(console.reporting)
        console.feed(f"\x1b[1m{REPORT}\x1b[0m\r\nmemory\r\n".encode())
        self.assertTrue(console.reporting)

    def test_halted(self) -> None:
        console, _ = _console(False)
        console.feed(b"Power off: the firmware's tables do not say how. Halted.\nverdict: ok\n")
        self.assertFalse(console.halted)
        console.feed(b"Power off: the machine did not obey. Halted.\n")
        self.assertTrue(console.halted)

    def test_verdict_is_a_line_of_its_own(self) -> None:
        console, _ = _console(False)
        console.feed(b"the verdict: ok\nverdict: okay\n")
        self.assertEqual(console.verdict, "")

    def test_verdict_with_a_remark(self) -> None:
        console, _ = _console(False)
        console.feed(b"\x1b[32mverdict: ok; not all was followed\x1b[0m\n")
        self.assertEqual(console.verdict, "ok")

    def test_verdict_within_the_report_does_not_count(self) -> None:
        console, _ = _console(False)
        console.feed(f"{BEGIN}\nverdict: ok\n".encode())
        self.assertEqual(console.verdict, "")
        self.assertFalse(console.ended)

    def test_panic_within_the_report(self) -> None:
        console, lines = _console(True)
        console.feed(f"{BEGIN}\n{{\nPANIC: page fault\nRIP 0x1\n".encode())
        self.assertEqual(lines, ["PANIC: page fault", "RIP 0x1"])
        self.assertEqual(console.panic, "PANIC: page fault")
        self.assertTrue(console.ended)

    def test_broken_reports(self) -> None:
        for text in (f"{BEGIN}\n{{}}\n", f"{BEGIN}\n{{\n{END}\n", "nothing\n"):
            console, _ = _console(True)
            console.feed(text.encode())
            with self.assertRaises(ValueError):
                console.report()

    def test_firmware_cannot_clear_the_screen(self) -> None:
        console, lines = _console(False)
        console.feed(b"\x1b[2J\x1b[01;01H\x1b[=3h\x1b[0mboot\x07\n")
        self.assertEqual(lines, ["\x1b[0mboot"])

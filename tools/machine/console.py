"""What the kernel says on its serial line, understood: lines, verdict, panic, report."""

import codecs
import json
import re
from collections.abc import Callable
from typing import Any

from machine.terminal import plain, without_control

BEGIN = "-----BEGIN ROOTMODE REPORT-----"
END = "-----END ROOTMODE REPORT-----"
REPORT = "The way here"  # the page's first line, kernel/report/report_page.c
_VERDICT = re.compile(r"verdict: (ok|refused)(;.*)?")  # behind the semicolon: what else to know

_LEFT = re.compile(r"without Rootmode the script ended with status (\d+)")  # tools/guest/init


class Console:
    """Takes the serial line's bytes as they come, gives complete lines to `show`."""

    def __init__(self, show: Callable[[str], None], hide_report: bool) -> None:
        self._show = show
        self._hide_report = hide_report
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._partial = ""
        self._in_report = False
        self._report: list[str] = []
        self.report_complete = False
        self.verdict = ""
        self.halted = False
        self.panic = ""
        self.last_line = ""
        self.reporting = False  # the page has begun, at whose end the verdict stands
        self.left_status: int | None = None  # the script's, where Rootmode has left the machine to its guest

    def feed(self, data: bytes) -> None:
        """More bytes of the serial line."""
        self._partial += self._decoder.decode(data).replace("\r", "")
        *lines, self._partial = self._partial.split("\n")
        for line in lines:
            self._line(line)

    def finish(self) -> None:
        """Nothing more will come: what stands on the last line is a line too."""
        if self._partial:
            self._line(self._partial)
            self._partial = ""

    def _line(self, line: str) -> None:
        text = plain(line).strip()
        if text == BEGIN:
            self._in_report, self._report, self.report_complete = True, [], False
        if text.startswith("PANIC: "):
            self.panic = self.panic or text
            self._in_report = False
        if self._in_report:
            if text == END:
                self._in_report, self.report_complete = False, True
            elif text != BEGIN:
                self._report.append(text)
            if not self._hide_report:
                self._show(without_control(line))
            return
        if found := _VERDICT.fullmatch(text):
            self.verdict = found[1]
        if found := _LEFT.fullmatch(text):
            self.left_status = int(found[1])
        self.halted = text.startswith("Power off: ") and text.endswith(" Halted.")
        self.reporting |= text == REPORT
        self.last_line = text or self.last_line
        self._show(without_control(line))

    @property
    def ended(self) -> bool:
        """Whether the kernel has said all that it had to say."""
        return bool(self.verdict or self.panic) and not self._in_report

    def report(self) -> Any:
        """The JSON report; ValueError says what is wrong with it."""
        if not self.report_complete:
            raise ValueError("the console showed no complete report")
        return json.loads(self.report_text())

    def report_text(self) -> str:
        """The report as the kernel wrote it."""
        return "\n".join(self._report)

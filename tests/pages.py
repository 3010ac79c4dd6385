"""
The blocks of README.md, CONTRIBUTING.md and docs/*.md, each marked by a comment in the line above it:

    <!-- output of: COMMAND -->    what COMMAND says, which tests/boot/test_pages.py reruns; `…` stands for
                                   lines, or in a line for words, that are left out. It may begin with the
                                   COMMAND, or with its lines at the monitor's prompt
    <!-- from: FILE -->            lines of FILE, likewise
    <!-- held by: TEST -->         a test of its own compares it with what it shows
    <!-- illustration: OF WHAT --> a picture, or what a person types
"""

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from machine.build import ROOT

PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
# What a student types and sees there is his own: no block has a mark, but each command must be one.
LAB_PAGES = tuple(sorted((ROOT / "docs" / "labs").glob("*.md")))
OUTPUT, FROM, HELD, ILLUSTRATION = "output of", "from", "held by", "illustration"
PROMPT = "rootmode> "
ABRIDGED = "…"
_MARK = re.compile(rf"<!-- ({OUTPUT}|{FROM}|{HELD}|{ILLUSTRATION}): (.+) -->")
_FENCE = "```"
# What is otherwise in every build, or in every run.
_VARYING = (
    (re.compile(r"0x0*[0-9a-f]{5,9}\b|0xffffffff8[0-9a-f]{7}\b"), "ADDRESS"),
    (re.compile(r" +[\d.]+(?= (?:TSC ticks|ms|MHz|mappings|KiB of it used)\b)"), " NUMBER"),
    (re.compile(r"GRUB [0-9]\S*"), "GRUB VERSION"),
)


@dataclass(frozen=True)
class Block:
    """A block of a page."""

    page: Path
    line: int  # its first one, from 1
    fence: str  # what stands behind ```, for one that is not indented
    kind: str  # of its mark; "" without
    what: str
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    def shown(self) -> list[str]:
        """Without the command that it may begin with."""
        lines = list(self.lines)
        if self.kind == OUTPUT and lines[0].startswith("tools/run "):
            lines = lines[1:]
            while not lines[0]:
                lines = lines[1:]
        return lines


def blocks(page: Path) -> Iterator[Block]:
    """All of a page."""
    lines = page.read_text(encoding="utf-8").splitlines()
    at, before = 0, ""
    while at < len(lines):
        line, begin = lines[at], at
        at += 1
        if line.startswith(_FENCE):
            while not lines[at].startswith(_FENCE):
                at += 1
            at += 1
            inside = lines[begin + 1 : at - 1]
        elif line.startswith("    ") and (not lines[begin - 1] or _MARK.fullmatch(before)):
            while at < len(lines) and (lines[at].startswith("    ") or not lines[at]):
                at += 1
            inside = textwrap.dedent("\n".join(lines[begin:at])).rstrip("\n").split("\n")
        else:
            before = line or before
            continue
        mark = _MARK.fullmatch(before)
        fence = line.removeprefix(_FENCE) if line.startswith(_FENCE) else ""
        yield Block(page, begin + 1, fence, mark[1] if mark else "", mark[2] if mark else "", tuple(inside))
        before = ""


def all_blocks(pages: Sequence[Path] = PAGES) -> list[Block]:
    """Of all pages."""
    return [block for page in pages for block in blocks(page)]


def _alike(text: str) -> str:
    for pattern, instead in _VARYING:
        text = pattern.sub(instead, text)
    return text.rstrip()


def _pattern(lines: Sequence[str]) -> "re.Pattern[str]":
    text = textwrap.dedent("\n".join(map(_alike, lines)))
    return re.compile(".*".join(re.escape(part) for part in text.split(ABRIDGED)))


def missing(shown: Sequence[str], told: Sequence[str]) -> list[str]:
    """
    The first lines of what is shown that are not among those that were told, after what stands before
    them; empty: all are. Between two abridged lines all must be there, one after the other.
    """
    parts: list[list[str]] = [[]]
    for line in shown:
        if line.strip() == ABRIDGED:
            parts.append([])
        else:
            parts[-1].append(line)
    alike = [_alike(line) for line in told]
    at = 0
    for part in filter(None, parts):
        wanted = _pattern(part)
        while not wanted.fullmatch(textwrap.dedent("\n".join(alike[at : at + len(part)]))):
            at += 1
            if at + len(part) > len(alike):
                return part
        at += len(part)
    return []

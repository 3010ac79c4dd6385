#!/usr/bin/env python3
"""
Puts true numbers into docs/tour.md and README.md: how many lines each chapter's files have, and how
long they take to read. A chapter's files stand in its paragraph "*Reading …": after a folder in
backquotes the names in it, or `all` for whatever no chapter names. A file that is gone is dropped,
and one without a chapter put where most of its folder are; tests/tools/test_tour_page.py holds both.
Wants a built core (tools/core-files).

    tools/gen_tour.py
"""

import argparse
import re
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOUR = ROOT / "docs" / "tour.md"
README = ROOT / "README.md"
LINES_AN_HOUR = 2000  # of attentive reading
FOLDERS = ("lib", "boot", "mm", "vmx", "vm", "kernel")
_SUFFIXES = {".c", ".h", ".S", ".def", ".inc"}
_READING = re.compile(r"^\*Reading\b.*?(?=\n\n)", re.MULTILINE | re.DOTALL)
_TOGETHER = re.compile(r"^\*The core\b.*?(?=\n\n)", re.MULTILINE | re.DOTALL)
_TOKEN = re.compile(r"`([\w/]+/)`|\b([\w]+\.[a-zS]+|all)(?: ([\d,]+))?")
# Of README.md: the words around a number of lines.
CLAIMS = (r"a core of ([\d,]+) lines", r"([\d,]+) of\s+them the hypervisor proper")


@dataclass
class Chapter:
    """What a chapter of the tour says that it is about."""

    title: str
    room: bool
    minutes: int  # as it says
    said: dict[str, int]  # lines, by path as it says; a folder ends with /
    files: list[str] = field(default_factory=list)


def lines_of(file: str) -> int:
    """0 for one that is not there."""
    path = ROOT / file
    return path.read_text(encoding="utf-8").count("\n") if path.exists() else 0


def minutes_of(lines: int) -> int:
    return max(1, round(lines * 60 / LINES_AN_HOUR))


def all_files() -> list[str]:
    return sorted(
        str(file.relative_to(ROOT)) for folder in FOLDERS for file in (ROOT / folder).rglob("*")
        if file.suffix in _SUFFIXES
    )  # fmt: skip


def core_files() -> list[str]:
    return subprocess.run(
        [ROOT / "tools" / "core-files"], capture_output=True, text=True, check=True
    ).stdout.split()


def _parse(title: str, paragraph: str) -> Chapter:
    head, _, rest = paragraph.partition(".*")
    minutes = re.search(r"([\d,]+) minutes?", head)
    said: dict[str, int] = {}
    folder = ""
    for opened, name, number in _TOKEN.findall(rest):
        if opened:
            folder = opened
        else:
            said[folder + ("" if name == "all" else name)] = int(number.replace(",", "") or 0)
    return Chapter(title, title.startswith("Room"), int(minutes[1]) if minutes else 0, said)


def parse(text: str) -> list[Chapter]:
    """The chapters as they stand there, without their files."""
    found = []
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        reading = _READING.search(section)
        if reading:
            found.append(_parse(section.splitlines()[0], reading[0]))
    return found


def fill(found: list[Chapter], core: set[str]) -> list[Chapter]:
    """Gives each its files; `all` of a folder are those of its part that nobody names."""
    named = {path for chapter in found for path in chapter.said}
    for chapter in found:
        chapter.files = [path for path in chapter.said if not path.endswith("/")]
        for path in set(chapter.said) - set(chapter.files):
            chapter.files += [
                file for file in all_files()
                if file.startswith(path) and file not in named and (file in core) != chapter.room
            ]  # fmt: skip
    return found


def mend(found: list[Chapter], core: set[str]) -> None:
    """Drops names of files that are not there, or not of this part; finds a chapter for others."""
    for chapter in found:
        for path in [path for path in chapter.said if not path.endswith("/")]:
            if not (ROOT / path).exists() or (path in core) == chapter.room:
                del chapter.said[path]
    fill(found, core)
    for file in sorted(set(all_files()) - {file for chapter in found for file in chapter.files}):
        folder = file.rpartition("/")[0]
        fits = [chapter for chapter in found if chapter.room != (file in core)]
        best = max(fits, key=lambda chapter: sum(path.rpartition("/")[0] == folder for path in chapter.said))
        print(f"tools/gen_tour.py: {file} comes to chapter {best.title}")
        best.said[file] = 0
    fill(found, core)


def lines_at(chapter: Chapter, path: str) -> int:
    """What a path of its paragraph stands for."""
    return sum(lines_of(file) for file in chapter.files if file == path or path[-1] == "/" and file.startswith(path))


def _time(lines: int) -> str:
    return f"{lines / LINES_AN_HOUR:.1f} hours"


def _paragraph(chapter: Chapter) -> str:
    total = sum(map(lines_of, chapter.files))
    parts: dict[str, list[str]] = {}
    for path in chapter.said:
        folder, _, name = path.rpartition("/")
        parts.setdefault(folder + "/", []).append(f"{name or 'all'}\xa0{lines_at(chapter, path):,}")
    listed = "; ".join(f"`{folder}` " + ", ".join(names) for folder, names in parts.items())
    minutes = minutes_of(total)
    text = f"*Reading: {total:,} lines, {minutes} minute{'s' * (minutes != 1)}.* {listed}."
    return textwrap.fill(text, 110, break_long_words=False, break_on_hyphens=False).replace("\xa0", " ")


def proper_of(core: set[str]) -> int:
    """Lines of the hypervisor proper: the core's part of vmx/ and vm/."""
    return sum(lines_of(file) for file in core if file.startswith(("vmx/", "vm/")))


def together(core: set[str]) -> str:
    lines = sum(map(lines_of, core))
    rooms = sum(map(lines_of, set(all_files()) - core))
    text = (
        f"*The core has {lines:,} lines in {len(core)} files, {_time(lines)} of attentive reading at "
        f"{LINES_AN_HOUR:,} lines an hour; {proper_of(core):,} of them, {_time(proper_of(core))}, are the "
        f"hypervisor proper, in `vmx/` and `vm/`. The rooms have {rooms:,} lines more.*"
    )
    return textwrap.fill(text, 110)


def main() -> int:
    argparse.ArgumentParser(description=(__doc__ or "").strip().split("\n\n")[0]).parse_args()
    core = {file for file in core_files() if file.split("/")[0] in FOLDERS}
    text = TOUR.read_text(encoding="utf-8")
    found = parse(text)
    mend(found, core)
    rest = iter(found)
    text = _TOGETHER.sub(together(core), text, count=1)
    TOUR.write_text(_READING.sub(lambda _: _paragraph(next(rest)), text), encoding="utf-8")

    text = README.read_text(encoding="utf-8")
    for claim, lines in zip(CLAIMS, (sum(map(lines_of, core)), proper_of(core)), strict=True):
        number = re.search(claim, text)
        if number:
            text = text[: number.start(1)] + f"{round(lines, -2):,}" + text[number.end(1) :]
    README.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

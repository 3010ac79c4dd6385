"""What the pages show of tools/run's output (tests/pages.py) is what it says."""

import os
import shlex
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from machine.build import ROOT
from pages import OUTPUT, PROMPT, Block, all_blocks, missing

_GUESTS = "guest="
_GRUB = "GRUB"


def _words(command: str) -> list[str]:
    words = shlex.split(command)
    assert words[0] == "tools/run", command
    return words[1:]


def _told_apart(block: Block) -> tuple[str, ...]:
    """Blocks for which this is the same can share a boot: it runs the guests of all."""
    words = _words(block.what)
    alone = block.line if any(line.startswith(PROMPT) for line in block.lines) else 0
    if "--loader" not in words and not any(_GRUB in line for line in block.lines):
        words += ["--loader", "direct"]  # what is shown does not depend on it
    if "--append" in words:
        at = words.index("--append") + 1
        kept = [word for word in words[at].split() if not word.startswith(_GUESTS) or ":" in word]
        words[at] = " ".join(kept)
    return (*words, *([f"{block.page.name}:{alone}"] if alone else []))


def _shared() -> list[list[Block]]:
    groups: dict[tuple[str, ...], list[Block]] = defaultdict(list)
    for block in all_blocks():
        if block.kind == OUTPUT:
            groups[_told_apart(block)].append(block)
    return list(groups.values())


def _command(group: list[Block], folder: Path) -> list[str]:
    first = group[0]
    words = [word for word in _told_apart(first) if not word.startswith(f"{first.page.name}:")]
    if "--append" in words:
        given = [word for block in group for word in " ".join(_words(block.what)).split() if _GUESTS in word]
        names = [name for word in given if ":" not in word for name in word.removeprefix(_GUESTS).split(",")]
        at = words.index("--append") + 1
        guests = [_GUESTS + ",".join(dict.fromkeys(names))] if names else []
        words[at] = " ".join(words[at].split() + guests)
    if "FILE" in words:
        script = folder / "script.mon"
        lines = [line.removeprefix(PROMPT) for line in first.lines if line.startswith(PROMPT)]
        script.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
        words[words.index("FILE")] = str(script)
    return [str(ROOT / "tools" / "run"), *words]


_SHARED = _shared()


@pytest.mark.parametrize("group", _SHARED, ids=[group[0].what.removeprefix("tools/run ") for group in _SHARED])
def test_output(group: list[Block], kernel: Path, tmp_path: Path) -> None:
    command = [*_command(group, tmp_path), "--timeout", "480", "--kernel", str(kernel)]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False,
        env={**os.environ, "ROOTMODE_SETUP": "skip"},
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    wrong = {str(block): missing(block.shown(), done.stdout.splitlines()) for block in group}
    assert {block: lines for block, lines in wrong.items() if lines} == {}, shlex.join(command)

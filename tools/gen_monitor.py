#!/usr/bin/env python3
"""
Makes docs/monitor-scripts.md anew: each script of docs/monitor/ with what the monitor answers, from one
boot in Bochs. Addresses differ from build to build; tests/tools/test_monitor.py compares the rest.

    tools/gen_monitor.py
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "monitor-scripts.md"
SCRIPTS = sorted((ROOT / "docs" / "monitor").glob("*.mon"))
_RESET = "rootmode> reset"
# Of pages, wherever in memory they are, and of Rootmode's own tables.
_ADDRESS = re.compile(
    r"(?<= = )0x\w+(?=, with revision id)|(?<=this CPU has )0x\w+|(?<=not done: )0x\w+"
    r"|0x\w+?(?=\w{3}: tables at )|(?<=tables at )0x\w+"
)

_HEAD = """# The monitor's scripts, with their answers

Made by `tools/gen_monitor.py`: do not edit. [The monitor](monitor.md) takes each of these by
`tools/run --monitor --script docs/monitor/NAME`; here all ran one after the other on two CPUs in Bochs
(its Haswell model). A line `expect TEXT` ends the run with status 1 where the answer before it lacks the text.
"""


def run_all() -> list[list[str]]:
    """What tools/run prints for each script, its commands among the answers."""
    scripts = [argument for script in SCRIPTS for argument in ("--script", str(script))]
    command = [str(ROOT / "tools/run"), "--on", "bochs", "--cpus", "2", "--monitor", *scripts]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ChildProcessError(f"exit status {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    lines = done.stdout.splitlines()
    told: list[list[str]] = [[]]
    for line in lines[next(i for i, line in enumerate(lines) if line.startswith("# ")) :]:
        if line == _RESET:
            told.append([])
        else:
            told[-1].append(line)
    for script in told:
        while script and not script[-1].strip():
            script.pop()
    return told


def page(told: list[list[str]]) -> str:
    """The page's text."""
    parts = [_HEAD]
    for script, lines in zip(SCRIPTS, told, strict=True):
        parts.append(f"\n## {script.name}\n\n")
        parts += [f"    {line}".rstrip() + "\n" for line in lines]
    return "".join(parts)


def without_addresses(text: str) -> str:
    """As it stands in every build."""
    return _ADDRESS.sub("(address)", text)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(str(__doc__).strip())
    PAGE.write_text(page(run_all()), encoding="utf-8")

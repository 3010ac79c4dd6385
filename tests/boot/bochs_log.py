"""
Bochs writes into its log which rule it saw broken, one line for each VM entry that it refuses. The
self-test of VM entries begins with its trials, and the report has them in their order: so each line
has its trial, and what the line says must be the trial's rule.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from boot.checks import Result
from machine.build import ROOT

# The lines that tell why; "VMEXIT: Guest State Checks Failed", which follows some, does not.
_REFUSAL = re.compile(
    r"\] ((?:VMFAIL|FAIL|VMENTER FAIL): .*|VMENTER: .*PDPTRs Checks Failed|VMEXIT: Error when loading.*)"
)

# What a line says, and the rules that may be meant: rows of the table by which vmcheck reads such a log.
_TABLE = ROOT / "tools" / "entry" / "bochs_messages.def"
_ROW = re.compile(r'^BOCHS\("([^"]*)",\s*([A-Z0-9_,\s]*)\)', re.MULTILINE)


def _pattern(message: str) -> re.Pattern[str]:
    """In the table * stands for anything, $ for the end."""
    return re.compile(re.escape(message).replace(r"\*", ".*").replace(r"\$", "$"))


def _rules(names: str) -> set[str]:
    return {name.strip().removeprefix("VMENTRY_").lower().replace("_", "-") for name in names.split(",")}


_RULES = tuple(
    (_pattern(message), _rules(names))
    for message, names in _ROW.findall(_TABLE.read_text(encoding="utf-8"))
)


def _refusals(log: Path) -> Iterator[str]:
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        found = _REFUSAL.search(line)
        if found:
            yield found[1].strip()


def rules_of(message: str) -> set[str]:
    """The rules that a line of Bochs's log may be about; empty where it is not known."""
    for pattern, rules in _RULES:
        if pattern.search(message):
            return rules
    return set()


def entries(result: Result) -> Iterator[str]:
    """The self-test of VM entries ran, broke rules of every kind, and found no difference."""
    selftest = result.report["selftest_entry"]
    if selftest is None:
        yield "the self-test of VM entries did not run"
        return
    for row in selftest["trials"]:
        if not row["agrees"] and not row["departs"]:
            yield f"trial {row['trial']} for {row['rule']}: {row['predicted']} is {row['seen']}"
    if selftest["differences"] != 0:
        yield f"{selftest['differences']} differences: {selftest['told']}"
    if selftest["random"] < 10000:
        yield f"only {selftest['random']} random images were tried"
    missing = {"VMfailValid 7", "VMfailValid 8", "exit reason 33", "exit reason 34"} - {
        row["seen"]["class"] for row in selftest["trials"]
    }
    if missing:
        yield f"no trial ended in {sorted(missing)}"


def entry_rules(result: Result) -> Iterator[str]:
    """Bochs refused each trial for the rule that we say is broken; prints in how many."""
    if result.screenshot is None:
        yield "there is no folder with Bochs's log"
        return
    lines = _refusals(result.screenshot.parent / "bochs.log")
    trials = [row for row in result.report["selftest_entry"]["trials"] if row["seen"]["class"] != "enters"]
    agreed = 0
    for row in trials:
        line = next(lines, "")
        if row["rule"] in rules_of(line):
            agreed += 1
        else:
            yield f"trial {row['trial']} for {row['rule']}: Bochs's log says {line!r}"
    print(f"Bochs's log names our rule in {agreed} of {len(trials)} refused trials")

"""Grades one submission: runs the checks of its lab, and says what went wrong and where to read."""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labs.answer import answer_lacks
from labs.bench import Bench
from labs.lab import Boot, Check
from labs.submission import CannotBeGraded, Submission, run
from machine.errors import Exit

_CASES_SECONDS = 20.0
_BOOT_SECONDS = 20.0  # one takes about two
_HOW = {
    "died": "crashed: it touched memory that is not there, or a BUG_ON() held",
    "late": "did not end: there is a loop without an end",
    "ended": "asked the operating system for something; nothing of this runs on one",
}
_HOW_BOOT: dict[int | None, str] = {  # by the status of tools/run
    Exit.TIMEOUT: f"The boot did not end within {_BOOT_SECONDS:.0f} s: there is a loop without an end",
    Exit.DIED: "The kernel panicked, or the processor gave up (triple fault)",
}


@dataclass(frozen=True)
class Result:
    """What became of a check."""

    name: str
    points: int
    of: int
    said: str


@dataclass(frozen=True)
class Grade:
    """What became of a submission."""

    lab: int
    files: tuple[str, ...]
    results: tuple[Result, ...]
    problem: str = ""  # why it cannot be graded

    @property
    def points(self) -> int:
        """All that were reached."""
        return sum(result.points for result in self.results)

    @property
    def of(self) -> int:
        """All that there are."""
        return sum(result.of for result in self.results)

    def as_json(self) -> dict[str, Any]:
        """As tools/lab check --json prints it."""
        told: dict[str, Any] = {
            "lab": self.lab, "points": self.points, "of": self.of, "files": list(self.files),
            "checks": [{"name": one.name, "points": one.points, "of": one.of, "said": one.said} for one in self.results],
        }  # fmt: skip
        return {**told, "problem": self.problem} if self.problem else told


@dataclass(frozen=True)
class Case:
    """How one case ended, and what it printed."""

    outcome: str
    text: str


def cases_of(output: str) -> dict[str, Case]:
    """What tests/labs/cases.c printed."""
    result: dict[str, Case] = {}
    name = ""
    for line in output.splitlines():
        if line.startswith("\t") and name:
            result[name] = Case(result[name].outcome, f"{result[name].text}{line[1:]}\n")
        elif found := re.fullmatch(r"(passed|failed|died|late|ended) (\w+)", line):
            name = found[2]
            result[name] = Case(found[1], "")
    return result


def _sentence(text: str) -> str:
    """The first thing that cmocka says went wrong, and where."""
    lines = [re.sub(r"^\[\s+\w+\s+\] (?:--- )?|^ERROR: ", "", line) for line in text.splitlines()]
    start = next((i for i, line in enumerate(text.splitlines()) if "--- " in line or line.startswith("ERROR: ")), None)
    if start is None:  # what tests/host/guest_machine.c says before it gives up
        machine = re.search(r"^(?:guest machine: |VM entry would )(.*)$", text, re.MULTILINE)
        return machine[0] if machine else ""
    said = lines[start]
    where = re.search(r"tests/(\S+\.c):(\d+)", "\n".join(lines[start:]))
    if where and not where[1].startswith("labs/"):  # a host test: the student may look there
        said += f" (tests/{where[1]}:{where[2]})"
    return said


class Grader:
    """Grades submissions of one lab."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def _cases(self, submission: Submission, work: Path, program: str) -> dict[str, Case]:
        made = submission.link_program(program)
        _, output = run([str(made)], work, _CASES_SECONDS, 1024 * 1024)
        made.unlink()
        return cases_of(output)

    def _said(self, check: Check, name: str, case: Case | None) -> str:
        """What is said of a case that has not passed."""
        if case is None:
            return f"{name} was not reached"
        said = _sentence(case.text)
        outcome = "died" if "failed with exception" in case.text else case.outcome  # cmocka took the signal
        if outcome in _HOW and (outcome != case.outcome or not said):
            said = f"{name} {_HOW[outcome]}"
        hints = [hint.says for hint in check.hints if re.search(hint.seen, f"{name}: {said}")]
        if check.program != f"lab{self._bench.lab.number}":  # a host test says numbers alone
            said = f"{name.replace('_', ' ')}: {said}"
        return ". ".join(part for part in (said, *hints[:1], check.says if not hints else "") if part)

    def _by_cases(self, check: Check, cases: dict[str, Case]) -> Result:
        wanted = check.cases or tuple(cases)
        for name in wanted:
            case = cases.get(name)
            if case is None or case.outcome != "passed":
                return Result(check.name, 0, check.points, f"{self._said(check, name, case)}. Read: {check.read}")
        if not wanted:
            return Result(check.name, 0, check.points, "the program of cases did not start")
        return Result(check.name, check.points, check.points, "")

    def _by_boot(self, check: Check, boot: Boot, kernel: Path, work: Path) -> Result:
        command = [
            str(self._bench.source / "tools" / "run"), "--on", "bochs", "--loader", "direct", "--headless",
            "--unchecked", "--kernel", str(kernel), "--cpus", str(boot.cpus), "--timeout", str(int(_BOOT_SECONDS)),
            "--append", boot.words,
        ]  # fmt: skip
        # The tree that was built before has the loader; no packages are asked for.
        status, output = run(["env", "ROOTMODE_SETUP=skip", *command], work, 2 * _BOOT_SECONDS, 1024 * 1024)
        for wanted in boot.wants:
            if not re.search(wanted, output, re.MULTILINE):
                last = [line.strip() for line in output.splitlines() if line.strip()][-12:]
                hints = [hint.says for hint in check.hints if re.search(hint.seen, output)]
                how = _HOW_BOOT.get(status, "")
                told = ". ".join(part for part in (how, hints[0] if hints else check.says) if part)
                return Result(check.name, 0, check.points,
                              f"{told}. The console (status {status}) lacks {wanted!r}; its end:\n"
                              + "\n".join(f"        {line}" for line in last) + f"\n      Read: {check.read}")  # fmt: skip
        return Result(check.name, check.points, check.points, "")

    def _by_answer(self, check: Check, submission: Submission, work: Path) -> Result:
        lacks, said = answer_lacks(self._bench, submission.source / check.answer, check.wants, work)
        if not lacks:
            return Result(check.name, check.points, check.points, "")
        shown = "".join(f"\n        {line}" for line in said.splitlines()[-8:])
        return Result(check.name, 0, check.points, f"{check.answer}: {lacks}. {check.says}. Read: {check.read}{shown}")

    def _results(self, submission: Submission, work: Path) -> tuple[Result, ...]:
        cases: dict[str, dict[str, Case]] = {}
        results: list[Result] = []
        kernel: Path | None = None
        for check in self._bench.lab.checks:
            if check.answer:
                results.append(self._by_answer(check, submission, work))
                continue
            if check.boot:
                if not any(result.points for result in results):
                    results.append(Result(check.name, 0, check.points, "not booted: no check before it has passed"))
                    continue
                kernel = kernel or submission.link_kernel()
                results.append(self._by_boot(check, check.boot, kernel, work))
                continue
            if check.program not in cases:
                cases[check.program] = self._cases(submission, work, check.program)
            results.append(self._by_cases(check, cases[check.program]))
        return tuple(results)

    def grade(self, tree: Path) -> Grade:
        """Grades a tree; what cannot be graded has no points."""
        lab = self._bench.lab
        if lab.by_rubric:
            rows = tuple(Result(check.name, 0, check.points, check.rubric) for check in lab.checks)
            return Grade(lab.number, lab.files, rows, "a person grades this lab, by its rubric")
        with tempfile.TemporaryDirectory(prefix="rootmode-lab-", ignore_cleanup_errors=True) as name:
            try:
                submission = Submission(self._bench, tree, Path(name))
                submission.compile()
                return Grade(lab.number, lab.files, self._results(submission, Path(name)))
            except CannotBeGraded as why:
                none = tuple(Result(check.name, 0, check.points, "") for check in lab.checks)
                return Grade(lab.number, lab.files, none, str(why))

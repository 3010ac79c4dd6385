"""
How many small faults in the code do the host tests notice? Each mutant (mutants.py) is put into a
copy of the tree, and the tests that execute its line are run; one that none of them fails survives.
A generated page that becomes stale is no kill: a page proves nothing about the table that it is
made of. What survives is run once more with sanitizers, as tools/test host runs the tests. What is
argued to change nothing is listed in tests/equal_mutants.toml.
"""

import json
import os
import re
import resource
import shutil
import subprocess
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from machine.build import ROOT
from machine.errors import UserError
from machine.mutants import Mutant, drawn
from machine.terminal import Progress

SCORE_WANTED = 95.0  # per cent of the mutants that change anything
MUTANTS = 500
EQUAL_LIST = ROOT / "tests" / "equal_mutants.toml"
FOLDERS = ("lib", "boot", "mm", "vmx", "vm", "kernel")
_LIBRARIES = ("pure_test", "members_test")  # what the tests are linked with
_RULES_REACHED = "every_rule_is_reached"
_CPU_SECONDS = 20  # that a test may take: not the clock's, for others work on the machine, too
_TIMEOUT = "300"  # the clock's seconds, for a test that waits for ever
_LENIENT = "-O1 -Wno-parentheses"  # a swapped && would not compile for its style alone
_SLOW = 1.0  # seconds of a test that waits until all others have passed
_BATCHES = (3, 12)  # tests: first a few likely ones, then some more, then all others


def _limit_processor_time() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))


def _run(command: Sequence[str], folder: Path, limited: bool = False) -> tuple[int, str]:
    done = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, check=False, text=True, errors="replace",
        preexec_fn=_limit_processor_time if limited else None,
    )  # fmt: skip
    return done.returncode, done.stdout


def _must(command: Sequence[str], folder: Path) -> str:
    status, output = _run(command, folder)
    if status != 0:
        raise UserError(f"{' '.join(command[:4])}: {output[-3000:]}")
    return output


def mirror(tree: Path, copy: Path) -> None:
    """Makes `copy` like the tree, but for what was built; what is the same keeps its time."""
    for at, names, files in os.walk(tree):
        folder = copy / Path(at).relative_to(tree)
        names[:] = [name for name in names if name not in (".git", "__pycache__")]
        if at == str(tree):
            names[:] = [name for name in names if not name.startswith("build")]
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            if old.is_dir() and old.name not in names:
                shutil.rmtree(old)
            elif not old.is_dir() and old.name not in files:
                old.unlink()
        for name in files:
            bytes_ = (Path(at) / name).read_bytes()
            if not (folder / name).is_file() or (folder / name).read_bytes() != bytes_:
                shutil.copy2(Path(at) / name, folder / name)
                os.utime(folder / name)


@dataclass
class Seen:
    """What a test executes."""

    seconds: float
    lines: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))


class Build:
    """One build of the host tests."""

    def __init__(self, source: Path, folder: Path, options: Sequence[str]) -> None:
        self.folder = folder
        _must(["cmake", "-G", "Ninja", "-S", str(source), "-B", str(folder), *options], source)
        listing = _must(["ninja", "-t", "targets", "all"], folder)
        self.tests = sorted(set(re.findall(r"^test_(\w+): phony$", listing, re.MULTILINE)))
        if not self.tests:
            raise UserError(f"no tests in {folder}")
        _must(["ninja", *(f"test_{name}" for name in self.tests), _RULES_REACHED], folder)

    def make(self, tests: Sequence[str]) -> bool:
        """The library and these tests; whether they compile."""
        targets = [f"test_{name}" for name in tests]
        return _run(["ninja", "-j1", *_LIBRARIES, *targets], self.folder)[0] == 0

    def failed(self, pattern: str) -> list[str]:
        """The tests of that name that fail, "NAME (how)"; [] where all pass."""
        status, output = _run(
            ["ctest", "-R", pattern, "--stop-on-failure", "--timeout", _TIMEOUT], self.folder, True
        )
        told = re.findall(r"Test +#\d+: (\S+) [^*\n]*\*\*\*(\w+)", output)
        if status == 0:
            return []
        return [f"{name} ({how})" for name, how in told] or [output[-200:]]


class Bench:
    """A copy of the tree, and builds of its tests: plain, and with sanitizers."""

    def __init__(self, work: Path) -> None:
        self.source = work / "source"
        self._work = work
        mirror(ROOT, self.source)
        flags = f"-DCMAKE_C_FLAGS={_LENIENT}"
        self.plain = Build(self.source, work / "build", ["-DROOTMODE_SANITIZE=OFF", flags])
        self.sanitized = Build(self.source, work / "build-sanitize", [flags])

    def files(self) -> list[str]:
        """What the tests are made of, tables too."""
        text = (self.plain.folder / "compile_commands.json").read_text(encoding="utf-8")
        sources = {
            str(Path(command["file"]).relative_to(self.source))
            for command in json.loads(text)
            if any(f"{library}.dir" in command["command"] for library in _LIBRARIES)
        }
        tables = {
            str(path.relative_to(self.source))
            for folder in FOLDERS
            for path in (self.source / folder).rglob("*.def")
        }
        return sorted(name for name in sources | tables if name.split("/")[0] in FOLDERS)

    def users(self) -> dict[str, set[str]]:
        """Table → the sources that include it."""
        result: dict[str, set[str]] = defaultdict(set)
        source = ""
        for line in _must(["ninja", "-t", "deps"], self.plain.folder).splitlines():
            if not line.startswith(" "):
                match = re.search(rf"(?:{'|'.join(_LIBRARIES)})\.dir/(?:__/)*(.*)\.o:", line)
                source = match[1] if match else ""
            elif source and line.endswith(".def"):
                path = os.path.normpath(self.plain.folder / line.strip())
                result[os.path.relpath(path, self.source)].add(source)
        return result

    def _lines(self, folder: Path) -> dict[str, set[int]]:
        """The lines that were executed since the counters were deleted."""
        lines: dict[str, set[int]] = defaultdict(set)
        counters = [str(path) for path in folder.rglob("*.gcda")]
        if not counters:
            return lines
        output = _run(["gcov", "--json-format", "--stdout", *counters], folder)[1]
        for part in output.splitlines():
            if not part.startswith("{"):
                continue
            for file in json.loads(part)["files"]:
                name = os.path.relpath(os.path.normpath(folder / file["file"]), self.source)
                lines[name] |= {line["line_number"] for line in file["lines"] if line["count"]}
        return lines

    def seen(self) -> dict[str, Seen]:
        """Test → what it executes. All tests must pass."""
        folder = self._work / "build-coverage"
        coverage = Build(self.source, folder, ["-DROOTMODE_COVERAGE=ON"])
        result = {}
        for name in coverage.tests:
            failed = self.plain.failed(f"^{name}$") or self.sanitized.failed(f"^{name}$")
            if failed:
                raise UserError(f"fails without a mutant: {failed[0]}")
            program = Path("tests") / "host" / f"test_{name}"
            begin = time.monotonic()
            _run([str(self.plain.folder / program)], folder)
            seconds = time.monotonic() - begin
            for counters in folder.rglob("*.gcda"):
                counters.unlink()
            _run([str(folder / program)], folder)
            result[name] = Seen(seconds, self._lines(folder))
        if sum(bool(seen.lines) for seen in result.values()) < len(result) / 2:
            raise UserError("gcov tells nothing of most tests")
        return result


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant."""

    status: str  # "killed", "survived", "equal", "did not compile"
    by: str = ""  # the test that failed


class Judge:
    """Runs mutants."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._seen = bench.seen()
        self._users = bench.users()

    def _order(self, name: str, stem: str) -> tuple[bool, int, float]:
        likely = 0 if name == stem else 1 if name in stem or stem in name else 2
        return self._seen[name].seconds > _SLOW, likely, self._seen[name].seconds

    def _seeing(self, mutant: Mutant) -> list[str]:
        """The tests that could see it, the likely and quick ones first."""
        used = self._users.get(mutant.file, {mutant.file})
        wanted = set(range(mutant.first, mutant.last + 1)) if mutant.first else set()
        linked = [
            name for name, seen in self._seen.items() if any(file in seen.lines for file in used)
        ]
        found = [name for name in linked if wanted & self._seen[name].lines[mutant.file]]
        # A table has no lines that are executed; nor has what stands outside of functions. Where a
        # file has nothing else, nothing says which tests look at it.
        silent = any(all(file not in seen.lines for seen in self._seen.values()) for file in used)
        likely = self._seen if silent else linked
        stem = Path(mutant.file).stem
        return sorted(found or likely, key=lambda name: self._order(name, stem))

    @staticmethod
    def _tried(build: Build, tests: list[str]) -> Verdict:
        """With the mutant in the source."""
        if not build.make([]):
            return Verdict("did not compile")
        few, more = _BATCHES
        for batch in (tests[:few], tests[few:more], tests[more:]):
            if not batch:
                continue
            if not build.make(batch):
                return Verdict("did not compile")
            failed = build.failed(f"^({'|'.join(batch)})$")
            if failed:
                return Verdict("killed", failed[0])
        if "selftest_vmentry" in tests:  # the rules that the others reach count, too
            build.make(build.tests)
            failed = build.failed(f"^{_RULES_REACHED}$")
            if failed:
                return Verdict("killed", failed[0])
        return Verdict("survived")

    def verdict(self, mutant: Mutant) -> Verdict:
        """Puts the mutant in, runs what could see it, takes it out."""
        path = self._bench.source / mutant.file
        original = path.read_text(encoding="utf-8")
        tests = self._seeing(mutant)
        try:
            path.write_text(mutant.applied(original), encoding="utf-8")
            verdict = self._tried(self._bench.plain, tests)
            if verdict.status == "survived":
                verdict = self._tried(self._bench.sanitized, tests)
            return verdict
        finally:
            path.write_text(original, encoding="utf-8")


@dataclass(frozen=True)
class Equal:
    """An entry of the list of mutants that change nothing, or nothing that anybody could see."""

    file: str
    line: str  # the line of code, without the space around it; "*": of all lines what survives
    changes: tuple[str, ...]  # "old -> new"
    why: str

    def is_about(self, mutant: Mutant, text: str) -> bool:
        """`text` is the mutant's line."""
        if mutant.file != self.file:
            return False
        return self.line == "*" or (text.strip() == self.line and change_of(mutant) in self.changes)


def change_of(mutant: Mutant) -> str:
    """As the list has it."""
    return f"{' '.join(mutant.old.split())} -> {' '.join(mutant.new.split())}"


def read_equal(path: Path = EQUAL_LIST) -> list[Equal]:
    """The list in the tree."""
    with path.open("rb") as file:
        rows = tomllib.load(file).get("mutant", [])
    return [
        Equal(row["file"], row["line"], tuple(row.get("changes", ())), row["why"]) for row in rows
    ]


def table(results: Sequence[tuple[Mutant, Verdict]]) -> list[str]:
    """The counts by folder, and in all; the last line ends with the score."""
    lines = [f"{'':10} mutants  do not compile  equal  killed  survived   score"]
    for group in [*sorted({mutant.group for mutant, _ in results}), "all"]:
        counts = Counter(
            verdict.status for mutant, verdict in results if group in (mutant.group, "all")
        )
        lines.append(
            f"{group:10} {counts.total():7}  {counts['did not compile']:14}  {counts['equal']:5}  "
            f"{counts['killed']:6}  {counts['survived']:8}  {score(counts):4.1f} %"
        )
    return lines


def score(counts: Counter[str]) -> float:
    """Per cent of those that change anything."""
    return 100 * counts["killed"] / max(counts["killed"] + counts["survived"], 1)


def mutation(count: int, seed: int, progress: Progress) -> list[str]:
    """Judges `count` mutants, prints those that survive and the counts; what is not as wanted."""
    results: list[tuple[Mutant, Verdict]] = []
    wrong: list[str] = []
    progress.show("building the tests, and looking which lines each executes")
    bench = Bench(ROOT / "build-mutation")
    judge = Judge(bench)
    equal = read_equal()
    begin = time.monotonic()
    for number, mutant in enumerate(drawn(bench.source, bench.files(), count, seed), 1):
        line = (bench.source / mutant.file).read_text(encoding="utf-8").splitlines()
        listed = [entry for entry in equal if entry.is_about(mutant, line[mutant.line - 1])]
        verdict = judge.verdict(mutant)
        if verdict.status == "survived" and listed:
            verdict = Verdict("equal")
        elif verdict.status == "killed" and any(entry.line != "*" for entry in listed):
            wrong.append(f"listed as equal, but {verdict.by} sees it: {mutant.told()}")
        results.append((mutant, verdict))
        if verdict.status == "survived":
            progress.clear()
            print(f"     survived: {mutant.told()}", flush=True)
        progress.show(f"mutants: {number}, {time.monotonic() - begin:.0f} s")
    progress.clear()
    print("\n".join(f"     {line}" for line in table(results)))
    reached = score(Counter(verdict.status for _, verdict in results))
    if reached < SCORE_WANTED:
        wrong.append(f"{reached:.1f} % killed; wanted: {SCORE_WANTED} %")
    return wrong

"""The tests that run on this machine: CTest with sanitizers, coverage, fuzzers."""

import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from machine.build import ROOT, build
from machine.processes import run_logged
from machine.tally import Tally, Timed

COVERAGE_WANTED = 95.0  # per cent of the lines of what decides
_FUZZ_RUNS = 100_000
_FUZZ_RUNS_LONG = 20_000_000


def _ctest(folder: Path, log: Path, chosen: str = "") -> tuple[int, Path]:
    results = folder / "ctest-results.xml"
    results.unlink(missing_ok=True)
    log.unlink(missing_ok=True)
    status = run_logged(
        ["ctest", "--test-dir", str(folder), "-j", str(os.cpu_count() or 1), "--output-on-failure",
         "--timeout", "120", "--output-junit", str(results),
         *(["-R", re.escape(chosen)] if chosen else [])],
        log, lambda line: None, ROOT,
    )  # fmt: skip
    return status, results


def _unit_tests(tally: Tally) -> None:
    """tools/ has tests of its own."""
    with Timed() as timed:
        done = subprocess.run(
            [sys.executable, "-B", "-m", "unittest", "discover", "-s", "tests/tools", "-t",
             "tests"],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": "tools:tests"}, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
    complaints = [] if done.returncode == 0 else [done.stderr]
    tally.add("tools' own tests", complaints, timed.seconds)


def host(tally: Tally, logs: Path) -> None:
    """Builds everything, runs CTest with sanitizers, then once more for the coverage."""
    tally.heading("host tests, with AddressSanitizer and UndefinedBehaviorSanitizer")
    _unit_tests(tally)
    folder = build("default", [], tally.progress)
    log = logs / "ctest.log"
    chosen = tally.filter.removeprefix("host/")
    status, results = _ctest(folder, log, chosen)
    cases = ElementTree.parse(results).getroot().findall("testcase") if results.exists() else []
    for case in cases:
        name = case.get("name", "?")
        complaints = []
        if case.get("status") != "run":
            output = case.findtext("system-out") or ""
            complaints = [*output.splitlines()[-40:], f"log: {log}"]
        repeat = f"ctest --test-dir {folder.name} --output-on-failure -R '^{name}$'"
        tally.add(f"host/{name}", complaints, float(case.get("time", "0")), repeat)
    told = [case for case in cases if case.get("status") != "run"]
    if (not cases and not chosen) or (status != 0 and not told):
        tally.add("host/ctest", [f"ctest ended with {status}; log: {log}"], 0)
    if tally.wants("coverage"):
        _coverage(tally, logs)


def _pure_sources(folder: Path) -> set[str]:
    """What decides, and the mechanism around it: what the library pure_test is made of."""
    commands = json.loads((folder / "compile_commands.json").read_text(encoding="utf-8"))
    return {
        str(Path(command["file"]).relative_to(ROOT))
        for command in commands
        if "pure_test.dir" in command["command"]
    }


def _coverage(tally: Tally, logs: Path) -> None:
    tally.heading("coverage of what decides")
    with Timed() as timed:
        folder = build("coverage", ["tests/all", "tools/all"], tally.progress)
        for counters in folder.rglob("*.gcda"):
            counters.unlink()
        log = logs / "ctest-coverage.log"
        status, _ = _ctest(folder, log)
        summary = logs / "coverage.json"
        done = subprocess.run(
            ["gcovr", "--root", str(ROOT), str(folder), "--json-summary", str(summary)],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode != 0:
        tally.add("coverage", [done.stderr[-2000:]], timed.seconds)
        return
    files = {
        item["filename"]: (item["line_covered"], item["line_total"])
        for item in json.loads(summary.read_text(encoding="utf-8"))["files"]
    }
    sources = _pure_sources(folder)
    complaints: list[str] = []
    if status != 0:
        complaints.append(f"tests failed in {folder.name}; log: {log}")
    covered = total = 0
    for source in sorted(sources & files.keys()):
        lines_covered, lines = files[source]
        covered, total = covered + lines_covered, total + lines
        print(f"     {lines_covered / max(lines, 1):7.1%}  {source} ({lines_covered}/{lines})")
    share = 100 * covered / max(total, 1)
    print(f"     {share:6.1f}%  of all lines of what decides ({covered}/{total})")
    if share < COVERAGE_WANTED:
        complaints.append(f"{share:.1f} % of lines covered; wanted: {COVERAGE_WANTED} %")
    tally.add("coverage", complaints, timed.seconds)


def fuzz(tally: Tally, logs: Path, long: bool) -> None:
    """Each libFuzzer target, with a fixed seed and count."""
    tally.heading("fuzzers")
    folder = build("fuzz", ["tests/all"], tally.progress)
    binaries = sorted((folder / "tests" / "fuzz").glob("fuzz_*"))
    targets = [path for path in binaries if path.is_file()]
    if not targets:
        tally.add("fuzz", ["there are no fuzz targets"], 0)
    for target in targets:
        name = f"fuzz/{target.name.removeprefix('fuzz_')}"
        if not tally.wants(name):
            continue
        log, work = logs / f"{target.name}.log", logs / f"{target.name}-corpus"
        log.unlink(missing_ok=True)
        shutil.rmtree(work, ignore_errors=True)
        seeds = ROOT / "tests" / "fuzz" / "corpus" / target.name.removeprefix("fuzz_")
        work.mkdir(parents=True)
        command = [
            str(target), f"-runs={_FUZZ_RUNS_LONG if long else _FUZZ_RUNS}", "-seed=1",
            "-max_len=4096", "-timeout=10", f"-artifact_prefix={logs}/{target.name}-", str(work),
            *([str(seeds)] if seeds.is_dir() else []),
        ]  # fmt: skip
        with Timed() as timed:
            tally.progress.show(name)
            status = run_logged(command, log, lambda line: None, ROOT)
        complaints = []
        if status != 0:
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
            complaints = [*lines[-30:], f"log: {log}"]
        tally.add(name, complaints, timed.seconds, " ".join(command))

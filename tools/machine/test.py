"""
tools/test: builds, runs CTest and pytest, and counts. Exit status 0 when no test failed and at least
one passed.
"""

import argparse
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path

from machine.build import ROOT, build
from machine.errors import Exit, UserError
from machine.options import Parser
from machine.owner import give_to_owner
from machine.packages import need
from machine.processes import Interrupted, ending_on_signals, nobody_reads
from machine.terminal import Progress, say

_LOGS = ROOT / "build" / "test-logs"
_PYTHON = "/usr/bin/python3"  # Debian's, for which its packages of pytest and its like are
_WORKERS = 2  # an emulator or a fuzzer each


class Count:
    """What passed and what failed, from the JUnit files that CTest and pytest write."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed: list[str] = []

    def add(self, results: Path) -> int:
        """Counts one file; how many tests it holds. What was skipped did not pass."""
        cases = list(ElementTree.parse(results).getroot().iter("testcase"))
        for case in cases:
            bad = any(case.find(tag) is not None for tag in ("failure", "error", "skipped"))
            if bad or case.get("status", "run") != "run":
                self.failed.append(f"{case.get('classname')}: {case.get('name')}")
            else:
                self.passed += 1
        return len(cases)


def parser() -> argparse.ArgumentParser:
    """The command line of tools/test."""
    result = Parser(
        prog="tools/test", description="Builds and runs every test.", allow_abbrev=False
    )
    result.add_argument(
        "part", nargs="?", choices=("host", "lint", "fuzz", "boot", "mutation", "all"),
        default="all", help="default: all; mutation only where it is named, or with --long",
    )  # fmt: skip
    result.add_argument("--filter", default="", metavar="TEXT", help="only what is named so")
    result.add_argument("--long", action="store_true", help="also what takes long")
    result.add_argument("--quick", action="store_true",
                        help="only host tests, without sanitizers, and three boots")  # fmt: skip
    result.add_argument("--mutants", type=int, metavar="N", help="of mutation; default: 500")
    result.add_argument("--seed", type=int, metavar="N", help="of mutation; default: a new one")
    result.add_argument("--list", action="store_true", help="only name the tests under pytest")
    return result


def _run(command: Sequence[str]) -> int:
    """Its output is ours. It ends with us, and by what ended us."""
    with subprocess.Popen(
        ["setpriv", "--pdeathsig", "TERM", *command], cwd=ROOT, stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    ) as process:  # fmt: skip
        try:
            return process.wait()
        except BaseException:
            process.terminate()
            raise


def _pytest(options: argparse.Namespace, count: Count, *arguments: str) -> None:
    """Some folders of tests, with the options that the person gave."""
    results = _LOGS / "pytest.xml"
    results.unlink(missing_ok=True)
    command = [
        _PYTHON, "-m", "pytest", "-c", "tests/pytest.ini", "-v", "--no-header", "--durations=5",
        f"--junitxml={results}", f"--only={options.filter}", *arguments,
    ]  # fmt: skip
    for name in ("mutants", "seed"):
        if getattr(options, name) is not None:
            command.append(f"--{name}={getattr(options, name)}")
    command += [f"--{name}" for name in ("long", "quick") if getattr(options, name)]
    status = _run(command)
    found = count.add(results) if results.exists() else 0
    if status not in (0, 1, 5) or (found == 0 and not options.filter):
        count.failed.append(f"pytest {' '.join(arguments)}: exit status {status}")


def _ctest(options: argparse.Namespace, count: Count, folder: str) -> None:
    """The host tests of a build folder."""
    results = _LOGS / "ctest.xml"
    results.unlink(missing_ok=True)
    chosen = options.filter.removeprefix("host/")
    command = [
        "ctest", "--test-dir", folder, "-j", str(os.cpu_count() or 1), "--output-on-failure",
        "--timeout", "120", "--output-junit", str(results),
        *(["-R", re.escape(chosen)] if chosen else []),
    ]  # fmt: skip
    status = _run(command)
    found = count.add(results) if results.exists() else 0
    if (status != 0 and not count.failed) or (found == 0 and not chosen):
        count.failed.append(f"ctest: exit status {status}")


def _host(options: argparse.Namespace, count: Count) -> None:
    """CTest with sanitizers, then what pytest has of the tools and of the coverage."""
    _ctest(options, count, "build")
    _pytest(options, count, "tests/host", "tests/tools", "-n", str(_WORKERS))


def _quick(options: argparse.Namespace, count: Count) -> None:
    """For the short way round while one edits."""
    folder = build("quick", [], Progress("tools/test"))
    _ctest(options, count, folder.name)
    _pytest(options, count, "tests/boot", "-n", str(_WORKERS))


def _parts(options: argparse.Namespace, count: Count) -> None:
    asked = [name for name in ("lint", "host", "fuzz", "boot", "mutation")
             if options.part == name or (options.part == "all" and
                                         (name != "mutation" or options.long))]  # fmt: skip
    build("default", [], Progress("tools/test"))
    for name in asked:
        print(f"== {name}", flush=True)
        if name == "host":
            _host(options, count)
        else:
            workers = ["-n", str(_WORKERS)] if name in ("boot", "fuzz") else []
            _pytest(options, count, f"tests/{name}", *workers)


def _test(options: argparse.Namespace) -> bool:
    """Runs the parts that were asked for; whether all passed."""
    count = Count()
    _LOGS.mkdir(parents=True, exist_ok=True)
    try:
        if options.quick:
            _quick(options, count)
        else:
            _parts(options, count)
    except UserError as error:
        say(f"tools/test: {error}")
        count.failed.append("the build")
    for name in count.failed:
        print(f"failed: {name}")
    if options.filter and not count.failed and count.passed == 0:
        say(f"tools/test: no test is named {options.filter!r}; --list names them")
    print(f"{count.passed} passed, {len(count.failed)} failed", flush=True)
    return not count.failed and count.passed > 0


def main() -> int:
    """Runs what was asked for."""
    options = parser().parse_args()
    if options.quick and (options.long or options.part != "all"):
        parser().error("--quick is a choice of its own: neither a part nor --long goes with it")
    with ending_on_signals():
        try:
            need("--test")
            if options.list:
                return _run([_PYTHON, "-m", "pytest", "-c", "tests/pytest.ini", "--collect-only",
                             "--long", "-q", "tests"])  # fmt: skip
            return Exit.OK if _test(options) else 1
        except BrokenPipeError:
            return nobody_reads()
        except UserError as error:
            say(f"tools/test: {error}")
            return Exit.WRONG_USE
        except Interrupted as interrupted:
            say("tools/test: interrupted")
            return 128 + int(interrupted.args[0])
        finally:
            give_to_owner(ROOT, _LOGS)


if __name__ == "__main__":
    sys.exit(main())

"""The linters: one check for each, over every file that it is for."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from machine.build import ROOT, build
from machine.terminal import Progress

_SIZE_OPTION = re.compile(r" -(fshort-enums|malign-data=\S+|mpreferred-stack-boundary=\S+)")
_GCC_SANITIZER = ",bounds-strict"
_DIAGNOSTIC = re.compile(r": (error|warning): ")
_FOLDERS = ("lib", "boot", "mm", "vmx", "vm", "kernel", "tools", "tests", ".ci")


def _files() -> list[Path]:
    """Every file that somebody wrote."""
    found = (path for folder in _FOLDERS for path in (ROOT / folder).rglob("*"))
    return sorted(
        path.relative_to(ROOT)
        for path in found
        if path.is_file() and "__pycache__" not in path.parts and "data" not in path.parts
    )


def _is_script(path: Path, interpreters: Sequence[bytes]) -> bool:
    with (ROOT / path).open("rb") as file:
        first = file.readline()
    return first.startswith(b"#!") and any(first.rstrip().endswith(name) for name in interpreters)


def _run(command: Sequence[str], environment: dict[str, str] | None = None) -> list[str]:
    done = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
        env={**os.environ, **(environment or {})},
    )  # fmt: skip
    if done.returncode == 0:
        return []
    return done.stdout.splitlines() or [f"{command[0]} ended with {done.returncode}"]


def _compile_commands(folder: Path, logs: Path) -> tuple[Path, list[str]]:
    """
    A compilation database with each C file once, as the kernel compiles it where it does: the same
    source is also compiled for the host and for its tests. Without what only makes the image smaller:
    clang has not all of it, and enumerations of a byte look too narrow for a loop over them. And
    without the sanitizer that GCC alone has.
    """
    chosen: dict[str, dict[str, str]] = {}
    for item in json.loads((folder / "compile_commands.json").read_text(encoding="utf-8")):
        file = item["file"]
        item["command"] = _SIZE_OPTION.sub("", item["command"]).replace(_GCC_SANITIZER, "")
        if file.endswith(".c") and (file not in chosen or re.search(r"(core_objects|room_\w+)\.dir", item["command"])):
            chosen[file] = item
    database = logs / "lint"
    database.mkdir(parents=True, exist_ok=True)
    path = database / "compile_commands.json"
    path.write_text(json.dumps(list(chosen.values())), encoding="utf-8")
    return database, sorted(chosen)


def _diagnostics(lines: list[str]) -> list[str]:
    """The output cut into what belongs together, an error with its notes; each error once."""
    items: list[str] = []
    for line in lines:
        if _DIAGNOSTIC.search(line) or not items:
            items.append(line)
        else:
            items[-1] += "\n" + line
    return list(dict.fromkeys(item for item in items if _DIAGNOSTIC.search(item))) or lines


# What its analyzer may look at in a function; without --long a ninth of its own limit, 225,000, which takes a
# quarter of the time.
_NODES = ("-Xclang", "-analyzer-config", "-Xclang", "max-nodes=25000")


def _clang_tidy(database: Path, sources: list[str], long: bool) -> list[str]:
    less = [] if long else [f"--extra-arg={word}" for word in _NODES]

    def one(source: str) -> list[str]:
        return _run(
            ["clang-tidy", "--quiet", "-p", str(database), "--extra-arg=-Qunused-arguments",
             "--extra-arg=-Wno-unknown-warning-option", *less, source]
        )  # fmt: skip

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return _diagnostics([line for lines in pool.map(one, sources) for line in lines])


def _cppcheck(database: Path) -> list[str]:
    # comparePointers: two symbols of the linker script are the ends of one object.
    return _run(
        ["cppcheck", f"--project={database / 'compile_commands.json'}", "--quiet", "--inline-suppr",
         "--enable=warning,performance,portability", "--error-exitcode=1", "--std=c11", "-j",
         str(os.cpu_count() or 1), "--suppress=comparePointers"]
    )  # fmt: skip


def _commands(logs: Path) -> tuple[Path, list[str]]:
    """Linters that need the compiler's commands see everything built first."""
    return _compile_commands(build("default", [], Progress("pytest")), logs)


def _mypy() -> list[str]:
    python = [
        str(path) for path in _files() if path.suffix == ".py" or _is_script(path, (b"python3",))
    ]
    command = ["mypy", "--strict", "--explicit-package-bases", "--scripts-are-modules", *python]
    return _run(command, {"MYPYPATH": "tools:tests"})


def _shellcheck() -> list[str]:
    shell = [
        str(path) for path in _files()
        if path.suffix == ".bash" or _is_script(path, (b"/sh", b"bash"))
    ]  # fmt: skip
    return _run(["shellcheck", *shell])


def _clang_format() -> list[str]:
    files = [str(path) for path in _files() if path.suffix in (".c", ".h")]
    return _run(["clang-format", "--dry-run", "-Werror", *files])


_LINTERS: dict[str, Callable[[Path, bool], list[str]]] = {
    "clang-format": lambda _logs, _long: _clang_format(),
    "shellcheck": lambda _logs, _long: _shellcheck(),
    "mypy": lambda _logs, _long: _mypy(),
    "cppcheck": lambda logs, _long: _cppcheck(_commands(logs)[0]),
    "clang-tidy": lambda logs, long: _clang_tidy(*_commands(logs), long),
}


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("linter", _LINTERS)
def test_lint(linter: str, logs: Path, request: pytest.FixtureRequest) -> None:
    """One linter over every file that it is for."""
    complaints = _LINTERS[linter](logs, request.config.getoption("--long"))
    if complaints:
        repeat = f"repeat with: tools/test lint --filter {linter}"
        pytest.fail("\n".join([*complaints, repeat]), pytrace=False)

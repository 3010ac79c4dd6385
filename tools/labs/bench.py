"""
The build that submissions are graded with. It is made once from a lab's starter, so there is no
solution in it, and kept in the user's cache; a submission's files are compiled and linked beside it.
"""

import fcntl
import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from labs.lab import Lab, lab_of
from labs.starter import TAG, git, start
from machine.build import ROOT
from machine.errors import UserError
from machine.mutation import mirror
from machine.processes import run_logged
from machine.terminal import Progress

KERNEL = "rootmode_first.elf"  # linked once: without the table of functions for back traces
MONITOR = "tests/host/monitor_model"
_LIBRARIES = ("libpure_test.a", "libmembers_test.a")
_OF_KERNEL = r"(core_objects|room_\w+)\.dir"
# Objects of the folders below kernel/: of the core, of rooms made in their own folder or in another.
_BELOW_KERNEL = r"(core_objects\.dir/|room_\w+\.dir/(__/)+)(lib|mm|vmx|vm)/|^(lib|mm|vmx|vm)/CMakeFiles/room_\w+\.dir/(?!__)"
_WORK = "work"
_KEPT = 12  # builds in the cache


def cache() -> Path:
    """Where builds are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "rootmode-labs"


class Bench:
    """A starter, built."""

    def __init__(self, folder: Path, lab: Lab) -> None:
        self.lab = lab
        self._used = (folder / "ready").open("rb")
        fcntl.flock(self._used, fcntl.LOCK_SH)
        self.source = folder / "source"
        self.build = folder / "build"
        self._made_in = str(folder.parent / _WORK)

    def _here(self, command: str) -> list[str]:
        """A command of the build, its paths where it was copied to."""
        return shlex.split(command.replace(self._made_in + "/", str(self.build.parent) + "/"))

    @cached_property
    def _commands(self) -> list[dict[str, str]]:
        text = (self.build / "compile_commands.json").read_text(encoding="utf-8")
        return list(json.loads(text))

    def compile_command(self, file: str, kernel: bool) -> list[str] | None:
        """How a file of the tree is compiled for the kernel, or for the tests; None where it is not."""
        wanted = _OF_KERNEL if kernel else r"(pure_test|members_test)\.dir"
        for row in self._commands:
            if row["file"] == f"{self._made_in}/source/{file}" and re.search(wanted, row["command"]):
                return self._here(row["command"])
        return None

    def link_command(self, target: str) -> list[str]:
        """How a program is linked."""
        listed = subprocess.run(["ninja", "-C", str(self.build), "-t", "commands", target], capture_output=True,
                                text=True, check=True).stdout  # fmt: skip
        line = next(line for line in reversed(listed.splitlines()) if f"-o {target}" in line or f"/{target} " in line)
        return [word for word in self._here(line) if word not in (":", "&&")]

    def program(self, name: str) -> str:
        """The target of a program of cases."""
        return f"tests/labs/graded_{name}"

    @cached_property
    def _processor(self) -> frozenset[str]:
        """The processor's functions (lib/x86.h), and the ends of sets."""
        found = set(re.findall(r"\bset_\w+", (self.source / "lib" / "sets.ld").read_text(encoding="utf-8")))
        for header in ("x86.h", "x86_rooms.h", "x86_vmx.h"):
            text = (self.source / "lib" / header).read_text(encoding="utf-8")
            found |= set(re.findall(r"\b[a-z]\w+(?=\()", text)) | set(re.findall(r"^X86_\w+\((\w+)", text, re.MULTILINE))
        return frozenset(found)

    @cached_property
    def symbols(self) -> frozenset[str]:
        """What a submission may call in a test: what Rootmode's own code defines or calls."""
        found = self.listed(*(self.build / library for library in _LIBRARIES), options=("-g",))
        return found | self._processor | (self.kernel_symbols if self.lab.boots else frozenset())

    @cached_property
    def kernel_symbols(self) -> frozenset[str]:
        """What it may call in the kernel: what lib/, mm/, vmx/ and vm/ define or call, but for what prints."""
        objects = [path for path in self.build.rglob("*.o") if re.search(_BELOW_KERNEL, str(path.relative_to(self.build)))]
        found = {name for name in self.listed(*objects, options=("-g",)) if not re.match(r"console_|serial_", name)}
        return frozenset(found) | self._processor

    @staticmethod
    def listed(*files: Path, options: tuple[str, ...]) -> frozenset[str]:
        """The names that nm lists."""
        told = subprocess.run(["nm", *options, *map(str, files)], capture_output=True, text=True, check=False).stdout
        return frozenset(line.split()[-1] for line in told.splitlines() if len(line.split()) >= 2)

    def object_of(self, file: str, kernel: bool) -> Path:
        """The starter's own object of that file."""
        command = self.compile_command(file, kernel) or []
        return self.build / command[command.index("-o") + 1]


def _targets(lab: Lab) -> list[str]:
    by_cases = [check for check in lab.checks if not (check.boot or check.answer or check.rubric)]
    targets = [f"graded_{name}" for name in sorted({check.program for check in by_cases})]
    if any(check.answer for check in lab.checks):
        targets.append(MONITOR.rsplit("/", maxsplit=1)[-1])
    return [*targets, KERNEL, "direct_loader"] if lab.boots else targets


def _make(work: Path, lab: Lab, progress: Progress) -> None:
    """Builds in the one folder where all are built: labs differ in few files, so little is compiled anew."""
    source, build = work / "source", work / "build"
    commands = [["ninja", "-C", str(build), *_targets(lab)]]
    if not (build / "build.ninja").exists():
        commands.insert(0, ["cmake", "-G", "Ninja", "-S", str(source), "-B", str(build), "-DROOTMODE_SANITIZE=OFF"])

    def show(line: str) -> None:
        found = re.match(r"\[(\d+)/(\d+)\]", line)
        progress.show(f"building what is graded with, once: {found[0] if found else 'preparing'}")

    log = work / "build.log"
    log.unlink(missing_ok=True)
    for command in commands if _targets(lab) else []:
        if run_logged(command, log, show, work) != 0:
            words = log.read_text(encoding="utf-8")
            raise UserError(f"what is graded with does not build; log: {log}\n{words[-2000:]}")


def _copy(work: Path, folder: Path) -> None:
    """Keeps what was built; paths in it are still those of where it was."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("source", "build"):
        if (work / name).exists():
            shutil.copytree(work / name, folder / name, symlinks=True)
    loader = folder / "build" / "direct-loader.bin"
    if loader.exists():  # where tools/run of that tree looks for it
        (folder / "source" / "build").mkdir()
        shutil.copy(loader, folder / "source" / "build")
    (folder / "ready").touch()


def forget_old(folder: Path) -> None:
    """Keeps the builds that were used last, and those that somebody grades with."""
    builds = sorted((path for path in folder.iterdir() if (path / "ready").exists()), key=lambda path: path.stat().st_mtime)
    for path in builds[:-_KEPT]:
        with (path / "ready").open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def bench_of_starter(tree: Path, number: int, progress: Progress) -> Bench:
    """From the commit that tools/lab start made, whatever was changed since."""
    key = git(tree, "rev-parse", f"{TAG}^{{tree}}").strip()[:16]
    base = cache()
    with _locked(base):
        folder = base / f"{number}-{key}"
        if not (folder / "ready").exists():
            with tempfile.TemporaryDirectory(prefix="rootmode-lab-") as name:
                with subprocess.Popen(["git", "-C", str(tree), "archive", TAG], stdout=subprocess.PIPE) as process:
                    subprocess.run(["tar", "-x", "-C", name], stdin=process.stdout, check=True)
                mirror(Path(name), base / _WORK / "source")
            _make(base / _WORK, lab_of(base / _WORK / "source", number), progress)
            _copy(base / _WORK, folder)
            forget_old(base)
        os.utime(folder)
        progress.clear()
        return Bench(folder, lab_of(folder / "source", number))


def bench_of_tree(lab: Lab, progress: Progress, source: Path = ROOT) -> Bench:
    """For a lecturer: from the starter that this tree gives, the same one that students got."""
    with tempfile.TemporaryDirectory(prefix="rootmode-lab-") as name:
        start(source, lab, Path(name))
        return bench_of_starter(Path(name), lab.number, progress)

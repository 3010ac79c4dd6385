"""
What a student wrote, as far as it is graded: the files that the lab names, compiled apart. What is in
them but Rootmode's own code could call is refused, so that nothing of it reaches the grader.
"""

import os
import re
import shutil
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

from labs.bench import KERNEL, Bench
from machine.processes import kill_group, start

_SIZE_MAX = 256 * 1024
_COMPILE_SECONDS = 30.0
# What the compiler itself may call for.
_OF_COMPILER = frozenset({"memcpy", "memset", "memmove", "memcmp", "__stack_chk_fail", "_GLOBAL_OFFSET_TABLE_"})
# Code, data, what a debugger reads; and the places of instructions that may fault (lib/x86.h).
_SECTIONS = re.compile(r"\.((text|data|bss|rodata|note|comment|eh_frame|gnu)(\..*)?|debug_\w+|group|note.*|fixup)")
_WAYS_OUT = re.compile(r"\t(syscall|sysenter|int\s.*|int3)\b")
_ASSEMBLY = re.compile(r"\b(asm|__asm|__asm__)\b")
_STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')
# As the preprocessor marks where a file begins (1) and goes on (2); in a source it would hide what is behind it.
_MARKER = re.compile(r'^# \d+ "[^\n]*"((?: \d)*)$', re.MULTILINE)
_MARKER_IN_SOURCE = re.compile(r"(?:#|%:|\?\?=)(?:\s|\\\n|/\*.*?\*/)*(?:line\b|\d)", re.DOTALL)
_PORTS = re.compile(r"\t(?:rep )?(outs?[bwl]?|ins?[bwl]?)\s")


class CannotBeGraded(Exception):
    """Why not, for the student."""


def run(command: Sequence[str], folder: Path, seconds: float, output_max: int = 64 * 1024) -> tuple[int | None, str]:
    """Runs it within limits; its status (None: out of time) and the first of what it said."""
    limits = ["prlimit", "--core=0", f"--cpu={int(seconds)}", "--as=4294967296", "--fsize=67108864", "--"]
    log = folder / "said.txt"
    with log.open("wb") as file:
        process = start([*limits, *command], stdin=subprocess.DEVNULL, output=file.fileno(), folder=folder)
    try:
        status: int | None = process.wait(seconds)
    except subprocess.TimeoutExpired:
        status = None
    finally:
        kill_group(process)
    with log.open("rb") as file:
        return status, file.read(output_max).decode("utf-8", "replace")


def _read(tree: Path, name: str) -> bytes:
    """A file of the student's: a plain one, of a plain folder."""
    path = tree
    for part in Path(name).parts:
        path = path / part
        if path.is_symlink():
            raise CannotBeGraded(f"{name} is a link: give the file itself")
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise CannotBeGraded(f"{name}: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise CannotBeGraded(f"{name} is not a plain file")
    with os.fdopen(file, "rb") as stream:
        data = stream.read(_SIZE_MAX + 1)
    if len(data) > _SIZE_MAX:
        raise CannotBeGraded(f"{name} is longer than {_SIZE_MAX} bytes")
    return data


class Submission:
    """A student's files, compiled in a folder of their own."""

    def __init__(self, bench: Bench, tree: Path, work: Path) -> None:
        self._bench = bench
        self._work = work
        self.source = work / "source"
        for name in bench.lab.files:
            (self.source / name).parent.mkdir(parents=True, exist_ok=True)
            (self.source / name).write_bytes(_read(tree, name))
        self._compiled = [name for name in bench.lab.files if name.endswith(".c")]

    def _object(self, name: str, kernel: bool) -> Path:
        return self._work / f"{name.replace('/', '_')}.{'kernel' if kernel else 'test'}.o"

    def _compile(self, name: str, kernel: bool) -> None:
        command = self._bench.compile_command(name, kernel)
        if command is None:
            return
        made = self._object(name, kernel)
        command[command.index("-o") + 1] = str(made)
        command[command.index("-c") + 1] = str(self.source / name)
        used = made.with_suffix(".d")
        status, said = run([*command, "-MD", "-MF", str(used)], self._work, _COMPILE_SECONDS)
        if status != 0:
            words = said.replace(f"{self.source}/", "").replace(f"{self._bench.source}/", "").strip()
            raise CannotBeGraded(f"{name} does not compile:\n{words[:3000] or 'the compiler ran out of time or memory'}")
        self._look_at_includes(name, used)
        self._look_at_assembly(name, command)
        self._look_at_object(name, made, kernel)

    def _look_at_includes(self, name: str, used: Path) -> None:
        """Only what the tree has, and the compiler's own headers; no other source."""
        words = used.read_text(encoding="utf-8").replace("\\\n", " ").split()[1:]
        allowed = (self._bench.source, self._bench.build / "generated", Path("/usr/lib/gcc"), Path("/usr/include"))
        for word in words:
            file = Path(os.path.normpath(self._work / word))
            if file == self.source / name:
                continue
            if file.suffix == ".c" or not any(file.is_relative_to(folder) for folder in allowed):
                raise CannotBeGraded(f"{name} includes {word}, which is not a header of the tree")

    def _look_at_assembly(self, name: str, command: Sequence[str]) -> None:
        """None of the student's own: it could bring in any file, and any instruction."""
        made = self._work / "preprocessed.i"
        preprocess = ["-E" if word == "-c" else word for word in command]
        preprocess[preprocess.index("-o") + 1] = str(made)
        if run(preprocess, self._work, _COMPILE_SECONDS)[0] != 0:
            raise CannotBeGraded(f"{name} does not go through the preprocessor")
        if _MARKER_IN_SOURCE.search((self.source / name).read_text(encoding="utf-8", errors="replace")):
            raise CannotBeGraded(f"{name} has a #line, which nothing here needs")
        parts = _MARKER.split(made.read_text(encoding="utf-8", errors="replace"))
        depth = 0
        for flags, text in zip(parts[1::2], parts[2::2]):
            depth += ("1" in flags.split()) - ("2" in flags.split())
            if depth == 0 and (found := _ASSEMBLY.search(_STRING.sub('""', text))):
                raise CannotBeGraded(f"{name} has assembly of its own ({found[1]}), which nothing here needs")

    def _look_at_object(self, name: str, made: Path, kernel: bool) -> None:
        sections = subprocess.run(["objdump", "-h", "-w", str(made)], capture_output=True, text=True, check=True).stdout
        code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", str(made)], capture_output=True, text=True,
                              check=True).stdout  # fmt: skip
        own = subprocess.run(["objdump", "-h", "-w", str(self._bench.object_of(name, kernel))], capture_output=True, text=True,
                             check=True).stdout  # fmt: skip
        known = set(re.findall(r"^\s*\d+ (\S+)", own, re.MULTILINE))
        for section in re.findall(r"^\s*\d+ (\S+)", sections, re.MULTILINE):
            if section not in known and not _SECTIONS.fullmatch(section):
                raise CannotBeGraded(f"{name} has a section {section}, which nothing here needs")
        if found := (_PORTS if kernel else _WAYS_OUT).search(code):
            raise CannotBeGraded(f"{name} executes {found[1].strip()}, which nothing here needs")
        known_calls = self._bench.listed(self._bench.object_of(name, kernel), options=("-u",))
        allowed = (self._bench.kernel_symbols if kernel else self._bench.symbols) | known_calls | _OF_COMPILER
        for symbol in sorted(self._bench.listed(made, options=("-u",)) - allowed):
            raise CannotBeGraded(f"{name} calls {symbol}(), which is not Rootmode's")
        wanted = self._bench.listed(self._bench.object_of(name, kernel), options=("-g", "--defined-only"))
        has = self._bench.listed(made, options=("-g", "--defined-only"))
        for symbol in sorted(wanted - has):
            raise CannotBeGraded(f"{name} lacks {symbol}, which its header promises")
        for symbol in sorted(has - wanted):
            raise CannotBeGraded(f"{name} has a new global name, {symbol}: make it static")

    def compile(self) -> None:
        """Raises CannotBeGraded where that is so."""
        for name in self._compiled:
            self._compile(name, kernel=False)
            if self._bench.lab.boots:
                self._compile(name, kernel=True)

    def _link(self, command: list[str], what: str) -> None:
        status, said = run(["env", "-C", str(self._bench.build), *command], self._work, _COMPILE_SECONDS)
        if status != 0:
            raise CannotBeGraded(f"{what} does not link:\n{said[:2000]}")

    def link_program(self, name: str) -> Path:
        """The program of cases, with the student's objects before the library that has the starter's."""
        made = self._work / name
        command = self._bench.link_command(self._bench.program(name))
        command[command.index("-o") + 1] = str(made)
        at = next(i for i, word in enumerate(command) if word.endswith(".c.o"))
        command[at:at] = [
            str(self._object(file, kernel=False)) for file in self._compiled
            if self._bench.compile_command(file, kernel=False)
        ]
        self._link(command, f"the program {name}")
        return made

    def link_kernel(self) -> Path:
        """The kernel, with the student's objects in place of the starter's."""
        made = self._work / "rootmode.elf"
        command = self._bench.link_command(KERNEL)
        command[command.index("-o") + 1] = str(made)
        for file in self._compiled:
            old = str(self._bench.object_of(file, kernel=True).relative_to(self._bench.build))
            command[command.index(old)] = str(self._object(file, kernel=True))
        self._link(command, "the kernel")
        return made

    def forget(self) -> None:
        """Removes all of it."""
        shutil.rmtree(self._work, ignore_errors=True)

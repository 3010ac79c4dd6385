"""
Mistakes that people make who write a hypervisor (tests/mistakes/mistakes.toml): kernels that have one
of them, for tests and for labs. Only the file with the mistake is compiled; the rest is the build's.
"""

import json
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from machine.build import ROOT
from machine.errors import UserError

LIST = ROOT / "tests" / "mistakes" / "mistakes.toml"
_FIRST = "rootmode_first.elf"  # kernel/backtrace/symbols.cmake


@dataclass(frozen=True)
class Mistake:
    """One of them, and what must be said of it."""

    name: str
    says: tuple[str, ...]  # on the console, in this order; a line break is a space
    file: str = ""  # of the tree: `find` stands there once and becomes `replace`
    find: str = ""
    replace: str = ""
    options: tuple[str, ...] = ()  # more of tools/run
    script: str = ""  # lines for the monitor, instead of a change of the code
    status: int = 1  # of tools/run
    quick: bool = False  # not only with tools/test --long

    def applied(self) -> str:
        """The file's text with the mistake in it."""
        text = (ROOT / self.file).read_text(encoding="utf-8")
        if text.count(self.find) != 1:
            raise UserError(f"mistake {self.name}: {self.file} has {text.count(self.find)} times: {self.find}")
        return text.replace(self.find, self.replace)


def mistakes() -> list[Mistake]:
    """The list."""
    rows = tomllib.loads(LIST.read_text(encoding="utf-8"))["mistake"]
    return [
        Mistake(**{key: tuple(value) if isinstance(value, list) else value for key, value in row.items()})
        for row in rows
    ]


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise UserError(f"{shlex.join(command)}: {done.stderr}")
    return done.stdout


def _with_output(command: list[str], output: Path) -> list[str]:
    return [str(output) if before == "-o" else word for before, word in zip(["", *command], command)]


def _compiled(mistake: Mistake, build: Path, folder: Path) -> dict[str, str]:
    """Compiles the changed file; which object of the kernel's it is instead of."""
    source = folder / Path(mistake.file).name
    source.write_text(mistake.applied(), encoding="utf-8")
    for item in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        words = [str(source) if word == item["file"] else word for word in shlex.split(item["command"])]
        item_object = words[words.index("-o") + 1]
        if item["file"] == str(ROOT / mistake.file) and re.search(r"/(core_objects|room_\w+)\.dir/", item_object):
            _run([*_with_output(words, source.with_suffix(".o")), "-Wno-error"], build)
            return {item_object: str(source.with_suffix(".o"))}
    raise UserError(f"mistake {mistake.name}: {mistake.file} is no source of the kernel")


def kernel_with(mistake: Mistake, build: Path, folder: Path) -> Path:
    """The kernel of that build with the mistake in it, made in the folder."""
    objects = _compiled(mistake, build, folder)
    line = _run(["ninja", "-t", "commands", _FIRST], build).splitlines()[-1]
    link = [objects.get(word, word) for word in shlex.split(line.removeprefix(": && ").removesuffix(" && :"))]
    first, kernel, names = folder / _FIRST, folder / "rootmode.elf", folder / "first.nm"
    table, table_object = folder / "symbols.S", folder / "symbols.o"
    _run(_with_output(link, first), build)
    names.write_text(_run(["nm", "-n", str(first)], folder), encoding="ascii")
    _run([sys.executable, str(ROOT / "tools" / "gen_symbols.py"), str(names), "--output", str(table)], folder)
    _run([link[0], "-c", str(table), "-o", str(table_object)], folder)
    link = [str(table_object) if word.endswith("no_symbols.S.o") else word for word in link]
    _run(_with_output(link, kernel), build)
    return kernel

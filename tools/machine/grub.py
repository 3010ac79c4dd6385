"""GRUB as it is installed here: its commands, and the modules that have them."""

import functools
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from machine.errors import UserError
from machine.nearest import did_you_mean

_FOLDERS = (Path("/usr/lib/grub/i386-pc"), Path("/usr/lib/grub/x86_64-efi"))

# Of the kernel itself and of the script language: no module has them.
_BUILT_IN = ("set", "unset", "insmod", "ls")
_BEFORE_A_COMMAND = ("if", "then", "elif", "else", "while", "until", "do", "{", "}", "!", "time")
_NO_COMMAND = ("for", "in", "select", "function", "fi", "done")
_TOKENS = re.compile(r"""#[^\n]*|[;\n{}]|(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s;{}'"\\])+""", re.DOTALL)


@functools.cache
def commands() -> dict[str, str]:
    """Each command of the modules for BIOS and for UEFI, with the name of its module."""
    result: dict[str, str] = {}
    for folder in _FOLDERS:
        try:
            lines = (folder / "command.lst").read_text(encoding="ascii").splitlines()
        except FileNotFoundError as error:
            raise UserError("GRUB is not installed: tools/setup build") from error
        for line in lines:
            name, _, module = line.lstrip("*").partition(": ")
            result.setdefault(name, module)
    return result


def named_commands(script: str) -> Iterator[list[str]]:
    """The simple commands of a line for GRUB, each as its words; what variables give is not known."""
    command: list[str] = []
    for token in [*_TOKENS.findall(script), ";"]:
        if token in (";", "\n", "{", "}"):
            if command:
                yield command
            command = []
        elif token.startswith("#") or (not command and token in _BEFORE_A_COMMAND):
            continue
        else:
            command.append(token)


def _unknown(command: Sequence[str]) -> str:
    """The complaint about a command; empty where it is known, or cannot be."""
    name = command[0]
    if name in (*_NO_COMMAND, *_BUILT_IN) or "$" in name or re.match(r"\w+=", name):
        return ""
    if name in commands():
        return ""
    return f'GRUB has no command "{name}"{did_you_mean(name, (*commands(), *_BUILT_IN))}'


def modules_for(scripts: Sequence[str]) -> list[str]:
    """The modules that the commands need, as far as both forms of GRUB have them."""
    wanted = []
    for script in scripts:
        for command in named_commands(script):
            wanted.append(commands().get(command[0], ""))
            if command[0] == "insmod":
                wanted += command[1:]
    return [
        module
        for module in dict.fromkeys(wanted)
        if module and all((folder / f"{module}.mod").is_file() for folder in _FOLDERS)
    ]


def check_commands(scripts: Sequence[str]) -> None:
    """Raises UserError where GRUB would not understand: a command, a module, the script."""
    wrong = []
    for script in scripts:
        for command in named_commands(script):
            wrong.append(_unknown(command))
            if command[0] == "insmod" and len(command) == 2 and not _is_module(command[1]):
                wrong.append(f'GRUB has no module "{command[1]}"')
        if script.strip() and not any(wrong):
            wrong.append(_syntax(script))
    if any(wrong):
        raise UserError("\n".join(["--grub:", *filter(None, wrong)]))


def _is_module(name: str) -> bool:
    return "$" in name or "/" in name or any((f / f"{name}.mod").is_file() for f in _FOLDERS)


def _syntax(script: str) -> str:
    try:
        done = subprocess.run(
            ["grub-script-check"], input=script + "\n", capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    return "" if done.returncode == 0 else f'not a script for GRUB: "{script}"'

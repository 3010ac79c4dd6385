"""What may stand next on a command line of tools/run, tools/gdb or tools/test: completion.bash asks."""

import argparse
import importlib
import sys
from collections.abc import Iterable, Sequence

from machine.errors import UserError
from machine.grub import commands
from machine.words import completions


def split(line: str) -> tuple[list[str], str]:
    """The shell's words of an unfinished line, and the quote that the last of them stands in."""
    words, word, quote, i = [], "", "", 0
    while i < len(line):
        character = line[i]
        if character == "\\" and quote != "'" and i + 1 < len(line):
            i += 1
            word += line[i]
        elif quote:
            quote, word = ("", word) if character == quote else (quote, word + character)
        elif character in "\"'":
            quote = character
        elif character.isspace():
            if line[i - 1 : i].strip():
                words.append(word)
            word = ""
        else:
            word += character
        i += 1
    return [*words, word], quote


def _option(parser: argparse.ArgumentParser, name: str) -> argparse.Action | None:
    """The option of this name, where it takes a value."""
    for action in parser._actions:  # pylint: disable=protected-access # there is no other way
        if name in action.option_strings and action.nargs != 0:
            return action
    return None


def _values(action: argparse.Action, typed: str) -> Iterable[str]:
    if action.dest == "append":
        before, space, word = typed.rpartition(" ")
        return [before + space + item for item in completions(word)]
    if action.dest == "grub":
        return commands()
    return [str(choice) for choice in action.choices or ()]


def candidates(parser: argparse.ArgumentParser, words: Sequence[str]) -> list[str]:
    """What the last of the words may become, the tool's name being the first."""
    *before, typed = words
    name, equals, value = typed.partition("=")
    if equals and (action := _option(parser, name)):
        found: Iterable[str] = [f"{name}={item}" for item in _values(action, value)]
    elif before and (action := _option(parser, before[-1])):
        found = _values(action, typed)
    elif typed.startswith("-"):
        found = [name for item in parser._actions for name in item.option_strings]
    else:
        found = [
            choice
            for item in parser._actions if not item.option_strings
            for choice in item.choices or ()
        ]  # fmt: skip
    return [item for item in found if item.startswith(typed)]


def replaced(items: Iterable[str], typed: str, quote: str, breaks: str) -> list[str]:
    """What bash puts in place of what it takes for the word, which begins behind the last break."""
    start = 0 if quote else 1 + max((typed.rfind(character) for character in breaks), default=-1)
    return [item[start:] for item in items]


def main() -> None:
    """Called with the tool's name, the line up to the cursor, and bash's COMP_WORDBREAKS."""
    tool, line, breaks = sys.argv[1:]
    words, quote = split(line)
    parser = importlib.import_module(f"machine.{tool}").parser()
    try:
        found = candidates(parser, words)
    except UserError:
        return
    for item in replaced(found, words[-1], quote, breaks):
        print(item)


if __name__ == "__main__":
    main()

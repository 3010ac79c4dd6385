"""Builds a host program and becomes it: `python3 -m machine.host_program FOLDER NAME ARGUMENTS`."""

import os
import sys

from machine.build import ROOT, build
from machine.errors import Exit, UserError, in_words
from machine.packages import need
from machine.terminal import Progress, say


def main(folder: str, name: str, *arguments: str) -> int:
    """Returns only if there is no program to run."""
    program = ROOT / "build" / "tools" / folder / name
    try:
        if arguments not in (("--help",), ("-h",)) or not program.exists():  # these install nothing
            need("build")
            build("default", [name], Progress(f"tools/{name}"))
        os.execv(program, [name, *arguments])
    except (UserError, OSError) as error:
        say(f"tools/{name}: {in_words(error)}")
        return Exit.WRONG_USE


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

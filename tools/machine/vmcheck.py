"""Builds the host program vmcheck (tools/entry) and becomes it."""

import os
import sys

from machine.build import ROOT, build
from machine.errors import Exit, UserError, in_words
from machine.packages import need
from machine.terminal import Progress, say


def main() -> int:
    """Returns only if there is no program to run."""
    program = ROOT / "build" / "tools" / "entry" / "vmcheck"
    try:
        if sys.argv[1:] in (["--help"], ["-h"]) and program.exists():  # installs nothing
            os.execv(program, ["vmcheck", *sys.argv[1:]])
        need("build")
        program = build("default", ["vmcheck"], Progress("tools/vmcheck")) / "tools" / "entry" / "vmcheck"
        os.execv(program, ["vmcheck", *sys.argv[1:]])
    except (UserError, OSError) as error:
        say(f"tools/vmcheck: {in_words(error)}")
        return Exit.WRONG_USE


if __name__ == "__main__":
    sys.exit(main())

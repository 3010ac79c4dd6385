"""Builds the host program vmxcap (tools/capability) and becomes it."""

import os
import sys

from machine.build import ROOT, build
from machine.errors import Exit, UserError, in_words
from machine.packages import need
from machine.terminal import Progress, say


def main() -> int:
    """Returns only if there is no program to run."""
    program = ROOT / "build" / "tools" / "capability" / "vmxcap"
    try:
        if sys.argv[1:] in (["--help"], ["-h"]) and program.exists():  # installs nothing
            os.execv(program, ["vmxcap", *sys.argv[1:]])
        need("build")
        program = build("default", ["vmxcap"], Progress("tools/vmxcap")) / "tools" / "capability" / "vmxcap"
        os.execv(program, ["vmxcap", *sys.argv[1:]])
    except (UserError, OSError) as error:
        say(f"tools/vmxcap: {in_words(error)}")
        return Exit.WRONG_USE


if __name__ == "__main__":
    sys.exit(main())

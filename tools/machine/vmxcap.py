"""Builds the host program vmxcap (tools/capability) and becomes it."""

import os
import sys

from machine.build import build
from machine.errors import Exit, UserError
from machine.terminal import Progress, say


def main() -> int:
    """Returns only if there is no program to run."""
    try:
        program = build("default", ["vmxcap"], Progress()) / "tools" / "capability" / "vmxcap"
        os.execv(program, ["vmxcap", *sys.argv[1:]])
    except (UserError, OSError) as error:
        say(f"tools/vmxcap: {error}")
        return Exit.WRONG_USE


if __name__ == "__main__":
    sys.exit(main())

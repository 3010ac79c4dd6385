"""What a command needs to be installed, by groups of tools/setup."""

import os
import subprocess

from machine.build import ROOT
from machine.errors import UserError


def need(*groups: str) -> None:
    """Installs what is missing, after it has been named; not where ROOTMODE_SETUP=skip says so."""
    if os.environ.get("ROOTMODE_SETUP") == "skip":
        return
    if subprocess.run([ROOT / "tools" / "setup", *groups], check=False).returncode != 0:
        raise UserError(f"parts are missing: tools/setup {' '.join(groups)}")

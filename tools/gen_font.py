#!/usr/bin/env python3
"""Unpack a console font for the kernel to include, and make sure that it is one."""

from __future__ import annotations

import argparse
import gzip
import sys
from pathlib import Path

# PSF version 1 and 2.
MAGICS = (b"\x36\x04", b"\x72\xb5\x4a\x86")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packed", type=Path, help="the font as the package has it (.psf.gz)")
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()

    try:
        font = gzip.decompress(arguments.packed.read_bytes())
    except (OSError, EOFError) as error:
        sys.exit(f"{arguments.packed}: {error}")
    if not font.startswith(MAGICS):
        sys.exit(f"{arguments.packed}: not a PSF font")
    arguments.output.write_bytes(font)
    return 0


if __name__ == "__main__":
    sys.exit(main())

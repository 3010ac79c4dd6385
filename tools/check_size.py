#!/usr/bin/env python3
"""Hold the kernel's image to a size: what is loaded from the file must not exceed the limit."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from machine.figures import loaded_bytes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", type=Path)
    parser.add_argument("limit", type=int, help="bytes")
    arguments = parser.parse_args()

    size = loaded_bytes(arguments.image)
    if size > arguments.limit:
        sys.exit(
            f"{arguments.image}: {size:,} bytes are loaded, {size - arguments.limit:,} more than the "
            "limit. If they are worth it, raise the limit where the test is added."
        )
    print(f"{size:,} bytes of {arguments.limit:,}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Puts text files into a C source, as the table that tools/capability/html_files.h declares.

    tools/gen_page.py out.c FILE...

A WebAssembly NAME.wasm becomes the script NAME-wasm.js, because a page that is a file may load
nothing else.
"""

import base64
import sys
from collections.abc import Iterable
from pathlib import Path


def c_string(line: str) -> str:
    quoted = "".join(
        chr(byte) if 0x20 <= byte < 0x7F and chr(byte) not in '"\\?' else f"\\{byte:03o}"
        for byte in line.encode("utf-8")
    )
    return f'"{quoted}"'


def text_of(path: Path) -> tuple[str, str]:
    """The file's name in the page, and its text."""
    if path.suffix != ".wasm":
        return path.name, path.read_text(encoding="utf-8")
    lines = base64.encodebytes(path.read_bytes()).decode("ascii").split()
    quoted = " +\n".join(f'"{line}"' for line in lines) or '""'
    return f"{path.stem}-wasm.js", f'"use strict";\nconst {path.stem}Wasm =\n{quoted};\n'


def put_files(paths: Iterable[Path]) -> Iterable[str]:
    count = 0
    yield "/* Made by tools/gen_page.py from tools/capability/page. */\n"
    yield '#include "tools/capability/html_files.h"\n\n'
    yield "const struct html_file html_files[] = {\n"
    for path in paths:
        name, text = text_of(path)
        yield f"    {{{c_string(name)},\n"
        for line in text.splitlines(keepends=True):
            yield f"     {c_string(line)}\n"
        yield "    },\n"
        count += 1
    yield "};\n\n"
    yield f"const size_t html_file_count = {count};\n"


def main(arguments: list[str]) -> int:
    if len(arguments) < 3:
        print("usage: gen_page.py out.c FILE...", file=sys.stderr)
        return 2
    try:
        text = "".join(put_files(Path(name) for name in arguments[2:]))
    except (OSError, UnicodeDecodeError) as error:
        print(f"gen_page.py: {error}", file=sys.stderr)
        return 1
    Path(arguments[1]).write_text(text, encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))

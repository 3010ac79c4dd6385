"""linker.ld: wherever a segment's last section ends in a page, the image links without a warning."""

import re
import subprocess
from pathlib import Path

import pytest

from machine.build import ROOT

_PAGE = 4096
_OPTIONS = ("-nostdlib", "-static", f"-Wl,-T,{ROOT}/linker.ld", f"-L{ROOT}", "-Wl,--build-id=none,--nmagic,--fatal-warnings")


def _link(folder: Path, text: int, rest: int) -> dict[str, int]:
    """An image of so many bytes of code and of read-only data: where its parts end."""
    source, image = folder / "image.S", folder / "image.elf"
    source.write_text(
        f".text\n.globl entry32\nentry32: .skip {text}\n.data\n.quad text_end, rodata_end\n.bss\n.skip 1\n"
        f'.section .rodata,"a"\n.balign 16\n.long 1\n.section .symbols,"a"\n.skip {rest}\n'
        '.section .note.GNU-stack,"",@progbits\n',
        encoding="ascii",
    )
    done = subprocess.run(["cc", *_OPTIONS, "-o", image, source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    listing = subprocess.run(["nm", image], capture_output=True, text=True, check=True).stdout
    return {name: int(address, 16) for address, name in re.findall(r"^([0-9a-f]+) . (\w+)$", listing, re.MULTILINE)}


@pytest.mark.parametrize("left", range(18))
def test_a_page_that_is_nearly_full(left: int, tmp_path: Path) -> None:
    empty = _link(tmp_path, 1, 1)
    text = _PAGE - left
    rest = 1 + (-left - empty["symbols_end"]) % _PAGE
    ends = _link(tmp_path, text, rest)
    assert ends["symbols_end"] % _PAGE == -left % _PAGE
    assert ends["rodata_end"] - ends["symbols_end"] == left % _PAGE
    assert ends["text_end"] - ends["entry32"] == _PAGE
    assert ends["rodata_end"] == ends["image_end"]

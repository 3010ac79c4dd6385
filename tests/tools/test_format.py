"""
What lib/format.c can print, and nothing else, is asked of it. The compiler checks formats by glibc's rules,
which know more; host tests print by glibc, too. In the kernel, and in the page of vmcheck, %.0u would be wrong
unseen; in the page, where size_t and long have 32 bits, %zu and %lu of a long, too.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from machine.build import ROOT

_FOLDERS = ("lib", "boot", "mm", "vmx", "vm", "kernel", "tools/capability", "tools/entry")
_SOURCES = sorted(
    file for folder in _FOLDERS for file in (ROOT / folder).rglob("*") if file.suffix in {".c", ".h", ".def"}
)
_LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
# What printf of any C library takes for a conversion.
_CONVERSION = re.compile(r"%(?:%|[-+ #0']*(?:\d+|\*)?(?:\.(?:\d+|\*)?)?[hlqjztL]*[a-zA-Z])")
# lib/format.h
_KNOWN = re.compile(
    r"%(?:%|[-0#]*(?:\d+|\*)?(?:l{0,2}|z)[dux]|-?(?:\d+|\*)?(?:\.(?:\d+|\*))?s|-?(?:\d+|\*)?c)"
)
# What tools/entry/wasm makes into WebAssembly: l and z mean 64 bits there, long and size_t have 32.
_HOST_ALONE = {"vmxcap.c", "vmcheck.c", "load.c", "machine.c", "html.c"}
_ENGINE = [
    file
    for file in _SOURCES
    if file.relative_to(ROOT).parts[0] in {"lib", "vmx", "tools"} and file.name not in _HOST_ALONE
]
_LONG = re.compile(r"\b(?<!long )long\b(?! long)")


def _slips(text: str) -> Iterator[str]:
    for literal in _LITERAL.findall(text):
        for conversion in _CONVERSION.findall(literal):
            if not _KNOWN.fullmatch(conversion):
                yield conversion


def _without_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.DOTALL)


def test_formats_are_known() -> None:
    """Strings of assembly have registers behind %, which are no conversions, or such as are known."""
    told = {str(file): list(_slips(file.read_text(encoding="utf-8"))) for file in _SOURCES}
    assert {file: slips for file, slips in told.items() if slips} == {}


def test_the_engine_has_no_long() -> None:
    """Nor does it print a size."""
    assert len(_ENGINE) > 100
    for file in _ENGINE:
        code = _without_comments(file.read_text(encoding="utf-8"))
        assert not _LONG.search(_LITERAL.sub("", code)), file
        assert not any("%z" in literal for literal in _LITERAL.findall(code)), file


@pytest.mark.parametrize("slip", ["%.0u", "%X", "%p", "%i", "%hx", "%+d", "%jd", "%.8x", "%5.f", "%-'d", "%lld%n"])
def test_slips_are_seen(slip: str) -> None:
    """Each is one that the compiler lets pass, or might."""
    assert len(list(_slips(f'print_to(sink, "a {slip} b", value);'))) == 1


def test_what_is_known_is_let_pass() -> None:
    """One of each."""
    assert not list(_slips('"%s %.*s %-8s %08lx %#llx %5u %*d %c %% %02x 100 %" "%0, %1"'))

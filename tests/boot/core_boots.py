"""The core alone (tools/run --core): on one CPU and on four, and what it refuses."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import jsonschema  # type: ignore[import]

from boot.checks import IN_VMX, Check, Result, console_has, cpus, finding, states, timing
from boot.row import OK, REFUSED, Boot
from machine.build import ROOT

# What docs/report.schema.json wants of rooms that the core has not.
_OF_ROOMS = {"selftest", "selftest_entry", "guests", "bench", "vmcs"}


def _core_schema() -> Any:
    schema = json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8"))
    schema = copy.deepcopy(schema)
    schema["required"] = [key for key in schema["required"] if key not in _OF_ROOMS]
    finding_schema = schema["properties"]["findings"]["items"]
    finding_schema["required"] = [
        key for key in finding_schema["required"] if key not in ("text", "sdm", "remedy")
    ]
    return schema


_VALIDATOR = jsonschema.Draft202012Validator(_core_schema())


def _structure(result: Result) -> Iterator[str]:
    """What there is in the core's report is as in the whole kernel's; no room has a part in it."""
    for error in _VALIDATOR.iter_errors(result.report):
        yield f"{error.json_path}: {error.message}"
    for key in _OF_ROOMS & set(result.report):
        yield f"{key} is a room's"


def _refusals_are_told(result: Result) -> Iterator[str]:
    """Each on the console with its rule, value seen and value wanted."""
    words = " ".join(result.console.split())
    for item in result.report["findings"]:
        if item["severity"] != "refusal":
            continue
        for part in (item["rule"], f"seen {item['seen']}, wanted {item['wanted']}"):
            if " ".join(part.split()) not in words:
                yield f"the console does not tell: {part}"


def _hello(count: int) -> Check:
    """The core's own guest ran on every CPU; no CPU is left out."""

    def check(result: Result) -> Iterator[str]:
        if result.report.get("hello") != [{"cpu": i, "result": "ok"} for i in range(count)]:
            yield f"hello: {result.report.get('hello')}"

    return check


def _core(name: str, status: int, count: int, checks: tuple[Check, ...], *options: str) -> Boot:
    arguments = ("--core", "--on", "bochs", "--cpus", str(count), *options)
    always = (_structure, _refusals_are_told, timing, cpus(count))
    return Boot(f"core/{name}", arguments, status, (*always, *checks))


CORE_BOOTS: tuple[Boot, ...] = (
    _core("1 CPU", OK, 1, (*IN_VMX, _hello(1))),
    _core("4 CPUs", OK, 4, (*IN_VMX, _hello(4))),
    # Nobody has looked for one that is near: that is a room's.
    _core(
        "word mistyped", OK, 1,
        (*IN_VMX, console_has('unknown word "gest=hello": this kernel has no such word'),
         finding("command-line", "warning", 0)),
        "--unchecked", "--append", "gest=hello",
    ),
    _core(
        "basic-memory-type", REFUSED, 2,
        (finding("basic-memory-type", "refusal", 1, msr="0x480", bits="53:50", seen="0x0", wanted="0x6"),
         states("off")),
        "--append", "pretend=cpu1:0x480:0x00c010000000002b",
    ),
    _core(
        "feature-control-locked-off", REFUSED, 1,
        (finding("feature-control-locked-off", "refusal", 0, msr="0x3a", bits="2", seen="0x0", wanted="0x1"), states("off")),
        "--bios", "/usr/share/seabios/bios.bin", "--grub", "wrmsr 0x3a 0x1",  # Bochs's own locks it
    ),
)  # fmt: skip

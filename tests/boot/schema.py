"""
The structure of the JSON report, as a Python structure: a dict is an object with exactly these
keys, a list of one element is an array of such elements, a tuple names alternatives, a type is a
type, a compiled pattern is a string that matches it whole, a string or None is that very value.
"""

import re
from collections.abc import Iterator
from typing import Any

HEX = re.compile(r"0x[0-9a-f]{1,16}")
TEXT = re.compile(r".+", re.DOTALL)
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*")
BITS = re.compile(r"\d{1,2}(:\d{1,2})?")
RANGES = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*")
OUTCOME = ("VMsucceed", "VMfailInvalid", "VMfailValid", "fault")
SEVERITY = ("note", "warning", "refusal")
MEMORY_TYPE = ("UC", "WC", "WT", "WP", "WB", "UC-")


class MapOf:
    """An object whose keys match a pattern and whose values have one structure."""

    def __init__(self, key: re.Pattern[str], value: Any) -> None:
        self.key = key
        self.value = value


_REGION = {"address": HEX, "order": int, "memory_type": MEMORY_TYPE}
_RESULT: dict[str, Any] = {"outcome": OUTCOME, "number": int, "text": (TEXT, None)}

_ROW: dict[str, Any] = {"name": TEXT, "predicted": _RESULT, "seen": _RESULT, "agrees": bool}

_OUTCOME_OF_ENTRY = {
    "class": ("VMfailValid 7", "VMfailValid 8", "exit reason 33", "exit reason 34", "enters", "other"),
    "qualification": int,
}
_ENTRY: dict[str, Any] = {
    "class": TEXT,
    "broken": int,
    "unread": int,
    "unread_rules": [NAME],
    "rules": [
        {
            "rule": NAME,
            "text": TEXT,
            "sdm": TEXT,
            "field": TEXT,
            "seen": HEX,
            "wanted": HEX,
            "entry": int,
        }
    ],
}
_SELFTEST_ENTRY: dict[str, Any] = {
    "rules": int,
    "not_possible": int,
    "agreements": int,
    "differences": int,
    "random": int,
    "random_agreements": int,
    "trials": [
        {
            "trial": int,
            "rule": NAME,
            "base": TEXT,
            "predicted": _OUTCOME_OF_ENTRY,
            "seen": _OUTCOME_OF_ENTRY,
            "agrees": bool,
            "departs": bool,
        }
    ],
    "told": [
        {
            "random": bool,
            "number": int,
            "rule": TEXT,
            "field": TEXT,
            "value": HEX,
            "predicted": _OUTCOME_OF_ENTRY,
            "seen": _OUTCOME_OF_ENTRY,
        }
    ],
    "departures": [
        {"rule": NAME, "kind": ("laxer", "stricter", "fatal"), "text": TEXT, "count": int}
    ],
}

REPORT: dict[str, Any] = {
    "rootmode": re.compile(r"\d+\.\d+\.\d+"),
    "boot": {
        "loader": TEXT,
        "firmware": ("bios", "uefi"),
        "cmdline": str,
        "load_address": HEX,
    },
    "memory": {"ram_bytes": int, "pool_bytes": int, "used_bytes": int},
    "verdict": ("ok", "refused"),
    "findings": [
        {
            "rule": NAME,
            "severity": SEVERITY,
            "cpu": int,
            "cpus": RANGES,
            "apic_id": int,
            "msr": (HEX, None),
            "bits": (BITS, None),
            "seen": HEX,
            "wanted": HEX,
            "detail": (TEXT, None),
            "text": TEXT,
            "sdm": TEXT,
            "remedy": TEXT,
        }
    ],
    "findings_lost": int,
    "check": ("kvm", "strict"),
    "registers": ("virtual", "physical"),
    "msrs": MapOf(HEX, HEX),
    "vmcs_config": {
        "size": int,
        "order": int,
        "basic_cap": HEX,
        "revision_id": HEX,
        "pin_based_exec_ctrl": HEX,
        "cpu_based_exec_ctrl": HEX,
        "cpu_based_2nd_exec_ctrl": HEX,
        "vmexit_ctrl": HEX,
        "vmentry_ctrl": HEX,
    },
    "vmx_capability": MapOf(IDENTIFIER, (HEX, int, bool)),
    "cpus": [
        {
            "cpu": int,
            "apic_id": int,
            "started": bool,
            "state": ("off", "root", "loaded"),
            "vmxon_region": (_REGION, None),
            "vmcs_region": (_REGION, None),
            "vmptrst": (HEX, None),
            "error": (None, {"instruction": TEXT, **_RESULT}),
        }
    ],
    "selftest": (None, [(_ROW, {**_ROW, "predicted_value": HEX, "seen_value": HEX})]),
    "selftest_entry": (None, _SELFTEST_ENTRY),
    "guests": [
        {
            "name": TEXT,
            "cpu": int,
            "result": ("ok", "differs", "died", "skipped", "no memory"),
            "exits": MapOf(TEXT, int),
            "detail": (TEXT, ""),
            "entry": (None, _ENTRY),
        }
    ],
    "bench": (
        None,
        {"exits": MapOf(NAME, (None, {"min": int, "median": int, "max": int}))},
    ),
    "vmcs": (
        None,
        {
            "guest": TEXT,
            "cpu": int,
            "entry_failed": bool,
            "fields": [{"field": TEXT, "encoding": HEX, "value": HEX, "text": (TEXT, None)}],
        },
    ),
    "timing": {
        "entry_tsc": HEX,
        "memory_tsc": HEX,
        "cpus_started_tsc": HEX,
        "vmx_on_all_tsc": HEX,
        "tsc_per_ms": int,
        "tsc_source": (TEXT, None),
    },
}


def _scalar(value: Any, wanted: Any, where: str) -> Iterator[str]:
    if isinstance(wanted, re.Pattern):
        if not isinstance(value, str) or not wanted.fullmatch(value):
            yield f"{where}: {value!r} does not match {wanted.pattern}"
    elif isinstance(wanted, type):
        if type(value) is not wanted:  # a bool is an int to isinstance
            yield f"{where}: {value!r} is not of type {wanted.__name__}"
    elif value != wanted or type(value) is not type(wanted):
        yield f"{where}: {value!r} instead of {wanted!r}"


def complaints(value: Any, wanted: Any, where: str = "report") -> Iterator[str]:
    """What in `value` departs from the structure `wanted`."""
    if isinstance(wanted, tuple):
        found = [list(complaints(value, alternative, where)) for alternative in wanted]
        if all(found):
            yield f"{where}: fits none of {len(wanted)} alternatives; the first: {found[0][0]}"
    elif isinstance(wanted, MapOf):
        if not isinstance(value, dict):
            yield f"{where}: not an object"
            return
        for key, item in value.items():
            yield from _scalar(key, wanted.key, f"{where}, key")
            yield from complaints(item, wanted.value, f"{where}.{key}")
    elif isinstance(wanted, dict):
        if not isinstance(value, dict):
            yield f"{where}: not an object"
            return
        for key in sorted(wanted.keys() - value.keys()):
            yield f"{where}: {key} is missing"
        for key in sorted(value.keys() - wanted.keys()):
            yield f"{where}: {key} is not described"
        for key in wanted.keys() & value.keys():
            yield from complaints(value[key], wanted[key], f"{where}.{key}")
    elif isinstance(wanted, list):
        if not isinstance(value, list):
            yield f"{where}: not an array"
            return
        for index, item in enumerate(value):
            yield from complaints(item, wanted[0], f"{where}[{index}]")
    else:
        yield from _scalar(value, wanted, where)

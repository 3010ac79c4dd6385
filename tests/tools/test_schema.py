"""docs/report.schema.json is a schema, and notices every kind of departure."""

import copy
import json
from typing import Any

import jsonschema  # type: ignore[import]
import pytest

from machine.build import ROOT

_SCHEMA = json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8"))

# The least that each key may hold.
_REPORT: dict[str, Any] = {
    "rootmode": "0.1.0",
    "boot": {"loader": "GRUB", "firmware": "bios", "cmdline": "", "load_address": "0x200000"},
    "memory": {"ram_bytes": 3, "pool_bytes": 2, "used_bytes": 1},
    "verdict": "ok",
    "findings": [],
    "findings_lost": 0,
    "check": "kvm",
    "registers": "physical",
    "msrs": {"0x480": "0xda040000000004"},
    "vmcs_config": {
        "size": 1024, "order": 0, "basic_cap": "0xda0400", "revision_id": "0x4",
        "pin_based_exec_ctrl": "0x0", "cpu_based_exec_ctrl": "0x0",
        "cpu_based_2nd_exec_ctrl": "0x0", "vmexit_ctrl": "0x0", "vmentry_ctrl": "0x0",
    },
    "vmx_capability": {"preemption_timer_shift": 5, "ept": True, "eptp": "0x1e"},
    "cpus": [
        {
            "cpu": 0, "apic_id": 0, "started": True, "nmis": 0, "state": "loaded",
            "vmxon_region": {"address": "0x1000", "order": 0, "memory_type": "WB"},
            "vmcs_region": None, "vmptrst": None, "error": None,
        }
    ],
    "selftest": None,
    "selftest_entry": None,
    "guests": [
        {"name": "hello", "cpu": 0, "result": "ok", "exits": {"CPUID": 2}, "detail": "",
         "entry": None}
    ],
    "bench": None,
    "vmcs": None,
    "timing": {
        "entry_tsc": "0x1", "memory_tsc": "0x2", "cpus_started_tsc": "0x3",
        "vmx_on_all_tsc": "0x4", "tsc_per_ms": 50000, "tsc_source": None,
    },
}  # fmt: skip

_SPOILT: dict[str, Any] = {  # by path: what does not belong there
    "rootmode": "0.1",
    "verdict": "good",
    "findings": {},
    "findings_lost": True,
    "more": 1,
    "msrs.480": "0x0",
    "msrs.0x480": 4,
    "boot.firmware": "coreboot",
    "boot.load_address": "0X200000",
    "boot.more": 1,
    "memory.ram_bytes": -1,
    "vmcs_config.size": "1024",
    "vmx_capability.ept": None,
    "cpus.0.state": "on",
    "cpus.0.vmxon_region.memory_type": "XX",
    "cpus.0.vmptrst": "",
    "guests.0.exits": {"CPUID": "2"},
    "timing.tsc_per_ms": 1.5,
}


def _errors(document: Any) -> list[str]:
    return [error.message for error in jsonschema.Draft202012Validator(_SCHEMA).iter_errors(document)]


def test_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(_SCHEMA)
    assert not _errors(_REPORT)


@pytest.mark.parametrize("key", _REPORT)
def test_missing(key: str) -> None:
    assert len(_errors({name: value for name, value in _REPORT.items() if name != key})) == 1


@pytest.mark.parametrize("path", _SPOILT)
def test_spoilt(path: str) -> None:
    document = copy.deepcopy(_REPORT)
    *way, last = path.split(".")
    at: Any = document
    for step in way:
        at = at[int(step) if isinstance(at, list) else step]
    at[last] = _SPOILT[path]
    assert len(_errors(document)) == 1

"""Each check of a boot passes on a sound report and complains about a report spoilt in its way."""

import copy
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any

from boot import checks
from boot.checks import Check, Result

# A machine with two CPUs as the SDM allows it: a VMCS of 1024 bytes, revision 4, write-back, TRUE
# controls, secondary controls with EPT and VPID, no VM functions, no tertiary controls.
_MSRS = {
    "0x480": 0x00DA0400_00000004,
    "0x481": 0x7F_00000016,
    "0x482": 0xFFF9FFFE_0401E172,
    "0x483": 0x01FFFFFF_00036DFF,
    "0x484": 0x0003FFFF_000011FF,
    "0x485": 0x5004C1E7,
    "0x486": 0x80000021,
    "0x487": 0xFFFFFFFF,
    "0x488": 0x2000,
    "0x489": 0x3767FF,
    "0x48a": 0x2E,
    "0x48b": 0x00000022_00000000,
    "0x48c": 0x00000F01_06734141,
    "0x48d": 0x7F_00000016,
    "0x48e": 0xFFF9FFFE_04006172,
    "0x48f": 0x01FFFFFF_00036DFB,
    "0x490": 0x0003FFFF_000011FB,
}


def _cpu(number: int) -> dict[str, Any]:
    def region(address: int) -> dict[str, Any]:
        return {"address": f"{address:#x}", "order": 0, "memory_type": "WB"}

    base = 0x400000 + number * 0x2000
    return {
        "cpu": number,
        "apic_id": number,
        "started": True,
        "nmis": 0,
        "state": "loaded",
        "vmxon_region": region(base),
        "vmcs_region": region(base + 0x1000),
        "vmptrst": f"{base + 0x1000:#x}",
        "error": None,
    }


_GOOD: dict[str, Any] = {
    "rootmode": "0.1.0",
    "boot": {"loader": "GRUB 2.06", "firmware": "bios", "cmdline": "", "load_address": "0x200000"},
    "memory": {"ram_bytes": 255 << 20, "pool_bytes": 250 << 20, "used_bytes": 1 << 20},
    "verdict": "ok",
    "findings": [],
    "findings_lost": 0,
    "check": "kvm",
    "registers": "physical",
    "msrs": {name: f"{value:#x}" for name, value in _MSRS.items()},
    "vmcs_config": {
        "size": 1024,
        "order": 0,
        "basic_cap": "0xda0000",
        "revision_id": "0x4",
        "pin_based_exec_ctrl": "0x1f",
        "cpu_based_exec_ctrl": "0x84006172",
        "cpu_based_2nd_exec_ctrl": "0x22",
        "vmexit_ctrl": "0x36ffb",
        "vmentry_ctrl": "0x13fb",
    },
    "vmx_capability": {"ept": "0xf0106734141"},
    "cpus": [_cpu(0), _cpu(1)],
    "selftest": None,
    "selftest_entry": None,
    "guests": [],
    "bench": None,
    "vmcs": None,
    "timing": {
        "entry_tsc": "0x10",
        "memory_tsc": "0x20",
        "cpus_started_tsc": "0x30",
        "vmx_on_all_tsc": "0x40",
        "tsc_per_ms": 50000,
        "tsc_source": "PIT",
    },
}
_FINDING: dict[str, Any] = {
    "rule": "basic-memory-type",
    "severity": "refusal",
    "cpu": 1,
    "cpus": "1",
    "apic_id": 1,
    "msr": "0x480",
    "bits": "53:50",
    "seen": "0x0",
    "wanted": "0x6",
    "detail": None,
    "text": "not write-back",
    "sdm": "Basic VMX Information",
    "remedy": "report it",
}
Change = Callable[[dict[str, Any]], object]


def _on_cpu_1(values: dict[str, Any]) -> Change:
    return lambda report: report["cpus"][1].update(values)


def _with(part: str, name: str, value: Any) -> Change:
    return lambda report: report[part].update({name: value})


def _without_msr(name: str) -> Change:
    return lambda report: report["msrs"].pop(name)


def _spoilt(change: Change) -> dict[str, Any]:
    report = copy.deepcopy(_GOOD)
    change(report)
    return report


def _complaints(
    check: Check, report: dict[str, Any], status: int = 0, console: str = "", messages: str = ""
) -> list[str]:
    return list(check(Result(status, console, messages, report)))


class ChecksTest(unittest.TestCase):
    """Every check, on the sound report and on spoilt ones."""

    def _told(self, check: Check, change: Change) -> None:
        self.assertEqual(_complaints(check, _GOOD), [])
        self.assertNotEqual(_complaints(check, _spoilt(change)), [])

    def test_exits_cost_less(self) -> None:
        def row(median: int) -> dict[str, int]:
            return {"min": 1, "median": median, "max": 100}

        check = checks.exits_cost_less(ept_touch=90)
        for bench, told in (
            ({"exits": {"ept-touch": row(89), "cpuid": row(100)}}, 0),
            ({"exits": {"ept-touch": row(90)}}, 1),
            ({"exits": {"ept-touch": row(0)}}, 1),
            ({"exits": {"ept-touch": None}}, 2),
            ({"exits": {"cpuid": row(2)}}, 1),
            (None, 1),
        ):
            self.assertEqual(len(_complaints(check, {**_GOOD, "bench": bench})), told, bench)

    def test_structure(self) -> None:
        self._told(checks.structure, lambda r: r.pop("timing"))
        self._told(checks.structure, lambda r: r["cpus"][1].update(state="on"))

    def test_cpus(self) -> None:
        self._told(checks.cpus(2), lambda r: r["cpus"].pop())
        self._told(checks.cpus(2), lambda r: r["cpus"][1].update(started=False))
        self._told(checks.cpus(2), lambda r: r["cpus"][1].update(apic_id=0))
        self._told(checks.cpus(2), lambda r: r["cpus"].reverse())

    def test_apic_ids(self) -> None:
        self._told(checks.apic_ids(0, 1), lambda r: r["cpus"][1].update(apic_id=2))

    def test_states(self) -> None:
        self._told(checks.states("loaded"), lambda r: r["cpus"][1].update(state="root"))

    def test_regions(self) -> None:
        changes: tuple[dict[str, Any], ...] = (
            {"vmxon_region": None},
            {"vmxon_region": {"address": "0x402800", "order": 0, "memory_type": "WB"}},
            {"vmxon_region": {"address": "0x402000", "order": 0, "memory_type": "UC"}},
            {"vmxon_region": {"address": "0x400000", "order": 0, "memory_type": "WB"}},
            {"vmxon_region": {"address": "0x404000", "order": 1, "memory_type": "WB"}},
            {"vmxon_region": {"address": "0x0", "order": 0, "memory_type": "WB"}},
            {"vmptrst": "0x402000"},
            {"error": {"instruction": "VMXON", "outcome": "fault", "number": 13, "text": None}},
        )
        for change in changes:
            with self.subTest(change=change):
                self._told(checks.regions, _on_cpu_1(change))

    def test_msrs_read(self) -> None:
        for name in set(_MSRS) - {"0x480", "0x482", "0x483", "0x48b"}:
            with self.subTest(missing=name):
                self._told(checks.msrs_read, _without_msr(name))
        for name in ("0x491", "0x492", "0x493"):
            with self.subTest(too_many=name):
                self._told(checks.msrs_read, _with("msrs", name, "0x0"))
        self._told(checks.msrs_read, lambda r: r["msrs"].update({"0x48b": "0x0"}))

    def test_derivation(self) -> None:
        for name, value in {
            "size": 4096,
            "order": 1,
            "basic_cap": "0xda0400",
            "revision_id": "0x5",
            "pin_based_exec_ctrl": "0x1f000",
            "cpu_based_exec_ctrl": "0x80000000",
            "cpu_based_2nd_exec_ctrl": "0x2022",
            "vmexit_ctrl": "0x0",
            "vmentry_ctrl": "0xffffffff",
        }.items():
            with self.subTest(field=name):
                self._told(checks.derivation, _with("vmcs_config", name, value))

    def test_timing(self) -> None:
        self._told(checks.timing, lambda r: r["timing"].update(memory_tsc="0x50"))
        self._told(checks.timing, lambda r: r["timing"].update(vmx_on_all_tsc="0x0"))
        self._told(checks.timing, lambda r: r["timing"].update(entry_tsc="0x0"))

    def test_ram_and_fields(self) -> None:
        self._told(checks.ram(256), lambda r: r["memory"].update(ram_bytes=128 << 20))
        self._told(checks.field_is("boot.firmware", "bios"), lambda r: r["boot"].update(firmware="uefi"))

    def test_told_consistently(self) -> None:
        refused = _spoilt(lambda r: r.update(verdict="refused", findings=[_FINDING]))
        console = "CPU 1: not\n  write-back; report it"
        check = checks.told_consistently
        self.assertEqual(_complaints(check, _GOOD), [])
        self.assertEqual(_complaints(check, refused, 1, console), [])
        self.assertEqual(len(_complaints(check, refused, 0, console)), 1)
        self.assertEqual(len(_complaints(check, refused, 1, "not write-back")), 1)
        self.assertEqual(len(_complaints(check, _GOOD, 0, "", "the machine did not power off")), 1)
        silent = _spoilt(lambda r: r.update(verdict="refused"))
        self.assertEqual(len(_complaints(check, silent, 1)), 1)
        again = {**_FINDING, "cpu": 0, "cpus": "0", "apic_id": 0}
        twice = _spoilt(lambda r: r.update(verdict="refused", findings=[_FINDING, again]))
        self.assertEqual(len(_complaints(check, twice, 1, console)), 2)
        lost = _spoilt(lambda r: r.update(findings_lost=1))
        self.assertEqual(len(_complaints(check, lost)), 1)

    def test_findings(self) -> None:
        report = _spoilt(lambda r: r.update(findings=[_FINDING]))
        rule = "basic-memory-type"
        self.assertEqual(_complaints(checks.finding(rule, "refusal", 1, seen="0x0"), report), [])
        for check in (
            checks.finding(rule, "refusal", 0),
            checks.finding(rule, "refusal"),
            checks.finding(rule, "warning", 1),
            checks.finding(rule, "refusal", 1, seen="0x1"),
            checks.finding("basic-bit-57", "refusal", 1),
            checks.no_other("basic-", "basic-bit-57"),
            checks.no_other("basic-", rule, 0),
        ):
            self.assertEqual(len(_complaints(check, report)), 1)
        self.assertEqual(_complaints(checks.no_other("basic-", rule, 1), report), [])

    def test_findings_of_several_cpus(self) -> None:
        both = {**_FINDING, "cpu": 0, "cpus": "0-1"}
        report = _spoilt(lambda r: r.update(findings=[both]))
        rule = "basic-memory-type"
        for cpu in (0, 1, None):
            self.assertEqual(_complaints(checks.finding(rule, "refusal", cpu), report), [])
        self.assertEqual(len(_complaints(checks.finding(rule, "refusal", 2), report)), 1)
        self.assertEqual(len(_complaints(checks.no_other("basic-", rule, 0), report)), 1)
        report["findings"] = [{**both, "cpus": "0,4-6"}]
        self.assertEqual(_complaints(checks.finding(rule, "refusal", 5), report), [])
        self.assertEqual(len(_complaints(checks.finding(rule, "refusal", 3), report)), 1)

    def test_selftest(self) -> None:
        def row(outcome: str, number: int) -> dict[str, Any]:
            result = {"outcome": outcome, "number": number, "text": None}
            return {"name": "row", "agrees": True, "predicted": result, "seen": result}

        numbers = (2, 3, 4, 5, 9, 10, 11, 12, 15)
        rows = [row("VMfailValid", number) for number in numbers] + [row("VMfailInvalid", 0)]
        good = _spoilt(_with("msrs", "0x485", f"{1 << 29:#x}"))
        good["selftest"] = rows
        self.assertEqual(_complaints(checks.selftest, good), [])
        for place in range(len(rows)):
            spoilt = {**good, "selftest": rows[:place] + rows[place + 1 :]}
            self.assertEqual(len(_complaints(checks.selftest, spoilt)), 1)
            spoilt = {**good, "selftest": [*rows[:place], {**rows[place], "agrees": False}, *rows[place:]]}
            self.assertEqual(len(_complaints(checks.selftest, spoilt)), 1)
        self.assertEqual(len(_complaints(checks.selftest, {**good, "msrs": _GOOD["msrs"]})), 1)
        self.assertNotEqual(_complaints(checks.selftest, {**good, "selftest": None}), [])

    def test_picture(self) -> None:
        check = checks.picture(2, 2)
        missing = Result(0, "", "", {}, Path("/nonexistent/picture"))
        self.assertEqual(len(list(check(missing))), 1)

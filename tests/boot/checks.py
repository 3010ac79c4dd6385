"""
What must hold of a boot. Each check takes the boot's result and yields a sentence for each thing
that is wrong. Expected values come from the SDM ("VMX Capability Reporting Facility") and from what
the machine was told to be, never from an earlier run.
"""

import json
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import]

from machine.build import ROOT, build
from machine.terminal import Progress
from machine.words import guests as built_in


@dataclass(frozen=True)
class Result:
    """What one boot gave."""

    status: int
    console: str
    messages: str  # of tools/run itself
    report: Any  # the JSON document, {} where there is none
    screenshot: Path | None = field(default=None)


Check = Callable[[Result], Iterator[str]]

# IA32_VMX_BASIC and its neighbours: SDM Vol. 3, "VMX Capability Reporting Facility".
_BASIC = "0x480"
_TRUE_CONTROLS = ("0x48d", "0x48e", "0x48f", "0x490")
_ALWAYS = tuple(f"{msr:#x}" for msr in range(0x480, 0x48B))
_PRIMARY_TERTIARY = 1 << 17
_PRIMARY_SECONDARY = 1 << 31
_SECONDARY_EPT = 1 << 1
_SECONDARY_VPID = 1 << 5
_SECONDARY_VM_FUNCTIONS = 1 << 13
_EXIT_SECONDARY = 1 << 31
_CONTROLS = {  # field of vmcs_config: capability MSR, its TRUE form
    "pin_based_exec_ctrl": ("0x481", "0x48d"),
    "cpu_based_exec_ctrl": ("0x482", "0x48e"),
    "cpu_based_2nd_exec_ctrl": ("0x48b", "0x48b"),
    "vmexit_ctrl": ("0x483", "0x48f"),
    "vmentry_ctrl": ("0x484", "0x490"),
}
# SDM Vol. 3, "VM-Instruction Error Numbers": what root operation can provoke on any processor.
# VMCLEAR and VMPTRLD of a bad address (2, 9) and of the VMXON region (3, 10), VMLAUNCH of a VMCS
# that is not clear (4), VMRESUME of one not launched (5), a wrong revision id (11), an unknown
# field (12), VMXON twice (15).
_PROVOKED_ERRORS = {2, 3, 4, 5, 9, 10, 11, 12, 15}
_VMWRITE_READ_ONLY = 13  # only where IA32_VMX_MISC[29] is 0
_VMWRITE_ANY_FIELD = 1 << 29
_PAGE = 4096
_REPORT = jsonschema.Draft202012Validator(
    json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8"))
)


def _msr(report: Any, name: str) -> int:
    return int(report["msrs"][name], 16)


def structure(result: Result) -> Iterator[str]:
    """The report is what docs/report.schema.json says."""
    for error in _REPORT.iter_errors(result.report):
        yield f"{error.json_path}: {error.message}"


def told_consistently(result: Result) -> Iterator[str]:
    """Verdict, exit status and findings agree; the console tells what refuses, and its remedy."""
    report = result.report
    refusals = [finding for finding in report["findings"] if finding["severity"] == "refusal"]
    disagreements = [row["name"] for row in report["selftest"] or [] if not row["agrees"]]
    if (report["verdict"] == "refused") != (result.status == 1):
        yield f"verdict {report['verdict']} but exit status {result.status}"
    if (report["verdict"] == "refused") != bool(refusals or disagreements):
        yield f"verdict {report['verdict']} with refusals {[f['rule'] for f in refusals]}"
    if report["findings_lost"] != 0:
        yield f"{report['findings_lost']} findings were lost"
    kinds = [{**item, "cpu": None, "cpus": None, "apic_id": None} for item in report["findings"]]
    for kind in kinds:
        if kinds.count(kind) > 1:
            yield f"{kind['rule']} stands more than once with the same words"
    words = " ".join(result.console.split())
    for finding in refusals:
        for part in ("text", "remedy"):
            if " ".join(finding[part].split()) not in words:
                yield f"the console does not tell the {part} of {finding['rule']}"
    if "did not power off" in result.messages:
        yield "the machine did not power itself off"
    if "did not halt" in result.console:
        yield "a CPU did not leave VMX operation before the end"


def cpus(count: int) -> Check:
    """So many CPUs, all started, each with an APIC id of its own."""

    def check(result: Result) -> Iterator[str]:
        seen = result.report["cpus"]
        if len(seen) != count:
            yield f"{len(seen)} CPUs in the report instead of {count}"
        for index, cpu in enumerate(seen):
            if cpu["cpu"] != index:
                yield f"CPU {cpu['cpu']} stands at place {index}"
            if not cpu["started"]:
                yield f"CPU {index} did not start"
        ids = [cpu["apic_id"] for cpu in seen]
        if len(set(ids)) != len(ids):
            yield f"APIC ids repeat: {ids}"

    return check


def apic_ids(*wanted: int) -> Check:
    """The CPUs have these ids, in this order."""

    def check(result: Result) -> Iterator[str]:
        seen = tuple(cpu["apic_id"] for cpu in result.report["cpus"])
        if seen != wanted:
            yield f"the APIC ids are {seen}, not {wanted}"

    return check


def states(state: str) -> Check:
    """Every CPU ended in this state."""

    def check(result: Result) -> Iterator[str]:
        for cpu in result.report["cpus"]:
            if cpu["state"] != state:
                yield f"CPU {cpu['cpu']} is {cpu['state']}, not {state}"

    return check


def regions(result: Result) -> Iterator[str]:
    """Each CPU has two regions: write-back, aligned, nobody else's; VMPTRST gave the VMCS back."""
    owners: dict[int, str] = {}
    for cpu in result.report["cpus"]:
        for name in ("vmxon_region", "vmcs_region"):
            region, owner = cpu[name], f"CPU {cpu['cpu']} {name}"
            if region is None:
                yield f"{owner} is missing"
                continue
            address, order = int(region["address"], 16), region["order"]
            if region["memory_type"] != "WB":
                yield f"{owner} is {region['memory_type']}"
            if address == 0 or address % (_PAGE << order):
                yield f"{owner} at {address:#x} is not aligned to order {order}"
            if order != result.report["vmcs_config"]["order"]:
                yield f"{owner} has order {order}"
            for page in range(address, address + (_PAGE << order), _PAGE):
                if page in owners:
                    yield f"{owner} overlaps {owners[page]}"
                owners[page] = owner
        if cpu["vmcs_region"] and cpu["vmptrst"] != cpu["vmcs_region"]["address"]:
            yield f"CPU {cpu['cpu']}: VMPTRST gave {cpu['vmptrst']}"
        if cpu["error"] is not None:
            yield f"CPU {cpu['cpu']}: {cpu['error']}"


def msrs_read(result: Result) -> Iterator[str]:
    """Every capability MSR that this CPU has was read, and none that it has not."""
    report = result.report
    wanted = set(_ALWAYS)
    if _msr(report, _BASIC) >> 55 & 1:
        wanted |= set(_TRUE_CONTROLS)
    primary = _msr(report, "0x482") >> 32
    if primary & _PRIMARY_SECONDARY:
        wanted.add("0x48b")
        secondary = _msr(report, "0x48b") >> 32
        if secondary & (_SECONDARY_EPT | _SECONDARY_VPID):
            wanted.add("0x48c")
        if secondary & _SECONDARY_VM_FUNCTIONS:
            wanted.add("0x491")
    if primary & _PRIMARY_TERTIARY:
        wanted.add("0x492")
    if _msr(report, "0x483") >> 32 & _EXIT_SECONDARY:
        wanted.add("0x493")
    seen = set(report["msrs"]) - {"0x3a"}
    if seen != wanted:
        yield f"capability MSRs missing {sorted(wanted - seen)}, too many {sorted(seen - wanted)}"


def derivation(result: Result) -> Iterator[str]:
    """vmcs_config is what IA32_VMX_BASIC and the control MSRs say."""
    report, config = result.report, result.report["vmcs_config"]
    basic = _msr(report, _BASIC)
    size = basic >> 32 & 0x1FFF
    wanted = {
        "size": size,
        "order": max((size - 1).bit_length() - 12, 0),
        "basic_cap": f"{basic >> 32 & ~0x1FFF:#x}",
        "revision_id": f"{basic & 0x7FFFFFFF:#x}",
    }
    for name, value in wanted.items():
        if config[name] != value:
            yield f"{name} is {config[name]}, but IA32_VMX_BASIC says {value}"
    form = basic >> 55 & 1
    for name, msrs in _CONTROLS.items():
        if msrs[form] not in report["msrs"]:
            continue
        low, high = _msr(report, msrs[form]) & 0xFFFFFFFF, _msr(report, msrs[form]) >> 32
        control = int(config[name], 16)
        if control & ~high or low & ~control:
            yield f"{name} {control:#x} is outside of {msrs[form]}: {low:#x}..{high:#x}"


def timing(result: Result) -> Iterator[str]:
    """The steps were taken one after another; 0 stands for those that a refusal came before."""
    names = ("entry_tsc", "memory_tsc", "cpus_started_tsc", "vmx_on_all_tsc")
    steps = [int(result.report["timing"][name], 16) for name in names]
    taken = steps[:3] if result.status == 1 and steps[3] == 0 else steps
    if taken != sorted(taken) or taken[0] == 0:
        yield f"the times do not follow each other: {dict(zip(names, steps))}"


def _cpus_of(item: dict[str, Any]) -> set[int]:
    """The CPUs of a finding, "0-3,5" as numbers."""
    cpus_of: set[int] = set()
    for part in item["cpus"].split(","):
        first, _, last = part.partition("-")
        cpus_of |= set(range(int(first), int(last or first) + 1))
    return cpus_of


def finding(rule: str, severity: str, cpu: int | None = None, **fields: Any) -> Check:
    """There is such a finding, on this CPU (None: on every one), with these fields."""

    def check(result: Result) -> Iterator[str]:
        found = [item for item in result.report["findings"] if item["rule"] == rule]
        wanted = range(len(result.report["cpus"])) if cpu is None else [cpu]
        for index in wanted:
            here = [item for item in found if index in _cpus_of(item)]
            if not here:
                yield f"no finding {rule} on CPU {index}"
            for item in here:
                for name, value in {"severity": severity, **fields}.items():
                    if item[name] != value:
                        yield f"{rule} on CPU {index}: {name} is {item[name]!r}, not {value!r}"

    return check


def no_other(prefix: str, rule: str, cpu: int | None = None) -> Check:
    """Of the rules whose names begin so, none but `rule`, and (if given) on no CPU but `cpu`."""

    def check(result: Result) -> Iterator[str]:
        for item in result.report["findings"]:
            if item["rule"].startswith(prefix) and (
                item["rule"] != rule or (cpu is not None and _cpus_of(item) != {cpu})
            ):
                yield f"unexpected {item['rule']} on CPUs {item['cpus']}"

    return check


def field_is(path: str, value: Any) -> Check:
    """A value of the report, named by its path with dots."""

    def check(result: Result) -> Iterator[str]:
        seen = result.report
        for part in path.split("."):
            seen = seen[int(part)] if isinstance(seen, list) else seen.get(part)
        if seen != value:
            yield f"{path} is {seen!r}, not {value!r}"

    return check


def ram(mib: int) -> Check:
    """The memory map accounts for the machine's RAM, but for what firmware keeps (16 MiB)."""

    def check(result: Result) -> Iterator[str]:
        seen = result.report["memory"]["ram_bytes"] >> 20
        if not mib - 16 <= seen <= mib:
            yield f"{seen} MiB of RAM in the map of a machine with {mib} MiB"

    return check


def selftest(result: Result) -> Iterator[str]:
    """The self test ran, each row agrees with its prediction, and each failure was provoked."""
    rows = result.report["selftest"] or []
    for row in rows:
        if not row["agrees"]:
            yield f"self test {row['name']}: predicted {row['predicted']}, saw {row['seen']}"
    errors = {row["seen"]["number"] for row in rows if row["seen"]["outcome"] == "VMfailValid"}
    wanted = _PROVOKED_ERRORS
    if not _msr(result.report, "0x485") & _VMWRITE_ANY_FIELD:
        wanted = wanted | {_VMWRITE_READ_ONLY}
    if not wanted <= errors:
        yield f"the self test did not provoke the errors {sorted(wanted - errors)}"
    if all(row["seen"]["outcome"] != "VMfailInvalid" for row in rows):
        yield "the self test provoked no VMfailInvalid"


def explained(guest: str, verdict: str, rule: str, *parts: str) -> Check:
    """The guest could not be entered; report and console say by which rule, section and values."""

    def check(result: Result) -> Iterator[str]:
        entries = [run["entry"] for run in result.report["guests"] if run["name"] == guest]
        if not entries:
            yield f"no guest {guest}"
        for entry in entries:
            rules = [row["rule"] for row in entry["rules"]] if entry else None
            judged = entry is not None and entry["unread"] == 0
            if not judged or entry["class"] != verdict or rules != [rule]:
                yield f"{guest} is explained by {entry}"
        words = " ".join(result.console.split())
        for part in (rule, *parts):
            if part not in words:
                yield f"the console does not say of {guest}: {part}"

    return check


def vmcheck_names(rule: str) -> Check:
    """tools/vmcheck finds the VMCS in the console, and in the report, and that it breaks this rule."""

    def check(result: Result) -> Iterator[str]:
        program = build("default", ["vmcheck"], Progress("boot")) / "tools" / "entry" / "vmcheck"
        for text in (result.console, json.dumps(result.report, indent=1)):
            with tempfile.NamedTemporaryFile("w", suffix=".json") as report:
                json.dump(result.report, report)
                report.flush()
                ran = subprocess.run(
                    [program, "--json", "--msrs", report.name],
                    input=text, capture_output=True, text=True, check=False, timeout=60,
                )  # fmt: skip
            dumps = json.loads(ran.stdout)["dumps"]
            told = [[row["rule"] for row in dump["broken"]] for dump in dumps]
            if ran.returncode != 1 or told != [[rule]]:
                yield f"vmcheck names {told} in what begins with {text[:20]!r}, not {rule}"

    return check


def guests(*names: str, skipped: tuple[str, ...] = ()) -> Check:
    """These guests (none: all that are built in) ran well on every CPU, but those to be skipped."""

    def check(result: Result) -> Iterator[str]:
        for cpu in range(len(result.report["cpus"])):
            ran = {run["name"]: run for run in result.report["guests"] if run["cpu"] == cpu}
            for name in names:
                if name not in ran:
                    yield f"CPU {cpu}: no guest {name}"
            if not ran:
                yield f"CPU {cpu}: no guest ran"
            for name, run in ran.items():
                wanted = "skipped" if name in skipped else "ok"
                if run["result"] != wanted:
                    yield f"CPU {cpu}: {name} {run['result']}, not {wanted}: {run['detail']}"

    return check


def guests_are_listed(result: Result) -> Iterator[str]:
    """The console has a line with the name of each guest of docs/guests.md, in that order."""
    lines = [line for line in result.console.splitlines() if re.fullmatch(r"  [\w-]+", line)]
    told = [line.strip() for line in lines]
    if tuple(told) != built_in():
        yield f"the guests that are told: {told}"


def guest_said(name: str, pattern: str) -> Check:
    """What is told of a guest, on every CPU."""

    def check(result: Result) -> Iterator[str]:
        runs = [run for run in result.report["guests"] if run["name"] == name]
        if len(runs) != len(result.report["cpus"]):
            yield f"{name} ran on {len(runs)} CPUs"
        for run in runs:
            if not re.search(pattern, run["detail"]):
                yield f"CPU {run['cpu']}: {name} said {run['detail']!r}, not {pattern!r}"

    return check


_ROOT = Path(__file__).resolve().parents[2]
_REASONS: dict[str, str] = dict(
    re.findall(
        r'\bEXIT_REASON\(\s*\d+, (\w+),\s+"([^"]*)"', (_ROOT / "vmx/exit_reason.def").read_text()
    )
)
_CONDITIONAL = re.findall(r"^EXIT_WHY\((\w+)", (_ROOT / "tools/exit_reasons.def").read_text(), re.M)
_PROVOKED = {  # the name of a reason: the guests that vm/guests/exits/exits.def says provoke it
    _REASONS[reason]: guests.split()
    for reason, guests in re.findall(
        r'^EXIT\((\w+),\s+\w+,\s+"([^"]*)"', (_ROOT / "vm/guests/exits/exits.def").read_text(), re.M
    )
    if reason not in _CONDITIONAL
}


def provoked(result: Result) -> Iterator[str]:
    """Every guest that vm/guests/exits/exits.def names is built in, and where it ran, it had those exits."""
    runs = result.report["guests"]
    for reason, names in _PROVOKED.items():
        for name in names:
            mine = [run for run in runs if run["name"] == name]
            if not mine:
                yield f"vm/guests/exits/exits.def: {reason}: there is no guest {name}"
            for run in mine:
                if run["result"] == "ok" and reason not in run["exits"]:
                    yield f"CPU {run['cpu']}: {name} had no exit for {reason}: {run['exits']}"


def runs_are(*wanted: tuple[int, str, str]) -> Check:
    """These runs (CPU, guest, words of its detail) and no others, each as it should be."""

    def check(result: Result) -> Iterator[str]:
        left = list(wanted)
        for run in result.report["guests"]:
            mine = [row for row in left if row[:2] == (run["cpu"], run["name"])]
            if not mine:
                yield f"CPU {run['cpu']} should not have run {run['name']}"
                continue
            left.remove(mine[0])
            if run["result"] != "ok" or mine[0][2] not in run["detail"]:
                yield f"CPU {run['cpu']}: {run['name']} {run['result']}: {run['detail']!r}"
        for cpu, name, _ in left:
            yield f"CPU {cpu} did not run {name}"

    return check


def exits_are(name: str, **wanted: int) -> Check:
    """This guest had these VM exits and no others, on every CPU."""

    def check(result: Result) -> Iterator[str]:
        for run in result.report["guests"]:
            seen = {reason.replace(" ", "_"): count for reason, count in run["exits"].items()}
            if run["name"] == name and seen != wanted:
                yield f"CPU {run['cpu']}: {name} had the exits {seen}"

    return check


def exits_cost_less(**limits: int) -> Check:
    """The median round trip of these exits stays below its limit; every kind was measured."""

    def check(result: Result) -> Iterator[str]:
        bench = result.report["bench"]
        if bench is None:
            yield "nothing was measured"
            return
        for name, row in bench["exits"].items():
            if row is None:
                yield f"{name} was not measured"
            elif not row["min"] <= row["median"] <= row["max"]:
                yield f"{name}: the figures are out of order: {row}"
        for name, limit in limits.items():
            row = bench["exits"].get(name.replace("_", "-"))
            if row is None or row["median"] >= limit:
                yield f"{name}: {row}, wanted below {limit}"

    return check


def console_has(text: str) -> Check:
    """The console's text holds this, line breaks aside."""

    def check(result: Result) -> Iterator[str]:
        if text not in " ".join(result.console.split()):
            yield f"the console does not say {text!r}"

    return check


def picture(width: int, height: int) -> Check:
    """The frame buffer shows text: a background, several colours, lines in the upper part."""

    def check(result: Result) -> Iterator[str]:
        if result.screenshot is None or not result.screenshot.exists():
            yield "there is no screenshot"
            return
        kind, size, _, pixels = result.screenshot.read_bytes().split(b"\n", 3)
        if kind != b"P6" or size != f"{width} {height}".encode():
            yield f"the screenshot is {kind!r} of {size!r}"
            return
        counts: dict[bytes, int] = {}
        for place in range(0, len(pixels), 3):
            colour = pixels[place : place + 3]
            counts[colour] = counts.get(colour, 0) + 1
        lit = 1 - max(counts.values()) / (width * height)
        if len(counts) < 3 or not 0.01 < lit < 0.5:
            yield f"the screenshot shows {len(counts)} colours, {lit:.1%} of it lit"

    return check


ALWAYS: tuple[Check, ...] = (structure, told_consistently, timing)
IN_VMX: tuple[Check, ...] = (states("loaded"), regions, msrs_read, derivation)

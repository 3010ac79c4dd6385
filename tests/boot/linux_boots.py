"""Linux on top of Rootmode: Debian's kernel to a script and to its end; and modules that are refused."""

from collections.abc import Iterator
from pathlib import Path

from boot.checks import Check, Result, console_has, finding, states
from boot.row import OK, REFUSED, SCRIPT, Boot, bochs

_FOLDER = Path(__file__).parent / "linux"
_MIB = 1 << 20


def _linux(result: Result) -> Iterator[str]:
    """It was entered on one CPU, kept out of one range of 2 MiB, and ended as it wanted."""
    told = result.report.get("linux")
    if told is None:
        yield "there is no part about Linux"
        return
    if told["cpus_started"] != 1 or told["memory"]["kept"] != 2 * _MIB or told["memory"]["accesses_refused"]:
        yield f"linux: {told}"
    if told["end"] != "power-off" or not told["version"] or int(told["handover_tsc"], 16) == 0:
        yield f"linux: {told}"
    reasons = told["exits"][0]["reasons"]
    if set(reasons) - {"CPUID", "I/O instruction", "RDMSR", "WRMSR", "XSETBV"}:
        yield f"exits by other reasons than those of a boot: {reasons}"


def _status(status: int) -> Check:
    def check(result: Result) -> Iterator[str]:
        if result.report["linux"]["script_status"] != status:
            yield f"script_status: {result.report['linux']['script_status']}"

    return check


def _no_linux(result: Result) -> Iterator[str]:
    if "linux" in result.report:
        yield "what was refused has a part in the report"


def _guest(name: str, status: int, script: str, *checks: Check, append: str = "") -> Boot:
    options = ("--guest", "linux", "--guest-script", str(_FOLDER / script))
    return bochs(f"linux/{name}", status, (_linux, *checks), *options, append=append, count=1)


LINUX_BOOTS: tuple[Boot, ...] = (
    _guest("a script", OK, "look.sh", _status(0), console_has("look: all as it should be")),
    _guest("a script that fails, hidden", SCRIPT, "fail.sh", _status(3), append="hypervisor=hidden"),
    bochs(
        "linux/no bzImage", REFUSED,
        (finding("linux-modules", "refusal", 0), states("off"), _no_linux),
        "--guest", str(_FOLDER / "look.sh"), count=1,
    ),
    bochs(
        "linux/2 CPUs", REFUSED,
        (finding("linux-modules", "refusal", 0, seen="0x2", wanted="0x1"),), "--guest", "linux",
    ),
)  # fmt: skip

"""Linux on top of Rootmode: Debian's kernel to a script and to its end; and modules that are refused."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from boot.checks import ALWAYS, IN_VMX, Check, Result, console_has, finding, states
from boot.row import DIRECT, KEXEC, OK, REFUSED, SCRIPT, XEN, Boot, bochs
from machine.bochs import DEFAULT_CPU, VMX_CPUS

_FOLDER = Path(__file__).parent / "linux"
_MIB = 1 << 20
_TABLES = 512 * _MIB - 0x10000  # ACPI's, of Bochs's BIOS; where Rootmode moves by itself what is kept ends there


_REASONS = {"CPUID", "I/O instruction", "RDMSR", "WRMSR", "XSETBV"}
# Beside them, where CPUs are started by a hypervisor that may not send INIT (Bochs).
_REASONS_MORE = {"EPT violation", "exception or non-maskable interrupt (NMI)", "control-register access"}
# And where the architecture's way is gone; PAUSE is for KVM's sake (docs/quirks.md, spins-without-exits).
_REASONS_NESTED = frozenset({"start-up IPI (SIPI)", "INIT signal", "PAUSE"})

# A reset is announced in the BIOS data area, which is write-protected until then.
_ANNOUNCED = frozenset({"EPT violation"})

# Of look.sh: 512 pages are read, and each eighth is written.
_REFUSED = 512 + 64


# With EPT and unrestricted guest, but tools/run's own choice.
_FIRST = "corei5_arrandale_m520"
_MODELS = tuple(model for model in VMX_CPUS[VMX_CPUS.index(_FIRST) :] if model != DEFAULT_CPU)


def _linux(
    count: int, refused: int = 0, more: frozenset[str] = frozenset(), end: str = "power-off"
) -> Check:  # fmt: skip
    """It was entered, started so many CPUs, was kept out of one range of 2 MiB, and ended as it wanted."""

    def check(result: Result) -> Iterator[str]:
        told = result.report.get("linux")
        if told is None:
            yield "there is no part about Linux"
            return
        kept_end = int(told["memory"]["kept_base"], 16) + told["memory"]["kept"]
        if told["cpus_started"] != count or kept_end not in (4 * _MIB, _TABLES):
            yield f"linux: {told}"
        if not told["memory"]["image_unchanged"]:
            yield "Rootmode's code or constants are no more what they were"
        if told["memory"]["accesses_refused"] != refused:
            yield f"{told['memory']['accesses_refused']} accesses refused, not {refused}"
        if told["end"] != end or not told["version"] or int(told["handover_tsc"], 16) == 0:
            yield f"linux: {told}"
        if [each["cpu"] for each in told["exits"]] != list(range(count)):
            yield f"exits of CPUs: {told['exits']}"
        expected = _REASONS | (_REASONS_MORE if count > 1 or refused else set()) | more
        if odd := {reason for each in told["exits"] for reason in each["reasons"]} - expected:
            yield f"exits by other reasons than those of a boot: {odd}"

    return check


def _status(status: int) -> Check:
    def check(result: Result) -> Iterator[str]:
        if result.report["linux"]["script_status"] != status:
            yield f"script_status: {result.report['linux']['script_status']}"

    return check


def no_linux(result: Result) -> Iterator[str]:
    if "linux" in result.report:
        yield "what was refused has a part in the report"


def _guest(
    name: str, status: int, script: str, *checks: Check, append: str = "", words: str = "", count: int = 1,
    loader: str = "direct", model: str = "",
) -> Boot:  # fmt: skip
    options = ["--guest", "linux", "--guest-script", str(_FOLDER / script)]
    if words:
        options += ["--guest-append", words]
    return bochs(f"linux/{name}", status, checks, *options, append=append, cpu=model, count=count, loader=loader)


def _looks(count: int, model: str = "") -> Boot:
    told = console_has(f"look: {count} CPUs, all as it should be")
    checks = (_linux(count, _REFUSED), _status(0), told)
    name = f"a script, {count} CPUs{model and ', ' + model}"
    # On Bochs's models with fast short REP MOVSB Linux patches its memmove() for it, and then hangs natively, too.
    words = "clearcpuid=fsrm" if model in ("corei7_icelake_u", "tigerlake") else ""
    # Where GRUB loads it: to what lies at the end of RAM Linux itself refuses reads through /dev/mem.
    return _guest(name, OK, "look.sh", *checks, words=words, count=count, loader="grub", model=model)


def _usual(count: int) -> Boot:
    """Debian's usual kernel, with all that machines have; linux/ is its cloud kernel, which knows less."""
    told = console_has(f"look: {count} CPUs, all as it should be")
    row = bochs(
        f"linux/Debian's usual kernel, {count} CPUs", OK, (_linux(count, _REFUSED), told),
        "--guest", f"{XEN}kernel", "--initrd", f"{XEN}look-initrd", "--timeout", "900", count=count, loader="grub",
    )  # fmt: skip
    return replace(row, long=True)


def _kexec(count: int) -> Boot:
    """The checksums of what it starts take three quarters of the time."""
    told = console_has(f"kexec: the second kernel has {count} CPUs")
    row = bochs(
        f"linux/kexec to itself, {count} CPUs", OK, (_linux(count), _status(0), told),
        "--guest", f"{KEXEC}kernel", "--initrd", f"{KEXEC}initrd", "--timeout", "900", count=count,
    )  # fmt: skip
    return replace(row, long=True)


def _resets(way: str, words: str, *checks: Check, count: int = 1) -> Boot:
    """A script that fails, on a CPU that shows no hypervisor, and resets the machine."""
    return _guest(
        f"a script that fails, hidden; reset by {way}", SCRIPT, "fail.sh", *checks, _status(3),
        append="hypervisor=hidden", words=words, count=count,
    )  # fmt: skip


def _started_by_exits(result: Result) -> Iterator[str]:
    """CPU 1 was started twice by SIPI, and taken back by INIT between."""
    reasons = result.report["linux"]["exits"][1]["reasons"]
    if reasons.get("start-up IPI (SIPI)") != 2 or reasons.get("INIT signal") != 1:
        yield f"exits of CPU 1: {reasons}"


def _nested(name: str, script: str, *checks: Check, options: tuple[str, ...] = (), count: int = 1) -> Boot:
    return Boot(
        f"nested-kvm/linux/{name}",
        ("--on", "nested-kvm", "--cpus", str(count), "--guest", "linux", "--guest-script", str(_FOLDER / script),
         "--timeout", "900", *options), OK,
        (*ALWAYS, *checks), long=True,
    )  # fmt: skip


def _leaves(count: int, words: str = "", append: str = "") -> Boot:
    """Rootmode goes, Linux goes on; nobody is there to report."""
    options = ["--guest", "linux", "--guest-script", str(_FOLDER / "off.sh"), "--guest-append", words]
    if append:
        options += ["--append", append]
    return Boot(
        f"bochs/linux/off, {count} CPUs{words and ', ' + words}",
        ("--on", "bochs", "--cpus", str(count), "--loader", "direct", *options), OK, (), report=False,
    )  # fmt: skip


def _chaos(rounds: int, model: str = "") -> Boot:
    """Random guests under a Linux VM's policy: Rootmode stands, and finds its memory as it was."""
    told = console_has(f"{rounds} random guests under a Linux VM's policy")
    return bochs(
        f"linux/{rounds} random guests{model and ', ' + model}", OK, (*IN_VMX, told),
        append=f"linux-chaos={rounds}", cpu=model, count=1,
    )  # fmt: skip


LINUX_BOOTS: tuple[Boot, ...] = (
    _chaos(500),
    replace(_chaos(10_000), long=True),
    replace(_chaos(10_000, "tigerlake"), long=True),
    replace(_leaves(1, append="hypervisor=hidden"), long=True),
    _leaves(2),
    replace(_leaves(2, "maxcpus=1"), long=True),
    replace(_leaves(4), long=True),
    _looks(2),
    replace(_looks(4), long=True),
    replace(_looks(8), long=True),
    *(replace(_looks(2, model), long=True) for model in _MODELS),
    _nested("a script, 2 CPUs", "look.sh", _linux(2, _REFUSED, _REASONS_NESTED), _status(0), _started_by_exits, count=2),
    _nested(
        "EFI variables", "efi.sh", _linux(1, more=_REASONS_NESTED), _status(0), console_has("variables, all as it should be"),
        options=("--firmware", "uefi"),
    ),
    _usual(1),
    _usual(2),
    _kexec(1),
    _kexec(2),
    _resets("the keyboard controller", "reboot=k", _linux(1, more=_ANNOUNCED, end="reset")),
    # CPU 1 is left out by Linux itself.
    replace(
        _resets(
            "the keyboard controller, CPU 1 left out", "reboot=k maxcpus=1",
            _linux(1, more=_ANNOUNCED, end="reset"), count=2,
        ),
        long=True,
    ),
    replace(_resets("the chipset", "reboot=p", _linux(1, more=_ANNOUNCED, end="reset")), long=True),
    replace(
        _resets(
            "a triple fault", "reboot=t",
            _linux(1, more=_ANNOUNCED | {"triple fault"}, end="triple fault"),
            finding("linux-triple-fault", "warning", 0),
        ),
        long=True,
    ),
    # QEMU's FADT has a reset register, which this Bochs's has not.
    replace(
        _nested("reset by ACPI", "fail.sh", _linux(1, more=_ANNOUNCED | _REASONS_NESTED, end="reset"), _status(3),
                options=("--guest-append", "reboot=a", "--append", "hypervisor=hidden")),
        status=SCRIPT,
    ),
    bochs(
        "linux/no bzImage", REFUSED,
        (finding("linux-modules", "refusal", 0), states("off"), no_linux),
        "--guest", str(_FOLDER / "look.sh"), "--unchecked", count=1,
    ),
    Boot(
        "bochs/linux/a CPU left out",
        ("--on", "bochs", "--cpus", "2", *DIRECT, "--guest", "linux", "--append", "cpus=1"), REFUSED,
        (*ALWAYS, finding("linux-modules", "refusal", 0, seen="0x1", wanted="0x2")),
    ),
)  # fmt: skip

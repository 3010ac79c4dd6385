"""
The boots, as a table: what tools/run is given, the exit status wanted, what must hold. The whole
of the real machines is here; a new boot is a new row.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from boot.bochs_log import entries, entry_rules
from boot.checks import (
    ALWAYS,
    IN_VMX,
    Check,
    Result,
    console_has,
    cpus,
    exits_cost_less,
    explained,
    field_is,
    finding,
    guest_said,
    guests,
    no_other,
    picture,
    provoked,
    ram,
    runs_are,
    selftest,
    states,
)
from machine.bochs import DEFAULT_CPU, VMX_CPUS

OK, REFUSED, WRONG_USE, TIMEOUT, DIED = range(5)
SCREENSHOT = "SCREENSHOT"  # stands for a file's name among the arguments
HIGH = "HIGH"  # stands for the kernel with a header that asks to be loaded as high as possible
FAKE = "FAKE:"  # stands for a kernel made of tests/boot/fake.S, with this name


@dataclass(frozen=True)
class Boot:
    """One row."""

    name: str
    arguments: tuple[str, ...]  # of tools/run
    status: int
    checks: tuple[Check, ...]
    report: bool = True
    long: bool = False  # only with tools/test --long


def _bochs(
    name: str, status: int, checks: tuple[Check, ...], *options: str, append: str = "",
    cpu: str = "", count: int = 2,
) -> Boot:  # fmt: skip
    arguments = ["--on", "bochs", "--cpus", str(count), *options]
    if cpu:
        arguments += ["--cpu", cpu]
    if append:
        arguments += ["--append", append]
    return Boot(f"bochs/{name}", tuple(arguments), status, (*ALWAYS, cpus(count), *checks))


def _models() -> list[Boot]:
    """Every CPU model with VMX; the size of 4096 bytes is Bochs's own, the same in every model."""
    return [
        _bochs(model, OK, (*IN_VMX, field_is("vmcs_config.size", 4096)), cpu=model)
        for model in VMX_CPUS
    ]


def _processors() -> list[Boot]:
    boots = [
        _bochs(f"{count} CPUs", OK, IN_VMX, count=count, cpu=DEFAULT_CPU) for count in (1, 4, 8)
    ]
    boots.append(
        Boot(
            "bochs/cpus=2 of 4",
            ("--on", "bochs", "--cpus", "4", "--append", "cpus=2"),
            OK,
            (*ALWAYS, cpus(2), *IN_VMX),
        )
    )
    return boots


def _without_vmx() -> list[Boot]:
    off = states("off")
    svm = finding("cpuid-svm-instead", "refusal", 0)
    return [_bochs("ryzen", REFUSED, (svm, off), cpu="ryzen")]


def _stages() -> list[Boot]:
    nearest = console_has('the nearest known one is "check"')
    return [
        _bochs("stop=caps", OK, (states("off"),), append="stop=caps"),
        _bochs("stop=vmxon", OK, (states("root"),), append="stop=vmxon"),
        _bochs("stop=vmptrld", OK, IN_VMX, append="stop=vmptrld"),
        _bochs("exit=halt", OK, IN_VMX, append="exit=halt"),
        _bochs("2 GiB", OK, IN_VMX, "--memory", "2048"),
        # Bochs pages what is over 2 GiB out to a file, which makes it slow.
        replace(
            _bochs("8 GiB", OK, IN_VMX, "--memory", "8192", "--timeout", "400"), long=True
        ),
        _bochs("unknown word", OK, (*IN_VMX, nearest), append="chek=strict"),
    ]


def _selftests() -> list[Boot]:
    return [
        _bochs(f"selftest {model}", OK, (*IN_VMX, selftest), append="selftest", cpu=model)
        for model in ("core2_penryn_t9600", "corei7_haswell_4770", "tigerlake")
    ]


def _loaded_high() -> list[Boot]:
    """GRUB puts the image as low as it may; it runs anywhere below 4 GiB, here near the end."""

    def loaded_above(limit: int) -> Check:
        def check(result: Result) -> Iterator[str]:
            address = int(result.report["boot"]["load_address"], 16)
            if not limit <= address < 1 << 32 or address % (2 << 20):
                yield f"loaded at {address:#x}"

        return check

    return [
        Boot(
            "bochs/loaded high", ("--on", "bochs", "--cpus", "2", "--kernel", HIGH), OK,
            (*ALWAYS, cpus(2), *IN_VMX, loaded_above(128 << 20)),
        ),
        Boot(
            "tcg/uefi loaded high",
            ("--on", "tcg", "--firmware", "uefi", "--memory", "2048", "--kernel", HIGH), REFUSED,
            (*ALWAYS, finding("cpuid-svm-instead", "refusal", 0), loaded_above(1 << 30)),
        ),
    ]  # fmt: skip


# A guest for each way in which a VM entry fails, and what a person must be told of it.
_FAILED_ENTRIES = (
    explained(
        "entry-error-7", "VMfailValid 7", "pin-must-be-1",
        "VM-instruction error 7: a control field is wrong",
        "pin-based VM-execution controls that must be 1 are 1",
        "set bits 4, 2:1", 'manual: "VM-Execution Control Fields"',
    ),
    explained(
        "entry-error-8", "VMfailValid 8", "host-selector-rpl-ti",
        "VM-instruction error 8: the host-state area is wrong",
        "Host DS selector: seen 0x13, wanted for example 0x10; clear bits 1:0",
        'manual: "Checks on Host Segment and Descriptor-Table Registers"',
    ),
    explained(
        "entry-exit-33", "exit reason 33", "guest-rflags-bit-1",
        "Exit reason 33:", "Guest RFLAGS: seen 0x0, wanted for example 0x2; set bit 1",
        'manual: "Checks on Guest RIP, RFLAGS, and SSP"',
    ),
    explained(
        "entry-exit-34", "exit reason 34", "msr-fs-gs-base",
        "Exit reason 34:", "entry 2 of the VM-entry MSR-load area: MSR 0xc0000100",
        'manual: "Loading MSRs"',
    ),
)  # fmt: skip


def _failed_entries() -> list[Boot]:
    """Entries that fail, with no dump that nobody asked for; and the same ones, not made."""
    names = ("entry-error-7", "entry-error-8", "entry-exit-33", "entry-exit-34")
    chosen = f"guest={','.join(names)}"
    judged = (*IN_VMX, guests(*names), *_FAILED_ENTRIES)
    return [
        _bochs("failed entries", OK, (*judged, field_is("vmcs", None)), append=chosen),
        _bochs("failed entries foreseen", OK, judged, append=f"{chosen} check-entry=always"),
    ]


def _guests() -> list[Boot]:
    """
    What a round trip may cost: a tenth of KVM's and Xen's in the same emulator (docs/figures.md).
    One CPU, so that a TSC tick is an instruction. And the rules of VM entry hold for every entry that
    the processor accepts.
    """
    limits = exits_cost_less(cpuid=100, vmcall=100, rdmsr=100, wrmsr=100, out=100, ept_touch=400)
    checked = (
        "hello", "exceptions", "page-faults", "ept-violations", "ept-misconfigured",
        "spin", "spin-enabled", "spin-repeat", "asleep", "endless", "recursion-debug",
    )  # fmt: skip
    always = f"check-entry=always guest={','.join(checked)}"
    return [
        _bochs("bench=exits", OK, (*IN_VMX, limits), append="bench=exits", count=1),
        _bochs("dump=vmcs", OK, (*IN_VMX, field_is("vmcs.guest", "hello")), append="dump=vmcs"),
        *(
            _bochs(
                f"SIPI to each of {count}", OK, (*IN_VMX, guests("sipi", "hello")),
                append="guest=sipi,hello check-entry=always", count=count,
            )
            for count in (4, 8)
        ),
        _bochs("check-entry=always", OK, (*IN_VMX, guests(*checked)), append=always),
        *_failed_entries(),
    ]


# Guests that try instructions, one by one.
_INSTRUCTIONS = (
    "cpuid", "hlt", "vmcall", "invd", "wbinvd", "rdpmc", "xsetbv", "getsec", "io", "ins",
    "io-bitmap", "msr", "msr-all", "msr-own", "cr0", "cr3", "cr4", "cr8", "dr",
    "descriptor-tables", "vmx", "invept", "invvpid", "vmfunc", "tsc-offset", "rdtsc",
    "rdtscp", "rdrand", "rdseed", "pause", "monitor", "mwait", "invlpg", "invpcid",
    "pause-loop", "tpr-shadow", "apic-write", "virtual-eoi", "apic-access", "vm-functions", "rsm",
    "seam", "encls", "enclv", "pconfig", "loadiwkey", "msr-immediate", "xsaves", "user-wait",
    "page-log", "sub-page", "bus-lock", "step-pending",
)  # fmt: skip
# One leaves a value in every register that VM exits leave alone, the next finds none of them.
_REGISTERS = ("registers-left", "registers-found")
# Who cannot run without what.
_NEED_EPT = (
    "exceptions-32", "ept-violations", "ept-beyond", "ept-misconfigured", "task-switch",
    "paged-mode", "pae-mode", "nowhere", "recursion", "spin-repeat", "chaos-paged", "chaos-pae",
    "invept", "identity",
)  # fmt: skip
_NEED_UNRESTRICTED_GUEST = ("real-mode", "mode-switches", "chaos-real", "chaos-protected")
_NEED_PREEMPTION_TIMER = ("timer",)
_NEED_HASWELL = (  # or an earlier one after Nehalem
    "pause-loop", "rdrand", "rdseed", "invpcid", "apic-write", "virtual-eoi", "vm-functions",
)  # fmt: skip
_NEED_SKYLAKE = ("xsaves", "page-log")
_NEED_ICE_LAKE = ("step-pending",)  # the monitor trap flag's control
# What no model of Bochs 2.7 has: SGX, memory encryption, Key Locker, WAITPKG, MSRs as immediates,
# bus-lock detection.
_NEED_OTHERS = (
    "encls", "enclv", "pconfig", "loadiwkey", "user-wait", "msr-immediate", "bus-lock",
)  # fmt: skip
# What each model of Bochs 2.7 lacks: Penryn has no control of its successors, Nehalem's Lynnfield
# neither unrestricted guest nor XSAVE; SMX (getsec) is in the two oldest only. None has a monitor
# trap flag that works, or an INIT that is over with its VM exit.
_SKIPPED = {
    "core2_penryn_t9600": (
        *_NEED_EPT, *_NEED_UNRESTRICTED_GUEST, *_NEED_PREEMPTION_TIMER, *_NEED_HASWELL,
        *_NEED_SKYLAKE, *_NEED_ICE_LAKE, "sub-page", "msr-own", "descriptor-tables", "invvpid",
        "rdtscp",
    ),
    "corei5_lynnfield_750": (
        *_NEED_UNRESTRICTED_GUEST, *_NEED_HASWELL, *_NEED_SKYLAKE, *_NEED_ICE_LAKE, "sub-page",
        "xsetbv",
    ),
    "corei7_haswell_4770": (*_NEED_SKYLAKE, *_NEED_ICE_LAKE, "sub-page", "getsec", "rdseed"),
    "corei7_skylake_x": (*_NEED_ICE_LAKE, "sub-page", "getsec"),
    "tigerlake": ("getsec",),
}  # fmt: skip


def _zoo() -> list[Boot]:
    """Every built-in guest on every CPU: each does as the manual says, or is skipped by name."""
    boots = []
    for model, lacking in _SKIPPED.items():
        skipped = (*lacking, *_NEED_OTHERS, "step", "init-sipi")
        names = (*_INSTRUCTIONS, *_REGISTERS, *skipped)
        checks = (*IN_VMX, guests(*names, skipped=skipped), provoked)
        name = f"guest=all {model}"
        boots.append(
            _bochs(name, OK, checks, "--timeout", "600", append="guest=all", cpu=model)
        )
    return boots


def _identity() -> list[Boot]:
    """
    A guest sees the machine where it is, and nothing of the hypervisor. With 256 MiB no RAM is between
    1 and 3 GiB: two pages of 1 GiB, where EPT has such (not in Nehalem). With 4096 MiB it is all RAM,
    and between 3 and 4 GiB are the local APIC, which is taken out, and the firmware.
    """
    own = "the hypervisor's own memory, its page pool, .*; it saw, where it is and read-only, "

    def boot(model: str, memory: int, gib: int) -> Boot:
        said = guest_said("identity", own + f"{gib} pages of 1 GiB, [1-9]")
        return _bochs(
            f"identity {model} {memory} MiB", OK, (*IN_VMX, guests("identity"), said),
            "--memory", str(memory), append="guest=identity", cpu=model,
        )  # fmt: skip

    return [
        boot("corei5_lynnfield_750", 256, 0),
        boot("corei7_haswell_4770", 256, 2),
        boot("corei7_skylake_x", 4096, 0),
        boot("tigerlake", 2048, 1),
    ]


_CHAOS = ("chaos-real", "chaos-protected", "chaos-paged", "chaos-pae", "chaos-long")
_NO_REAL_MODE = ("chaos-real", "chaos-protected")
_ONLY_LONG_MODE = (*_NO_REAL_MODE, "chaos-paged", "chaos-pae")
# Model, rounds, seed, who cannot run there: on two CPUs 5,800 runs in all. A seed is as
# good as any other. Not bx_generic: Bochs ends itself at 3DNow! instructions that it lacks.
_CHAOS_BOOTS = (
    ("corei7_haswell_4770", 100, 1, ()),
    ("corei5_lynnfield_750", 100, 2, _NO_REAL_MODE),
    ("corei7_skylake_x", 100, 3, ()),
    ("tigerlake", 100, 4, ()),
    ("core2_penryn_t9600", 300, 5, _ONLY_LONG_MODE),
    ("corei7_icelake_u", 100, 7, ()),
)
_CHAOS_LONG = 1000  # rounds, with --long
_BAD = (
    "spin", "spin-enabled", "spin-repeat", "asleep", "timer-greedy", "endless", "triple-fault",
    "nowhere", "recursion", "recursion-debug", "ports", "msrs",
)  # fmt: skip

# Of these, what a CPU can run that has neither EPT nor a preemption timer to end it.
_BAD_UNTIMED = (
    "spin", "spin-enabled", "asleep", "timer-greedy", "endless", "triple-fault", "recursion-debug",
)  # fmt: skip


def _bad_guests() -> list[Boot]:
    """
    Each bad guest ends as it must, and the machine goes on to its verdict; then random bytes.
    """

    def chaos(model: str, rounds: int, seed: int, skipped: tuple[str, ...] = ()) -> Boot:
        return _bochs(
            f"chaos {seed} {model}", OK, (*IN_VMX, guests(*_CHAOS, skipped=skipped)),
            "--timeout", "600",
            append=f"guest={','.join(_CHAOS)} chaos={rounds},{seed}", cpu=model,
        )  # fmt: skip

    def untimed(model: str, count: int) -> Boot:
        name = f"bad guests {model} {count} CPUs"
        return _bochs(
            name, OK, (*IN_VMX, guests(*_BAD_UNTIMED)),
            append=f"guest={','.join(_BAD_UNTIMED)}", cpu=model, count=count,
        )  # fmt: skip

    good = ("hello", "exceptions", "ept-violations", "inject", "long-mode", "msr", "hello")
    mixed = (
        (1, "triple-fault", "triple fault"), (1, "spin", "budget of time"),
        (1, "recursion", "budget of exits"), (2, "nowhere", "memory that it does not have"),
        (2, "endless", "budget of exits"), (2, "ports", ""), (3, "msrs", ""),
        (3, "chaos-long", "20 rounds"), (3, "spin-enabled", "budget of time"),
        *((0, name, "") for name in good),
    )  # fmt: skip
    words = ",".join(f"cpu{cpu}:{name}" for cpu, name, _ in mixed)
    bad = [
        _bochs(
            "bad guests beside good ones", OK, (*IN_VMX, runs_are(*mixed)),
            "--timeout", "300", append=f"guest={words}", count=4,
        ),
        _bochs(
            "guests for CPUs", OK,
            (
                *IN_VMX, runs_are((1, "hello", "")), field_is("vmcs.cpu", 1),
                finding("guest-no-cpu", "warning", 0, detail="cpu2:hello"),
                finding("guest-unknown", "warning", 0, detail="cpux:hello"),
            ),
            append="guest=cpu2:hello,cpu1:hello,cpux:hello dump=vmcs",
        ),
        _bochs("bad guests", OK, (*IN_VMX, guests(*_BAD)), append=f"guest={','.join(_BAD)}"),
        untimed("core2_penryn_t9600", 1),
        untimed("bx_generic", 2),
        _bochs(
            "bad guest after SIPI", OK, (*IN_VMX, guests("sipi", "spin")),
            append="guest=sipi,spin", cpu="core2_penryn_t9600",
        ),
        _bochs(
            "bad guests watched", OK, (*IN_VMX, guests("spin", "spin-enabled", "asleep")),
            append="guest=spin,spin-enabled,asleep trace=exits check-entry=always",
            cpu="core2_penryn_t9600",
        ),
        # Round 587 loads PDPTEs with reserved bits, which a MOV to CR4 once left to VM entry.
        _bochs(
            "chaos 6 corei7_ivy_bridge_3770k", OK, (*IN_VMX, guests("chaos-paged")),
            append="guest=chaos-paged chaos=600,6", cpu="corei7_ivy_bridge_3770k", count=1,
        ),
        *(chaos(*row) for row in _CHAOS_BOOTS),
    ]
    many = [
        chaos(model, _CHAOS_LONG, seed + 100, skipped)
        for model, _, seed, skipped in _CHAOS_BOOTS
    ]
    return bad + [replace(boot, long=True) for boot in many]


def _entry_selftests() -> list[Boot]:
    """Five generations of processors, from neither EPT nor preemption timer to CET."""
    models = (
        "core2_penryn_t9600",
        "corei5_lynnfield_750",
        "corei7_haswell_4770",
        "corei7_skylake_x",
        "tigerlake",
    )
    return [
        _bochs(
            f"selftest=entry {model}", OK, (*IN_VMX, entries, entry_rules),
            append="selftest=entry", cpu=model, count=1,
        )
        for model in models
    ]  # fmt: skip


# What IA32_VMX_BASIC is in Bochs 2.7's Haswell, with one field changed at a time: the rule that the
# value breaks, its severity under check=kvm (KVM's own checks refuse, the rest is told), the field
# and what stands in it. SDM Vol. 3, "Basic VMX Information".
_BASIC_RULES = (
    ("basic-revision-bit-31", "0x00d810008000002b", "warning", "31", "0x1"),
    ("basic-size-zero", "0x00d800000000002b", "refusal", "44:32", "0x0"),
    ("basic-size-over-page", "0x00d810010000002b", "refusal", "44:32", "0x1001"),
    ("basic-reserved-47-45", "0x00d830000000002b", "warning", "47:45", "0x1"),
    ("basic-32-bit-addresses", "0x00d910000000002b", "refusal", "48", "0x1"),
    ("basic-memory-type", "0x00c010000000002b", "refusal", "53:50", "0x0"),
    ("basic-bit-57", "0x02d810000000002b", "warning", "57", "0x1"),
    ("basic-reserved-63-59", "0x08d810000000002b", "warning", "63:59", "0x1"),
)


def _pretended() -> list[Boot]:
    """Each refusal about IA32_VMX_BASIC, on the boot CPU, on another, and as KVM has it."""
    boots = []
    for rule, value, severity, bits, seen in _BASIC_RULES:
        fields: dict[str, Any] = {"msr": "0x480", "bits": bits, "seen": seen}
        for cpu in (0, 1):
            checks = (
                finding(rule, "refusal", cpu, **fields),
                finding("pretended", "note", cpu),
                no_other("basic-", rule, cpu),
                states("off"),
            )
            words = f"check=strict pretend=cpu{cpu}:0x480:{value}"
            boots.append(_bochs(f"{rule} cpu{cpu}", REFUSED, checks, append=words))
        on_all = (finding(rule, severity, **fields), no_other("basic-", rule))
        words = f"check=kvm pretend=0x480:{value}"
        boots.append(
            _bochs(f"{rule} check=kvm", REFUSED, (*on_all, states("off")), append=words)
            if severity == "refusal"
            else _bochs(f"{rule} check=kvm", OK, (*on_all, states("loaded")), append=words)
        )
    return boots


def _firmware() -> list[Boot]:
    """
    SeaBIOS and BIOS-bochs-legacy leave IA32_FEATURE_CONTROL open in Bochs; GRUB can then write it.
    Bit 0 locks, bit 1 allows VMXON inside SMX, bit 2 outside. Neither tells in ACPI tables of other
    CPUs or how to power off there, the legacy one has no such tables at all. That one leaves the
    MTRRs off, too: all memory is uncacheable.
    """
    seabios = ("--bios", "/usr/share/seabios/bios.bin")
    legacy = ("--bios", "/usr/share/bochs/BIOS-bochs-legacy")
    no_tables = finding("cpu-tables", "warning", 0)
    unlocked = finding("feature-control-unlocked", "note", 0, msr="0x3a", seen="0x0")

    def boot(name: str, status: int, checks: tuple[Check, ...], *options: str) -> Boot:
        return _bochs(name, status, checks, *options, append="exit=halt", count=1)

    def locked(rule: str, value: str) -> Boot:
        refusal = finding(rule, "refusal", 0, msr="0x3a")
        checks = (refusal, field_is("msrs.0x3a", value), states("off"))
        return boot(rule, REFUSED, checks, *seabios, "--grub", f"wrmsr 0x3a {value}")

    uncached = finding("region-not-write-back", "refusal", 0, seen="0x0", wanted="0x6")
    return [
        locked("feature-control-locked-off", "0x1"),
        locked("feature-control-smx-only", "0x3"),
        boot("feature-control-unlocked", OK, (*IN_VMX, unlocked), *seabios),
        boot("MTRRs off", REFUSED, (unlocked, no_tables, uncached, states("off")), *legacy),
    ]


def _tcg(name: str, checks: tuple[Check, ...], *options: str, count: int = 1) -> Boot:
    refusal = finding("cpuid-svm-instead", "refusal", 0)
    return Boot(
        f"tcg/{name}",
        ("--on", "tcg", "--cpus", str(count), *options),
        REFUSED,
        (*ALWAYS, cpus(count), states("off"), refusal, *checks),
    )


def _qemu() -> list[Boot]:
    """TCG has SVM and no VMX: a clear refusal, after everything before it has worked."""
    boots = []
    for firmware in ("bios", "uefi"):
        for chipset in ("pc", "q35"):
            for count in (1, 16):
                boots.append(
                    _tcg(
                        f"{firmware} {chipset} {count} CPUs",
                        (field_is("boot.firmware", firmware),),
                        "--firmware", firmware, "--chipset", chipset, count=count,
                    )  # fmt: skip
                )
        more = ("--firmware", firmware, "--memory", "8192")
        boots.append(_tcg(f"{firmware} 8 GiB", (ram(8192),), *more))
        boots.append(
            _tcg(f"{firmware} USB stick", (), "--firmware", firmware, "--media", "usb")
        )
    boots += [
        _tcg("bios 64 MiB", (ram(64),), "--memory", "64"),
        _tcg("uefi 128 MiB", (ram(128),), "--firmware", "uefi", "--memory", "128"),
        _tcg("64 CPUs", (), count=64),
        _tcg("exit=reboot", (), "--append", "exit=reboot"),
    ]
    no_svm = Boot(
        "tcg/neither VMX nor SVM",
        ("--on", "tcg", "--cpus", "1", "--cpu", "max,-svm"),
        REFUSED,
        (*ALWAYS, cpus(1), states("off"), finding("cpuid-no-vmx", "refusal", 0)),
    )
    return [*boots, no_svm]


def _screens() -> list[Boot]:
    """With a screenshot the machine stays on after its verdict, until the picture is taken."""
    take = ("--screenshot", SCREENSHOT)
    return [
        _tcg("bios pixels", (picture(1024, 768),), "--screen", "pixels", *take),
        _tcg("bios text", (picture(720, 400),), "--screen", "text", *take),
        _tcg("uefi pixels", (picture(1024, 768),), "--firmware", "uefi", *take),
    ]


def _tool_itself() -> list[Boot]:
    """tools/run's other ends, shown with kernels that do nothing but end so."""

    def fake(name: str, status: int, *options: str) -> Boot:
        return Boot(
            f"tools/run {name}", ("--on", "tcg", "--kernel", FAKE + name, *options), status, (),
            report=False,
        )

    return [
        fake("ok", OK),
        fake("refused", REFUSED),
        fake("panic", DIED),
        fake("silent", DIED),
        fake("hang", TIMEOUT, "--timeout", "4"),
        Boot("tools/run bad report", ("--on", "tcg", "--kernel", FAKE + "ok"), DIED, ()),
        Boot("tools/run no such CPU", ("--on", "bochs", "--cpu", "none"), WRONG_USE, (), False),
        Boot("tools/run no UEFI", ("--on", "bochs", "--firmware", "uefi"), WRONG_USE, (), False),
    ]


BOOTS: tuple[Boot, ...] = (
    *_tool_itself(),
    *_models(),
    *_processors(),
    *_without_vmx(),
    *_stages(),
    *_selftests(),
    *_entry_selftests(),
    *_loaded_high(),
    *_guests(),


    *_zoo(),
    *_identity(),
    *_bad_guests(),
    *_firmware(),
    *_pretended(),
    *_qemu(),
    *_screens(),
)

"""
Boots in QEMU/KVM that runs in Linux in Bochs (docs/nested-kvm.md): what most people's machine shows
to Rootmode. The expected values are QEMU's own definitions of its CPU models (target/i386/cpu.c:
FEAT_VMX_BASIC, FEAT_VMX_SECONDARY_CTLS) and what QEMU hands to its firmware (hw/i386/fw_cfg.c:
fw_cfg_build_feature_control), not what an earlier run gave.
"""

from collections.abc import Iterator
from pathlib import Path

from boot.checks import (
    ALWAYS,
    IN_VMX,
    Check,
    Result,
    console_has,
    cpus,
    field_is,
    finding,
    guests,
    no_other,
    ram,
    selftest,
    states,
)
from boot.bochs_log import entries
from boot.row import DIRECT, OK, REFUSED, WRONG_USE, Boot
from machine.errors import UserError

OPEN_BIOS = "OPEN-BIOS"  # stands for a SeaBIOS that leaves IA32_FEATURE_CONTROL as it finds it

_SEABIOS = Path("/usr/share/seabios/bios-256k.bin")
_ENTRY = b"etc/msr_feature_control"

# IA32_FEATURE_CONTROL: locked, VMXON outside SMX operation, and for `-cpu host` local machine checks.
_LOCKED_ON = 0x5
_LOCAL_MACHINE_CHECK = 0x100000
_TRUE_CONTROLS = 1 << 55  # in IA32_VMX_BASIC
_ALLOWED_1 = 32  # a control may be 1 where this half of its register has a 1


def open_bios(folder: Path) -> Path:
    """
    Writes SeaBIOS with the name misspelt under which QEMU tells it what to write to
    IA32_FEATURE_CONTROL. SeaBIOS then finds nothing and leaves the register open.
    """
    image = _SEABIOS.read_bytes()
    if image.count(_ENTRY) != 1:
        raise UserError(f"{_SEABIOS} does not read {_ENTRY.decode()} as expected")
    file = folder / "open-bios.bin"
    file.write_bytes(image.replace(_ENTRY, _ENTRY.upper()))
    return file


def _msr(name: str, wanted: int, mask: int = (1 << 64) - 1) -> Check:
    """A register's value under a mask."""

    def check(result: Result) -> Iterator[str]:
        seen = int(result.report["msrs"][name], 16) & mask
        if seen != wanted:
            yield f"MSR {name} is {seen:#x} under {mask:#x}, not {wanted:#x}"

    return check


def _nested(
    name: str, status: int, checks: tuple[Check, ...], *options: str, count: int = 1, long: bool = True
) -> Boot:  # fmt: skip
    arguments = ("--on", "nested-kvm", "--cpus", str(count), *options)
    return Boot(f"nested-kvm/{name}", arguments, status, (*ALWAYS, cpus(count), *checks), long=long)


# KVM gives its guests a VMCS of one page. Its registers are virtual, and Rootmode must see that.
_IN_KVM = (*IN_VMX, field_is("registers", "virtual"), field_is("vmcs_config.size", 4096))
_NO_REFUSAL = no_other("basic-", "")

# QEMU's models: bit 55 of IA32_VMX_BASIC, allowed secondary controls. RDTSCP (bit 3) goes where the
# model's CPUID has no RDTSCP: Nehalem and Westmere. EPT is bit 1, VPID 5, unrestricted guest 7.
_MODELS = (
    ("Penryn", 0, 0x41),
    ("Nehalem", _TRUE_CONTROLS, 0x77),
    ("Westmere", _TRUE_CONTROLS, 0xF7),
    ("SandyBridge", _TRUE_CONTROLS, 0xFF),
    ("Haswell", _TRUE_CONTROLS, 0x7BFF),
)


# What KVM leaves unchecked: vmx/selftest/departures.def.
_DEPARTURES = {
    "segment-reserved", "segment-v8086-rights", "system-segment-reserved", "link-pointer-current", "guest-state",
}  # fmt: skip


def _kvm_departs(result: Result) -> Iterator[str]:
    """Each departure of KVM's was met, and is told as its own."""
    met = {row["rule"] for row in result.report["selftest_entry"]["departures"]}
    if not _DEPARTURES <= met:
        yield f"not met: {sorted(_DEPARTURES - met)}"
    yield from console_has("times, guest-state: a guest that waits")(result)


def _models() -> list[Boot]:
    return [
        _nested(
            model,
            OK,
            (
                *_IN_KVM, _NO_REFUSAL, _msr("0x480", form, _TRUE_CONTROLS), _msr("0x3a", _LOCKED_ON),
                _msr("0x48b", secondary << _ALLOWED_1), selftest,
            ),
            "--cpu", f"{model},+vmx", "--append", "selftest",
        )
        for model, form, secondary in _MODELS
    ]  # fmt: skip


# Guests that ask for one thing, and what this KVM does not offer to them, in part because Bochs's
# Haswell does not. Left out are those with hundreds of thousands of exits, and those that may spin
# with interrupts off (docs/nested-kvm.md).
_ZOO = (
    "hello", "exceptions", "exceptions-kept", "exceptions-32", "page-faults", "ept-violations",
    "ept-beyond", "ept-misconfigured", "identity", "external-interrupt", "interrupt-kept",
    "interrupt-window", "nmi-window", "inject", "double-fault", "step-trap", "task-switch",
    "real-mode", "paged-mode", "pae-mode", "long-mode", "mode-switches", "spin-enabled", "asleep",
    "timer-greedy", "endless", "triple-fault", "entry-error-7", "entry-error-8", "entry-exit-33",
    "entry-exit-34", "nowhere", "recursion", "recursion-debug", "registers-left",
    "registers-found", "apic-access", "page-log", "cpuid", "hlt", "vmcall", "invd", "wbinvd",
    "rdpmc", "xsetbv", "io", "ins", "io-bitmap", "msr", "msr-all", "msr-own", "cr0", "cr4", "cr8",
    "tpr-shadow", "apic-write", "dr", "descriptor-tables", "vmx", "invept", "invvpid", "vmfunc",
    "vm-functions", "rsm", "seam", "tsc-offset", "rdtsc", "rdtscp", "rdrand", "pause", "invlpg",
    "invpcid",
)  # fmt: skip
_NOT_OFFERED = (
    "step", "step-pending", "pause-loop", "sub-page", "bus-lock", "getsec", "cr3", "virtual-eoi",
    "encls", "enclv", "pconfig", "loadiwkey", "msr-immediate", "xsaves", "user-wait", "rdseed",
    "monitor", "mwait",
)  # fmt: skip
# Without --long: what KVM does by code of its own, which no emulator of a processor has. The console costs
# most there, a VM exit of two levels a character, and each guest prints.
_CHOSEN = (
    "hello", "exceptions", "ept-violations", "ept-misconfigured", "external-interrupt", "interrupt-window",
    "nmi-window", "inject", "double-fault", "task-switch", "real-mode", "pae-mode", "mode-switches",
    "spin-enabled", "triple-fault", "entry-error-7", "entry-exit-33", "entry-exit-34", "registers-left",
    "registers-found", "apic-access", "io-bitmap", "msr-own", "cr0", "cr4", "invept", "getsec",
)  # fmt: skip
# Bochs has INIT pending for ever after its exit; KVM does as the manual says, and so this is where
# a guest gets both.
_SIGNALS = ("init-sipi", "sipi")


_SELFTEST = (_NO_REFUSAL, _msr("0x3a", _LOCAL_MACHINE_CHECK | _LOCKED_ON), selftest)


def _test_guests() -> list[Boot]:
    """Times hold with one virtual CPU only (`timer`), and INIT needs a second one; the others run on two."""

    def boot(name: str, count: int, *names: str, checks: tuple[Check, ...] = (), words: str = "",
             long: bool = False) -> Boot:  # fmt: skip
        skipped = tuple(guest for guest in names if guest in _NOT_OFFERED)
        return _nested(
            name, OK, (*_IN_KVM, *checks, guests(*names, skipped=skipped)), *(DIRECT if count == 1 else ()),
            "--append", f"{words}guest={','.join(names)}", count=count, long=long,
        )  # fmt: skip

    return [
        boot("guests, 1 CPUs", 1, "hello", "timer"),
        boot("all guests, 1 CPUs", 1, *_ZOO, *_NOT_OFFERED, "timer", long=True),
        # With the self-test: a boot of Linux and QEMU in Bochs takes longer than either.
        boot("guests, 2 CPUs", 2, *_CHOSEN, *_SIGNALS, checks=_SELFTEST, words="selftest "),
        boot("all guests, 2 CPUs", 2, *_ZOO, *_NOT_OFFERED, *_SIGNALS, long=True),
    ]


NESTED_BOOTS: tuple[Boot, ...] = (
    *_test_guests(),
    _nested(
        "2 CPUs", OK,
        (*_IN_KVM, *_SELFTEST),
        "--append", "selftest", count=2,
    ),
    _nested(
        "host,-vmx", REFUSED,
        (states("off"), finding("cpuid-no-vmx", "refusal", 0), console_has("-cpu host"),
         console_has("kvm_intel.nested=1")),
        *DIRECT, "--cpu", "host,-vmx", long=False,
    ),
    _nested(
        "feature control open", OK,
        (*_IN_KVM, finding("feature-control-unlocked", "note"), _NO_REFUSAL),
        "--bios", OPEN_BIOS, count=2,
    ),
    _nested("1 CPU", OK, (*_IN_KVM, _NO_REFUSAL)),
    _nested("4 CPUs", OK, (*_IN_KVM, _NO_REFUSAL, selftest), "--append", "selftest", count=4),
    _nested(
        "selftest=entry", OK, (*_IN_KVM, _NO_REFUSAL, entries, _kvm_departs), "--append", "selftest=entry"
    ),
    _nested("64 MiB", OK, (*_IN_KVM, ram(64)), "--memory", "64"),
    _nested("2048 MiB", OK, (*_IN_KVM, ram(2048)), "--memory", "2048"),
    _nested("check=strict", OK, (*_IN_KVM, field_is("check", "strict")), "--append", "check=strict"),
    # No bit of an address in an EPT entry is reserved.
    _nested(
        "52 physical-address bits", OK, (*_IN_KVM, guests(*_ZOO)),
        "--cpu", "host,host-phys-bits=off,phys-bits=52", "--append", f"guest={','.join(_ZOO)}",
    ),
    # EPT decides there: CPU 0's MTRRs, which are off, are told and no more.
    _nested(
        "MTRRs off", OK,
        (states("loaded"), finding("region-mtrr-virtual", "warning", 0, seen="0x0", wanted="0x6"),
         console_has("VMCS: IA32_MTRR_DEF_TYPE 0x0, MTRRs off"), guests("hello", "ept-violations")),
        "--grub", "wrmsr 0x2ff 0", "--append", "check=kvm guest=hello,ept-violations",
    ),
    _nested("chipset pc", OK, _IN_KVM, "--chipset", "pc"),
    _nested("UEFI", OK, (*_IN_KVM, field_is("boot.firmware", "uefi")), "--firmware", "uefi", count=2),
    *_models(),
    Boot(
        "tools/run no such QEMU model",
        ("--on", "nested-kvm", "--cpu", "none"), WRONG_USE, (), False,
    ),
    Boot(
        "tools/run no such property of QEMU's CPU",
        ("--on", "nested-kvm", "--cpu", "host,+none"), WRONG_USE, (), False,
    ),
    Boot(
        "tools/run too much memory for nested-kvm",
        ("--on", "nested-kvm", "--memory", "4096"), WRONG_USE, (), False,
    ),
)  # fmt: skip

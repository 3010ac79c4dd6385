"""The boots on Bochs about what the firmware left and what is pretended: most are refusals."""

from typing import Any

from boot.checks import (
    ALWAYS,
    IN_VMX,
    Check,
    console_has,
    exits_are,
    field_is,
    finding,
    guests,
    no_other,
    runs_are,
    states,
)
from boot.row import OK, REFUSED, Boot, bochs
from machine.iso import MENU

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
            boots.append(bochs(f"{rule} cpu{cpu}", REFUSED, checks, append=words))
        on_all = (finding(rule, severity, **fields), no_other("basic-", rule))
        words = f"check=kvm pretend=0x480:{value}"
        boots.append(
            bochs(f"{rule} check=kvm", REFUSED, (*on_all, states("off")), append=words)
            if severity == "refusal"
            else bochs(f"{rule} check=kvm", OK, (*on_all, states("loaded")), append=words)
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
        return bochs(name, status, checks, *options, append="exit=halt", count=1)

    def locked(rule: str, value: str) -> Boot:
        refusal = finding(rule, "refusal", 0, msr="0x3a")
        checks = (refusal, field_is("msrs.0x3a", value), states("off"))
        return boot(rule, REFUSED, checks, *seabios, "--grub", f"wrmsr 0x3a {value}")

    # In GRUB it is the boot CPU alone whose MTRRs are turned off, or left on without a type for RAM.
    def uncached(region: str, why: str) -> tuple[Check, ...]:
        words = f"{region}: IA32_MTRR_DEF_TYPE {why}"
        return (
            finding("region-not-write-back", "refusal", 0, seen="0x0", wanted="0x6"),
            console_has(words), no_other("region-", "region-not-write-back", 0), states("off"),
        )  # fmt: skip

    return [
        locked("feature-control-locked-off", "0x1"),
        locked("feature-control-smx-only", "0x3"),
        boot("feature-control-unlocked", OK, (*IN_VMX, unlocked), *seabios),
        # Not a guest of before left this, but firmware, for which GRUB stands in.
        bochs(
            "registers of firmware's time", OK, (*IN_VMX, guests("registers-found")),
            "--grub", "wrmsr 0xc0000102 0x1234", append="guest=registers-found", count=1,
        ),  # fmt: skip
        # An interrupt that GRUB sends itself and the task priority holds back; CPU 0 waits long.
        bochs(
            "interrupt of firmware's time", OK, (*IN_VMX, runs_are((1, "spin", "budget of time"))),
            "--grub", "write_dword 0xfee000f0 0x1ff; write_dword 0xfee00080 0xf0; "
            "write_dword 0xfee00300 0x44055", append="guest=cpu1:spin",
        ),  # fmt: skip
        # The checksums of RSDT, FADT and MADT, and the MADT's entry behind its CPUs, of length 0. The
        # MADT is needed first: it has the CPUs; the FADT has the clock and the ways to end.
        bochs(
            "broken ACPI tables", OK,
            (*IN_VMX, finding("boot-acpi-checksum", "warning", 0, detail="RSDT APIC FACP"),
             finding("cpu-tables-cut", "warning", 0)),
            "--grub", "write_byte 0xfff0009 0; write_byte 0xfff003d 0; write_byte 0xfff0fbd 0",
        ),  # fmt: skip
        # The MADT's entry of CPU 1 and the one behind it, made one of a local x2APIC with id 0x1ff.
        Boot(
            "bochs/APIC id for x2APIC mode",
            ("--on", "bochs", "--cpus", "2", "--cpu", "core2_penryn_t9600", "--grub",
             "write_byte 0xfff0fb4 9; write_byte 0xfff0fb5 20; write_dword 0xfff0fb8 0x1ff; "
             "write_dword 0xfff0fbc 1"),
            OK,
            (*ALWAYS, finding("cpu-unreachable", "warning", 1, apic_id=0x1FF),
             no_other("cpu-", "cpu-unreachable", 1), console_has("1 0x1ff no path"),
             field_is("cpus.0.state", "loaded"), field_is("cpus.1.started", False)),
        ),  # fmt: skip
        # The timer, through an input of the I/O APIC that firmware (GRUB for it) has left unmasked;
        # one interrupt of GRUB's time waits behind the task priority, and CPU 0 takes it early.
        bochs(
            "unmasked I/O APIC", OK,
            (*IN_VMX, guests("hlt", "external-interrupt"), exits_are("hlt", HLT=2, VMCALL=1),
             exits_are("external-interrupt", external_interrupt=1, VMCALL=2)),
            "--grub", "write_dword 0xfee00080 0xf0; outb 0x43 0x34; outb 0x40 0x80; outb 0x40 0; "
            "write_dword 0xfec00000 0x14; write_dword 0xfec00010 0x31",
            append="guest=hlt,external-interrupt",
        ),  # fmt: skip
        boot(
            "MTRRs off", REFUSED,
            (unlocked, no_tables, *uncached("VMXON region", "0x0, MTRRs off")), *legacy,
        ),  # fmt: skip
        bochs("MTRRs off in GRUB", REFUSED, uncached("VMCS", "0x0, MTRRs off"), "--grub", "wrmsr 0x2ff 0"),
    ]


def _menu() -> list[Boot]:
    """The refusals to look at in the menu of the ISO."""
    rules = (finding("basic-memory-type", "refusal"), finding("compare-mismatch", "refusal", 1))
    entries = [" ".join(words) for title, words in MENU if "refusal" in title]
    return [
        bochs(f"menu {words}", REFUSED, (rule, states("off")), append=words)
        for rule, words in zip(rules, entries, strict=True)
    ]


REFUSAL_BOOTS: tuple[Boot, ...] = (*_firmware(), *_pretended(), *_menu())

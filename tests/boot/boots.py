"""
The boots, as a table: the whole of the real machines is here and in the tables that it takes in; a
new boot is a new row.
"""

from collections.abc import Iterator
from dataclasses import replace

from boot.bochs_log import entries, entry_rules
from boot.checks import (
    ALWAYS,
    IN_VMX,
    Check,
    Result,
    apic_ids,
    console_has,
    cpus,
    field_is,
    finding,
    picture,
    ram,
    selftest,
    states,
)
from boot.console_boots import CONSOLE_BOOTS
from boot.core_boots import CORE_BOOTS
from boot.guest_boots import GUEST_BOOTS
from boot.linux_boots import LINUX_BOOTS
from boot.multiboot_boots import MULTIBOOT_BOOTS
from boot.refusal_boots import REFUSAL_BOOTS
from boot.row import (
    DIED,
    DIRECT,
    FAKE,
    HIGH,
    OK,
    REFUSED,
    SCREENSHOT,
    TIMEOUT,
    WRONG_USE,
    Boot,
    bochs,
    tcg,
)
from machine.bochs import DEFAULT_CPU, VMX_CPUS


def _models() -> list[Boot]:
    """Every CPU model with VMX; the size of 4096 bytes is Bochs's own, the same in every model."""
    return [
        bochs(model, OK, (*IN_VMX, field_is("vmcs_config.size", 4096)), cpu=model)
        for model in VMX_CPUS
    ]


def _quick(result: Result) -> Iterator[str]:
    """All CPUs are in VMX operation before 0.3 million ticks, which are instructions in Bochs."""
    timing = result.report["timing"]
    ticks = int(timing["vmx_on_all_tsc"], 16) - int(timing["entry_tsc"], 16)
    if ticks >= 300_000:
        yield f"the way to VMX operation takes {ticks} ticks"


def _processors() -> list[Boot]:
    boots = [
        replace(
            bochs(f"{count} CPUs", OK, (*IN_VMX, _quick), count=count, cpu=DEFAULT_CPU, loader="grub"),
            quick=count == 1,
        )
        for count in (1, 4, 8)
    ]
    boots.append(
        Boot(
            "bochs/cpus=2 of 4",
            ("--on", "bochs", "--cpus", "4", *DIRECT, "--append", "cpus=2"),
            OK,
            (*ALWAYS, cpus(2), *IN_VMX),
        )
    )
    return boots


def _without_vmx() -> list[Boot]:
    off = states("off")
    svm = finding("cpuid-svm-instead", "refusal", 0)
    return [bochs("ryzen", REFUSED, (svm, off), cpu="ryzen")]


def _stages() -> list[Boot]:
    nearest = console_has('the nearest known one is "check"')
    return [
        bochs("stop=caps", OK, (states("off"),), append="stop=caps"),
        bochs("stop=vmxon", OK, (states("root"),), append="stop=vmxon"),
        bochs("stop=vmptrld", OK, IN_VMX, append="stop=vmptrld"),
        bochs("exit=halt", OK, IN_VMX, append="exit=halt"),
        bochs("2 GiB", OK, IN_VMX, "--memory", "2048"),
        # Bochs pages what is over 2 GiB out to a file, which makes it slow.
        replace(
            bochs("8 GiB", OK, IN_VMX, "--memory", "8192", "--timeout", "400"), long=True
        ),
        bochs(
            "not understood", OK,
            (*IN_VMX, nearest, finding("command-line", "warning", 0),
             finding("guest-unknown", "warning", 0, detail="spni (nearest: spin)"),
             console_has("verdict: ok; not all of the command line could be followed")),
            "--unchecked", append="chek=strict guest=spni",
        ),
    ]


def _selftests() -> list[Boot]:
    return [
        replace(
            bochs(f"selftest {model}", OK, (*IN_VMX, selftest), append="selftest", cpu=model),
            quick=model == DEFAULT_CPU,
        )
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


def _entry_selftests() -> list[Boot]:
    """
    Five generations of processors, from neither EPT nor preemption timer to CET: the last always, the
    others with --long.
    """
    models = (
        "core2_penryn_t9600",
        "corei5_lynnfield_750",
        "corei7_haswell_4770",
        "corei7_skylake_x",
        "tigerlake",
    )
    return [
        replace(
            bochs(
                f"selftest=entry {model}", OK, (*IN_VMX, entries, entry_rules),
                append="selftest=entry", cpu=model, count=1,
            ),
            long=model != models[-1],
        )
        for model in models
    ]  # fmt: skip


def _nmis(*wanted: int) -> Check:
    """So many came on each CPU that nobody had sent."""

    def check(result: Result) -> Iterator[str]:
        seen = tuple(cpu["nmis"] for cpu in result.report["cpus"])
        if seen != wanted:
            yield f"NMIs of nobody: {seen}, not {wanted}"

    return check


def _qemu() -> list[Boot]:
    """TCG has SVM and no VMX: a clear refusal, after everything before it has worked."""
    boots = []
    for firmware in ("bios", "uefi"):
        for chipset in ("pc", "q35"):
            for count in (1, 16):
                loader = DIRECT if firmware == "bios" and (chipset == "pc") == (count == 1) else ()
                row = tcg(
                    f"{firmware} {chipset} {count} CPUs", (field_is("boot.firmware", firmware),),
                    "--firmware", firmware, "--chipset", chipset, *loader, count=count,
                )  # fmt: skip
                boots.append(replace(row, quick=(firmware, chipset, count) == ("uefi", "q35", 1)))
        more = ("--firmware", firmware, "--memory", "8192")
        boots.append(tcg(f"{firmware} 8 GiB", (ram(8192),), *more))
        boots.append(
            tcg(f"{firmware} USB stick", (), "--firmware", firmware, "--media", "usb")
        )
    boots += [
        tcg("bios 64 MiB", (ram(64),), "--memory", "64"),
        tcg("uefi 128 MiB", (ram(128),), "--firmware", "uefi", "--memory", "128"),
        tcg("64 CPUs", (), *DIRECT, count=64),
        replace(tcg("255 CPUs", (), *DIRECT, count=255), long=True),
        tcg("exit=reboot", (), *DIRECT, "--append", "exit=reboot"),
    ]
    # Three threads and three cores take two bits each: socket at bit 4, core at 2, thread at 0.
    holes = Boot(
        "tcg/10 CPUs of 18 with holes",
        ("--on", "tcg", *DIRECT, "--smp", "10,sockets=2,cores=3,threads=3,maxcpus=18"),
        REFUSED,
        (
            *ALWAYS, cpus(10), apic_ids(0, 1, 2, 4, 5, 6, 8, 9, 10, 16), states("off"),
            finding("cpuid-svm-instead", "refusal", cpus="0-9"),
        ),
    )  # fmt: skip
    no_svm = Boot(
        "tcg/neither VMX nor SVM",
        ("--on", "tcg", *DIRECT, "--cpus", "1", "--cpu", "max,-svm"),
        REFUSED,
        (*ALWAYS, cpus(1), states("off"), finding("cpuid-no-vmx", "refusal", 0)),
    )
    no_nx = Boot(
        "tcg/no execute disable",
        ("--on", "tcg", *DIRECT, "--cpus", "2", "--cpu", "max,-nx"),
        REFUSED,
        (*ALWAYS, cpus(2), finding("boot-no-execute-disable", "warning", 0)),
    )
    # QEMU gives it to LINT1 of each CPU, which SeaBIOS has set to NMI on the boot CPU.
    nmi = tcg(
        "NMI of nobody",
        (finding("nmi-unknown", "warning", 0, detail="1 in all", cpus="0"), _nmis(1, 0)),
        "--nmi-at", "vmx_all_enable", count=2,
    )  # fmt: skip
    return [*boots, holes, no_svm, no_nx, nmi]


def _screens() -> list[Boot]:
    """With a screenshot the machine stays on after its verdict, until the picture is taken."""
    take = ("--screenshot", SCREENSHOT)
    return [
        tcg("bios pixels", (picture(1024, 768),), "--screen", "pixels", *take),
        tcg("bios text", (picture(720, 400),), "--screen", "text", *take),
        tcg("uefi pixels", (picture(1024, 768),), "--firmware", "uefi", *take),
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
        fake("halted", OK, "--timeout", "12"),  # less than is waited where nothing is said
        Boot("tools/run bad report", ("--on", "tcg", "--kernel", FAKE + "ok"), DIED, ()),
        Boot("tools/run no such CPU", ("--on", "bochs", "--cpu", "none"), WRONG_USE, (), False),
        Boot("tools/run no topology", ("--on", "bochs", "--smp", "2,sockets=2"), WRONG_USE, (), False),
        Boot("tools/run no UEFI", ("--on", "bochs", "--firmware", "uefi"), WRONG_USE, (), False),
        Boot("tools/run no PVH", ("--on", "bochs", *DIRECT, "--kernel", FAKE + "ok"), WRONG_USE, (), False),
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
    *CONSOLE_BOOTS,
    *CORE_BOOTS,
    *GUEST_BOOTS,
    *LINUX_BOOTS,
    *MULTIBOOT_BOOTS,
    *REFUSAL_BOOTS,
    *_qemu(),
    *_screens(),
)

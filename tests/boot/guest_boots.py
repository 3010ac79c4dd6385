"""The boots about guests: what they do, what they may not do, what their exits cost."""

from dataclasses import replace

from boot.checks import (
    IN_VMX,
    console_has,
    exits_cost_less,
    explained,
    field_is,
    finding,
    guest_said,
    guests,
    guests_are_listed,
    provoked,
    runs_are,
    vmcheck_names,
)
from boot.row import OK, Boot, bochs
from machine.bochs import DEFAULT_CPU

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
    """
    Entries that fail, with no dump that nobody asked for; and the same ones, not made, with the last
    one's VMCS, of which vmcheck says the same as the kernel.
    """
    names = ("entry-error-7", "entry-error-8", "entry-exit-34", "entry-exit-33")
    chosen = f"guest={','.join(names)}"
    judged = (*IN_VMX, guests(*names), *_FAILED_ENTRIES)
    return [
        bochs("failed entries", OK, (*judged, field_is("vmcs", None)), append=chosen),
        bochs(
            "failed entries foreseen", OK, (*judged, vmcheck_names("guest-rflags-bit-1")),
            append=f"{chosen} check-entry=always dump=vmcs",
        ),
    ]  # fmt: skip


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
        bochs("bench=exits", OK, (*IN_VMX, limits), append="bench=exits", count=1),
        bochs("dump=vmcs", OK, (*IN_VMX, field_is("vmcs.guest", "hello")), append="dump=vmcs"),
        *(
            bochs(
                f"SIPI to each of {count}", OK,
                # Nobody goes on while another one waits for its SIPI: the last would wait for all.
                (
                    *IN_VMX, guests("sipi", "hello"),
                    console_has(f"guest sipi: {count} ok; 1 of 2 ended guest hello ..."),
                ),
                append="guest=sipi,hello check-entry=always", count=count,
            )
            for count in (4, 8)
        ),
        bochs("check-entry=always", OK, (*IN_VMX, guests(*checked)), append=always),
        *_failed_entries(),
        bochs(
            "guest=list", OK,
            (
                *IN_VMX, guests("hello", "cpuid"), guests_are_listed,
                console_has("hello Asks CPUID who is there, twice, and ends by its own call. "
                            "VM exits: CPUID, VMCALL"),
                console_has("guest hello: 2 ok; 1 of 2 ended"),
                console_has("guest cpuid: 2 ok; 2 of 2 ended"), console_has("together: 4 ok"),
                console_has("cpu 1, hello: CPUID, leaf 0x40000000, subleaf 0x0, "),
            ),
            append="guest=list,hello,cpuid trace=exits",
        ),
    ]  # fmt: skip


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
_ON_ONE_CPU = ("core2_penryn_t9600", "corei5_lynnfield_750", "corei7_haswell_4770", "corei7_skylake_x")


def _test_guests() -> list[Boot]:
    """
    Every built-in guest on every CPU: each does as the manual says, or is skipped by name. All models
    but the last have one CPU without --long: that guests run on two at a time, it shows.
    """

    def boot(model: str, count: int) -> Boot:
        skipped = (*_SKIPPED[model], *_NEED_OTHERS, "step", "init-sipi", *(["sipi"] if count == 1 else []))
        names = (*_INSTRUCTIONS, *_REGISTERS, *skipped)
        checks = (*IN_VMX, guests(*names, skipped=skipped), provoked)
        return bochs(
            f"guest=all {model}" + (", 1 CPU" if count == 1 else ""), OK, checks, "--timeout", "600",
            append="guest=all", cpu=model, count=count,
            loader="grub" if model == DEFAULT_CPU and count == 1 else "direct",
        )  # fmt: skip

    return [
        *(boot(model, 1) for model in _ON_ONE_CPU),
        *(replace(boot(model, 2), long=model in _ON_ONE_CPU) for model in _SKIPPED),
    ]


def _identity() -> list[Boot]:
    """
    A guest sees the machine where it is, and nothing of the hypervisor. With 256 MiB no RAM is between
    1 and 3 GiB: two pages of 1 GiB, where EPT has such (not in Nehalem). With 4096 MiB it is all RAM,
    and between 3 and 4 GiB are the local APIC, which is taken out, and the firmware.
    """
    own = "the hypervisor's own memory, its page pool, .*; it saw, where it is and read-only, "

    def boot(model: str, memory: int, gib: int) -> Boot:
        said = guest_said("identity", own + f"{gib} pages of 1 GiB, [1-9]")
        return bochs(
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
# Model, rounds, seed, who cannot run there: 3,600 runs in all, those of the first and the last model on
# two CPUs at a time. A seed is as good as any other. Not bx_generic: Bochs ends itself at 3DNow! instructions that it lacks.
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

    def chaos(model: str, rounds: int, seed: int, skipped: tuple[str, ...] = (), count: int = 2) -> Boot:
        return bochs(
            f"chaos {seed} {model}", OK, (*IN_VMX, guests(*_CHAOS, skipped=skipped)),
            "--timeout", "600",
            append=f"guest={','.join(_CHAOS)} chaos={rounds},{seed}", cpu=model, count=count,
        )  # fmt: skip

    def untimed(model: str, count: int) -> Boot:
        name = f"bad guests {model} {count} CPUs"
        return bochs(
            name, OK, (*IN_VMX, guests(*_BAD_UNTIMED)),
            append=f"guest={','.join(_BAD_UNTIMED)}", cpu=model, count=count,
        )  # fmt: skip

    good = ("hello", "exceptions", "ept-violations", "inject", "long-mode", "msr", "hello")
    mixed = (
        (1, "triple-fault", "triple fault"), (1, "spin", "budget of time"),
        (1, "recursion", "budget of exits"), (2, "nowhere", "memory that it does not have"),
        (2, "endless", "budget of exits"), (2, "ports", ""), (3, "msrs", ""),
        (3, "chaos-long", "300 rounds"), (3, "spin-enabled", "budget of time"),
        *((0, name, "") for name in good),
    )  # fmt: skip
    words = ",".join(f"cpu{cpu}:{name}" for cpu, name, _ in mixed)
    bad = [
        bochs(
            "bad guests beside good ones", OK,
            (
                *IN_VMX, runs_are(*mixed), console_has("guest chaos-long on CPU 3 ..."),
                console_has("waiting for CPU"),
            ),
            "--timeout", "300", append=f"guest={words} chaos=300", count=4,
        ),
        bochs(
            "guests for CPUs", OK,
            (
                *IN_VMX, runs_are((1, "hello", "")), field_is("vmcs.cpu", 1),
                finding("guest-no-cpu", "warning", 0, detail="cpu2:hello"),
                finding("guest-unknown", "warning", 0, detail="cpux:hello"),
            ),
            "--unchecked", append="guest=cpu2:hello,cpu1:hello,cpux:hello dump=vmcs",
        ),
        bochs("bad guests", OK, (*IN_VMX, guests(*_BAD)), append=f"guest={','.join(_BAD)}"),
        untimed("core2_penryn_t9600", 1),
        untimed("bx_generic", 2),
        bochs(
            "bad guest after SIPI", OK, (*IN_VMX, guests("sipi", "spin")),
            append="guest=sipi,spin", cpu="core2_penryn_t9600",
        ),
        # The other CPU is not ours: it must not get the NMIs that end the guest's time.
        bochs(
            "bad guest, one CPU of two", OK, (*IN_VMX, runs_are((0, "spin", "budget of time"))),
            "--cpus", "2", append="cpus=1 guest=spin", cpu="core2_penryn_t9600", count=1,
        ),
        # With the preemption timer only pretended, time is the alarm's: it must have been measured.
        bochs(
            "bad guest, timer pretended", OK, (*IN_VMX, guests("spin")),
            append="guest=spin pretend=0x48d:0x7f00000016 pretend=0x48f:0x43ffff00036dfb",
            cpu="core2_penryn_t9600",
        ),
        bochs(
            "bad guests watched", OK, (*IN_VMX, guests("spin", "spin-enabled", "asleep")),
            append="guest=spin,spin-enabled,asleep trace=exits check-entry=always",
            cpu="core2_penryn_t9600",
        ),
        # Round 587 loads PDPTEs with reserved bits, which a MOV to CR4 once left to VM entry.
        bochs(
            "chaos 6 corei7_ivy_bridge_3770k", OK, (*IN_VMX, guests("chaos-paged")),
            append="guest=chaos-paged chaos=600,6", cpu="corei7_ivy_bridge_3770k", count=1,
        ),
        *(chaos(*row, count=2 if row in (_CHAOS_BOOTS[0], _CHAOS_BOOTS[-1]) else 1) for row in _CHAOS_BOOTS),
    ]
    many = [
        chaos(model, _CHAOS_LONG, seed + 100, skipped)
        for model, _, seed, skipped in _CHAOS_BOOTS
    ]
    return bad + [replace(boot, long=True) for boot in many]


GUEST_BOOTS: tuple[Boot, ...] = (*_guests(), *_test_guests(), *_identity(), *_bad_guests())

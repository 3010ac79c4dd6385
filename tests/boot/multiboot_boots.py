"""Multiboot kernels and flat binaries on Rootmode: tests/boot/multiboot says what it finds, and resets."""

from collections.abc import Iterator
from dataclasses import replace

from boot.boot_sector import BOOT_SECTOR, memory_by_bios
from boot.checks import ALWAYS, Check, Result, console_has, cpus, finding, states
from boot.linux_boots import no_linux
from boot.row import GUEST, OK, REFUSED, XEN, Boot, bochs

_MODULE = ("--initrd", f"{GUEST}module")
_MIB = 1 << 20


def _ran(kind: str, count: int, status: int | None = 0, end: str = "reset") -> Check:
    """It was entered, started so many CPUs, and ended as it wanted with nothing in between."""

    def check(result: Result) -> Iterator[str]:
        told = result.report.get("linux")
        if told is None:
            yield "there is no part about the guest"
            return
        seen = (told["kind"], told["end"], told["cpus_started"], told["script_status"])
        if seen != (kind, end, count, status):
            yield f"the guest: {seen}"
        if not told["memory"]["image_unchanged"] or told["memory"]["accesses_refused"]:
            yield f"memory: {told['memory']}"

    return check


def _guest(
    name: str, guest: str, kind: str, *options: str, count: int = 1, loader: str = "direct", words: str = ""
) -> Boot:
    words = f"cpus={count} {words}" + (" module" if _MODULE[0] in options else "")
    return bochs(
        f"multiboot/{name}", OK,
        (_ran(kind, count), console_has("guest: all as it should be")),
        "--guest", GUEST + guest, *options, "--guest-append", words, count=count, loader=loader,
    )  # fmt: skip


def _refused(name: str, guest: str, seen: str, wanted: str) -> Boot:
    return bochs(
        f"multiboot/{name}", REFUSED,
        (finding("linux-modules", "refusal", 0, seen=seen, wanted=wanted), states("off"), no_linux),
        "--guest", GUEST + guest, count=1,
    )  # fmt: skip


def _xen(count: int, words: str = "") -> Boot:
    """Debian's Xen to the shell script of its dom0, and to S5. It asks the BIOS for memory."""
    return Boot(
        f"bochs/multiboot/Xen and its dom0, {count} CPUs",
        (
            "--on", "bochs", "--smp", f"{count},threads={count}", "--guest", f"{XEN}hypervisor",
            "--guest-append", f"com1=115200,8n1 console=com1 loglvl=warning noreboot dom0_mem=320M {words}",
            "--guest-module", f"{XEN}kernel console=hvc0 loglevel=4 mitigations=off cryptomgr.notests",
            "--guest-module", f"{XEN}dom0-initrd", "--timeout", "900",
        ), OK,
        (*ALWAYS, cpus(count), _ran("Multiboot", count, None, "power-off"),
         console_has(f"dom0: Xen 4.17, {count} CPUs")),
        long=True,
    )  # fmt: skip


MULTIBOOT_BOOTS: tuple[Boot, ...] = (
    _guest("ELF, 2 CPUs and a module", "elf", "Multiboot", *_MODULE, count=2),
    replace(_guest("ELF, 4 CPUs", "elf", "Multiboot", count=4), long=True),
    _guest("ELF, 4 CPUs unannounced", "elf", "Multiboot", count=4, words="unannounced"),
    # GRUB puts Rootmode where the kernel is to be: it makes way.
    _guest("ELF in Rootmode's place", "elf-2-mib", "Multiboot", *_MODULE, loader="grub"),
    _guest("addresses in the header", "addresses", "Multiboot", *_MODULE),
    _guest("flat, 32 bits", "flat-32", "flat", "--guest-mode", "32"),
    _guest("flat, 64 bits", "flat-64", "flat", "--guest-mode", "64"),
    bochs(
        "multiboot/flat, real mode", OK,
        (_ran("flat", 1, status=None), console_has("guest: real mode as a boot sector finds it"), memory_by_bios),
        "--guest", f"{GUEST}{BOOT_SECTOR}", "--guest-mode", "real", count=1, loader="grub",
    ),
    _refused("a flag that nobody knows", "elf-flags", "0x13", "0x3"),
    _refused("a segment in video memory", "elf-no-ram", "0xa0000", "0x2000"),
    _refused("a segment over Rootmode", "elf-top", "0x1fe00000", "0x1fff0000"),
    _xen(1),
    # It divides by a number that CPUID leaf 0xB of Bochs has for threads of a core alone; Bochs's MWAIT loses
    # wake-ups, and there another CPU's logical destination reads 0 in x2APIC mode: a BUG of Xen's, natively, too.
    _xen(2, "mwait-idle=0 x2apic=off"),
    Boot(
        "nested-kvm/multiboot/ELF, 2 CPUs",
        ("--on", "nested-kvm", "--cpus", "2", "--guest", f"{GUEST}elf", "--guest-append", "cpus=2"), OK,
        (*ALWAYS, _ran("Multiboot", 2), console_has("guest: all as it should be")), long=True,
    ),
)  # fmt: skip

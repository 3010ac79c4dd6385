"""A boot is a row of a table: what tools/run is given, the exit status wanted, what must hold."""

from dataclasses import dataclass

from boot.checks import ALWAYS, Check, cpus, finding, states

OK, REFUSED, WRONG_USE, TIMEOUT, DIED, SCRIPT = range(6)
SCREENSHOT = "SCREENSHOT"  # stands for a file's name among the arguments
SPCR = "SPCR"  # stands for a file with such an ACPI table, which names COM2
HIGH = "HIGH"  # stands for the kernel with a header that asks to be loaded as high as possible
GUEST = "GUEST:"  # stands for a test kernel of multiboot_guest.py, with this name
XEN = "XEN:"  # stands for one of the files of xen_guest.py
KEXEC = "KEXEC:"  # stands for the kernel or the initrd of a Linux that starts itself once more
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
    quick: bool = False  # also with tools/test --quick


def bochs(
    name: str, status: int, checks: tuple[Check, ...], *options: str, append: str = "",
    cpu: str = "", count: int = 2, loader: str = "direct",
) -> Boot:  # fmt: skip
    """On Bochs; without a CPU model, on tools/run's own choice. Most need nothing of GRUB."""
    arguments = ["--on", "bochs", "--cpus", str(count), *options]
    if loader != "grub" and not {"--grub", "--kernel"} & set(options):
        arguments += ["--loader", loader]
    if cpu:
        arguments += ["--cpu", cpu]
    if append:
        arguments += ["--append", append]
    return Boot(f"bochs/{name}", tuple(arguments), status, (*ALWAYS, cpus(count), *checks))


DIRECT = ("--loader", "direct")


def tcg(name: str, checks: tuple[Check, ...], *options: str, count: int = 1) -> Boot:
    """On TCG, which has SVM and no VMX; DIRECT may be among the options."""
    refusal = finding("cpuid-svm-instead", "refusal", 0)
    return Boot(
        f"tcg/{name}",
        ("--on", "tcg", "--cpus", str(count), *options),
        REFUSED,
        (*ALWAYS, cpus(count), states("off"), refusal, *checks),
    )

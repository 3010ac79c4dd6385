"""The machines by name, and the choice among them when the person leaves it to us."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from machine.bochs import check_bochs, start_bochs
from machine.emulator import Emulator
from machine.nested_kvm import GRUB_COMMANDS, check_nested_kvm, start_nested_kvm
from machine.plan import Plan
from machine.qemu import check_qemu, start_qemu


@dataclass(frozen=True)
class Machine:
    """How a machine is started, and what it needs."""

    check: Callable[[Plan], None]  # raises UserError where it cannot be what the plan wants
    start: Callable[[Plan, Path, Path], Emulator]  # plan, ISO or what else the loader takes, folder for its files
    packages: str  # the group of tools/setup
    timeout: int  # seconds: what nobody would want to wait longer for
    least_memory: Mapping[str, int]  # MiB by firmware: with less there is no verdict
    screenshots: bool = False
    run_seconds: float = 0  # more, for each run of a guest: an emulator of VMX on a busy computer
    mib_seconds: float = 0  # more, for each MiB beyond 2 GiB, which the emulator keeps in a file
    grub: tuple[str, ...] = ()  # GRUB commands that the machine itself needs


_QEMU_MEMORY = {"bios": 8, "uefi": 64}

MACHINES = {
    "kvm": Machine(check_qemu, start_qemu, "qemu", 120, _QEMU_MEMORY, screenshots=True),
    "bochs": Machine(check_bochs, start_bochs, "bochs", 120, {"bios": 8, "uefi": 8}, run_seconds=0.6, mib_seconds=0.05),
    "tcg": Machine(check_qemu, start_qemu, "qemu", 120, _QEMU_MEMORY, screenshots=True),
    "nested-kvm": Machine(
        check_nested_kvm, start_nested_kvm, "nested", 900, _QEMU_MEMORY, run_seconds=0.6, grub=GRUB_COMMANDS
    ),
}


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def why_no_nested_kvm() -> str:
    """Why QEMU/KVM offers no VMX here; empty where it does."""
    flags = [line for line in _read("/proc/cpuinfo").splitlines() if line.startswith("flags")]
    if not flags or "vmx" not in flags[0].split():
        return "this CPU shows no VMX"
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        return f"/dev/kvm does not work ({error.strerror})"
    if _read("/sys/module/kvm_intel/parameters/nested").strip() not in ("Y", "1"):
        return "kvm_intel's parameter `nested` is off"
    return ""


def choose() -> tuple[str, str]:
    """The machine to use here, and why."""
    reason = why_no_nested_kvm()
    if reason:
        return "bochs", f"in Bochs, which emulates VMX: {reason}"
    return "kvm", "in QEMU/KVM: this CPU has VMX and KVM nests it"

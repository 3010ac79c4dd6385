"""
QEMU/KVM without an Intel processor: Bochs emulates one with VMX, Debian's Linux runs on it with KVM,
QEMU runs in that, and Rootmode is QEMU's guest. docs/nested-kvm.md tells the whole chain.
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from machine.bochs import cpu_models, launch
from machine.build import ROOT
from machine.emulator import Emulator, TerminalEmulator
from machine.errors import UserError
from machine.nested_disks import fixed_disk, run_disk
from machine.owner import give_to_owner
from machine.plan import Plan
from machine.qemu import check_firmware, kernel_options, try_qemu
from machine.terminal import say

# Two builds of the same QEMU, both of package qemu-system-x86: the small one knows KVM and the
# chipset q35 and has no graphics, and is a quarter of the bytes.
_SMALL_QEMU = Path("/usr/bin/qemu-system-x86_64-microvm")
_FULL_QEMU = Path("/usr/bin/qemu-system-x86_64")
_FIRMWARE_FOLDERS = (Path("/usr/share/seabios"), Path("/usr/share/qemu"))
_OVMF_CODE = Path("/usr/share/OVMF/OVMF_CODE_4M.fd")
_OVMF_VARIABLES = Path("/usr/share/OVMF/OVMF_VARS_4M.fd")

_MEDIUM = "run/rootmode"
_ARGUMENTS = "run/arguments"
_FIRMWARE = "firmware"

# What Linux, QEMU and its firmware need beside the memory of Rootmode's machine.
_OUTER_MEMORY = 384
_MAX_MEMORY = 2048  # with the outer memory it stays below the hole for PCI devices
_MAX_HOST_MEMORY = 2048  # of Bochs, for what is really touched

# GRUB writes one byte to the second serial port when it runs its commands: so the layer shows.
GRUB_COMMANDS = ("insmod iorw", "outb 0x2f8 0x47")

# Haswell is Bochs's newest model whose TSC runs at the speed that it tells. All files are named from
# within the folder, where no name has a comma; what Bochs writes to the first disk is thrown away.
_CONFIGURATION = """\
display_library: term
romimage: file=/usr/share/bochs/BIOS-bochs-latest, options=fastboot
vgaromimage: file=/usr/share/vgabios/vgabios.bin
vga: extension=none
memory: guest={memory}, host={host_memory}
cpu: model=corei7_haswell_4770, count=1, ips=50000000, reset_on_triple_fault=0
clock: sync=none, time0=1700000000
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=disk, path=fixed.img, mode=volatile
ata0-slave: type=disk, path=run.img, mode=flat
boot: disk
parport1: enabled=1, file=serial.txt
parport2: enabled=1, file=layers.txt
port_e9_hack: enabled=1
log: bochs.log
panic: action=fatal
error: action=ignore
info: action=ignore
"""

# What tools/nested/init.c tells of, in the order in which it comes.
_LAYERS = {
    "linux": "Linux runs in Bochs",
    "kvm": "KVM is loaded",
    "qemu": "QEMU is started",
    "grub": "GRUB has started",
    "rootmode": "Rootmode speaks",
}


@dataclass(frozen=True)
class Event:
    """One line of tools/nested/init.c: a layer, an end, or words of QEMU (then without a count)."""

    name: str
    instructions: int
    text: str


def parse_event(line: str) -> Event:
    """The line as init.c writes it, "NAME INSTRUCTIONS TEXT"; any other is a word of QEMU."""
    name, _, rest = line.partition(" ")
    count, _, text = rest.partition(" ")
    if count.isdecimal() and name in (*_LAYERS, "failed", "end"):
        return Event(name, int(count), text.strip())
    return Event("qemu-says", 0, line)


class NestedKvm(TerminalEmulator):
    """Bochs with all that runs in it; tells each layer as it comes up."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", folder: Path, terminal: int, memory: int
    ) -> None:
        super().__init__(process, folder / "serial.txt", terminal)
        self._layers = folder / "layers.txt"
        self._log = folder / "bochs.log"
        self._told = 0
        self._state = f"Bochs boots Linux ({memory} MiB)"
        self._words: list[str] = []

    def read(self) -> bytes:
        self._read_layers()
        return super().read()

    def _read_layers(self) -> None:
        try:
            lines = self._layers.read_bytes().decode("utf-8", errors="replace").split("\n")[:-1]
        except FileNotFoundError:
            return
        for line in lines[self._told :]:
            self._take(parse_event(line))
        self._told = len(lines)

    def _take(self, event: Event) -> None:
        if event.name in _LAYERS:
            self._state = _LAYERS[event.name]
            say(f"tools/run: {self._state}: {event.instructions / 1e6:.0f} million instructions")
        elif event.text:
            self._words.append(event.text)

    def status(self) -> str:
        return self._state

    def last_words(self) -> str:
        self._read_layers()
        words = list(self._words)
        try:
            log = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            log = []
        # init.c ends Bochs through its shutdown port, which Bochs calls a panic.
        words += [f"Bochs: {line}" for line in log if ">>PANIC<<" in line and "Shutdown" not in line]
        return "\n".join(words)


def _firmware_files(plan: Plan, full: bool) -> dict[str, bytes]:
    """What QEMU loads by name into a machine with a BIOS."""
    names = ["bios-256k.bin", "kvmvapic.bin"] + (["vgabios-stdvga.bin"] if full else [])
    names += ["pvh.bin"] if plan.loader == "direct" else []
    files = {}
    for name in names:
        found = [folder / name for folder in _FIRMWARE_FOLDERS if (folder / name).is_file()]
        if not found:
            raise UserError(f"there is no {name}: tools/setup nested")
        files[f"{_FIRMWARE}/{name}"] = found[0].read_bytes()
    return files


def _firmware(plan: Plan, full: bool) -> tuple[list[str], dict[str, bytes]]:
    """QEMU's arguments for the firmware, and the files that they name."""
    files = _firmware_files(plan, full)
    if plan.firmware == "bios":
        if not plan.bios:
            return [], files
        files[f"{_FIRMWARE}/chosen.bin"] = plan.bios.read_bytes()
        return ["-bios", f"/{_FIRMWARE}/chosen.bin"], files
    files[f"{_FIRMWARE}/code.fd"] = _OVMF_CODE.read_bytes()
    files[f"{_FIRMWARE}/variables.fd"] = _OVMF_VARIABLES.read_bytes()
    return [
        "-drive", f"if=pflash,unit=0,format=raw,readonly=on,file=/{_FIRMWARE}/code.fd",
        "-drive", f"if=pflash,unit=1,format=raw,file=/{_FIRMWARE}/variables.fd",
    ], files  # fmt: skip


def qemu_arguments(plan: Plan, qemu: Path, firmware: list[str]) -> list[str]:
    """QEMU's command line inside the outer Linux."""
    if plan.loader == "direct":
        medium = kernel_options(plan, f"/{_MEDIUM}")
    else:
        medium = ["-drive", f"file=/{_MEDIUM},format=raw,media=cdrom,readonly=on", "-boot", "d"]
    return [
        str(qemu), "-nodefaults", "-no-user-config", "-no-reboot", "-L", f"/{_FIRMWARE}",
        "-machine", f"{plan.chipset},accel=kvm",
        "-cpu", plan.cpu or "host", "-smp", plan.smp or str(plan.cpus), "-m", str(plan.memory),
        "-vga", "std" if qemu == _FULL_QEMU else "none", "-display", "none", "-monitor", "none",
        *firmware,
        *medium,
        "-serial", "file:/proc/self/fd/1", "-serial", "file:/proc/self/fd/3",
    ]  # fmt: skip


def _qemu(plan: Plan) -> Path:
    return _FULL_QEMU if plan.chipset == "pc" or plan.pixels else _SMALL_QEMU


def check_nested_kvm(plan: Plan) -> None:
    """Raises UserError where the chain cannot be what the plan wants: here, not after a minute."""
    if plan.memory > _MAX_MEMORY:
        raise UserError(f"--on nested-kvm gives Rootmode {_MAX_MEMORY} MiB at most")
    if plan.com != 1 or plan.acpi_table:
        raise UserError("nested-kvm has COM1 alone, and its firmware's ACPI tables: use --on tcg")
    if plan.usb:
        raise UserError("--on nested-kvm boots from CD: use --media cd")
    cpu_models()  # is Bochs there?
    if not _qemu(plan).is_file():
        raise UserError(f"there is no {_qemu(plan)}: tools/setup nested")
    check_firmware(plan)
    # What holds for KVM's own model but its features is tried with the emulated one of all features.
    cpu = re.sub(r"^host\b", "max", plan.cpu or "host")
    cpu = re.sub(r",host-phys-bits\b[^,]*", "", cpu)
    try_qemu(
        str(_FULL_QEMU),
        ["-nodefaults", "-no-user-config", "-machine", f"{plan.chipset},accel=tcg", "-cpu", cpu,
         "-smp", plan.smp or str(plan.cpus), "-m", str(plan.memory)],
    )  # fmt: skip


def start_nested_kvm(plan: Plan, medium: Path, folder: Path) -> Emulator:
    """Starts the chain with the ISO or the kernel; its files go to the folder."""
    qemu = _qemu(plan)
    fixed = fixed_disk(qemu)
    give_to_owner(ROOT, fixed.parent)
    options, files = _firmware(plan, qemu == _FULL_QEMU)
    arguments = qemu_arguments(plan, qemu, options)
    files[_ARGUMENTS] = b"".join(argument.encode() + b"\0" for argument in arguments)
    files[_MEDIUM] = medium.read_bytes()
    for name in ("layers.txt", "fixed.img"):
        (folder / name).unlink(missing_ok=True)
    (folder / "fixed.img").symlink_to(fixed)
    (folder / "run.img").write_bytes(run_disk(files))
    memory = plan.memory + _OUTER_MEMORY
    configuration = _CONFIGURATION.format(memory=memory, host_memory=min(memory, _MAX_HOST_MEMORY))
    process, terminal = launch(configuration, folder)
    return NestedKvm(process, folder, terminal, memory)

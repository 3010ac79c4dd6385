"""Bochs: emulates VMX on a dozen CPU models, and counts time in instructions."""

import functools
import os
import pty
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from machine.emulator import Emulator, TerminalEmulator
from machine.errors import UserError
from machine.nearest import did_you_mean
from machine.plan import Plan
from machine.processes import start

DEFAULT_CPU = "corei7_haswell_4770"

# The models with VMX, oldest first.
VMX_CPUS = (
    "bx_generic",
    "core2_penryn_t9600",
    "corei5_lynnfield_750",
    "corei5_arrandale_m520",
    "corei7_sandy_bridge_2600k",
    "corei7_ivy_bridge_3770k",
    "corei7_haswell_4770",
    "broadwell_ult",
    "corei7_skylake_x",
    "corei3_cnl",
    "corei7_icelake_u",
    "tigerlake",
)

_DEFAULT_BIOS = Path("/usr/share/bochs/BIOS-bochs-latest")
_MAX_HOST_MEMORY = 2048  # MiB kept in our memory; Bochs pages the rest out to a file
_MAX_CPUS = 8  # as Debian builds it
_MAX_MEMORY = 64 * 1024  # MiB; it would come up with more, but not while anybody waits
BINARY = Path("/usr/bin/bochs")
SERIAL, _LOG = "serial.txt", "bochs.log"

# display: "term" draws into our pty; a 32-bit mode set by GRUB would stop it, hence no VBE.
_CONFIGURATION = """\
display_library: term
romimage: file={bios}, options=fastboot
vgaromimage: file=/usr/share/vgabios/vgabios.bin
vga: extension=none
memory: guest={memory}, host={host_memory}
cpu: model={cpu}, count={count}, ips=50000000, reset_on_triple_fault=0
clock: sync={sync}, time0=1700000000
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: {medium}
{lines}
log: {log}
panic: action=fatal
error: action={errors}
info: action=ignore
"""


@dataclass(frozen=True)
class Build:
    """What differs between builds of Bochs."""

    version: str
    debugger: bool  # in which it starts
    plugins: bool


_ANSWER = 10.0  # seconds


def _ask(binary: Path, *about: str) -> str:
    """What it says of itself; nothing where it does not end, or is no program."""
    try:
        told = subprocess.run(
            [binary, "--help", *about], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", check=False, timeout=_ANSWER,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise UserError("Bochs is not installed: tools/setup bochs") from error
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return told.stdout + told.stderr


@functools.cache
def build_of(binary: Path) -> Build:
    """Raises UserError where the file is no Bochs."""
    told = _ask(binary)
    version = re.search(r"Bochs x86 Emulator (\S+)", told)
    if not version:
        raise UserError(f"--bochs: {binary} does not say that it is Bochs")
    # One with plugins tells where it looks for them, whatever it is asked.
    return Build(version[1], re.search(r"^\s*-rc ", told, re.MULTILINE) is not None, "LTDL_LIBRARY_PATH" in told)


def cpu_models(binary: Path = BINARY) -> list[str]:
    """The names that this Bochs knows."""
    return re.findall(r"^([a-z][a-z0-9_]+)$", _ask(binary, "cpu"), re.MULTILINE)


class Bochs(TerminalEmulator):
    """Bochs, with its log."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", serial: Path, terminal: int, log: Path
    ) -> None:
        super().__init__(process, serial, terminal)
        self._log = log

    def last_words(self) -> str:
        try:
            lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        panics = [line for line in lines if ">>PANIC<<" in line]
        return "\n".join(f"Bochs: {line}" for line in panics)


# What Bochs looks for in its environment.
ENVIRONMENT = {**os.environ, "TERM": "xterm", "LC_ALL": "C"}


def command_of(configuration: str, folder: Path, debugger: Sequence[str], binary: Path) -> list[str]:
    """
    Writes the configuration, and the commands for the debugger, in which Debian's Bochs starts; gives
    what is to be executed in the folder.
    """
    build = build_of(binary)
    written, commands = folder / "bochsrc", folder / "bochs-commands"
    if build.plugins:
        configuration = f"plugin_ctrl: speaker=0\n{configuration}"
    written.write_text(configuration, encoding="utf-8")
    commands.write_text("".join(f"{command}\n" for command in debugger), encoding="ascii")
    for old in (*folder.glob("*.lock"), folder / SERIAL, folder / _LOG):  # in a folder that is kept: a disk's lock, what was said
        old.unlink(missing_ok=True)
    return [str(binary), "-q", "-f", written.name, *(["-rc", commands.name] if build.debugger else [])]


def launch(
    configuration: str, folder: Path, debugger: Sequence[str] = ("c",), binary: Path = BINARY
) -> "tuple[subprocess.Popen[bytes], int]":
    """
    Starts Bochs; gives the process and its terminal, to be drained. Whenever a processor halts, Bochs's
    display waits a millisecond for something to read, unless nothing can come: so it has no input.
    """
    command = command_of(configuration, folder, debugger, binary)
    nothing = os.open(os.devnull, os.O_RDONLY)
    ours, its = pty.openpty()
    try:
        process = start(command, stdin=nothing, output=its, environment=ENVIRONMENT, folder=folder)
    finally:
        os.close(its)
        os.close(nothing)
    return process, ours


def _bios(plan: Plan, folder: Path) -> str:
    """The BIOS image by a name in which Bochs's parser of the configuration finds no comma."""
    if not plan.bios:
        return str(_DEFAULT_BIOS)
    link = folder / "bios.bin"
    link.unlink(missing_ok=True)
    link.symlink_to(plan.bios.resolve())
    return link.name


def _breaks_entries(plan: Plan) -> bool:
    """Is the self-test of VM entries asked for? Then the log, otherwise long, is to name the rules."""
    tests = [word.removeprefix("selftest=") for word in plan.words if word.startswith("selftest=")]
    return any("entry" in test.split(",") for test in tests)


def _medium(plan: Plan, file: Path) -> str:
    if plan.loader == "direct":
        return f"type=disk, path={file.name}, mode=flat\nboot: disk"
    return f"type=cdrom, path={file.name}, status=inserted\nboot: cdrom"


def _lines(plan: Plan, serial: str) -> str:
    """The serial ports up to the one that is read: what the others say goes nowhere."""
    mode = f"mode=term, dev={plan.terminal}" if plan.terminal else f"mode=file, dev={serial}"
    others = [f"com{number}: enabled=1, mode=null" for number in range(1, plan.com)]
    return "\n".join([*others, f"com{plan.com}: enabled=1, {mode}"])


def _topology(plan: Plan) -> tuple[int, int]:
    """Cores, and threads of each: --smp as QEMU has it, where Bochs can be like that."""
    if not plan.smp:
        return plan.cpus, 1
    told = re.fullmatch(r"(?:cpus=)?(\d+)(?:,threads=(\d+))?", plan.smp)
    count, threads = (int(told[1]), int(told[2] or 1)) if told else (0, 1)
    if count == 0 or threads == 0 or count % threads:
        raise UserError(f"--smp {plan.smp}: in Bochs a topology is as 4 or 4,threads=2; others need --on tcg")
    return count // threads, threads


def check_bochs(plan: Plan) -> None:
    """Raises UserError where Bochs cannot be what the plan wants."""
    if plan.firmware != "bios":
        raise UserError("Bochs has no UEFI firmware: use --firmware bios, or --on tcg")
    if plan.pixels:
        raise UserError("Bochs runs here without a frame buffer: use --screen text, or --on tcg")
    if plan.usb:
        raise UserError("Bochs boots from CD here: use --media cd, or --on tcg")
    if plan.acpi_table:
        raise UserError("--acpi-table is QEMU's: use --on tcg")
    cores, threads = _topology(plan)
    if cores * threads > _MAX_CPUS:
        raise UserError(f"Bochs makes {_MAX_CPUS} CPUs at most, not {cores * threads}; use --on tcg")
    if plan.memory > _MAX_MEMORY:
        raise UserError(f"--memory {plan.memory}: Bochs gives {_MAX_MEMORY} MiB at most")
    binary = plan.bochs or BINARY
    cpu = plan.cpu or DEFAULT_CPU
    build_of(binary)
    models = cpu_models(binary)
    if models and cpu not in models:
        near = did_you_mean(cpu, models)
        raise UserError(f"Bochs has no CPU model '{cpu}'{near or '; it has: ' + ' '.join(models)}")



def configuration_of(plan: Plan, medium: Path, folder: Path) -> str:
    """The machine that the plan wants, with the ISO or the disk; its files go to the folder."""
    cores, threads = _topology(plan)
    return _CONFIGURATION.format(
        bios=_bios(plan, folder), memory=plan.memory,
        host_memory=min(plan.memory, _MAX_HOST_MEMORY), cpu=plan.cpu or DEFAULT_CPU,
        sync="slowdown" if plan.terminal else "none",  # a prompt that waits shall not keep us busy
        count=f"1:{cores}:{threads}", medium=_medium(plan, medium), lines=_lines(plan, SERIAL), log=_LOG,
        errors="report" if _breaks_entries(plan) else "ignore",
    )  # fmt: skip


def start_bochs(plan: Plan, medium: Path, folder: Path) -> Emulator:
    """Starts Bochs with the ISO or the disk."""
    configuration = configuration_of(plan, medium, folder)
    process, terminal = launch(configuration, folder, plan.debugger, plan.bochs or BINARY)
    return Bochs(process, folder / SERIAL, terminal, folder / _LOG)

"""QEMU: with KVM where VMX can be nested, with TCG (which has no VMX) for all else."""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from machine.emulator import Emulator
from machine.errors import UserError
from machine.gdb_stub import GdbStub
from machine.plan import Plan
from machine.processes import start

_BINARY = "qemu-system-x86_64"
_OVMF_CODE = Path("/usr/share/OVMF/OVMF_CODE_4M.fd")
_OVMF_VARIABLES = Path("/usr/share/OVMF/OVMF_VARS_4M.fd")
_VARIABLES = "uefi-variables.fd"
_QMP_TIMEOUT = 10.0
_STOP_TIMEOUT = 100.0  # until the kernel is where an NMI is wanted


class Qemu(Emulator):
    """QEMU, with its monitor."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", serial: Path, log: Path, monitor: socket.socket
    ) -> None:
        super().__init__(process, serial)
        self._log = log
        self._monitor = monitor

    def last_words(self) -> str:
        try:
            return self._log.read_text(encoding="utf-8", errors="replace").strip()
        except FileNotFoundError:
            return ""

    def screenshot(self, file: Path) -> None:
        image = "png" if file.suffix == ".png" else "ppm"
        self._monitor.settimeout(_QMP_TIMEOUT)
        try:
            with self._monitor.makefile("rw", encoding="utf-8") as monitor:
                json.loads(monitor.readline())  # the greeting
                self._command(monitor, "qmp_capabilities", {})
                self._command(
                    monitor, "screendump", {"filename": str(file.absolute()), "format": image}
                )
        except (OSError, ValueError) as error:
            raise UserError(f"no screenshot: {error}") from error

    def nmi_at(self, address: int, stub: socket.socket) -> None:
        """Stops the machine where it is when a CPU comes there, sends an NMI to all, and goes on."""
        self._monitor.settimeout(_QMP_TIMEOUT)
        stub.settimeout(_STOP_TIMEOUT)
        try:
            with GdbStub(stub) as gdb, self._monitor.makefile("rw", encoding="utf-8") as monitor:
                gdb.run_to(address)
                json.loads(monitor.readline())  # the greeting
                self._command(monitor, "qmp_capabilities", {})
                self._command(monitor, "inject-nmi", {})
                gdb.go_on()
        except (OSError, ValueError) as error:
            raise UserError(f"no NMI: {error}") from error

    def refusal(self) -> str:
        # QEMU ends with 1 when it cannot start; a guest has no way to make it do so.
        return self.last_words() if self._process.poll() == 1 else ""

    def stop(self) -> None:
        super().stop()
        self._monitor.close()

    @staticmethod
    def _command(monitor: Any, name: str, arguments: dict[str, str]) -> None:
        monitor.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
        monitor.flush()
        deadline = time.monotonic() + _QMP_TIMEOUT
        while time.monotonic() < deadline:
            answer = json.loads(monitor.readline() or '{"error": "the connection ended"}')
            if "error" in answer:
                raise UserError(f"QEMU refused {name}: {answer['error']}")
            if "return" in answer:
                return
        raise UserError(f"QEMU did not answer {name}")


def try_qemu(binary: str, arguments: Sequence[str]) -> None:
    """Raises UserError with QEMU's words where it would not start with these arguments."""
    stop = '{"execute": "qmp_capabilities"}{"execute": "quit"}'
    try:
        done = subprocess.run(
            [binary, *arguments, "-S", "-display", "none", "-serial", "none", "-qmp", "stdio"],
            input=stop, capture_output=True, text=True, errors="replace", check=False,
            timeout=_QMP_TIMEOUT,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise UserError("QEMU is not installed: tools/setup qemu") from error
    except subprocess.TimeoutExpired:
        return
    if done.returncode != 0:
        raise UserError(done.stderr.strip() or f"QEMU ended with {done.returncode}")


def _machine(plan: Plan) -> list[str]:
    """What there is without firmware, media and lines to the outside."""
    kvm = plan.machine == "kvm"
    return [
        "-nodefaults", "-no-user-config", "-no-reboot",
        "-machine", f"{plan.chipset},accel={'kvm' if kvm else 'tcg'}",
        "-cpu", plan.cpu or ("host" if kvm else "max"),
        "-smp", plan.smp or str(plan.cpus), "-m", str(plan.memory), "-vga", "std",
        *(["-acpitable", f"file={str(plan.acpi_table.resolve()).replace(',', ',,')}"] if plan.acpi_table else []),
    ]  # fmt: skip


def check_firmware(plan: Plan) -> None:
    """Raises UserError where the firmware that the plan wants is not there."""
    if plan.firmware == "uefi" and plan.bios:
        raise UserError("--bios is a BIOS image: not with --firmware uefi")
    if plan.firmware == "uefi" and not _OVMF_CODE.is_file():
        raise UserError("there is no UEFI firmware (package ovmf): tools/setup qemu")


def check_qemu(plan: Plan) -> None:
    """Raises UserError where QEMU cannot be what the plan wants."""
    check_firmware(plan)
    bios = ["-bios", str(plan.bios.resolve())] if plan.bios else []
    try_qemu(_BINARY, [*_machine(plan), *bios])


def _firmware(plan: Plan, folder: Path) -> list[str]:
    if plan.firmware == "bios":
        return ["-bios", str(plan.bios.resolve())] if plan.bios else []
    shutil.copyfile(_OVMF_VARIABLES, folder / _VARIABLES)
    return [
        "-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={_OVMF_CODE}",
        "-drive", f"if=pflash,unit=1,format=raw,file={_VARIABLES}",
    ]  # fmt: skip


def kernel_options(plan: Plan, kernel: str) -> list[str]:
    """QEMU's own way to start a kernel."""
    return ["-kernel", kernel, "-append", " ".join(plan.words)]


def _media(plan: Plan, medium: Path) -> list[str]:
    if plan.loader == "direct":
        return kernel_options(plan, medium.name)
    if plan.usb:
        return [
            "-drive", f"id=stick,if=none,file={medium.name},format=raw,readonly=on",
            "-device", "qemu-xhci",
            "-device", "usb-storage,drive=stick,removable=on,bootindex=1",
        ]  # fmt: skip
    return ["-drive", f"file={medium.name},format=raw,media=cdrom,readonly=on", "-boot", "d"]


def qemu_command(plan: Plan, medium: Path, folder: Path) -> list[str]:
    """
    The command line, without what a caller adds (monitor, gdb stub), to be run in the folder, where
    the ISO or the kernel is: so no path of the person's has to pass QEMU's commas.
    """
    return [
        _BINARY, *_machine(plan), *([] if plan.display else ["-display", "none"]),
        *_firmware(plan, folder),
        *_media(plan, medium),
        *["-serial", "null"] * (plan.com - 1), "-serial", plan.terminal or "file:serial.txt",
    ]  # fmt: skip


def start_qemu(plan: Plan, medium: Path, folder: Path) -> Emulator:
    """Starts QEMU with the ISO or the kernel; its files go to the folder."""
    log, serial = folder / "qemu.log", folder / "serial.txt"
    serial.unlink(missing_ok=True)  # another machine's, in a folder that is kept
    ours, its = socket.socketpair()
    command = qemu_command(plan, medium, folder) + [
        "-chardev", f"socket,id=monitor,fd={its.fileno()}", "-mon", "chardev=monitor,mode=control",
    ]  # fmt: skip
    debugger, stub = socket.socketpair()
    if plan.nmi_at is not None:
        command += ["-S", "-chardev", f"socket,id=gdb,fd={stub.fileno()}", "-gdb", "chardev:gdb"]
    with its, stub, log.open("wb") as output:
        process = start(
            command, stdin=subprocess.DEVNULL, output=output.fileno(), folder=folder,
            inherited=(its.fileno(), stub.fileno()),
        )  # fmt: skip
    emulator = Qemu(process, serial, log, ours)
    if plan.nmi_at is None:
        debugger.close()
        return emulator
    try:
        emulator.nmi_at(plan.nmi_at, debugger)
    except BaseException:
        emulator.stop()
        raise
    return emulator

"""
tools/run: builds Rootmode, boots it here, shows its console.

Exit status: 0 verdict ok, 1 verdict refused, 2 wrong use or missing parts, 3 no end within the
timeout, 4 the kernel panicked or the machine died, 5 the guest's script failed.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from machine.beforehand import check_kernel, check_options, check_plan, cpus_of
from machine.bochs import build_of
from machine.build import build_kernel, symbol_address
from machine.console import Console
from machine.emulator import Emulator
from machine.debugger import add_debugger_options, check_debugger, debug
from machine.direct import make_disk
from machine.errors import Exit, UserError, in_words
from machine.iso import MENU, check_programs, make_iso
from machine.machines import MACHINES, choose, why_no_nested_kvm
from machine.grub import check_commands
from machine.guest import KINDS, make_guest
from machine.monitor import WORD, Keys, SerialTerminal, add_monitor_options, check_monitor, default_loader, failures, script_of, talk
from machine.options import (
    Parser,
    add_guest_options,
    add_options,
    name,
    path,
    plan_of,
    seconds,
    words_of,
)
from machine.packages import need
from machine.plan import Guest, Plan
from machine.processes import Interrupted, ending_on_signals, nobody_reads
from machine.terminal import Progress, plain, say, wants_colour
from machine.words import check_length, runs_wanted

_POLL = 0.02
_POWEROFF_GRACE = 15.0  # seconds from the verdict to power-off
_GUEST_SECONDS = 600.0  # more, for a guest's boot in an emulator
_QUIET = 1.0  # seconds of silence after the verdict, where the machine is meant to stay on


def parser() -> argparse.ArgumentParser:
    """The command line of tools/run."""
    result = Parser(
        prog="tools/run",
        description="Builds Rootmode, boots it in a machine that this computer can offer, and "
        "shows its console.",
        epilog="Exit status: 0 verdict ok, 1 verdict refused, 2 wrong use or missing parts, "
        "3 no end within the timeout, 4 the kernel panicked or the machine died, 5 the guest's script failed.",
        allow_abbrev=False,
    )
    add = result.add_argument
    add("--on", choices=("auto", *MACHINES), default="auto", help="the machine; default: auto")
    add_options(result)
    add_guest_options(result)
    add_monitor_options(result)
    add_debugger_options(result)
    add("--loader", choices=("grub", "direct"), help="direct: by PVH, without GRUB; default: grub, of the monitor and the debugger direct where that can be")
    add("--bochs", type=path, metavar="FILE", help="another Bochs than Debian's")
    add("--report", type=path, metavar="FILE", help="write the JSON report to FILE")
    add("--timeout", type=seconds, metavar="SECONDS", help="default: what the boot needs")
    add("--headless", action="store_true", help="no window, even where there is a display")
    add("--screenshot", type=path, metavar="FILE", help="picture of the screen (.png or .ppm)")
    add("--nmi-at", type=name, metavar="FUNCTION", help="send an NMI when the kernel comes there (--on tcg)")
    add("--iso-only", type=path, metavar="FILE", help="only write the ISO, for a CD or USB stick")
    add("--logs", type=path, metavar="FOLDER", help="keep the machine's files here")
    return result


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """A folder for the machine's files: kept where the person names it, else gone afterwards."""
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.resolve()
        return
    folder = Path(tempfile.mkdtemp(prefix="rootmode-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Screen:
    """Shows the console's lines and, when it is silent, the progress."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._colour = wants_colour(sys.stdout)
        self._last = 0.0
        self.told: list[str] = []  # without colours

    def line(self, text: str) -> None:
        """One line of the console."""
        self.told.append(plain(text))
        self._progress.clear()
        self._progress.told()
        print(text if self._colour else plain(text), flush=True)
        self._last = time.monotonic()

    def waiting(self, text: str) -> None:
        """Called while nothing comes."""
        if time.monotonic() - self._last > 0.5:
            self._progress.show(text)

    def finish(self) -> None:
        """Leaves the terminal as it was."""
        self._progress.clear()
        if self._colour:
            sys.stdout.write("\x1b[0m")
            sys.stdout.flush()


def patience(plan: Plan) -> float:
    """Seconds that a boot may take where nothing is said: many guests on many CPUs take long."""
    machine = MACHINES[plan.machine]
    runs = runs_wanted(plan.words, cpus_of(plan) or plan.cpus)
    paged = max(0, plan.memory - 2048)
    return machine.timeout + machine.run_seconds * runs + machine.mib_seconds * paged


def _stays_on(words: tuple[str, ...]) -> bool:
    """Whether the person asked for another end than power-off."""
    ends = [word for word in words if word.startswith("exit=")]
    return bool(ends) and ends[-1] != "exit=poweroff"


def _watch(
    emulator: Emulator, console: Console, screen: Screen, plan: Plan, timeout: float
) -> bool:
    """Follows the console until the machine has ended or need not go on; False: out of time."""
    start = quiet_since = time.monotonic()
    while True:
        running = emulator.alive()
        data = emulator.read()
        now = time.monotonic()
        if data:
            console.feed(data)
            quiet_since = now
        elif not running:
            return True
        elif console.ended and not plan.display:
            stays_on = plan.core or _stays_on(plan.words) or console.halted
            if now - quiet_since > (_QUIET if stays_on else _POWEROFF_GRACE):
                if not stays_on:
                    say("tools/run: the machine did not power off; ended it")
                return True
        if now - start > timeout and not (console.ended and plan.display):
            return False
        if not console.reporting:
            screen.waiting(f"{console.last_line or emulator.status()}: {now - start:.0f} s")
        if not data:
            time.sleep(_POLL)


def _outcome(console: Console, emulator: Emulator, in_time: bool, timeout: float) -> Exit:
    """The exit status, and the message for the person where it is not the verdict's."""
    if console.panic:
        return Exit.DIED
    if not in_time:
        last = f"the last line was: {console.last_line!r}" if console.last_line else "nothing was printed"
        say(f"tools/run: no end within {timeout:.0f} s; {last}")
        return Exit.TIMEOUT
    if console.left_status is not None and not console.verdict:
        say("tools/run: Rootmode left the machine to its guest: there is no report")
        return Exit.OK
    if not console.verdict:
        if why := emulator.refusal():
            raise UserError(why)
        words = emulator.last_words()
        say(f"tools/run: the machine ended without a verdict\n{words}".rstrip())
        return Exit.DIED
    return Exit.OK if console.verdict == "ok" else Exit.REFUSED


def _write_report(console: Console, file: Path) -> bool:
    """The JSON document, as the kernel wrote it, once it is known to be one."""
    try:
        console.report()
    except ValueError as error:
        say(f"tools/run: no report in {file}: {error}")
        return False
    try:
        file.write_text(console.report_text() + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"--report: {file}: {error.strerror}") from error
    return True


def _script_outcome(console: Console) -> Exit:
    """How the guest's script ended, as Rootmode's report has it."""
    try:
        status = console.report()["linux"]["script_status"] if console.verdict else console.left_status
    except (ValueError, KeyError, TypeError):
        status = None
    if status is None:
        say("tools/run: the guest did not tell how its script ended")
    elif status != 0:
        say(f"tools/run: the guest's script ended with status {status}")
    return Exit.OK if status == 0 else Exit.SCRIPT


def _guest(options: argparse.Namespace, plan: Plan, folder: Path, progress: Progress) -> Guest:
    guest = make_guest(
        options.guest, options.guest_mode, options.initrd, options.guest_append, options.guest_script,
        plan.machine in ("bochs", "nested-kvm"), (cpus_of(plan) or 1) > 1, options.guest_module,
        folder, progress,
    )  # fmt: skip
    say(f"tools/run: the guest is {KINDS[guest.kind]}")
    return guest


def _medium(plan: Plan, kernel: Path, folder: Path, progress: Progress) -> Path:
    """Makes what the machine is booted from."""
    if plan.loader == "grub":
        medium = folder / "rootmode.iso"
        progress.show("making the ISO")
        commands = (*MACHINES[plan.machine].grub, *plan.grub)
        make_iso(medium, kernel, plan.words, commands, plan.pixels, guest=plan.guest)
    elif plan.machine == "bochs":
        medium = folder / "rootmode.img"
        make_disk(medium, kernel, plan.words, plan.guest, progress)
    else:
        medium = folder / "rootmode.elf"
        shutil.copyfile(kernel, medium)
    return medium


def _converse(plan: Plan, medium: Path, folder: Path, timeout: float) -> Exit:
    """The monitor's prompt on the person's terminal."""
    line, keys = SerialTerminal(), Keys(to_monitor=True)
    emulator = MACHINES[plan.machine].start(replace(plan, terminal=line.path), medium, folder)
    try:
        talk(emulator, line, keys, timeout)
        if keys.ended and emulator.alive():
            say(f"tools/run: the monitor is silent for {timeout:.0f} s")
            return Exit.TIMEOUT
    finally:
        emulator.stop()
    return Exit.OK


def _typed_to(options: argparse.Namespace, plan: Plan) -> SerialTerminal | None:
    """The serial line of a guest that has a shell, where there is a person for it."""
    has_shell = options.guest and not options.guest_script and plan.machine != "nested-kvm"
    if not has_shell or not sys.stdin.isatty() or not sys.stdout.isatty():
        return None
    say("tools/run: Ctrl-] ends the machine")
    return SerialTerminal()


def _boot(options: argparse.Namespace, plan: Plan, kernel: Path, progress: Progress) -> Exit:
    machine = MACHINES[plan.machine]
    timeout = options.timeout or patience(plan) + (_GUEST_SECONDS if options.guest else 0)
    with _folder(options.logs) as folder:
        if options.guest:
            plan = replace(plan, guest=_guest(options, plan, folder, progress))
        places: list[str] = []
        if options.script:
            script, places = script_of(options.script, folder)
            plan = replace(plan, guest=script)
        medium = _medium(plan, kernel, folder, progress)
        if options.monitor and not options.script:
            return _converse(plan, medium, folder, timeout)
        if options.debugger:
            return debug(plan, kernel, options.breakpoints, medium, folder)
        screen, line = Screen(progress), _typed_to(options, plan)
        show = (lambda _: None) if line else screen.line
        console = Console(show, hide_report=bool(options.report or options.guest_script))
        emulator: Emulator | None = None
        try:
            emulator = machine.start(replace(plan, terminal=line.path if line else None), medium, folder)
            if line:
                console.feed(talk(emulator, line, Keys(to_monitor=False), timeout))
                if emulator.alive() and not console.ended:  # by Ctrl-]
                    return Exit.OK
            in_time = bool(line) or _watch(emulator, console, screen, plan, timeout)
            console.finish()
            if options.screenshot and in_time:
                emulator.screenshot(options.screenshot)
        finally:
            if emulator:
                emulator.stop()
            medium.unlink(missing_ok=True)
            screen.finish()
        for failure in failures(places, screen.told):
            say(f"tools/run: {failure}")
        status = _outcome(console, emulator, in_time, timeout)
        if status is Exit.OK and plan.guest and plan.guest.has_script:
            status = _script_outcome(console)
        if options.report and status in (Exit.OK, Exit.REFUSED, Exit.SCRIPT):
            if not _write_report(console, options.report):
                return Exit.DIED
        return status


def _prepared(
    options: argparse.Namespace, progress: Progress, plan: Plan | None = None
) -> Path:
    """What is needed is installed, what can be asked of it is asked; then the kernel is built."""
    need("build", *([MACHINES[plan.machine].packages] if plan else []))
    if options.loader == "grub":
        check_programs()
    if not options.unchecked:
        check_commands(options.grub)
    if options.kernel and options.loader == "grub":
        check_kernel(options.kernel)
    if plan:
        MACHINES[plan.machine].check(plan)
    kernel: Path = options.kernel or build_kernel(progress, options.core)
    return kernel


def _run(options: argparse.Namespace) -> Exit:
    progress = Progress("tools/run")
    options.loader = options.loader or default_loader(options)
    words = words_of(options)
    if options.core and options.screenshot:
        raise UserError("--core: the core speaks on the serial port alone; there is no screen for --screenshot")
    if options.iso_only:
        options.screen = options.screen or "pixels"
        plan = plan_of(options, "bochs", words, display=False)
        check_options(options, plan.machine)
        for _, more in MENU if not options.unchecked and not options.core else ():
            check_length((*plan.words, *more))
        kernel = _prepared(options, progress)
        progress.show("making the ISO")
        make_iso(options.iso_only, kernel, plan.words, plan.grub, plan.pixels, menu=not options.core)
        progress.clear()
        say(f"tools/run: wrote {options.iso_only}")
        return Exit.OK

    machine, reason = options.on, f"on {options.on}"
    if machine == "auto":
        machine, reason = choose()
    elif machine == "kvm" and (why := why_no_nested_kvm()):
        raise UserError(f"QEMU/KVM offers no VMX here: {why}. --on bochs emulates it")
    if options.screenshot:
        words.append("exit=halt")
    elif not options.core and not any(word.startswith("exit=") for word in words):
        words.append("exit=poweroff")
    wants_report = options.report or options.guest_script
    if wants_report and not {"report=json", "report=both"} & set(words):
        words.append("report=both")
    if options.monitor:
        words.append(WORD)
    if options.guest_mode:
        words.append(f"guest-mode={options.guest_mode}")
    display = bool(os.environ.get("DISPLAY")) and not options.headless and machine in ("kvm", "tcg")
    plan = plan_of(options, machine, words, display and not options.screenshot)
    check_options(options, machine)
    check_monitor(options, machine)
    check_debugger(options, machine)
    check_plan(plan, options.unchecked)
    kernel = _prepared(options, progress, plan)
    if options.nmi_at:
        plan = replace(plan, nmi_at=symbol_address(kernel, options.nmi_at))
    if options.bochs:
        reason += f" {build_of(options.bochs).version}"
    say(f"tools/run: {reason}, by {'GRUB' if plan.loader == 'grub' else 'PVH, without GRUB'}")
    return _boot(options, plan, kernel, progress)


def main() -> int:
    """Runs; never ends with a trace back for what a person can cause."""
    options = parser().parse_args()
    sys.stdin = sys.stdin or open(os.devnull, encoding="ascii")  # closed: nothing can be typed
    with ending_on_signals():
        try:
            return _run(options)
        except BrokenPipeError:  # nobody reads the console any more
            return nobody_reads()
        except (UserError, OSError) as error:
            say(f"tools/run: {in_words(error)}")
            return Exit.WRONG_USE
        except Interrupted as interrupted:
            say("tools/run: interrupted")
            return 128 + int(interrupted.args[0])


if __name__ == "__main__":
    sys.exit(main())

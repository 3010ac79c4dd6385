"""tools/test: builds and runs every test. Exit status 0 when none failed."""

import argparse
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from boot.boots import BOOTS
from boot.nested import NESTED_BOOTS
from boot.runner import Outcome, Runner
from machine.build import ROOT, build_kernel
from machine.errors import Exit, UserError
from machine.host_tests import fuzz, host
from machine.lint import lint
from machine.mutation import MUTANTS, mutation
from machine.owner import give_to_owner
from machine.packages import need
from machine.processes import Interrupted, ending_on_signals
from machine.tally import Tally, Timed
from machine.terminal import Progress, say

_LOGS = ROOT / "build" / "test-logs"
ALL_BOOTS = (*BOOTS, *NESTED_BOOTS)


def parser() -> argparse.ArgumentParser:
    """The command line of tools/test."""
    result = argparse.ArgumentParser(
        prog="tools/test", description="Builds and runs every test.", allow_abbrev=False
    )
    result.add_argument(
        "part", nargs="?", choices=("host", "lint", "fuzz", "boot", "mutation", "all"),
        default="all", help="default: all; mutation only where it is named, or with --long",
    )  # fmt: skip
    result.add_argument("--filter", default="", metavar="TEXT", help="only what is named so")
    result.add_argument("--long", action="store_true", help="also what takes long")
    result.add_argument("--mutants", type=int, default=MUTANTS, metavar="N", help="of mutation")
    result.add_argument("--seed", type=int, metavar="N", help="of mutation; default: a new one")
    result.add_argument("--list", action="store_true", help="only name the boots")
    return result


def _gdb(tally: Tally, kernel: Path) -> None:
    """tools/gdb stops at the 64-bit entry, where the processor is in long mode."""
    name = "boot/tools/gdb"
    if not tally.wants(name):
        return
    command = [str(ROOT / "tools" / "gdb"), "--kernel", str(kernel), "--", "-batch",
               "-ex", "print $pc == (long)&entry64", "-ex", "print/x $efer"]  # fmt: skip
    with Timed() as timed:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            timeout=60,
        )  # fmt: skip
    # EFER: LME and LMA, bits 8 and 10.
    values = [line.split(" = ")[1] for line in done.stdout.splitlines() if line.startswith("$")]
    stopped = len(values) == 2 and values[0] == "1" and int(values[1], 16) & 0x500 == 0x500
    tally.add(name, [] if stopped else [done.stdout, done.stderr], timed.seconds)


def _boots(tally: Tally, long: bool) -> None:
    tally.heading("boots in emulators")
    kernel = build_kernel(tally.progress)

    def told(outcome: Outcome) -> None:
        complaints = outcome.complaints
        if complaints:
            complaints = [*complaints, f"log: {outcome.logs}"]
        tally.add(f"boot/{outcome.boot.name}", complaints, outcome.seconds, outcome.command)
        tally.progress.show("booting the next ones")

    chosen = [
        boot for boot in ALL_BOOTS if tally.wants(f"boot/{boot.name}") and (long or not boot.long)
    ]
    Runner(kernel, _LOGS / "boot").run_all(chosen, told)
    _gdb(tally, kernel)


def _test(options: argparse.Namespace) -> int:
    tally = Tally(Progress("tools/test"), options.filter)
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    parts: dict[str, Callable[[], None]] = {
        "lint": lambda: lint(tally, _LOGS),
        "host": lambda: host(tally, _LOGS),
        "fuzz": lambda: fuzz(tally, _LOGS, options.long),
        "boot": lambda: _boots(tally, options.long),
        "mutation": lambda: mutation(tally, options.mutants, seed),
    }
    for name, part in parts.items():
        asked = name != "mutation" or (options.long and tally.wants(name))
        if options.part == name or (options.part == "all" and asked):
            try:
                part()
            except (UserError, OSError) as error:
                tally.add(name, [str(error)], 0)
    return 0 if tally.finish() else 1


def main() -> int:
    """Runs what was asked for."""
    options = parser().parse_args()
    if options.list:
        print("\n".join(boot.name for boot in ALL_BOOTS))
        return Exit.OK
    with ending_on_signals():
        try:
            need("--test")
            return _test(options)
        except UserError as error:
            say(f"tools/test: {error}")
            return Exit.WRONG_USE
        except Interrupted as interrupted:
            say("tools/test: interrupted")
            return 128 + int(interrupted.args[0])
        finally:
            give_to_owner(ROOT, _LOGS)


if __name__ == "__main__":
    sys.exit(main())

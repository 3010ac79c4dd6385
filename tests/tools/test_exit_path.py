"""A watched VM exit, from the stub that it enters to the VMRESUME: which files its code stands in."""

import subprocess
from pathlib import Path

from machine.build import ROOT, build
from machine.terminal import Progress

_FILES_MAX = 8

# Steps through vm_exit() line by line, and prints the file of each line that is executed.
_SCRIPT = """
set breakpoint pending on
break a_watched_exit_is_written_down_and_traced
run
tbreak vm_exit
continue
python
files, begin = set(), gdb.newest_frame().older()
while gdb.newest_frame() != begin:
    files.add(gdb.newest_frame().find_sal().symtab.fullname())
    gdb.execute("step", to_string=True)
print("passed: " + " ".join(sorted(files)))
end
"""


def test_a_watched_exit_passes_through_few_files(tmp_path: Path) -> None:
    """In tests/host/vm/test_exit.c, where a PAUSE exits, is written down and traced."""
    script = tmp_path / "script"
    script.write_text(_SCRIPT, encoding="utf-8")
    build("default", ["test_exit"], Progress("pytest"))
    program = ROOT / "build" / "tests" / "host" / "test_exit"
    done = subprocess.run(
        ["gdb", "-nx", "-batch", "-x", script, program],
        env={"ASAN_OPTIONS": "detect_leaks=0"}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    passed = [line for line in done.stdout.splitlines() if line.startswith("passed: ")]
    assert passed, done.stdout + done.stderr
    files = [str(Path(name).relative_to(ROOT)) for name in passed[0].split()[1:]]
    own = {name.removesuffix(".h").removesuffix(".c") for name in files if not name.startswith("tests/")}
    assert {"vm/exit", "vm/guests/watch", "vm/exits/exits_instruction"} <= own
    assert len(own) + 1 <= _FILES_MAX, f"vm/enter and {sorted(own)}"  # with the stub

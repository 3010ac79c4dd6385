"""tools/gdb stops at the 64-bit entry, in long mode; below that there are no frames, on no CPU."""

import re
import subprocess
from pathlib import Path

from machine.build import ROOT

_COMMANDS = ("print $pc == (long)&entry64", "print/x $efer", "bt", "break kernel_main", "continue", "bt",
             "break trap_handle", "continue", "bt")  # fmt: skip


def test_stops_at_the_entry(kernel: Path) -> None:
    """EFER: LME and LMA. The first trap is the interrupt that wakes the other CPU for its first work."""
    command = [str(ROOT / "tools" / "gdb"), "--kernel", str(kernel), "--cpus", "2", "--", "-batch"]
    for text in _COMMANDS:
        command += ["-ex", text]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60
    )
    values = [line.split(" = ")[1] for line in done.stdout.splitlines() if line.startswith("$")]
    assert len(values) == 2, done.stdout + done.stderr
    assert values[0] == "1"
    assert int(values[1], 16) & 0x500 == 0x500
    traces = re.findall(r"^#0 .*\n(?:#\d+ .*\n)*", done.stdout, re.MULTILINE)
    frames = [re.findall(r"^#\d+ +(?:0x\w+ in )?(\S+)", trace, re.MULTILINE) for trace in traces]
    assert frames[:2] == [["entry64"], ["kernel_main", "entry64"]]
    assert frames[2][:2] == ["trap_handle", "<signal"]
    assert frames[2][-1] == "entry64_started"
    assert "Backtrace stopped" not in done.stdout

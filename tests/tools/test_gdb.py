"""tools/gdb stops at the 64-bit entry, where the processor is in long mode."""

import subprocess
from pathlib import Path

from machine.build import ROOT


def test_stops_at_the_entry(kernel: Path) -> None:
    """EFER: LME and LMA, bits 8 and 10."""
    command = [str(ROOT / "tools" / "gdb"), "--kernel", str(kernel), "--", "-batch",
               "-ex", "print $pc == (long)&entry64", "-ex", "print/x $efer"]  # fmt: skip
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60
    )
    values = [line.split(" = ")[1] for line in done.stdout.splitlines() if line.startswith("$")]
    assert len(values) == 2, done.stdout + done.stderr
    assert values[0] == "1"
    assert int(values[1], 16) & 0x500 == 0x500

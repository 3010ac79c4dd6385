"""Lab 0: files that are no code."""

import json
import re
from pathlib import Path
from typing import Any

from labs.bench import MONITOR, Bench
from labs.submission import run

_SECONDS = 10.0


def _report_lacks(file: Path) -> str:
    """What keeps a file from being a report of tools/run; "": nothing."""
    try:
        report: Any = json.loads(file.read_text(encoding="utf-8"))
        basic = int(report["msrs"]["0x480"], 16)
        config = report["vmcs_config"]
        if config["size"] != basic >> 32 & 0x1FFF or int(config["revision_id"], 16) != basic & 0x7FFFFFFF:
            return "its vmcs_config does not follow from its IA32_VMX_BASIC"
        if report["verdict"] not in ("ok", "refused") or not report["cpus"]:
            return "it has no verdict, or no CPU"
    except KeyError as missing:
        return f"it is no report: it has no {missing}"
    except (ValueError, TypeError) as error:
        return f"it is no report: {error}"
    return ""


def answer_lacks(bench: Bench, file: Path, wants: tuple[str, ...], work: Path) -> tuple[str, str]:
    """What is missing in an answer ("": nothing), and what the monitor said to it."""
    if file.suffix == ".json":
        return _report_lacks(file), ""
    script = work / "script.mon"
    script.write_bytes(file.read_bytes() + b"\nstate\n")
    status, output = run([str(bench.build / MONITOR), str(script)], work, _SECONDS)
    # What the monitor prints, not what the student wrote: commands stand behind the prompt.
    said = "\n".join(line for line in output.splitlines() if not line.startswith(("rootmode> ", "#")))
    if status != 0:
        return f"the script does not end well (status {status})", said
    missing = [wanted for wanted in wants if not re.search(wanted, said, re.MULTILINE)]
    return (f"the monitor's answers lack {missing[0]!r}" if missing else ""), said

"""Each libFuzzer target, with a fixed seed and count."""

import shutil
from pathlib import Path

import pytest

from machine.build import ROOT, build
from machine.processes import run_logged
from machine.terminal import Progress

_RUNS = 20_000
_RUNS_OF = {"fuzz_vmcs_text": 10_000, "fuzz_monitor": 2_500}  # slower than others
_SEEDS_OF = {"fuzz_monitor": ROOT / "docs" / "monitor"}
_RUNS_LONG = 20_000_000
_TARGETS = sorted(file.stem for file in Path(__file__).parent.glob("fuzz_*.c"))


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("target", _TARGETS)
def test_fuzz(target: str, logs: Path, request: pytest.FixtureRequest) -> None:
    """From the committed corpus on."""
    program = build("fuzz", ["tests/all"], Progress("pytest")) / "tests" / "fuzz" / target
    runs = _RUNS_LONG if request.config.getoption("--long") else _RUNS_OF.get(target, _RUNS)
    log, work = logs / f"{target}.log", logs / f"{target}-corpus"
    log.unlink(missing_ok=True)
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    seeds = _SEEDS_OF.get(target, ROOT / "tests" / "fuzz" / "corpus" / target.removeprefix("fuzz_"))
    command = [
        str(program), f"-runs={runs}", "-seed=1", "-max_len=4096", "-timeout=10",
        f"-artifact_prefix={logs}/{target}-", str(work), *([str(seeds)] if seeds.is_dir() else []),
    ]  # fmt: skip
    status = run_logged(command, log, lambda line: None, ROOT)
    if status != 0:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-30:]
        pytest.fail("\n".join([*lines, f"log: {log}", " ".join(command)]), pytrace=False)

"""Small faults in the code: the host tests notice them (tools/machine/mutation.py)."""

import secrets

import pytest

from machine.mutation import MUTANTS, mutation
from machine.terminal import Progress


@pytest.mark.timeout(4 * 3600)
def test_mutation(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --seed, others each time; they are named."""
    given = request.config.getoption("--seed")
    seed = secrets.randbelow(1_000_000) if given is None else given
    count = request.config.getoption("--mutants") or MUTANTS
    with capsys.disabled():
        print(f"\n     {count} mutants of the code, seed {seed}")
        wrong = mutation(count, seed, Progress("tools/test"))
    if wrong:
        repeat = f"repeat with: tools/test mutation --mutants {count} --seed {seed}"
        pytest.fail("\n".join([*wrong, repeat]), pytrace=False)

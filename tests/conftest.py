"""What the tests under pytest share; tools/test says which of them run, and builds first."""

from pathlib import Path

import pytest

from machine.build import ROOT, build_kernel
from machine.terminal import Progress

LOGS = ROOT / "build" / "test-logs"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of tools/test that pytest has no like of."""
    parser.addoption("--long", action="store_true", help="also what takes long")
    parser.addoption("--quick", action="store_true", help="the few that say most, on the quick build")
    parser.addoption("--only", default="", metavar="TEXT", help="only what is named so")
    parser.addoption("--mutants", type=int, metavar="N", help="how many mutants of the code")
    parser.addoption("--seed", type=int, metavar="N", help="which mutants of the code")


def _name(item: pytest.Item) -> str:
    """As tools/test --list has it: a boot by its row, anything else by file and function."""
    row = getattr(item, "callspec", None)
    return f"{item.path.parent.name}/{row.id if row else item.name}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what was not asked for."""

    def asked(item: pytest.Item) -> bool:
        if config.getoption("--quick"):
            return item.get_closest_marker("quick") is not None
        long = config.getoption("--long") or item.get_closest_marker("long") is None
        return long and config.getoption("--only") in _name(item)

    config.hook.pytest_deselected(items=[item for item in items if not asked(item)])
    items[:] = [item for item in items if asked(item)]


@pytest.fixture(scope="session")
def logs() -> Path:
    """Where tests leave what a person may want to look at."""
    LOGS.mkdir(parents=True, exist_ok=True)
    return LOGS


@pytest.fixture(scope="session")
def kernel(request: pytest.FixtureRequest) -> Path:
    """The kernel, built."""
    if request.config.getoption("--quick"):
        return build_kernel(Progress("pytest"), preset="quick")
    build_kernel(Progress("pytest"), core=True)
    return build_kernel(Progress("pytest"))

"""A lab as docs/labs/N.toml describes it."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from machine.errors import UserError

FOLDER = Path("docs") / "labs"
MARK = ".lab"  # in the tree of a starter: the lab's number


@dataclass(frozen=True)
class Cut:
    """What the starter lacks: a function's body, or a piece of text; and what stands there instead."""

    file: str
    function: str  # "": `old` is what is cut
    old: str
    new: str


@dataclass(frozen=True)
class Hint:
    """What is said where the output of a case has this in it (a regular expression)."""

    seen: str
    says: str


@dataclass(frozen=True)
class Boot:
    """A boot in Bochs, and what its console must say."""

    words: str
    cpus: int
    wants: tuple[str, ...]  # regular expressions


@dataclass(frozen=True)
class Check:
    """Points for some cases of a program, all or none."""

    name: str
    points: int
    program: str
    cases: tuple[str, ...]  # (): all that the program has
    says: str  # what must hold
    read: str
    hints: tuple[Hint, ...]
    boot: Boot | None
    answer: str  # a file of the student's that is no code: lab 0
    wants: tuple[str, ...]  # regular expressions: what the monitor must say to that file
    rubric: str  # what a person looks for: lab 8


@dataclass(frozen=True)
class Mistake:
    """What students do: a change of the solution, the checks that it loses, what must be said."""

    name: str
    changes: tuple[Cut, ...]
    loses: tuple[str, ...]
    says: str


@dataclass(frozen=True)
class Lab:
    """One lab."""

    number: int
    title: str
    sees: str
    files: tuple[str, ...]  # that the student may change
    tests: tuple[str, ...]  # host tests of what was cut, as tests/host/CMakeLists.txt names them
    cuts: tuple[Cut, ...]
    checks: tuple[Check, ...]
    mistakes: tuple[Mistake, ...]

    @property
    def of(self) -> int:
        """All points."""
        return sum(check.points for check in self.checks)

    @property
    def by_rubric(self) -> bool:
        """Whether a person has to grade it."""
        return any(check.rubric for check in self.checks)

    @property
    def boots(self) -> bool:
        """Whether a kernel is linked for it."""
        return any(check.boot for check in self.checks)


def _cut(row: dict[str, Any]) -> Cut:
    return Cut(row["file"], row.get("function", ""), row.get("old", ""), row.get("new", ""))


def _boot(row: dict[str, Any] | None) -> Boot | None:
    return Boot(row["words"], row.get("cpus", 1), tuple(row["wants"])) if row else None


def _check(row: dict[str, Any], program: str) -> Check:
    hints = tuple(Hint(hint["seen"], hint["says"]) for hint in row.get("hint", ()))
    return Check(
        row["name"], row["points"], row.get("program", program), tuple(row.get("cases", ())),
        row.get("says", ""), row["read"], hints, _boot(row.get("boot")), row.get("answer", ""),
        tuple(row.get("wants", ())), row.get("rubric", ""),
    )  # fmt: skip


def _mistake(row: dict[str, Any]) -> Mistake:
    changes = tuple(_cut({"file": row.get("file"), **change}) for change in row.get("change", [row]))
    return Mistake(row["name"], changes, tuple(row["loses"]), row["says"])


def read_lab(file: Path) -> Lab:
    """Reads one; raises UserError where the file is not as it should be."""
    try:
        with file.open("rb") as stream:
            data = tomllib.load(stream)
        program = f"lab{data['number']}"
        lab = Lab(
            data["number"], data["title"], data["sees"], tuple(data["files"]), tuple(data.get("tests", ())),
            tuple(_cut(row) for row in data.get("cut", ())),
            tuple(_check(row, program) for row in data["check"]),
            tuple(_mistake(row) for row in data.get("mistake", ())),
        )  # fmt: skip
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise UserError(f"{file}: {error!r}") from error
    return lab


def labs_of(tree: Path) -> list[Lab]:
    """All labs of a tree, in order."""
    files = (tree / FOLDER).glob("*.toml")
    return sorted((read_lab(file) for file in files), key=lambda lab: lab.number)


def lab_of(tree: Path, number: int) -> Lab:
    """The lab of that number."""
    file = tree / FOLDER / f"{number}.toml"
    if not file.exists():
        raise UserError(f"there is no lab {number}; tools/lab list names them")
    return read_lab(file)


def marked(tree: Path) -> int | None:
    """The number of the lab that a tree is the starter of; None where it is none."""
    try:
        return int((tree / MARK).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None

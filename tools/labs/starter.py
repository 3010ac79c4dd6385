"""
Makes a lab's starter from the tree as it is: bodies of functions go, contracts stay, and what belongs
to later labs is not there.
"""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from labs.lab import FOLDER, MARK, Cut, Lab, labs_of
from machine.errors import UserError
from machine.mutation import mirror

TAG = "lab-start"  # the commit that a starter is graded against
# They quote lines of the tree: faults that change nothing, mistakes that a boot must name.
_LISTS = ("tests/equal_mutants.toml", "tests/mistakes/mistakes.toml")
_OWN_TESTS = ("tests/tools/test_lab.py", "tests/tools/test_course.py")  # of the labs: they need a whole tree
_PERSON = ("-c", "user.name=Rootmode's labs", "-c", "user.email=labs@localhost")


def git(tree: Path, *arguments: str) -> str:
    """Runs git there and gives what it prints; raises UserError where it fails."""
    done = subprocess.run(
        ["git", *_PERSON, "-c", "core.autocrlf=false", "-c", "core.hooksPath=/dev/null", *arguments],
        cwd=tree, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise UserError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


def cut(text: str, change: Cut) -> str:
    """The text with the function's body, or the piece, replaced."""
    if not change.function and not change.old:  # the whole file
        return change.new
    if not change.function:
        if text.count(change.old) != 1:
            raise UserError(f"{change.file}: {text.count(change.old)} times, and not once: {change.old!r}")
        return text.replace(change.old, change.new)
    # As clang-format lays it out: the braces of a function stand in the first column.
    found = re.search(rf"^(?!\s)[^\n;{{}}]*\b{change.function}\([^;{{}}]*\)\n{{\n(.*?)^}}\n", text, re.MULTILINE | re.DOTALL)
    if not found:
        raise UserError(f"{change.file} has no function {change.function}()")
    return text[: found.start(1)] + change.new + text[found.end(1) :]


def apply(tree: Path, changes: Sequence[Cut]) -> None:
    """Makes the changes in the tree."""
    for change in changes:
        path = tree / change.file
        path.write_text(cut(path.read_text(encoding="utf-8"), change), encoding="utf-8")


def _without_test(cmake: str, test: str) -> str:
    """tests/host/CMakeLists.txt without a test."""
    name = test.rsplit("/", maxsplit=1)[-1]
    cmake = re.sub(rf"^rootmode_(?:rule_)?test\({re.escape(test)}\b(?![/_])[^)]*\)\n", "", cmake, flags=re.MULTILINE)
    cmake = re.sub(rf"^target_link_libraries\(test_{name} [^)]*\)\n", "", cmake, flags=re.MULTILINE)
    return re.sub(r"^rootmode_set_test\(([^)]*)\)",
                  lambda found: f"rootmode_set_test({' '.join(word for word in found[1].split() if word != name)})",
                  cmake, flags=re.MULTILINE)  # fmt: skip


def _hide_solution(tree: Path, lab: Lab) -> None:
    """Takes out what quotes the lab's code: cuts, students' mistakes, the rows of two lists of the tests."""
    for file in (tree / FOLDER).glob("*.toml"):
        told = re.split(r"^# Mistakes", file.read_text(encoding="utf-8"), maxsplit=1, flags=re.MULTILINE)[0]
        told = re.sub(r"^\[\[cut\]\]\n.*?(?=^\[\[check\]\])", "", told, flags=re.MULTILINE | re.DOTALL)
        file.write_text(told, encoding="utf-8")
    for name in _LISTS:
        rows = re.split(r"^(?=\[\[)", (tree / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
        kept = [row for row in rows if not any(f'"{file}"' in row for file in lab.files)]
        (tree / name).write_text("".join(kept), encoding="utf-8")
    for name in _OWN_TESTS:
        (tree / name).unlink()


def _hide(tree: Path, lab: Lab, later: Sequence[Lab]) -> None:
    """Takes the tests and pages of later labs out, and what has the solution in it."""
    cmake = tree / "tests" / "host" / "CMakeLists.txt"
    text = cmake.read_text(encoding="utf-8")
    for other in later:
        for file in (FOLDER / f"{other.number}.toml", FOLDER / f"{other.number}.md", Path(f"tests/labs/lab{other.number}.c")):
            (tree / file).unlink(missing_ok=True)
        for test in set(other.tests) - set(lab.tests):
            folder, _, name = test.rpartition("/")
            (tree / "tests" / "host" / folder / f"test_{name}.c").unlink()
            text = _without_test(text, test)
    cmake.write_text(text, encoding="utf-8")
    _hide_solution(tree, lab)


def write_starter(source: Path, lab: Lab, tree: Path) -> None:
    """Writes the files of the lab's starter."""
    mirror(source, tree)
    (tree / ".git").unlink(missing_ok=True)  # a file, where the source is a work tree of git's
    apply(tree, lab.cuts)
    _hide(tree, lab, [other for other in labs_of(source) if other.number > lab.number])
    (tree / MARK).write_text(f"{lab.number}\n", encoding="ascii")


def start(source: Path, lab: Lab, tree: Path) -> None:
    """Makes the starter, as a git repository with one commit."""
    if tree.exists() and (not tree.is_dir() or any(tree.iterdir())):
        raise UserError(f"{tree} is there already, and not empty")
    tree.mkdir(parents=True, exist_ok=True)
    write_starter(source, lab, tree)
    git(tree, "init", "--quiet", "--initial-branch=main")
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--message", f"Start lab {lab.number}: {lab.title}")
    git(tree, "tag", TAG)

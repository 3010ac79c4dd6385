"""
tools/lab: lists the labs, starts one, grades what was written.

Exit status of check: 0 full points, 1 fewer, 2 it cannot be graded, or wrong use.
"""

import argparse
import csv
import json
import os
import shlex
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from labs.bench import Bench, bench_of_starter, bench_of_tree
from labs.grade import Grade, Grader
from labs.lab import lab_of, labs_of, marked
from labs.starter import start
from machine.build import ROOT
from machine.errors import Exit, UserError, in_words
from machine.options import Parser
from machine.packages import need
from machine.processes import Interrupted, ending_on_signals, nobody_reads
from machine.terminal import Progress, say


def parser() -> argparse.ArgumentParser:
    """The command line of tools/lab."""
    result = Parser(
        prog="tools/lab", description="Labs on this hypervisor, with a grader: docs/labs/README.md.",
        epilog="Exit status of check and grade: 0 full points (of all), 1 fewer, 2 cannot be graded, or wrong use.",
        allow_abbrev=False,
    )  # fmt: skip
    commands = result.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("list", help="the labs of this tree")
    one = commands.add_parser("start", help="make a lab's starter, a git repository")
    one.add_argument("number", type=int, metavar="N")
    one.add_argument("folder", type=Path, metavar="DIR")
    one = commands.add_parser("check", help="grade the tree that this command is in")
    one.add_argument("--json", action="store_true", help="for a program to read")
    one.add_argument("--lab", type=int, metavar="N", help="default: the one that the tree was started for")
    one = commands.add_parser("grade", help="grade submissions, for a lecturer")
    one.add_argument("folders", type=Path, nargs="+", metavar="DIR")
    one.add_argument("--csv", type=Path, metavar="FILE", help="a row for each, points by check")
    one.add_argument("--lab", type=int, metavar="N", help="default: the one that all of them were started for")
    return result


def _list() -> Exit:
    for lab in labs_of(ROOT):
        print(f"{lab.number}  {lab.title} ({lab.of} points)\n   sees: {lab.sees}")
    return Exit.OK


def _start(number: int, folder: Path) -> Exit:
    if marked(ROOT) is not None:
        raise UserError("this tree is a starter itself: start labs from a whole tree")
    lab = lab_of(ROOT, number)
    start(ROOT, lab, folder)
    print(f"Lab {number}: {lab.title}\n  read   {folder}/docs/labs/{number}.md")
    for file in lab.files:
        print(f"  write  {folder}/{file}")
    print(f"  grade  cd {shlex.quote(str(folder))} && tools/lab check")
    return Exit.OK


def _show(grade: Grade) -> None:
    for result in grade.results if not grade.problem or any(one.said for one in grade.results) else ():
        print(f"  {result.points:2} of {result.of:2}  {result.name}")
        if result.said:
            print(f"      {result.said}")
    if grade.problem:
        print(f"cannot be graded: {grade.problem}")
    print(f"lab {grade.lab}: {grade.points} of {grade.of} points")


def _status(grade: Grade) -> Exit:
    if grade.problem:
        return Exit.WRONG_USE
    return Exit.OK if grade.points == grade.of else Exit.REFUSED


def _own_bench(number: int | None, progress: Progress) -> Bench:
    started = marked(ROOT)
    if started is None and number is None:
        raise UserError("this tree is no starter; --lab N grades it as a submission of lab N")
    if started is not None and number not in (None, started):
        raise UserError(f"this is the starter of lab {started}")
    if started is not None:
        return bench_of_starter(ROOT, started, progress)
    return bench_of_tree(lab_of(ROOT, number or 0), progress)


def _check(number: int | None, as_json: bool) -> Exit:
    grade = Grader(_own_bench(number, Progress("tools/lab"))).grade(ROOT)
    if as_json:
        print(json.dumps(grade.as_json(), indent=1))
    else:
        _show(grade)
    return _status(grade)


def _number_of(folders: Sequence[Path]) -> int:
    numbers = {marked(folder) for folder in folders}
    if len(numbers) != 1 or None in numbers:
        raise UserError("not all of these were started for the same lab: say which, by --lab N")
    return next(number for number in numbers if number is not None)


def _write_csv(file: Path, folders: Sequence[Path], grades: Sequence[Grade]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        names = [result.name for result in grades[0].results]
        rows.writerow(["folder", "lab", "points", "of", *names, "problem"])
        for folder, grade in zip(folders, grades):
            points = [result.points for result in grade.results]
            problem = grade.problem.partition("\n")[0]
            rows.writerow([str(folder), grade.lab, grade.points, grade.of, *points, problem])


def _grade(folders: Sequence[Path], number: int | None, file: Path | None) -> Exit:
    if marked(ROOT) is not None:
        raise UserError("this tree is a starter: grade from a whole tree")
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"{folder} is no folder")
    progress = Progress("tools/lab")
    lab = lab_of(ROOT, _number_of(folders) if number is None else number)
    grader = Grader(bench_of_tree(lab, progress))
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        grades = []
        for folder, grade in zip(folders, pool.map(grader.grade, folders)):
            grades.append(grade)
            problem = f"  cannot be graded: {grade.problem.partition(chr(10))[0]}" if grade.problem else ""
            print(f"{grade.points:3} of {grade.of:3}  {folder}{problem}", flush=True)
    if file:
        _write_csv(file, folders, grades)
    return max((_status(grade) for grade in grades), default=Exit.OK)


def _run(options: argparse.Namespace) -> Exit:
    if options.command == "list":
        return _list()
    if options.command == "start":
        return _start(options.number, options.folder)
    need("build")
    if options.command == "check":
        return _check(options.lab, options.json)
    return _grade(options.folders, options.lab, options.csv)


def main() -> int:
    """Never ends with a trace back for what a person can cause."""
    options = parser().parse_args()
    with ending_on_signals():
        try:
            return _run(options)
        except BrokenPipeError:
            return nobody_reads()
        except (UserError, OSError) as error:
            say(f"tools/lab: {in_words(error)}")
            return Exit.WRONG_USE
        except Interrupted as interrupted:
            say("tools/lab: interrupted")
            return 128 + int(interrupted.args[0])


if __name__ == "__main__":
    sys.exit(main())

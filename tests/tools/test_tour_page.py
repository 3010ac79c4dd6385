"""The tour passes each file once, the core's first, and says truly how long it takes."""

import re
import subprocess
import sys
from collections import Counter

import pytest

import gen_tour as tour

_WITHIN = 0.05  # of the truth
_FEW = 40  # lines by which a single file may differ all the same
_AGAIN = "make the numbers anew: tools/gen_tour.py"


@pytest.fixture(name="core", scope="module")
def _core() -> set[str]:
    return {file for file in tour.core_files() if file.split("/")[0] in tour.FOLDERS}


@pytest.fixture(name="chapters", scope="module")
def _chapters(core: set[str]) -> list[tour.Chapter]:
    return tour.fill(tour.parse(tour.TOUR.read_text(encoding="utf-8")), core)


def _near(said: int, true: int, few: int = 0) -> bool:
    return abs(said - true) <= max(few, true * _WITHIN)


def test_each_file_has_one_chapter(chapters: list[tour.Chapter], core: set[str]) -> None:
    times = Counter(file for chapter in chapters for file in chapter.files)
    assert {file: count for file, count in times.items() if count != 1} == {}
    assert set(tour.all_files()) - set(times) == set(), f"in no chapter; {_AGAIN}"
    assert set(times) - set(tour.all_files()) == set(), f"gone; {_AGAIN}"
    for chapter in chapters:
        strangers = [file for file in chapter.files if (file in core) == chapter.room]
        assert strangers == [], f"{chapter.title}: {'of the core' if chapter.room else 'of a room'}"


def test_a_question_writes_nothing() -> None:
    for asked, status in (("--help", 0), ("--hlep", 2)):
        done = subprocess.run(
            [sys.executable, "-B", tour.__file__, asked], capture_output=True, text=True, check=False
        )
        assert (done.returncode, "usage: gen_tour.py" in done.stdout + done.stderr) == (status, True)


def test_the_core_comes_first(chapters: list[tour.Chapter]) -> None:
    rooms = [chapter.room for chapter in chapters]
    assert rooms == sorted(rooms) and not rooms[0] and rooms[-1]


def test_what_is_listed_is_true(chapters: list[tour.Chapter]) -> None:
    for chapter in chapters:
        for path, said in chapter.said.items():
            true = tour.lines_at(chapter, path)
            assert _near(said, true, _FEW), f"{path}: {said} lines, not {true}; {_AGAIN}"


def test_reading_times_are_honest(chapters: list[tour.Chapter]) -> None:
    for chapter in chapters:
        lines = sum(map(tour.lines_of, chapter.files))
        true = tour.minutes_of(lines)
        assert _near(chapter.minutes, true, 1), f"{chapter.title}: {true} minutes; {_AGAIN}"


def test_sums_are_true(core: set[str]) -> None:
    said = [int(number.replace(",", "")) for number in re.findall(r"[\d,]*\d(?= lines| of them)",
            tour.TOUR.read_text(encoding="utf-8").split("\n## ")[0])]  # fmt: skip
    true = [int(number.replace(",", "")) for number in re.findall(r"[\d,]*\d(?= lines| of\s+them)", tour.together(core))]
    assert len(said) == len(true) == 4
    assert all(map(_near, said, true)), f"{said}, not {true}; {_AGAIN}"


def test_readme_says_the_same(core: set[str]) -> None:
    text = tour.README.read_text(encoding="utf-8")
    true = (sum(map(tour.lines_of, core)), tour.proper_of(core))
    for claim, lines in zip(tour.CLAIMS, true, strict=True):
        said = re.search(claim, text)
        assert said, claim
        assert _near(int(said[1].replace(",", "")), lines), f"{said[0]}, not {lines}; {_AGAIN}"

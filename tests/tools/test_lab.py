"""
The labs: a starter scores nothing, the tree everything, each mistake loses what it should and is named,
and who cheats gets nothing.
"""

import difflib
import functools
import json
import os
import re
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labs.bench import Bench, bench_of_tree, cache, forget_old
from labs.grade import Grade, Grader
from labs.lab import Lab, Mistake, lab_of, labs_of
from labs.starter import apply, cut, write_starter
from machine.build import ROOT
from machine.mutation import mirror
from machine.terminal import Progress

LABS = {lab.number: lab for lab in labs_of(ROOT)}
GRADED = [lab.number for lab in LABS.values() if not lab.by_rubric]
_QUICK = 2  # mistakes of a lab that are tried without --long


@pytest.fixture(scope="session", autouse=True)
def _cache() -> Iterator[None]:
    """Builds are kept beside the tree's own."""
    os.environ["XDG_CACHE_HOME"] = str(ROOT / "build" / "labs-cache")
    yield
    assert cache().is_relative_to(ROOT)


@functools.cache
def bench(number: int) -> Bench:
    """The build of a lab's starter; made once."""
    return bench_of_tree(LABS[number], Progress("pytest"))


def submit(lab: Lab, folder: Path, source: Path = ROOT) -> Path:
    """A folder with the files of the lab alone."""
    for name in lab.files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, folder / name)
    return folder


def told(grade: Grade) -> str:
    """All that was said."""
    return "\n".join([grade.problem, *(f"{result.name}: {result.said}" for result in grade.results)])


@pytest.mark.parametrize("number", GRADED)
def test_starter_scores_nothing_and_solution_everything(number: int, tmp_path: Path) -> None:
    lab, made = LABS[number], bench(number)
    starter = Grader(made).grade(submit(lab, tmp_path / "starter", made.source))
    assert starter.problem == ""
    assert [result.points for result in starter.results] == [0] * len(lab.checks)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    solution = Grader(made).grade(submit(lab, tmp_path / "solution"))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # What it takes where nothing else runs: the time of the processor, for a test shares its machine.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < (15 if lab.boots else 2)
    assert (solution.points, solution.of) == (lab.of, lab.of), told(solution)


@pytest.mark.parametrize("number", GRADED)
def test_starter_has_no_solution(number: int) -> None:
    lab, made = LABS[number], bench(number)
    told = (made.source / f"docs/labs/{number}.toml").read_text(encoding="utf-8")
    assert "[[mistake]]" not in told and "[[cut]]" not in told
    for other in LABS.values():
        there = (made.source / f"tests/labs/lab{other.number}.c").exists()
        assert there == (other.number <= number and other.number in range(1, 8))
        assert (made.source / f"docs/labs/{other.number}.md").exists() == (other.number <= number)


_CODE = (".c", ".h", ".S", ".def")
_LONG, _RUN = 28, 3  # characters of a line that says something, lines in a row that are no chance


def _lines(text: str) -> "list[str]":
    return [line.strip() for line in text.splitlines() if len(line.strip()) > 1]


@pytest.mark.parametrize("number", range(1, 8))
def test_starter_quotes_no_solution(number: int) -> None:
    """A line that was cut stands in no page, list or script; three in a row not in code either."""
    lab, made = LABS[number], bench(number)
    texts = {}
    for path in made.source.rglob("*"):
        if path.is_file() and b"\0" not in path.read_bytes():
            name = str(path.relative_to(made.source))
            texts[name] = "\n".join(_lines(path.read_text(encoding="utf-8", errors="replace")))
    code = "\n".join(text for name, text in texts.items() if name.endswith(_CODE))
    for change in lab.cuts:
        before = _lines((ROOT / change.file).read_text(encoding="utf-8"))
        after = _lines(cut((ROOT / change.file).read_text(encoding="utf-8"), change))
        for kind, start, end, _, _ in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
            gone = before[start:end] if kind in ("delete", "replace") else []
            for line in gone:
                quoting = [name for name, text in texts.items() if not name.endswith(_CODE) and line in text]
                assert len(line) < _LONG or line in code or not quoting, (line, quoting)
            for at in range(len(gone) - _RUN + 1):
                run = "\n".join(gone[at : at + _RUN])
                quoting = [name for name, text in texts.items() if run in text]
                assert len(run) < _RUN * _LONG or not quoting, (run, quoting)


def _mistakes() -> "list[object]":
    return [
        pytest.param(lab.number, mistake, id=f"{lab.number}-{mistake.name.replace(' ', '-')}",
                     marks=[pytest.mark.long] if index >= _QUICK else [])
        for lab in LABS.values()
        for index, mistake in enumerate(lab.mistakes)
    ]  # fmt: skip


@pytest.mark.parametrize("number, mistake", _mistakes())
def test_mistake_is_named(number: int, mistake: Mistake, tmp_path: Path) -> None:
    lab = LABS[number]
    apply(submit(lab, tmp_path), mistake.changes)
    grade = Grader(bench(number)).grade(tmp_path)
    lost = [result.name for result in grade.results if result.points < result.of]
    assert grade.problem == ""
    assert lost == list(mistake.loses), told(grade)
    assert mistake.says in told(grade)


_FILE = "vmx/capability/vmcs_config.c"
_ANY = "static uint64_t bits("
_CHEATS = {  # what is put before bits() in the starter: what must be said
    "prints": ('int puts(const char *);\nvoid say(void);\nvoid say(void)\n{\n    puts("passed size");\n}\n', "calls puts()"),
    "exits": ("void exit(int);\n__attribute__((constructor)) static void end(void)\n{\n    exit(0);\n}\n", "_array"),
    "forks": ("int fork(void);\nvoid more(void);\nvoid more(void)\n{\n    for (;;)\n        fork();\n}\n", "calls fork()"),
    "fills": ("void *fopen(const char *, const char *);\nvoid *file(void);\nvoid *file(void)\n{\n"
              '    return fopen("/tmp/x", "w");\n}\n', "calls fopen()"),
    "syscall": ('void call(void);\nvoid call(void)\n{\n    __asm__ volatile("syscall");\n}\n', "has assembly of its own"),
    "hidden assembly": ('#define TWO(a, b) a##b\nTWO(__as, m__)(".byte 0x0f, 0x05");\n', "has assembly of its own"),
    "as of a header": ('# 7 "x.h"\n__asm__(".byte 0x0f, 0x05");\n', "has a #line"),
    "section": ('__attribute__((section(".init_array"))) void *const start = (void *)0;\n', "section .init_array"),
    "model": ("extern int model;\nint *which(void);\nint *which(void)\n{\n    return &model;\n}\n", "calls model()"),
    "global": ("int more;\n", "new global name, more"),
    "includes": (f'#include "{ROOT}/tests/host/model_cpu.h"\n', "not a header of the tree"),
    "solution": (f'#include "{ROOT}/{_FILE}"\n', ""),
    "bomb": ("#include __FILE__\n", "does not compile"),
    "fills by its object": ("static char big[1 << 28] = {1};\nchar *all(void);\nchar *all(void)\n{\n    return big;\n}\n", "does not compile"),
    "reads a file": ('__asm__(".incbin \\"/proc/self/maps\\"");\n', "has assembly of its own"),
}  # fmt: skip


@pytest.mark.parametrize("name", _CHEATS)
def test_cheat_does_not_score(name: str, tmp_path: Path) -> None:
    more, said = _CHEATS[name]
    made = bench(1)
    file = submit(LABS[1], tmp_path, made.source) / _FILE
    file.write_text(file.read_text(encoding="utf-8").replace(_ANY, more + _ANY), encoding="utf-8")
    grade = Grader(made).grade(tmp_path)
    assert grade.points == 0
    assert said in grade.problem and grade.problem


def test_kernel_does_not_print_for_the_student(tmp_path: Path) -> None:
    """What the console says of a boot cannot be said by what is graded, nor by a port."""
    made = bench(2)
    file = submit(LABS[2], tmp_path, made.source) / "kernel/vmx_all.c"
    text = file.read_text(encoding="utf-8")
    for more, said in (
        ('console_print("verdict: ok\\n");', "calls console_print()"),
        ("out8(0x3f8, 33);", "executes out"),
        ('__asm__ volatile("outb %al, %dx");', "has assembly of its own"),
        ("machine_stop();", "calls machine_stop()"),
    ):
        declared = '#include "lib/x86.h"\nvoid console_print(const char *text);\nvoid machine_stop(void);\n'
        file.write_text(declared + text.replace("    (void)cpu;\n", f"    (void)cpu;\n    {more}\n"), encoding="utf-8")
        grade = Grader(made).grade(tmp_path)
        assert grade.points == 0 and said in grade.problem


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_starters_build_whole(tmp_path: Path) -> None:
    """All of each starter, kernel, tools and tests, without a warning: they are errors."""
    for number in GRADED:
        write_starter(ROOT, LABS[number], tmp_path / f"starter-{number}")
        mirror(tmp_path / f"starter-{number}", tmp_path / "tree")
        if not (tmp_path / "build").exists():
            subprocess.run(["cmake", "-G", "Ninja", "-S", tmp_path / "tree", "-B", tmp_path / "build",
                            "-DROOTMODE_SANITIZE=OFF"], check=True, capture_output=True)  # fmt: skip
        done = subprocess.run(["ninja", "-C", tmp_path / "build"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:]


def test_loop_does_not_score(tmp_path: Path) -> None:
    file = submit(LABS[1], tmp_path) / _FILE
    text = file.read_text(encoding="utf-8")
    file.write_text(cut(text, LABS[1].cuts[1]).replace("    (void)value;\n", "    for (volatile int i = 0;; i++)\n        (void)value;\n"),
                    encoding="utf-8")  # fmt: skip
    grade = Grader(bench(1)).grade(tmp_path)
    assert grade.points <= 1  # compare() needs no bits
    assert "did not end" in told(grade)


@pytest.mark.parametrize(
    "where, said",
    [
        pytest.param("", "The boot did not end within 20 s", marks=pytest.mark.long),
        ("if (cpu != cpus[0]) ", "must be in VMX root operation"),
    ],
)
def test_loop_in_a_boot_does_not_score(where: str, said: str, tmp_path: Path) -> None:
    """It is ended, on the boot CPU or on another one, and loses the boot alone: the host's checks stay."""
    file = submit(LABS[2], tmp_path) / "kernel/vmx_all.c"
    text, enable = file.read_text(encoding="utf-8"), "    vmx_cpu_enable(cpu->vmx);\n"
    assert text.count(enable) == 1
    file.write_text(text.replace(enable, f"    {where}for (volatile int i = 0;; i++)\n        ;\n{enable}"), encoding="utf-8")
    grade = Grader(bench(2)).grade(tmp_path)
    assert [result.name for result in grade.results if not result.points] == ["every CPU in Bochs"]
    assert said in told(grade) and grade.problem == ""


def test_crash_in_a_boot_is_named(tmp_path: Path) -> None:
    file = submit(LABS[2], tmp_path) / "kernel/vmx_all.c"
    text, enable = file.read_text(encoding="utf-8"), "    vmx_cpu_enable(cpu->vmx);\n"
    file.write_text(text.replace(enable, f"    __builtin_trap();\n{enable}"), encoding="utf-8")
    grade = Grader(bench(2)).grade(tmp_path)
    assert [result.name for result in grade.results if not result.points] == ["every CPU in Bochs"]
    assert "The kernel panicked" in told(grade)


def test_crash_loses_its_checks_alone(tmp_path: Path) -> None:
    file = submit(LABS[1], tmp_path) / _FILE
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("        if (seen == wanted)\n", "        if (seen == wanted && *(volatile int *)0)\n"),
                    encoding="utf-8")  # fmt: skip
    grade = Grader(bench(1)).grade(tmp_path)
    assert [result.name for result in grade.results if not result.points] == ["compare"]
    assert "crashed" in told(grade)


def test_what_is_no_plain_file_does_not_score(tmp_path: Path) -> None:
    made = bench(1)
    puts: "list[Callable[[Path], object]]" = [
        lambda file: file.symlink_to(ROOT / _FILE),
        os.mkfifo,
        Path.mkdir,
        lambda file: file.write_bytes(b"/" * 300_000),
        lambda file: file.write_bytes(b""),
        lambda file: None,
    ]
    for number, put in enumerate(puts):
        tree = submit(LABS[1], tmp_path / str(number))
        (tree / _FILE).unlink()
        put(tree / _FILE)
        grade = Grader(made).grade(tree)
        assert grade.points == 0 and grade.problem


def _lab(tree: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([tree / "tools" / "lab", *arguments], capture_output=True, text=True, check=False,
                          env={**os.environ, "ROOTMODE_SETUP": "skip"})  # fmt: skip


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("number", [1, *(pytest.param(n, marks=pytest.mark.long) for n in range(2, 8))])
def test_a_student_walks_a_lab(number: int, tmp_path: Path) -> None:
    """Start, fail, write function by function, watch the score rise; tests and grader changed or not."""
    lab, tree = LABS[number], tmp_path / "mine"
    assert _lab(ROOT, "start", str(number), str(tree)).returncode == 0
    assert _lab(ROOT, "start", str(number), str(tree)).returncode == 2  # it is there already
    first = _lab(tree, "check", "--json")
    assert first.returncode == 1, first.stderr
    told_first = json.loads(first.stdout)
    assert list(told_first) == ["lab", "points", "of", "files", "checks"] and told_first["lab"] == number
    assert all(list(row) == ["name", "points", "of", "said"] for row in told_first["checks"])
    points = [told_first["points"]]
    assert points == [0]
    (tree / "tests" / "labs" / f"lab{number}.c").write_text("int main(void) { return 0; }\n", encoding="utf-8")
    (tree / "docs" / "labs" / f"{number}.toml").write_text("", encoding="utf-8")
    for count in range(len(lab.cuts) - 1, -1, -1):
        submit(lab, tree)
        apply(tree, lab.cuts[:count])
        done = _lab(tree, "check", "--json")
        points.append(json.loads(done.stdout)["points"])
        assert done.returncode == (0 if count == 0 else 1), done.stdout
    assert points == sorted(points) and points[-1] == lab.of and len(set(points)) >= 3
    assert json.loads(done.stdout)["files"] == list(lab.files)
    assert "20 of 20 points" in _lab(tree, "check").stdout
    assert _lab(tree, "check", "--lab", str(number % 7 + 1)).returncode == 2


def test_lecturer_grades_many(tmp_path: Path) -> None:
    folders = [submit(LABS[1], tmp_path / f"s{i}") for i in range(4)]
    apply(folders[1], LABS[1].mistakes[0].changes)
    (folders[2] / _FILE).write_text("not C\n", encoding="utf-8")
    (folders[3] / _FILE).unlink()
    file = tmp_path / "grades.csv"
    arguments = ("grade", *map(str, folders), "--csv", str(file), "--lab", "1")
    done = _lab(ROOT, *arguments)
    rows = file.read_text(encoding="utf-8")
    assert done.returncode == 2, done.stderr
    assert [row.split(",")[2] for row in rows.splitlines()[1:]] == ["20", "18", "0", "0"]
    _lab(ROOT, *arguments)
    assert file.read_text(encoding="utf-8") == rows
    assert _lab(ROOT, "grade", str(folders[0])).returncode == 2  # of which lab?


@pytest.mark.long
@pytest.mark.timeout(2400)
def test_forty_submissions(tmp_path: Path) -> None:
    """With boots, one of which does not end: in ten minutes on two cores, and the same twice."""
    lab = LABS[4]
    folders = [submit(lab, tmp_path / f"s{i:02}") for i in range(40)]
    for folder, mistake in zip(folders[1:38], 4 * lab.mistakes):
        apply(folder, mistake.changes)
    submit(lab, folders[38], bench(4).source)
    file = folders[39] / "vm/vcpu.c"
    file.write_text(re.sub(r"(?m)^void vcpu_run\(.*\n{\n", r"\g<0>    for (volatile int i = 0;; i++)\n        ;\n",
                           file.read_text(encoding="utf-8")), encoding="utf-8")  # fmt: skip
    rows = []
    for name in ("once.csv", "twice.csv"):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = _lab(ROOT, "grade", *map(str, folders), "--csv", str(tmp_path / name), "--lab", "4")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert done.returncode == 1, done.stderr
        # What they take of two cores, were these doing nothing else; waiting is a deadline's 20 s at most.
        assert (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / 2 < 580
        rows.append((tmp_path / name).read_text(encoding="utf-8"))
    assert rows[0] == rows[1]
    points = [int(row.split(",")[2]) for row in rows[0].splitlines()[1:]]
    assert (len(points), points[0], points[38]) == (40, lab.of, 0)
    assert all(0 < those < lab.of for those in [*points[1:38], points[39]])


def test_example_of_the_page_for_lecturers(tmp_path: Path) -> None:
    """The patch in docs/labs/README.md gives lab 1 one more task."""
    tree = tmp_path / "tree"
    mirror(ROOT, tree)
    patch = (ROOT / "docs" / "labs" / "README.md").read_bytes()
    subprocess.run(["patch", "-p1", "--no-backup-if-mismatch"], cwd=tree, input=patch, check=True, capture_output=True)
    lab = lab_of(tree, 1)
    made = bench_of_tree(lab, Progress("pytest"), tree)
    assert lab.of == LABS[1].of + 1
    assert Grader(made).grade(submit(lab, tmp_path / "starter", made.source)).points == 0
    assert Grader(made).grade(submit(lab, tmp_path / "solution")).points == lab.of
    (new,) = [mistake for mistake in lab.mistakes if mistake.name not in {old.name for old in LABS[1].mistakes}]
    apply(submit(lab, tmp_path / "mistake"), new.changes)
    grade = Grader(made).grade(tmp_path / "mistake")
    assert [result.name for result in grade.results if not result.points] == list(new.loses)
    assert new.says in told(grade)


def test_a_project_is_graded_by_a_person(tmp_path: Path) -> None:
    assert _lab(ROOT, "start", "8", str(tmp_path / "mine")).returncode == 0
    done = _lab(tmp_path / "mine", "check")
    assert done.returncode == 2
    for check in LABS[8].checks:
        assert check.rubric in done.stdout


def test_an_answer_must_be_the_monitors(tmp_path: Path) -> None:
    """A comment that has the expected text in it is no answer."""
    made = bench(0)
    tree = submit(LABS[0], tmp_path, made.source)
    for name in ("enter", "current", "fail"):
        (tree / f"docs/labs/0/{name}.mon").write_text(
            "# VMX operation on\n#\nVMfailValid 10\n# current VMCS: v\n", encoding="ascii"
        )
    (tree / "docs/labs/0/report.json").write_text('{"verdict": "ok"}', encoding="ascii")
    grade = Grader(made).grade(tree)
    assert grade.points == 0 and "it is no report: it has no 'msrs'" in told(grade)


def test_a_build_in_use_is_kept(tmp_path: Path) -> None:
    """The cache forgets what was used least lately, but not below who grades with it."""
    for age in range(14):
        (tmp_path / str(age)).mkdir()
        (tmp_path / str(age) / "ready").touch()
        os.utime(tmp_path / str(age), (age, age))
    used = Bench(tmp_path / "0", LABS[1])
    forget_old(tmp_path)
    assert used.source.parent.exists() and not (tmp_path / "1").exists() and (tmp_path / "2").exists()


def test_list() -> None:
    done = _lab(ROOT, "list")
    assert done.returncode == 0
    for lab in LABS.values():
        assert lab.title in done.stdout

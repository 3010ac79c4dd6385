"""Mutants: what is made of a piece of C, which are drawn, what is listed as changing nothing."""

import random
import tempfile
import unittest
from collections import Counter
from pathlib import Path

from machine.build import ROOT
from machine.mutants import Mutant, drawn, mutants_of
from machine.mutation import (
    FOLDERS, Equal, Verdict, change_of, mirror, read_equal, score, table,
)  # fmt: skip

_CODE = """\
#include "a.h"
#if 1 > 0
#endif
/* if (x == 1) */
#define TWICE(x) (2 * (x))

enum { FIRST = 010 };

int f(int a, const char *b)
{
    int c = a & 0x30;

    if (a < 3 && b)
        g(a, "1 < 2");
    return *b == '1' ? ~a : a >> 1;
}
"""
_TABLE = """\
ROW(ONE, READ, 1, "one")
ROW(TWO, READ, 2, "two")
ROW(THREE, WRITE, 3, "three")
"""


def _changes(text: str, file: str = "vm/a.c") -> set[tuple[int, str, str, str]]:
    return {
        (mutant.line, mutant.operator, mutant.old, mutant.new)
        for mutant in mutants_of(text, file, random.Random(1))
    }


class MutantsTest(unittest.TestCase):
    def test_all_of_a_function(self) -> None:
        self.assertEqual(
            _changes(_CODE),
            {
                (5, "constant", "2", "3"), (5, "constant", "2", "1"),
                (11, "mask", "&", "|"),
                (11, "constant", "0x30", "0x31"), (11, "constant", "0x30", "0x2f"),
                (11, "mask", "0x30", "0x20"), (11, "mask", "0x30", "0x60"),
                (13, "negate", "if (a < 3 && b)", "if (!(a < 3 && b))"),
                (13, "relational", "<", "<="), (13, "logical", "&&", "||"),
                (13, "constant", "3", "4"), (13, "constant", "3", "2"),
                (14, "statement", 'g(a, "1 < 2");', "(void)0;"),
                (15, "relational", "==", "!="), (15, "mask", "~", ""), (15, "mask", ">>", "<<"),
                (15, "constant", "1", "2"), (15, "constant", "1", "0"),
            },
        )  # fmt: skip

    def test_lines_of_the_statement_around_it(self) -> None:
        for mutant in mutants_of(_CODE, "vm/a.c", random.Random(1)):
            if mutant.line == 13:
                self.assertEqual((mutant.first, mutant.last), (13, 14))
            if mutant.line == 5:
                self.assertEqual((mutant.first, mutant.last), (0, 0))

    def test_a_hint_to_the_compiler_is_left_alone(self) -> None:
        code = "int f(int a)\n{\n    return __builtin_expect((a & 2) == g(3, b[4]), 1);\n}\n"
        numbers = {change[2] for change in _changes(code) if change[1] == "constant"}
        self.assertEqual(numbers, {"2", "3", "4"})
        code = "enum { COUNT = sizeof(rows) / sizeof(rows[0]), MORE = 5 + f(rows[6]) };\n"
        numbers = {change[2] for change in _changes(code) if change[1] == "constant"}
        self.assertEqual(numbers, {"5", "6"})

    def test_a_place_that_only_sorts_is_left_alone(self) -> None:
        code = "BOOT_STEP(100, .run = f, .most = 7);\nSET_MEMBER(words, 3, int, words[5]);\n"
        code += "static int a = BOOT(200, 1);\n"
        numbers = {change[2] for change in _changes(code) if change[1] == "constant"}
        self.assertEqual(numbers, {"7", "5", "200", "1"})

    def test_a_bound_where_both_sides_are_the_same_is_left_alone(self) -> None:
        for same in (
            "return a < b ? a : b;", "c = f(a[1]) > b ? b : f(a[1]);", "g(a >= b ? a - b : 0);",
            "d = a > b ? a - b : b - a;", "if (a->x > 3) a->x = 3;", "if (a <= b) b = a;",
        ):  # fmt: skip
            changes = _changes(f"int f(void)\n{{\n    {same}\n}}\n")
            self.assertNotIn("relational", {change[1] for change in changes}, same)
        for other in (
            "return a < b ? a : b + 1;", "c = a > b ? b : d;", "g(a >= b ? a - b : 1);",
            "return c + a < b ? a : b;", "return a == b ? a : b;", "if (a > 3) a = 4;",
            "if (a < b) a = b; else c = d;", "while (a < b) a = b;", "return a < b;",
            "if (a < b) return a;", "if (a < b) a += b;", "return a < b ? 0 : 0;",
        ):  # fmt: skip
            changes = _changes(f"int f(void)\n{{\n    {other}\n}}\n")
            self.assertIn("relational", {change[1] for change in changes}, other)

    def test_a_shift_by_0_is_left_alone(self) -> None:
        shifts = [change for change in _changes("int f = 1 << 0 | 2 << 1;") if change[2] == "<<"]
        self.assertEqual(len(shifts), 1)

    def test_a_subleaf_that_is_ignored_is_left_alone(self) -> None:
        code = "int f(void)\n{\n    return cpuid(1, 0).ecx + cpuid(CPUID_EXTENDED, 0).eax;\n}\n"
        numbers = [change[2:] for change in _changes(code) if change[1] == "constant"]
        self.assertEqual(sorted(numbers), [("1", "0"), ("1", "2")])
        code = "int f(void)\n{\n    return cpuid(CPUID_TOPOLOGY, 0).ecx;\n}\n"
        self.assertIn((3, "constant", "0", "1"), _changes(code))

    def test_applied(self) -> None:
        for mutant in mutants_of(_CODE, "vm/a.c", random.Random(1)):
            changed = mutant.applied(_CODE)
            self.assertNotEqual(changed, _CODE)
            self.assertEqual(changed.count("\n"), _CODE.count("\n"))

    def test_operands_of_a_table(self) -> None:
        operands = {change for change in _changes(_TABLE, "vm/a.def") if change[1] == "operand"}
        self.assertEqual(
            operands,
            {(1, "operand", "READ", "WRITE"), (2, "operand", "READ", "WRITE"),
             (3, "operand", "WRITE", "READ")},
        )  # fmt: skip
        self.assertFalse([change for change in _changes(_TABLE) if change[1] == "operand"])

    def test_drawn_evenly_and_the_same_each_time(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            tree = Path(folder)
            for name, text in (("vm/a.c", _CODE * 5), ("vm/a.def", _TABLE), ("mm/b.c", _CODE)):
                (tree / name).parent.mkdir(exist_ok=True)
                (tree / name).write_text(text, encoding="utf-8")
            files = ["mm/b.c", "vm/a.c", "vm/a.def"]
            some = drawn(tree, files, 24, 5)
            self.assertEqual(some, drawn(tree, files, 24, 5))
            self.assertNotEqual(some, drawn(tree, files, 24, 6))
            self.assertEqual(len(set(some)), 24)
            self.assertEqual(
                Counter(mutant.group for mutant in some), {"mm": 8, "vm": 8, "vm/*.def": 8}
            )
            self.assertEqual(len({mutant.operator for mutant in some if mutant.group == "vm"}), 6)
            self.assertEqual(drawn(tree, [], 24, 5), [])


class MirrorTest(unittest.TestCase):
    def test_what_is_the_same_keeps_its_time(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            tree, copy = Path(folder) / "tree", Path(folder) / "copy"
            for name in ("a/kept", "a/changed", "a/gone", "build-x/object", ".git/HEAD"):
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                (tree / name).write_text(name, encoding="utf-8")
            mirror(tree, copy)
            self.assertEqual({path.name for path in copy.iterdir()}, {"a"})
            before = (copy / "a/kept").stat().st_mtime_ns
            (tree / "a/gone").unlink()
            (tree / "a/changed").write_text("otherwise", encoding="utf-8")
            mirror(tree, copy)
            self.assertEqual({path.name for path in (copy / "a").iterdir()}, {"kept", "changed"})
            self.assertEqual((copy / "a/changed").read_text(encoding="utf-8"), "otherwise")
            self.assertEqual((copy / "a/kept").stat().st_mtime_ns, before)


class ScoreTest(unittest.TestCase):
    def test_what_changes_nothing_does_not_count(self) -> None:
        verdicts = ["killed", "killed", "killed", "survived", "equal", "did not compile"]
        self.assertEqual(score(Counter(verdicts)), 75.0)
        self.assertEqual(score(Counter()), 0.0)
        mutant = Mutant("mm/a.c", 1, 0, "1", "2", "constant", 0, 0)
        lines = table([(mutant, Verdict(verdict)) for verdict in verdicts])
        self.assertEqual(lines[-1].split(), ["all", "6", "1", "1", "3", "1", "75.0", "%"])


class EqualTest(unittest.TestCase):
    def test_one_change_of_one_line(self) -> None:
        entry = Equal("mm/a.c", "if (a < 3)", ("3 -> 4",), "why")
        mutant = Mutant("mm/a.c", 7, 100, "3", "4", "constant", 7, 8)
        self.assertTrue(entry.is_about(mutant, "    if (a < 3)"))
        self.assertTrue(Equal("mm/a.c", "*", (), "why").is_about(mutant, "    if (a < 3)"))
        self.assertFalse(Equal("mm/b.c", "*", (), "why").is_about(mutant, "    if (a < 3)"))
        self.assertFalse(entry.is_about(mutant, "    if (b < 3)"))
        self.assertFalse(
            entry.is_about(Mutant("mm/a.c", 7, 100, "3", "2", "constant", 7, 8), "if (a < 3)")
        )
        self.assertFalse(
            entry.is_about(Mutant("mm/b.c", 7, 100, "3", "4", "constant", 7, 8), "if (a < 3)")
        )

    def test_every_entry_is_of_the_code_as_it_is(self) -> None:
        entries = read_equal()
        changes: dict[str, dict[str, set[str]]] = {}  # of each file: those of a line as it is written
        for file in {entry.file for entry in entries}:
            text = (ROOT / file).read_text(encoding="utf-8")
            lines = [line.strip() for line in text.splitlines()]
            changes[file] = {line: set() for line in lines}
            for seed in range(20):  # by which another row is chosen for a table's operand
                for mutant in mutants_of(text, file, random.Random(seed)):
                    changes[file][lines[mutant.line - 1]].add(change_of(mutant))
        for entry in entries:
            with self.subTest(file=entry.file, line=entry.line):
                self.assertIn(entry.file.split("/")[0], FOLDERS)
                self.assertTrue(entry.why.strip())
                if entry.line != "*":
                    self.assertIn(entry.line, changes[entry.file])
                    self.assertLessEqual(set(entry.changes), changes[entry.file][entry.line])


if __name__ == "__main__":
    unittest.main()

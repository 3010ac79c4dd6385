"""tools/gen_corpus.py: what it makes of rows, and what it says of torn ones."""

import tempfile
import unittest
from pathlib import Path

import gen_corpus

GOOD = {
    **{column: "" for column in gen_corpus.HEADER},
    "id": "a-row",
    "cpu": 'A "CPU", 2 GHz',
    "family_model_stepping": "06_3CH_3 (cpuid.1.eax=0x306c3)",
    "kind": "bare-metal",
    "msr_480": "0xda040000000012",
}


def line(row: dict[str, str]) -> str:
    cells = (row[column].replace('"', '""') for column in gen_corpus.HEADER)
    return ",".join(f'"{cell}"' for cell in cells) + "\n"


class GenCorpus(unittest.TestCase):
    def made(self, *lines: str) -> str:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rows.csv"
            path.write_text("".join(lines), encoding="utf-8")
            return "".join(gen_corpus.put_corpus(gen_corpus.read_rows(path)))

    header = ",".join(gen_corpus.HEADER) + "\n"

    def test_a_row_becomes_an_initializer(self) -> None:
        text = self.made(self.header, line(GOOD))
        self.assertIn('.cpu = "A \\042CPU\\042, 2 GHz"', text)
        self.assertIn(".dump.msrs.present = 0x1,", text)
        self.assertIn(".dump.msrs.value[0] = 0xda040000000012ull,", text)
        self.assertNotIn("feature_control", text)

    def test_what_is_torn_is_told(self) -> None:
        for lines, told in (
            (["id,cpu\n"], "the header is not"),
            ([self.header, "a-row,b\n"], "does not have 29 cells"),
            ([self.header, line(GOOD), line(GOOD)], "two rows are named a-row"),
            ([self.header, line({**GOOD, "msr_481": "12"})], "row a-row, msr_481"),
            ([self.header, line({**GOOD, "msr_481": "0x" + "1" * 17})], "row a-row, msr_481"),
        ):
            with self.subTest(told), self.assertRaisesRegex(ValueError, told):
                self.made(*lines)

    def test_generations_of_every_table_exist(self) -> None:
        names = [entry.name for entry in gen_corpus.GENERATIONS]
        self.assertEqual(len(names), len(set(names)))
        used = [
            *gen_corpus.INTEL_FAMILY_6,
            *gen_corpus.INTEL_STEPPINGS.values(),
            *gen_corpus.CENTAUR.values(),
            *(name for _, name in gen_corpus.NAMES),
        ]
        self.assertLessEqual(set(used), set(names))

    def test_no_model_is_in_two_generations(self) -> None:
        models = [model for row in gen_corpus.INTEL_FAMILY_6.values() for model in row]
        self.assertEqual(len(models), len(set(models)))

    def test_unknown_processors_have_no_generation(self) -> None:
        for cell in ("06_FEH_1", "05_04H_3", ""):
            self.assertIsNone(gen_corpus.generation({**GOOD, "family_model_stepping": cell}))
        self.assertEqual(gen_corpus.generation(GOOD), "Haswell")

"""The description of the report notices every kind of departure."""

import re
import unittest
from typing import Any

from boot.schema import MapOf, complaints

WANTED: Any = {
    "count": int,
    "hex": re.compile(r"0x[0-9a-f]+"),
    "flag": bool,
    "list": [{"a": ("x", "y", None)}],
    "map": MapOf(re.compile(r"m\d"), (int, bool)),
}
GOOD: Any = {"count": 1, "hex": "0x1f", "flag": True, "list": [{"a": None}], "map": {"m1": 3}}
CHANGES: tuple[dict[str, Any], ...] = (
    {"count": True},
    {"count": "1"},
    {"count": None},
    {"hex": "0x"},
    {"hex": "0x1F"},
    {"hex": 31},
    {"flag": 1},
    {"list": {}},
    {"list": [{}]},
    {"list": [{"a": "z"}]},
    {"list": [{"a": None, "b": 1}]},
    {"map": []},
    {"map": {"n": 1}},
    {"map": {"m1": "1"}},
    {"more": 1},
)


class SchemaTest(unittest.TestCase):
    """complaints() on a good document and on each way to spoil it."""

    def test_good(self) -> None:
        self.assertEqual(list(complaints(GOOD, WANTED)), [])
        self.assertEqual(list(complaints({**GOOD, "list": [], "map": {}}, WANTED)), [])

    def test_spoilt(self) -> None:
        for change in CHANGES:
            with self.subTest(change=change):
                self.assertEqual(len(list(complaints({**GOOD, **change}, WANTED))), 1)

    def test_missing(self) -> None:
        for key in GOOD:
            rest = {name: value for name, value in GOOD.items() if name != key}
            self.assertEqual(len(list(complaints(rest, WANTED))), 1)

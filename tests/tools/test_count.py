"""tools/test counts what CTest and pytest write: what did not pass has failed."""

from pathlib import Path

from machine.test import Count

_PYTEST = """<testsuites><testsuite name="pytest" tests="4">
<testcase classname="a.test_a" name="test_good"/>
<testcase classname="a.test_a" name="test_bad"><failure message="no">why</failure></testcase>
<testcase classname="a.test_a" name="test_torn"><error message="no">why</error></testcase>
<testcase classname="a.test_a" name="test_left_out"><skipped message="no"/></testcase>
</testsuite></testsuites>"""

_CTEST = """<testsuite name="Linux-c++" tests="3">
<testcase name="paging" classname="paging" status="run"/>
<testcase name="ept" classname="ept" status="fail"><failure message=""/></testcase>
<testcase name="json" classname="json" status="notrun"/>
</testsuite>"""


def test_count(tmp_path: Path) -> None:
    count = Count()
    for name, text, tests in (("pytest.xml", _PYTEST, 4), ("ctest.xml", _CTEST, 3)):
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert count.add(tmp_path / name) == tests
    assert count.passed == 2
    assert count.failed == ["a.test_a: test_bad", "a.test_a: test_torn", "a.test_a: test_left_out",
                            "ept: ept", "json: json"]  # fmt: skip

"""The monitor's scripts: on the model CPU and in Bochs, with the same answers, which a page shows."""

import re
import subprocess
from pathlib import Path

import pytest
from machine.build import build, build_kernel
from machine.errors import UserError
from machine.monitor import failures, script_of
from machine.terminal import Progress

import gen_monitor
from gen_monitor import PAGE, ROOT, SCRIPTS

# Answers that no two machines give alike.
_ON_THIS_MACHINE = {
    "01-is-there-vmx": "CPUID",
    "12-ept-pointer": "the address of the page tables that the processor walks",
    "14-no-way-back": "the CPU's own registers",
    "21-another-cpu": "the model is one CPU",
    "23-not-yours": "where memory ends",
}
_LINES_MAX = 900
_IMAGE_MAX = 12 * 1024  # bytes: code, tables, text
_ONE_CPU = [script for script in SCRIPTS if script.stem != "21-another-cpu"]
_SAME = [script for script in SCRIPTS if script.stem not in _ON_THIS_MACHINE]


@pytest.fixture(name="model", scope="module")
def _model() -> Path:
    return build("default", ["monitor_model"], Progress("pytest")) / "tests" / "host" / "monitor_model"


@pytest.fixture(name="bochs", scope="module")
def _bochs() -> dict[str, list[str]]:
    return dict(zip([script.name for script in SCRIPTS], gen_monitor.run_all(), strict=True))


def _run(model: Path, script: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([model, script], capture_output=True, text=True, check=False)


def _by_name(lines: list[str]) -> list[str]:
    """With the names of pages for their addresses: `v = 0x…` gives one."""
    names: dict[int, str] = {}
    told = []
    for line in lines:
        if given := re.match(r"(\w+) = 0x([0-9a-f]+)\b", line):
            names[int(given[2], 16)] = given[1]

        def name(found: re.Match[str]) -> str:
            value = int(found[0], 16)
            page = names.get(value & ~0xFFF)
            return str(found[0]) if page is None else f"{page}+{value & 0xFFF:#x}"

        told.append(re.sub(r"0x[0-9a-f]+", name, line))
    return told


def test_it_is_small() -> None:
    """The room, not counting what reads a line (kernel/line/), which knows nothing of VMX."""
    files = [file for file in (ROOT / "kernel" / "monitor").iterdir() if file.suffix in {".c", ".h", ".def", ".S"}]
    assert sum(file.read_text(encoding="utf-8").count("\n") for file in files) <= _LINES_MAX
    build_kernel(Progress("pytest"))
    folder = ROOT / "build" / "kernel" / "CMakeFiles" / "room_monitor.dir" / "monitor"
    objects = [folder / f"{file.name}.o" for file in files if file.suffix == ".c"]
    told = subprocess.run(["size", *objects], capture_output=True, text=True, check=True).stdout
    sizes = [line.split() for line in told.splitlines()[1:]]
    assert len(sizes) == len(objects) >= 3
    assert sum(int(text) + int(data) for text, data, *_ in sizes) <= _IMAGE_MAX


@pytest.mark.parametrize("script", _ONE_CPU, ids=[script.stem for script in _ONE_CPU])
def test_on_the_model(model: Path, script: Path) -> None:
    done = _run(model, script)
    assert done.returncode == 0, done.stdout


def test_bochs_answers_as_the_model(model: Path, bochs: dict[str, list[str]]) -> None:
    commands = 0
    for script in _SAME:
        of_model = _by_name(_run(model, script).stdout.splitlines())
        assert _by_name(bochs[script.name]) == of_model, script.name
        commands += sum(line.startswith("rootmode> ") and " expect " not in line for line in of_model)
    assert commands >= 60


def test_page_is_fresh(bochs: dict[str, list[str]]) -> None:
    fresh = gen_monitor.page([bochs[script.name] for script in SCRIPTS])
    shown = PAGE.read_text(encoding="utf-8")
    again = "make the page anew: tools/gen_monitor.py"
    assert gen_monitor.without_addresses(shown) == gen_monitor.without_addresses(fresh), again


def test_there_are_scripts_for_each_vmx_instruction() -> None:
    text = "\n".join(script.read_text(encoding="utf-8") for script in SCRIPTS)
    for word in ("vmxon", "vmxoff", "vmclear", "vmptrld", "vmptrst", "vmread", "vmwrite", "vmlaunch",
                 "vmresume", "invept", "invvpid"):  # fmt: skip
        assert re.search(rf"^{word}\b", text, re.MULTILINE), word
    assert len(SCRIPTS) >= 20


def test_a_script_may_come_by_a_pipe() -> None:
    run = "tools/run --on bochs --cpus 1 --monitor --script <(echo vmxoff; echo 'expect #UD')"
    done = subprocess.run(["bash", "-c", run], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("typed", ["", "alloc page\nvmxoff\nquit\n", "alloc page\nvmxoff"], ids=["nothing", "quit", "end"])
def test_a_prompt_at_a_pipe(typed: str) -> None:
    """What it gives waits for the prompt; at its end the session ends."""
    command = [str(ROOT / "tools/run"), "--on", "bochs", "--cpus", "1", "--monitor"]
    done = subprocess.run(command, input=typed, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "verdict: ok" in done.stdout
    assert ("page = 0x" in done.stdout and "#UD" in done.stdout) == bool(typed)


def test_a_prompt_without_standard_input() -> None:
    """Closed, it is as a pipe that has ended."""
    done = subprocess.run(
        ["bash", "-c", "tools/run --on bochs --cpus 1 --monitor <&-"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "verdict: ok" in done.stdout


def test_a_pipe_waits_for_a_machine_only_so_long() -> None:
    command = [str(ROOT / "tools/run"), "--on", "bochs", "--cpus", "1", "--monitor", "--append", "exit=halt", "--timeout", "5"]
    done = subprocess.run(command, input="quit\n", capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "silent for 5 s" in done.stderr


def test_lines_may_end_as_on_windows(tmp_path: Path) -> None:
    first, second = tmp_path / "first.mon", tmp_path / "second.mon"
    first.write_bytes(b"vmxon\r\n\r\nvmxoff\r\n")
    second.write_bytes(b"state")
    script, _ = script_of([first, second], tmp_path)
    assert script.kernel.read_bytes() == b"vmxon\n\nvmxoff\nreset\nstate\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("vmxon\n# caf\u00e9\n".encode(), ":2: '\u00e9' is not printable ASCII"),
        (b"# caf\xe9\n", ":1: '\ufffd' is not printable ASCII"),  # Latin-1
        (b"vmx\ron\n", r":1: '\r' is not printable ASCII"),
        (b"vmxon\n\n#" + b" " * 255 + b"\n", ":3: 256 characters; a line has at most 255"),
    ],
    ids=["utf-8", "latin-1", "control", "long"],
)
def test_a_script_that_cannot_be_read(text: bytes, why: str, tmp_path: Path) -> None:
    script = tmp_path / "bad.mon"
    script.write_bytes(text)
    with pytest.raises(UserError) as refused:
        script_of([script], tmp_path)
    assert str(refused.value) == f"--script: {script}{why}"


def test_the_longest_line_is_whole(model: Path, tmp_path: Path) -> None:
    (script := tmp_path / "long.mon").write_text("#" * 255 + "\n", encoding="ascii")
    assert _run(model, script_of([script], tmp_path)[0].kernel).stdout.splitlines() == ["#" * 255]


# Of lines that a script has, what stderr says of them.
_FAIL = {
    "expect VMfailInvalid": "the answer is without that",
    "vmlunch": "not understood",
    "vmread GUEST_RIQ": "not understood",
    "cpu 7": "not understood",
    "staet": "not understood",
}
_SCRIPTS = ["# a comment\n\nvmxon\nexpect VMfailInvalid\n\tvmlunch\nstate\n",
            "vmread GUEST_RIQ\n# a comment\ncpu 7\nalloc 12\nexpect no page\nvmlunch\nexpect nearest\nstaet\n"]  # fmt: skip


def test_lines_that_fail_a_script(tmp_path: Path) -> None:
    """An `expect` that is not met, and what is not understood and not expected: at the next line, and at the end."""
    command = [str(ROOT / "tools/run"), "--on", "bochs", "--cpus", "1", "--monitor"]
    wanted = []
    for number, text in enumerate(_SCRIPTS):
        (script := tmp_path / f"{number}.mon").write_text(text, encoding="ascii")
        command += ["--script", str(script)]
        for place, line in enumerate(map(str.strip, text.splitlines()), 1):
            if line in _FAIL and not (line == "vmlunch" and number == 1):
                wanted.append(f"tools/run: --script: {script}:{place}: {line}: {_FAIL[line]}")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if "--script" in line] == wanted
    assert len(wanted) == 5


def test_places_of_failures() -> None:
    assert failures([], ["verdict: ok"]) == []
    told = ["# a", "rootmode> a", "unknown here", "rootmode> b", "FAILED: the line before was not understood", "ok",
            "rootmode> c", "unknown here", "FAILED: the line before was not understood"]  # fmt: skip
    assert failures(["a", "b", "c"], told) == ["a: not understood", "c: not understood"]


def test_an_expectation_that_fails(model: Path, tmp_path: Path) -> None:
    script = tmp_path / "wrong.mon"
    for text, status in (("vmxon\nexpect VMfailInvalid\n", 1), ("vmlunch\n", 1), ("vmlunch\nexpect vmlaunch\n", 0)):
        script.write_text(text, encoding="ascii")
        assert _run(model, script).returncode == status

"""vmcheck as people call it, and docs/vmcheck.md's examples."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
from pathlib import Path

import pytest

from machine.build import ROOT, build
from machine.terminal import Progress

HASWELL = "ilx-306c3-haswell-cpuid"
PAGE = ROOT / "docs" / "vmcheck.md"
# ```dump, the text that is pasted; ```answer OPTIONS, what vmcheck says of the one before it.
BLOCKS = re.compile(r"^```(dump|answer)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(name="program", scope="module")
def fixture_program() -> Path:
    """The program, built once."""
    given = os.environ.get("VMCHECK")
    if given:
        return Path(given)
    return build("default", ["vmcheck"], Progress("tools")) / "tools" / "entry" / "vmcheck"


def run_it(program: Path, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """Runs it with `text` as its standard input."""
    return subprocess.run(
        [program, *words], input=text, capture_output=True, text=True, check=False, timeout=60
    )


def examples() -> list[tuple[str, list[str], str]]:
    """Of each answer in the page: the dump before it, the options, the answer."""
    found: list[tuple[str, list[str], str]] = []
    dump = ""
    for kind, options, text in BLOCKS.findall(PAGE.read_text(encoding="utf-8")):
        if kind == "dump":
            dump = text
        else:
            found.append((dump, options.split(), text))
    return found


def test_examples_of_the_page(program: Path) -> None:
    """The page shows three, each with what the program says."""
    assert len(examples()) == 3
    for dump, options, answer in examples():
        assert run_it(program, *options, text=dump).stdout == answer


def test_json(program: Path) -> None:
    """The keys, and a rule with what it looked at."""
    ran = run_it(program, "--json", "--cpu", HASWELL, text="GUEST_RFLAGS = 0\nHOST_RIP = 0\n")
    said = json.loads(ran.stdout)
    (dump,) = said["dumps"]
    assert ran.returncode == 1
    assert dump["format"] == "list" and dump["line"] == 1 and dump["cpu"] == HASWELL
    assert dump["verdict"] == "refused" and dump["outcome"] == "exit reason 33"
    (broken,) = dump["broken"]
    assert broken["rule"] == "guest-rflags-bit-1" and broken["fields"] == ["Guest RFLAGS"]
    assert broken["seen"] == "0x0" and broken["wanted"] == "0x2" and broken["sdm"]
    needs = {item["rule"]: item["needs"] for item in dump["depends"]}
    assert needs["link-pointer-aligned"] == ["VMCS link pointer"]
    assert dump["suspicions"][0]["fields"] == ["Host RIP"]
    assert said["not_understood"] == {"count": 0, "first": []}


def test_a_megabyte_of_noise_is_read_at_once(program: Path) -> None:
    """Words and numbers without end: a name is looked up, not searched for, and has few words."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    assert run_it(program, text="x 1 " * 250_000).returncode == 2
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 3


@pytest.mark.parametrize("sign", ["*", "(", "[", "{", "=", "> ", "GUEST_CR0 ", "VMCS: ", "0 ", "-"])
def test_a_line_without_end(program: Path, sign: str) -> None:
    """Is read in one go, whatever it consists of."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    run_it(program, text=sign * (400_000 // len(sign)))
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 3


def test_a_file_that_is_no_text(program: Path) -> None:
    """Words between bytes that no text has are none."""
    ran = subprocess.run(
        [program], input=b"\x7fELF\0\1\0 GUEST_CR0 = 0\0\0\n" * 9, capture_output=True, check=False
    )
    assert ran.returncode == 2 and ran.stdout == b""


def test_without_a_dump(program: Path) -> None:
    """Garbage, nothing, a file that is not there: 2, and words."""
    for text in ("", "no dump here: eax=zzz\n" * 1000, "\0\1\2\377=:[(\n"):
        ran = run_it(program, text=text)
        assert ran.returncode == 2 and ran.stdout == ""
        assert "no field of a VMCS found in standard input" in ran.stderr
    ran = run_it(program, "--json")
    assert ran.returncode == 2 and json.loads(ran.stdout)["dumps"] == []
    ran = run_it(program, "/nowhere")
    assert ran.returncode == 2 and "vmcheck: /nowhere: No such file" in ran.stderr


def test_values_that_are_none(program: Path) -> None:
    """A clear sentence each, and 2 where nothing else is there."""
    for text, said in (
        ("GUEST_CS_SELECTOR = 0x12345\n", "expected a value that is as wide as its field"),
        ("GUEST_CR0 = 0xfffffffffffffffff\n", "expected a number of 16 hex digits at most"),
        ("VMCS_LINK_POINTER = -1\n", "expected a number without a sign"),
    ):
        ran = run_it(program, text=text)
        assert ran.returncode == 2 and ran.stdout.startswith("Not understood: 1 line\n") and said in ran.stdout
        assert run_it(program, text=text + "GUEST_RFLAGS = 2\n").returncode == 0


def test_where_a_file_can_come_from(program: Path, tmp_path: Path) -> None:
    """A name, -, /dev/stdin; a folder and what nobody may read are told."""
    text = "GUEST_RFLAGS = 0\r\n"
    (tmp_path / "dump").write_text(text, encoding="utf-8")
    (tmp_path / "wide").write_text(text, encoding="utf-16")
    answers = {run_it(program, name, text=text).stdout for name in ("-", "/dev/stdin", str(tmp_path / "dump"))}
    answers |= {run_it(program, str(tmp_path / "wide")).stdout, run_it(program, text=text).stdout}
    assert len(answers) == 1 and "guest-rflags-bit-1" in answers.pop()
    ran = run_it(program, str(tmp_path))
    assert ran.returncode == 2 and "Is a directory" in ran.stderr


def test_an_answer_that_cannot_be_written(program: Path) -> None:
    """Is no answer: 2."""
    with open("/dev/full", "w", encoding="utf-8") as full:
        ran = subprocess.run(
            [program], input="GUEST_RFLAGS = 2\n", stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ran.returncode == 2 and "could not be written" in ran.stderr


def test_msrs_that_kvm_lists(program: Path) -> None:
    """The entry that a VM entry does not load, by its number."""
    dump = (ROOT / "tests" / "fuzz" / "corpus" / "vmcs_text" / "kvm-msrs").read_text(encoding="utf-8")
    (told,) = json.loads(run_it(program, "--json", text=dump).stdout)["dumps"]
    (broken,) = told["broken"]
    assert broken["rule"] == "msr-fs-gs-base" and broken["seen"] == "0xc0000100" and broken["entry"] == 2
    assert told["outcome"] == "exit reason 34"


@pytest.mark.parametrize(
    "words, said",
    [
        (["--frob"], "unknown option --frob"),
        (["--jsn"], "unknown option --jsn; the nearest known one is --json"),
        (["--msrz=x"], "unknown option --msrz; the nearest known one is --msrs"),
        (["--cpu"], "a value is missing behind --cpu"),
        (["--cpu", "haswel"], "unknown row `haswel`"),
        (["--cpu", HASWELL, "--msrs", "x"], "give one"),
        (["a", "b"], "one word too many: b"),
    ],
)
def test_wrong_use(program: Path, words: list[str], said: str) -> None:
    """2, and a sentence that says what is wrong."""
    ran = run_it(program, *words)
    assert ran.returncode == 2 and said in ran.stderr


def test_msrs_of_a_file(program: Path, tmp_path: Path) -> None:
    """A control that the file's registers do not offer; an MSR that it lacks is not 0."""
    (tmp_path / "msrs").write_text("0x480=0xda040000000012\n0x48d=0x7f00000016\n", encoding="utf-8")
    dump = "PIN_BASED_VM_EXEC_CONTROL = 0x96\nVM_ENTRY_CONTROLS = 0x11ff\n"
    ran = run_it(program, "--json", "--msrs", str(tmp_path / "msrs"), text=dump)
    (told,) = json.loads(ran.stdout)["dumps"]
    assert [item["rule"] for item in told["broken"]] == ["pin-must-be-0"]
    needs = {item["rule"]: item["needs"] for item in told["depends"]}
    assert "IA32_VMX_TRUE_ENTRY_CTLS" in needs["entry-must-be-0"]


def test_rule_that_some_cpus_break(program: Path) -> None:
    """Haswell has no SMAP, its successors do: IA32_VMX_CR4_FIXED1 does not let the bit be 1 there."""
    dump = f"GUEST_CR4 = {1 << 13 | 1 << 21:#x}\nVM_ENTRY_CONTROLS = 0x11ff\n"
    ran = run_it(program, "--json", text=dump)
    (told,) = json.loads(ran.stdout)["dumps"]
    (depends,) = [item for item in told["depends"] if item["needs"] == ["CPU"]]
    assert ran.returncode == 0 and told["verdict"] == "depends" and told["broken"] == []
    assert depends["rule"] == "guest-cr4-fixed" and 0 < depends["breaks"] < told["cpus"]
    ran = run_it(program, "--json", "--cpu", HASWELL, text=dump)
    (told,) = json.loads(ran.stdout)["dumps"]
    assert ran.returncode == 1
    assert [item["rule"] for item in told["broken"]] == ["guest-cr4-fixed"]


def test_model_of_an_emulator(program: Path) -> None:
    """By its name in Bochs; the answer says whose values these are."""
    said = run_it(program, "--cpu", "corei7_haswell_4770", text="GUEST_RFLAGS = 2\n").stdout
    assert "on bochs-2-7-corei7-haswell-4770\n" in said


@pytest.mark.parametrize("error, fits", [(8, True), (7, False)])
def test_what_the_processor_said(program: Path, error: int, fits: bool) -> None:
    """A null selector for the host's CS is a wrong host-state field: error 8, not 7."""
    dump = f"HOST_CS_SELECTOR = 0\nVM_INSTRUCTION_ERROR = {error}\n"
    said = run_it(program, "--cpu", HASWELL, text=dump).stdout
    assert f"VM-instruction error {error}" in said and "host-selector-null" in said
    assert ("does not fit what the processor said" not in said) == fits


def test_what_else_it_can_be(program: Path) -> None:
    """Where no rule is broken."""
    said = run_it(program, text="GUEST_RFLAGS = 2\n").stdout
    for words in ("the launch state", "MOV SS", "address of a structure", "a hypervisor below", "another CPU"):
        assert words in said


def test_two_dumps(program: Path) -> None:
    """Both are told, numbered; the worse one is the exit status."""
    ran = run_it(program, text="GUEST_RFLAGS: 2\nGUEST_DR7: 0\nGUEST_RFLAGS: 0\n")
    assert ran.returncode == 1
    assert "VMCS 1 of 2, line 1: list, 2 fields" in ran.stdout
    assert "VMCS 2 of 2, line 3: list, 1 field;" in ran.stdout


def test_log_of_an_emulator(program: Path) -> None:
    """Bochs names the check that failed: the rule is told, without any field of the VMCS."""
    log = "00085435234e[CPU0  ] VMENTER FAIL: VMCS guest RFLAGS[1] cleared\n"
    ran = run_it(program, text=log)
    assert ran.returncode == 1
    assert "line 1: Bochs refused a VM entry" in ran.stdout and "guest-rflags-bit-1" in ran.stdout
    ran = run_it(program, "--json", text=log + "GUEST_CR3 = 0x1000\n")
    said = json.loads(ran.stdout)
    assert ran.returncode == 1 and len(said["dumps"]) == 1
    assert [item["rules"] for item in said["emulator"]] == [["guest-rflags-bit-1"]]
    assert said["emulator"][0]["line"] == 1


def test_help_version_and_list(program: Path) -> None:
    """What needs no dump."""
    assert run_it(program, "--help").stdout.startswith("usage: vmcheck")
    assert run_it(program, "--version").stdout.startswith("vmcheck (Rootmode) ")
    assert HASWELL in run_it(program, "--list").stdout


def complete(program: Path, folder: Path, *words: str) -> list[str]:
    """What bash offers for the last of the words."""
    script = ROOT / "tools" / "entry" / "bash-completion"
    quoted = " ".join(f"'{word}'" for word in (str(program), *words))
    text = (
        f"source '{script}'; COMP_WORDS=({quoted}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); "
        '_vmcheck; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=True, cwd=folder)
    return done.stdout.split()


def test_completion(program: Path, tmp_path: Path) -> None:
    """Options, rows of the corpus, files."""
    (tmp_path / "dump.txt").write_text("", encoding="utf-8")
    assert complete(program, tmp_path, "--js") == ["--json"]
    assert complete(program, tmp_path, "--cpu", "ilx-306c3-haswell-") == [HASWELL]
    assert complete(program, tmp_path, "--msrs", "du") == ["dump.txt"]
    assert complete(program, tmp_path, "--json", "du") == ["dump.txt"]


def test_every_option_is_told(program: Path) -> None:
    """By --help, in the manual, to bash."""
    manual = (ROOT / "tools/entry/vmcheck.1").read_text(encoding="utf-8")
    completion = (ROOT / "tools/entry/bash-completion").read_text(encoding="utf-8")
    source = (ROOT / "tools/entry/vmcheck.c").read_text(encoding="utf-8")
    options = re.findall(r'^    \{"([a-z]+)",', source, re.MULTILINE)
    assert len(options) == 6
    for option in options:
        assert f"--{option}" in run_it(program, "--help").stdout
        assert re.search(rf"(Fl |\| )-{option}\b", manual), option
        assert f"--{option}" in completion
    for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "EXAMPLES"):
        assert f".Sh {section}\n" in manual

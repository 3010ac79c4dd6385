"""vmxcap as people call it: every source, every output, every exit status."""

import json
import os
import pty
import re
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import]

from machine.build import ROOT, build
from machine.terminal import Progress

CSV = ROOT / "tests" / "data" / "vmx-msrs" / "vmx-msrs.csv"
SKYLAKE = "ilx-406e3-skylake-cpuid"
T2600 = "vboxdb-core-duo-t2600"  # 32-bit only: refused
NO_BASIC = "nested-gce-a"  # IA32_VMX_BASIC was not recorded: incomplete
# What the boot report has too, in its shapes; a dump does not tell APIC ids.
SHARED = ("findings", "findings_lost", "check", "registers", "msrs", "vmcs_config", "vmx_capability")
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


class VmxcapTest(unittest.TestCase):
    """The program, built once, run anew for each question."""

    program: Path

    @classmethod
    def setUpClass(cls) -> None:
        given = os.environ.get("VMXCAP")
        if given:
            cls.program = Path(given)
        else:
            folder = build("default", ["vmxcap"], Progress("tools"))
            cls.program = folder / "tools" / "capability" / "vmxcap"

    def setUp(self) -> None:
        self._temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self._temporary.cleanup)
        self.folder = Path(self._temporary.name)

    def run_it(
        self, *words: str | Path, text: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs it with `text` as its standard input."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in ("COLUMNS", "NO_COLOR", "VMXCAP_DEV_CPU")
        }
        return subprocess.run(
            [self.program, *words], input=text, env={**kept, **environment}, capture_output=True,
            text=True, check=False, timeout=60,
        )  # fmt: skip

    def good(self, *words: str | Path, text: str = "", status: int = 0, **environment: str) -> str:
        """What it prints; nothing is to stand on the standard error."""
        done = self.run_it(*words, text=text, **environment)
        self.assertEqual((done.returncode, done.stderr), (status, ""), words)
        return done.stdout

    def bad(self, *words: str | Path, text: str = "", **environment: str) -> str:
        """What it complains of, with status 2 and nothing on the standard output."""
        done = self.run_it(*words, text=text, **environment)
        self.assertEqual((done.returncode, done.stdout), (2, ""), words)
        self.assertTrue(done.stderr.startswith("vmxcap: "), done.stderr)
        return done.stderr

    def sets(self, *words: str | Path, text: str = "", status: int = 0) -> list[dict[str, Any]]:
        """The JSON that it prints, read by Python."""
        found = json.loads(self.good("--json", *words, text=text, status=status))
        assert isinstance(found, list)
        return found

    def write(self, name: str, text: str) -> Path:
        """A file for it to read."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path


class Output(VmxcapTest):
    """Reports, JSON, differences, lists."""

    def test_report_of_a_row(self) -> None:
        page = self.good("--row", SKYLAKE)
        self.assertIn("verdict: ok", page)
        self.assertIn("  44:32  1024        bytes for a VMXON region or a VMCS\n", page)
        self.assertRegex(page, r"\n +7 +0 or 1 +unrestricted guest: ")
        self.assertNotIn("\x1b", page)

    def test_statuses(self) -> None:
        self.good("--row", SKYLAKE, status=0)
        self.good("--row", T2600, status=1)
        self.good("--row", NO_BASIC, status=3)
        self.good("--row", NO_BASIC, "--row", T2600, "--row", SKYLAKE, status=1)
        self.good("--row", SKYLAKE, "--row", NO_BASIC, status=3)

    def test_json_is_in_the_shapes_of_the_boot_report(self) -> None:
        report = json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8"))
        report["required"] = list(SHARED)
        report["properties"]["findings"]["items"]["properties"]["apic_id"] = {"type": "null"}
        shapes = jsonschema.Draft202012Validator(report)
        rows = self.sets(CSV, status=1)
        self.assertEqual(len(rows), 278)
        for row in rows:
            shared = {name: row[name] for name in SHARED}
            self.assertEqual([error.message for error in shapes.iter_errors(shared)], [], row["id"])
            self.assertIn(row["verdict"], ("ok", "refused", "incomplete"))
            stages = {stage["stage"]: stage["verdict"] for stage in row["stages"]}
            self.assertEqual(stages[row["stage"]], "ok")
            self.assertEqual(row["verdict"], stages["vmxon"])

    def test_json_of_three_rows(self) -> None:
        good, refused, incomplete = self.sets(
            "--row", SKYLAKE, "--row", T2600, "--row", NO_BASIC, status=1
        )
        self.assertEqual((good["verdict"], good["stage"]), ("ok", "unrestricted-guest"))
        self.assertEqual(good["vmcs_config"]["size"], 1024)
        self.assertEqual(good["msrs"]["0x480"], "0xda040000000004")
        self.assertEqual(refused["verdict"], "refused")
        rules = {item["rule"] for item in refused["findings"] if item["severity"] == "refusal"}
        self.assertIn("basic-32-bit-addresses", rules)
        self.assertEqual(incomplete["verdict"], "incomplete")
        self.assertIn("0x480", incomplete["msrs_missing"])

    def test_json_of_a_finding(self) -> None:
        (row,) = self.sets("-", text="0x480=0xc2040000000004", status=1)
        (finding,) = [f for f in row["findings"] if f["rule"] == "basic-memory-type"]
        self.assertEqual(
            (finding["severity"], finding["msr"], finding["bits"], finding["seen"], finding["wanted"]),
            ("refusal", "0x480", "53:50", "0x0", "0x6"),
        )
        self.assertEqual(row["verdict"], "refused")

    def test_rows_and_files_say_the_same(self) -> None:
        of_file = self.sets(CSV, status=1)
        words = [word for row in of_file[::40] for word in ("--row", row["id"])]
        for row in self.sets(*words, status=1 if T2600 in words else 0):
            self.assertIn({**row, "read_as": "CSV"}, of_file)

    def test_check(self) -> None:
        odd = "id,kind,msr_480\nmetal,bare-metal,0xda040080000004\nguest,named-model,0xda040080000004\n"

        def severities(check: str) -> list[str]:
            rows = self.sets("--check", check, "-", text=odd, status=3 if check == "kvm" else 1)
            return [f["severity"] for r in rows for f in r["findings"] if f["bits"] == "31"]

        self.assertEqual(severities("kvm"), ["warning", "warning"])
        self.assertEqual(severities("auto"), ["warning", "refusal"])
        self.assertEqual(severities("strict"), ["refusal", "refusal"])

    def test_basic(self) -> None:
        drawn = self.good("--basic", "0xda040000000004")
        self.assertIn(drawn.split("\n\nFindings")[0], self.good("--row", SKYLAKE))
        for form in ("da040000000004", "DA040000000004h", "00da0400`00000004"):
            self.assertEqual(self.good("--basic", form), drawn)
        self.good("--basic", "0x0", status=1)
        self.good("--basic", "0xda040080000004", "--check", "kvm")
        self.good("--basic", "0xda040080000004", "--check", "strict", status=1)

    def test_diff(self) -> None:
        page = self.good("--diff", SKYLAKE, "ilx-306c3-haswell-cpuid")
        self.assertIn("7 | 5               rate of the VMX-preemption timer", page)
        self.assertNotIn("enable EPT", page)
        dump = self.write("mine.txt", "0x480=0xda040000000004\n")
        self.assertIn("No difference.", self.good("--diff", dump, dump))
        self.assertIn("B: mine.txt", self.good("--diff", SKYLAKE, dump))
        self.assertIn("A: standard input", self.good("--diff", "-", dump, text="0x480=0x1"))
        self.assertIn("neither a file nor a row", self.bad("--diff", SKYLAKE, "nowhere"))
        self.assertIn("it holds 278 sets", self.bad("--diff", CSV, SKYLAKE))
        self.assertIn("line 1", self.bad("--diff", "-", SKYLAKE, text="rubbish"))

    def test_find(self) -> None:
        done = self.run_it("--find", "secondary.ept && !secondary.unrestricted-guest")
        self.assertEqual(done.returncode, 0)
        found = [line.split()[0] for line in done.stdout.splitlines()]
        self.assertIn("vboxlog-austifonte-core-i7-870", found)
        self.assertNotIn(SKYLAKE, found)
        self.assertRegex(done.stderr, r"^\d+ of 278 sets; of \d+ more it cannot be told\n$")
        in_file = self.run_it("--find", "secondary.ept && !secondary.unrestricted-guest", CSV)
        self.assertEqual([line.split()[0] for line in in_file.stdout.splitlines()], found)
        self.assertIn("nearest known one is `secondary.ept`", self.bad("--find", "secondary.epd"))
        self.assertIn("nearest known one is `secondary.ept`", self.bad("--find", "ept"))
        self.assertIn("nearest known one is `secondary.ept`", self.bad("--find", "EPT"))
        self.assertIn("nearest known one is `secondary.vpid`", self.bad("--find", "vpdi"))
        self.assertIn("at character", self.bad("--find", "cr0.pe &&"))

    def test_lists(self) -> None:
        rows = self.good("--list").splitlines()
        self.assertEqual(len(rows), 278)
        self.assertEqual(rows[0].split()[0], CSV.read_text(encoding="utf-8").split("\n")[1].split(",")[0])
        self.assertRegex(self.good("--features"), r"(?m)^secondary\.ept +enable EPT: ")
        needs = self.good("--requires")
        self.assertRegex(needs, r"(?m)^  secondary\.ept +offered: ")
        self.assertIn("guest-ept: ", needs)

    def test_help_names_every_option(self) -> None:
        page = self.good("--help")
        manual = (ROOT / "tools/capability/vmxcap.1").read_text(encoding="utf-8")
        completion = (ROOT / "tools/capability/bash-completion").read_text(encoding="utf-8")
        source = (ROOT / "tools/capability/options.c").read_text(encoding="utf-8")
        options = re.findall(r'^    \{"([a-z]+)",', source, re.MULTILINE)
        self.assertGreater(len(options), 10)
        for option in options:
            self.assertIn(f"--{option}", page)
            self.assertRegex(manual, rf"Fl (h , )?-{option}\b")
            self.assertIn(f"--{option}", completion)
        self.assertEqual(page, self.good("-h"))
        self.assertRegex(self.good("--version"), r"^vmxcap \(Rootmode\) \d+\.\d+\.\d+\n$")

    def test_output_that_cannot_be_written(self) -> None:
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run(
                [self.program, "--list"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
            )
        self.assertEqual(done.returncode, 2)
        self.assertIn("cannot write", done.stderr)


class Appearance(VmxcapTest):
    """Colours and width."""

    def on_a_terminal(self, *words: str, columns: int = 100, **environment: str) -> str:
        """What it writes to a terminal that is so wide."""
        import fcntl  # pylint: disable=import-outside-toplevel
        import termios

        ours, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        kept = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "NO_COLOR")}
        with subprocess.Popen(
            [self.program, *words], stdout=its, env={**kept, **environment}
        ) as process:
            os.close(its)
            text = b""
            while True:
                try:
                    some = os.read(ours, 65536)
                except OSError:  # the other end is closed: what Linux says of a pty's end
                    break
                if not some:
                    break
                text += some
            process.wait(60)
        os.close(ours)
        return text.decode().replace("\r\n", "\n")

    def test_colours(self) -> None:
        row = ("--row", SKYLAKE)
        plain = self.good(*row)
        self.assertNotIn("\x1b", plain)
        self.assertIn("\x1b[", self.good(*row, "--color"))
        self.assertIn("\x1b[", self.good(*row, "--color=always", NO_COLOR="1"))
        self.assertEqual(ESCAPE.sub("", self.good(*row, "--color=always")), plain)
        self.assertIn("\x1b[", self.on_a_terminal(*row))
        self.assertIn("\x1b[", self.on_a_terminal(*row, NO_COLOR=""))
        self.assertNotIn("\x1b[", self.on_a_terminal(*row, NO_COLOR="1"))
        self.assertNotIn("\x1b[", self.on_a_terminal(*row, "--color=never"))

    def test_width(self) -> None:
        def longest(page: str) -> int:
            return max(len(line) for line in ESCAPE.sub("", page).splitlines())

        row = ("--row", SKYLAKE)
        self.assertTrue(70 < longest(self.good(*row)) <= 80)
        self.assertTrue(110 < longest(self.good(*row, COLUMNS="120")) <= 120)
        self.assertTrue(130 < longest(self.on_a_terminal(*row, columns=140)) <= 140)
        self.assertEqual(self.good(*row, COLUMNS="many"), self.good(*row))


class Input(VmxcapTest):
    """Files, the standard input, this machine."""

    def test_each_format_is_told(self) -> None:
        texts = {
            "AIDA64": "MSR 00000480: 00DA-0400-0000-0012\n",
            "rdmsr": "480: da040000000012\n",
            "pairs": "0x480=0xda040000000012\n",
            "names of MSRs": "00:00:04.809262 HM: MSR_IA32_VMX_BASIC = 0xda040000000012\n",
            "rdmsr, halves EDX:EAX": "00000480  00DA0400  00000012\n",
            "rdmsr, decimal values": "1152 61365942969434130\n",
            "QEMU's vmxcap": "Basic VMX Information\n  Hex: 0xda040000000012\n",
            "CSV": "id,msr_480\nstandard input,0xda040000000012\n",
            "JSON": '{"msrs": {"0x480": "0xda040000000012"}}\n',
        }
        for name, text in texts.items():
            with self.subTest(name):
                self.assertTrue(
                    self.good("-", text=text, status=3).startswith(
                        f"standard input: read as {name}, 1 set\n"
                    )
                )
                (found,) = self.sets("-", text=text, status=3)
                self.assertEqual(found["msrs"], {"0x480": "0xda040000000012"})
                self.assertEqual(found["id"], "standard input")
                self.assertEqual(found["read_as"], name)
                self.assertEqual(found["not_understood"], {"count": 0, "first": []})

    def test_the_whole_row_in_each_format(self) -> None:
        (row,) = self.sets("--row", SKYLAKE)
        msrs = {int(name, 16): int(value, 16) for name, value in row["msrs"].items()}
        halves = {m: f"{v >> 32:08X} {v & 0xFFFFFFFF:08X}" for m, v in msrs.items()}

        def aida64(value: int) -> str:
            return "-".join(f"{value:016X}"[i : i + 4] for i in range(0, 16, 4))

        texts = {
            "aida64": "".join(f"MSR {m:08X}: {aida64(v)}\n" for m, v in msrs.items()),
            "rdmsr": "".join(f"# rdmsr {m:#x}\n{v:x}\n" for m, v in msrs.items()),
            "pairs": " ".join(f"{m:#x}={v:#x}" for m, v in msrs.items()),
            "halves": "".join(f"{m:08X} {v}\n" for m, v in halves.items()),
            "halves with a colon": "".join(f"{m:x}: {v}\n" for m, v in halves.items()),
            "heading": "MSR EDX EAX\n" + "".join(f"{m:x}: {v}\n" for m, v in halves.items()),
            "decimal": "".join(f"{m} {v}\n" for m, v in msrs.items()),
            "its own words": self.good("--row", SKYLAKE),
            "report": json.dumps({"rootmode": "0.1.0", "msrs": row["msrs"], "registers": "physical"}),
        }
        for name, text in texts.items():
            with self.subTest(name):
                (found,) = self.sets(self.write(name, text))
                self.assertEqual(found, {**row, "id": name, "read_as": found["read_as"]})
        (again,) = self.sets("-", text=json.dumps([row]))
        self.assertEqual(again, {**row, "read_as": "JSON"})

    def test_every_report_is_read_as_what_it_is_of(self) -> None:
        """With its findings, which name bits and what was wanted of them, wrapped at any width."""
        rows = self.sets(CSV, status=1)
        reports = [self.good("--row", row["id"], COLUMNS="60", status=status)
                   for row in rows
                   for status in [{"ok": 0, "refused": 1, "incomplete": 3}[row["verdict"]]]]  # fmt: skip
        for row, report in zip(rows, reports):
            done = self.run_it("--json", "-", text=report)
            self.assertEqual(done.stderr, "", row["id"])
            (found,) = json.loads(done.stdout)
            self.assertEqual(found["msrs"], row["msrs"], row["id"])
            self.assertEqual(found["not_understood"]["count"], 0, row["id"])

    def test_several_files(self) -> None:
        first, second = self.write("a", "0x480=0x1"), self.write("b", "0x480=0x2")
        found = self.sets(first, "--row", SKYLAKE, second, status=1)
        self.assertEqual([item["id"] for item in found], ["a", SKYLAKE, "b"])

    def test_what_is_not_understood_is_told(self) -> None:
        torn = {
            "MSR 00000480: 00DA-0400-0000-0012\nMSR 00000481: 0000-007F-00": "AIDA64",
            "480: da040000000012\n481: 7f0000001z": "rdmsr",
            "0x480=0xda040000000012\n0x481=": "pairs",
        }
        for text, name in torn.items():
            with self.subTest(name):
                line = text.splitlines()[1]
                page = self.good("-", text=text, status=3)
                self.assertIn(f"standard input: read as {name}, 1 set\n", page)
                self.assertIn(f"  not understood, line 2: `{line}`, expected a value", page)
                (found,) = self.sets("-", text=text, status=3)
                self.assertEqual(found["msrs"], {"0x480": "0xda040000000012"})
                self.assertEqual(found["not_understood"]["count"], 1)
                (first,) = found["not_understood"]["first"]
                self.assertEqual((first["line"], first["text"]), (2, line))
                file = self.write("torn", text)
                for words in (("--find", "pin.nmi-exiting", file), ("--diff", SKYLAKE, file)):
                    done = self.run_it(*words)
                    self.assertEqual(done.returncode, 0)
                    self.assertIn(f"torn: not understood, line 2: `{line}`, expected", done.stderr)

    def test_contradictions_are_refused(self) -> None:
        texts = {
            "0x480=0x1\n0x480=0x2\n": "line 2, read as pairs: found `MSR 0x480 again`",
            "00000480 80000012 80000012\n": "can be neither",
            "0x482 IA32_VMX_PINBASED_CTLS = 0x1\n": "an MSR's name with its own address",
        }
        for text, complaint in texts.items():
            with self.subTest(text):
                self.assertIn(complaint, self.bad("-", text=text))
                self.assertIn(complaint, self.bad("--json", "-", text=text))

    def test_cpus_with_different_msrs_are_judged_by_what_they_have(self) -> None:
        text = "486: 80000021 80000031\n481: 7f00000016\nCPU 1\n48a: 2e\n"
        done = self.run_it("-", text=text)
        self.assertEqual(done.returncode, 3)
        self.assertIn("  standard input: no value of 0x48a, which other CPUs have", done.stdout)
        self.assertIn("  standard input, CPU 1: no value of 0x481, which other", done.stdout)

    def test_torn_documents_say_line_and_expectation(self) -> None:
        torn = {
            "id,msr_480\na,0x1\nb": (3, "CSV"),
            '{"msrs": {\n "0x480": "0xda04': (2, "JSON"),
        }
        for text, (line, name) in torn.items():
            with self.subTest(name):
                complaint = self.bad("-", text=text)
                self.assertIn(f"standard input: line {line}, read as {name}: ", complaint)
                self.assertIn("expected ", complaint)
                self.assertEqual(self.bad("--json", "-", text=text), complaint)

    def test_torn_anywhere_is_never_another_value(self) -> None:
        """Each beginning of a dump is refused, or gives those MSRs whose lines are whole."""
        (row,) = self.sets("--row", SKYLAKE)
        text = "".join(
            f"MSR {int(m, 16):08X}: " + "-".join(re.findall("....", f"{int(v, 16):016X}")) + "\n"
            for m, v in list(row["msrs"].items())[:4]
        )
        for length in range(len(text)):
            done = self.run_it("--json", "-", text=text[:length])
            if done.returncode == 2:
                self.assertIn("expected ", done.stderr)
            else:
                (found,) = json.loads(done.stdout)
                self.assertLessEqual(found["msrs"].items(), row["msrs"].items())
                self.assertEqual(len(found["msrs"]), (length + 1) // 34)  # without the line's end

    def test_nothing_and_nonsense(self) -> None:
        self.assertIn("line 1: found nothing, expected some text: it is empty", self.bad("-"))
        self.assertIn("expected CSV", self.bad("-", text="Hello\n"))
        self.assertIn("No such file", self.bad(self.folder / "nowhere"))
        self.assertIn("Is a directory", self.bad(self.folder))
        self.assertIn("nearest known one is `", self.bad("--row", "ilx-406e3-skylake-cpuidd"))
        binary = self.folder / "binary"
        binary.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(range(256)))
        self.assertIn("expected ", self.bad(binary))

    def test_wrong_use(self) -> None:
        for words in (("--frob",), ("--row",), ("--list", "x"), ("--basic", "x"), ("--diff", "x")):
            self.assertIn("vmxcap --help tells more", self.bad(*words))

    def test_a_name_is_suggested_only_where_it_is_near(self) -> None:
        for words in (("--row", "xyzzy"), ("--foo",), ("--find", "xyzzy"), ("--diff", "xyzzy", "-")):
            complaint = self.bad(*words)
            self.assertNotIn("nearest", complaint)
            self.assertTrue("--list" in complaint or "--features" in complaint or "--help" in complaint)
        self.assertIn("nearest known one is --json", self.bad("--jsno"))
        self.assertIn("nearest known one is `ilx-406e3", self.bad("--row", "ilx-406e3"))

    def test_nothing_is_printed_before_all_is_sound(self) -> None:
        self.bad("--row", SKYLAKE, "nowhere")
        self.bad("--json", "--row", SKYLAKE, "nowhere")


class Machine(VmxcapTest):
    """This machine, and stand-ins for it."""

    def cpu(self, number: int, msrs: dict[int, int]) -> None:
        """A CPU whose MSR n stands at byte 8 * n of its file."""
        folder = self.folder / "cpu" / str(number)
        folder.mkdir(parents=True)
        with (folder / "msr").open("wb") as file:
            file.truncate(8 * 0x494)
            for msr, value in msrs.items():
                file.seek(8 * msr)
                file.write(value.to_bytes(8, "little"))

    def machine(self, *words: str, status: int = 0) -> str:
        """What it says of the stand-in."""
        return self.good(*words, status=status, VMXCAP_DEV_CPU=str(self.folder / "cpu"))

    def skylake(self) -> dict[int, int]:
        """Its MSRs, by address."""
        (row,) = self.sets("--row", SKYLAKE)
        return {0x3A: 5} | {int(name, 16): int(value, 16) for name, value in row["msrs"].items()}

    def test_equal_cpus(self) -> None:
        for number in (0, 1, 10, 2):
            self.cpu(number, self.skylake())
        (self.folder / "cpu" / "microcode").mkdir()
        page = self.machine()
        self.assertIn("\n3 more CPUs of this machine: the same values as the first.\n", page)
        found = json.loads(self.machine("--json"))
        self.assertEqual(
            [item["id"] for item in found],
            ["this machine", *(f"this machine, CPU {n}" for n in (1, 2, 10))],
        )
        wanted = {f"{m:#x}": f"{v:#x}" for m, v in self.skylake().items()} | {"0x491": "0x0"}
        for item in found:
            self.assertEqual((item["msrs"], item["verdict"]), (wanted, "ok"))

    def test_a_cpu_that_differs_refuses(self) -> None:
        self.cpu(0, self.skylake())
        self.cpu(1, self.skylake() | {0x480: 0xDA040000000005})
        page = self.machine(status=1)
        self.assertIn("this machine, CPU 1\n", page)
        self.assertIn("revision_id: seen 0x5, wanted 0x4", page)
        self.assertIn("  A: 0x00da040000000004\n  B: 0x00da040000000005\n", page)
        first, second = json.loads(self.machine("--json", status=1))
        self.assertEqual((first["verdict"], second["verdict"]), ("ok", "refused"))
        self.assertEqual(second["stage"], "caps")

    def test_another_value_that_does_not_matter_is_told(self) -> None:
        self.cpu(0, self.skylake())
        self.cpu(1, self.skylake() | {0x3A: 7})
        page = self.machine()
        self.assertRegex(page, r"\n +1  no \| yes +enable VMX inside SMX operation")

    def test_without_the_module(self) -> None:
        complaint = self.bad(VMXCAP_DEV_CPU=str(self.folder))
        self.assertIn("msr module is not loaded. Run:\n    sudo modprobe msr", complaint)
        (self.folder / "0").mkdir()
        self.assertIn("sudo modprobe msr", self.bad(VMXCAP_DEV_CPU=str(self.folder)))

    def test_without_root(self) -> None:
        """A file that may not be opened: told for a person, and for root in a container."""
        self.cpu(0, self.skylake())
        path = self.folder / "cpu" / "0" / "msr"
        path.unlink()
        path.symlink_to(path)  # opening it fails for root too
        complaint = self.bad(VMXCAP_DEV_CPU=str(self.folder / "cpu"))
        wanted = "Root may not read MSRs here" if os.geteuid() == 0 else "Run:\n    sudo vmxcap"
        self.assertIn(wanted, complaint)

    def test_this_very_machine(self) -> None:
        """With VMX it is read or told why not; without VMX that is told first."""
        done = self.run_it("--json")
        has_vmx = re.search(r"^flags\s*:.*\bvmx\b", Path("/proc/cpuinfo").read_text("utf-8"), re.M)
        if not has_vmx:
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn("has no VMX", done.stderr)
        elif done.returncode == 2:
            self.assertRegex(done.stderr, "Run:|See:")
        else:
            self.assertEqual(len(json.loads(done.stdout)[0]["msrs"]["0x480"]) >= 3, True)


class Peers(VmxcapTest):
    """docs/vmxcap.md: what others show, and where it is here."""

    # Linux 6.12, arch/x86/include/asm/vmxfeatures.h: the names that /proc/cpuinfo can show.
    CPUINFO = (
        "vnmi preemption_timer posted_intr invvpid ept_x_only ept_ad ept_1gb ept_5level flexpriority "
        "apicv eptp_switching tsc_offset vtpr mtf vapic ept vpid unrestricted_guest vapic_reg vid ple "
        "shadow_vmcs pml ept_violation_ve ept_mode_based_exec tsc_scaling usr_wait_pause "
        "notify_vm_exiting ipi_virt"
    ).split()

    def rows(self, heading: str) -> list[list[str]]:
        """The cells of the table below a heading, its first two lines left out."""
        page = (ROOT / "docs" / "vmxcap.md").read_text(encoding="utf-8")
        section = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
        lines = [line for line in section.splitlines() if line.startswith("|")]
        return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]

    def ids(self) -> set[str]:
        """Every feature that there is."""
        page = self.good("--features", COLUMNS="160")
        return {line.split()[0] for line in page.splitlines() if not line.startswith(" ")}

    def test_every_flag_of_cpuinfo_has_its_features(self) -> None:
        table = {row[0].strip("`"): re.findall(r"`([^`]+)`", row[1]) for row in self.rows("vmx flags")}
        self.assertEqual(sorted(table), sorted(self.CPUINFO))
        known = self.ids()
        for flag, features in table.items():
            self.assertTrue(features, flag)
            self.assertLessEqual(set(features), known, flag)

    def test_every_line_of_qemus_script_has_its_feature(self) -> None:
        table = {row[0]: re.findall(r"`([^`]+)`", row[1]) for row in self.rows("QEMU's script")}
        self.assertEqual(len(table), 116)  # counted in scripts/kvm/vmxcap
        known = self.ids()
        for line, features in table.items():
            self.assertEqual(len(features), 1, line)
            self.assertIn(features[0], known, line)


class Installed(VmxcapTest):
    """Completion and manual."""

    def complete(self, *words: str) -> list[str]:
        """What bash offers for the last of the words."""
        script = ROOT / "tools" / "capability" / "bash-completion"
        quoted = " ".join(f"'{word}'" for word in (str(self.program), *words))
        text = (
            f"source '{script}'; COMP_WORDS=({quoted}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); "
            '_vmxcap; printf "%s\\n" "${COMPREPLY[@]}"'
        )
        done = subprocess.run(
            ["bash", "-c", text], capture_output=True, text=True, check=True, cwd=self.folder
        )
        return done.stdout.split()

    def test_completion(self) -> None:
        self.assertEqual(self.complete("--re"), ["--requires"])
        self.assertEqual(self.complete("--row", "ilx-406e3-sky"), [SKYLAKE, f"{SKYLAKE}5"])
        self.assertEqual(self.complete("--check", ""), ["auto", "kvm", "strict"])
        self.assertEqual(self.complete("--color", "=", "ne"), ["never"])
        self.assertEqual(self.complete("--diff", "vboxdb-core-duo"), [T2600])
        self.assertEqual(self.complete("--diff", SKYLAKE, "vboxdb-core-duo"), [T2600])
        self.assertIn("secondary.ept", self.complete("--find", "secondary.ep"))
        self.assertIn("secondary.ept&&!cr0.pe", self.complete("--find", "secondary.ept&&!cr0.p"))
        self.write("dump.txt", "")
        self.assertEqual(self.complete("du"), ["dump.txt"])

    def test_the_manual_is_one(self) -> None:
        manual = (ROOT / "tools/capability/vmxcap.1").read_text(encoding="utf-8")
        self.assertTrue(manual.startswith(".Dd "))
        for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "EXAMPLES"):
            self.assertIn(f".Sh {section}\n", manual)

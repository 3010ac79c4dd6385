"""
Mistyped words are told before anything is built. tests/data/command-lines.txt is what the kernel's
own parser is held to as well; GRUB's commands are those of its installed modules.
"""

import io
import shutil
import subprocess
import sys
import tempfile
import unittest
from contextlib import redirect_stderr
from pathlib import Path

from boot.boots import BOOTS
from boot.nested import NESTED_BOOTS, OPEN_BIOS
from boot.row import FAKE, HIGH, SCREENSHOT, SPCR, WRONG_USE
from machine.beforehand import check_plan
from machine.errors import UserError
from machine.grub import check_commands, commands, modules_for, named_commands
from machine.nearest import distance, nearest
from machine.options import plan_of, words_of
from machine.plan import Plan
from machine.run import parser, patience
from machine.words import (
    check_length,
    check_words,
    complaint,
    console_port,
    guests,
    missing_cpus,
    runs_wanted,
    words,
)

ROOT = Path(__file__).resolve().parents[2]


def _complaints(line: list[str]) -> str:
    try:
        check_words(line)
    except UserError as error:
        return str(error)
    return ""


class WordsTest(unittest.TestCase):
    """The words of docs/command-line.md, and the guests of docs/guests.md."""

    def test_as_the_kernel_does(self) -> None:
        text = (ROOT / "tests" / "data" / "command-lines.txt").read_text(encoding="utf-8")
        rows = [row.split() for row in text.splitlines() if row and not row.startswith("#")]
        self.assertGreater(len(rows), 50)
        for verdict, word, *name in rows:
            told = complaint(word)
            if verdict == "ok":
                self.assertEqual(told, "", word)
            elif verdict == "bad":
                self.assertTrue(told.startswith(f'bad value in "{word}": expected '), told)
            else:
                self.assertTrue(told.startswith(f'unknown word "{word}"; '), told)
                near = f'did you mean "{name[0]}"?'
                self.assertEqual(near in told, name != ["-"], told)

    def test_the_table_is_read_whole(self) -> None:
        page = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
        rows = [line for line in page.splitlines() if line.startswith("| `")]
        self.assertEqual(len(words()), len(rows))
        for name in words():
            self.assertTrue(any(row.startswith((f"| `{name}=", f"| `{name}`")) for row in rows))

    def test_every_value_of_the_table_can_be_typed(self) -> None:
        for name, values in words().items():
            for value in values.split("|"):
                if value.islower():
                    self.assertEqual(complaint(f"{name}={value}"), "")

    def test_guests(self) -> None:
        self.assertIn("hello", guests())
        self.assertEqual(_complaints(["guest=" + ",".join(guests())]), "")
        told = _complaints(["guest=hello,cpu1:tripel-fault"])
        self.assertIn('no guest is named "tripel-fault"; did you mean "triple-fault"?', told)
        self.assertIn('did you mean "list"?', _complaints(["guest=lst"]))
        self.assertIn("docs/guests.md", _complaints(["guest=nobody-is-called-so"]))

    def test_every_wrong_word_is_told(self) -> None:
        told = _complaints(["chek=strict", "report=both", "cpus=0"])
        self.assertIn('"chek=strict"', told)
        self.assertIn('"cpus=0"', told)
        self.assertNotIn("report", told)
        self.assertIn("more than 16", _complaints(["pretend=0x480:1"] * 17))
        self.assertEqual(_complaints(["pretend=0x480:1"] * 16), "")

    def test_where_the_console_speaks(self) -> None:
        for line, port in (
            ("", 0), ("console=screen", None), ("console=com1", 0x3F8), ("console=ttyS1,115200n8", 0x2F8),
            ("console=com3,9600 console=screen", 0x3E8), ("console=tty0 console=com4", 0x2E8),
            ("console=com2 console=both", 0), ("console=com2 console=0x3000", 0x3000),
            ("console=tty0 console=screen", None), ("console=com2 console=com1", 0x3F8),
        ):  # fmt: skip
            self.assertEqual(console_port(line.split()), port, line)

    def test_cpus_that_are_not_there(self) -> None:
        line = ["guest=cpu1:hello,cpu2:spin", "pretend=cpu4:0x480:1", "cpus=2"]
        self.assertEqual(missing_cpus(line, 2), ["guest=cpu2:spin", "pretend=cpu4:0x480:1"])
        self.assertEqual(missing_cpus(line, 5), [])


    def test_what_a_value_may_have_been(self) -> None:
        for word, told in (
            ("stop=VMXON", 'did you mean "vmxon"?'), ("console=COM2", 'did you mean "com2"?'),
            ("console=ttys1", 'did you mean "ttyS1"?'), ("selftest=fields,Entry", 'did you mean "entry"?'),
            ("guest=Hello", 'did you mean "hello"?'), ("guest=cpu1", "expected cpu1:NAME"),
            ("cpus=0", "N from 1 up"), ("pretend=0x3a:1", "an MSR from 0x480 to 0x493"),
            ("pretend=0x494:1", "an MSR from 0x480 to 0x493"),
            ("selftest=foo", "instructions, fields, entry"), ("console=com1,9601", "a divisor of 115200"),
        ):  # fmt: skip
            self.assertIn(told, _complaints([word]), word)

    def test_words_that_contradict(self) -> None:
        self.assertIn("none stands alone", _complaints(["guest=none,hello"]))
        self.assertIn("selftest= names nothing", _complaints(["selftest="]))
        self.assertEqual(_complaints(["guest=none", "selftest", "guest=list,hello"]), "")

    def test_how_many_runs(self) -> None:
        for line, cpus, runs in (
            ("", 2, 2), ("guest=hello,spin", 3, 6), ("guest=cpu1:hello,spin", 3, 4),
            ("guest=all", 4, 4 * len(guests())), ("guest=all guest=hello", 4, 4),
            ("guest=chaos-real,hello chaos=60,7", 2, 8),
        ):  # fmt: skip
            self.assertEqual(runs_wanted(line.split(), cpus), runs, line)

    def test_length(self) -> None:
        check_length(["x" * 1000, "y" * 22])
        with self.assertRaises(UserError):
            check_length(["x" * 1000, "y" * 23])


class NearestTest(unittest.TestCase):
    """Distances counted by hand."""

    def test_distance(self) -> None:
        for a, b, wanted in (
            ("", "", 0), ("", "abc", 3), ("check", "chek", 1), ("exit", "exti", 1),
            ("report", "rpeort", 1), ("REPORT", "report", 0), ("cpus", "spun", 2), ("abcd", "badc", 2),
        ):  # fmt: skip
            self.assertEqual((distance(a, b), distance(b, a)), (wanted, wanted), (a, b))

    def test_nothing_is_near_where_a_third_is_wrong(self) -> None:
        self.assertEqual(nearest("stpo", ("stop", "check")), "stop")
        self.assertIsNone(nearest("st", ("stop", "check")))


class GrubTest(unittest.TestCase):
    """What --grub is given."""

    def _told(self, script: str) -> str:
        try:
            check_commands([script])
        except UserError as error:
            return str(error)
        return ""

    def test_what_the_boots_use(self) -> None:
        for script in (
            "wrmsr 0x3a 0x1", "insmod iorw", "outb 0x2f8 0x47", "set a=b; echo $a",
            "write_dword 0xfee000f0 0x1ff; write_dword 0xfee00080 0xf0",
            "if [ -f /x ]; then ls; else echo 'a;b nonsense'; fi", "for i in 1 2; do sleep $i; done",
            "a=b", "true # nonsense", 'menuentry "x" { true; }', "",
        ):  # fmt: skip
            self.assertEqual(self._told(script), "", script)

    def test_typos(self) -> None:
        self.assertIn('no command "nonsense"', self._told("nonsense"))
        self.assertIn('did you mean "wrmsr"?', self._told("echo x; wrsmr 0x3a 1"))
        self.assertIn('no command "whiel"', self._told("if whiel; then true; fi"))
        self.assertIn('no module "nonsense"', self._told("insmod nonsense"))
        self.assertIn("not a script", self._told("if true"))

    def test_modules_of_commands(self) -> None:
        self.assertIn("memrw", modules_for(["write_dword 1 2; videoinfo"]))
        self.assertIn("videoinfo", modules_for(["write_dword 1 2; videoinfo"]))
        self.assertEqual(modules_for(["set a=b", "$x"]), [])
        self.assertEqual(commands()["wrmsr"], "wrmsr")

    def test_commands_are_told_apart(self) -> None:
        self.assertEqual(list(named_commands("a 'b;c'; d e")), [["a", "'b;c'"], ["d", "e"]])


class BootsTest(unittest.TestCase):
    """No row of the boot matrix ends beforehand where it means to boot."""

    def test_rows(self) -> None:
        with tempfile.NamedTemporaryFile(delete=False) as bios:
            bios.truncate(64 * 1024)
        self.addCleanup(Path(bios.name).unlink)
        files = {OPEN_BIOS: bios.name, HIGH: __file__, SPCR: __file__, SCREENSHOT: "x.ppm"}
        for boot in (*BOOTS, *NESTED_BOOTS):
            if boot.status == WRONG_USE:
                continue
            given = [__file__ if text.startswith(FAKE) else files.get(text, text) for text in boot.arguments]
            with self.subTest(boot.name):
                options = parser().parse_args(given)
                check_plan(plan_of(options, options.on, words_of(options), False), options.unchecked)
                if not options.unchecked:
                    check_commands(options.grub)


class PatienceTest(unittest.TestCase):
    """Where no --timeout is given."""

    def test_it_grows_with_what_is_asked(self) -> None:
        def seconds(words: str, cpus: int, machine: str = "bochs") -> float:
            return patience(Plan(machine=machine, cpus=cpus, words=tuple(words.split())))

        self.assertLess(seconds("", 8), 130)
        # On two busy CPUs of today it takes 150 s with 4 CPUs, 300 s with 8.
        self.assertGreater(seconds("guest=all", 4), 300)
        self.assertGreater(seconds("guest=all", 8), 600)
        self.assertEqual(seconds("guest=all", 8, "tcg"), 120)
        self.assertGreater(patience(Plan(memory=8192)), 400)  # what the boot with 8 GiB is given


class BeforehandTest(unittest.TestCase):
    """tools/run ends with 2 at once, and says why; nothing is built where it would be."""

    ROWS: tuple[tuple[tuple[str, ...], str], ...] = (
        (("--append", "chek=strict"), 'did you mean "check"?'),
        (("--append", "guest=spni"), 'did you mean "spin"?'),
        (("--append", "guest=cpu7:hello"), "CPUs 0 to "),
        (("--append", "two\nlines \x07"), "not printable"),
        (("--grub", "nonsense"), "no command"),
        (("guest=hello",), '--append "guest=hello"'),
        (("--mem", "64"), 'did you mean "--memory"?'),
        (("--append", "console=com5"), "expected console=comN"),
        (("--append", "console=0x3000"), "no serial port at 0x3000"),
        (("--acpi-table", "/dev/null"), "no such ACPI table"),
        (("--acpi-table", __file__), "use --on tcg"),
        (("--on", "nested-kvm", "--append", "console=com2"), "COM1 alone"),
        (("--nmi-at", "main"), "for --on tcg"),
        (("--memory", "1"), "the least"),
        (("--timeout", "0"), "more than 0 seconds"),
        (("--timeout", "nan"), "more than 0 seconds"),
        (("--report", "/nowhere/x"), "--report: /nowhere/x: No such file"),
        (("--report", "/"), "--report: /: Is a directory"),
        (("--logs", "/dev/null/x"), "--logs: /dev/null/x: Not a directory"),
        (("--on", "auto", "--iso-only", "/nowhere/x"), "--iso-only: /nowhere/x"),
        (("--on", "auto", "--iso-only", "/dev/null", "--report", "x"), "not with --report"),
        (("--screenshot", "x.png"), "use --on kvm or tcg"),
        (("--on", "nested-kvm", "--screenshot", "x.png"), "use --on kvm or tcg"),
        (("--on", "tcg", "--screenshot", "x.jpg"), ".png or .ppm"),
        (("--bios", "/nowhere"), "no such firmware"),
        (("--kernel", "/nowhere"), "no such kernel"),
        (("--core", "--append", "guest=hello"), "guest= belongs to a room"),
        (("--core", "--append", "gest=x"), 'unknown word "gest=x"; the core has stop, check, cpus, pretend, report'),
        (("--core", "--append", "guest=x"), "guest= belongs to a room"),
        (("--core", "--append", "chek=kvm"), 'did you mean "check"?'),
        (("--core", "--iso-only", "/nowhere/x.iso", "--append", "selftest"), "selftest= belongs to a room"),
        (("--core", "--on", "tcg", "--screenshot", "x.png"), "there is no screen"),
        (("--kernel", __file__), "not a Multiboot2 kernel"),
        (("--cpus", "9"), "8 CPUs at most"),
        (("--cpu", "haswel"), 'did you mean "corei7_haswell_4770"?'),
        (("--on", "tcg", "--cpu", "nonsense"), "unable to find CPU model"),
        (("--on", "tcg", "--cpu", "max,+nonsense"), "nonsense"),
        (("--on", "tcg", "--cpus", "4096"), "CPUs"),
        (("--on", "nested-kvm", "--cpu", "Haswell,+nonsense"), "nonsense"),
        (("--firmware", "uefi"), "no UEFI firmware"),
        (("--serial", "2", "--append", "console=com1"), "speak on COM1, not COM2"),
        (("--serial", "2", "--append", "console=com2 console=com1"), "speak on COM1, not COM2"),
        (("--serial", "2"), "add console=com2"),
        (("--append", "console=screen"), "add console=com1"),
        (("--memory", "99999999"), "65536 MiB at most"),
        (("--on", "tcg", "--memory", "99999999"), "memory"),
        (("--on", "nested-kvm", "--memory", "99999999"), "2048 MiB at most"),
        (("--memory", "256M"), "MiB (1 or more, without a unit)"),
        (("--bios", "EMPTY"), "has 0 bytes; a firmware's image has a multiple of 65,536"),
        (("--chipset", "pc"), "--chipset is QEMU's"),
        (("--iso-only", "x.iso"), "not with --on"),
        *((("--on", "auto", "--iso-only", "x.iso", option, value), f"not with {option}") for option, value in (
            ("--cpus", "2"), ("--smp", "2"), ("--cpu", "max"), ("--memory", "256"), ("--timeout", "9"),
            ("--serial", "1"), ("--chipset", "pc"),
        )),
        *(((option, ""), f"argument {option}: invalid name (not empty)") for option in (
            "--logs", "--cpu", "--smp", "--nmi-at", "--report", "--iso-only", "--bios", "--kernel",
            "--screenshot", "--acpi-table",
        )),
        (("--on", "tcg", "--smp", "0"), "--smp 0: a topology"),
        (("--smp", "4,cores=2"), "--smp 4,cores=2: in Bochs a topology is as 4 or 4,threads=2"),
        (("--smp", "3,threads=2"), "--smp 3,threads=2: in Bochs"),
        (("--smp", "10,threads=2"), "8 CPUs at most, not 10"),
        (("--guest-module", "/nowhere"), "--guest-module is for a guest"),
        (("--guest", "linux", "--guest-module", "/nowhere words"), "--guest-module: no such file: /nowhere"),
        (("--guest", "linux", "--guest-module", "/bin/sh words"), "a Linux kernel has one initrd"),
        (("--on", "tcg", "--smp", "foo"), "--smp foo: a topology"),
        (("--append", "guest=" + "hello," * 200 + "hello"), "room for 1023 characters, not 1225"),
        (("--on", "auto", "--iso-only", "x.iso", "--append", " ".join(["exit=halt"] * 100)), "room for 1023"),
        (("--append", "cpus=1 guest=cpu1:hello"), "see cpus=1"),
        (("--bochs", "/bin/true"), "/bin/true does not say that it is Bochs"),
        (("--bios", "/etc/passwd"), "bytes; a firmware's image has a multiple of 65,536"),
        (("--cpus", "0"), "tools/run: argument --cpus: invalid count (1 or more) value: '0' (see tools/run --help)"),
        (("--on", "boch"), '\'nested-kvm\'); did you mean "bochs"? (see'),
    )  # fmt: skip

    def setUp(self) -> None:
        with tempfile.NamedTemporaryFile(delete=False) as file:
            self.empty = file.name
        self.addCleanup(Path(self.empty).unlink)

    def test_wrong_use(self) -> None:
        for arguments, words_told in self.ROWS:
            given = arguments if "--on" in arguments else ("--on", "bochs", *arguments)
            given = tuple(self.empty if text == "EMPTY" else text for text in given)
            done = subprocess.run(
                [ROOT / "tools" / "run", *given], stdin=subprocess.DEVNULL, capture_output=True,
                text=True, check=False, timeout=20, env={"PATH": "/usr/bin:/bin", "ROOTMODE_SETUP": "skip"},
            )  # fmt: skip
            self.assertEqual(done.returncode, 2, (arguments, done.stderr))
            self.assertIn(words_told, " ".join(done.stderr.split()), arguments)
            self.assertNotIn("Traceback", done.stderr)
            self.assertNotIn("building", done.stderr)
            self.assertNotIn("usage:", done.stderr)

    def test_programs_that_are_missing(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for name in ("sh", "dirname"):
                (Path(folder) / name).symlink_to(shutil.which(name) or name)
            (Path(folder) / "python3").symlink_to(sys.executable)
            for tool, *given, told in (
                ("run", "--on", "bochs", "grub-mkrescue is not installed: tools/setup build"),
                ("gdb", "grub-mkrescue is not installed: tools/setup build"),
            ):
                done = subprocess.run(
                    [ROOT / "tools" / tool, *given], capture_output=True, text=True, check=False,
                    env={"PATH": folder, "ROOTMODE_SETUP": "skip"},
                )  # fmt: skip
                self.assertEqual((done.returncode, done.stderr), (2, f"tools/{tool}: {told}\n"))

    def test_typed_wrong_for_other_tools(self) -> None:
        for tool, given, told in (
            ("gdb", ["nonsense"], "unrecognized arguments: nonsense (see tools/gdb --help)"),
            ("test", ["hst"], "'all'); did you mean \"host\"? (see tools/test --help)"),
            ("lab", ["chek"], "'grade'); did you mean \"check\"? (see tools/lab --help)"),
        ):
            done = subprocess.run(
                [ROOT / "tools" / tool, *given], stdin=subprocess.DEVNULL, capture_output=True,
                text=True, check=False, timeout=20, env={"PATH": "/usr/bin:/bin", "ROOTMODE_SETUP": "skip"},
            )  # fmt: skip
            self.assertEqual(done.returncode, 2)
            self.assertEqual(len(done.stderr.splitlines()), 1)
            self.assertIn(told, done.stderr)

    def test_cpus_of_a_topology(self) -> None:
        def check(topology: str, unchecked: bool = False) -> None:
            plan = Plan(machine="tcg", smp=topology, words=("guest=cpu3:hello",))
            check_plan(plan, unchecked)

        check("4,cores=3,maxcpus=9")
        check("cores=2")
        check("cpus=2", unchecked=True)
        with self.assertRaises(UserError):
            check("cpus=2")

    def test_more_cpus_wanted_than_there_are(self) -> None:
        with redirect_stderr(io.StringIO()) as told:
            check_plan(Plan(cpus=2, words=("cpus=5",)), False)
            check_plan(Plan(cpus=2, words=("cpus=2",)), False)
        self.assertEqual(told.getvalue(), "tools/run: cpus=5: there are 2 only; see --cpus\n")

    def test_help_asks_for_nothing(self) -> None:
        for tool in ("run", "test", "gdb", "figures"):
            done = subprocess.run(
                [ROOT / "tools" / tool, "--help"], capture_output=True, text=True, check=False,
                env={"PATH": "/usr/bin:/bin"},
            )  # fmt: skip
            self.assertEqual((done.returncode, done.stderr), (0, ""), tool)


if __name__ == "__main__":
    unittest.main()

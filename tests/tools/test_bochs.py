"""Other builds of Bochs (tools/run --bochs): what they know is asked of them. Programs stand in for them."""

import os
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

from machine.bochs import Build, build_of, cpu_models, launch
from machine.errors import UserError

_HEAD = "                        Bochs x86 Emulator {version}\n"
_PLUGINS = "00000000000i[      ] LTDL_LIBRARY_PATH not set. using compile time default '/usr/lib/bochs'\n"
_USAGE = "Usage: bochs [flags] [bochsrc options]\n\n  -q               quick start\n"
_DEBUGGER = "  -rc filename     execute debugger commands stored in file\n"
_CPUS = "Supported CPU models:\n\npentium\ncorei7_haswell_4770\narrow_lake\n"


class BochsTest(unittest.TestCase):
    """A shell script that answers as Bochs does, and writes down how it is started."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self._folder = Path(folder.name)

    def _bochs(self, *told: str) -> Path:
        program = self._folder / "bochs"
        program.write_text(
            "#!/bin/sh\nif [ \"$2\" = cpu ]; then cat <<'END'\n" + _CPUS + "END\n"
            "elif [ \"$1\" = --help ]; then cat >&2 <<'END'\n" + "".join(told) + "END\n"
            'else echo "$@" > started; fi\n',
            encoding="ascii",
        )
        program.chmod(0o755)
        return program

    def _started(self, program: Path) -> tuple[str, str]:
        process, terminal = launch("megs: 32\n", self._folder, binary=program)
        self.addCleanup(os.close, terminal)
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        read = [(self._folder / name).read_text(encoding="ascii") for name in ("started", "bochsrc")]
        return read[0].strip(), read[1]

    def test_debians(self) -> None:
        program = self._bochs(_PLUGINS, _USAGE, _DEBUGGER, _HEAD.format(version="2.7"))
        self.assertEqual(build_of(program), Build("2.7", debugger=True, plugins=True))
        started, configuration = self._started(program)
        self.assertEqual(started, "-q -f bochsrc -rc bochs-commands")
        self.assertEqual(configuration, "plugin_ctrl: speaker=0\nmegs: 32\n")

    def test_one_without_debugger_and_plugins(self) -> None:
        program = self._bochs(_USAGE, _HEAD.format(version="3.0"))
        self.assertEqual(build_of(program), Build("3.0", debugger=False, plugins=False))
        self.assertEqual(self._started(program), ("-q -f bochsrc", "megs: 32\n"))

    def test_a_lock_that_an_ended_one_left_is_gone(self) -> None:
        lock = self._folder / "rootmode.img.lock"
        lock.touch()
        self._started(self._bochs(_USAGE, _HEAD.format(version="2.7")))
        self.assertFalse(lock.exists())

    def test_what_an_ended_one_said_is_not_said_again(self) -> None:
        old = [self._folder / name for name in ("serial.txt", "bochs.log")]
        for file in old:
            file.write_text("verdict: ok\n", encoding="ascii")
        self._started(self._bochs(_USAGE, _HEAD.format(version="2.7")))
        self.assertEqual([file for file in old if file.exists()], [])

    def test_its_own_models(self) -> None:
        program = self._bochs(_USAGE, _HEAD.format(version="3.0"))
        self.assertEqual(cpu_models(program), ["pentium", "corei7_haswell_4770", "arrow_lake"])

    def test_another_program_is_refused(self) -> None:
        with self.assertRaisesRegex(UserError, "does not say that it is Bochs"):
            build_of(self._bochs("QEMU emulator version 7.2\n"))

    def test_what_does_not_run_or_does_not_end_is_refused(self) -> None:
        for text in (b"\x7fELF", b"#!/bin/sh\nexec sleep 60\n"):
            program = self._folder / f"not-bochs-{len(text)}"
            program.write_bytes(text)
            program.chmod(0o755)
            with mock.patch("machine.bochs._ANSWER", 0.2), self.assertRaisesRegex(UserError, "does not say"):
                build_of(program)

    def test_the_one_that_is_installed(self) -> None:
        build = build_of(Path("/usr/bin/bochs"))
        self.assertTrue(build.debugger and build.plugins and build.version)

"""tools/setup names what is missing, installs that and nothing else; with stand-ins for apt."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

SETUP = Path(__file__).resolve().parents[2] / "tools" / "setup"
BOCHS = ("bochs", "bochs-term", "bochsbios", "vgabios", "seabios")


class SetupTest(unittest.TestCase):
    """The script, run in a world where only these stand-ins and a few basic commands exist."""

    def setUp(self) -> None:
        self._temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self._temporary.name)
        for name in ("sh", "sort", "tr", "sed", "env", "cat", "uname"):
            (self.folder / name).symlink_to(shutil.which(name) or name)

    def tearDown(self) -> None:
        self._temporary.cleanup()

    def _script(self, name: str, text: str) -> None:
        path = self.folder / name
        path.write_text(f"#!{self.folder}/sh\n{text}\n", encoding="ascii")
        path.chmod(0o755)

    def _setup(
        self, installed: tuple[str, ...], *groups: str, user: int = 0, apt: str = "exit 0"
    ) -> tuple[int, str, list[str]]:
        """Exit status, messages, and what apt-get was called with."""
        log = self.folder / "apt.log"
        log.write_text("", encoding="ascii")
        lines = "".join(f"installed {name}\\n" for name in installed)
        self._script("dpkg-query", f"printf '{lines}deinstalled vgabios\\n'; exit 1")
        self._script("apt-get", f'echo "$*" >> {log}\n{apt}')
        self._script("id", f"echo {user}")
        done = subprocess.run(
            [SETUP, *groups], env={"PATH": str(self.folder)}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        return done.returncode, done.stderr, log.read_text(encoding="ascii").splitlines()

    def test_nothing_missing(self) -> None:
        self.assertEqual(self._setup(BOCHS, "bochs"), (0, "", []))

    def test_names_then_installs_what_is_missing(self) -> None:
        status, messages, calls = self._setup(("bochs", "seabios"), "bochs")
        self.assertEqual(status, 0)
        self.assertIn("installed: bochs-term bochsbios vgabios \n", messages)
        install = "install -y -q --no-install-recommends bochs-term bochsbios vgabios"
        self.assertEqual(calls, [install])

    def test_clang_instead_of_grub_where_there_is_none(self) -> None:
        (self.folder / "uname").unlink()
        for machine, wanted in (("aarch64", True), ("x86_64", False)):
            self._script("uname", f"echo {machine}")
            _, messages, _ = self._setup((), "build")
            self.assertEqual((" clang " in messages, "grub-pc-bin" in messages), (wanted, not wanted))

    def test_updates_the_lists_when_they_are_old(self) -> None:
        apt = f'case $1 in update) : > {self.folder}/new;; *) [ -e {self.folder}/new ];; esac'
        status, _, calls = self._setup((), "bochs", apt=apt)
        self.assertEqual(status, 0)
        self.assertEqual([call.split()[0] for call in calls], ["install", "update", "install"])

    def test_shows_what_is_done(self) -> None:
        status, messages, _ = self._setup((), "gdb", apt="echo Unpacking; echo Missing >&2")
        self.assertEqual(status, 0)
        self.assertIn("Unpacking", messages)
        self.assertNotIn("Missing", messages)

    def test_says_when_apt_fails(self) -> None:
        status, messages, _ = self._setup((), "gdb", apt="exit 100")
        self.assertEqual(status, 2)
        self.assertIn("could not install: gdb", messages)

    def test_neither_root_nor_sudo(self) -> None:
        status, messages, calls = self._setup((), "gdb", user=1000)
        self.assertEqual((status, calls), (2, []))
        self.assertIn("apt-get install --no-install-recommends gdb", messages)

    def test_sudo(self) -> None:
        self._script("sudo", f'echo sudo >> {self.folder}/apt.log; exec "$@"')
        status, _, calls = self._setup((), "gdb", user=1000)
        self.assertEqual((status, calls[0]), (0, "sudo"))

    def test_unknown_group(self) -> None:
        self.assertEqual(self._setup((), "nonsense")[0], 2)

    def test_not_debian(self) -> None:
        self._setup((), "bochs")
        os.unlink(self.folder / "dpkg-query")
        done = subprocess.run(
            [SETUP, "bochs"], env={"PATH": str(self.folder)}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        self.assertEqual(done.returncode, 2)
        self.assertIn("bochs-term", done.stderr)

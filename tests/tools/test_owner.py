"""Root, by sudo, leaves nothing behind that the tree's owner cannot overwrite."""

import os
import pwd
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from machine.build import _alone
from machine.errors import UserError
from machine.owner import as_owner, give_to_owner, whole_identity
from machine.processes import run_logged

# Only root is anybody else.
OWNER = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


class OwnerTest(unittest.TestCase):
    """A tree of nobody's, and root in it; or of whoever runs this."""

    def setUp(self) -> None:
        self._temporary = tempfile.TemporaryDirectory()
        self.tree = Path(self._temporary.name)
        os.chown(self.tree, OWNER.pw_uid, OWNER.pw_gid)

    def tearDown(self) -> None:
        self._temporary.cleanup()

    def _owners(self) -> set[int]:
        return {file.stat().st_uid for file in self.tree.rglob("*")}

    def test_what_is_built_is_the_owners(self) -> None:
        with as_owner(self.tree):
            (self.tree / "build").mkdir()
            status = run_logged(
                ["sh", "-c", "touch build/made; id -u; id -ru; echo $HOME"],
                self.tree / "build" / "log", lambda line: None, self.tree,
            )  # fmt: skip
        self.assertEqual(status, 0)
        log = (self.tree / "build" / "log").read_text(encoding="ascii").split()
        self.assertEqual(log, [str(OWNER.pw_uid)] * 2 + [OWNER.pw_dir])
        self.assertEqual(self._owners(), {OWNER.pw_uid})
        self.assertEqual((os.geteuid(), whole_identity()), (os.getuid(), {}))

    def test_what_root_made_is_given_back(self) -> None:
        (self.tree / "logs").mkdir()
        (self.tree / "logs" / "boot").write_text("", encoding="ascii")
        give_to_owner(self.tree, self.tree / "logs")
        self.assertEqual(self._owners(), {OWNER.pw_uid})


class AnotherOnesTest(unittest.TestCase):
    """A build folder that somebody else has left."""

    def test_it_is_told_what_to_do(self) -> None:
        with tempfile.TemporaryDirectory() as name, mock.patch("os.access", lambda *_: False):
            with self.assertRaisesRegex(UserError, f"{name} belongs to .*sudo chown -R .*remove {name}"):
                with _alone(Path(name)):
                    self.fail("built all the same")

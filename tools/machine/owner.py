"""
Whose tree this is. Root, by sudo, may run what is built here; but what it left in the build folder
would break the next run of the tree's owner, so everything is built as that one.
"""

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def owner_name(file: Path) -> str:
    """Whose file this is."""
    user = file.stat().st_uid
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"


@contextmanager
def as_owner(folder: Path) -> Iterator[None]:
    """
    Within it root makes files as the owner of the folder. A process started there needs
    whole_identity(), too: it would still be root by its real user id.
    """
    status = folder.stat()
    if os.geteuid() != 0 or status.st_uid == 0:
        yield
        return
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(status.st_gid)
    os.seteuid(status.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def whole_identity() -> dict[str, Any]:
    """Arguments of Popen(): real ids as the effective ones, and that user's home."""
    if os.geteuid() == os.getuid():
        return {}
    environment = dict(os.environ)
    try:
        environment["HOME"] = pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:
        environment.pop("HOME", None)
    return {"user": os.geteuid(), "group": os.getegid(), "env": environment}


def give_to_owner(tree: Path, folder: Path) -> None:
    """What root has made in this folder of the tree becomes the tree's owner's."""
    status = tree.stat()
    if os.geteuid() != 0 or status.st_uid == 0 or not folder.exists():
        return
    for file in (folder, *folder.rglob("*")):
        os.chown(file, status.st_uid, status.st_gid, follow_symlinks=False)

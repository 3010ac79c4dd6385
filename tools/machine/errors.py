"""How a command of tools/ ends: the exit statuses, and the error that carries a message."""

import enum


class Exit(enum.IntEnum):
    """Exit statuses of tools/run."""

    OK = 0
    REFUSED = 1
    WRONG_USE = 2
    TIMEOUT = 3
    DIED = 4
    SCRIPT = 5  # the guest's failed


def in_words(error: Exception) -> str:
    """The message for a person: of the system's errors without their number."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)


class UserError(Exception):
    """Wrong use or a missing part: the message is for the person, the exit status is 2."""

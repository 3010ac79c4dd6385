"""What a person sees: colours where they help, and a line of progress that leaves no trace."""

import os
import re
import sys
import time
from typing import TextIO

# Colours (SGR) may pass to a terminal; whatever else a firmware sends (it clears the screen, it
# moves the cursor) may not.
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_CONTROL = re.compile(
    r"\x1b\[[0-9;?=]*[A-Za-ln-z]|\x1b[()][0-9A-Z]|\x1b[=>78cM]|[\x00-\x08\x0b-\x1a]"
)


def without_control(text: str) -> str:
    """The text with its colours, without every other control sequence."""
    return _CONTROL.sub("", text)


def plain(text: str) -> str:
    """The text without any control sequence."""
    return _COLOUR.sub("", without_control(text))


def wants_colour(stream: TextIO) -> bool:
    """Colours go to terminals only, and not where NO_COLOR is set."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


class Progress:
    """
    Says what is being done: on a terminal one line, rewritten in place; elsewhere, for nobody to
    wonder, a line every few seconds.
    """

    _INTERVAL = 0.1
    _SILENCE = 5.0  # seconds

    def __init__(self, program: str) -> None:
        self._program = program
        self._on = sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._shown = False
        self._last = 0.0 if self._on else time.monotonic()

    def show(self, text: str) -> None:
        """Replaces the line, ten times a second at most; or adds one where there is no terminal."""
        now = time.monotonic()
        if not self._on:
            if now - self._last >= self._SILENCE:
                self._last = now
                say(f"{self._program}: {text}")
            return
        if self._shown and now - self._last < self._INTERVAL:
            return
        try:
            width = os.get_terminal_size(sys.stderr.fileno()).columns or 80
        except OSError:
            width = 80
        sys.stderr.write("\r\x1b[K" + text[: width - 1])
        sys.stderr.flush()
        self._shown = True
        self._last = now

    def told(self) -> None:
        """Something else has shown that it goes on."""
        if not self._on:
            self._last = time.monotonic()

    def clear(self) -> None:
        """Takes the line away, so that other text can be written."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._shown = False


def say(text: str) -> None:
    """A line for the person, beside the console's text."""
    print(text, file=sys.stderr, flush=True)

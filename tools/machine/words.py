"""
The words of the kernel's command line, read where the tree has them, so that a mistyped one is told
before anything is built: kernel/command_line.def, and docs/guests.md for the guests' names.
"""

import functools
import re
from collections.abc import Callable, Sequence

from machine.build import ROOT
from machine.errors import UserError
from machine.nearest import did_you_mean

_PRETEND_MAX = 16  # vmx/capability/pretend.h
_UART_CLOCK = 115200
SERIAL_PORTS = (0x3F8, 0x2F8, 0x3E8, 0x2E8)  # where a PC has COM1 to COM4
_WHAT = ("instructions", "fields", "entry")


@functools.cache
def words() -> dict[str, str]:
    """Each word, and what may stand behind its `=`."""
    text = (ROOT / "kernel" / "command_line.def").read_text(encoding="utf-8")
    return dict(re.findall(r'^COMMAND_WORD\(\s*"([^"]*)",\s*"([^"]*)"', text, re.MULTILINE))


@functools.cache
def guests() -> tuple[str, ...]:
    """The built-in guests, in the order of guest=all."""
    text = (ROOT / "docs" / "guests.md").read_text(encoding="utf-8")
    return tuple(re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE))


def guest_names() -> tuple[str, ...]:
    """What guest= may name: the guests, and the words that stand for all or for none of them."""
    return (*guests(), *(form for form in words()["guest"].split("|") if form.islower()))


# What there is to choose from where capitals stand; `WORD:CAPITALS` goes before `CAPITALS`.
_CHOICES: dict[str, Callable[[], Sequence[str]]] = {
    "NAME": lambda: (*guests(), "all"),
    "WHAT": lambda: _WHAT,
    "PORT": lambda: ("ttyS0", "ttyS1", "ttyS2", "ttyS3"),
    "console:N": lambda: ("1", "2", "3", "4"),
}


def _number(text: str, base: int, least: int, most: int) -> bool:
    digits = r"(?:0x)?[0-9a-fA-F]+" if base == 16 else r"[0-9]+"
    return bool(re.fullmatch(digits, text)) and least <= int(text, base) <= most


def _divides(text: str) -> bool:
    """A rate of the UART, whose divisor has 16 bits; n8, no parity and 8 bits, may stand behind."""
    text = text.removesuffix("n8")
    return (
        _number(text, 10, 1, _UART_CLOCK)
        and _UART_CLOCK % int(text) == 0
        and _UART_CLOCK // int(text) < 1 << 16
    )


def serial_port(name: str) -> int:
    """The I/O port of a name in console=, as kernel/command_line.c takes it; 0 for none."""
    if found := re.fullmatch(r"com([1-4])|ttyS([0-3])", name):
        return SERIAL_PORTS[int(found[1]) - 1 if found[1] else int(found[2])]
    if name.startswith("0x") and _number(name, 16, 1, 0xFFF8):
        return int(name, 16)
    return 0


def console_port(line: Sequence[str]) -> int:
    """The serial port where these words let the kernel speak; 0 where they leave it to the kernel."""
    port = 0
    for text in line:
        word, _, value = text.partition("=")
        if word == "console" and value not in ("screen", "tty0"):
            port = serial_port(value.partition(",")[0])
    return port


# What the capitals in a word's values stand for; `WORD:CAPITALS` goes before `CAPITALS`.
_STANDS_FOR: dict[str, Callable[[str], bool]] = {
    "N": lambda text: _number(text, 10, 0, (1 << 32) - 1),
    "console:N": lambda text: text in ("1", "2", "3", "4"),
    "PORT": lambda text: serial_port(text) != 0 and not text.startswith("com"),
    "cpus:N": lambda text: _number(text, 10, 1, (1 << 32) - 1),
    "MSR": lambda text: _number(text, 16, 0x480, 0x493),
    "VALUE": lambda text: _number(text, 16, 0, (1 << 64) - 1),
    "WHAT": lambda text: text in _WHAT,
    "NAME": lambda text: text in guest_names(),
    "ROUNDS": lambda text: _number(text, 10, 0, (1 << 32) - 1),
    "SEED": lambda text: _number(text, 10, 0, (1 << 64) - 1),
    "BAUD": _divides,
}


def _fits(word: str, form: str, value: str) -> bool:
    """Whether the value has this form, one of the alternatives that a word's values are."""
    if form.endswith(",..."):
        return all(_fits(word, form[: -len(",...")], item) for item in value.split(","))
    pattern, names = "", []
    for part in re.findall(r"[A-Z]+|[^A-Z]", form):
        if part.isupper():
            pattern += "([^:,]*)"
            names.append(part)
        else:
            pattern += {"[": "(?:", "]": ")?"}.get(part) or re.escape(part)
    found = re.fullmatch(pattern, value)
    return found is not None and all(
        text is None or _STANDS_FOR.get(f"{word}:{name}", _STANDS_FOR[name])(text)
        for name, text in zip(names, found.groups())
    )


def _in_a_name(text: str) -> str:
    """The text as far as it could be a name."""
    return re.match(r"[A-Za-z-]*", text)[0]  # type: ignore[index] # it matches always


def _unknown_guests(value: str) -> list[str]:
    names = [re.sub(r"^cpu\d{1,9}:", "", item) for item in value.split(",")]
    return [name for name in names if name and not _STANDS_FOR["NAME"](name)]


def complaint(text: str) -> str:
    """What is wrong with a word; empty where nothing is."""
    word, equals, value = text.partition("=")
    if word not in words():
        near = did_you_mean(_in_a_name(text), words())
        return f'unknown word "{text}"{near or "; docs/command-line.md has all of them"}'
    values = words()[word]
    if word == "selftest" and not value:
        return ""
    if any(_fits(word, form, value) for form in values.split("|")):
        return ""
    if word == "guest" and (unknown := _unknown_guests(value)):
        near = did_you_mean(unknown[0], guest_names())
        return f'no guest is named "{unknown[0]}"{near or "; docs/guests.md has all of them"}'
    near = did_you_mean(value, values.split("|")) if equals else ""
    return f'bad value in "{text}": expected {word}={values}{near}'


def _item_completions(word: str, form: str, typed: str) -> list[str]:
    """What one value of this form may become; an item of a list, where the form is one."""
    before, comma, item = typed.rpartition(",") if form.endswith(",...") else ("", "", typed)
    cpu = re.match(r"cpu\d+:", item) if form.startswith("[cpuN:]") else None
    start = before + comma + (cpu[0] if cpu else "")
    form = form.removesuffix(",...").removeprefix("[cpuN:]")
    literal, name = re.findall(r"^([^A-Z\[]*)([A-Z]*)", form)[0]
    choices = _CHOICES.get(f"{word}:{name}", _CHOICES.get(name, tuple))() or [""]
    return [start + literal + item for item in choices if literal or item]


def completions(typed: str) -> list[str]:
    """
    What a word may become: one of the words, or, once it is clear which, one of its values. (Within
    quotes bash would close them behind the only one.)
    """
    word, equals, _ = typed.partition("=")
    if equals:
        forms = words().get(word, "").split("|")
        value = typed[len(word) + 1 :]
        found = [f"{word}={item}" for form in forms for item in _item_completions(word, form, value)]
    else:
        found = [*(f"{name}=" for name in words()), "selftest"]
    fitting = [item for item in dict.fromkeys(found) if item.startswith(typed)]
    if not equals and len(fitting) == 1:
        return completions(fitting[0]) or fitting
    return fitting


def missing_cpus(line: Sequence[str], cpus: int) -> list[str]:
    """The items of guest= and pretend= that name a CPU which so many CPUs do not include."""
    result = []
    for text in line:
        word, _, value = text.partition("=")
        if word in ("guest", "pretend"):
            for item in value.split(","):
                found = re.match(r"cpu(\d{1,9}):", item)
                if found and int(found[1]) >= cpus:
                    result.append(f"{word}={item}")
    return result


def check_words(line: Sequence[str]) -> None:
    """Raises UserError with a line for each word that the kernel would not take."""
    wrong = [told for text in line if (told := complaint(text))]
    if sum(text.startswith("pretend=") for text in line) > _PRETEND_MAX:
        wrong.append(f"pretend= stands more than {_PRETEND_MAX} times")
    if wrong:
        raise UserError("\n".join(["not for the kernel's command line:", *wrong]))

"""
The words of the kernel's command line, read where the tree has them, so that a mistyped one is told
before anything is built: docs/command-line.md, and docs/guests.md for the guests' names.
"""

import functools
import re
from collections.abc import Callable, Sequence

from machine.build import ROOT
from machine.errors import UserError
from machine.nearest import did_you_mean

_PRETEND_MAX = 16  # vmx/capability/vmx_msr.h
_LINE_MAX = 1023  # boot/boot_info.h, without the terminating zero
_CHAOS_ROUNDS = 20  # kernel/guests/guest_results.h
_UART_CLOCK = 115200
SERIAL_PORTS = (0x3F8, 0x2F8, 0x3E8, 0x2E8)  # where a PC has COM1 to COM4
_WHAT = ("instructions", "fields", "entry")


@functools.cache
def words() -> dict[str, str]:
    """Each word, and what may stand behind its `=`."""
    text = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8").replace("\\|", "|")
    return dict(re.findall(r"^\| `([a-z-]+)=?([^`]*)` \| ", text, re.MULTILINE))


@functools.cache
def core_words() -> tuple[str, ...]:
    """The words that the core knows by itself."""
    text = (ROOT / "kernel" / "command_words.c").read_text(encoding="utf-8")
    return tuple(re.findall(r'\.name = "([^"]*)"', text))


def check_core_words(line: Sequence[str]) -> None:
    """A word that belongs to a room is none of the core's."""
    for text in line:
        word = text.split("=")[0]
        if word in words() and word not in core_words():
            raise UserError(f"--core: {word}= belongs to a room; the core has {', '.join(core_words())}")


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


def _values(line: Sequence[str], name: str) -> list[str]:
    """What stands behind this word, as often as it stands there."""
    return [text[len(name) + 1 :] for text in line if text.startswith(f"{name}=")]


def console_port(line: Sequence[str]) -> int | None:
    """
    The serial port where these words let the kernel speak: the last of several. 0 where they leave
    it to the kernel, None where they name the screen alone.
    """
    places = _values(line, "console")
    ports = [serial_port(place.partition(",")[0]) for place in places if place not in ("screen", "tty0")]
    if not ports:
        return None if places else 0
    return ports[-1]


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


# What the values' forms do not say.
_MEANS = {
    "cpus": "N from 1 up",
    "pretend": "an MSR from 0x480 to 0x493",
    "selftest": "WHAT of " + ", ".join(_WHAT),
    "console": "N from 1 to 4, PORT as 0x2f8 or ttyS0 to ttyS3, BAUD a divisor of 115200",
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


def complaint(text: str, core: bool = False) -> str:
    """What is wrong with a word; empty where nothing is. For the core: one of its own may be meant."""
    word, equals, value = text.partition("=")
    if word not in words():
        near = did_you_mean(_in_a_name(text), core_words() if core else words())
        has = f"the core has {', '.join(core_words())}" if core else "docs/command-line.md has all of them"
        return f'unknown word "{text}"{near or f"; {has}"}'
    values = words()[word]
    if word == "selftest" and not value:
        return ""
    if any(_fits(word, form, value) for form in values.split("|")):
        return ""
    if word == "guest" and (unknown := _unknown_guests(value)):
        if re.fullmatch(r"cpu\d+", unknown[0]):
            return f'no guest stands behind "{unknown[0]}": expected {unknown[0]}:NAME'
        near = did_you_mean(unknown[0], guest_names())
        return f'no guest is named "{unknown[0]}"{near or "; docs/guests.md has all of them"}'
    near = _near_value(word, value) if equals else ""
    means = f", {_MEANS[word]}" if word in _MEANS else ""
    return f'bad value in "{text}": expected {word}={values}{means}{near}'


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


def _near_value(word: str, value: str) -> str:
    """What may have been meant: for a list by the first item that is wrong."""
    forms = words()[word].split("|")
    for form in forms:
        if form.endswith(",..."):
            one = form.removesuffix(",...")
            value = next((item for item in value.split(",") if not _fits(word, one, item)), value)
    return did_you_mean(value, [name for form in forms for name in _item_completions(word, form, "") if name])


def cpus_wanted(line: Sequence[str]) -> int:
    """How many CPUs cpus= names; 0: all."""
    return int((_values(line, "cpus") or ["0"])[-1])


def runs_wanted(line: Sequence[str], cpus: int) -> float:
    """How many runs of guests these words ask for, on all CPUs together; long ones count more."""
    rounds = (_values(line, "chaos") or [str(_CHAOS_ROUNDS)])[-1].partition(",")[0]
    chaos = int(rounds) / _CHAOS_ROUNDS if rounds.isdecimal() else 1

    def weight(name: str) -> float:
        return chaos if name.startswith("chaos-") else 1

    runs = 0.0
    for item in (_values(line, "guest") or [""])[-1].split(","):
        cpu, colon, name = item.rpartition(":")
        named = guests() if name == "all" else (name,)
        runs += sum(map(weight, named)) * (1 if colon and cpu else cpus)
    return runs


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


def check_words(line: Sequence[str], core: bool = False) -> None:
    """Raises UserError with a line for each word that the kernel, or its core alone, would not take."""
    wrong = [told for text in line if (told := complaint(text, core))]
    if sum(text.startswith("pretend=") for text in line) > _PRETEND_MAX:
        wrong.append(f"pretend= stands more than {_PRETEND_MAX} times")
    for value in _values(line, "guest"):
        if "none" in value.split(",") and value != "none":
            wrong.append(f"guest={value}: none stands alone")
    if "selftest=" in line:
        wrong.append(f"selftest= names nothing: expected {_MEANS['selftest']}, or selftest alone")
    if wrong:
        raise UserError("\n".join(["not for the kernel's command line:", *wrong]))


def check_length(line: Sequence[str]) -> None:
    """Raises UserError where the kernel would have to cut the line off."""
    length = len(" ".join(line))
    if length > _LINE_MAX:
        raise UserError(f"the kernel's command line has room for {_LINE_MAX} characters, not {length}")

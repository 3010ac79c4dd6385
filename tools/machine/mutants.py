"""Small faults to be put into C code one at a time, and the random draw of some of them."""

import random
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
      | (?P<directive>^[ \t]*\#[ \t]*(?!define)(?:\\\n|[^\n])*)
      | (?P<define>^[ \t]*\#[ \t]*define[ \t]+\w+(?:\([^)]*\))?)
      | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
      | (?P<number>\b(?:0[xX][0-9a-fA-F]+|[0-9]+)[uUlL]*\b)
      | (?P<name>\b[A-Za-z_]\w*\b)
      | (?P<op><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|[^\s\w])""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_KEYWORDS = frozenset(
    "if else for while do switch case default return break continue goto sizeof typedef static "
    "const struct union enum extern inline volatile register void unsigned signed int long short "
    "char bool _Static_assert _Alignas __attribute__ __asm__ asm".split()
)
_RELATIONAL = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
_LOGICAL = {"&&": "||", "||": "&&"}
_SHIFT = {"<<": ">>", ">>": "<<"}
_BITWISE = {"&": "|", "|": "&", "^": "|", "&=": "|=", "|=": "&=", "^=": "|="}
_ASSIGN = frozenset({"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=", "++", "--"})

_EXPRESSION_ENDS = frozenset("= return , ? : && || { } ;".split())

# SDM Vol. 2, "CPUID": leaves 0, 1 and 0AH and those from 80000000H on ignore ECX.
_WITHOUT_SUBLEAVES = frozenset(
    "0 1 CPUID_FEATURES CPUID_LEAF_FEATURES CPUID_EXTENDED CPUID_LEAF_EXTENDED "
    "CPUID_EXTENDED_FEATURES CPUID_ADDRESS_SIZES CPUID_PERFORMANCE".split()
)

# Of these the first argument sorts (lib/set.h).
_SETS = frozenset(
    "BOOT_STEP COMMAND_WORD REPORT_TEXT REPORT_JSON REPORT_BRIEF PANIC_SECTION FIRMWARE_TABLE "
    "CONSOLE_DEVICE".split()
)


@dataclass(frozen=True)
class Token:
    """A word of C, and where it stands."""

    kind: str
    text: str
    start: int
    define: bool  # in the body of a #define
    parens: int  # open ( and [ around it

    @property
    def end(self) -> int:
        """The offset behind it."""
        return self.start + len(self.text)


@dataclass(frozen=True)
class Mutant:
    """One fault: `old` at offset `start` of the file becomes `new`."""

    file: str
    line: int
    start: int
    old: str
    new: str
    operator: str
    first: int  # lines of the statement around it; 0: outside of functions
    last: int

    @property
    def group(self) -> str:
        """The folder; its tables apart."""
        folder = self.file.split("/")[0]
        return f"{folder}/*.def" if self.file.endswith(".def") else folder

    def applied(self, text: str) -> str:
        """The file's text with the fault in it."""
        end = self.start + len(self.old)
        assert text[self.start : end] == self.old
        return text[: self.start] + self.new + text[end:]

    def told(self) -> str:
        """As a person would look for it."""
        old, new = (" ".join(part.split())[:60] for part in (self.old, self.new))
        return f"{self.file}:{self.line} {self.operator}: {old} -> {new}"


def tokens_of(text: str) -> list[Token]:
    """All tokens but comments and directives; a #define gives the tokens of its body."""
    result: list[Token] = []
    define_end = -1
    parens = 0
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        if kind in ("comment", "directive"):
            continue
        if kind == "define":
            end = re.compile(r"(?<!\\)\n").search(text, match.start())
            define_end = end.start() if end else len(text)
            continue
        word = match.group()
        if word in (")", "]"):
            parens -= 1
        result.append(Token(kind, word, match.start(), match.start() < define_end, parens))
        if word in ("(", "["):
            parens += 1
    return result


def _closing(tokens: list[Token], index: int) -> int:
    """The token that closes the bracket at index."""
    depth = 0
    for position in range(index, len(tokens)):
        depth += (tokens[position].text in "([{") - (tokens[position].text in ")]}")
        if depth == 0:
            return position
    return len(tokens) - 1


def _functions(tokens: list[Token]) -> list[tuple[int, int]]:
    """Where function bodies stand, as offsets into the text."""
    found = []
    depth = 0
    for index, token in enumerate(tokens):
        if token.define or token.kind != "op":
            continue
        if token.text == "{":
            if depth == 0 and index and tokens[index - 1].text == ")":
                found.append((token.start, tokens[_closing(tokens, index)].start))
            depth += 1
        elif token.text == "}":
            depth -= 1
    return found


def _numbers(token: Token) -> Iterator[tuple[str, str]]:
    """(operator, replacement) for an integer literal."""
    match = re.fullmatch(r"(0[xX][0-9a-fA-F]+|[0-9]+)([uUlL]*)", token.text)
    if not match or (match[1].startswith("0") and match[1].isdigit() and match[1] != "0"):
        return  # octal
    value, suffix = int(match[1], 0), match[2]
    is_hex = "x" in match[1].lower()

    def written(number: int) -> str:
        return f"0x{number:x}{suffix}" if is_hex else f"{number}{suffix}"

    yield "constant", written(value + 1)
    if value:
        yield "constant", written(value - 1)
    if is_hex and value > 1:
        yield "mask", written(value & (value - 1))
        yield "mask", written(value << 1)


def _is_operand(token: Token) -> bool:
    return (
        token.kind in ("number", "string")
        or token.text in (")", "]")
        or (token.kind == "name" and token.text not in _KEYWORDS)
    )


def _starts_statement(tokens: list[Token], index: int) -> bool:
    before = tokens[index - 1].text if index else ";"
    if before in ("{", "}", ";", "else", "do"):
        return True
    if before == ")":
        depth, position = 0, index - 1
        while position >= 0:
            depth += (tokens[position].text == ")") - (tokens[position].text == "(")
            if depth == 0:
                return position > 0 and tokens[position - 1].text in ("if", "for", "while")
            position -= 1
    if before == ":":
        position = index - 2
        while position >= 0 and tokens[position].text not in ("{", "}", ";", "?"):
            if tokens[position].text in ("case", "default"):
                return True
            position -= 1
    return False


def _statement_end(tokens: list[Token], index: int) -> int | None:
    """The ; that ends a call or an assignment that starts at index; None: it is something else."""
    token = tokens[index]
    if token.kind != "name" and token.text not in ("*", "(", "++", "--"):
        return None
    if token.text in _KEYWORDS or not _starts_statement(tokens, index):
        return None
    if token.kind == "name" and (
        tokens[index + 1].kind == "name" or tokens[index + 1].text in ("*", ":")
    ):
        return None  # a declaration or a label
    depth, acts = 0, False
    for position in range(index, len(tokens)):
        word = tokens[position].text
        acts = acts or word == "(" or word in _ASSIGN
        if depth == 0 and word == ";":
            return position if acts else None
        depth += (word in "([{") - (word in ")]}")
        if depth < 0:
            return None
    return None


def _of_operator(tokens: list[Token], index: int) -> tuple[str, str] | None:
    """(operator, replacement) for an operator of C."""
    word = tokens[index].text
    if word in _RELATIONAL:
        return "relational", _RELATIONAL[word]
    if word in _LOGICAL:
        return "logical", _LOGICAL[word]
    if word in _SHIFT and tokens[index + 1].text != "0":
        return "mask", _SHIFT[word]
    if word == "~":
        return "mask", ""
    if word in _BITWISE and index and _is_operand(tokens[index - 1]):
        return "mask", _BITWISE[word]
    return None


def _is_hint(tokens: list[Token], index: int) -> bool:
    """
    The number in __builtin_expect(…, 0), which makes the code faster and nothing else; that in
    sizeof(array[0]), of which only the type counts; the subleaf in cpuid(1, 0), of a leaf that
    has none; or the place in BOOT_STEP(100, …), between whose neighbours there is room for others.
    """
    around = tokens[index - 1].text + tokens[index + 1].text
    if around == "(," and tokens[index - 2].text in _SETS:
        return True
    if around == ",," and tokens[index - 4].text == "SET_MEMBER":
        return True
    if around not in (",)", "[]"):
        return False
    depth, position = 1, index - 1
    while depth and position:
        position -= 1
        depth += (tokens[position].text == ")") - (tokens[position].text == "(")
    caller = tokens[position - 1].text
    if around == "[]":
        return caller == "sizeof"
    whole = caller == "cpuid" and tokens[position + 1].text in _WITHOUT_SUBLEAVES
    return whole or caller == "__builtin_expect"


def _side(tokens: list[Token], index: int, step: int) -> tuple[list[str], int]:
    """The words of an expression from index on, forwards or backwards, and what ends it."""
    opening, closing = ("([", ")]") if step > 0 else (")]", "([")
    words: list[str] = []
    depth = 0
    while 0 <= index < len(tokens):
        word = tokens[index].text
        if depth == 0 and (word in closing or word in _EXPRESSION_ENDS):
            break
        depth += (word in opening) - (word in closing)
        words.append(word)
        index += step
    return words[::step], min(index, len(tokens) - 1)


def _is_extreme(tokens: list[Token], index: int) -> bool:
    """
    The < in a < b ? a : b, in a > b ? a - b : 0 or in if (a < b) a = b;, which all come to the same
    with <=.
    """
    if tokens[index].text in ("==", "!="):
        return False
    left, start = _side(tokens, index - 1, -1)
    right, end = _side(tokens, index + 1, 1)
    one, middle = _side(tokens, end + 1, 1)
    other, last = _side(tokens, middle + 1, 1)
    kind = tokens[end].text + tokens[middle].text
    if kind == "?:":
        less = ([*left, "-", *right], [*right, "-", *left], ["0"])
        return sorted((one, other)) == sorted((left, right)) or (
            one != other and one in less and other in less
        )
    whole = tokens[start - 1].text + tokens[start].text == "if(" and kind == ")="
    alone = tokens[last].text == ";" and tokens[min(last + 1, len(tokens) - 1)].text != "else"
    return whole and alone and sorted((one, other)) == sorted((left, right))


def _replacements(tokens: list[Token], index: int, text: str) -> Iterator[tuple[str, int, str]]:
    """(operator, end of what is replaced, replacement) at one token."""
    token = tokens[index]
    if token.kind == "number" and not _is_hint(tokens, index):
        for operator, new in _numbers(token):
            yield operator, token.end, new
    elif token.text in ("true", "false"):
        yield "constant", token.end, "false" if token.text == "true" else "true"
    elif token.text in ("if", "while") and not token.define and tokens[index + 1].text == "(":
        opening, close = tokens[index + 1], tokens[_closing(tokens, index + 1)]
        inner = text[opening.end : close.start]
        yield "negate", close.end, f"{token.text} (!({inner}))"
    elif token.kind == "op" and not (token.text in _RELATIONAL and _is_extreme(tokens, index)):
        other = _of_operator(tokens, index)
        if other is not None:
            yield other[0], token.end, other[1]
    if not token.define and token.parens == 0:
        last = _statement_end(tokens, index)
        if last is not None:
            yield "statement", tokens[last].end, "(void)0;"


def _arguments(tokens: list[Token]) -> Iterator[tuple[tuple[str, int], Token]]:
    """Arguments of a table's macros that are one name: ((macro, position), argument)."""
    for index, token in enumerate(tokens[:-1]):
        if token.kind != "name" or tokens[index + 1].text != "(":
            continue
        position, depth = 0, 0
        for at in range(index + 1, _closing(tokens, index + 1)):
            word = tokens[at]
            depth += (word.text == "(") - (word.text == ")")
            if depth == 1 and word.text == ",":
                position += 1
            alone = tokens[at - 1].text in "(," and tokens[at + 1].text in ",)"
            if depth == 1 and word.kind == "name" and alone:
                yield (token.text, position), word


def _of_table(tokens: list[Token], chance: random.Random) -> Iterator[tuple[Token, str]]:
    """An argument takes the value that another row has in the same place."""
    places: dict[tuple[str, int], list[Token]] = defaultdict(list)
    for place, token in _arguments(tokens):
        places[place].append(token)
    for _, found in sorted(places.items()):
        values = sorted({token.text for token in found})
        if len(values) < 2 or len(values) == len(found):
            continue  # nothing to swap, or the names of the rows
        for token in found:
            yield token, chance.choice([value for value in values if value != token.text])


def mutants_of(text: str, file: str, chance: random.Random) -> list[Mutant]:
    """All mutants of a file."""
    tokens = tokens_of(text)
    bodies = _functions(tokens)
    edges = [token.start for token in tokens if token.text in ("{", "}", ";")]

    def line_of(offset: int) -> int:
        return text.count("\n", 0, offset) + 1

    def made(start: int, end: int, new: str, operator: str) -> Mutant:
        first = last = 0
        if any(begin <= start <= stop for begin, stop in bodies):
            before = max((edge for edge in edges if edge < start), default=start)
            after = min((edge for edge in edges if edge >= start), default=end)
            first = line_of(min((token.start for token in tokens if token.start > before)))
            last = line_of(max(end - 1, after))
        return Mutant(file, line_of(start), start, text[start:end], new, operator, first, last)

    found = [
        made(token.start, end, new, operator)
        for index, token in enumerate(tokens)
        for operator, end, new in _replacements(tokens, index, text)
    ]
    if file.endswith(".def"):
        found += [
            made(token.start, token.end, new, "operand") for token, new in _of_table(tokens, chance)
        ]
    return found


def drawn(source: Path, files: list[str], count: int, seed: int) -> list[Mutant]:
    """The same number from each group of files, in each the same number by each operator."""
    chance = random.Random(seed)
    groups: dict[str, dict[str, list[Mutant]]] = defaultdict(lambda: defaultdict(list))
    for file in files:
        for mutant in mutants_of((source / file).read_text(encoding="utf-8"), file, chance):
            groups[mutant.group][mutant.operator].append(mutant)
    share = -(-count // max(len(groups), 1))
    chosen: list[list[Mutant]] = []
    for _, kinds in sorted(groups.items()):
        for _, mutants in sorted(kinds.items()):
            chance.shuffle(mutants)
        some: list[Mutant] = []
        while any(kinds.values()) and len(some) < share:
            some += [kinds[kind].pop() for kind in sorted(kinds) if kinds[kind]]
        chosen.append(some[:share])
    # In turn from each group, so that a run that is broken off is even, too.
    turns = max(map(len, chosen), default=0)
    return [group[turn] for turn in range(turns) for group in chosen if turn < len(group)][:count]

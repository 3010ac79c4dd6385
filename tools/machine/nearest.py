"""Of known names, the nearest to one that a person has mistyped: lib/nearest.c once more."""

from collections.abc import Iterable


def distance(a: str, b: str) -> int:
    """
    Characters to insert, delete, replace, or exchange with the next one; case does not count (the
    optimal string alignment distance).
    """
    a, b = a.lower(), b.lower()
    rows = [list(range(len(b) + 1))]
    for i in range(1, len(a) + 1):
        row = [i]
        for j in range(1, len(b) + 1):
            row.append(
                min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]))
            )
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                row[j] = min(row[j], rows[i - 2][j - 2] + 1)
        rows.append(row)
    return rows[-1][-1]


def nearest(typed: str, names: Iterable[str]) -> str | None:
    """The nearest name; None where a third or more of each would be wrong."""
    near = [(distance(typed, name), name) for name in names]
    near = [(far, name) for far, name in near if far <= (len(name) + 1) // 3]
    return min(near, key=lambda item: item[0])[1] if near else None


def did_you_mean(typed: str, names: Iterable[str]) -> str:
    """The end of a complaint about a name: "; did you mean "check"?", or nothing."""
    names = list(names)
    longer = [name for name in names if len(typed) > 2 and typed.lower() in name.lower()]
    name = nearest(typed, names) or (longer[0] if longer else None)
    return f'; did you mean "{name}"?' if name else ""

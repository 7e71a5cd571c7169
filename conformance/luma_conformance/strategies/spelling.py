"""One JSON value spelt in different ways: the order of members, white space, escapes, the notation of fractions.

What a text says does not depend on these (RFC 8259), so no answer may.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any, Final

BLANKS: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "": ("", "", ", ", ": "),
    "no blanks": ("", "", ",", ":"),
    "line breaks between all tokens": ("\r\n", "\r\n", "\n,\t", " \n: "),
    "indented": ("\n  ", "\n  ", ",\n  ", ": "),
    "10,000 blanks around it": (" " * 5000, "", ", ", ": "),
}
"""What stands around it all, inside brackets, between members, and between a name and its value."""
FRACTIONS: Final = frozenset({"x_norm", "y_norm", "w_norm", "h_norm", "blur", "augmentation", "sparsity"})
"""The members that are fractions, for which 1, 1.0 and 1e0 are the same; whether they are for an index is not said."""


Spelling = tuple[str, str, str]
"""How a body is spelt: its blanks, its escapes, its fractions."""
ESCAPES: Final = ("", "other scripts as \\u", "every character as \\u", "slashes as \\/")
PLAINLY: Final[Spelling] = ("", "", "")
_UNESCAPED: Final = json.JSONEncoder(ensure_ascii=False)
SPELLINGS: Final[tuple[Spelling, ...]] = tuple(product(BLANKS, ESCAPES, ("", "exponents")))


def reorder(value: Any, how: str, first: Iterable[str] = ()) -> Any:
    """Return a value with the members of all its objects in another order.

    `how` is `sorted`, `descending`, `reversed`, or `first` or `last`, which move the members on the paths in `first`.
    """
    if isinstance(value, list):
        return [reorder(element, how) for element in value]
    if not isinstance(value, dict):
        return value
    steps = [path.partition(".") for path in first]
    named = dict.fromkeys(step[0] for step in steps)
    names = [*(reversed(value) if how == "reversed" else value)]
    if how in ("sorted", "descending"):
        names.sort(reverse=how == "descending")
    if how in ("first", "last"):
        moved, kept = [name for name in names if name in named], [name for name in names if name not in named]
        names = [*moved, *kept] if how == "first" else [*kept, *moved]
    return {name: reorder(value[name], how, [rest for head, _, rest in steps if head == name]) for name in names}


def spell(value: Any, blanks: str = "", escapes: str = "", fractions: str = "") -> str:
    """Return a value as JSON, spelt in one way of many."""
    if not (blanks or escapes or fractions):
        return _UNESCAPED.encode(value)
    outside, inside, between, colon = BLANKS[blanks]

    def write(value: Any, name: str = "") -> str:
        if isinstance(value, dict):
            members = [f"{_quote(key, escapes)}{colon}{write(member, key)}" for key, member in value.items()]
            return "{" + inside + between.join(members) + inside + "}"
        if isinstance(value, list):
            return "[" + inside + between.join([write(element) for element in value]) + inside + "]"
        if isinstance(value, str):
            return _quote(value, escapes)
        if fractions and name in FRACTIONS:
            return f"{float(value)!r}e0" if fractions == "exponents" else repr(float(value))
        return json.dumps(value)

    return outside + write(value) + outside


def _quote(text: str, escapes: str) -> str:
    if escapes == "every character as \\u":
        return f'"{_escape(text)}"'
    if escapes == "other scripts as \\u":
        return json.dumps(text)
    plain = _UNESCAPED.encode(text)
    return plain.replace("/", "\\/") if escapes == "slashes as \\/" else plain


def _escape(text: str) -> str:
    """Return a text with each of its UTF-16 units as an escape, whose digits may be in either case (RFC 8259, 7)."""
    raw = text.encode("utf-16-be", "surrogatepass")
    half = len(raw) // 4 * 2
    units = [unit for unit in (raw[:half].hex(",", 2), raw[half:].hex(",", 2).upper()) if unit]
    return "".join(f",{unit}" for unit in units).replace(",", "\\u")

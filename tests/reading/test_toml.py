"""TOML with the line of each value."""

from __future__ import annotations

import pytest

from luma_conformance.errors import Unreadable
from luma_conformance.paths import Path
from luma_conformance.reading.toml import read_toml

TEXT = """\
base = "x"
a.b = 1

[ 'table' ]
"quoted key" = 2
inline = {c = 3}
[table.deep]
d = "e = 4"
[[entry]]
f = 5
[[entry]]
f = 6
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("base",), 1),
        (("a",), 2),
        (("a", "b"), 2),
        (("table",), 4),
        (("table", "quoted key"), 5),
        (("table", "inline", "c"), 6),
        (("table", "missing"), 4),
        (("table", "deep", "d"), 8),
        (("entry",), 9),
        (("entry", 0, "f"), 10),
        (("entry", 1), 11),
        (("entry", 1, "f"), 12),
        (("entry", 1, "missing"), 11),
        (("nowhere",), 1),
    ],
)
def test_a_value_stands_on_its_line(path: Path, line: int) -> None:
    """Members of dotted keys, quoted keys, tables and arrays of tables are found; others are where their table is."""
    assert read_toml(TEXT, "f").locate(path)[0] == line


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = 1\na = 2\n", "f:2: is not TOML: Cannot overwrite a value"),
        ("a = '", "f:1: is not TOML: "),
        ("a = " + "[" * 90_000, "f: is nested too deep"),
        ("a = " + "9" * 90_000, "f: is not TOML that can be read: "),
        ("\na" + ".a" * 101 + " = 1", "f:2: has over 100 dots outside of strings"),
    ],
)
def test_invalid_toml_is_refused_in_one_sentence(text: str, message: str) -> None:
    """A text that is none, or that would cost the parser too much, is refused with its line where it is known."""
    with pytest.raises(Unreadable) as caught:
        read_toml(text, "f")

    assert str(caught.value).startswith(message)


def test_dots_in_strings_are_no_dots_of_keys() -> None:
    """An answer that is quoted in a file of deviations may have as many as it likes."""
    assert read_toml(f'a = "{"." * 500} \\" {"." * 500}"\nb = \'{"." * 500}\'\n', "f").data

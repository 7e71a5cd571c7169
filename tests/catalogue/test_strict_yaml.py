"""YAML read strictly: YAML 1.2 core scalars, one document, and nothing a reader could overlook."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luma_conformance.catalogue.strict_yaml import MAX_BYTES, MAX_DEPTH, MAX_PROBLEMS, parse, read
from luma_conformance.errors import CatalogueError
from tests.kit import same_examples
from tests.verdicts import SHOW


def refusal(text: str) -> str:
    """Return the message with which a text is refused."""
    with pytest.raises(CatalogueError) as refused:
        parse(text, "f.yaml")
    return str(refused.value)


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("16:9", "16:9"),
        ("1:1", "1:1"),
        ("2026-04-01", "2026-04-01"),
        ("2026-04-01T12:00:00Z", "2026-04-01T12:00:00Z"),
        ("off", "off"),
        ("on", "on"),
        ("yes", "yes"),
        ("no", "no"),
        ("y", "y"),
        ("1_000", "1_000"),
        ("0b1", "0b1"),
        ("5s", "5s"),
        ("1.2.3", "1.2.3"),
        (".", "."),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("١", "١"),
        ("tRue", "tRue"),
        ("=", "="),
        ("<<", "<<"),
        ('"true"', "true"),
        ("'1'", "1"),
        ("0400", 400),
        ("0o17", 15),
        ("0xfF", 255),
        ("+12", 12),
        ("-7", -7),
        ("3.2", 3.2),
        ("-.5", -0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("true", True),
        ("False", False),
        ("TRUE", True),
        ("null", None),
        ("~", None),
        ("", None),
        ("Null", None),
    ],
)
def test_scalars_follow_the_yaml_1_2_core_schema(scalar: str, value: object) -> None:
    """Ratios, dates and switches stay texts; numbers, booleans and null are what JSON calls so."""
    data = parse(f"a: {scalar}\n", "f.yaml").data

    assert data == {"a": value}
    assert isinstance(data, dict)
    assert type(data["a"]) is type(value)


@pytest.mark.parametrize("key", ["on", "1", "16:9", "null", "true", "2026-04-01"])
def test_a_key_is_always_a_string(key: str) -> None:
    """A key is read as it is written, whatever it would be as a value."""
    assert parse(f"{key}: x", "f.yaml").data == {key: "x"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: duplicate key 'a'; the first is on line 1"),
        ("x: {a: 1, a: 1}\n", "f.yaml:1:11: duplicate key 'a'; the first is on line 1"),
        ("a: !!str 1\n", "f.yaml:1:4: tag tag:yaml.org,2002:str: tags are not part of the grammar; leave it out"),
        ("a: !env KEY\n", "f.yaml:1:4: tag !env: tags are not part of the grammar; leave it out"),
        ("a: ! b\n", "f.yaml:1:4: tag !: tags are not part of the grammar; leave it out"),
        ("!k a: 1\n", "f.yaml:1:1: anchors and tags are not part of the grammar"),
        ("a: &x 1\n", "f.yaml:1:4: anchor &x: anchors are not part of the grammar; write the value out"),
        ("a: *x\n", "f.yaml:1:4: alias *x: a case file is read without aliases; write the value out"),
        ("a:\n  <<: {b: 1}\n", "f.yaml:2:3: merge key <<: merging is not part of the grammar; write the members out"),
        ("? [a]\n: 1\n", "f.yaml:1:3: a key should be a string"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document begins here; a case file is one document"),
        ("", "f.yaml:1:1: is empty"),
        ("# only a comment\n", "f.yaml:1:1: is empty"),
        (
            f"a: {'9' * 41}",
            f"f.yaml:1:4: {'9' * 40}… 1 more characters is too great a number; quote it if it is meant as text",
        ),
        ("a: 1e999\n", "f.yaml:1:4: 1e999 is too great a number; quote it if it is meant as text"),
    ],
)
def test_anything_beyond_plain_data_is_refused_with_its_place(text: str, said: str) -> None:
    """Everything beyond plain data is refused with file, line, column and what to write instead."""
    assert SHOW(refusal(text)) == said


@pytest.mark.parametrize(
    ("text", "place"),
    [("a: [1\n", "2:1"), ("image_ref[0]: invalid: x\n", "1:22"), ("a: b\n\tc: d\n", "2:1"), ("a: '", "1:5")],
)
def test_a_syntax_error_is_reported_at_its_place(text: str, place: str) -> None:
    """A syntax error has the line and column the parser gives it."""
    assert refusal(text).startswith(f"f.yaml:{place}: is not YAML: ")


def test_all_problems_are_reported_at_once() -> None:
    """Problems of different kinds come together, in file order, even before text that is no YAML."""
    lines = refusal("a: !x 1\nb: &y 2\nb: *y\nc: [\n").splitlines()

    assert [line.split(":")[1] for line in lines] == ["1", "2", "3", "3", "5"]


def test_every_value_has_its_place() -> None:
    """Members stand where their key does, elements where they begin."""
    source = parse("cases:\n  - id: a\n    set: {x.y: [1, 2]}\n", "f.yaml")

    assert source.places == {
        (): (1, 1),
        ("cases",): (1, 1),
        ("cases", 0): (2, 5),
        ("cases", 0, "id"): (2, 5),
        ("cases", 0, "set"): (3, 5),
        ("cases", 0, "set", "x.y"): (3, 11),
        ("cases", 0, "set", "x.y", 0): (3, 17),
        ("cases", 0, "set", "x.y", 1): (3, 20),
    }
    assert source.locate(("cases", 0, "set", "nowhere", 7)) == (3, 5)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_too_deep_nesting_is_refused(opening: str) -> None:
    """Nesting is bounded long before the stack ends."""
    refused = refusal(opening * 100_000)
    assert f"is nested deeper than {MAX_DEPTH} levels" in refused or "maximum nesting depth" in refused  # libyaml's own


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a: 1\nb: \xff\n", ":2: is not UTF-8 text; save the file as UTF-8"),
        ("a: 1".encode("utf-16"), ":1: is not UTF-8 text; save the file as UTF-8"),
        (b"a: 1\n" * MAX_BYTES, f": is too big; a case file has at most {MAX_BYTES} bytes"),
        (b"a: \x00\n", ":1:1: is not YAML: "),
    ],
    ids=["latin-1", "utf-16", "big", "binary"],
)
def test_a_large_or_binary_file_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    """Other encodings, oversized files and binary content are refused with the file's name."""
    file = tmp_path / "f.yaml"
    file.write_bytes(content)

    with pytest.raises(CatalogueError) as refused:
        read(file, "specs/f.yaml")

    assert str(refused.value).startswith(f"specs/f.yaml{said}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &a x\nb: [" + "*a, " * 200_000 + "]\n", "alias *a: a case file is read without aliases"),
        ("a: 1\n" * 150_000, "duplicate key 'a'; the first is on line 1"),
        ("a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a, *a, *a]\n" for n in range(1000)), "anchor &b1: anchors are"),
    ],
    ids=["aliases", "duplicates", "alias bomb"],
)
def test_reading_stops_after_many_problems(text: str, said: str) -> None:
    """The first are reported; no alias is ever followed, so a bomb of them stays as small as it is written."""
    lines = refusal(text).splitlines()

    assert len(lines) == MAX_PROBLEMS
    assert any(said in line for line in lines)


def test_a_truncated_file_is_read_or_refused_with_a_place() -> None:
    """A truncated file is never anything else."""
    text = "section: 'x'\ncases:\n  - {id: a, set: {\"b\": [1, 2]}}\n  - >\n    c\n"
    for end in range(len(text)):
        with suppress(CatalogueError):
            parse(text[:end], "f.yaml")

    assert refusal(text[:11]).startswith("f.yaml:1:12: is not YAML: ")


@pytest.mark.parametrize("size", [900_000, 400_000])
def test_a_huge_scalar_is_read(size: int) -> None:
    """Within the bound on files a text may be as long as it likes, quoted in no message."""
    assert parse(f"a: {'x' * size}\n", "f.yaml").data == {"a": "x" * size}


@pytest.mark.parametrize(("name", "why"), [("none.yaml", "No such file"), ("", "Is a directory")])
def test_an_unreadable_file_is_reported_as_a_problem(tmp_path: Path, name: str, why: str) -> None:
    """The system's reason is reported under the file's name."""
    with pytest.raises(CatalogueError, match=f": cannot be read: {why}"):
        read(tmp_path / name)


@pytest.mark.parametrize("content", [b"\xef\xbb\xbfa: \xc3\xa9\n", b"a: \xc3\xa9\r\n"])
def test_a_byte_order_mark_and_carriage_returns_are_harmless(tmp_path: Path, content: bytes) -> None:
    """A file saved on another system reads the same."""
    file = tmp_path / "f.yaml"
    file.write_bytes(content)

    assert read(file).data == {"a": "é"}


@same_examples(60)
@given(st.text() | st.text(alphabet="ab:-[]{}&*!|>'\"#%@`?,<=~01 \n\t"))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever the text, it is read or refused with a CatalogueError."""
    with suppress(CatalogueError):
        parse(text, "f.yaml")

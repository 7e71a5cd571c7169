"""The cursor over plain data: what it returns, and the one grammar of what is wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from luma_conformance.errors import CatalogueError, InputError
from luma_conformance.reading.document import MAX_PROBLEMS, Node, Problems, Source

PLACES = {(): (1, 1), ("a",): (2, 3), ("a", "b"): (3, 5), ("list",): (4, 1), ("list", 1): (4, 9)}
DATA = {"a": {"b": 5, "s": "x", "": ""}, "list": ["x", 2], "null": None, "flag": True, "half": 0.5}


def document(*, limit: int = 1, shows_values: bool = True) -> tuple[Node, Problems]:
    """Return the sample document and its problems."""
    source = Source(file="f", data=DATA, places=PLACES)
    problems = Problems("f", source.locate, limit=limit, shows_values=shows_values)
    return Node(source.data, problems, title="a file"), problems


Read = Callable[[Node], object]


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (lambda file: file["a"]["b"].whole(5), 5),
        (lambda file: file["a"]["b"].number(0, 5), 5),
        (lambda file: file["half"].number(), 0.5),
        (lambda file: file["flag"].flag(), True),
        (lambda file: file["a"]["s"].text(), "x"),
        (lambda file: file["a"].string(""), ""),
        (lambda file: file["a"].optional("none"), None),
        (lambda file: file.optional("null"), None),
        (lambda file: file["a"]["s"].one_of("letter", ("x", "y")), "x"),
        (lambda file: [name for name, _ in file.members()], [*DATA]),
        (lambda file: [node.value for node in file["list"].elements()], ["x", 2]),
        (lambda file: "a" in file and "b" not in file and "a" not in file["list"], True),
        (lambda file: file["a"].mapping(("b", "s", "")).get("b"), 5),
    ],
    ids=map(str, range(13)),
)
def test_valid_values_are_returned(read: Read, value: object) -> None:
    """Each reader returns the value, and nothing is noted."""
    file, problems = document()

    assert read(file) == value
    problems.check()


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (
            lambda file: file["a"]["b"].text(),
            'f:3:5: a.b should be a string, not 5; quote it if it is meant as text: "5"',
        ),
        (lambda file: file["flag"].whole(0), "f:1:1: flag should be a whole number of at least 0, not true"),
        (lambda file: file["half"].whole(0, 9), "f:1:1: half should be a whole number from 0 to 9, not 0.5"),
        (lambda file: file["flag"].number(), "f:1:1: flag should be a number, not true"),
        (lambda file: file["a"]["b"].number(6), "f:3:5: a.b should be a number of at least 6, not 5"),
        (lambda file: file["a"].flag(), "f:2:3: a should be true or false, not {"),
        (lambda file: file["a"][""].text(), 'f:2:3: a. should be a string that is not empty, not ""'),
        (lambda file: file["none"].text(), "f:1:1: none is missing"),
        (lambda file: file["null"].elements(), "f:1:1: null is missing"),
        (lambda file: file["a"]["none"]["deep"].string(), "f:2:3: a.none.deep is missing"),
        (lambda file: file["list"].texts(), "f:4:9: list[1] should be a string, not 2"),
        (lambda file: file["list"].elements("an entry")[1].text(), "f:4:9: an entry should be a string, not 2"),
        (lambda file: file["list"].mapping(), "f:4:1: list should be a mapping of names to values, not ["),
        (lambda file: file["a"].elements(), "f:2:3: a should be a list, not {"),
        (lambda file: file["a"].mapping(("bb", "s", "")), 'f:3:5: unknown key in a "b"; did you mean bb?'),
        (lambda file: file["a"]["s"].one_of("letter", ("y", "z")), 'f:2:3: unknown letter "x"; there are y, z'),
        (lambda file: file["a"].wrong("is odd"), "f:2:3: is odd"),
    ],
)
def test_a_problem_is_reported_with_its_place_name_and_likely_fix(read: Read, message: str) -> None:
    """The first problem ends the reading where the limit is one."""
    with pytest.raises(InputError) as caught:
        read(document()[0])

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("luma-api-s3cret", "a string"),
        (["luma-api-s3cret"], "a list"),
        ({"luma-api-s3cret": 1}, "a mapping"),
        (b"luma-api-s3cret", "bytes"),
        (5, "5"),
        (16**9000, "a long number"),
    ],
    ids=["text", "list", "mapping", "bytes", "number", "long"],
)
def test_messages_about_a_file_that_may_hold_secrets_show_none(value: object, shown: str) -> None:
    """The message shows only the type of a string, or of a value that may hold one."""
    with pytest.raises(InputError) as caught:
        Node(value, Problems("f"), title="it").flag()

    assert str(caught.value) == f"f: it should be true or false, not {shown}"


def test_all_problems_come_together_in_the_order_of_their_places() -> None:
    """Reading goes on with empty values after a problem, up to the limit."""
    file, problems = document(limit=9)

    assert (file["list"].texts(), file["a"]["b"].text(), file["none"].whole(3), file["a"].elements()) == (
        ("x", ""), "", 3, [],
    )  # fmt: skip
    with pytest.raises(InputError) as caught:
        problems.check()
    assert [line.partition(": ")[0] for line in str(caught.value).splitlines()] == ["f:1:1", "f:2:3", "f:3:5", "f:4:9"]


def test_reading_stops_after_many_problems() -> None:
    """The limit ends the reading, and the message says that there may be more."""
    _, problems = document(limit=MAX_PROBLEMS)
    listed = Node([None] * 9_000, problems)

    with pytest.raises(InputError) as caught:
        listed.texts()

    assert len(str(caught.value).splitlines()) == MAX_PROBLEMS + 1
    assert str(caught.value).splitlines()[-1].startswith("… and maybe more")


def test_the_error_is_the_kind_the_caller_names() -> None:
    """Case files keep their problems apart, because the files of one run are reported together."""
    problems = Problems("f", error=CatalogueError, limit=9)
    problems.note_at(7, 0, "is odd")

    with pytest.raises(CatalogueError) as caught:
        problems.check()

    assert [(problem.line, problem.text) for problem in caught.value.problems] == [(7, "is odd")]

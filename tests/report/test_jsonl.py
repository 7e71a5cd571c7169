"""Results as JSON Lines."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from luma_conformance.catalogue.files import specs
from luma_conformance.errors import InputError
from luma_conformance.report import jsonl as lines
from luma_conformance.report.result import Results, Run
from tests.report import samples
from tests.verdicts import SCRUB

SCHEMA = json.loads((specs() / "result.schema.json").read_text())
VALID = jsonschema.Draft202012Validator(SCHEMA)


@pytest.mark.parametrize("results", [samples.MIXED, samples.OF_A_CLIENT], ids=["of a server", "of a client"])
def test_results_are_read_as_they_were_written(results: Results) -> None:
    """Every fact of a result survives, and every line is valid by the published schema."""
    text = lines.format_results(results)

    assert lines.parse_results(text.encode(), "results.jsonl", SCRUB) == results
    for line in text.splitlines():
        VALID.validate(json.loads(line))


def test_the_schema_refuses_an_invalid_line() -> None:
    """A verdict nobody knows, a member nobody knows and a difference without facets are refused."""
    line: dict[str, Any] = json.loads(lines.format_verdict(samples.FAILED))
    wrong = [line | {"verdict": "maybe"}, line | {"colour": "red"}, {"end": True}, {"schema": 3}]
    wrong.append({name: value for name, value in line.items() if name != "facets"})

    assert VALID.is_valid(line)
    assert [VALID.is_valid(one) for one in wrong] == [False] * 5


def test_a_file_cut_off_anywhere_is_an_incomplete_result() -> None:
    """Every beginning of a file is read: with the verdicts that are whole, and as incomplete."""
    whole = lines.format_results(samples.MIXED).encode()

    for length in range(len(whole) - 1):
        read = lines.parse_results(whole[:length], "results.jsonl", SCRUB)
        assert not read.complete
        assert read.verdicts == samples.MIXED.verdicts[: len(read.verdicts)]
        assert len(read.verdicts) >= whole[:length].count(b"\n") - 1
    assert lines.parse_results(whole[:-1], "results.jsonl", SCRUB).complete


def test_the_same_results_are_the_same_bytes() -> None:
    """What is written depends on nothing but the results."""
    again = Results(replace(samples.RUN), tuple(replace(one) for one in samples.MIXED.verdicts), samples.ENDING)

    assert lines.format_results(again) == lines.format_results(samples.MIXED)


def test_a_retried_case_counts_once() -> None:
    """The last verdict of a case is its verdict."""
    parts = [lines.format_header(samples.RUN), lines.format_verdict(samples.FAILED)]
    parts.append(lines.format_verdict(replace(samples.PASSED, case=samples.FAILED.case)))

    (judged,) = lines.parse_results("\n".join(parts).encode(), "r", SCRUB).verdicts

    assert judged.verdict == "pass"


HEADER = lines.format_header(Run()).encode() + b"\n"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"hello\n", "r:1: is not a line of JSON"),
        (b"{}\n", "r:1: is not a file of results"),
        (b"[]\n", "r:1: the line should be a mapping of names to values, not a list"),
        (b'{"schema": 3}\n', "r:1: has the format 3; this kit reads 2"),
        (HEADER + b'{"case": "a"\n{"end": true}\n', "r:2: is not a line of JSON"),
        (HEADER + b'{"case": 7}\n', "r:2: case should be a string, not 7"),
        (
            HEADER + b'{"case": "a", "title": "t", "section": "s", "verdict": "maybe"}\n',
            'r:2: unknown verdict "maybe"; there are deviation, fail',
        ),
        (
            HEADER + b'{"case": "a", "title": "t", "section": "s", "verdict": "pass", "seconds": -1}\n',
            "seconds should be a number from 0 to 1,000,000,000, not -1",
        ),
        (
            HEADER + b'{"case": "a", "title": "t", "section": "s", "verdict": "pass", "line": 1.5}\n',
            "r:2: line should be a whole number",
        ),
        (HEADER + b'{"end": true, "complete": "yes"}\n', "r:2: complete should be true or false, not a string"),
        (
            HEADER + b'{"end": true, "complete": true, "rules": {"a": [1]}}\n',
            "r:2: rules.a should be a pair of whole numbers, not a list",
        ),
        (HEADER + b'{"end": true, "complete": true}\n{"end": true}\n', "r:3: comes after the end"),
        (HEADER + b"[" * 100_000 + b"\n", "r:2: is not a line of JSON"),
        (HEADER + b'{"case": NaN}\n', "r:2: is not a line of JSON"),
        (b"\xff\xfe\x00\n", "r:1: is not a line of JSON"),
        (b"hello", "r:1: is not a line of JSON"),
    ],
)
def test_an_invalid_file_of_results_is_refused_with_the_line(content: bytes, why: str) -> None:
    """A wrong file is refused in one message that says where and what."""
    with pytest.raises(InputError) as error:
        lines.parse_results(content, "r", SCRUB)

    assert why in str(error.value)


@pytest.mark.parametrize("text", samples.HOSTILE)
def test_any_text_is_written_on_one_line(text: str) -> None:
    """A text of any kind is written in ASCII, on one line, and is read as it was."""
    hostile = samples.saying(text)

    written = lines.format_results(hostile)

    assert written.isascii()
    assert written.count("\n") == 3
    assert lines.parse_results(written.encode(), "r", SCRUB) == hostile

"""JSON as RFC 8259 has it, and nothing more."""

from __future__ import annotations

import pytest

from luma_conformance.reading.strict_json import parse_json


@pytest.mark.parametrize(("text", "value"), [("1e3", 1000.0), (b'{"a": [null, "\\ud800"]}', {"a": [None, "\ud800"]})])
def test_json_is_read(text: str | bytes, value: object) -> None:
    """Any JSON value is a document, from text or bytes."""
    assert parse_json(text) == value


@pytest.mark.parametrize("text", ["NaN", "[-Infinity]", "", "{'a': 1}", "[1] 2", b"\xff", "[" * 100_000])
def test_invalid_json_is_a_value_error(text: str | bytes) -> None:
    """NaN, two documents, bytes of no encoding, and nesting without end are the same error as a slip."""
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)

"""JSON read value by value: the same values as all at once, wherever the text is cut, and errors at their byte."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luma_conformance.recording import json_stream as jsonstream
from luma_conformance.recording.json_stream import JSONStream, Malformed, Truncated
from tests.kit import same_examples

QUICK = same_examples(150)
TEXTS = st.text(st.characters(codec="utf-8"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def few_at_a_time(raw: bytes, count: int) -> JSONStream:
    """Return a stream that gets a few bytes at a time, however many it asks for."""
    file = io.BytesIO(raw)
    return JSONStream(lambda _: file.read(count))


@QUICK
@given(
    values=st.lists(VALUES, max_size=5),
    count=st.integers(1, 9),
    ascii_only=st.booleans(),
    indent=st.sampled_from((None, 0, 3)),
)
def test_values_are_the_same_however_they_come(values: list[Any], count: int, ascii_only: bool, indent: int) -> None:  # noqa: FBT001
    """Cut anywhere, also within a character or an escape, elements and members are those json.loads has."""
    text = json.dumps({"a": values, "é\n": 1}, ensure_ascii=ascii_only, indent=indent)
    stream = few_at_a_time(text.encode(), count)
    found = {name: list(stream.elements()) if name == "a" else stream.value() for name in stream.members()}
    stream.end()

    assert found == {"a": values, "é\n": 1}


@pytest.mark.parametrize("cut", [b"[0.", b"[1e", b"[1e+", b"[-", b"[0", b"[0.5, 1E-"])
def test_a_number_that_is_cut_off_is_truncated(cut: bytes) -> None:
    """A number that ends at its sign, its point or its exponent is incomplete, however it comes."""
    for count in (1, 3, 99):
        with pytest.raises(Truncated):
            list(few_at_a_time(cut, count).elements())


@QUICK
@given(value=VALUES, data=st.data())
def test_an_incomplete_document_is_truncated(value: Any, data: st.DataObject) -> None:
    """Every beginning of a document is Truncated, at a byte that it has."""
    raw = json.dumps([value], ensure_ascii=False).encode()
    cut = raw[: data.draw(st.integers(0, len(raw) - 1))]
    if not _is_text(cut):
        return

    with pytest.raises(Truncated) as caught:
        list(few_at_a_time(cut, 3).elements())

    assert 0 <= caught.value.byte <= len(cut)


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize(
    ("raw", "byte", "what"),
    [
        ('["é", x]'.encode(), 7, "Expecting value"),
        ('["é" "b"]'.encode(), 6, "expected ,"),
        (b'["\\q"]', 2, "Invalid \\\\escape"),
        (b'["a\nb"]', 3, "Invalid control character"),
        (b"[NaN]", 1, "NaN is not JSON"),
        (b"[1, -Infinity]", 4, "-Infinity is not JSON"),
        (b'["\xff"]', 2, "is not UTF-8"),
        (b"[" + b"9" * 5000 + b"]", 1, "Exceeds the limit"),
        (b"[" + b"[" * 100_000, 1, "nested too deep"),
        (b"{}", 0, "expected \\["),
    ],
)
@pytest.mark.parametrize("count", [1, 7, 1 << 20])
def test_a_malformed_document_is_refused_with_the_byte(raw: bytes, byte: int, what: str, count: int) -> None:
    """However the text comes, the error is the same, at the same byte."""
    with pytest.raises(Malformed, match=what) as caught:
        list(few_at_a_time(raw, count).elements())
    assert (caught.value.byte, type(caught.value)) == (byte, Malformed)


def test_a_long_document_takes_linear_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that has not ended is tried again only when the text has doubled."""
    tried: list[int] = []  # characters of the long value, each time it is tried
    decode = json.JSONDecoder.raw_decode

    def counting(self: json.JSONDecoder, text: str, at: int = 0) -> Any:
        if text.startswith('"aaa', at):
            tried.append(len(text) - at)
        return decode(self, text, at)

    monkeypatch.setattr(jsonstream, "CHUNK", 64)
    monkeypatch.setattr(json.JSONDecoder, "raw_decode", counting)

    file = io.BytesIO(json.dumps(["a" * 50_000, *["b"] * 1000]).encode())
    stream = JSONStream(file.read)
    assert len(list(stream.elements())) == 1001

    assert 5 < len(tried) < 15
    assert sum(tried) < 4 * 50_000

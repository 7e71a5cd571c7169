"""Measuring base64: as long as what it stands for, without decoding it, and nothing else passes for it."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luma_conformance.rules import Problem
from luma_conformance.rules.media import inline_only, measure_base64

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(100)).decode()


@given(st.binary(max_size=40))
def test_base64_is_as_long_as_what_it_stands_for(raw: bytes) -> None:
    """Whatever its padding."""
    assert measure_base64(base64.b64encode(raw).decode()) == len(raw)


@given(st.text(st.sampled_from("AZaz09+/=-_ \n.é\ud83d"), max_size=12))
def test_what_is_measured_is_what_decodes(text: str) -> None:
    """It is canonical in its length, its alphabet and the place of its padding."""
    size = measure_base64(text)

    if size is not None:
        assert len(base64.b64decode(text, validate=True)) == size
        assert len(text) % 4 == 0


@pytest.mark.parametrize("text", ["AAAA=", "AAA", "A===", "=AAA", "AA=A", "A=A=", "====", "AA==AAAA", "AAA\n", "AA é"])
def test_what_is_not_quite_base64_is_not_measured(text: str) -> None:
    """Padding too much, too little and in the wrong place, and characters of no alphabet."""
    assert measure_base64(text) is None


def test_padding_that_some_decoders_let_pass_is_undecided() -> None:
    """A server may read the image, or refuse it; without the padding it is an image."""
    assert inline_only({"data": PNG, "media_type": "image/png"}).problem is None
    assert inline_only({"data": f"{PNG}=", "media_type": "image/png"}).problem is Problem.UNDECIDED

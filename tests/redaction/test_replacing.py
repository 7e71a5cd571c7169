"""Secrets replaced in a text of which parts are not to be shown: what is left out stays left out, and is told once."""

from __future__ import annotations

import re

import pytest

from luma_conformance.redaction import replacing
from luma_conformance.redaction.needles import Span
from luma_conformance.redaction.redactor import Redactor
from luma_conformance.redaction.replacing import find_places, leave_out, replace_spans
from luma_conformance.shown import Omission, clip, clip_middle

KEY = "luma-api-c4naryP9xQ7wZ2mK5vT8rB3n"
REDACTOR = Redactor({KEY: "$KEY"})


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [
        (2, 4, "ab…XYghij"),  # before it
        (0, 2, "…cdXYghij"),
        (4, 8, "abcd…ij"),  # all of it is within
        (5, 8, "abcdXY…ij"),
        (2, 5, "ab…ghij"),  # its end sticks out, and goes with it
        (4, 6, "abcd…ghij"),
        (3, 9, "abc…j"),
        (8, 10, "abcdXYgh…"),
    ],
)
def test_a_place_moves_with_the_text_around_it(start: int, end: int, shown: str) -> None:
    """Whatever of a secret lies in the omission, nothing of the secret is shown, and one name at most."""
    text, omission = "abcdefghij", Omission(start, end, "…")
    spans = [Span(4, 6, b"XY", whole=True)]

    raw, places = replace_spans(text.encode(), spans, find_places([omission], text))

    assert leave_out(raw, [omission], places).decode() == shown


def test_no_half_of_a_character_is_left() -> None:
    """A span that begins or ends within a character takes all of it."""
    raw, places = replace_spans("aéb".encode(), [Span(2, 3, b"*", whole=False)], (4,))
    assert (raw, places) == (b"a*b", (3,))


@pytest.mark.parametrize("most", range(1, 90, 4))
def test_a_message_is_cut_anywhere_around_a_key(most: int) -> None:
    """At each end of a key, within it, before and behind: no part of it, and the number of characters left out."""
    said = f"say {KEY} and again {KEY}, then more of it"

    for shown in (REDACTOR.scrub(clip(said, most)), REDACTOR.scrub(clip_middle(said, most // 2, most // 3))):
        assert not [KEY[at : at + 8] for at in range(9, len(KEY) - 7) if KEY[at : at + 8] in shown]
        assert shown.count("more characters") == (len(said) > most)


@pytest.mark.parametrize(
    "unit", ["?sig=5f3759df ", "f?a=1\\u0026Signature\\u003d5f3759df ", "%3FX-Amz-Signature%3D5f3759df&"]
)
@pytest.mark.parametrize("size", [100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110])
def test_of_too_many_signatures_none_is_shown(unit: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of a part of a text are replaced one by one, the others together, wherever the part ends."""
    monkeypatch.setattr(replacing, "PART", size)
    monkeypatch.setattr(replacing, "MOST_SPANS", 2)
    shown = Redactor().scrub(unit * 30)

    assert "5f37" not in re.sub("sha256=[0-9a-f]{64}", "", shown)
    assert shown.startswith(unit[:4])
    assert shown.count("REDACTED-") >= 2
    assert "luma-conformance:text sha256=" in shown


def test_many_signatures_here_are_none_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only that part of a text gives way to its digest and length in which there are too many, of words too."""
    monkeypatch.setattr(replacing, "PART", 1_000)
    monkeypatch.setattr(replacing, "MOST_SPANS", 50)
    few = ("a" * 60 + " ?sig=5f3759df abc ") * 50
    shown = Redactor({"abc": "$K"}).scrub(f"{few}{'?sig=a ' * 200}{few}")

    assert shown.count("luma-conformance:text") == 1
    assert shown.startswith(few[:61])
    assert shown.count("$K") == 100
    assert 200 < shown.count("REDACTED-") < 250

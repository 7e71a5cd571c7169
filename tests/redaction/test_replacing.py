"""Secrets replaced in a text of which parts are not to be shown: what is left out stays left out, and is told once."""

from __future__ import annotations

import pytest

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

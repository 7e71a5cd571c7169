"""Statements are found wherever they stand, and a page that has none of them is searched once for all of one size."""

from __future__ import annotations

import pytest

from luma_conformance.ledger import locate as locating
from luma_conformance.ledger.ledger import Ledger, Statement
from luma_conformance.ledger.locate import locate
from luma_conformance.ledger.page import Block, Digest, Page, hash_stream, make_page
from luma_conformance.model import Place


def a_ledger(*texts: str) -> Ledger:
    """Return a ledger of these statements, all in one section."""
    return Ledger(
        page="",
        sections=("Parcels",),
        statements=tuple(
            Statement(
                section="Parcels", says=text, digest=Digest.of(text), facts=(), carriers={}, reason=None,
                exception=None, place=Place("ledger.yaml", 1),
            )
            for text in texts
        ),
        beyond=(),
    )  # fmt: skip


def a_page(*lines: str) -> Page:
    """Return a page of these lines."""
    return make_page(Block(line) for line in lines)


def texts_of(ledger: Ledger, page: Page) -> dict[str, str]:
    """Return what stands where each statement was found."""
    return {ledger.statements[one].says: page.show(*span) for one, span in locate(ledger, page).spans.items()}


@pytest.mark.parametrize(
    "lines",
    [
        ["Send it once.", "Fold the parcel."],
        ["Fold the parcel.", "Something new.", "Send it once."],
        ["It may be large. Send it once. Fold the parcel. Not more."],
        ["(Send it once.)Fold the parcel.More"],
        ["send it once? Send it once.…", "— Fold the parcel."],
    ],
)
def test_statements_are_found_in_any_order_and_surrounding(lines: list[str]) -> None:
    """What stands before and behind them has no say, nor does a space that a copy has lost."""
    assert texts_of(a_ledger("Send it once.", "Fold the parcel."), a_page(*lines)) == {
        "Send it once.": "Send it once.",
        "Fold the parcel.": "Fold the parcel.",
    }


@pytest.mark.parametrize("line", ["resend it", "send item", "to send  ite", "sendit2"])
def test_a_statement_does_not_stand_within_words(line: str) -> None:
    """It neither begins nor ends in the middle of one, where it would only look the same."""
    assert texts_of(a_ledger("Other.", "send it"), a_page("Different", line)) == {}


def _count_hashes(monkeypatch: pytest.MonkeyPatch, ledger: Ledger, page: Page) -> int:
    count = 0

    def hash_counted(stream: str) -> str:
        nonlocal count
        count += 1
        return hash_stream(stream)

    with monkeypatch.context() as patch:
        patch.setattr(locating, "hash_stream", hash_counted)
        assert locate(ledger, page).spans == {}
    return count


def test_the_search_costs_the_same_for_any_number_of_statements_of_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page without any of them is hashed once for each size, and twice as long a page twice as often."""
    few, many = ([f"Rule {number:03} is new." for number in range(count)] for count in (2, 200))
    page, double = (a_page(*["one two three four five six"] * count) for count in (50, 100))

    alike = [_count_hashes(monkeypatch, a_ledger(*texts), page) for texts in (few, many)]
    longer = _count_hashes(monkeypatch, a_ledger(*many), double)
    sizes = _count_hashes(monkeypatch, a_ledger(*many, *(f"{text} Yes." for text in many)), page)

    assert alike[0] == alike[1]
    assert 0 < alike[0] <= len(page.stream)
    assert 1.9 * alike[0] < longer < 2.1 * alike[0]
    assert sizes < 2.5 * alike[0]

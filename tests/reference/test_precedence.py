"""The one order in which the reference answers, where the page allows several answers."""

from __future__ import annotations

import itertools

import pytest

from luma_conformance.reference.precedence import PRECEDENCE, choose_answer
from luma_conformance.rules import RULES, Rejected, Violation, predict
from tests.reference.asking import SUNSET, Desk, answer
from tests.rules.bodies import look_up
from tests.rules.printed import PRINTED, Printed

FOUND_BY_LOADING = PRECEDENCE[PRECEDENCE.index("ingestion-off") :]
MISSING = {"url": "https://media.test/missing.png"}
NO_SUCH_SOURCE = {
    "model": "ray-3.2",
    "type": "video_edit",
    **SUNSET,
    "source": {"generation_id": "00000000-0000-4000-8000-000000000000"},
    "video": {"start_frame": MISSING},
}


def violation(rule: str, *details: str, like: str | None = None) -> Violation:
    """Return a violation of a rule."""
    return Violation(rule=rule, status=400, details=details, detail_like=like, path="source")


def test_the_order_covers_exactly_the_rules() -> None:
    """Every rule of the oracle has one place in the order, and the order has no other."""
    assert sorted(PRECEDENCE) == sorted(rule.id for rule in RULES)


def test_the_rules_about_media_are_those_with_413_422_502_and_503() -> None:
    """The rules after the limits are those about media; manga's 422 alone needs none."""
    statuses = {rule.id: rule.status for rule in RULES}
    assert {statuses[rule] for rule in FOUND_BY_LOADING} == {413, 422, 502, 503}
    others = {rule: statuses[rule] for rule in PRECEDENCE if rule not in FOUND_BY_LOADING}
    assert {rule for rule, status in others.items() if status != 400} == {"manga-not-portrait"}


@pytest.mark.parametrize("pair", list(itertools.pairwise(PRECEDENCE)), ids="/".join)
def test_the_earlier_rule_answers(pair: tuple[str, str]) -> None:
    """Of two violations, in whichever order they come, the one earlier in the order answers."""
    first, second = (violation(rule, rule) for rule in pair)
    for both in ((first, second), (second, first)):
        given = choose_answer(Rejected(violations=both))
        assert (given.detail, given.loading) == (pair[0], pair[0] in FOUND_BY_LOADING)


def test_of_one_rule_the_first_fault_answers() -> None:
    """Two faults against one rule are answered by the first of them."""
    twice = (violation("reference-url-and-data", "one"), violation("reference-url-and-data", "two"))
    assert choose_answer(Rejected(violations=twice)).detail == "one"


def test_an_answer_names_the_field_where_the_page_prints_no_whole_text() -> None:
    """Where the page prints no whole text, the answer still names the field."""
    like = violation("proxy-down", like="{field}: fetch proxy unavailable")
    assert choose_answer(Rejected(violations=(like,))).detail == "source: fetch proxy unavailable"
    assert choose_answer(Rejected(violations=(violation("video-too-heavy"),))).detail.startswith("source: video ")


@pytest.mark.parametrize("row", PRINTED, ids=lambda row: row.name)
def test_the_oracle_allows_every_answer_of_the_reference(row: Printed) -> None:
    """Every answer the reference's order picks is one the oracle allows."""
    prediction = predict(row.body, media=look_up)
    assert isinstance(prediction, Rejected)
    given = choose_answer(prediction)
    assert prediction.allows(given.status, given.detail)


def test_the_checks_come_in_the_order_of_the_readme() -> None:
    """Key, client, JSON, validation, references, window, slots, balance, media: each stands before the next."""
    desk = Desk()
    for who, limit in (("low-rpm", 3), ("low-concurrency", 2)):
        for _ in range(limit):
            desk.made(who=who)
    garbage, empty, heavy = b"{", {"prompt": "", "image_ref": [MISSING]}, {**SUNSET, "image_ref": [MISSING]}
    assert desk.ask("POST", "/v1/generations", "revoked", body=garbage).status == 401
    assert desk.ask("POST", "/v1/generations", "suspended", body=garbage).status == 403
    for who in ("low-rpm", "low-concurrency", "unfunded"):
        assert desk.ask("POST", "/v1/generations", who, body=garbage).status == 400
        assert answer(desk.create(empty, who)) == (400, "Prompt must be between 1 and 6000 characters")
        assert answer(desk.create(NO_SUCH_SOURCE, who)) == (400, "source: generation not found")
    assert answer(desk.create(heavy, "low-rpm")) == (429, "Rate limit exceeded")
    assert answer(desk.create(heavy, "low-concurrency")) == (429, "Too many concurrent jobs")
    assert desk.create(heavy, "unfunded").status == 402
    assert desk.create(heavy).status == 422


def test_a_client_that_cannot_pay_is_still_limited_first() -> None:
    """Balance is asked after the limits; refused for it, a request counts against neither."""
    desk = Desk()
    answers = [answer(desk.create(who="unfunded")) for _ in range(3)]
    assert answers == [(402, "Insufficient balance. Please add funds to continue.")] * 3

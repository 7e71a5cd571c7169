"""Contexts of rules: what they cover, and that nothing in them changes what the rules predict."""

from __future__ import annotations

import json
from functools import cache
from itertools import combinations

import pytest

from luma_conformance.properties.fuzzing import Fuzzing
from luma_conformance.properties.luma_target import begin
from luma_conformance.report.result import describe_covered
from luma_conformance.rules import RULES, Accepted, Rejected
from luma_conformance.session.open import Options, open_session
from luma_conformance.strategies import KINDS, Material
from luma_conformance.strategies.contexts import (
    BREACHES,
    NO_RULE,
    Trial,
    list_large,
    list_subjects,
    list_trials,
)
from luma_conformance.strategies.covering import cover, list_targets
from luma_conformance.strategies.places import MEDIA_BREACHES
from luma_conformance.strategies.spelling import BLANKS, ESCAPES, reorder, spell
from luma_conformance.strategies.together import list_accepted

SMALL = [rule for rule, breach in BREACHES.items() if breach.kinds]
BODY = {"a/b": 'Zoë says "🌅"', "video": {"edit": {"controls": {"depth": {"blur": 1}}, "keyframe_indexes": [0, 5]}}}


@cache
def material() -> Material:
    """Return what the embedded reference offers."""
    return begin(open_session(Options()), Fuzzing()).material


def list_all(rule: str, *, keeps: bool = False) -> list[Trial]:
    """Return all trials of a rule."""
    return [trial for listed in list_trials(rule, material(), keeps=keeps, strength=1) for trial in listed]


def test_each_value_occurs_in_a_row_and_with_strength_two_each_pair() -> None:
    """Of three factors of sizes 2, 3 and 4 a dozen rows have all pairs, and four have all values."""
    sizes, start = (2, 3, 4), (0, 0, 0)
    for strength, most in ((1, 4), (2, 14)):
        rows = list(cover(sizes, dict.fromkeys(list_targets(sizes, strength)), [start], lambda _: True))
        met = {target for row in rows for target in combinations(enumerate(row), strength)}
        assert met == set(list_targets(sizes, strength))
        assert len(rows) <= most


def test_no_row_is_illegal_and_what_is_legal_alone_still_occurs() -> None:
    """Two values that exclude each other occur in different rows, and one that is never legal in none."""
    sizes = (3, 3, 3)

    def is_legal(row: tuple[int, ...]) -> bool:
        return not (row[0] == 1 and row[1] == 2) and row[2] != 1

    rows = list(cover(sizes, dict.fromkeys(list_targets(sizes, 1)), [(0, 0, 0)], is_legal))

    assert all(map(is_legal, rows))
    assert {(factor, value) for row in rows for factor, value in enumerate(row)} >= {(0, 1), (1, 2), (2, 2)}
    assert all(row[2] != 1 for row in rows)


@pytest.mark.parametrize("blanks", BLANKS)
@pytest.mark.parametrize("escapes", ESCAPES)
@pytest.mark.parametrize("fractions", ["", "decimals", "exponents"])
def test_a_spelling_says_the_same(blanks: str, escapes: str, fractions: str) -> None:
    """Whatever a body is spelt like, it is the same body, and its indexes stay whole numbers."""
    text = spell(BODY, blanks, escapes, fractions)

    assert json.loads(text) == BODY
    assert all(type(one) is int for one in json.loads(text)["video"]["edit"]["keyframe_indexes"])
    assert (text == json.dumps(BODY, ensure_ascii=False)) == (not blanks and not escapes and not fractions)


def test_members_stand_in_the_order_that_is_asked_for() -> None:
    """Sorted, reversed, and the members of a path first or last, in objects within objects too."""
    body = {"b": 1, "a": {"d": 2, "c": 3}}
    orders = {
        ("sorted", ""): [["a", "b"], ["c", "d"]],
        ("reversed", ""): [["a", "b"], ["c", "d"]],
        ("first", "a.c"): [["a", "b"], ["c", "d"]],
        ("last", "b"): [["a", "b"], ["d", "c"]],
    }
    for (how, path), names in orders.items():
        ordered = reorder(body, how, [path] if path else [])
        assert ordered == body
        assert [[*ordered], [*ordered["a"]]] == names


def test_every_rule_is_broken_in_contexts() -> None:
    """Each rule that is not only about bodies of 70 MB is broken beside many features."""
    assert BREACHES.keys() == {rule.id for rule in RULES}
    assert {*BREACHES} - {*SMALL} == {"video-too-heavy"}
    for rule in SMALL:
        assert len({name for trial in list_all(rule) for name in trial.names}) > 20


@pytest.mark.parametrize("rule", SMALL)
def test_a_context_does_not_change_which_rules_are_broken(rule: str) -> None:
    """Each request breaks the rule, and what it breaks besides it breaks with nothing beside it too."""
    for trial in list_all(rule):
        predictions = [material().predict(one.make_body()) for one in (trial, trial.alone())]
        broken, alone = ({one.rule for one in got.violations} for got in predictions if isinstance(got, Rejected))
        assert rule in broken
        assert broken == alone


@pytest.mark.parametrize("rule", [*SMALL, NO_RULE])
def test_what_keeps_a_rule_is_accepted(rule: str) -> None:
    """Every request that narrowly keeps a rule, or all of them, is one that the page lets pass."""
    assert all(material().predict(trial.make_body()) == Accepted() for trial in list_all(rule, keeps=True))


@pytest.mark.parametrize("rule", SMALL)
def test_each_feature_stands_beside_each_broken_rule(rule: str) -> None:
    """Whatever goes with a way of breaking a rule stands beside it in some request, to each value of each field."""
    names = {name for trial in list_all(rule) for name in trial.names}

    for subject in list_subjects(rule, material(), keeps=False):
        possible = [
            factor[value].name
            for number, factor in enumerate(subject.factors, start=1)
            for value in range(1, len(factor))
            if subject.allows(((number, value),))
        ]
        assert {*possible} - names == set()
    assert len(names) > 30


@pytest.mark.parametrize("rule", [*SMALL, NO_RULE])
def test_each_type_a_rule_concerns_is_tried(rule: str) -> None:
    """What several types have in common does not have to occur in each, but no type is left out."""
    for keeps in (True,) if rule == NO_RULE else (False, True):
        listed = list_trials(rule, material(), keeps=keeps, strength=1)
        subjects = list_subjects(rule, material(), keeps=keeps)
        assert [bool(trials) for trials in listed] == [bool(one.plan().targets) for one in subjects]


def test_another_key_refers_to_no_generation() -> None:
    """Nobody says what a key may refer to of what was made with another, so that such a request is not sent."""
    keys = {"a second key of the client", "the key of another client"}
    trials = [trial for rule in SMALL for keeps in (False, True) for trial in list_all(rule, keeps=keeps)]
    trials += [trial for kind in KINDS for trial in list_accepted(kind, material(), strength=1)]

    foreign = [trial for trial in trials if keys & {*trial.names}]

    assert len({trial.rule for trial in foreign}) > 45
    assert not any("generation_id" in json.dumps(trial.make_body()) for trial in foreign)


def test_the_number_of_contexts_is_known() -> None:
    """Rules with features, and checks of media with places and forms: the numbers the summary of a run prints."""
    tried = [trial for rule in SMALL for keeps in (False, True) for trial in list_all(rule, keeps=keeps)]
    large = [trial for rule in SMALL for trial in list_large(rule, material())]

    features = {(trial.rule, name) for trial in tried for name in trial.names}
    places = {(trial.rule, trial.way) for trial in [*tried, *large] if trial.rule in MEDIA_BREACHES}

    assert describe_covered({"features": len(features), "places": len(places)}) == (
        "3,958 rules × features, 430 checks of media × places × forms"
    )
    assert len(tried) + sum(len(list_accepted(kind, material(), strength=1)) for kind in KINDS) < 1270


def test_contexts_are_the_same_every_time() -> None:
    """Nothing is drawn: for an equal material the requests are equal."""
    again = begin(open_session(Options()), Fuzzing()).material
    first, second = (
        [*next(list_subjects("loop-off-video", one, keeps=False)).plan().trials] for one in (material(), again)
    )

    assert again is material()
    assert [one.make_body() for one in first] == [one.make_body() for one in second]
    assert [one.names for one in first] == [one.names for one in list_all("loop-off-video")]


def test_what_a_target_does_not_offer_is_left_out() -> None:
    """Without URLs, generations and decoding there are fewer contexts, and all are settled."""
    bare = Material(image_url=None, video_url=None)
    trials = [
        trial for rule in BREACHES for listed in list_trials(rule, bare, keeps=False, strength=1) for trial in listed
    ]

    assert {trial.kind for trial in trials} == {"image", "image_edit", "video"}
    assert not any("by URL" in name for trial in trials for name in trial.names)
    assert all(isinstance(bare.predict(trial.make_body()), Rejected) for trial in trials)


def test_exr_on_an_extension_may_be_refused_for_either_reason() -> None:
    """EXR without HDR on an extension breaks two rules, so it is no context of one of them."""
    prior = {"generation_id": material().completed_video}
    body = {"prompt": "x", "model": "ray-3.2", "type": "video", "video": {"start_frame": prior, "exr_export": True}}
    prediction = material().predict(body)

    assert isinstance(prediction, Rejected)
    assert {one.rule for one in prediction.violations} == {"exr-without-hdr", "extend-hdr"}

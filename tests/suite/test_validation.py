"""Validation proved on wrong servers: each is caught with a small example, and what is legal is not accused."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest

from luma_conformance.model import Request
from luma_conformance.properties.luma_target import LumaTarget
from luma_conformance.properties.nonconformance import NonConformance
from luma_conformance.reference import media_facts
from luma_conformance.rules import predict
from luma_conformance.strategies import FAULTS, KINDS, Body
from luma_conformance.suite import test_malformed as malformed
from luma_conformance.suite import test_validation as validation
from tests import miniatures
from tests.kit import read_cases
from tests.miniatures import Wrong, answering, in_another_order, on_body, on_requests, right
from tests.suite.target_on import target_on


def caught(luma_target: LumaTarget, rule: str) -> str:
    """Return the explanation of what the property about a rule finds."""
    with pytest.raises(NonConformance) as found:
        validation.test_a_rule_holds_and_ends_where_the_page_says(rule, luma_target)
    return str(found.value)


def manga_overlooked(body: Body) -> Body:
    """Skip the manga check for one model."""
    if body.get("model") == "uni-1-max" and body.get("style") == "manga":
        return {**body, "style": "auto"}
    return body


def only_adjacent_duplicates(body: Body) -> Body:
    """Find a duplicate index only beside its twin."""
    match body:
        case {"video": {"edit": {"keyframe_indexes": [*indexes]} as edit}} if all(
            one != other for one, other in pairwise(indexes)
        ):
            distinct = [index if index < 0 else place for place, index in enumerate(indexes)]
            return {**body, "video": {**body["video"], "edit": {**edit, "keyframe_indexes": distinct}}}
    return body


def counted(length: Callable[[str], int]) -> Callable[[Body], Body]:
    """Count a prompt in another unit."""

    def seen(body: Body) -> Body:
        prompt = body.get("prompt")
        if isinstance(prompt, str) and prompt and (length(prompt) > 6000) != (len(prompt) > 6000):
            return {**body, "prompt": "a" * (6001 if length(prompt) > 6000 else 1)}
        return body

    return seen


in_escapes = counted(lambda prompt: len(json.dumps(prompt)) - 2)
in_bytes = counted(lambda prompt: len(prompt.encode()))
in_utf_16 = counted(lambda prompt: len(prompt.encode("utf-16-le", "surrogatepass")) // 2)


def manga_without_3_2(body: Body) -> Body:
    """Let manga have one ratio too many."""
    if body.get("style") == "manga" and body.get("aspect_ratio") == "3:2":
        return {**body, "style": "auto"}
    return body


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "rule", "shown"),
    [
        pytest.param(manga_overlooked, "manga-not-portrait", '"uni-1-max"', id="check skipped for one model"),
        pytest.param(only_adjacent_duplicates, "keyframe-index-duplicate", "unique", id="only adjacent duplicates"),
        pytest.param(in_escapes, "unsupported-type", "between 1 and 6000", id="prompt counted as JSON writes it"),
        pytest.param(manga_without_3_2, "manga-not-portrait", '"3:2"', id="manga misses one ratio"),
    ],
)
def test_a_server_wrong_off_the_examples_is_caught(wrong: Callable[[Body], Body], rule: str, shown: str) -> None:
    """A server wrong in one corner of one rule is caught, with what is wrong in the explanation."""
    explanation = caught(target_on(on_body(wrong), examples=800), rule)

    assert shown in explanation
    assert "  the page says    " in explanation
    assert "  the server said  " in explanation
    assert "curl -sS -i -X POST" in explanation


@pytest.mark.slow
def test_a_finding_is_shrunk() -> None:
    """Of all requests that show a fault, the one shown has nothing in it that is not needed."""
    explanation = caught(target_on(on_body(manga_without_3_2), examples=800), "manga-not-portrait")

    body = json.loads(explanation.rpartition("body: ")[2])
    assert set(body) == {"prompt", "style", "aspect_ratio"}


def test_a_finding_comes_with_a_valid_case_file() -> None:
    """The YAML that comes with a finding is a case file that reads without a problem."""
    explanation = caught(target_on(on_body(manga_without_3_2), examples=800), "manga-not-portrait")

    text = explanation.partition("as a case, to keep:\n\n")[2]
    (case,) = read_cases(text)
    assert case.status == 422


@pytest.mark.slow
@pytest.mark.parametrize("unit", [in_bytes, in_utf_16], ids=["bytes", "UTF-16"])
def test_what_a_character_is_is_left_to_the_server(unit: Callable[[Body], Body]) -> None:
    """The page says characters; whether they are code points, UTF-16 units or bytes, it does not."""
    luma_target = target_on(on_body(unit), examples=400)

    validation.test_what_the_page_lets_pass_is_accepted("image", luma_target)
    validation.test_a_rule_holds_and_ends_where_the_page_says("prompt-too-long", luma_target)


@pytest.mark.slow
@pytest.mark.parametrize(
    "legal",
    [in_another_order, miniatures.with_extras, miniatures.of_another_make, right],
    ids=["order", "extras", "another make", "none"],
)
def test_a_legal_server_is_not_accused(legal: Wrong) -> None:
    """Another order of checks, more headers and more members are nobody's fault."""
    luma_target = target_on(legal, examples=120)

    for kind in KINDS:
        validation.test_what_the_page_lets_pass_is_accepted(kind, luma_target)
    for rule in set(FAULTS) - {"video-too-heavy"}:
        validation.test_a_rule_holds_and_ends_where_the_page_says(rule, luma_target)
    validation.test_faults_together_get_an_answer_of_one_of_them(luma_target)
    validation.test_odd_values_get_an_orderly_answer(luma_target)
    malformed.test_what_is_no_request_is_refused_in_the_shape_of_all_errors(luma_target)
    malformed.test_what_may_be_a_request_is_answered_in_order(luma_target)
    malformed.test_any_request_id_comes_back_as_it_was_sent(luma_target)

    assert min(luma_target.broken[rule] for rule in set(FAULTS) - {"video-too-heavy"}) >= 5
    assert min(luma_target.kept[rule] for rule in set(FAULTS) - {"video-too-heavy"}) >= 5


@pytest.mark.slow
def test_a_crash_on_an_odd_value_is_caught() -> None:
    """A server that answers 500 to a null where it expects a text is caught."""
    crashes = answering(500, b'{"detail": "oops"}', lambda request: b'"style": null' in request.body)

    with pytest.raises(NonConformance, match="the server said  500"):
        validation.test_odd_values_get_an_orderly_answer(target_on(crashes, examples=4000))


@pytest.mark.slow
def test_off_this_machine_only_sure_refusals_are_sent() -> None:
    """Off this machine not one request is sent that the oracle does not predict to be refused."""
    sent: Counter[str] = Counter()

    def noted(request: Request) -> Request:
        sent[type(predict(json.loads(request.body), media=media_facts)).__name__] += 1
        return request

    luma_target = target_on(on_requests(noted), limit=0)
    for rule in set(FAULTS) - {"video-too-heavy"}:
        validation.test_a_rule_holds_and_ends_where_the_page_says(rule, luma_target)
    validation.test_faults_together_get_an_answer_of_one_of_them(luma_target)
    costlies: tuple[Callable[[], None], ...] = (
        lambda: validation.test_odd_values_get_an_orderly_answer(luma_target),
        lambda: validation.test_what_the_page_lets_pass_is_accepted("image", luma_target),
        lambda: malformed.test_what_is_no_request_is_refused_in_the_shape_of_all_errors(luma_target),
    )
    for costly in costlies:
        with pytest.raises(pytest.skip.Exception, match="would cost money"):
            costly()

    assert set(sent) == {"Rejected"}
    assert luma_target.session.spending.spent == 0

"""The fleet: each miniature is named, says in one sentence what it is, and is what it says."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from luma_conformance.catalogue import files as casefiles
from luma_conformance.miniatures.contexts import CONTEXTS, Context
from luma_conformance.miniatures.fleet import fleet
from luma_conformance.miniatures.kinds import KINDS
from luma_conformance.miniatures.miniature import Area, Asked, Draft, Miniature, around, create, play_witness, read_json
from luma_conformance.miniatures.places import media_forms
from luma_conformance.miniatures.tabled import forms
from luma_conformance.model import Request, Response
from luma_conformance.reference import VirtualClock, media_facts
from luma_conformance.rules import RULES, Rejected, predict
from luma_conformance.session.rehearsal import find_broken

REFERENCE = around(lambda handle: handle)
HEAVY = 1_000_000
WRONG = [one for one in fleet() if not one.is_legal and one.wire is None]


def seen(miniature: Miniature) -> list[tuple[Request, Response, Response]]:
    """Return each request of a witness with the reference's answer and the miniature's."""
    assert miniature.witness is not None
    right = play_witness(REFERENCE, VirtualClock(), miniature.witness)
    wrong = play_witness(miniature.make, VirtualClock(), miniature.witness)
    return [(request, one, other) for (request, one), (_, other) in zip(right, wrong, strict=True)]


def is_light(miniature: Miniature) -> bool:
    """Return whether a witness takes no 70 MB."""
    return not re.search(r"heavy|decimal|one-less", miniature.name)


@pytest.mark.parametrize(
    "body",
    [
        {"prompt": 0, "video": [], "source": "", "image_ref": 7},
        {"video": {"edit": 3, "start_frame": "x"}},
        {"video": {"edit": {"keyframe_indexes": [], "keyframes": [None]}}, "image_ref": [[]]},
        {"video": {"edit": {"keyframe_indexes": 4, "keyframes": 4, "controls": []}}, "source": {"url": 1}},
        {"video": {"edit": {"keyframe_indexes": ["a"]}, "source_position": {"x_norm": "a"}}, "type": {}},
    ],
)
def test_what_a_rule_is_skipped_for_breaks_nothing_else(body: dict[str, object]) -> None:
    """A service that overlooks a rule in some form or context answers bodies of other types as the reference does."""
    right = REFERENCE(VirtualClock())(create(body))
    skipping = [one for one in WRONG if one.name.startswith("forms/")] + [
        one for one in WRONG if one.name.startswith("contexts/")
    ][::60]

    assert [one.name for one in skipping if one.make(VirtualClock())(create(body)) != right] == []


def test_there_are_enough() -> None:
    """There are at least 250 wrong services that are not equivalent to the reference, and 40 legal variants."""
    assert sum(one.equivalent is None and not one.is_legal for one in fleet()) >= 250
    assert sum(one.is_legal for one in fleet()) >= 40


def test_names_are_unique_and_usable() -> None:
    """No two miniatures share a name, and a name can be typed."""
    assert [name for name, count in Counter(one.name for one in fleet()).items() if count > 1] == []
    assert [one.name for one in fleet() if not re.fullmatch(r"[\w./-]+", one.name)] == []


def test_each_says_in_one_sentence_what_it_is() -> None:
    """A miniature says what it does in one sentence."""
    assert [one.says for one in fleet() if not re.fullmatch(r"[A-Z][^\n]*[^.\s]\.", one.says)] == []


def test_headings_are_headings_of_the_page() -> None:
    """Each names a heading of the page, as the catalogue transcribes it."""
    own = casefiles.own()
    known = {case.section for case in own} | {holding.section for holding in own.holdings}

    assert {one.heading for one in fleet()} - known == set()


def test_every_rule_context_and_kind_of_answer_is_used() -> None:
    """No rule, no context and no kind of answer is left out by the operators."""
    names = {one.name for one in fleet()}

    assert [rule.id for rule in RULES if f"rules/{rule.id}/never" not in names] == []
    contexts = {name.partition("/not-")[2] for name in names if name.startswith("contexts/")}
    assert {context.name for context in CONTEXTS} - contexts == set()
    assert [kind.name for kind in KINDS if f"headers/{kind.name}/no-version" not in names] == []


def test_every_form_breaks_its_rule_and_no_other() -> None:
    """A form of breaking a rule breaks that rule alone, and recognizes itself."""
    for form in forms():
        prediction = predict(form.body, media=media_facts)
        assert isinstance(prediction, Rejected), form
        assert {violation.rule for violation in prediction.violations} == {form.rule}, form.name
        assert form.has(form.body), form.name
    assert {form.rule for form in media_forms()} < {form.rule for form in forms()}


@pytest.mark.parametrize("context", CONTEXTS, ids=lambda context: str(context.name))
def test_a_context_can_be_given_and_taken(context: Context) -> None:
    """A context that is added to a plain request holds in it, and no longer once it is taken from it."""
    plain = Draft(body={"output_format": None, "prompt": "A sunset"})
    inside, outside = (change(plain).write() for change in (context.add, context.drop))

    assert context.holds(Asked(request=inside, body=read_json(inside.body)))
    if context.name != "output_format-null":
        assert not context.holds(Asked(request=outside, body=read_json(outside.body)))


@pytest.mark.parametrize("area", [area for area in Area if area is not Area.VARIANTS], ids=str)
def test_each_behaves_otherwise_than_the_reference_on_its_witness(area: Area) -> None:
    """Each wrong service answers its witness otherwise than the reference does, so none is the reference by mistake."""
    for one in WRONG:
        if one.area is area and is_light(one):
            assert any(right != wrong for _, right, wrong in seen(one)), one.name


@pytest.mark.slow
@pytest.mark.parametrize("one", [one for one in WRONG if not is_light(one)], ids=lambda one: str(one.name))
def test_those_about_large_media_do_too(one: Miniature) -> None:
    """So do those whose witness is an upload of 70 MB."""
    assert any(right != wrong for _, right, wrong in seen(one))


@pytest.mark.parametrize("area", [area for area in Area if area is not Area.VARIANTS], ids=str)
def test_each_differs_only_where_it_says_so(area: Area) -> None:
    """What a miniature says it touches covers each request of its witness that it answers otherwise."""
    for one in WRONG:
        if one.area is not area or one.touches is None or not is_light(one):
            continue
        for request, right, wrong in seen(one):
            if right != wrong:
                body = read_json(request.body)
                asked = Asked(request=request, body=body, broken=find_broken(body), answer=right)
                assert one.touches(asked), one.name
                break

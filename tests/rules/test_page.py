"""The rules answer the page's own examples as the page prints them."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from operator import attrgetter

import pytest

from luma_conformance.rules import RULES, Accepted, Rejected, Unspecified, Violation, facts, predict
from tests.rules import bodies
from tests.rules.printed import PRINTED, Printed

NOT_DECIDED_BY_THE_BODY = 10
"""Four texts of 401, one of 402, two of 403, two of 429, one of 404: the page prints 59 in all."""
by_name = attrgetter("name")


@pytest.mark.parametrize("row", PRINTED, ids=by_name)
def test_a_body_with_one_fault_gets_exactly_the_printed_answer(row: Printed) -> None:
    """A body with one fault has one allowed answer, the one the page prints."""
    prediction = predict(row.body, media=bodies.look_up)
    assert isinstance(prediction, Rejected)
    (violation,) = prediction.violations
    assert (violation.rule, violation.status, violation.details) == (row.rule, row.status, (row.detail,))
    assert prediction.allows(row.status, row.detail)


@pytest.mark.parametrize("row", PRINTED, ids=by_name)
def test_the_same_body_without_the_fault_is_accepted(row: Printed) -> None:
    """The same request without the fault is accepted."""
    assert predict(row.twin, media=bodies.look_up) == Accepted()


def test_the_examples_cover_every_text_that_depends_on_the_body() -> None:
    """The rows above hold every text the page prints for POST bodies, and every one of them is different."""
    texts = {row.detail for row in PRINTED}
    assert len(texts) == 59 - NOT_DECIDED_BY_THE_BODY


def test_the_examples_cover_every_rule() -> None:
    """Every row of the table has an example, but for the two whose text the page does not print for that body."""
    assert {row.rule for row in PRINTED} == {rule.id for rule in RULES} - {"source-on-video", "video-too-heavy"}


def test_examples_stand_in_page_order() -> None:
    """The table runs in the order of the page's headings, as the examples do."""
    order = [rule.id for rule in RULES]
    positions = [order.index(row.rule) for row in PRINTED]
    assert positions == sorted(positions)


def test_rule_ids_are_unique_and_outranked_by_names_rules() -> None:
    """Every rule has an id of its own, and what outranks it is another rule."""
    ids = [rule.id for rule in RULES]
    assert len(set(ids)) == len(ids)
    for rule in RULES:
        assert set(rule.outranked_by) <= set(ids) - {rule.id}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_heading_begins_with_its_status(rule: object) -> None:
    """A rule's heading names the status it is answered with."""
    assert getattr(rule, "heading", "").startswith(f"{getattr(rule, 'status', None)} — ")


@pytest.mark.parametrize("kind", ["video_edit", "video_reframe"])
@pytest.mark.parametrize("media_type", [None, "image/jpeg", "mp4"])
@pytest.mark.parametrize("media", [{"url": "https://example.com/s.mp4"}, {"data": "iVBORw0KGgo..."}])
def test_a_source_video_declares_a_video_type(kind: str, media_type: str | None, media: dict[str, str]) -> None:
    """A hosted or inline source without a video type is refused by that text alone, which names the type sent."""
    source = {**media, **({} if media_type is None else {"media_type": media_type})}
    prediction = predict(bodies.ray(kind, source=source))
    assert isinstance(prediction, Rejected)
    assert [violation.rule for violation in prediction.violations] == ["source-video-untyped"]
    assert prediction.violations[0].details[0].endswith(f"on type='{kind}'")


@pytest.mark.parametrize("ratio", ["9:16", "3:4"])
def test_vertical_reframe_names_the_ratio_sent(ratio: str) -> None:
    """Both vertical targets are refused at 1080p, each by its name, and accepted at 720p."""
    tall = bodies.ray("video_reframe", aspect_ratio=ratio, video={"resolution": "1080p"})
    prediction = predict(tall)
    assert isinstance(prediction, Rejected)
    assert f"(aspect_ratio '{ratio}', type 'video_reframe')" in prediction.violations[0].details[0]
    assert predict({**tall, "video": {"resolution": "720p"}}) == Accepted()


@pytest.mark.parametrize("kind", ["video", "video_reframe"])
def test_the_list_of_ray_ratios_may_be_in_either_of_two_orders(kind: str) -> None:
    """For Ray the page names six ratios but not their order, so two orders are allowed."""
    prediction = predict(bodies.ray(kind, aspect_ratio="2:1"))
    assert isinstance(prediction, Rejected)
    (violation,) = prediction.violations
    lists = [detail.removeprefix("Invalid aspect_ratio '2:1'. Valid: ").split(", ") for detail in violation.details]
    assert lists[1] == sorted(facts.VIDEO_RATIOS)
    assert lists[0] == sorted(facts.VIDEO_RATIOS, key=lambda ratio: ratio.replace(":", ""))
    assert list(facts.IMAGE_RATIOS) == sorted(facts.IMAGE_RATIOS, key=lambda ratio: ratio.replace(":", ""))


@pytest.mark.parametrize("ratio", facts.IMAGE_RATIOS)
def test_manga_is_portrait_only(ratio: str) -> None:
    """Manga goes with the four portrait ratios and with none of the other five."""
    prediction = predict(bodies.image(style="manga", aspect_ratio=ratio))
    assert (prediction == Accepted()) == (ratio in facts.PORTRAIT_RATIOS)


@pytest.mark.parametrize("frame", ["start_frame", "end_frame"])
def test_a_frame_has_a_prefix_the_page_does_not_fix(frame: str) -> None:
    """A frame's fault is answered with the known text behind any prefix, but not without one."""
    prediction = predict(bodies.video(**{frame: {**bodies.FINE, "data": "x", "media_type": "image/png"}}))
    assert isinstance(prediction, Rejected)
    (violation,) = prediction.violations
    assert violation.details == ()
    assert violation.detail_like == "{field}: provide either 'url' or 'data', not both"
    assert violation.path == f"video.{frame}"
    assert prediction.allows(400, f"video.{frame}: provide either 'url' or 'data', not both")
    assert not prediction.allows(400, ": provide either 'url' or 'data', not both")
    assert not prediction.allows(400, "video.start_frame: pick one")


def test_a_frame_that_does_not_load_is_refused_behind_any_prefix() -> None:
    """Frames are under the size caps and the fetch failures as references are."""
    for frame, answer in (
        (bodies.HEAVY, (413, "f: image exceeds 50 MB limit")),
        (bodies.NOWHERE, (422, "f: failed to fetch URL")),
    ):
        prediction = predict(bodies.video(start_frame=frame), media=bodies.look_up)
        assert isinstance(prediction, Rejected)
        assert prediction.allows(*answer)


def test_ingestion_off_is_a_503_where_the_page_says_whom_it_affects() -> None:
    """The 503 affects the source and the references; whether it affects frames the page does not say."""
    prediction = predict(bodies.restyle(source=bodies.OFF), media=bodies.look_up)
    assert isinstance(prediction, Rejected)
    assert prediction.violations[0].details
    assert isinstance(predict(bodies.video(start_frame=bodies.OFF), media=bodies.look_up), Unspecified)


def test_a_source_video_beyond_every_cap_is_a_413_of_any_text() -> None:
    """The page puts source videos under 413 and prints no text that speaks of one."""
    prediction = predict(
        bodies.ray("video_edit", source={**bodies.HUGE, "media_type": "video/mp4"}), media=bodies.look_up
    )
    assert isinstance(prediction, Rejected)
    assert prediction.allows(413, "source: video exceeds 200 MB limit")
    assert not prediction.allows(400, "source: video exceeds 200 MB limit")


def test_where_the_wording_may_vary_only_the_status_is_fixed() -> None:
    """A text whose wording the page does not promise is judged by its status only."""
    prediction = predict(bodies.image(image_ref=[bodies.PDF]), media=bodies.look_up)
    assert isinstance(prediction, Rejected)
    assert prediction.allows(422, "image_ref[0]: not an image (application/pdf)")
    assert not prediction.allows(400, "image_ref[0]: content-type is not an image")


def test_a_violation_is_immutable() -> None:
    """A violation is a value: equal by content and frozen."""
    violation = Violation(rule="r", status=400, details=("a",), detail_like=None, path="p")
    assert violation == Violation(rule="r", status=400, details=("a",), detail_like=None, path="p")
    with pytest.raises(FrozenInstanceError):
        violation.status = 422  # type: ignore[misc]


def test_failure_codes_are_nine_and_three_may_be_retried() -> None:
    """Nine failure codes, of which the page lets three be sent again as they are."""
    assert len(facts.FAILURE_CODES) == 9
    retryable = {code for code, again in facts.FAILURE_CODES.items() if again}
    assert retryable == {"generation_failed", "output_not_found", "rate_limited"}

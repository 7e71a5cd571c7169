"""Refusals for another reason proved on wrong servers, which refuse what a section is about whatever is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from luma_conformance.model import Request
from luma_conformance.properties.nonconformance import NonConformance
from luma_conformance.strategies import Body
from luma_conformance.suite import test_reasons as reasons
from tests import miniatures
from tests.miniatures import Wrong, answering, right
from tests.suite.target_on import target_on


def refusing(status: int, detail: str, when: Callable[[Body], object]) -> Wrong:
    """Refuse some bodies with one text, whatever is wrong with them."""

    def chosen(request: Request) -> bool:
        body = json.loads(request.body) if request.body.startswith(b"{") else None
        return isinstance(body, dict) and bool(when(body))

    return answering(status, json.dumps({"detail": detail}).encode(), chosen)


def edit_of(body: Body) -> Body:
    """Return the editing options of a body."""
    video = body.get("video")
    return (video.get("edit") or {}) if isinstance(video, dict) else {}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param(
            refusing(400, "source is required for type 'image_edit'", lambda body: body.get("type") == "image_edit"),
            "400-source-missing-image-edit",
            id="every edit of an image",
        ),
        pytest.param(
            refusing(400, "video.edit.keyframe_indexes must be unique", lambda body: edit_of(body).get("keyframes")),
            "400-keyframes",
            id="every guide frame",
        ),
        pytest.param(
            refusing(422, "image_ref[0]: failed to fetch URL", lambda body: body.get("image_ref")),
            "422-",
            id="every reference",
        ),
        pytest.param(
            refusing(400, "Unknown model: super-model-v9", lambda body: True), "400-unknown-model", id="everything"
        ),
        pytest.param(
            refusing(402, "Insufficient balance. Please add funds to continue.", lambda body: True),
            "402",
            id="everybody",
        ),
    ],
)
@pytest.mark.parametrize("limit", [None, 0], ids=["free", "off this machine"])
def test_a_refusal_for_another_reason_is_caught(wrong: Wrong, said: str, limit: int | None) -> None:
    """A server that refuses a kind of request with one text is caught without one accepted request."""
    with pytest.raises(NonConformance, match=said):
        reasons.test_a_refusal_is_for_its_reason(target_on(wrong, limit=limit))


@pytest.mark.parametrize(
    "legal", [right, miniatures.with_extras, miniatures.of_another_make], ids=["none", "extras", "another make"]
)
def test_a_refusal_for_its_own_reason_passes(legal: Wrong) -> None:
    """Each request is refused for the one thing that is wrong with it, and none is accepted."""
    luma_target = target_on(legal, limit=0)

    reasons.test_a_refusal_is_for_its_reason(luma_target)

    assert luma_target.session.spending.spent == 0
    assert set(luma_target.broken) == {"prompt-empty", "unknown-model"}

"""The material: what is known of the media and generations of a target, and what is left open."""

from __future__ import annotations

from typing import Any

import pytest

from luma_conformance.catalogue.media import expand
from luma_conformance.rules import Accepted, Kind, MediaFact, Problem, Rejected, Unspecified, inline_only
from luma_conformance.strategies import Material
from luma_conformance.strategies.material import SUPPLIED

IMAGE, VIDEO, UNKNOWN = (f"0b1e9d3a-58c4-7f0e-9a51-00000000000{n}" for n in range(3))
MATERIAL = Material(
    image_url="https://cdn.test/cat.jpg?sig=1",
    video_url="https://cdn.test/cat.mp4",
    completed_image=IMAGE,
    completed_video=VIDEO,
    trouble={"oversized-pixels-url": "https://cdn.test/wide.png"},
)
UNDECIDED = MediaFact(problem=Problem.UNDECIDED)


def restyling(**source: str) -> dict[str, Any]:
    """Return an image edit of a source."""
    return {"type": "image_edit", "prompt": "at night", "source": source}


@pytest.mark.parametrize(
    ("reference", "fact"),
    [
        ({"generation_id": IMAGE}, MediaFact(kind=Kind.IMAGE)),
        ({"generation_id": VIDEO}, MediaFact(kind=Kind.VIDEO)),
        ({"generation_id": UNKNOWN}, UNDECIDED),
        ({"url": "https://cdn.test/cat.jpg?sig=1"}, MediaFact(kind=Kind.IMAGE)),
        ({"url": "https://cdn.test/cat.jpg?sig=1", "media_type": "image/jpeg"}, MediaFact(kind=Kind.IMAGE)),
        ({"url": "https://cdn.test/cat.jpg?sig=1", "media_type": "image/png"}, UNDECIDED),
        ({"url": "https://cdn.test/cat.mp4", "media_type": "video/mp4"}, MediaFact(kind=Kind.VIDEO)),
        ({"url": "https://cdn.test/cat.mp4", "media_type": "video/quicktime"}, UNDECIDED),
        ({"url": "https://cdn.test/dog.jpg"}, UNDECIDED),
        ({"url": "https://cdn.test/wide.png"}, MediaFact(width=9000, height=6000, kind=Kind.IMAGE)),
    ],
)
def test_what_is_known_of_a_reference_is_what_the_target_offers_it_as(
    reference: dict[str, object], fact: MediaFact
) -> None:
    """A generation and a URL are of the kind their role says; what is no part of the material is undecided."""
    assert MATERIAL.facts(reference) == fact


def test_an_image_edit_of_a_video_is_left_open() -> None:
    """The page speaks of a prior image there: a server may refuse a prior video, in words of its own."""
    assert MATERIAL.predict(restyling(generation_id=IMAGE)) == Accepted()
    assert isinstance(MATERIAL.predict(restyling(generation_id=VIDEO)), Unspecified)


def test_hdr_is_left_open_for_an_account_without_access_to_it() -> None:
    """What an account without access to HDR is told is not known, whether the options go together or not."""
    hdr = {"model": "ray-3.2", "type": "video", "prompt": "at night", "video": {"hdr": True}}
    faulty = {**hdr, "video": {"hdr": True, "loop": True}}
    without = Material(offers=frozenset())

    assert Material().predict(hdr) == Accepted()
    assert isinstance(Material().predict(faulty), Rejected)
    assert isinstance(without.predict(hdr), Unspecified)
    assert isinstance(without.predict(faulty), Unspecified)
    assert without.predict({**hdr, "video": {"hdr": False}}) == Accepted()


def test_what_is_known_of_large_uploads_is_so() -> None:
    """The sizes that are not found out by decoding 70 MB are those of what is supplied; the video is only known."""
    for (name, media_type), fact in SUPPLIED.items():
        found = inline_only({"data": expand(name), "media_type": media_type})
        assert found == fact or (name, fact.kind) == ("{inline-video}", Kind.VIDEO)

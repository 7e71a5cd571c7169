"""Prior generations of other keys: each key may refer to its own, and the rules about that hold for it too."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from luma_conformance.judge.answers import FINAL_STATES, member_of
from luma_conformance.properties.asking import create, make_body, make_poll, make_request
from luma_conformance.properties.luma_target import LumaTarget, not_judged
from luma_conformance.properties.nonconformance import NonConformance
from luma_conformance.rules import Accepted
from luma_conformance.strategies import Material
from luma_conformance.strategies.chained import Chained, list_chained
from luma_conformance.strategies.envelope import OTHER_KEYS

STRANGER: Final = "other-key"
_SCOPED: Final = "404 — Generation belongs to another API key"
KINDS: Final = ("image", "video")
EVERY: Final = 2.0
"""Seconds between two polls, as the page recommends."""
PATIENCE: Final = 300.0
"""Seconds in which the generations have to be completed, if the user has no other patience."""


def test_a_key_refers_to_generations_of_its_own(luma_target: LumaTarget) -> None:
    """Each other key makes an image and a video, and refers to them by each rule, but never to another client's."""
    luma_target.skip_unless_free()
    roles = [role for role in OTHER_KEYS if role in luma_target.session.target.profile.keys]
    if not roles:
        not_judged(str(luma_target.session.target.profile.missing(OTHER_KEYS[0])))
    if luma_target.is_shared:
        not_judged("workers share the clients of these keys; run it without -n")
    luma_target.for_each(roles, lambda role: _refer(luma_target, role))


def _refer(luma_target: LumaTarget, role: str) -> None:
    material = _make_own(luma_target, role)
    for chained in list_chained(material):
        exchange = luma_target.exchange(make_request(luma_target, chained.body, role))
        try:
            luma_target.check_against(chained.body, material.predict(chained.body), exchange)
        except NonConformance as found:
            raise NonConformance(_explain(str(found), role, chained), found.judged) from None
        luma_target.tried["identity"] += 1
    if role == STRANGER:
        _refer_to_anothers(luma_target)


def _refer_to_anothers(luma_target: LumaTarget) -> None:
    """Refer to what another client made wherever its owner may, of which no generation is ever completed.

    Whether such a request is refused or its job fails, no document says.
    """
    for chained in list_chained(luma_target.material):
        if luma_target.material.predict(chained.body) != Accepted():
            continue
        exchange = luma_target.exchange(make_request(luma_target, chained.body, STRANGER))
        made = member_of(exchange.response, "id")
        if exchange.response.status == 201 and _wait(luma_target, str(made), STRANGER) == "completed":
            what = f"{chained.what}, with a generation of another client: expected a refusal or a job that fails"
            luma_target.fail(f"{what}, got 201 and a completed one  [{_SCOPED}]", exchange)
        luma_target.tried["identity"] += 1


def _make_own(luma_target: LumaTarget, role: str) -> Material:
    """Return the material in which the prior generations are of a key's own making, and images are inline."""
    made = {kind: create(luma_target, make_body(luma_target, kind), role) for kind in KINDS}
    image, video = (None if name is None else _complete(luma_target, name, role) for name in made.values())
    offered = replace(luma_target.material, completed_image=image, completed_video=video)
    return replace(offered, images=offered.images[:1], image_url=None, keys=())


def _complete(luma_target: LumaTarget, name: str, role: str) -> str:
    """Return the id of a generation once it is completed."""
    if (state := _wait(luma_target, name, role)) != "completed":
        most = _patience(luma_target)
        not_judged(f"no generation of {role} was completed: its state is {state!r} after {most:.0f} s at most")
    return name


def _wait(luma_target: LumaTarget, name: str, role: str) -> object:
    """Return the state in which a generation ends, or the last that is seen of it."""
    for _ in range(max(1, round(_patience(luma_target) / EVERY))):
        polled = luma_target.exchange(make_poll(luma_target, name, role))
        if (state := member_of(polled.response, "state")) in FINAL_STATES or polled.response.status != 200:
            break
        luma_target.sleep(EVERY, role)
    return state


def _patience(luma_target: LumaTarget) -> float:
    return luma_target.session.target.patience.seconds or PATIENCE


def _explain(text: str, role: str, chained: Chained) -> str:
    """Return what was found, with what was tried below its first line."""
    heading, _, rest = text.partition("\n")
    return "\n".join([heading, f"  {'tried':<17}{chained.what}, with the {role} and its own generations", rest])

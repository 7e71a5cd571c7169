"""Gives a property its hands on the reference once it is wrapped: how properties are tried on wrong servers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from luma_conformance.catalogue.media import supply
from luma_conformance.judge.play import Target, make_lookup
from luma_conformance.model import Request, Response
from luma_conformance.properties.luma_target import Fuzzing, LumaTarget, begin
from luma_conformance.reference import Service, VirtualClock, profile_path
from luma_conformance.reference.service import ORIGIN
from luma_conformance.session.session import Judging
from luma_conformance.target.channel import LiveChannel, Passing
from luma_conformance.target.profile import load_profile
from luma_conformance.target.spending import Spending

from tests.miniatures import Handle, Wrong

PROFILE = load_profile(profile_path(), {})


@dataclass(frozen=True)
class Direct:
    """A transport straight to a handler; output URLs lead back to it."""

    handle: Handle

    def send(self, request: Request) -> Response:
        return self.handle(replace(request, url=request.url.removeprefix(ORIGIN)))


def target_on(wrap: Wrong, *, limit: int | None = None, examples: int | None = None) -> LumaTarget:
    """Returns a property's hands on the reference once it is wrapped; `limit` is the money allowed, None for free."""
    clock = VirtualClock()
    spending = Spending(Direct(wrap(Service(clock=clock).handle)), limit=limit)
    target = Target(
        channel=LiveChannel(transport=spending, patient=spending, passing=Passing(transport=spending, clock=clock)),
        value=make_lookup(PROFILE.values, supply),
        token=lambda role: PROFILE.keys[role].token,
        missing=lambda role: "too slow here" if role == "large-uploads" else PROFILE.missing(role),
        run="test",
    )
    judging = Judging(
        shown="a test",
        base_url="http://127.0.0.1:1",
        main_key=PROFILE.keys["main-key"],
        target=target,
        spending=spending,
        scrub=str,
        close=lambda: None,
    )
    return begin(judging, Fuzzing(examples=examples))

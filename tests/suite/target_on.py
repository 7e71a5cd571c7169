"""Properties on the reference once it is wrapped: how they are tried on wrong servers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from luma_conformance.judge.play import Target
from luma_conformance.model import Request, Response
from luma_conformance.properties.luma_target import Fuzzing, LumaTarget, begin
from luma_conformance.reference import Service, VirtualClock, profile_path
from luma_conformance.reference.service import ORIGIN
from luma_conformance.session.session import Session
from luma_conformance.target.channel import LiveChannel, Passing
from luma_conformance.target.profile import load_profile
from luma_conformance.target.spending import Spending

from tests.miniatures import Handle, Wrong

_OWN = load_profile(profile_path(), {})
PROFILE = replace(_OWN, offers=_OWN.offers - {"large-uploads"}, absent={"large-uploads": "too slow here"})


@dataclass(frozen=True)
class Direct:
    """A transport straight to a handler; output URLs lead back to it."""

    handle: Handle

    def send(self, request: Request) -> Response:
        return self.handle(replace(request, url=request.url.removeprefix(ORIGIN)))


def target_on(wrap: Wrong, *, limit: int | None = None, examples: int | None = None) -> LumaTarget:
    """Return the wrapped reference as properties see it; `limit` is the spend allowed, None for free."""
    clock = VirtualClock()
    spending = Spending(Direct(wrap(Service(clock=clock).handle)), limit=limit)
    channel = LiveChannel(transport=spending, patient=spending, passing=Passing(transport=spending, clock=clock))
    session = Session(
        shown="a test",
        base_url="http://127.0.0.1:1",
        target=Target(channel=channel, profile=PROFILE, run="test"),
        spending=spending,
        scrub=str,
    )
    return begin(session, Fuzzing(examples=examples))

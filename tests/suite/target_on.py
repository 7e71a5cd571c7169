"""Properties on the reference once it is wrapped: how they are tried on wrong servers."""

from __future__ import annotations

from dataclasses import replace

from luma_conformance.properties.fuzzing import Fuzzing
from luma_conformance.properties.luma_target import LumaTarget, begin
from luma_conformance.reference import Service, VirtualClock
from luma_conformance.session.session import Session
from luma_conformance.target.spending import Spending
from tests.kit import PROFILE, Direct, reference_target
from tests.miniatures import Wrong
from tests.verdicts import SHOW

WITHOUT_UPLOADS = replace(PROFILE, offers=PROFILE.offers - {"large-uploads"}, absent={"large-uploads": "too slow here"})


def target_on(wrap: Wrong, *, limit: int | None = None, examples: int | None = None) -> LumaTarget:
    """Return the wrapped reference as properties see it; `limit` is the spend allowed, None for free."""
    clock = VirtualClock()
    spending = Spending(Direct(wrap(Service(clock=clock).handle)), limit=limit)
    session = Session(
        shown="a test",
        base_url="http://127.0.0.1:1",
        target=reference_target(spending, clock, profile=WITHOUT_UPLOADS),
        spending=spending,
        scrub=SHOW,
    )
    return begin(session, Fuzzing(examples=examples))

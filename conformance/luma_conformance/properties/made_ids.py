"""Request ids that a target makes: no two of them are the same."""

from __future__ import annotations

from luma_conformance.model import Exchange, header
from luma_conformance.properties.luma_target import LumaTarget


def check_made(luma_target: LumaTarget, exchange: Exchange, where: str) -> None:
    """Check that a request without an X-Request-Id was not given one that another was given in this property."""
    given = header(exchange.response.headers, "X-Request-Id")
    if not given or header(exchange.request.headers, "X-Request-Id") is not None:
        return
    made = given.lower().replace("-", "")
    if (first := luma_target.made.get(made)) is not None:
        luma_target.fail(f"{where}: the X-Request-Id that was made for {first}  [Request tracing]", exchange)
    luma_target.made[made] = where

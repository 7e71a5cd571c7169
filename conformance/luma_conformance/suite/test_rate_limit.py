"""The rate limit, on generated sequences of requests and waits: it does what its headers say."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from hypothesis import strategies as st

from luma_conformance.judge.explain import describe_trace
from luma_conformance.judge.rate_limit import WINDOW, judge_rate_limit
from luma_conformance.model import Exchange
from luma_conformance.properties.luma_target import LumaTarget, not_judged

KEY: Final = "low-rpm-key"
BODY: Final = json.dumps({"prompt": "A sunset over the ocean"}).encode()
REFUSED: Final = json.dumps({"prompt": ""}).encode()
WAITS: Final = st.tuples(
    st.sampled_from((0, 0, 0, 0, 1, 5, 10, 20, 40, 54, 56, 58, 59, 60, 61)),
    st.sampled_from((BODY, BODY, BODY, REFUSED)),
)
FILL_AND_RETURN: Final = [*[(0, BODY)] * 4, (20, BODY), (35, BODY), (3, BODY), (3, BODY), (0, BODY)]
"""The steps of a real-time run: fill the window, then send shortly before and after it opens again."""
REFUSED_BETWEEN: Final = [(0, BODY), (0.5, BODY), (0, BODY), (30, BODY), (29, BODY), (2, BODY)]
"""Steps that show whether a request which a limit of three refuses uses quota itself; one comes in the last second."""


def test_the_window_slides_and_its_headers_tell_the_truth(luma_target: LumaTarget) -> None:
    """Limit, Remaining, Reset and Retry-After agree with the requests of the last 60 s."""
    luma_target.skip_unless_free()
    target = luma_target.session.target
    if (why := target.profile.missing(KEY)) is not None:
        not_judged(why)
    if luma_target.is_shared:
        not_judged("workers share this key's client; run the limits without -n")
    if target.missing("fast-clock") is None:
        luma_target.for_all(
            st.lists(WAITS, min_size=4, max_size=12),
            lambda waits: _judge(luma_target, waits),
            share=0.1,
            always=[REFUSED_BETWEEN],
        )
    elif luma_target.fuzzing.real_time:
        _judge(luma_target, FILL_AND_RETURN)
    else:
        not_judged("the profile names no fast-clock; --luma-real-time waits instead, about two minutes")


def _judge(luma_target: LumaTarget, waits: Sequence[tuple[float, bytes]]) -> None:
    luma_target.sleep(WINDOW + 1, KEY)
    trace: list[Exchange] = []
    for seconds, body in waits:
        if seconds:
            luma_target.sleep(seconds, KEY)
        trace.append(luma_target.exchange(luma_target.request(body=body, role=KEY), at_once=True))
    report = judge_rate_limit(trace, since=trace[0].sent - WINDOW - 1)
    luma_target.observe(report.observed)
    if report.contradictions:
        smallest = min(report.contradictions, key=lambda found: len(found.exchanges))
        luma_target.fail(luma_target.session.scrub(describe_trace(smallest, trace)), trace[smallest.exchanges[-1]])

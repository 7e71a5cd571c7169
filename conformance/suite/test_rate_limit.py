"""The rate limit, on generated sequences of requests and waits: what its headers say is what it does."""

from __future__ import annotations

import json
from typing import Final

from hypothesis import strategies as st

from conformance.limiter import WINDOW, explain, judge_trace
from conformance.model import Exchange
from conformance.properties import Luma, not_judged

KEY: Final = "low-rpm-key"
BODY: Final = json.dumps({"prompt": "A sunset over the ocean"}).encode()
REFUSED: Final = json.dumps({"prompt": ""}).encode()
WAITS: Final = st.tuples(
    st.sampled_from((0, 0, 0, 0, 1, 5, 10, 20, 40, 54, 56, 58, 59, 60, 61)),
    st.sampled_from((BODY, BODY, BODY, REFUSED)),
)
FILL_AND_RETURN: Final = [*[(0, BODY)] * 4, (20, BODY), (35, BODY), (3, BODY), (3, BODY), (0, BODY)]
"""What a real-time run sends: a full window, then requests shortly before and after it opens again."""


def test_the_window_slides_and_its_headers_tell_the_truth(luma: Luma) -> None:
    """Limit, Remaining, Reset and Retry-After agree with the requests of the last 60 s, wherever they are placed."""
    luma.needs_free()
    target = luma.judging.target
    if (why := target.missing(KEY)) is not None:
        not_judged(why)
    if luma.shared:
        not_judged("workers share this key's client; run the limits without -n")
    if target.missing("fast-clock") is None:
        luma.every(st.lists(WAITS, min_size=4, max_size=14), lambda waits: _judge(luma, waits), share=0.6)
    elif luma.fuzzing.real_time:
        _judge(luma, FILL_AND_RETURN)
    else:
        not_judged("the profile names no fast-clock; --luma-real-time waits instead, about two minutes")


def _judge(luma: Luma, waits: list[tuple[int, bytes]]) -> None:
    luma.sleep(WINDOW + 1, KEY)
    trace: list[Exchange] = []
    for seconds, body in waits:
        if seconds:
            luma.sleep(seconds, KEY)
        trace.append(luma.exchange(luma.request(body=body, role=KEY), at_once=True))
    report = judge_trace(trace, since=trace[0].sent - WINDOW - 1)
    luma.observe(report.observed)
    if report.contradictions:
        smallest = min(report.contradictions, key=lambda found: len(found.exchanges))
        luma.fail(luma.judging.scrub(explain(trace, smallest)), trace[smallest.exchanges[-1]])

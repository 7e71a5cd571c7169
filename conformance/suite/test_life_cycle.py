"""The life of a generation, polled at generated moments, and ids that must tell nothing."""

from __future__ import annotations

import json
from typing import Final

from hypothesis import strategies as st

from conformance.judge import FINAL_STATES, body_of
from conformance.lifecycle import judge_history, judge_indistinguishable
from conformance.model import Exchange, Request
from conformance.properties import Luma, not_judged
from conformance.roles import MAIN_KEY, PROMPTS

WAITS: Final = st.lists(st.sampled_from((0.0, 0.01, 0.04, 0.3, 5.0, 60.0)), min_size=2, max_size=6)
LONG: Final = 3600.0
"""Seconds after which a generation that was not asked to stay is over: the active-job limit."""


def test_a_generation_moves_forward_and_tells_what_its_state_demands(luma: Luma) -> None:
    """States never go back, facts never change and echo the request, each completed poll has a fresh URL."""
    luma.needs_free()
    target = luma.judging.target
    if (why := target.missing("fast-clock")) is not None:
        not_judged(why)
    prompts = ["A sunset over the ocean", *(target.value(role) for role in PROMPTS if not target.missing(role))]
    bodies = st.fixed_dictionaries(
        {"prompt": st.sampled_from(prompts)}, optional={"model": st.sampled_from(("uni-1", "uni-1-max"))}
    )
    luma.every(st.tuples(bodies, WAITS), lambda drawn: _live(luma, *drawn), share=0.5)


def test_ids_that_are_not_ones_own_cannot_be_told_apart(luma: Luma) -> None:
    """Another client's generation, an unknown id and a malformed one get the same answer, headers included."""
    luma.needs_free()
    if (why := luma.judging.target.missing("other-key")) is not None:
        not_judged(why)
    created = luma.exchange(luma.request(body=b'{"prompt": "A sunset over the ocean"}'))
    owned = _id(created)
    unknown = "00000000-0000-4000-8000-000000000000"
    named = (("another client's id", owned), ("an unknown id", unknown), ("a malformed id", "not-a-uuid"))
    lookups = [(label, luma.exchange(_lookup(luma, name, "other-key"))) for label, name in named]
    for oddity in judge_indistinguishable(lookups):
        luma.fail(f"{oddity.what}  [404 — Generation belongs to another API key]", lookups[oddity.exchange][1])


def _live(luma: Luma, body: dict[str, str], waits: list[float]) -> None:
    created = luma.exchange(luma.request(body=json.dumps(body).encode()))
    polls: list[Exchange] = []
    for seconds in (*waits, LONG, 0.0):
        if seconds:
            luma.sleep(seconds, MAIN_KEY)
        polls.append(luma.exchange(_lookup(luma, _id(created), MAIN_KEY)))
    for oddity in judge_history(created, polls):
        luma.fail(f"{oddity.what}  [Handling async failures in code]", (created, *polls)[oddity.exchange])
    last = body_of(polls[-1].response)
    if body["prompt"] not in _staying(luma) and isinstance(last, dict) and last.get("state") not in FINAL_STATES:
        luma.fail(f"not over after {LONG:.0f} s  [Handling async failures in code]", polls[-1])


def _staying(luma: Luma) -> list[str]:
    target = luma.judging.target
    return [target.value(role) for role in ("queued-prompt", "processing-prompt") if not target.missing(role)]


def _id(created: Exchange) -> str:
    body = body_of(created.response)
    return str(body.get("id")) if isinstance(body, dict) else ""


def _lookup(luma: Luma, generation_id: str, role: str) -> Request:
    headers = (("Authorization", f"Bearer {luma.judging.target.token(role)}"), ("X-Request-Id", "lookup"))
    return Request(method="GET", url=f"/v1/generations/{generation_id}", headers=headers)

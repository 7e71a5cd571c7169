"""The life of a generation, polled at generated times, and ids that must reveal nothing."""

from __future__ import annotations

import json
from typing import Final

from hypothesis import strategies as st

from luma_conformance.catalogue.roles import MAIN_KEY, PROMPTS
from luma_conformance.judge.answers import FINAL_STATES, body_of, member_of
from luma_conformance.judge.lifecycle import judge_indistinguishable, judge_life_cycle
from luma_conformance.model import Exchange, Request
from luma_conformance.properties.luma_target import LumaTarget, not_judged

WAITS: Final = st.lists(st.sampled_from((0.0, 0.01, 0.04, 0.3, 5.0, 60.0)), min_size=2, max_size=6)
HOUR: Final = 3600
"""Seconds for which an output URL is valid ("Presigned URL expiry")."""
AGES: Final = (0, 1, 60, 1800, 3590, 3610, 7200, 86_400)
"""Ages of an output URL in seconds."""
EVERY: Final = 2.0
WATCHED: Final = 300.0
"""Seconds between two polls in real time, and from the first to the last, if the user has no other patience."""
LONG: Final = 3600.0
"""Seconds after which a generation is over, unless its prompt keeps it: the time a job is active at most."""


def test_a_generation_moves_forward_and_tells_what_its_state_demands(luma_target: LumaTarget) -> None:
    """States never go back, constants stay and match the request, each completed poll has a new URL."""
    luma_target.skip_unless_free()
    if luma_target.session.target.missing("fast-clock") is not None:
        _watch(luma_target)
        return
    _needs_the_client_alone(luma_target)
    prompts = ["A sunset over the ocean", *(text for role in PROMPTS if (text := luma_target.value(role)) is not None)]
    bodies = st.fixed_dictionaries(
        {"prompt": st.sampled_from(prompts)}, optional={"model": st.sampled_from(("uni-1", "uni-1-max"))}
    )
    failing = luma_target.value("generation-failed-prompt") or prompts[0]
    some = [({"prompt": prompts[0], "model": "uni-1-max"}, [0.3, 5.0]), ({"prompt": failing}, [5.0])]
    lives = st.tuples(bodies, WAITS)
    luma_target.for_all(lives, lambda drawn: _live(luma_target, *drawn), share=0.05, always=some)


def test_ids_that_are_not_ones_own_cannot_be_told_apart(luma_target: LumaTarget) -> None:
    """Another client's generation, an unknown id and a malformed id get the same answer, headers included."""
    luma_target.skip_unless_free()
    if (why := luma_target.session.target.missing("other-key")) is not None:
        not_judged(why)
    created = _create(luma_target, luma_target.request(body=b'{"prompt": "A sunset over the ocean"}'))
    owned = _id(created)
    unknown = "00000000-0000-4000-8000-000000000000"
    named = (("another client's id", owned), ("an unknown id", unknown), ("a malformed id", "not-a-uuid"))
    lookups = [(label, luma_target.exchange(_lookup(luma_target, name, "other-key"))) for label, name in named]
    if oddities := judge_indistinguishable(lookups):
        # A header may have another value in each answer, whatever the id: that shows when all are asked for again.
        again = [(label, luma_target.exchange(_lookup(luma_target, name, "other-key"))) for label, name in named]
        oddities = judge_indistinguishable([*lookups, *again])
        lookups += again
    for oddity in oddities:
        luma_target.fail(f"{oddity.what}  [404 — Generation belongs to another API key]", lookups[oddity.exchange][1])


def test_an_output_url_lasts_an_hour_and_a_new_poll_makes_another(luma_target: LumaTarget) -> None:
    """A URL younger than an hour serves the file, an older one is a 403, and a new poll gives a working one."""
    luma_target.skip_unless_free()
    for role in ("fast-clock", "output-files", "completed-image"):
        if (why := luma_target.session.target.missing(role)) is not None:
            not_judged(why)
    _needs_the_client_alone(luma_target)
    name = luma_target.session.target.value("completed-image")

    def try_one(drawn: int | tuple[int, ...]) -> None:
        first, now = luma_target.exchange(_lookup(luma_target, name, MAIN_KEY)), 0
        for age in drawn if isinstance(drawn, tuple) else (drawn,):  # in older recordings there is one at a time
            luma_target.sleep(age - now, MAIN_KEY)
            if now < HOUR <= age:  # a new URL tells whether the target's time has passed
                luma_target.exchange(_lookup(luma_target, name, MAIN_KEY))
            now = age
            _fetch(luma_target, first, 200 if age < HOUR else 403, f"a URL {age} s old")
        _fetch(luma_target, luma_target.exchange(_lookup(luma_target, name, MAIN_KEY)), 200, "a fresh URL")

    ages = st.lists(st.sampled_from(AGES), min_size=1, unique=True).map(lambda drawn: tuple(sorted(drawn)))
    luma_target.for_all(ages, try_one, share=0.05, always=[AGES])


def _create(luma_target: LumaTarget, request: Request) -> Exchange:
    created = luma_target.exchange(request)
    luma_target.skip_if_limited(created)
    return created


def _needs_the_client_alone(luma_target: LumaTarget) -> None:
    """Skip if workers share the client: time that passes for one would change the results of another."""
    if luma_target.is_shared:
        not_judged("workers share the main key's client, whose time this advances; run it without -n")


def _fetch(luma_target: LumaTarget, poll: Exchange, status: int, what: str) -> None:
    body = body_of(poll.response)
    output = body.get("output") if isinstance(body, dict) else None
    if not (isinstance(output, list) and output and isinstance(output[0], dict)):
        luma_target.fail("expected a completed generation with an output  [200 — OK (success)]", poll)
    fetched = luma_target.exchange(Request(method="GET", url=str(output[0].get("url"))))
    if fetched.response.status != status:
        luma_target.fail(f"{what}: expected {status}, got {fetched.response.status}  [Presigned URL expiry]", fetched)


def _watch(luma_target: LumaTarget) -> None:
    """Watch one generation in real time, as often as the page recommends."""
    if not luma_target.fuzzing.real_time:
        not_judged("the profile names no fast-clock; --luma-real-time watches one generation, five minutes at most")
    body, patience = {"prompt": "A sunset over the ocean"}, luma_target.session.target.patience
    if (why := patience.find_reason(body)) is not None:
        not_judged(why)
    watched = WATCHED if patience.seconds is None else patience.seconds
    created = _create(luma_target, luma_target.request(body=json.dumps(body).encode()))
    polls: list[Exchange] = []
    while len(polls) < watched / EVERY and not (polls and _state(polls[-1]) in FINAL_STATES):
        luma_target.sleep(EVERY, MAIN_KEY)
        polls.append(luma_target.exchange(_lookup(luma_target, _id(created), MAIN_KEY)))
    luma_target.sleep(EVERY, MAIN_KEY)  # the next output URL is then one of another second
    polls.append(luma_target.exchange(_lookup(luma_target, _id(created), MAIN_KEY)))
    for oddity in judge_life_cycle(created, polls):
        luma_target.fail(f"{oddity.what}  [Handling async failures in code]", (created, *polls)[oddity.exchange])
    if _state(polls[-1]) not in FINAL_STATES:
        patience.note_stuck(body, watched)
        luma_target.fail(f"not over after {watched:.0f} s  [Handling async failures in code]", polls[-1])


def _live(luma_target: LumaTarget, body: dict[str, str], waits: list[float]) -> None:
    created = _create(luma_target, luma_target.request(body=json.dumps(body).encode()))
    polls: list[Exchange] = []
    for seconds in (*waits, LONG, EVERY):  # the last output URL is then one of another second
        if seconds:
            luma_target.sleep(seconds, MAIN_KEY)
        polls.append(luma_target.exchange(_lookup(luma_target, _id(created), MAIN_KEY)))
    for oddity in judge_life_cycle(created, polls):
        luma_target.fail(f"{oddity.what}  [Handling async failures in code]", (created, *polls)[oddity.exchange])
    if body["prompt"] not in _staying(luma_target) and _state(polls[-1]) not in FINAL_STATES:
        _create(luma_target, created.request)  # its answer tells whether the target's time has passed
        luma_target.fail(f"not over after {LONG:.0f} s  [Handling async failures in code]", polls[-1])


def _staying(luma_target: LumaTarget) -> list[str]:
    return [text for role in ("queued-prompt", "processing-prompt") if (text := luma_target.value(role)) is not None]


def _state(poll: Exchange) -> object:
    return member_of(poll.response, "state")


def _id(created: Exchange) -> str:
    body = body_of(created.response)
    return str(body.get("id")) if isinstance(body, dict) else ""


def _lookup(luma_target: LumaTarget, generation_id: str, role: str) -> Request:
    headers = (("Authorization", f"Bearer {luma_target.session.target.token(role)}"), ("X-Request-Id", "lookup"))
    return Request(method="GET", url=f"/v1/generations/{generation_id}", headers=headers)

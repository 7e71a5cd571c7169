"""The life of every kind of generation, at its end and later, and the URLs of each of its polls."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final

from luma_conformance.catalogue.roles import MAIN_KEY
from luma_conformance.judge.answers import body_of, member_of
from luma_conformance.judge.lifecycle import judge_life_cycle
from luma_conformance.model import Exchange, Request
from luma_conformance.properties.client import PROMPT, check_alike, make_lookup
from luma_conformance.properties.luma_target import LumaTarget, not_judged
from luma_conformance.properties.made_ids import check_made
from luma_conformance.strategies.jobs import COMPLETED, ENDS, STAYS, describe, plain_bodies

LONG: Final = 3600.0
"""Seconds after which a generation is over, unless its prompt keeps it: the time a job is active at most."""
SOON: Final = 1.0
"""Seconds after which a generation may be over."""
OVER: Final = 61.0
"""Seconds after that time in which the slot of a generation that stays is free."""
FEW: Final = 3
"""Generations that stay may hold slots at one time."""
MANY: Final = 9
"""Polls between two whose URLs are fetched: a server may keep the URLs of some polls only."""
HEADING: Final = "Handling async failures in code"
URLS: Final = "Presigned URL expiry"


def test_every_generation_ends_as_it_should_and_stays_so(luma_target: LumaTarget) -> None:
    """A generation of any model and type says the same at each poll after any end, whatever others do meanwhile."""
    _ready(luma_target)
    ends = [end for end in (*ENDS, *STAYS) if end == COMPLETED or luma_target.value(_role(end)) is not None]
    kinds = [*plain_bodies(luma_target.material)]
    batches = [(end, kinds, number % 3 == 0) for number, end in enumerate(ends) if end not in STAYS]
    some = [kinds[first : first + FEW] for first in range(0, len(kinds), FEW)]
    batches += [(end, few, number == 0) for end in ends if end in STAYS for number, few in enumerate(some)]
    luma_target.for_each(batches, lambda batch: _live(luma_target, *batch))


def test_the_url_of_every_poll_lasts_its_own_hour(luma_target: LumaTarget) -> None:
    """Each poll's URL works for its hour, more than once, whatever polls follow, for any model and type."""
    _ready(luma_target)
    if (why := luma_target.session.target.missing("output-files")) is not None:
        not_judged(why)
    kinds = [kind for kind in plain_bodies(luma_target.material) if " of " not in kind]  # files know of no model
    luma_target.for_each([kinds], lambda kinds: _fetch_all(luma_target, kinds))


def _ready(luma_target: LumaTarget) -> None:
    luma_target.skip_unless_free()
    if (why := luma_target.session.target.missing("fast-clock")) is not None:
        not_judged(why)
    if luma_target.is_shared:
        not_judged("workers share the main key's client, whose time this advances; run it without -n")


def _live(luma_target: LumaTarget, end: str, kinds: list[str], others: bool) -> None:  # noqa: FBT001
    lives = [[_create(luma_target, kind, end)] for kind in kinds]
    for life in lives if end in STAYS else lives[:1] if others else ():  # polls before the end must change nothing
        life.append(_poll(luma_target, life[0]))
    if others and end in STAYS:
        _let_others_look(luma_target, lives[0][0])
    elif end == COMPLETED:  # what one poll has told, the next may not take back, however soon it comes
        luma_target.sleep(SOON, MAIN_KEY)
        lives[0] += [_poll(luma_target, lives[0][0]) for _ in range(3)]
    luma_target.sleep(LONG if end not in STAYS else LONG / 6, MAIN_KEY)
    _poll_all(luma_target, lives)
    for kind, life in zip(kinds, lives, strict=True):
        _check_end(luma_target, kind, end, life[-1])
    if end not in STAYS:
        if others:
            _let_others_live(luma_target, lives[0][0])
        luma_target.sleep(LONG, MAIN_KEY)
        _poll_all(luma_target, lives[ENDS.index(end) % 2 :: 2])
    else:
        luma_target.sleep(LONG + OVER, MAIN_KEY)
    for kind, life in zip(kinds, lives, strict=True):
        for oddity in judge_life_cycle(life[0], life[1:]):
            who = f"{describe({'kind': kind, 'end': end})}, {_tell(oddity.exchange, len(life))}"
            luma_target.fail(f"{who}: {oddity.what}  [{HEADING}]", life[oddity.exchange])
    named = zip(kinds, lives, strict=True)
    check_alike(luma_target, [(describe({"kind": kind, "end": end}), one) for kind, life in named for one in life])
    luma_target.tried["lives"] += len(kinds)


def _check_end(luma_target: LumaTarget, kind: str, end: str, poll: Exchange) -> None:
    """Check that a generation is in the state that its prompt is for."""
    found = tuple(member_of(poll.response, name) for name in ("state", "failure_code"))
    wanted = (end, None) if end in (COMPLETED, *STAYS) else ("failed", end)
    if poll.response.status == 200 and found != wanted:
        (state, code), who = found, describe({"kind": kind, "end": end})
        told = f"{state} with the code {code}" if code is not None else f"{state}"
        _create(luma_target, kind, end)  # its answer tells whether the target's time has passed
        luma_target.fail(f"{who}: it is {told} instead  [{HEADING}]", poll)


def _tell(index: int, count: int) -> str:
    if index == 0:
        return "when it is created"
    return "when it is polled later" if index == count - 1 > 1 else "when it is polled"


def _let_others_look(luma_target: LumaTarget, job: Exchange) -> None:
    """Let another client ask for this generation while it runs."""
    if luma_target.session.target.missing("other-key") is None:
        luma_target.exchange(make_lookup(luma_target, _id(job), "other-key"))


def _let_others_live(luma_target: LumaTarget, job: Exchange) -> None:
    """Let another client ask for this generation, and for one of its own."""
    role = "other-key"
    if luma_target.session.target.missing(role) is not None:
        return
    luma_target.exchange(make_lookup(luma_target, _id(job), role))
    body = json.dumps({"prompt": luma_target.value("generation-failed-prompt") or PROMPT}).encode()
    luma_target.exchange(luma_target.request(body=body, role=role))


def _fetch_all(luma_target: LumaTarget, kinds: list[str]) -> None:
    """Poll three times within an hour, and fetch the URLs of each poll before and after their hours end."""
    created = [_create(luma_target, kind, COMPLETED) for kind in kinds]
    luma_target.sleep(LONG, MAIN_KEY)
    named = [describe({"kind": kind, "end": COMPLETED}) for kind in kinds]

    def poll() -> list[Exchange]:
        return [_poll(luma_target, one) for one in created]

    def fetch(polls: list[Exchange], status: int, what: str) -> None:
        for who, one in zip(named, polls, strict=True):
            fetched = luma_target.exchange(Request(method="GET", url=_url(luma_target, who, one)))
            if (got := fetched.response.status) != status:
                luma_target.fail(f"{who}, the URL {what}: expected {status}, got {got}  [{URLS}]", fetched)

    first = poll()
    fetch(first, 200, "of its first poll, at once")
    luma_target.sleep(1800, MAIN_KEY)
    second = poll()
    luma_target.sleep(1790, MAIN_KEY)
    for _ in range(MANY):
        _poll(luma_target, created[0])
    third = poll()
    fetch(first, 200, "of its first poll, 3590 s old, after a third poll")
    luma_target.sleep(22, MAIN_KEY)
    fetch(first, 403, "of its first poll, 3612 s old")
    fetch(second, 200, "of its second poll, 1812 s old, after that of the first expired")
    luma_target.sleep(1800, MAIN_KEY)
    fetch(second, 403, "of its second poll, 3612 s old, fetched before")
    fetch(third, 200, "of its third poll, 1822 s old, after those before expired")


def _url(luma_target: LumaTarget, who: str, poll: Exchange) -> str:
    output = member_of(poll.response, "output")
    urls = (
        [str(one["url"]) for one in output if isinstance(one, dict) and "url" in one]
        if isinstance(output, list)
        else []
    )
    if not urls:
        _create(luma_target, "image", COMPLETED)  # its answer tells whether the target's time has passed
        luma_target.fail(f"{who}: expected an output with a URL  [200 — OK (success)]", poll)
    return urls[0]


def _create(luma_target: LumaTarget, kind: str, end: str) -> Exchange:
    prompt = (None if end == COMPLETED else luma_target.value(_role(end))) or PROMPT
    body = json.dumps({"prompt": prompt, **plain_bodies(luma_target.material)[kind]}).encode()
    created = _ask(luma_target, luma_target.request(body=body))
    luma_target.skip_if_limited(created)
    return created


def _ask(luma_target: LumaTarget, request: Request) -> Exchange:
    """Send a request without an X-Request-Id: of so many that are made, no two are the same."""
    kept = tuple(pair for pair in request.headers if pair[0] != "X-Request-Id")
    exchange = luma_target.exchange(replace(request, headers=kept))
    check_made(luma_target, exchange, f"a {'poll' if request.method == 'GET' else 'request'}")
    return exchange


def _poll_all(luma_target: LumaTarget, lives: list[list[Exchange]]) -> None:
    for life in lives:
        life.append(_poll(luma_target, life[0]))


def _poll(luma_target: LumaTarget, created: Exchange) -> Exchange:
    return _ask(luma_target, make_lookup(luma_target, _id(created), MAIN_KEY))


def _id(created: Exchange) -> str:
    body = body_of(created.response)
    return str(body.get("id")) if isinstance(body, dict) else ""


def _role(end: str) -> str:
    return f"{end.replace('_', '-')}-prompt"

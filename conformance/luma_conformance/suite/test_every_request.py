"""The rate limit in every context that has no say in it: nothing but the client counts."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from luma_conformance.judge.answers import detail_of
from luma_conformance.judge.rate_limit import CONCURRENCY, RPM, WINDOW, judge_rate_limit
from luma_conformance.matching import whole_number
from luma_conformance.model import Exchange, header
from luma_conformance.properties.client import Client
from luma_conformance.properties.luma_target import LumaTarget, not_judged
from luma_conformance.strategies.jobs import (
    BACK,
    Row,
    describe,
    list_counted,
    list_requests,
    name_features,
    plain_bodies,
)

KEY: Final = "low-rpm-key"
MANY: Final = 30
"""Requests; a window with room for more than this is not filled time and again."""
DEEP: Final = 24
"""Turns in which kinds of requests meet other features where a run has time."""
HEADING: Final = "429 — Requests-per-minute (RPM) limit exceeded"


def test_every_model_and_type_uses_the_window(luma_target: LumaTarget) -> None:
    """A request of any model and type, with any field or header, uses the same window, and no other."""
    _ready(luma_target)
    material = luma_target.material
    kinds = [*plain_bodies(material)]
    examples = [*list_counted(kinds, name_features(kinds, material))]
    luma_target.for_each(examples, lambda rows: _count(luma_target, rows))


def test_nothing_but_the_client_counts_in_the_window(luma_target: LumaTarget) -> None:
    """A full window refuses whatever comes, and has room again after Retry-After, whatever came meanwhile."""
    _ready(luma_target)
    turns = DEEP if luma_target.fuzzing.profile == "deep" else 2
    examples = [*list_requests([*plain_bodies(luma_target.material)], turns)]
    luma_target.for_each(examples, lambda rows: _fill_and_return(luma_target, rows))


def _ready(luma_target: LumaTarget) -> None:
    luma_target.skip_unless_free()
    for role in (KEY, "fast-clock"):  # a key of its own: no other may serve, whose client does more than this
        if (why := luma_target.session.target.profile.missing(role)) is not None:
            not_judged(why)
    if luma_target.is_shared:
        not_judged("workers share this key's client; run the limits without -n")


def _count(luma_target: LumaTarget, rows: list[Row]) -> None:
    """Send requests in windows as full as they can be, and see what each used of what the one before it left."""
    client, uses = Client(luma_target=luma_target, role=KEY), defaultdict[str, set[int]](set)
    client.sleep(WINDOW + 1)
    left: int | None = None
    for row in rows:
        answer = client.create(row)
        if answer.response.status == 429 and left:  # more may be needed than is left, if it counts more than once
            client.sleep(WINDOW + 1)
            left, answer = None, client.create(row)
        kind = f"{row['kind']} {row.get('with', '')}".strip()
        limit, remaining = (_read(answer, f"X-RateLimit-{name}") for name in ("Limit", "Remaining"))
        if answer.response.status != 201 or limit is None or remaining is None:
            _check_status(client, answer, row)
            break
        uses[kind].add((limit if left is None else left) - remaining)
        left = remaining
        if remaining < max(uses[kind]):
            client.sleep(WINDOW + 1)
            left = None
    # How many requests one stands for is no fact of the page's: a server may count some twice, if it always does.
    steady = all(len(one) == 1 and min(one) > 0 for one in uses.values())
    luma_target.tried["limits"] += len(rows)
    heavy = [f"{kind}: {max(one)} times" for kind, one in uses.items() if max(one) > 1]
    if steady and heavy:
        luma_target.observe((f"requests that count more than once: {', '.join(heavy)}",))
    else:
        _judge(client)


def _fill_and_return(luma_target: LumaTarget, rows: list[Row]) -> None:
    client = Client(luma_target=luma_target, role=KEY)
    _fill(client)
    for row in rows:
        back = row["at"] == BACK
        if back:
            client.sleep(_read(client.trace[-1], "Retry-After") or 1)
        answer = client.create(row)
        _check_status(client, answer, row)
        if back and answer.response.status == 429:  # refused requests seem to use quota
            _fill(client)
    _judge(client)
    client.check_answers()
    luma_target.tried["limits"] += len(rows)


def _check_status(client: Client, answer: Exchange, row: Row) -> None:
    """Check that a request is either accepted or refused for the limit; the judge knows which."""
    status, detail = answer.response.status, detail_of(answer.response)
    if status != 201 and (status, detail) not in ((429, RPM), (429, CONCURRENCY)):
        what = f"expected 201 or 429 {RPM}, got {status} {detail}"
        client.luma_target.fail(f"{describe(row)}: {what}  [{HEADING}]", answer)


def _fill(client: Client) -> None:
    """Fill an empty window at even distances, so that later there is room for one request at a time."""
    client.sleep(WINDOW + 1)
    first = client.create({}, "the first request")
    limit = _read(first, "X-RateLimit-Limit") or 1
    if limit > MANY:
        not_judged(f"{KEY} has room for {limit} requests a minute, too many to fill the window time and again")
    for _ in range(limit - 1):
        client.sleep(max(1, WINDOW // limit))
        client.create({}, "a plain request")


def _judge(client: Client) -> None:
    report = judge_rate_limit(client.trace, since=client.trace[0].sent - WINDOW - 1)
    client.refute(report.contradictions, HEADING)
    client.luma_target.observe(report.observed)


def _read(exchange: Exchange, name: str) -> int | None:
    return whole_number(header(exchange.response.headers, name))

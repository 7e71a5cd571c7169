"""Judging the life of a generation as its polls show it, and lookups that must be indistinguishable."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from luma_conformance.catalogue.roles import FAILURE_CODES
from luma_conformance.judge.answers import FINAL_STATES, body_of
from luma_conformance.matching import is_same_time, show
from luma_conformance.model import Exchange, fields

ORDER: Final[Mapping[object, int]] = {"queued": 0, "processing": 1, "completed": 2, "failed": 2}
"""The states in order; any but the last may be skipped ("Handling async failures in code")."""

CONSTANT: Final = ("id", "type", "model", "created_at")
DEFAULTS: Final = {"type": "image", "model": "uni-1"}
MEDIA: Final = {
    "image": "image", "image_edit": "image", "video": "video", "video_edit": "video", "video_reframe": "video",
}  # fmt: skip
"""The type of the outputs of each type of generation."""
RESOLUTION: Final = 1.0
"""Seconds to which a presigned URL tells its time."""
DRIFT: Final = 0.1
"""Seconds by which the clocks of client and server may run apart meanwhile."""
VARYING: Final = frozenset(
    {
        "x-request-id", "date", "age", "via", "set-cookie", "server-timing", "cf-ray", "x-served-by", "connection",
        "keep-alive", "content-length", "transfer-encoding", "content-encoding", "vary", "expires", "x-cache",
        "x-runtime", "x-response-time", "x-process-time",
    }
)  # fmt: skip
"""Headers that differ from answer to answer, whatever the request was; more are found by asking again."""

Parts = Mapping[tuple[str, str], object]
"""What an answer consists of, by where it is and its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Oddity:
    """Something no generation's life explains, and the index of the exchange that shows it.

    >>> from luma_conformance import Oddity
    >>> Oddity(what="a poll of a generation of one's own is 404", exchange=2).exchange
    2
    """

    what: str
    exchange: int


def judge_life_cycle(created: Exchange, polls: Sequence[Exchange]) -> tuple[Oddity, ...]:
    """Return what is wrong with the polls of a client's own generation.

    The creating 201 has index 0, and the polls follow in order of time. Rests on "Handling async failures in code",
    "Failure codes" and "Presigned URL expiry".

    >>> import json
    >>> from luma_conformance import Exchange, Request, Response, judge_life_cycle
    >>> facts = {"id": "g1", "type": "image", "model": "uni-1", "created_at": "2026-04-08T12:00:00Z"}
    >>> def exchange(method, status, state, at):
    ...     request = Request(method=method, url="/v1/generations", body=b'{"prompt": "a lighthouse"}')
    ...     response = Response(status=status, body=json.dumps({**facts, "state": state}).encode())
    ...     return Exchange(request=request, response=response, sent=at, received=at)
    >>> created = exchange("POST", 201, "queued", 0.0)
    >>> polls = [exchange("GET", 200, "processing", 1.0), exchange("GET", 200, "queued", 2.0)]
    >>> [oddity.exchange for oddity in judge_life_cycle(created, polls)]  # the state went back
    [2]
    """
    return _judge_life(created, (created, *polls))


def judge_polls(polls: Sequence[Exchange]) -> tuple[Oddity, ...]:
    """Return what is wrong with polls of one generation of which it is not known how it was created, in order of time.

    Rests on "Handling async failures in code": facts stay, and a state does not go back.
    """
    return _judge_life(None, polls)


def _judge_life(created: Exchange | None, exchanges: Sequence[Exchange]) -> tuple[Oddity, ...]:
    found: list[Oddity] = []
    seen: list[tuple[int, Exchange, Mapping[str, object]]] = []
    urls: dict[str, float] = {}
    for index, exchange in enumerate(exchanges):
        if exchange.response.status == 429:
            continue
        body = body_of(exchange.response)
        if exchange.response.status != (201 if exchange is created else 200) or not isinstance(body, dict):
            found.append(
                Oddity(what=f"a poll of a generation of one's own is {exchange.response.status}", exchange=index)
            )
            continue
        wrongs = [
            *(_check_echo(created, body) if created is not None else ()),
            *(_check_outputs(created, body) if created is not None else ()),
            *find_incoherence(body),
            *_check_progress(seen, exchange, body),
            *_check_fresh_urls(urls, exchange, body),
        ]
        found += [Oddity(what=what, exchange=index) for what in wrongs]
        seen.append((index, exchange, body))
    return tuple(found)


def judge_indistinguishable(lookups: Sequence[tuple[str, Exchange]]) -> tuple[Oddity, ...]:
    """Return the differences between lookups of another key's id, an unknown id and a malformed id.

    An id may be looked up more than once, under one label: a header or a member that differs between two answers about
    the same id tells nothing. Rests on "404 — Generation belongs to another API key": the answers are identical on
    purpose.

    >>> from luma_conformance import Exchange, Request, Response, judge_indistinguishable
    >>> def lookup(status):
    ...     request = Request(method="GET", url="/v1/generations/7c9e6679-7425-40de-944b-e07fc1f90ae7")
    ...     return Exchange(request=request, response=Response(status=status), sent=0.0, received=0.0)
    >>> judge_indistinguishable([("an unknown id", lookup(404)), ("another key's id", lookup(403))])[0].what
    "another key's id is told apart from an unknown id by its status: 403, not 404"
    """
    first = lookups[0][0]
    parts = [(label, _list_parts(exchange)) for label, exchange in lookups]
    unsteady = frozenset(_find_unsteady(parts))
    found = []
    for index, (label, seen) in enumerate(parts):
        for what in ("status", "body", "headers"):
            usual, told = (_pick(one, what, unsteady) for one in (parts[0][1], seen))
            if told != usual and label != first:
                text = f"{label} is told apart from {first} by its {what}: {show(told)}, not {show(usual)}"
                found.append(Oddity(what=text, exchange=index))
    return tuple(found)


def _list_parts(exchange: Exchange) -> Parts:
    """Return what an answer consists of: its status, members of its body, and headers that can tell something."""
    response = exchange.response
    body = body_of(response)
    if not isinstance(body, dict):
        body = {"": body if isinstance(body, list | str) else response.body.decode("utf-8", "replace")}
    headers = {name: value for name, value in fields(response.headers).items() if name not in VARYING}
    return {
        ("status", ""): response.status,
        **{("body", name): value for name, value in body.items()},
        **{("headers", name): value for name, value in headers.items()},
    }


def _find_unsteady(parts: Sequence[tuple[str, Parts]]) -> Iterator[tuple[str, str]]:
    """Yield the headers and members that were not the same in all answers about the same id."""
    firsts: dict[str, Parts] = {}
    for label, seen in parts:
        first = firsts.setdefault(label, seen)
        yield from (part for part in {*first, *seen} if first.get(part) != seen.get(part) and part[0] != "status")


def _pick(parts: Parts, what: str, unsteady: frozenset[tuple[str, str]]) -> object:
    picked = {part[1]: value for part, value in parts.items() if part[0] == what and part not in unsteady}
    return picked.get("", picked)


def _check_echo(created: Exchange, body: Mapping[str, object]) -> Iterator[str]:
    requested = json.loads(created.request.body)
    for name, default in DEFAULTS.items():
        if body.get(name) != requested.get(name, default):
            yield f"{name} is {show(body.get(name))}, and {show(requested.get(name, default))} was asked for"


def _check_outputs(created: Exchange, body: Mapping[str, object]) -> Iterator[str]:
    """Yield each kind of output that is not what was asked for; an EXR comes beside a video in a way of its own."""
    requested = json.loads(created.request.body)
    kind, video = requested.get("type", DEFAULTS["type"]), requested.get("video")
    if kind not in MEDIA or (isinstance(video, dict) and video.get("exr_export")):
        return
    output = body.get("output")
    for one in output if isinstance(output, list) else []:
        if isinstance(one, dict) and isinstance(one.get("type"), str) and one["type"] != MEDIA[kind]:
            yield f"the output of {'an' if kind[0] == 'i' else 'a'} {kind} is of type {show(one['type'])}"


def find_incoherence(body: Mapping[str, object]) -> Iterator[str]:
    """Yield each member of an answer that contradicts its state."""
    state, output = body.get("state"), body.get("output") or []
    code, reason = body.get("failure_code"), body.get("failure_reason")
    if state not in ORDER:
        yield f"state {show(state)} is none of {', '.join(map(str, ORDER))}"
    if state == "completed":
        if not (isinstance(output, list) and output and all(_is_output(one) for one in output)):
            yield f"completed without an output of type and url: {show(output)}"
    elif output:
        yield f"{state} with an output: {show(output)}"
    if state == "failed":
        if code not in FAILURE_CODES:
            yield f"failed with the code {show(code)}, which is none of the documented"
        if not (isinstance(reason, str) and reason):
            yield f"failed without a reason: {show(reason)}"
    elif code is not None or reason is not None:
        yield f"{state} with a failure: {show(code)}, {show(reason)}"


def _is_output(one: object) -> bool:
    return isinstance(one, dict) and isinstance(one.get("type"), str) and str(one.get("url")).startswith("http")


def _check_progress(
    seen: Sequence[tuple[int, Exchange, Mapping[str, object]]], exchange: Exchange, body: Mapping[str, object]
) -> Iterator[str]:
    """Yield each change that no generation makes, compared with the answers received before this poll was sent."""
    if not seen:
        return
    first, (_, before, last) = seen[0][2], seen[-1]
    for name in CONSTANT:
        if body.get(name) != first.get(name) and not is_same_time(body.get(name), first.get(name)):
            yield f"{name} was {show(first.get(name))} and is {show(body.get(name))}"
    was, now = last.get("state"), body.get("state")
    if was == now and was in FINAL_STATES:
        yield from _check_facts_of_end(last, body)
    if before.received > exchange.sent or was == now:
        return  # sent before the other was answered: which one is later is unknown
    if was in FINAL_STATES or ORDER.get(now, 9) < ORDER.get(was, 0):
        yield f"state was {was} and is {now}: it does not go back, and {' and '.join(FINAL_STATES)} stay"


def _check_facts_of_end(first: Mapping[str, object], body: Mapping[str, object]) -> Iterator[str]:
    """Yield each fact about the end of a generation that is another at a later poll; a reason is words for people."""
    if (code := body.get("failure_code")) != (was := first.get("failure_code")):
        yield f"failure_code was {show(was)} and is {show(code)}"
    counts = [len(output) if isinstance(output := one.get("output"), list) else 0 for one in (first, body)]
    if counts[0] != counts[1]:
        yield f"it had {counts[0]} outputs and has {counts[1]}"


def _check_fresh_urls(urls: dict[str, float], exchange: Exchange, body: Mapping[str, object]) -> Iterator[str]:
    """Yield each URL of an earlier poll, by whose time of arrival it is kept, that is too old to be fresh."""
    # A presigned URL is one of its second: X-Amz-Date has no fractions. So two that were made within a second may be
    # equal, and two of different seconds may not. An answer's URL was made between sent and received; the least time
    # between two is from the arrival of one answer to the sending of the other request. Example: a poll answered at
    # 10.2, another sent at 10.9 with the same URL: both may be of 10. Had it been sent at 11.4, it could not be.
    output = body.get("output")
    for one in output if isinstance(output, list) else []:
        if isinstance(one, dict) and isinstance(url := one.get("url"), str):
            first = urls.setdefault(url, exchange.received)
            if exchange.sent - first >= RESOLUTION + DRIFT:
                yield "the output's url is that of an earlier poll: every poll makes a fresh one"

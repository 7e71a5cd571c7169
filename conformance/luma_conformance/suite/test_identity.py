"""Keys, ids and request ids are compared and repeated whole, on each operation, whatever the answer is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import cycle
from typing import Final
from urllib.parse import quote

from luma_conformance.catalogue.roles import GENERATIONS, KEYS, MAIN_KEY, PROMPTS
from luma_conformance.judge.answers import detail_of, member_of
from luma_conformance.judge.expected import expect_unauthorized
from luma_conformance.judge.lifecycle import judge_indistinguishable
from luma_conformance.matching import Echo, Scene
from luma_conformance.model import GENERATIONS_PATH, Ask, Auth, Exchange, Headers, Request, header
from luma_conformance.properties.asking import (
    NOBODYS,
    PROMPT,
    STAYING,
    create,
    find_own,
    make_body,
    make_poll,
    make_request,
    replaces_added,
)
from luma_conformance.properties.luma_target import LumaTarget, not_judged
from luma_conformance.properties.made_ids import check_made
from luma_conformance.rules import Accepted, Unspecified
from luma_conformance.strategies import Body, available_kinds
from luma_conformance.strategies.hostile import JSON
from luma_conformance.strategies.identity import (
    ELSEWHERE,
    IN_AUTHORIZATION,
    MADE_UP,
    NEAR_IDS,
    NEAR_KEYS,
    NO_IDS,
    REQUEST_IDS,
    SPELLINGS,
    TELLING,
    UNREADABLE,
    Shown,
    find_refusals,
    is_same_uuid,
)

CREATE, POLL = "create", "poll"
OPERATIONS: Final = (CREATE, POLL)
VIEWERS: Final = {MAIN_KEY: "other-key", "other-key": MAIN_KEY}
"""The client that looks for the generations of another."""
Life = tuple[str, str, str]
"""The key of a generation's owner, its type, and the role of its prompt."""
OF_OTHER_KEYS: Final = (("its last character missing", CREATE), ("in the other case after its prefix", POLL))
"""The near misses of keys other than the main one."""


def test_a_key_is_compared_whole(luma_target: LumaTarget) -> None:
    """What is almost a key, in whatever way, opens nothing: it is a 401, on each operation."""
    keys = luma_target.session.target.profile.keys
    known = {key.token for key in keys.values()}
    examples = [("", what, operation) for what in MADE_UP for operation in OPERATIONS]
    if luma_target.is_free:  # a near miss is most of a key, and a server that refuses one may log it
        own = luma_target.session.target.token(MAIN_KEY)
        near = [what for what, change in NEAR_KEYS.items() if change(own) != own]
        examples += [(MAIN_KEY, what, operation) for what in near for operation in OPERATIONS]
        others = [role for role in KEYS if role in keys and role != MAIN_KEY]
        examples += [(role, what, operation) for role in others for what, operation in OF_OTHER_KEYS]
    name = find_own(luma_target)

    def try_one(example: tuple[str, str, str]) -> None:
        role, what, operation = example
        token = NEAR_KEYS[what](keys[role].token) if role else MADE_UP[what]
        if token in known:
            return  # in capitals a key of digits is itself
        if role:
            _hide(luma_target, token, f"{keys[role].source} with {what}")
        of = f"a key with {what}, of {role}" if role else f"a token that is {what}"
        shown = Shown(headers=(("Authorization", f"Bearer {token}".strip()),))
        request = _trace(_show(shown, operation, name), None)
        _check_refused(luma_target, f"{of}, on {operation}", request, find_refusals(token))

    luma_target.for_each(examples, try_one, "identity")
    luma_target.session.hide({})


def test_a_key_opens_nothing_from_another_place(luma_target: LumaTarget) -> None:
    """A good key opens only as `Authorization: Bearer`: shown in any other way it is a 401, on each operation."""
    ways = {**IN_AUTHORIZATION, **(ELSEWHERE if luma_target.is_free else {})}  # a key in a URL ends up in a log
    token = luma_target.session.target.token(MAIN_KEY)
    name = find_own(luma_target)
    examples = [
        (what, operation)
        for what, way in ways.items()
        for operation in OPERATIONS
        if not (way(token).member is not None and operation == POLL)
        and not replaces_added(luma_target, _show(way(token), operation, name))
    ]

    def try_one(example: tuple[str, str]) -> None:
        what, operation = example
        shown = {**IN_AUTHORIZATION, **ELSEWHERE}[what](token)
        given = header(shown.headers, "Authorization") or ""
        texts = find_refusals(given.removeprefix("Bearer ") if given.startswith("Bearer ") else "-")
        request = _show(shown, operation, name, token)
        _check_refused(luma_target, f"a key {what}, on {operation}", request, texts, odd=shown.member is not None)

    luma_target.for_each(examples, try_one, "identity")


def test_an_id_is_compared_whole(luma_target: LumaTarget) -> None:
    """What is almost the id of one's own generation is not found; the same UUID in another spelling may be."""
    name = find_own(luma_target)
    if name is None:
        not_judged(f"would cost money: {luma_target.session.target.missing('completed-image')}")
    changes = {**NEAR_IDS, **SPELLINGS, **UNREADABLE}

    def try_one(what: str) -> None:
        asked = changes[what](name) if what in changes else what if what in NO_IDS else NOBODYS
        query = f"?id={name}&generation_id={name}" if asked == NOBODYS else ""
        if asked == name:
            return
        path = quote(asked, safe="-._~", errors="surrogateescape")
        exchange = luma_target.exchange(make_poll(luma_target, path + query))
        luma_target.skip_if_limited(exchange)
        found, status = member_of(exchange.response, "id"), exchange.response.status
        if status == 200 and (is_same_uuid(asked, str(found)) or (is_same_uuid(asked, name) and found == name)):
            return  # another generation of ours, or this one by another spelling
        if (what in SPELLINGS or what in UNREADABLE) and 400 <= status < 500:
            return  # not even the route may match
        if status != 404 or detail_of(exchange.response) != "Generation not found":
            of = f"the id {what}" if what in NO_IDS else f"an id with {what}"
            luma_target.fail(
                f"{of}: expected 404 Generation not found, got {status}  [404 — Generation does not exist]",
                exchange,
            )

    luma_target.for_each([*changes, "itself in the query of another", *NO_IDS], try_one, "identity")


def test_another_clients_generation_is_hidden_whatever_it_is(luma_target: LumaTarget) -> None:
    """Of whatever type, in whatever state and however old: another client's generation looks like an unknown id."""
    luma_target.skip_unless_free()
    if (why := luma_target.session.target.missing("other-key")) is not None:
        not_judged(why)
    unknown = {
        viewer: [("an unknown id", _look_up(luma_target, NOBODYS, viewer)) for _ in range(2)]
        for viewer in VIEWERS.values()
    }
    timed = luma_target.session.target.missing("fast-clock") is None and not luma_target.is_shared

    def try_one(example: Life | tuple[Life, ...]) -> None:
        first, *rest = example
        lives = (first, *rest) if isinstance(first, tuple) else (example,)  # in older recordings there is one
        _watch_lives(luma_target, lives, unknown, timed=timed)
        luma_target.tried["identity"] += len(lives)

    luma_target.for_each(_list_lives(luma_target, timed=timed), try_one)


def test_made_request_ids_never_repeat(luma_target: LumaTarget) -> None:
    """Without an X-Request-Id each answer has a UUID of its own: on each operation and status, on any connection."""
    contexts = _prepare_contexts(luma_target)

    def try_one(example: tuple[str, str]) -> None:
        what, connection = example
        closing = (("Connection", "close"),) if connection == "new" else ()
        request, at_once = contexts[what]
        exchange = luma_target.exchange(_trace(request, None, closing), at_once=at_once)
        where, made = f"{what}, on a {connection} connection", header(exchange.response.headers, "X-Request-Id")
        if why := Echo("X-Request-Id").explain(made, Scene()):
            luma_target.fail(f"{where}: X-Request-Id: {why}  [Request tracing]", exchange)
        check_made(luma_target, exchange, where)

    examples = [(what, "kept") for _ in range(2) for what in contexts]
    luma_target.for_each(examples + [(what, "new") for what in [*contexts][::4]], try_one, "identity")


def test_a_request_id_comes_back_on_every_answer(luma_target: LumaTarget) -> None:
    """An X-Request-Id comes back to the letter: its case, digits and length, on each operation and status."""
    contexts = _prepare_contexts(luma_target)

    def try_one(example: tuple[str, str]) -> None:
        what, sent = example
        request, at_once = contexts[what]
        exchange = luma_target.exchange(_trace(request, sent), at_once=at_once)
        echoed = header(exchange.response.headers, "X-Request-Id")
        if why := Echo("X-Request-Id").explain(echoed, Scene(sent={"x-request-id": sent})):
            luma_target.fail(f"{what}: X-Request-Id: {why}  [Request tracing]", exchange)

    luma_target.for_each([*_deal(contexts)], try_one, "identity")


def _deal(contexts: Mapping[str, tuple[Request, bool]]) -> Iterator[tuple[str, str]]:
    """Yield each context with the ids in TELLING, and each other id with one context of each operation in turn."""
    for what in contexts:
        yield from ((what, sent) for sent in TELLING)
    for method in ("POST", "GET"):
        own = cycle([what for what, (request, at_once) in contexts.items() if request.method == method and not at_once])
        yield from ((next(own), sent) for sent in REQUEST_IDS if sent not in TELLING)


def _hide(luma_target: LumaTarget, token: str, shown: str) -> None:
    """Have a near miss of a key not shown: it is most of a secret, or would look like one in a recording."""
    keys = luma_target.session.target.profile.keys.values()
    public = [key.token for key in keys if key.source == key.token]
    luma_target.session.hide({} if any(token in one for one in public) else {token: shown})


def _check_refused(
    luma_target: LumaTarget, what: str, request: Request, texts: tuple[str, ...], *, odd: bool = False
) -> None:
    """Check that a request without a good key is a 401; one with an odd member may be refused for that."""
    exchange = luma_target.exchange(request)
    luma_target.skip_if_limited(exchange)
    check_made(luma_target, exchange, what)
    status = exchange.response.status
    if status != 401 and not (odd and 400 <= status < 500):
        luma_target.fail(f"{what}: expected 401, got {status}  [401 — Unauthorized]", exchange)
    prediction = Unspecified(reason="a member nobody documents") if odd else Accepted()
    ask = Ask(method=request.method, url=request.url, auth=Auth())
    for text in texts:
        case = expect_unauthorized(ask, text, prediction, status)
        if text == detail_of(exchange.response) or text == texts[-1]:
            luma_target.check_answer(replace(case, title=what), exchange)
            return


def _show(shown: Shown, operation: str, name: str | None, token: str = "") -> Request:
    """Return a request that would be right, but for how it shows its key."""
    tracing = ("X-Request-Id", "luma-identity")
    if operation == POLL:
        url = f"{GENERATIONS_PATH}/{name or NOBODYS}{shown.query}"
        return Request(method="GET", url=url, headers=(*shown.headers, tracing))
    body = {"prompt": PROMPT} | ({shown.member: token} if shown.member else {})
    headers = (*shown.headers, ("Content-Type", JSON), tracing)
    return Request(method="POST", url=GENERATIONS_PATH + shown.query, headers=headers, body=json.dumps(body).encode())


def _look_up(luma_target: LumaTarget, name: str, role: str) -> Exchange:
    exchange = luma_target.exchange(_trace(make_poll(luma_target, quote(name, safe="-._~"), role), None))
    luma_target.skip_if_limited(exchange)
    check_made(luma_target, exchange, f"a poll of {name}")
    return exchange


def _compare(luma_target: LumaTarget, unknown: list[tuple[str, Exchange]], name: str, label: str, viewer: str) -> None:
    """Look up another client's generation, and compare the answer with those about an unknown id."""
    lookups = [*unknown, (label, _look_up(luma_target, name, viewer))]
    if oddities := judge_indistinguishable(lookups):
        # A header may have another value in each answer, whatever the id: that shows when both are asked for again.
        again = (("an unknown id", NOBODYS), (label, name))
        lookups += [(one, _look_up(luma_target, asked, viewer)) for one, asked in again]
        oddities = judge_indistinguishable(lookups)
    for oddity in oddities:
        luma_target.fail(f"{oddity.what}  [404 — Generation belongs to another API key]", lookups[oddity.exchange][1])


def _watch_lives(
    luma_target: LumaTarget, lives: Sequence[Life], unknown: Mapping[str, list[tuple[str, Exchange]]], *, timed: bool
) -> None:
    """Make generations, and look each up with another client's key: at once, a minute and an hour later."""
    owner = lives[0][0]
    viewer = VIEWERS[owner]
    found = [(life, name) for life in lives if (name := _begin_life(luma_target, *life)) is not None]
    for (_, kind, role), name in found if not timed or owner == MAIN_KEY else ():
        _compare(luma_target, unknown[viewer], name, f"{_name_life(kind, role)}, just accepted", viewer)
    made = [one for one in found if one[0][1] not in GENERATIONS]
    for seconds in (60, 3600) if timed else ():
        due = made if seconds == 60 else [one for one in made if not one[0][2]]
        for client in (owner, viewer) if due else ():
            luma_target.sleep(seconds, client)
        for (_, kind, role), name in due:
            label = _name_life(kind, role)
            if seconds == 60 and not role:
                label += f", {member_of(_look_up(luma_target, name, owner).response, 'state')}"
            _compare(luma_target, unknown[viewer], name, f"{label}, {seconds} s later", viewer)


def _begin_life(luma_target: LumaTarget, owner: str, kind: str, role: str) -> str | None:
    """Return the id of a generation that is there or is made now; None where the target makes none."""
    if kind in GENERATIONS:
        return luma_target.value(kind)
    prompt = (luma_target.value(role) if role else None) or PROMPT
    return create(luma_target, make_body(luma_target, kind, prompt), owner)


def _name_life(kind: str, role: str) -> str:
    return f"another client's {kind}{f' of the {role}' if role else ''}"


def _list_lives(luma_target: LumaTarget, *, timed: bool) -> list[tuple[Life, ...]]:
    """Return owners and types of generations, each with the roles of prompts for the states it can be in, in batches.

    A job that stays in a state keeps its slot, so that it takes a clock to be rid of it.
    """
    kinds = available_kinds(luma_target.material)
    offered = [role for role in PROMPTS if luma_target.value(role) is not None]
    staying = [role for role in offered if role in STAYING and timed]
    failing = [role for role in offered if role not in STAYING]
    lives: list[tuple[Life, ...]] = [
        tuple((MAIN_KEY, kind, role) for role in ("", *staying, *failing[:1])) for kind in kinds
    ]
    given = tuple((MAIN_KEY, role, "") for role in GENERATIONS if luma_target.value(role) is not None)
    rest = [(MAIN_KEY, "image", role) for role in failing[1:]]
    lives += [batch for batch in (given, tuple(rest[:4]), tuple(rest[4:])) if batch]
    # Of the other client's, those whose media are nobody's.
    others = ("image", "image_edit", "video")
    return lives + [tuple(("other-key", kind, role) for role in ("", *staying)) for kind in others]


def _trace(request: Request, sent: str | None, more: Headers = ()) -> Request:
    """Return a request with this X-Request-Id, or without one."""
    kept = tuple(field for field in request.headers if field[0] != "X-Request-Id")
    return replace(request, headers=(*kept, *more, *((("X-Request-Id", sent),) if sent is not None else ())))


def _prepare_contexts(luma_target: LumaTarget) -> Mapping[str, tuple[Request, bool]]:
    """Return requests for each operation and status that costs nothing, and whether each goes out at once."""
    keys = luma_target.session.target.profile.keys
    body: Body = {"prompt": PROMPT}
    unknown: Body = {"prompt": "A sunset", "model": "super-model-v9"}
    manga: Body = {"prompt": "A warrior", "style": "manga", "aspect_ratio": "1:1"}
    keyless = _show(Shown(), CREATE, None)
    found: dict[str, Request] = {
        "a request with an unknown model": make_request(luma_target, unknown),
        "a request with incompatible options": make_request(luma_target, manga),
        "a request without a key": keyless,
        "a poll without a key": _show(Shown(), POLL, None),
        "a poll for an unknown id": make_poll(luma_target, NOBODYS),
    }
    for role, url in luma_target.material.trouble.items():
        if role in REFUSED_URLS:
            found[f"a request with the {role}"] = make_request(luma_target, {**body, "image_ref": [{"url": url}]})
    for role in ("suspended-key", "unfunded-key"):
        if role in keys:
            found[f"a request with the {role}"] = make_request(luma_target, body, role)
    if (name := find_own(luma_target)) is not None:
        found["a poll for one's own"] = make_poll(luma_target, name)
    if luma_target.is_free:
        found["a request that is accepted"] = make_request(luma_target, body)
    contexts = {what: (request, False) for what, request in found.items()}
    if not luma_target.is_free or luma_target.is_shared:
        return contexts
    stays = {"prompt": luma_target.value("processing-prompt") or PROMPT}
    for role, limit, asked in (("low-rpm-key", "rate", body), ("low-concurrency-key", "job", stays)):
        if role in keys and _use_up(luma_target, full := make_request(luma_target, asked, role)):
            contexts[f"a request above the {limit} limit"] = (full, True)
    return contexts


REFUSED_URLS: Final = ("oversized-url", "proxy-down-url", "ingestion-off-url")
"""Roles of URLs for which requests are a 413, a 502 and a 503."""
MOST: Final = 20
"""Requests after which a limit is not small."""


def _use_up(luma_target: LumaTarget, request: Request) -> bool:
    """Return whether a request is refused by a limit, after it was sent often enough."""
    return any(luma_target.exchange(request, at_once=True).response.status == 429 for _ in range(MOST))

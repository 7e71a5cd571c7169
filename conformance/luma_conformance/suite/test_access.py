"""A key that is not good, and a client that may not, are refused whatever they ask for: any type, any generation."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Final

from luma_conformance.catalogue.roles import MAIN_KEY
from luma_conformance.judge.expected import NO_KEY, expect_refused, expect_unauthorized
from luma_conformance.model import GENERATIONS_PATH, Ask, Auth
from luma_conformance.properties.asking import STAYING, create, make_body
from luma_conformance.properties.luma_target import LumaTarget, not_judged
from luma_conformance.rules import Accepted
from luma_conformance.strategies import Body, Material, available_kinds
from luma_conformance.strategies.together import list_accepted

BAD_KEYS: Final = (
    (Auth(), NO_KEY),
    (Auth(token="luma-api-conformance-no-such-key"), "Invalid API key"),  # noqa: S106  not a key
    (Auth(role="revoked-key"), "API key has been revoked"),
    (Auth(role="expired-key"), "API key has expired"),
)
"""Keys that are not good, and the `detail` each one gets."""
REFUSED: Final = {
    "suspended-key": (403, "API client is suspended", "403 — API client is suspended"),
    "deactivated-key": (403, "API client is deactivated", "403 — API client is deactivated"),
    "unfunded-key": (402, "Insufficient balance. Please add funds to continue.", "402 — Payment Required"),
}
"""Keys of clients that may not make anything, and the answer each one gets."""
COMPLETED: Final = ("completed-image", "completed-video")
FAILING: Final = "generation-failed-prompt"


def test_a_bad_key_is_refused_whatever_it_asks_for(luma_target: LumaTarget) -> None:
    """Without a good key no type of generation is made, and none is shown, whatever its type and state."""
    keys = luma_target.session.target.profile.keys
    generations = _find_generations(luma_target)
    bad = [number for number, (auth, _) in enumerate(BAD_KEYS) if auth.role is None or auth.role in keys]

    def try_one(example: tuple[int, str] | tuple[int, str, int]) -> None:
        number, what, *row = example
        auth, detail = BAD_KEYS[number]
        if what in generations:
            ask = Ask(method="GET", url=f"{GENERATIONS_PATH}/{generations[what]}", auth=auth)
        else:
            ask = Ask(method="POST", url=GENERATIONS_PATH, auth=auth, body=_make_body(luma_target, what, *row))
        exchange = luma_target.exchange(luma_target.request_for(ask))
        luma_target.skip_if_limited(exchange)
        prediction = Accepted() if ask.method == "GET" else luma_target.material.predict(ask.body)
        case = expect_unauthorized(ask, detail, prediction, exchange.response.status)
        luma_target.check_answer(replace(case, title=f"{what}, asked for with a bad key"), exchange)

    kinds = available_kinds(luma_target.material)
    examples: list[object] = [
        (number, *one) for kind in kinds for number in bad for one in _deal(luma_target, kind, number)
    ]
    examples += [(number, what) for what in generations for number in bad]
    luma_target.for_each(examples, try_one, "access")


def test_a_client_that_may_not_is_refused_whatever_it_asks_for(luma_target: LumaTarget) -> None:
    """A suspended, a deactivated and an unfunded client are refused, whatever type of generation they ask for."""
    keys = luma_target.session.target.profile.keys
    roles = [role for role in REFUSED if role in keys]
    if not roles:
        not_judged(str(luma_target.session.target.profile.missing("suspended-key")))

    def try_one(example: tuple[str, str] | tuple[str, str, int]) -> None:
        role, kind, *row = example
        status, detail, heading = REFUSED[role]
        body = _make_body(luma_target, kind, *row)
        ask = Ask(method="POST", url=GENERATIONS_PATH, auth=Auth(role=role), body=body)
        exchange = luma_target.exchange(luma_target.request_for(ask))
        luma_target.skip_if_limited(exchange)
        case = expect_refused(ask, status, detail, heading)
        luma_target.check_answer(replace(case, title=f"{kind}, asked for with the {role}"), exchange)

    # A prior generation is the main client's: another client has none of those.
    kinds = [kind for kind in available_kinds(luma_target.material) if not _is_chained(luma_target, kind)]
    ordered = [*REFUSED]
    examples = [
        (role, *one) for role in roles for kind in kinds for one in _deal(luma_target, kind, ordered.index(role))
    ]
    luma_target.for_each(examples, try_one, "access")


def _deal(luma_target: LumaTarget, kind: str, number: int) -> list[tuple[str] | tuple[str, int]]:
    """Return a type with the number of a request that has much in it, another for each key; in `deep` every number.

    Where requests are not free, or each would refer to a generation, the type alone: the least that makes one.
    """
    count = len(_list_bodies(kind, luma_target.material)) if luma_target.is_free else 0
    if not count:
        return [(kind,)]
    numbers = range(count) if luma_target.fuzzing.profile == "deep" else [number % count]
    return [(kind, one) for one in numbers]


def _make_body(luma_target: LumaTarget, kind: str, number: int | None = None) -> Body:
    return make_body(luma_target, kind) if number is None else _list_bodies(kind, luma_target.material)[number]


@cache
def _list_bodies(kind: str, material: Material) -> list[Body]:
    """Return accepted requests of a type that refer to no generation: those are the main client's."""
    bodies = [trial.make_body() for trial in list_accepted(kind, material, strength=1)]
    return [body for body in bodies if body is not None and "generation_id" not in json.dumps(body)]


def _is_chained(luma_target: LumaTarget, kind: str) -> bool:
    """Return whether a request of this type would refer to a generation of the main client's."""
    return "generation_id" in make_body(luma_target, kind).get("source", {})


def _find_generations(luma_target: LumaTarget) -> dict[str, str]:
    """Return the ids of the main client's generations of each type and state there can be, by what is said of them."""
    found = {role.replace("-", " "): name for role in COMPLETED if (name := luma_target.value(role)) is not None}
    target = luma_target.session.target
    if not luma_target.is_free or luma_target.is_shared or target.missing("fast-clock") is not None:
        return found
    for role in (*STAYING, FAILING):
        if (prompt := luma_target.value(role)) is None:
            continue
        if (name := create(luma_target, {"prompt": prompt})) is not None:
            found[f"a generation of the {role}"] = name
    luma_target.sleep(60, MAIN_KEY)
    return found

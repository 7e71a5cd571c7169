"""A key that is not good, and a client that may not, are refused whatever they ask for: any type, any generation."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from luma_conformance.catalogue.roles import MAIN_KEY
from luma_conformance.judge.expected import NO_KEY, expect_refused, expect_unauthorized
from luma_conformance.model import GENERATIONS_PATH, Ask, Auth
from luma_conformance.properties.asking import STAYING, create, make_body
from luma_conformance.properties.luma_target import LumaTarget, not_judged
from luma_conformance.rules import Accepted
from luma_conformance.strategies import available_kinds

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

    def try_one(example: tuple[int, str]) -> None:
        number, what = example
        auth, detail = BAD_KEYS[number]
        if what in generations:
            ask = Ask(method="GET", url=f"{GENERATIONS_PATH}/{generations[what]}", auth=auth)
        else:
            ask = Ask(method="POST", url=GENERATIONS_PATH, auth=auth, body=make_body(luma_target, what))
        exchange = luma_target.exchange(luma_target.request_for(ask))
        luma_target.skip_if_limited(exchange)
        prediction = Accepted() if ask.method == "GET" else luma_target.material.predict(ask.body)
        case = expect_unauthorized(ask, detail, prediction, exchange.response.status)
        luma_target.check_answer(replace(case, title=f"{what}, asked for with a bad key"), exchange)

    asked = [*available_kinds(luma_target.material), *generations]
    luma_target.for_each([(number, what) for what in asked for number in bad], try_one, "access")


def test_a_client_that_may_not_is_refused_whatever_it_asks_for(luma_target: LumaTarget) -> None:
    """A suspended, a deactivated and an unfunded client are refused, whatever type of generation they ask for."""
    keys = luma_target.session.target.profile.keys
    roles = [role for role in REFUSED if role in keys]
    if not roles:
        not_judged(str(luma_target.session.target.profile.missing("suspended-key")))

    def try_one(example: tuple[str, str]) -> None:
        role, kind = example
        status, detail, heading = REFUSED[role]
        body = make_body(luma_target, kind)
        ask = Ask(method="POST", url=GENERATIONS_PATH, auth=Auth(role=role), body=body)
        exchange = luma_target.exchange(luma_target.request_for(ask))
        luma_target.skip_if_limited(exchange)
        case = expect_refused(ask, status, detail, heading)
        luma_target.check_answer(replace(case, title=f"{kind}, asked for with the {role}"), exchange)

    # A prior generation is the main client's: another client has none of those.
    kinds = [kind for kind in available_kinds(luma_target.material) if not _is_chained(luma_target, kind)]
    luma_target.for_each([(role, kind) for role in roles for kind in kinds], try_one, "access")


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

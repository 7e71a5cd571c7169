"""Questions about keys: what each opens, whose it is, which limits it has."""

from __future__ import annotations

from typing import Final

from luma_conformance.catalogue.roles import MAIN_KEY
from luma_conformance.judge.answers import FINAL_STATES, detail_of, member_of
from luma_conformance.judge.rate_limit import CONCURRENCY
from luma_conformance.model import Response, header
from luma_conformance.survey.ask_media import find_case, is_said, tell_refusal
from luma_conformance.survey.asker import PROMPT, Asker
from luma_conformance.survey.claims import Claim, false, true, unasked, unclear

_MOST_PER_MINUTE: Final = 60
_MOST_JOBS: Final = 21
"""What the cases about limits send at most."""


def ask_main(asker: Asker, role: str) -> Claim:
    """Return that main-key is accepted, and the limit it announces where that may be found out."""
    asker.generate()
    limit = asker.limits.get(role)
    return true(role, "accepted" if limit is None else f"accepted; announces {limit} requests a minute")


def ask_refused_key(asker: Asker, role: str) -> Claim:
    """Return whether a key is refused for the reason it is named for."""
    answer, case = asker.look_up_nothing(role), find_case(role)
    if answer.status in (200, 404):
        # The page has these refusals in its section on creating; nothing says that lookups are refused too.
        if not asker.allows():
            return unasked(role)
        answer = asker.create({"prompt": PROMPT}, role)
        if not 400 <= answer.status < 500:
            return false(role, f"it opens the API: a generation is answered {asker.describe(answer)}")
    right = case is not None and answer.status == case.status and is_said(case, answer)
    stray = asker.look_up_with_stray_key()
    if not right and (answer.status, detail_of(answer)) == (stray.status, detail_of(stray)):
        return false(role, f"it is answered as a key that nobody made: {asker.describe(answer)}")
    return tell_refusal(asker, role, answer, case)


def ask_neighbour(asker: Asker, role: str) -> Claim:
    """Return whether a key sees what main-key made: a second key of its client does, one of another does not."""
    answer, second = asker.look_up_nothing(role), role == "second-key"
    if answer.status in (401, 403):
        return false(role, f"it does not open the API: {asker.describe(answer)}")
    if asker.session.target.token(role) == asker.session.target.token(MAIN_KEY):
        return false(role, "it is main-key itself")
    if (ours := asker.generate()) is None:
        return unclear(role, "it opens the API; whose it is was not asked, which would cost money")
    sees = asker.look_up(ours, role).status == 200
    says = f"{'sees' if sees else 'does not see'} what main-key made"
    if second and not sees:
        return unclear(role, f"{says}; some servers show a generation only to the key that made it")
    return true(role, says) if sees == second else false(role, says)


def ask_unfunded(asker: Asker, role: str) -> Claim:
    """Return whether a key opens the API and has nothing to spend."""
    answer = asker.look_up_nothing(role)
    if answer.status in (401, 403):
        return false(role, f"it does not open the API: {asker.describe(answer)}")
    if not asker.allows():
        return unasked(role)
    return tell_refusal(asker, role, asker.create({"prompt": PROMPT}, role))


def ask_low_rpm(asker: Asker, role: str) -> Claim:
    """Return whether a key announces a limit of requests that can be used up."""
    if not asker.allows():
        return unasked(role)
    answer = asker.create({"prompt": PROMPT}, role, at_once=True)
    if answer.status in (401, 402, 403):
        return false(role, f"nothing can be created with it: {asker.describe(answer)}")
    if (limit := asker.limits.get(role)) is None:
        return unclear(role, "announces no limit")
    if limit > _MOST_PER_MINUTE:
        return false(role, f"announces {limit} requests a minute; the cases send {_MOST_PER_MINUTE + 1} at most")
    if _is_ours(asker, answer):
        return false(role, "is of main-key's client, whose limit other cases use up")
    return true(role, f"announces {limit} requests a minute")


def ask_low_concurrency(asker: Asker, role: str) -> Claim:
    """Return whether a key has few slots, by asking for jobs until one is refused."""
    if not asker.allows(_MOST_JOBS):
        return unasked(role)
    made: list[Response] = []
    while len(made) < _MOST_JOBS:
        answer = asker.create({"prompt": PROMPT}, role, at_once=True)
        if answer.status != 201:
            break
        made.append(answer)
    else:
        name = str(member_of(made[0], "id"))
        if member_of(asker.look_up(name, role), "state") in FINAL_STATES:
            return unclear(role, f"takes {_MOST_JOBS} jobs one after another, but they end too soon to tell more")
        return false(role, f"takes {_MOST_JOBS} jobs at once, and the cases send no more")
    if answer.status == 429 and (detail_of(answer) == CONCURRENCY or not header(answer.headers, "X-RateLimit-Limit")):
        return true(role, f"takes {len(made)} job{'s' * (len(made) != 1)} at a time")
    return false(role, f"another answer comes first, after {len(made)} jobs: {asker.describe(answer)}")


def _is_ours(asker: Asker, created: Response) -> bool:
    name = member_of(created, "id")
    return isinstance(name, str) and name.isprintable() and asker.look_up(name).status == 200


def ask_own(asker: Asker, role: str) -> Claim:
    """Return what a role of somebody's own is answered, if it is a key."""
    if role not in asker.session.target.profile.keys:
        return unasked(role, "a role of your own, which only your cases can judge")
    answer = asker.look_up_nothing(role)
    return unclear(role, f"a role of your own: a lookup is answered {asker.describe(answer)}")

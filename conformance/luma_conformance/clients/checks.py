"""What can be expected of a client: a table of checks, each of which says what was seen instead, or nothing.

A check knows no clock. Waits are measured from when the server really answered, and only ever found too short: a slow
machine makes no client wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from luma_conformance.clients.conduct import Conduct, Seen
from luma_conformance.clients.evidence import (
    count_generations,
    find_shortfall,
    find_telling,
    has_same_body,
    has_same_prompt,
    is_at_storage,
    is_fault,
    is_printed,
    is_same_request,
    is_waiting,
    is_whole,
    read_json,
    read_retry_after,
)
from luma_conformance.clients.scenario import Route
from luma_conformance.matching import show
from luma_conformance.model import header
from luma_conformance.redaction.redactor import Redactor

EARLY: Final = 0.05
"""Seconds by which a wait may be short: timers differ, and a client's may be the coarser."""
PACED: Final = 3
"""Requests from which on there is a pace."""

ROUTES: Final = (Route.CREATE, Route.POLL, Route.DOWNLOAD)
NOUNS: Final[Mapping[Route, str]] = {
    Route.CREATE: "POST",
    Route.POLL: "poll",
    Route.DOWNLOAD: "download",
    Route.OTHER: "request",
}
_ORDINALS: Final = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")

Arguments = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What an argument of a check is: one of the `choices`, or a number of at least `least`, whole or not."""

    choices: tuple[str, ...] = ()
    least: float = 0
    is_whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check: what its name takes, its further arguments, and the function that says what was seen instead.

    Exactly `one_of` some arguments has to be given, if there are such.
    """

    takes: Kind
    find: Callable[[Conduct, str, Arguments], str | None]
    further: Mapping[str, Kind] = field(default_factory=dict)
    one_of: tuple[str, ...] = ()


def _find_requests(conduct: Conduct, route: str, arguments: Arguments) -> str | None:
    found = len(conduct.of(Route(route)))
    noun = NOUNS[Route(route)]
    if found < _number(arguments, "least", 0):
        return f"it made {_count(found, noun)}, not {_number(arguments, 'least', 0):g} or more"
    if found > _number(arguments, "most", found):
        return f"it made {_count(found, noun)}, not {_number(arguments, 'most', 0):g} or fewer"
    return None


def _find_generations(conduct: Conduct, most: str, _arguments: Arguments) -> str | None:
    found = count_generations(conduct)
    return f"it made {found} generations, each of which may be charged for" if found > int(most) else None


def _find_wait(conduct: Conduct, route: str, arguments: Arguments) -> str | None:
    for fault, following in _list_retries(conduct, Route(route), arguments):
        named = (read_retry_after(fault) or 0) if "for" in arguments else None
        least = _number(arguments, "least", 0) if named is None else named
        gap = following.arrived - fault.answered
        if gap < least - EARLY:
            asked = f"; Retry-After was {named}" if named else f", not {least:g} s or more"
            came = f"{gap:.2g} s after the answer" if gap >= 0 else "before the answer was there"
            return f"the {_ordinal(following)} came {came}{asked}"
    return None


def _find_pace(conduct: Conduct, route: str, arguments: Arguments) -> str | None:
    requests, least = conduct.of(Route(route)), _number(arguments, "least", 0)
    if len(requests) < PACED:
        return None
    mean = (requests[-1].arrived - requests[0].arrived) / (len(requests) - 1)
    if mean >= least - EARLY:
        return None
    return f"{_count(len(requests), NOUNS[Route(route)])} came {mean:.2g} s apart on average, not {least:g} s or more"


def _find_again(conduct: Conduct, route: str, arguments: Arguments) -> str | None:
    """Say that a request was sent again as it was."""
    requests = conduct.of(Route(route))
    for fault in _list_faults(conduct, Route(route), arguments):
        earlier = [fault] if fault.route == route else [one for one in requests if one.arrived < fault.arrived]
        later = [one for one in requests if one.arrived > fault.arrived]
        is_alike = has_same_prompt if "alike" in arguments else is_same_request
        again = [one for one in later if any(is_alike(one, other) for other in earlier)]
        if again:
            gap = max(0.0, again[0].arrived - fault.answered)
            times = f", and {_count(len(again) - 1, 'more time')} later" if len(again) > 1 else ""
            noun = arguments.get("alike", NOUNS[Route(route)])
            return f"it sent the same {noun} again {gap:.2g} s after {fault.reply.says}{times}"
    return None


def _find_change(conduct: Conduct, route: str, arguments: Arguments) -> str | None:
    """Say that a request was sent again with another body."""
    for fault, following in _list_retries(conduct, Route(route), arguments):
        earlier = [one for one in conduct.of(Route(route)) if one.arrived <= fault.arrived]
        if earlier and not has_same_body(earlier[-1], following):
            return f"the {_ordinal(following)} had another body: {_describe_change(earlier[-1], following)}"
    return None


def _describe_change(one: Seen, other: Seen) -> str:
    first, second = read_json(one.request.body), read_json(other.request.body)
    if not isinstance(first, dict) or not isinstance(second, dict):
        return "it is no JSON object"
    names = [name for name in {**first, **second} if first.get(name) != second.get(name)]
    name = names[0] if names else ""
    return f"{name} was {show(first.get(name), 150)}, then {show(second.get(name), 150)}"


def _find_end(conduct: Conduct, how: str, _arguments: Arguments) -> str | None:
    return _ENDS[how](conduct)


def _find_no_success(conduct: Conduct) -> str | None:
    if conduct.status is None:
        return None
    return f"it ended with status {conduct.status}" if conduct.status else _find_untruth(conduct)


def _find_no_failure(conduct: Conduct) -> str | None:
    return "it ended with status 0, as if all had gone well" if conduct.status == 0 else None


def _find_untruth(conduct: Conduct) -> str | None:
    missing = find_shortfall(conduct) if conduct.status == 0 else None
    return f"it ended with status 0, but {missing}" if missing else None


def _find_no_end(conduct: Conduct) -> str | None:
    if conduct.status is not None or not conduct.seen or is_waiting(conduct):
        return None
    made = _count(len(conduct.seen), "request")
    return (
        f"it was still running after {conduct.seconds:.0f} s and {made}, the last of them {_describe(conduct.seen[-1])}"
    )


def _find_no_cause(conduct: Conduct) -> str | None:
    if not conduct.status or not conduct.seen:
        return None
    last = conduct.seen[-1]
    if is_fault(last) or not is_whole(last):
        return None
    return f"it ended with status {conduct.status} although nothing was wrong with the last answer, {_describe(last)}"


def _describe(seen: Seen) -> str:
    return f"{NOUNS[seen.route]} {seen.reply.says}"


_ENDS: Final[Mapping[str, Callable[[Conduct], str | None]]] = {
    "success": _find_no_success,
    "failure": _find_no_failure,
    "truthfully": _find_untruth,
    "in-time": _find_no_end,
    "with-cause": _find_no_cause,
}


def _find_untold(conduct: Conduct, _what: str, _arguments: Arguments) -> str | None:
    told = find_telling(conduct) if conduct.status else None
    if told is None or is_printed(told, conduct.output):
        return None
    return f"it ended with status {conduct.status}, and did not print {show(told)}"


def _find_key(conduct: Conduct, where: str, _arguments: Arguments) -> str | None:
    key = conduct.given["LUMA_AGENTS_API_KEY"]
    return _find_stray_key(conduct, key) if where == "api-only" else _find_no_bearer(conduct, key)


def _find_stray_key(conduct: Conduct, key: str) -> str | None:
    redactor = Redactor({key: "key"})
    for one in conduct.seen:
        noun = f"a {NOUNS[one.route]}"
        if redactor.find_secret(one.request.url) or redactor.find_secret(unquote(one.request.url)):
            return f"the key was in the URL of {noun}"
        if not is_at_storage(one):
            continue
        for name, value in one.request.headers:
            if redactor.find_secret(value):
                return f"{noun} carried the key to the storage host, in the header {name}"
            if name.lower() == "authorization":
                return f"{noun} carried an Authorization header to the storage host"
        if redactor.find_secret(one.request.body.decode("utf-8", "replace")):
            return f"{noun} carried the key to the storage host, in its body"
    return None


def _find_no_bearer(conduct: Conduct, key: str) -> str | None:
    for one in conduct.seen:
        given = header(one.request.headers, "Authorization")
        if not is_at_storage(one) and given != f"Bearer {key}":
            had = "no Authorization header" if given is None else "another Authorization header"
            return f"a {NOUNS[one.route]} had {had}"
    return None


def _list_faults(conduct: Conduct, route: Route, arguments: Arguments) -> Iterator[Seen]:
    after = Route(str(arguments.get("after", route)))
    # What a client did not wait for, it cannot heed.
    return (one for one in conduct.of(after) if is_fault(one) and not one.abandoned)


def _list_retries(conduct: Conduct, route: Route, arguments: Arguments) -> Iterator[tuple[Seen, Seen]]:
    """Yield each fault, and the next request of the route."""
    for fault in _list_faults(conduct, route, arguments):
        following = next((one for one in conduct.of(route) if one.arrived > fault.arrived), None)
        if following is not None:
            yield fault, following


def _number(arguments: Arguments, name: str, default: float) -> float:
    value = arguments.get(name, default)
    assert isinstance(value, int | float)
    return value


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _ordinal(seen: Seen) -> str:
    known = seen.number <= len(_ORDINALS)
    return f"{_ORDINALS[seen.number - 1] if known else f'{seen.number}th'} {NOUNS[seen.route]}"


_ROUTE: Final = Kind(choices=ROUTES)
_SECONDS: Final = Kind(is_whole=False)
_AFTER: Final[Mapping[str, Kind]] = {"after": _ROUTE}

CHECKS: Final[Mapping[str, Check]] = {
    "requests": Check(takes=_ROUTE, find=_find_requests, further={"least": Kind(), "most": Kind()}),
    "generations": Check(takes=Kind(), find=_find_generations),
    "wait": Check(
        takes=_ROUTE,
        find=_find_wait,
        further={"for": Kind(choices=("retry-after",)), "least": _SECONDS, **_AFTER},
        one_of=("for", "least"),
    ),
    "pace": Check(takes=_ROUTE, find=_find_pace, further={"least": _SECONDS}, one_of=("least",)),
    "never_again": Check(takes=_ROUTE, find=_find_again, further={**_AFTER, "alike": Kind(choices=("prompt",))}),
    "same_again": Check(takes=_ROUTE, find=_find_change, further=_AFTER),
    "ends": Check(takes=Kind(choices=tuple(_ENDS)), find=_find_end),
    "shows": Check(takes=Kind(choices=("what-went-wrong",)), find=_find_untold),
    "key": Check(takes=Kind(choices=("api-only", "as-bearer")), find=_find_key),
}
"""Every check by its name, as scenario files and `Expectation.check` have it."""


def find_broken(conduct: Conduct, check: str, arguments: Arguments) -> str | None:
    """Return what was seen instead of what a check expects, or None."""
    return CHECKS[check].find(conduct, str(arguments[check]), arguments)

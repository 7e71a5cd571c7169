"""Reads what must come back: statuses, details, headers, bodies, and the matchers in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from luma_conformance import matching
from luma_conformance.catalogue.problems import Problems
from luma_conformance.matching import KINDS, Matcher, show
from luma_conformance.model import Expectation, Repeat
from luma_conformance.paths import Path

EXPECTATION_KEYS = ("status", "detail", "detail_like", "wording", "headers", "absent_headers", "body")
REPEAT_KEYS = ("until", "every", "at_most", "meanwhile")
STATES = ("queued", "processing", "completed", "failed")


def read_expectation(
    given: Mapping[str, object], path: Path, status: tuple[int, ...] | None, problems: Problems
) -> Expectation:
    """Returns what a case or step says must come back; `status` is what holds where it names none."""
    if "status" in given:
        status = read_statuses(given["status"], (*path, "status"), problems)
    elif status is None:
        problems.add(path, "status is missing; every case says which status must come back")
    detail = given.get("detail", given.get("detail_like"))
    if "detail" in given and "detail_like" in given:
        problems.add((*path, "detail_like"), "detail and detail_like exclude each other; keep one")
    wording = given.get("wording", "exact")
    if wording not in ("exact", "may-vary"):
        problems.unknown((*path, "wording"), "wording", str(wording), ("exact", "may-vary"))
    matcher: Matcher | None = None
    if "detail_like" in given:
        matcher = matching.Like.of(problems.text(detail, (*path, "detail_like"), "detail_like"))
    elif isinstance(detail, dict):
        if not any(name.startswith("$") for name in detail):
            problems.add((*path, "detail"), f"detail is a text or a matcher, not {show(detail)}")
        matcher = read_matcher(detail, (*path, "detail"), problems)
    elif "detail" in given:
        matcher = matching.Exactly(problems.text(detail, (*path, "detail"), "detail"))
    return Expectation(
        status=status or (0,),
        detail=matcher,
        headers=read_headers(given, path, problems),
        absent_headers=read_absent_headers(given, path, problems),
        body=read_matcher(given["body"], (*path, "body"), problems) if "body" in given else None,
        wording_may_vary=wording == "may-vary",
    )


def read_headers(given: Mapping[str, object], path: Path, problems: Problems) -> Mapping[str, Matcher]:
    """Returns the matchers under `headers`, by header name."""
    if "headers" not in given:
        return {}
    within = (*path, "headers")
    headers = problems.mapping(given["headers"], within, "headers")
    for name, value in headers.items():
        if isinstance(value, int | float | bool) or value is None:
            problems.add((*within, name), f'a header is text; quote it: "{show(value)}"')
    return {name: read_matcher(value, (*within, name), problems) for name, value in headers.items()}


def read_absent_headers(given: Mapping[str, object], path: Path, problems: Problems) -> tuple[str, ...]:
    """Returns the header names under `absent_headers`."""
    if "absent_headers" not in given:
        return ()
    return problems.texts(given["absent_headers"], (*path, "absent_headers"), "absent_headers")


def read_statuses(given: object, path: Path, problems: Problems) -> tuple[int, ...]:
    """Returns one or more HTTP statuses."""
    statuses = given if isinstance(given, list) and given else [given]
    for status in statuses:
        if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 599:
            problems.add(path, f"a status is a number from 100 to 599, not {show(status)}")
            return (0,)
    return tuple(statuses)


def read_repeat(given: object, path: Path, own: tuple[int, ...], problems: Problems) -> Repeat:
    """Returns how a step is repeated; `own` is the step's own status."""
    repeat = problems.mapping(given, path, "repeat", REPEAT_KEYS)
    until = problems.mapping(repeat.get("until"), (*path, "until"), "until", ("status", "state"))
    if len(until) != 1:
        problems.add((*path, "until"), "until names either a status or a state")
    state = until.get("state")
    if "state" in until and state not in STATES:
        problems.unknown((*path, "until", "state"), "state", str(state), STATES)
    status = read_statuses(until["status"], (*path, "until", "status"), problems) if "status" in until else None
    if isinstance(until.get("status"), list):
        problems.add((*path, "until", "status"), f"until has a single status, not {show(until['status'])}")
    meanwhile = read_statuses(repeat["meanwhile"], (*path, "meanwhile"), problems) if "meanwhile" in repeat else own
    return Repeat(
        until_status=status[0] if status else None,
        until_state=str(state) if "state" in until else None,
        every=problems.number(repeat.get("every", 0), (*path, "every"), "every", 0),
        at_most=problems.whole(repeat.get("at_most"), (*path, "at_most"), "at_most", 1),
        meanwhile=meanwhile,
    )


def read_matcher(given: object, path: Path, problems: Problems) -> Matcher:
    """Returns the matcher a value stands for: itself, or what its one `$` key says."""
    if isinstance(given, list):
        return matching.Elements(tuple(read_matcher(item, (*path, i), problems) for i, item in enumerate(given)))
    if not isinstance(given, dict):
        assert given is None or isinstance(given, str | int | float | bool)
        return matching.Exactly(given)
    special = [name for name in given if name.startswith("$")]
    if not special:
        return matching.Members({k: read_matcher(v, (*path, k), problems) for k, v in given.items()})
    name = special[0]
    if len(given) > 1:
        problems.add(path, f"{name} stands alone; move the other keys out")
    if name not in _MATCHERS:
        problems.unknown((*path, name), "matcher", name, _MATCHERS)
        return matching.Exactly(None)
    return _MATCHERS[name](given[name], (*path, name), problems)


def recalled(given: object, path: Path) -> Iterator[tuple[Path, str]]:
    """Yields the name each `$same` and `$differs` in a value looks back on, with its path."""
    if isinstance(given, dict):
        for name, member in given.items():
            if name in ("$same", "$differs") and isinstance(member, str):
                yield (*path, name), member
            else:
                yield from recalled(member, (*path, name))
    elif isinstance(given, list):
        for index, element in enumerate(given):
            yield from recalled(element, (*path, index))


def _read_is(given: object, path: Path, problems: Problems) -> Matcher:
    kind = given if isinstance(given, str) else show(given)
    if kind not in KINDS:
        problems.unknown(path, "kind", kind, KINDS)
        return matching.Exactly(None)
    return matching.Is(kind)


def _read_pattern(given: object, path: Path, problems: Problems) -> Matcher:
    text = problems.text(given, path, "$pattern")
    try:
        return matching.Pattern(re.compile(text))
    except (re.error, OverflowError, RecursionError, FutureWarning) as error:
        problems.add(path, f"{show(text)} is not a regular expression: {error}")
        return matching.Exactly(None)


def _read_one_of(given: object, path: Path, problems: Problems) -> Matcher:
    choices = problems.sequence(given, path, "$one_of")
    if isinstance(given, list) and not given:
        problems.add(path, "$one_of needs at least one choice")
    return matching.OneOf(tuple(read_matcher(choice, (*path, i), problems) for i, choice in enumerate(choices)))


def _read_at_least(given: object, path: Path, problems: Problems) -> Matcher:
    return matching.AtLeast(problems.whole(given, path, "$at_least", 0))


def _named(kind: str, matcher: Callable[[str], Matcher]) -> Callable[[object, Path, Problems], Matcher]:
    return lambda given, path, problems: matcher(problems.text(given, path, kind))


_MATCHERS: Mapping[str, Callable[[object, Path, Problems], Matcher]] = {
    "$is": _read_is,
    "$like": _named("$like", matching.Like.of),
    "$pattern": _read_pattern,
    "$one_of": _read_one_of,
    "$at_least": _read_at_least,
    "$same": _named("$same", matching.Same),
    "$differs": _named("$differs", matching.Differs),
    "$echo": _named("$echo", matching.Echo),
}

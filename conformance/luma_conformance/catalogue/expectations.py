"""The reader of expectations in case files: statuses, details, headers, bodies, and the matchers in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from luma_conformance import matching
from luma_conformance.matching import KINDS, Matcher, show
from luma_conformance.model import Expectation, Repeat
from luma_conformance.reading.document import Node

EXPECTATION_KEYS = ("status", "detail", "detail_like", "wording", "headers", "absent_headers", "body")
REPEAT_KEYS = ("until", "every", "at_most", "meanwhile")
STATES = ("queued", "processing", "completed", "failed")


def read_expectation(given: Node, status: tuple[int, ...] | None) -> Expectation:
    """Return the expected answer of a case or step; `status` is used if it names none."""
    if "status" in given:
        status = read_statuses(given["status"])
    elif status is None:
        given.wrong("status is missing; every case says which status must come back")
    wording = given["wording"].one_of("wording", ("exact", "may-vary")) if "wording" in given else "exact"
    return Expectation(
        status=status or (0,),
        detail=_read_detail(given),
        headers=read_headers(given),
        absent_headers=read_absent_headers(given),
        body=read_matcher(given["body"]) if "body" in given else None,
        wording_may_vary=wording == "may-vary",
    )


def _read_detail(given: Node) -> Matcher | None:
    if "detail" in given and "detail_like" in given:
        given["detail_like"].wrong("detail and detail_like exclude each other; keep one")
    if "detail_like" in given:
        return matching.Like.of(given["detail_like"].text())
    if "detail" not in given:
        return None
    detail = given["detail"]
    if not isinstance(detail.value, dict):
        return matching.Exactly(detail.text())
    if not any(name.startswith("$") for name in detail.value):
        detail.expected("a string or a matcher")
    return read_matcher(detail)


def read_headers(given: Node) -> Mapping[str, Matcher]:
    """Return the matchers under `headers`, by header name."""
    headers = dict(given["headers"].members()) if "headers" in given else {}
    for node in headers.values():
        if isinstance(node.value, int | float | bool) or node.value is None:
            node.wrong(f'a header is text; quote it: "{show(node.value)}"')
    return {name: read_matcher(node) for name, node in headers.items()}


def read_absent_headers(given: Node) -> tuple[str, ...]:
    """Return the header names under `absent_headers`."""
    return given["absent_headers"].texts() if "absent_headers" in given else ()


def read_statuses(node: Node) -> tuple[int, ...]:
    """Return one or more HTTP statuses."""
    statuses = node.value if isinstance(node.value, list) and node.value else [node.value]
    for status in statuses:
        if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 599:
            node.wrong(f"{node.name} should be a number from 100 to 599, not {show(status)}")
            return (0,)
    return tuple(statuses)


def read_repeat(repeat: Node, own: tuple[int, ...]) -> Repeat:
    """Return how a step is repeated; `own` is the status that the step itself expects."""
    repeat.mapping(REPEAT_KEYS)
    until = repeat["until"].mapping(("status", "state"))
    if ("status" in until) == ("state" in until):
        until.wrong("until names either a status or a state")
    state = until["state"].one_of("state", STATES) if "state" in until else None
    status = read_statuses(until["status"]) if "status" in until else None
    if isinstance(until.get("status"), list):
        until["status"].wrong(f"until has a single status, not {show(until.get('status'))}")
    return Repeat(
        until_status=status[0] if status else None,
        until_state=state,
        every=repeat["every"].number(0) if "every" in repeat else 0,
        at_most=repeat["at_most"].whole(1),
        meanwhile=read_statuses(repeat["meanwhile"]) if "meanwhile" in repeat else own,
    )


def read_matcher(node: Node) -> Matcher:
    """Return the matcher a value stands for: itself, or what its one `$` key says."""
    value = node.value
    if isinstance(value, list):
        return matching.Elements(tuple(map(read_matcher, node.elements())))
    if not isinstance(value, dict):
        assert value is None or isinstance(value, str | int | float | bool)
        return matching.Exactly(value)
    name = next((name for name in value if name.startswith("$")), None)
    if name is None:
        return matching.Members({name: read_matcher(member) for name, member in node.members()})
    if len(value) > 1:
        node.wrong(f"{name} stands alone; move the other keys out")
    if name not in _MATCHERS:
        node[name].unknown("matcher", name, _MATCHERS)
        return matching.Exactly(None)
    return _MATCHERS[name](node[name])


def find_recalled(node: Node) -> Iterator[Node]:
    """Yield each `$same` and `$differs` in a value: both refer to a saved name."""
    if isinstance(node.value, dict):
        for name, value in node.value.items():
            if name in ("$same", "$differs") and isinstance(value, str):
                yield node[name]
            elif isinstance(value, dict | list):
                yield from find_recalled(node[name])
    elif isinstance(node.value, list):
        for element in node.elements():
            yield from find_recalled(element)


def _read_is(node: Node) -> Matcher:
    kind = node.value if isinstance(node.value, str) else show(node.value)
    if kind not in KINDS:
        node.unknown("kind", kind, KINDS)
        return matching.Exactly(None)
    return matching.Is(kind)


def _read_pattern(node: Node) -> Matcher:
    text = node.text()
    try:
        return matching.Pattern(re.compile(text))
    except (re.error, OverflowError, RecursionError, FutureWarning) as error:
        node.wrong(f"{show(text)} is not a regular expression: {error}")
        return matching.Exactly(None)


def _read_one_of(node: Node) -> Matcher:
    if node.value == []:
        node.wrong("$one_of needs at least one choice")
    return matching.OneOf(tuple(map(read_matcher, node.elements())))


_MATCHERS: Mapping[str, Callable[[Node], Matcher]] = {
    "$is": _read_is,
    "$like": lambda node: matching.Like.of(node.text()),
    "$pattern": _read_pattern,
    "$one_of": _read_one_of,
    "$each": lambda node: matching.Each(read_matcher(node)),
    "$at_least": lambda node: matching.AtLeast(node.whole(0)),
    "$same": lambda node: matching.Same(node.text()),
    "$differs": lambda node: matching.Differs(node.text()),
    "$echo": lambda node: matching.Echo(node.text()),
}

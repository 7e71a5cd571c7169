"""The reader of scenario files: plain data becomes scenarios, and all problems are reported at once, with places.

This module knows the grammar (specs/clients/README.md) and nothing of YAML or files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from luma_conformance.catalogue.catalogue import Catalogue
from luma_conformance.clients.answers import (
    answer_as_documented,
    answer_state,
    answer_well,
    change_headers,
    write_json,
)
from luma_conformance.clients.checks import CHECKS, Kind
from luma_conformance.clients.evidence import RETRYABLE
from luma_conformance.clients.scenario import End, Expectation, Reply, Route, Scenario, Script, Task
from luma_conformance.errors import CatalogueError
from luma_conformance.matching import show, whole_number
from luma_conformance.model import Response, Severity, header
from luma_conformance.paths import PathError, put
from luma_conformance.reading.document import Node, Problems, Source

FILE_KEYS: Final = ("section", "task", "expect", "scenarios")
SCENARIO_KEYS: Final = (
    "id", "title", "section", "task", "silent", "create", "poll", "download", "expect", "patience"
)  # fmt: skip
REPLY_KEYS: Final = (
    "answer", "state", "status", "text", "headers", "set", "creates", "expired", "delay", "spread", "end", "times",
    "forever",
)  # fmt: skip
EXPECTATION_KEYS: Final = ("must", "should", "because", "section")
EVERY_KEYS: Final = ("section", "holds")
HOLDING_KEYS: Final = (*EXPECTATION_KEYS, "also_where_silent")
STATES: Final[Mapping[Route, tuple[str, ...]]] = {
    Route.CREATE: ("queued",),
    Route.POLL: ("queued", "processing", "completed"),
    Route.DOWNLOAD: (),
}
ENDS: Final = (End.DROPPED, End.CUT)

MAX_PROBLEMS: Final = 100
"""Problems shown at once; a file with more of them is not read any further."""
MAX_TIMES: Final = 50
POLL_PAUSE: Final = 3.0
"""Seconds reckoned for each poll: the documentation says two to five."""
BACKOFF: Final = 5.0
"""Seconds reckoned for a client that backs off without having been told for how long."""
LAST_ATTEMPT: Final = 5
"""Attempts reckoned for a client that meets the same answer for ever: as many as the page's own example makes."""

_SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_DATE: Final = re.compile(r"\{date([+-]\d+)\}")
_ROUTES: Final = (Route.CREATE, Route.POLL, Route.DOWNLOAD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Everywhere:
    """What a client does in every scenario, and what even where the page is silent."""

    always: tuple[Expectation, ...] = ()
    unless_silent: tuple[Expectation, ...] = ()


def read_everywhere(source: Source) -> Everywhere:
    """Return what holds in every scenario; raise CatalogueError."""
    problems, file = _begin(source, EVERY_KEYS)
    heading = file["section"].text()
    always: list[Expectation] = []
    unless_silent: list[Expectation] = []
    for entry in file["holds"].elements("an entry of holds"):
        kept = always if "also_where_silent" in entry and entry["also_where_silent"].flag() else unless_silent
        kept.append(_read_expectation(entry.mapping(HOLDING_KEYS), heading))
    problems.check()
    return Everywhere(always=tuple(always), unless_silent=tuple(unless_silent))


def read_scenarios(source: Source, name: str, catalogue: Catalogue, everywhere: Everywhere) -> tuple[Scenario, ...]:
    """Return the scenarios of one file, `name` being the part of their ids before the slug; raise CatalogueError."""
    problems, file = _begin(source, FILE_KEYS)
    reader = _Reader(file, name, catalogue, everywhere)
    entries = file["scenarios"].elements("a scenario")
    found = tuple(reader.read(entry.mapping(SCENARIO_KEYS)) for entry in entries)
    if not found and isinstance(file.get("scenarios"), list):
        file["scenarios"].wrong("scenarios needs at least one scenario")
    seen: set[str] = set()
    for scenario, entry in zip(found, entries, strict=True):
        if scenario.id in seen:
            entry["id"].wrong(f"the id {show(entry.get('id'))} is taken in this file; ids are unique")
        seen.add(scenario.id)
    problems.check()
    return found


def _begin(source: Source, keys: tuple[str, ...]) -> tuple[Problems, Node]:
    problems = Problems(source.file, source.locate, error=CatalogueError, limit=MAX_PROBLEMS, shows_values=True)
    file = Node(source.data, problems, title="a scenario file").mapping(keys)
    if not file.value:
        problems.check()
    return problems, file


class _Reader:
    """A reader of the scenarios of one file."""

    def __init__(self, file: Node, name: str, catalogue: Catalogue, everywhere: Everywhere) -> None:
        self._prefix = f"{name}{'#' if name.endswith('.yaml') else '/'}"
        self._catalogue, self._everywhere = catalogue, everywhere
        self._heading = file["section"].text()
        self._task = _read_task(file["task"]) if "task" in file else None
        self._expect = _read_expectations(file["expect"], "")

    def read(self, given: Node) -> Scenario:
        """Return one scenario."""
        slug = given["id"].text()
        if slug and not _SLUG.fullmatch(slug):
            given["id"].wrong(f"id {show(slug)} is not a slug; use lower-case words joined by hyphens")
        heading = given["section"].text() if "section" in given else self._heading
        silent = given["silent"].text() if "silent" in given else ""
        task = self._read_task(given)
        scripts = {route: self._read_script(given[route], route) for route in _ROUTES}
        if task is Task.CREATE and not (given["poll"].is_absent and given["download"].is_absent):
            given.wrong("a client that only creates neither polls nor downloads; leave out poll and download")
        if task is Task.DOWNLOAD and "create" in given:
            given["create"].wrong("a client that downloads does not create; leave out create")
        return Scenario(
            id=f"{self._prefix}{slug}",
            title=given["title"].text(),
            section=heading,
            place=given.place,
            task=task,
            scripts=scripts,
            expectations=(
                # What the whole file expects rests on the heading of each scenario, unless it names its own.
                *(one if one.section else replace(one, section=heading) for one in self._expect),
                *_read_expectations(given["expect"], heading),
                *self._everywhere.always,
                *(() if silent else self._everywhere.unless_silent),
            ),
            patience=given["patience"].number(0) if "patience" in given else _reckon(task, scripts),
            silent=silent,
        )

    def _read_task(self, given: Node) -> Task:
        if "task" not in given and self._task is not None:
            return self._task
        return _read_task(given["task"])

    def _read_script(self, given: Node, route: Route) -> Script:
        first: list[Reply] = []
        then = answer_well(route)
        entries = given.elements("a reply") if not given.is_absent else []
        for entry in entries:
            reply = self._read_reply(entry.mapping(REPLY_KEYS), route)
            if "forever" in entry and entry["forever"].flag():
                then = reply
                if entry is not entries[-1]:
                    entry["forever"].wrong("what is answered for ever stands last")
                if "times" in entry:
                    entry["times"].wrong("times and forever exclude each other; keep one")
            else:
                first += [reply] * (entry["times"].whole(1, MAX_TIMES) if "times" in entry else 1)
        return Script(first=tuple(first), then=then)

    def _read_reply(self, given: Node, route: Route) -> Reply:
        response, kind = self._read_response(given, route)
        if "set" in given:
            response = _change_body(given["set"], response)
        if "headers" in given:
            response = change_headers(response, {name: _read_header(node) for name, node in given["headers"].members()})
        end = End(given["end"].one_of("end", ENDS) or End.WHOLE) if "end" in given else End.WHOLE
        delay, spread = (given[name].number(0, 600) if name in given else 0.0 for name in ("delay", "spread"))
        expired = "expired" in given and given["expired"].flag()
        if expired and (route is not Route.POLL or b"{output-url}" not in response.body):
            given["expired"].wrong("only a poll that is answered with completed has a URL that can be expired")
        creates = given["creates"].flag() if "creates" in given else route is Route.CREATE and response.status == 201
        return Reply(
            says=_say(response, delay=delay, spread=spread, end=end, expired=expired),
            response=response,
            delay=delay,
            spread=spread,
            end=end,
            is_fault=kind != "state" or end is not End.WHOLE or expired or any(map(given.__contains__, _FAULTS)),
            creates=creates,
            is_expired=expired,
        )

    def _read_response(self, given: Node, route: Route) -> tuple[Response, str]:
        """Return what a reply says before it is changed, and the key that says it."""
        kinds = [name for name in ("answer", "state", "status") if name in given]
        for name in kinds[1:]:
            given[name].wrong(f"{kinds[0]} and {name} exclude each other; keep one")
        if "text" in given and kinds[:1] != ["status"]:
            given["text"].wrong("text is the body of an answer that only has a status; add status, or leave it out")
        if kinds[:1] == ["answer"]:
            return self._read_answer(given["answer"], route), "answer"
        if kinds[:1] == ["status"]:
            body = given["text"].string() if "text" in given else ""
            headers = (("Content-Type", "text/html"),) if body else ()
            return Response(status=given["status"].whole(200, 599), headers=headers, body=body.encode()), "status"
        if kinds:
            state = given["state"].one_of("state of an answer that all is well with", STATES[route])
            return (answer_state(route, state) if state else answer_well(route).response), "state"
        if not isinstance(given.value, dict) or not given.value:
            given.wrong(f"a reply has one of {', '.join(REPLY_KEYS)}")
        return answer_well(route).response, "state"

    def _read_answer(self, node: Node, route: Route) -> Response:
        name = node.text()
        case = self._catalogue.get(name)
        well = answer_well(route).response
        if case is None:
            if name:
                node.unknown("case", name, (one.id for one in self._catalogue))
            return well
        wanted = {Route.CREATE: "POST", Route.POLL: "GET"}.get(route)
        method = case.steps[-1].ask.method
        if wanted != method:
            to = f"{wanted} requests" if wanted else "requests to the storage host; say status, text and headers"
            node.wrong(f"{name} is an answer to {method}; under {route} stand answers to {to}")
            return well
        response = answer_as_documented(case)
        if response is None:
            node.wrong(f"{name} has no one error or failure to answer with; take another case, or say status and text")
        return response or well


_FAULTS: Final = ("headers", "set", "delay", "spread")
"""What makes an answer worth a scenario even where it says that all is well."""


def _read_task(node: Node) -> Task:
    return Task(node.one_of("task", Task) or Task.CREATE)


def _change_body(changes: Node, response: Response) -> Response:
    try:
        body: object = json.loads(response.body)
    except ValueError:
        changes.wrong("set changes JSON, which this answer is not")
        return response
    for path, node in changes.members():
        try:
            body = put(body, path, node.value)
        except PathError as error:
            node.wrong(str(error))
    return replace(response, body=write_json(body))


def _read_header(node: Node) -> str | None:
    return None if node.value is None else node.string()


def _say(response: Response, *, delay: float, spread: float, end: End, expired: bool) -> str:
    """Return a reply in words: `429 Rate limit exceeded, Retry-After: 2`."""
    if end is End.DROPPED:
        return "a connection closed without an answer"
    parts = [" ".join([str(response.status), *_tell_body(response)])]
    if (wait := header(response.headers, "Retry-After")) is not None:
        parts.append(f"Retry-After: {_DATE.sub(_say_date, wait)}")
    if expired:
        parts.append("with an expired URL")
    if delay:
        parts.append(f"after {delay:g} s")
    if spread:
        parts.append(f"over {spread:g} s")
    if end is End.CUT:
        parts.append("cut off in the middle")
    return ", ".join(parts)


def _say_date(found: re.Match[str]) -> str:
    seconds = int(found[1])
    return f"a date {abs(seconds)} s {'ahead' if seconds >= 0 else 'ago'}"


def _tell_body(response: Response) -> Iterator[str]:
    try:
        data = json.loads(response.body)
    except ValueError:
        kind = (header(response.headers, "Content-Type") or "").partition("/")[2]
        yield f"in {kind.upper()}" if response.body and kind else "without a body"
        return
    for name in ("detail", "state", "failure_code"):
        if isinstance(data, dict) and isinstance(data.get(name), str):
            yield data[name]


def _read_expectations(node: Node, heading: str) -> tuple[Expectation, ...]:
    entries = node.elements("an expectation") if not node.is_absent else []
    return tuple(_read_expectation(entry.mapping(EXPECTATION_KEYS), heading) for entry in entries)


def _read_expectation(given: Node, heading: str) -> Expectation:
    kinds = [name for name in ("must", "should") if name in given]
    if len(kinds) != 1:
        given.wrong("an expectation has either must or should")
    severity = Severity(kinds[0]) if kinds else Severity.MUST
    check, arguments = _read_check(given[severity])
    return Expectation(
        severity=severity,
        check=check,
        arguments=arguments,
        because=given["because"].text(),
        section=given["section"].text() if "section" in given else heading,
        place=given.place,
    )


def _read_check(given: Node) -> tuple[str, Mapping[str, object]]:
    """Return the name of a check and its arguments, that under its own name among them."""
    name = next((name for name in CHECKS if name in given.mapping()), None)
    if name is None:
        stray = next(iter(given.value), None) if isinstance(given.value, dict) else None
        if stray is None:
            given.wrong(f"{given.name} needs a check: one of {', '.join(CHECKS)}")
        else:
            given[stray].unknown("check", stray, CHECKS)
        return "requests", {"requests": Route.CREATE}
    check = CHECKS[name]
    given.mapping((name, *check.further))
    if check.one_of and sum(map(given.__contains__, check.one_of)) != 1:
        given.wrong(f"{name} takes {' or '.join(check.one_of)}{', one of the two' if len(check.one_of) > 1 else ''}")
    arguments = {name: _read_argument(given[name], check.takes)}
    arguments |= {other: _read_argument(given[other], kind) for other, kind in check.further.items() if other in given}
    return name, arguments


def _read_argument(node: Node, kind: Kind) -> object:
    if kind.choices:
        return node.one_of(node.name.rpartition(".")[2], kind.choices)
    return node.whole(0) if kind.is_whole else node.number(0)


def _reckon(task: Task, scripts: Mapping[Route, Script]) -> float:
    """Return about how many seconds a conforming client waits in all."""
    seconds = 0.0
    for route, script in scripts.items():
        waits = [_reckon_wait(route, reply) for reply in script.first]
        if script.then.is_fault:
            waits += [_reckon_wait(route, script.then)] * (LAST_ATTEMPT if _is_retryable(script.then) else 1)
        if route is Route.POLL and task is Task.GENERATE:
            waits.append(POLL_PAUSE)
        seconds += sum(waits)
    return seconds


def _reckon_wait(route: Route, reply: Reply) -> float:
    own = reply.delay + reply.spread
    if _is_retryable(reply) and not reply.is_expired:
        return own + (whole_number(header(reply.response.headers, "Retry-After")) or BACKOFF)
    return own + (POLL_PAUSE if route is Route.POLL else 0.0)


def _is_retryable(reply: Reply) -> bool:
    status = reply.response.status
    return reply.end is not End.WHOLE or reply.is_expired or status in RETRYABLE or status >= 500

"""The reader of case files: plain data becomes cases, and all problems are reported at once, with places and advice.

This module knows the grammar (specs/README.md) and nothing of YAML or files.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from luma_conformance.catalogue.expectations import (
    EXPECTATION_KEYS,
    find_recalled,
    read_absent_headers,
    read_expectation,
    read_headers,
    read_matcher,
    read_repeat,
    read_statuses,
)
from luma_conformance.catalogue.roles import KEYS, MAIN_KEY, OFFERS, OWN_ROLE, ROLES, SUPPLIES, is_supplied
from luma_conformance.errors import CatalogueError, Problem
from luma_conformance.matching import show
from luma_conformance.model import ABSENT, GENERATIONS_PATH, Ask, Auth, Case, Expectation, Holding, Step
from luma_conformance.paths import PathError, parse, put, unset
from luma_conformance.reading.document import Node, Problems, Source

FILE_KEYS: Final = ("section", "operation", "needs", "accepted", "status", "cases", "holds")
ASK_KEYS: Final = ("set", "unset", "request")
STEP_KEYS: Final = (*ASK_KEYS, "save", "repeat", "wait", *EXPECTATION_KEYS)
CASE_KEYS: Final = ("id", "title", "needs", "erratum", *ASK_KEYS, "steps", *EXPECTATION_KEYS)
REQUEST_KEYS: Final = ("method", "path", "url", "auth", "headers", "body")
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
AUTH_KEYS: Final = ("key", "scheme", "token")
HOLDING_KEYS: Final = ("id", "title", "section", "on", "headers", "absent_headers", "body")

MAX_PROBLEMS: Final = 100
"""Problems shown at once; a file with more of them is not read any further."""

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_OPERATION = re.compile(r"(GET|POST|PUT|PATCH|DELETE) (/\S*)")
_WHOLE = re.compile(r"\{([a-z][a-z0-9_-]*)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section file: the page's heading, its cases in order (control first), and what holds on every response."""

    heading: str
    cases: tuple[Case, ...] = ()
    holdings: tuple[Holding, ...] = ()


def match_placeholder(value: object) -> str | None:
    """Return the name inside a `"{name}"` value, or None for anything else."""
    found = _WHOLE.fullmatch(value) if isinstance(value, str) and value[:1] == "{" else None
    return found[1] if found else None


def find_placeholders(value: object) -> Iterator[str]:
    """Yield the name of every placeholder in JSON data."""
    waiting = [value]
    for item in waiting:  # grows while it is read
        if isinstance(item, dict):
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
        elif (name := match_placeholder(item)) is not None:
            yield name


def read_section(source: Source, name: str, own_roles: Collection[str] | None = ()) -> Section:
    """Return the cases of one file, `name` being the part of their ids before the slug; raise CatalogueError.

    A file that goes by its own path has ids like `my-cases.yaml#slug`. `own_roles` are those a profile declares beside
    the kit's; None stands for any: a run reads its files before it knows a profile, and does not judge what that lacks.
    """
    problems = Problems(source.file, source.locate, error=CatalogueError, limit=MAX_PROBLEMS, shows_values=True)
    file = Node(source.data, problems, title="a section file").mapping(FILE_KEYS)
    if not file.value:
        problems.check()
    heading = file["section"].text()
    if "holds" in file:
        for other, node in file.members():
            if other not in ("section", "holds"):
                node.wrong(f"a file that says what holds on every response has no {other}")
        section = Section(heading=heading, holdings=_read_holdings(file["holds"], heading))
    else:
        section = Section(
            heading=heading,
            cases=_SectionReader(file, name, heading, own_roles, by_path=name == source.file).read_cases(),
        )
    problems.check()
    return section


def read_all(sections: Mapping[str, Source], own_roles: Collection[str] | None = ()) -> Mapping[str, Section]:
    """Return every file's section by name; raise one CatalogueError with the problems of all files."""
    read: dict[str, Section] = {}
    found: list[Problem] = []
    for name, source in sections.items():
        try:
            read[name] = read_section(source, name, own_roles)
        except CatalogueError as error:
            found.extend(error.problems)
    if found:
        raise CatalogueError(tuple(found))
    return read


class _SectionReader:
    """A reader of the cases of one section file."""

    def __init__(
        self, file: Node, name: str, heading: str, own_roles: Collection[str] | None, *, by_path: bool
    ) -> None:
        self._file, self._heading, self._own_roles = file, heading, own_roles
        self._prefix = f"{name}{'#' if by_path else '/'}"
        self._needs = self._read_needs(file)
        operation = _read_operation(file["operation"])
        self._method, _, self._path = operation.partition(" ")
        self._status = read_statuses(file["status"]) if "status" in file else None
        self._control: object = ABSENT
        if "accepted" in file:
            control = file["accepted"].mapping().value
            self._control = control if isinstance(control, dict) else {}

    def read_cases(self) -> tuple[Case, ...]:
        found = [(self._make_control(), self._file)] if self._control is not ABSENT else []
        entries = self._file["cases"].elements("a case") if "cases" in self._file else []
        found += [(self._read_case(entry), entry["id"]) for entry in entries]
        if not found:
            self._file.wrong("a section file has cases, an accepted control, or both; this one has neither")
        _check_unique((case.slug, node) for case, node in found)
        return tuple(case for case, _ in found)

    def _make_control(self) -> Case:
        accepted = self._file["accepted"]
        step = Step(ask=Ask(method="POST", url=GENERATIONS_PATH, body=self._control), expect=Expectation(status=(201,)))
        self._check_placeholders(step.ask, self._needs, (), accepted)
        title = "the request this section starts from is accepted"
        return self._make_case("control", title, accepted, (step,), self._needs, None)

    def _make_case(
        self, slug: str, title: str, node: Node, steps: tuple[Step, ...], needs: tuple[str, ...], erratum: str | None
    ) -> Case:
        return Case(
            id=f"{self._prefix}{slug}",
            title=title,
            section=self._heading,
            operation=str(self._file.get("operation")),
            place=node.place,
            steps=steps,
            needs=needs,
            erratum=erratum,
        )

    def _read_case(self, case: Node) -> Case:
        case.mapping(CASE_KEYS)
        slug = _read_slug(case["id"])
        title = case["title"].text()
        needs = tuple(dict.fromkeys((*self._needs, *self._read_needs(case))))
        erratum = case["erratum"].text() if "erratum" in case else None
        steps = self._read_steps(case, needs) if "steps" in case else (self._read_step(case, needs, self._status, ()),)
        return self._make_case(slug, title, case, steps, needs, erratum)

    def _read_steps(self, case: Node, needs: tuple[str, ...]) -> tuple[Step, ...]:
        for name in (*ASK_KEYS, *EXPECTATION_KEYS):
            if name in case:
                case[name].wrong(f"a case with steps says {name} in its steps")
        steps: list[Step] = []
        saved: tuple[str, ...] = ()
        for entry in case["steps"].elements("a step"):
            step = self._read_step(entry.mapping(STEP_KEYS), needs, None, saved)
            steps.append(step)
            saved += tuple(step.save)
        if not steps:
            case["steps"].wrong("steps needs at least one step")
            steps.append(Step(ask=self._read_ask(case), expect=Expectation(status=(0,))))
        return tuple(steps)

    def _read_step(
        self, given: Node, needs: tuple[str, ...], status: tuple[int, ...] | None, saved: tuple[str, ...]
    ) -> Step:
        ask = self._read_ask(given)
        self._check_placeholders(ask, needs, saved, given)
        expect = read_expectation(given, status)
        for node in (*find_recalled(given["headers"]), *find_recalled(given["body"])):
            if node.value not in saved:
                node.unknown("saved name", str(node.value), saved)
        repeat = read_repeat(given["repeat"], expect.status) if "repeat" in given else None
        wait = given["wait"].number(0) if "wait" in given else 0
        return Step(ask=ask, expect=expect, save=_read_save(given["save"], needs), repeat=repeat, wait=wait)

    def _read_ask(self, given: Node) -> Ask:
        if "request" in given:
            for name in ("set", "unset"):
                if name in given:
                    given[name].wrong(f"{name} changes the control, request replaces it; keep one")
            return self._read_request(given["request"].mapping(REQUEST_KEYS))
        body = self._control
        if body is ABSENT:
            given.wrong("set and unset change the control, but the file has no accepted; use request")
            body = {}
        for at in given["unset"].texts() if "unset" in given else ():
            try:
                body = unset(body, at)
            except PathError as error:
                given["unset"].wrong(str(error))
        for at, node in given["set"].members() if "set" in given else ():
            try:
                body = put(body, at, node.value)
            except PathError as error:
                node.wrong(str(error))
        return Ask(method="POST", url=GENERATIONS_PATH, body=body)

    def _read_request(self, request: Node) -> Ask:
        if not str(request.get("path") or "/").startswith("/"):
            path = request["path"]
            path.wrong(f"path {show(path.value)} does not begin with /; a whole URL goes under url")
        if "path" in request and "url" in request:
            request["url"].wrong("path and url exclude each other; path is on the target, url is a file")
        moved = "path" in request or "url" in request
        creates = not moved and self._control is not ABSENT
        method = "GET" if moved else "POST" if creates else self._method
        url = GENERATIONS_PATH if creates else self._path
        headers = {name: _read_request_header(node) for name, node in _list_members(request, "headers")}
        key = None if "url" in request else MAIN_KEY
        return Ask(
            method=_read_method(request["method"]) if "method" in request else method,
            url=request["path" if "path" in request else "url"].text() if moved else url,
            auth=self._read_auth(request["auth"]) if "auth" in request else Auth(role=key),
            headers=headers,
            body=request.get("body") if "body" in request else self._control if creates else ABSENT,
        )

    def _read_auth(self, node: Node) -> Auth:
        if node.value == "none":
            return Auth()
        if isinstance(node.value, str):
            return Auth(role=self._read_key(node))
        auth = node.mapping(AUTH_KEYS)
        scheme = auth.string("scheme") if "scheme" in auth else "Bearer"
        if ("key" in auth) == ("token" in auth):
            auth.wrong("auth is none, a key role, or an object with either key or token")
            return Auth()
        if "key" in auth:
            return Auth(role=self._read_key(auth["key"]), scheme=scheme)
        return Auth(token=auth["token"].text(), scheme=scheme)

    def _read_key(self, node: Node) -> str:
        role = node.text()
        if role and role not in KEYS and not self._may_be_own(role):
            node.unknown("key role", role, (*KEYS, "none"))
        return role

    def _read_needs(self, given: Node) -> tuple[str, ...]:
        found = given["needs"].elements() if "needs" in given else []
        needs = tuple(node.text() for node in found)
        for node, need in zip(found, needs, strict=True):
            if need and need not in ROLES and not self._may_be_own(need):
                near = get_close_matches(need, ROLES, n=1, cutoff=0.5)
                advice = f"did you mean {near[0]}? A" if near else "a"
                node.wrong(
                    f"unknown role {show(need)}; {advice} role of your own is declared in the profile, "
                    f'[roles] {need} = "what it is", which `luma-conformance check --profile FILE` reads'
                )
        return needs

    def _may_be_own(self, role: str) -> bool:
        """Return whether a name that the kit does not define may be a role declared in a profile."""
        if self._own_roles is not None:
            return role in self._own_roles
        return role not in ROLES and not is_supplied(role) and OWN_ROLE.fullmatch(role) is not None

    def _check_placeholders(self, ask: Ask, needs: tuple[str, ...], saved: tuple[str, ...], node: Node) -> None:
        for name in dict.fromkeys((*find_placeholders(ask.body), *find_placeholders(ask.url.split("/")))):
            if name in KEYS:
                node.wrong(f"{show(name)} is a key, which belongs under auth, not in a request")
            elif name in OFFERS:
                node.wrong(f"{show(name)} cannot be sent; list it under needs only")
            elif name not in saved and not is_supplied(name):
                self._check_needed(name, "placeholder", (*needs, *saved, *SUPPLIES), needs, node)
        if ask.auth.role is not None and ask.auth.role != MAIN_KEY:
            self._check_needed(ask.auth.role, "key role", (*KEYS, "none"), needs, node)

    def _check_needed(self, role: str, kind: str, known: Iterable[str], needs: tuple[str, ...], node: Node) -> None:
        """Note a role that is used but not in `needs`, whether it is known or not."""
        if role in needs:
            return
        if role in ROLES or role in (self._own_roles or ()):
            node.wrong(f"{show(role)} is used but not needed; add it to needs")
        elif role and (kind == "placeholder" or self._may_be_own(role)):  # _read_key reports all other key roles
            node.unknown(kind, role, known)


def _list_members(node: Node, name: str) -> Iterable[tuple[str, Node]]:
    return node[name].members() if name in node else ()


def _read_method(node: Node) -> str:
    return node.one_of("method", METHODS) if isinstance(node.value, str) and node.value else node.text()


def _read_request_header(node: Node) -> str | None:
    return None if node.value is None else node.text()


def _read_save(node: Node, needs: tuple[str, ...]) -> Mapping[str, str]:
    saved: dict[str, str] = {}
    for name, path in node.members() if not node.is_absent else ():
        if not _NAME.fullmatch(name) or name in ROLES or is_supplied(name) or name in needs:
            path.wrong(f"{show(name)} cannot be saved under; it is not a free name")
        saved[name] = path.text()
        try:
            if saved[name]:
                parse(saved[name])
        except PathError as error:
            path.wrong(str(error))
    return saved


def _read_operation(node: Node) -> str:
    operation = node.text()
    if operation and not _OPERATION.fullmatch(operation):
        node.wrong(f"operation {show(operation)} is not a method and a path")
    return operation


def _read_slug(node: Node) -> str:
    slug = node.text()
    if slug and not _SLUG.fullmatch(slug):
        node.wrong(f"id {show(slug)} is not a slug; use lower-case words joined by hyphens")
    return slug


def _check_unique(slugs: Iterable[tuple[str, Node]]) -> None:
    seen: set[str] = set()
    for slug, node in slugs:
        if slug in seen:
            node.wrong(f"the id {show(slug)} is taken in this file; ids are unique")
        seen.add(slug)


def _read_holdings(node: Node, heading: str) -> tuple[Holding, ...]:
    entries = node.elements("an entry of holds")
    found = tuple(_read_holding(entry.mapping(HOLDING_KEYS), heading) for entry in entries)
    _check_unique((holding.id, entry["id"]) for holding, entry in zip(found, entries, strict=True))
    return found


def _read_holding(given: Node, heading: str) -> Holding:
    on = given["on"]
    if "on" in given:
        on.mapping(("operation", "status", "detail"))
    return Holding(
        id=_read_slug(given["id"]),
        title=given["title"].text(),
        section=given["section"].text() if "section" in given else heading,
        place=given.place,
        operation=_read_operation(on["operation"]) if "operation" in on else None,
        status=read_statuses(on["status"]) if "status" in on else None,
        detail=on["detail"].text() if "detail" in on else None,
        headers=read_headers(given),
        absent_headers=read_absent_headers(given),
        body=read_matcher(given["body"]) if "body" in given else None,
    )

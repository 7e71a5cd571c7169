"""Turns plain data into cases; every problem is told with its place and the nearest valid spelling, all at once.

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
    read_absent_headers,
    read_expectation,
    read_headers,
    read_matcher,
    read_repeat,
    read_statuses,
    recalled,
)
from luma_conformance.catalogue.problems import Problems, Source
from luma_conformance.catalogue.roles import KEYS, MAIN_KEY, OFFERS, OWN_ROLE, ROLES, SUPPLIES
from luma_conformance.errors import CatalogueError, Problem
from luma_conformance.matching import show
from luma_conformance.model import ABSENT, GENERATIONS_PATH, Ask, Auth, Case, Expectation, Holding, Repeat, Step
from luma_conformance.paths import Path, PathError, parse, put, unset

FILE_KEYS: Final = ("section", "operation", "needs", "accepted", "status", "cases", "holds")
ASK_KEYS: Final = ("set", "unset", "request")
STEP_KEYS: Final = (*ASK_KEYS, "save", "repeat", "wait", *EXPECTATION_KEYS)
CASE_KEYS: Final = ("id", "title", "needs", "erratum", *ASK_KEYS, "steps", *EXPECTATION_KEYS)
REQUEST_KEYS: Final = ("method", "path", "url", "auth", "headers", "body")
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
AUTH_KEYS: Final = ("key", "scheme", "token")
HOLDING_KEYS: Final = ("id", "title", "section", "on", "headers", "absent_headers", "body")


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


def placeholder(value: object) -> str | None:
    """Returns the name inside a `"{name}"` value, or None for anything else."""
    found = _WHOLE.fullmatch(value) if isinstance(value, str) and value[:1] == "{" else None
    return found[1] if found else None


def placeholders(value: object) -> Iterator[str]:
    """Yields the name of every placeholder in JSON data."""
    if isinstance(value, dict):
        for member in value.values():
            yield from placeholders(member)
    elif isinstance(value, list):
        for element in value:
            yield from placeholders(element)
    elif (name := placeholder(value)) is not None:
        yield name


def read_section(source: Source, name: str, own_roles: Collection[str] | None = ()) -> Section:
    """Returns the cases of one file, `name` being the part of their ids before the slug; raises CatalogueError.

    A file that goes by its own path has ids like `my-cases.yaml#slug`. `own_roles` are those a profile declares beside
    the kit's; None stands for any: a run reads its files before it knows a profile, and does not judge what that lacks.
    """
    problems = Problems(source)
    data = problems.mapping(source.data, (), "a section file", FILE_KEYS)
    if not data:
        problems.check()
    heading = problems.text(data.get("section"), ("section",), "section")
    if "holds" in data:
        for other in data.keys() - {"section", "holds"}:
            problems.add((other,), f"a file that says what holds on every response has no {other}")
        section = Section(heading=heading, holdings=_read_holdings(source, data["holds"], heading, problems))
    else:
        section = Section(heading=heading, cases=_Reader(source, data, name, heading, problems, own_roles).cases())
    problems.check()
    return section


def read_all(sections: Mapping[str, Source], own_roles: Collection[str] | None = ()) -> Mapping[str, Section]:
    """Returns every file's section by name; raises one CatalogueError with the problems of all of them."""
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


class _Reader:
    """Reads the cases of one section file."""

    def __init__(
        self,
        source: Source,
        data: Mapping[str, object],
        name: str,
        heading: str,
        problems: Problems,
        own_roles: Collection[str] | None,
    ) -> None:
        self._own_roles = own_roles
        self._source, self._data, self._name, self._heading, self._problems = source, data, name, heading, problems
        self._needs = self._read_needs(data, ())
        operation = _read_operation(data.get("operation"), ("operation",), problems)
        self._method, _, self._path = operation.partition(" ")
        self._status = read_statuses(data["status"], ("status",), problems) if "status" in data else None
        self._control: object = ABSENT
        if "accepted" in data:
            self._control = problems.mapping(data["accepted"], ("accepted",), "accepted")

    def cases(self) -> tuple[Case, ...]:
        found = [self._control_case()] if self._control is not ABSENT else []
        entries = self._problems.sequence(self._data.get("cases", []), ("cases",), "cases")
        found += [self._case(entry, ("cases", index)) for index, entry in enumerate(entries)]
        if not found:
            self._problems.add((), "a section file has cases, an accepted control, or both; this one has neither")
        shift = self._control is not ABSENT
        _check_unique([(case.slug, ("cases", i - shift, "id")) for i, case in enumerate(found)], self._problems)
        return tuple(found)

    def _control_case(self) -> Case:
        step = Step(ask=self._ask({}, ("accepted",)), expect=Expectation(status=(201,)))
        self._check_placeholders(step.ask, self._needs, (), ("accepted",))
        title = "the request this section starts from is accepted"
        return self._make("control", title, ("accepted",), (step,), self._needs, None)

    def _make(
        self, slug: str, title: str, path: Path, steps: tuple[Step, ...], needs: tuple[str, ...], erratum: str | None
    ) -> Case:
        return Case(
            id=f"{self._name}{'#' if self._name == self._source.file else '/'}{slug}",
            title=title,
            section=self._heading,
            operation=str(self._data.get("operation")),
            place=self._source.place(path),
            steps=steps,
            needs=needs,
            erratum=erratum,
        )

    def _case(self, entry: object, path: Path) -> Case:
        given = self._problems.mapping(entry, path, "a case", CASE_KEYS)
        slug = _read_slug(given, path, self._problems)
        title = self._problems.text(given.get("title"), (*path, "title"), "title")
        needs = tuple(dict.fromkeys((*self._needs, *self._read_needs(given, path))))
        erratum = self._problems.text(given["erratum"], (*path, "erratum"), "erratum") if "erratum" in given else None
        if "steps" in given:
            steps = self._steps(given, path, needs)
        else:
            steps = (self._step(given, path, needs, self._status, ()),)
        return self._make(slug, title, path, steps, needs, erratum)

    def _steps(self, given: Mapping[str, object], path: Path, needs: tuple[str, ...]) -> tuple[Step, ...]:
        for name in given.keys() & {*ASK_KEYS, *EXPECTATION_KEYS}:
            self._problems.add((*path, name), f"a case with steps says {name} in its steps")
        steps: list[Step] = []
        saved: tuple[str, ...] = ()
        for index, entry in enumerate(self._problems.sequence(given["steps"], (*path, "steps"), "steps")):
            within = (*path, "steps", index)
            step = self._step(self._problems.mapping(entry, within, "a step", STEP_KEYS), within, needs, None, saved)
            steps.append(step)
            saved += tuple(step.save)
        if not steps:
            self._problems.add((*path, "steps"), "steps needs at least one step")
            steps.append(Step(ask=self._ask({}, path), expect=Expectation(status=(0,))))
        return tuple(steps)

    def _step(
        self,
        given: Mapping[str, object],
        path: Path,
        needs: tuple[str, ...],
        status: tuple[int, ...] | None,
        saved: tuple[str, ...],
    ) -> Step:
        ask = self._ask(given, path)
        self._check_placeholders(ask, needs, saved, path)
        expect = read_expectation(given, path, status, self._problems)
        for at, name in (
            *recalled(given.get("headers"), (*path, "headers")),
            *recalled(given.get("body"), (*path, "body")),
        ):
            if name not in saved:
                self._problems.unknown(at, "saved name", name, saved)
        repeat: Repeat | None = None
        if "repeat" in given:
            repeat = read_repeat(given["repeat"], (*path, "repeat"), expect.status, self._problems)
        wait = self._problems.number(given.get("wait", 0), (*path, "wait"), "wait", 0)
        return Step(ask=ask, expect=expect, save=self._save(given, path, needs), repeat=repeat, wait=wait)

    def _save(self, given: Mapping[str, object], path: Path, needs: tuple[str, ...]) -> Mapping[str, str]:
        if "save" not in given:
            return {}
        save = self._problems.mapping(given["save"], (*path, "save"), "save")
        for name in save:
            if not _NAME.fullmatch(name) or name in ROLES or name in SUPPLIES or name in needs:
                self._problems.add((*path, "save", name), f"{show(name)} cannot be saved under; it is not a free name")
        return {name: self._saved_path(value, (*path, "save", name)) for name, value in save.items()}

    def _saved_path(self, given: object, path: Path) -> str:
        text = self._problems.text(given, path, "save")
        if text:
            try:
                parse(text)
            except PathError as error:
                self._problems.add(path, str(error))
        return text

    def _ask(self, given: Mapping[str, object], path: Path) -> Ask:
        if "request" in given:
            for name in given.keys() & {"set", "unset"}:
                self._problems.add((*path, name), f"{name} changes the control, request replaces it; keep one")
            return self._request(given["request"], (*path, "request"))
        body = self._control
        if body is ABSENT:
            self._problems.add(path, "set and unset change the control, but the file has no accepted; use request")
            body = {}
        changes = self._problems.mapping(given.get("set", {}), (*path, "set"), "set")
        for at in self._problems.texts(given.get("unset", []), (*path, "unset"), "unset"):
            try:
                body = unset(body, at)
            except PathError as error:
                self._problems.add((*path, "unset"), str(error))
        for at, value in changes.items():
            try:
                body = put(body, at, value)
            except PathError as error:
                self._problems.add((*path, "set", at), str(error))
        return Ask(method="POST", url=GENERATIONS_PATH, body=body)

    def _request(self, given: object, path: Path) -> Ask:
        request = self._problems.mapping(given, path, "request", REQUEST_KEYS)
        if not str(request.get("path", "/")).startswith("/"):
            self._problems.add(
                (*path, "path"), f"path {show(request['path'])} does not begin with /; a whole URL goes under url"
            )
        if "path" in request and "url" in request:
            self._problems.add((*path, "url"), "path and url exclude each other; path is on the target, url is a file")
        moved = "path" in request or "url" in request
        creates = not moved and self._control is not ABSENT
        method = request.get("method", "GET" if moved else "POST" if creates else self._method)
        if isinstance(method, str) and "method" in request and method not in METHODS:
            self._problems.unknown((*path, "method"), "method", method, METHODS)
        url = request.get("path", request.get("url", GENERATIONS_PATH if creates else self._path))
        body = request.get("body", self._control if creates else ABSENT)
        headers = self._problems.mapping(request.get("headers", {}), (*path, "headers"), "headers")
        for name, value in headers.items():
            if value is not None:
                self._problems.text(value, (*path, "headers", name), "a request header")
        auth = self._auth(request.get("auth", "none" if "url" in request else MAIN_KEY), (*path, "auth"))
        return Ask(
            method=self._problems.text(method, (*path, "method"), "method"),
            url=self._problems.text(url, (*path, "path"), "path"),
            auth=auth,
            headers={name: None if value is None else str(value) for name, value in headers.items()},
            body=body,
        )

    def _auth(self, given: object, path: Path) -> Auth:
        if given == "none":
            return Auth()
        if isinstance(given, str):
            return Auth(role=self._key(given, path))
        auth = self._problems.mapping(given, path, "auth", AUTH_KEYS)
        scheme = auth.get("scheme", "Bearer")
        if not isinstance(scheme, str):
            self._problems.add((*path, "scheme"), f"scheme is a text, not {show(scheme)}")
        if ("key" in auth) == ("token" in auth):
            self._problems.add(path, "auth is none, a key role, or an object with either key or token")
            return Auth()
        if "key" in auth:
            return Auth(role=self._key(auth["key"], (*path, "key")), scheme=str(scheme))
        return Auth(token=self._problems.text(auth["token"], (*path, "token"), "token"), scheme=str(scheme))

    def _key(self, given: object, path: Path) -> str:
        role = self._problems.text(given, path, "a key role")
        if role and role not in KEYS and not self._may_be_own(role):
            self._problems.unknown(path, "key role", role, (*KEYS, "none"))
        return role

    def _read_needs(self, given: Mapping[str, object], path: Path) -> tuple[str, ...]:
        if "needs" not in given:
            return ()
        needs = self._problems.texts(given["needs"], (*path, "needs"), "needs")
        for index, need in enumerate(needs):
            if need and need not in ROLES and not self._may_be_own(need):
                near = get_close_matches(need, ROLES, n=1, cutoff=0.5)
                advice = f"did you mean {near[0]}? A" if near else "a"
                self._problems.add(
                    (*path, "needs", index),
                    f"unknown role {show(need)}; {advice} role of your own is declared in the profile, "
                    f'[roles] {need} = "what it is", which `luma-conformance check --profile FILE` reads',
                )
        return needs

    def _may_be_own(self, role: str) -> bool:
        """Return whether a name the kit does not know can be a role of somebody's own."""
        if self._own_roles is not None:
            return role in self._own_roles
        return role not in ROLES and role not in SUPPLIES and OWN_ROLE.fullmatch(role) is not None

    def _check_placeholders(self, ask: Ask, needs: tuple[str, ...], saved: tuple[str, ...], path: Path) -> None:
        for name in dict.fromkeys((*placeholders(ask.body), *placeholders(ask.url.split("/")))):
            if name in KEYS:
                self._problems.add(path, f"{show(name)} is a key, and no request has one in it; it goes under auth")
            elif name in OFFERS:
                self._problems.add(path, f"{show(name)} is nothing that can be sent; needs alone asks for it")
            elif name not in saved and name not in SUPPLIES:
                self._check_needed(name, "placeholder", (*needs, *saved, *SUPPLIES), needs, path)
        if ask.auth.role is not None and ask.auth.role != MAIN_KEY:
            self._check_needed(ask.auth.role, "key role", (*KEYS, "none"), needs, path)

    def _check_needed(self, role: str, kind: str, known: Iterable[str], needs: tuple[str, ...], path: Path) -> None:
        """Note a role that is used and not in `needs`: one there is, or a name nobody knows."""
        if role in needs:
            return
        if role in ROLES or role in (self._own_roles or ()):
            self._problems.add(path, f"{show(role)} is used but not needed; add it to needs")
        elif role and (kind == "placeholder" or self._may_be_own(role)):  # of any other key role _key has spoken
            self._problems.unknown(path, kind, role, known)


def _read_operation(given: object, path: Path, problems: Problems) -> str:
    operation = problems.text(given, path, "operation")
    if operation and not _OPERATION.fullmatch(operation):
        problems.add(path, f"operation {show(operation)} is not a method and a path")
    return operation


def _read_slug(given: Mapping[str, object], path: Path, problems: Problems) -> str:
    slug = problems.text(given.get("id"), (*path, "id"), "id")
    if slug and not _SLUG.fullmatch(slug):
        problems.add((*path, "id"), f"id {show(slug)} is not a slug; use lower-case words joined by hyphens")
    return slug


def _check_unique(slugs: Iterable[tuple[str, Path]], problems: Problems) -> None:
    seen: set[str] = set()
    for slug, path in slugs:
        if slug in seen:
            problems.add(path, f"the id {show(slug)} is taken in this file; ids are unique")
        seen.add(slug)


def _read_holdings(source: Source, given: object, heading: str, problems: Problems) -> tuple[Holding, ...]:
    entries = enumerate(problems.sequence(given, ("holds",), "holds"))
    found = tuple(_read_holding(source, entry, ("holds", index), heading, problems) for index, entry in entries)
    _check_unique([(holding.id, ("holds", index, "id")) for index, holding in enumerate(found)], problems)
    return found


def _read_holding(source: Source, entry: object, path: Path, heading: str, problems: Problems) -> Holding:
    given = problems.mapping(entry, path, "an entry of holds", HOLDING_KEYS)
    on = problems.mapping(given.get("on", {}), (*path, "on"), "on", ("operation", "status", "detail"))
    return Holding(
        id=_read_slug(given, path, problems),
        title=problems.text(given.get("title"), (*path, "title"), "title"),
        section=problems.text(given.get("section", heading), (*path, "section"), "section"),
        place=source.place(path),
        operation=_read_operation(on["operation"], (*path, "on", "operation"), problems) if "operation" in on else None,
        status=read_statuses(on["status"], (*path, "on", "status"), problems) if "status" in on else None,
        detail=problems.text(on["detail"], (*path, "on", "detail"), "detail") if "detail" in on else None,
        headers=read_headers(given, path, problems),
        absent_headers=read_absent_headers(given, path, problems),
        body=read_matcher(given["body"], (*path, "body"), problems) if "body" in given else None,
    )

"""A case as text: its requests, expanded and shortened, and the expected answers; or the curl commands."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from luma_conformance import matching
from luma_conformance.catalogue import files as casefiles
from luma_conformance.catalogue.media import supply
from luma_conformance.catalogue.roles import is_supplied
from luma_conformance.judge.explain import curl, describe_expected, show_command
from luma_conformance.judge.play import bind, make_lookup
from luma_conformance.matching import Matcher
from luma_conformance.model import Case, Headers, Request, Step
from luma_conformance.reference import profile_path
from luma_conformance.reference.settings import SERVED
from luma_conformance.shown import clip
from luma_conformance.target.profile import Profile, load_profile

MAX_TEXT = 120
"""The longest text of a body that is shown whole, in characters; longer ones, mostly base64, are shortened."""

_NOTATIONS: Mapping[type, tuple[str, str]] = {
    matching.Like: ("$like", "template"),
    matching.Is: ("$is", "kind"),
    matching.Each: ("$each", "expected"),
    matching.AtLeast: ("$at_least", "minimum"),
    matching.Same: ("$same", "name"),
    matching.Differs: ("$differs", "name"),
    matching.Echo: ("$echo", "name"),
}
"""Matchers with one argument: their names in case files, and the attributes that hold the argument."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """A case with its requests expanded for the target of a profile; a secret key is shown as $NAME."""

    case: Case
    requests: tuple[Request, ...]
    missing: tuple[str, ...]
    base_url: str
    profile_file: Path | None
    added: Headers = ()
    assumed_url: bool = False

    @classmethod
    def of(cls, case: Case, profile_file: Path | None, base_url: str | None) -> Showing:
        """Return a case expanded with a profile, by default the reference's own."""
        profile = load_profile(profile_file or profile_path(), _Names())
        roles = dict.fromkeys([*case.needs, *(role for step in case.steps if (role := step.ask.auth.role))])
        return cls(
            case=case,
            requests=_bind_requests(case, profile),
            missing=tuple(why for role in roles if (why := profile.missing(role))),
            base_url=base_url or profile.base_url or SERVED,
            profile_file=profile_file,
            added=profile.gateway.shown,
            assumed_url=not (base_url or profile.base_url),
        )

    def head(self) -> Iterator[str]:
        """Yield the lines about the whole case: its id, title, place, section and needs."""
        case = self.case
        yield case.id
        yield _format_line("says", case.title)
        yield _format_line("stands in", str(case.place))
        yield _format_line("rests on", case.section)
        if case.needs:
            yield _format_line("needs", ", ".join(case.needs))
        for why in self.missing:
            yield _format_line("lacks", why)
        if case.erratum:
            yield _format_line("erratum", case.erratum)

    def step(self, number: int) -> Iterator[str]:
        """Yield one step, counted from 1: the request and the expected answer."""
        step, request = self.case.steps[number - 1], self.requests[number - 1]
        yield from self._describe_timing(number)
        yield f"{request.method} {request.url}"
        for name, text in request.headers:
            yield f"{name}: {text}"
        if request.body:
            yield ""
            yield json.dumps(_shorten(json.loads(request.body)), indent=2, ensure_ascii=False)
        yield ""
        yield self._describe_expected(step)
        for name, matcher in step.expect.headers.items():
            yield _format_line("header", f"{name}: {_format_matcher(matcher)}")
        for name in step.expect.absent_headers:
            yield _format_line("no header", name)
        if step.expect.body is not None:
            yield _format_line("body", _format_matcher(step.expect.body))
        yield from _describe_aftermath(step)

    def curl(self, number: int) -> Iterator[str]:
        """Yield one step, counted from 1, as a command for bash, everything else as comments."""
        step = self.case.steps[number - 1]
        if self.assumed_url:
            where = f"{SERVED}, where `luma-conformance serve` serves the reference"
            yield f"# {_format_line('sent to', where).strip()}"
        for line in [*self._describe_timing(number), self._describe_expected(step), *_describe_aftermath(step)]:
            yield f"# {line.strip()}"
        profile = str(self.profile_file) if self.profile_file else None
        show_it = show_command(self.case, profile, is_own=casefiles.is_own(self.case))
        yield curl(self.requests[number - 1], self.base_url, f"{show_it} --step {number}", self.added)

    def _describe_expected(self, step: Step) -> str:
        """Return the line with a step's status and detail, without the title, which is shown above already."""
        return _format_line(
            "expected", describe_expected(step.expect, self.case).removesuffix(f"  ({self.case.title})")
        )

    def _describe_timing(self, number: int) -> Iterator[str]:
        if len(self.case.steps) > 1:
            yield f"step {number} of {len(self.case.steps)}"
        if wait := self.case.steps[number - 1].wait:
            yield _format_line("wait", f"{wait:g} s before it is sent")


class _Names(Mapping[str, str]):
    """An environment in which every variable is set, to its own name: no secret is read to show a request."""

    def __getitem__(self, name: str) -> str:
        return f"${name}"

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _bind_requests(case: Case, profile: Profile) -> tuple[Request, ...]:
    lookup = make_lookup(profile.values, supply)

    def value(name: str) -> str:
        return lookup(name) if name in profile.values or is_supplied(name) else f"{{{name}}}"

    def token(role: str) -> str:
        key = profile.keys.get(role)
        return key.source if key else f"{{{role}}}"

    steps = enumerate(case.steps, start=1)
    return tuple(bind(step.ask, value, token, f"{case.slug}-{number}") for number, step in steps)


def _describe_aftermath(step: Step) -> Iterator[str]:
    for name, path in step.save.items():
        yield _format_line("saved", f"{path} of the answer, which later steps send as {{{name}}}")
    if step.repeat is not None:
        awaited = step.repeat.until_state or step.repeat.until_status
        pause = f"every {step.repeat.every:g} s" if step.repeat.every else "at once"
        yield _format_line("repeated", f"{pause} until {awaited}, at most {step.repeat.at_most} times")


def _shorten(document: object) -> object:
    if isinstance(document, dict):
        return {name: _shorten(member) for name, member in document.items()}
    if isinstance(document, list):
        return [_shorten(element) for element in document]
    if isinstance(document, str) and len(document) > MAX_TEXT:
        return clip(document, MAX_TEXT // 2)
    return document


def _format_matcher(matcher: Matcher) -> str:
    return json.dumps(_notate(matcher), ensure_ascii=False)


def _notate(matcher: Matcher) -> object:
    """Return a matcher in the notation of case files, as data."""
    match matcher:
        case matching.Exactly(expected=scalar):
            return scalar
        case matching.Elements(expected=elements):
            return [_notate(element) for element in elements]
        case matching.Members(expected=members):
            return {name: _notate(member) for name, member in members.items()}
        case matching.OneOf(choices=choices):
            return {"$one_of": [_notate(choice) for choice in choices]}
        case matching.Pattern(pattern=pattern):
            return {"$pattern": pattern.pattern}
    name, member = _NOTATIONS[type(matcher)]
    argument = getattr(matcher, member)
    return {name: _notate(argument) if isinstance(matcher, matching.Each) else argument}


def _format_line(label: str, text: str) -> str:
    return f"  {label:<10}  {text}"

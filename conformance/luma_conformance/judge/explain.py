"""Says a verdict in a few lines: what the page says, what the server said, where they differ, and how to ask again."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator

from luma_conformance.catalogue.catalogue import Catalogue
from luma_conformance.judge.answers import detail_of
from luma_conformance.matching import Exactly, Like, Matcher, OneOf, printable, show
from luma_conformance.model import Case, Exchange, Expectation, Facet, Mismatch, Request, Response, Result, header

WIDTH = 96
MAX_SCRUBBED = 20_000
MAX_LINE = 400
"""Characters of a server's text that are shown."""
MAX_CURL_BODY = 600
"""Bytes of a request body that fit on a curl line; a longer one is piped in."""

_QUOTABLE = re.compile(r"[\w :$~+/=.-]+", re.ASCII)
"""An Authorization header a shell may expand: $NAME where the secret was, and nothing that runs."""


def explain(
    result: Result, catalogue: Catalogue, base_url: str, scrub: Callable[[str], str], profile: str | None = None
) -> str:
    """Returns why a case failed, for a person: every text of the server's has passed `scrub`.

    `profile` is the file the run was given, for asking again.
    """
    case, mismatches = result.case, result.verdict.mismatches
    show_it = show_command(case, profile)
    number = mismatches[0].step if mismatches else len(case.steps)
    lines = [f"{case.id.ljust(WIDTH - len(str(case.place)))} {case.place}"]
    if result.verdict.reason:
        lines.append(_line("deviation", result.verdict.reason))
    if len(case.steps) > 1:
        lines.append(_line("in step", f"{number} of {len(case.steps)}"))
    lines.append(_line("the page says", said(case.steps[number - 1].expect, case)))
    exchange = answered_last(result)
    if exchange is not None:
        lines.append(_line("the server said", answered(exchange.response, scrub)))
        lines += [_line("that is", nearest) for nearest in _nearest(result, exchange, catalogue)]
    if mismatches:
        lines += _differences(mismatches, scrub)
    if case.erratum:
        lines.append(_line("erratum", case.erratum))
    lines.append(_line("again", f"{show_it} --curl{_request_id(exchange, scrub)}"))
    if exchange is not None:
        lines.append(_line("", scrub(curl(exchange.request, base_url, f"{show_it} --step {number}"))))
    return "\n".join(lines)


def said(expect: Expectation, case: Case) -> str:
    """Returns what the page says in one line: the status, and the detail or else the case's title."""
    return f"{_statuses(expect.status)}  {_words(expect.detail) or f'({case.title})'}"


def _statuses(statuses: tuple[int, ...]) -> str:
    """Returns statuses in words, those that follow each other as a range: 201 or 400–428."""
    runs: list[list[int]] = []
    for status in statuses:
        if runs and status == runs[-1][-1] + 1:
            runs[-1].append(status)
        else:
            runs.append([status])
    told = (f"{run[0]}–{run[-1]}" if len(run) > 2 else " or ".join(map(str, run)) for run in runs)
    return " or ".join(told)


def answered(response: Response, scrub: Callable[[str], str]) -> str:
    """Returns what a server said in one line: the status, and the detail or else the start of the body."""
    detail = detail_of(response)
    if not isinstance(detail, str) and not response.body.isascii():
        content_type = header(response.headers, "Content-Type") or "no Content-Type"
        return f"{response.status}  {printable(scrub(f'({len(response.body)} bytes, {content_type})'))}"
    if not isinstance(detail, str):
        detail = " ".join(response.body[:MAX_SCRUBBED].decode("utf-8", "replace").split()) or "(no body)"
    text = printable(scrub(detail[:MAX_SCRUBBED]))  # before it is cut: half a secret is not known for one
    return f"{response.status}  {cut(text)}"


def show_command(case: Case, profile: str | None) -> str:
    """Returns the command that shows a case as a run with that profile sends it."""
    return f"luma-conformance show {case.id}" + (f" --luma-profile {shlex.quote(profile)}" if profile else "")


def curl(request: Request, base_url: str, show_step: str) -> str:
    """Returns the curl command of a request; a body too long for a line is piped from the command `show_step`."""
    url = request.url if not request.url.startswith("/") else base_url.rstrip("/") + request.url
    words = ["curl", "-sS", "-i", "-X", request.method, shlex.quote(url)]
    for name, value in request.headers:
        text = f"{name}: {value}"
        words += ["-H", f'"{text}"' if name == "Authorization" and _QUOTABLE.fullmatch(text) else shlex.quote(text)]
    if len(request.body) > MAX_CURL_BODY:
        return " ".join([f"{show_step} --body |", *words, "--data-binary", "@-"])
    if request.body:
        words += ["--data-binary", shlex.quote(request.body.decode("utf-8", "replace"))]
    return " ".join(words)


def _words(matcher: Matcher | None) -> str | None:
    if isinstance(matcher, Exactly):
        return matcher.expected if isinstance(matcher.expected, str) else show(matcher.expected)
    if isinstance(matcher, Like):
        return matcher.template
    if isinstance(matcher, OneOf):
        return " — or — ".join(words for choice in matcher.choices if (words := _words(choice)))
    return None


def _differences(mismatches: tuple[Mismatch, ...], scrub: Callable[[str], str]) -> Iterator[str]:
    facets = dict.fromkeys(mismatch.facet.value for mismatch in mismatches)
    yield _line("differs in", ", ".join(facets))
    for mismatch in mismatches:
        if mismatch.facet not in (Facet.STATUS, Facet.DETAIL):
            where, why = told(mismatch, scrub)
            where = "" if where in ("exchange", "repeat") else f"{where}: "
            yield _line("", f"{where}{why}  [{mismatch.rests_on}]")


def told(mismatch: Mismatch, scrub: Callable[[str], str]) -> tuple[str, str]:
    """Returns where an answer differs, and why, fit to be shown."""
    return printable(mismatch.where), cut(printable(scrub(mismatch.why)))


def cut(text: str) -> str:
    """Returns a text, or the start of a long one and its length."""
    return text if len(text) <= MAX_LINE else f"{text[:MAX_LINE]}… ({len(text)} characters)"


def _nearest(result: Result, exchange: Exchange, catalogue: Catalogue) -> Iterator[str]:
    """Yields the catalogue's entry for the server's text, where the text belongs to another error."""
    detail = detail_of(exchange.response)
    if not isinstance(detail, str) or not any(
        m.facet in (Facet.DETAIL, Facet.STATUS) for m in result.verdict.mismatches
    ):
        return
    entries = catalogue.find_by_detail(exchange.response.status, detail)
    if entries and all(entry.id != result.case.id for entry in entries):
        yield f"the text of {entries[0].id} ({entries[0].title})"


def answered_last(result: Result) -> Exchange | None:
    """Returns the exchange that went wrong; None where a request had no answer."""
    broken = any(mismatch.where == "exchange" for mismatch in result.verdict.mismatches)
    return None if broken or not result.exchanges else result.exchanges[-1]


def _request_id(exchange: Exchange | None, scrub: Callable[[str], str]) -> str:
    value = header(exchange.response.headers, "X-Request-Id") if exchange else None
    return f"     (X-Request-Id {printable(scrub(value))[:80]})" if value else ""


def _line(label: str, text: str) -> str:
    return f"  {label:<16} {text}"

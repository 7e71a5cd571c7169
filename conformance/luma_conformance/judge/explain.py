"""Turns a verdict into text: what the page says, what the server said, where they differ, and how to ask again.

The texts of a server, and of case files, pass `scrub`, and are shortened afterwards.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import TYPE_CHECKING

from luma_conformance.judge.answers import detail_of
from luma_conformance.judge.judged import Difference, Judged
from luma_conformance.judge.severity import worst_severity
from luma_conformance.matching import Exactly, Like, Matcher, OneOf, show
from luma_conformance.model import (
    Case,
    Exchange,
    Expectation,
    Facet,
    Headers,
    Mismatch,
    Request,
    Response,
    Result,
    fields,
    header,
)
from luma_conformance.shown import Scrub, Shown, cut, one_line, show_all, show_line

if TYPE_CHECKING:
    from luma_conformance.catalogue.catalogue import Catalogue
    from luma_conformance.judge.rate_limit import Contradiction

WIDTH = 96
MAX_DECODED = 20_000
"""Bytes of a body that is no JSON that are looked at; fewer are shown."""
MAX_LINE = 400
"""Characters of a server's text that are shown."""
MAX_CURL_BODY = 600
"""Bytes of a request body that fit on a curl line; a longer one is piped in."""
MAX_REQUEST_ID = 80
"""Characters of a request id that are shown."""

_QUOTABLE = re.compile(r"[\w :$~+/=.-]+", re.ASCII)
"""A header a shell may expand: $NAME where the secret was, and nothing that runs."""
_RATE_HEADERS = ("Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


def describe(
    result: Result,
    catalogue: Callable[[], Catalogue],
    scrub: Scrub,
    show_it: str,
    seconds: float = 0.0,
    file: str | None = None,
) -> Judged:
    """Return what a case came to, every text of it fit to be shown; `seconds` is what it took, `file` what it is in.

    `show_it` is the command that shows the case; `catalogue` is called where a text may be that of another error.
    """
    verdict = result.verdict
    told = {name: text for name, text in _list_evidence(result, catalogue).items() if text}
    different = [text for mismatch in verdict.mismatches for text in _texts_of(mismatch)]
    outlined, found = _outline(result, [*told.values(), show_it, *different], scrub, seconds, file)
    shown = {name: next(found) for name in told}
    return replace(
        outlined,
        severity=shown.get("severity"),
        reason=_shorten(shown.get("reason")),
        step=shown.get("step"),
        expected=_shorten(shown.get("expected")),
        erratum=_shorten(shown.get("erratum")),
        actual=one_line(shown["actual"]) if "actual" in shown else None,
        nearest=shown.get("nearest"),
        request_id=_shorten(shown.get("request_id"), MAX_REQUEST_ID),
        exchange=shown.get("exchange"),
        show=next(found),
        differences=tuple(_differ(mismatch, next(found), next(found), next(found)) for mismatch in verdict.mismatches),
    )


def add_command(judged: Judged, result: Result, base_url: str, scrub: Scrub, added: Headers = ()) -> Judged:
    """Return a verdict with the command that sends the request again; `added` is what each request gets on its way.

    It has the key of the request, so it is searched alone, and takes longer than all else: it is made where it is kept.
    """
    if (exchange := deciding_exchange(result)) is None:
        return judged
    return replace(judged, curl=scrub(curl(exchange.request, base_url, f"{judged.show} --step {_step(result)}", added)))


def _list_evidence(result: Result, catalogue: Callable[[], Catalogue]) -> dict[str, str | None]:
    """Return the evidence of a verdict, by the name it has there, as it came."""
    case, verdict, exchange = result.case, result.verdict, deciding_exchange(result)
    number = _step(result)
    texts = {
        "severity": worst_severity(verdict.mismatches),
        "reason": verdict.reason,
        "step": f"{number} of {len(case.steps)}" if len(case.steps) > 1 else None,
        "expected": describe_expected(case.steps[number - 1].expect, case),
        "erratum": case.erratum,
    }
    if exchange is None:
        return texts
    return texts | {
        "actual": _tell_answer(exchange.response),
        "nearest": nearest_entry(exchange.response, verdict.mismatches, catalogue, other_than=case.id),
        "request_id": header(exchange.response.headers, "X-Request-Id"),
        "exchange": _digest(exchange),
    }


def _step(result: Result) -> int:
    """Return the number of the step that went wrong, or the last."""
    mismatches = result.verdict.mismatches
    return mismatches[0].step if mismatches else len(result.case.steps)


def outline(result: Result, scrub: Scrub, seconds: float = 0.0, file: str | None = None) -> Judged:
    """Return what a case came to without its evidence, which takes as long to put into words as the case to judge."""
    return _outline(result, (), scrub, seconds, file)[0]


def _outline(
    result: Result, more: Sequence[str], scrub: Scrub, seconds: float, file: str | None
) -> tuple[Judged, Iterator[Shown]]:
    """Return what a case came to without its evidence, and more texts as they may be shown, all in one search."""
    case, verdict = result.case, result.verdict
    standing = "" if result.standing is None else result.standing.value
    texts = case.id, case.title, case.section, file or case.place.file, case.operation, standing
    lists = verdict.notes, verdict.known, case.needs
    found = iter(show_all([*texts, *chain.from_iterable(lists), *more], scrub))
    own = tuple(islice(found, len(texts)))
    notes, known, needs = (tuple(islice(found, len(one))) for one in lists)
    judged = Judged(
        case=own[0],
        title=cut(own[1], MAX_LINE),
        section=cut(own[2], MAX_LINE),
        verdict=verdict.outcome,
        file=own[3],
        line=case.place.line,
        operation=own[4],
        standing=own[5] or None,
        notes=tuple(cut(one_line(note), MAX_LINE) for note in notes),
        known=known,
        needs=needs,
        seconds=round(seconds, 4),
    )
    return judged, found


def failure_text(judged: Judged, heading: str, place: str = "") -> str:
    """Return why a case, a property or a recorded answer is wrong: `heading` and `place` are its first line."""
    lines = [f"{heading.ljust(WIDTH - len(place))} {place}".rstrip()]
    named = {
        "deviation": judged.reason,
        "in step": judged.step,
        "the page says": judged.expected,
        "the server said": judged.actual,
        "that is": judged.nearest,
        "differs in": ", ".join(judged.facets),
    }
    lines += [_line(label, text) for label, text in named.items() if text]
    lines += [_line("", text) for text in _differences(judged.differences)]
    lines += [_line("erratum", judged.erratum)] if judged.erratum else []
    traced = f"     (X-Request-Id {judged.request_id})" if judged.request_id else ""
    commands = [f"{judged.show} --curl{traced}" if judged.show else None, judged.curl]
    for label, command in zip(("again", ""), filter(None, commands), strict=False):
        lines.append(_line(label, command))
    return "\n".join(lines)


def exchange_rows(exchanges: Iterable[tuple[str, Exchange]], start: float) -> Iterator[str]:
    """Yield a row for each labelled exchange: its times in seconds after `start`, its status and rate-limit headers."""
    for label, exchange in exchanges:
        answered = fields(exchange.response.headers)
        times = f"+{exchange.sent - start:.1f} s … +{exchange.received - start:.1f} s"
        named = [f"{name} {show(answered[name.lower()])}" for name in _RATE_HEADERS if name.lower() in answered]
        yield f"{label:<5} {times:<22} {exchange.response.status}  {', '.join(named)}".rstrip()


def describe_trace(contradiction: Contradiction, trace: Sequence[Exchange]) -> str:
    """Return what contradicts a documented limit, and the exchanges that show it, timed from the first of the trace."""
    shown = ((f"#{index + 1}", trace[index]) for index in contradiction.exchanges)
    return "\n".join([contradiction.what, *(f"  {row}" for row in exchange_rows(shown, trace[0].sent))])


def describe_expected(expect: Expectation, case: Case) -> str:
    """Return what the page says in one line: the status, and the detail or else the case's title."""
    return f"{_statuses(expect.status)}  {_words(expect.detail) or f'({case.title})'}"


def describe_answer(response: Response, scrub: Scrub) -> Shown:
    """Return what a server said in one line: the status, and the detail or else the start of the body."""
    return one_line(scrub(_tell_answer(response)))


def _tell_answer(response: Response) -> str:
    detail = detail_of(response)
    if not isinstance(detail, str) and not response.body.isascii():
        content_type = header(response.headers, "Content-Type") or "no Content-Type"
        said = f"({len(response.body)} bytes, {content_type})"
    elif isinstance(detail, str):
        said = show_line(detail, MAX_LINE)
    else:
        start = " ".join(response.body[:MAX_DECODED].decode("utf-8", "replace").split())
        said = show_line(start or "(no body)", MAX_LINE, beyond=max(0, len(response.body) - MAX_DECODED))
    return f"{response.status}  {said}"


def shown_mismatch(mismatch: Mismatch, scrub: Scrub) -> Difference:
    """Return a mismatch whose texts are fit to be shown."""
    return _differ(mismatch, *show_all(_texts_of(mismatch), scrub))


def _texts_of(mismatch: Mismatch) -> tuple[str, str, str]:
    return mismatch.where, mismatch.why, mismatch.rests_on


def _differ(mismatch: Mismatch, where: Shown, why: Shown, rests_on: Shown) -> Difference:
    return Difference(
        facet=mismatch.facet,
        where=cut(one_line(where), MAX_LINE),
        why=cut(one_line(why), MAX_LINE),
        rests_on=cut(rests_on, MAX_LINE),
        step=mismatch.step,
    )


def show_command(case: Case, profile: str | None, *, is_own: bool) -> str:
    """Return the command that shows a case as a run with that profile sends it.

    A case that the kit's own catalogue does not have, which is not `is_own`, is found by its file.
    """
    name = case.id if is_own else f"{case.place.file}#{case.slug}"
    return f"luma-conformance show {shlex.quote(name)}" + (f" --profile {shlex.quote(profile)}" if profile else "")


def curl(request: Request, base_url: str, show_step: str, added: Headers = ()) -> str:
    """Return the curl command of a request; a body too long for a line is piped from the command `show_step`.

    `added` are the headers that each request to the base URL gets on its way, with $NAME for a secret.
    The embedded reference has no address, so what was sent to it is sent to one that is served.
    """
    from luma_conformance.reference.origin import ORIGIN  # a run on a server does without the reference
    from luma_conformance.reference.settings import SERVED

    url = request.url if not request.url.startswith("/") else base_url.rstrip("/") + request.url
    if url.startswith(f"{ORIGIN}/"):
        url = SERVED + url.removeprefix(ORIGIN)
    words = ["curl", "-sS", "-i", "-X", request.method, shlex.quote(url)]
    own = added if request.url.startswith("/") else ()
    for name, value in (*request.headers, *own):
        text = f"{name}: {value}"
        expands = (name == "Authorization" or (name, value) in own) and _QUOTABLE.fullmatch(text)
        words += ["-H", f'"{text}"' if expands else shlex.quote(text)]
    if len(request.body) > MAX_CURL_BODY:
        return " ".join([f"{show_step} --body |", *words, "--data-binary", "@-"])
    if request.body:
        words += ["--data-binary", shlex.quote(request.body.decode("utf-8", "replace"))]
    return " ".join(words)


def nearest_entry(
    response: Response,
    mismatches: Iterable[Mismatch],
    catalogue: Callable[[], Catalogue],
    other_than: str | None = None,
) -> str | None:
    """Return the catalogue's entry for the server's text, where the text belongs to another error."""
    detail = detail_of(response)
    if not isinstance(detail, str) or not any(one.facet in (Facet.DETAIL, Facet.STATUS) for one in mismatches):
        return None
    entries = catalogue().find_by_detail(response.status, detail)
    if not entries or any(entry.id == other_than for entry in entries):
        return None
    return f"the text of {entries[0].id} ({entries[0].title})"


def deciding_exchange(result: Result) -> Exchange | None:
    """Return the exchange that went wrong, or the last; None where a request had no answer."""
    broken = any(mismatch.where == "exchange" for mismatch in result.verdict.mismatches)
    return None if broken or not result.exchanges else result.exchanges[-1]


def _statuses(statuses: tuple[int, ...]) -> str:
    """Return statuses in words, those that follow each other as a range: 201 or 400–428."""
    runs: list[list[int]] = []
    for status in statuses:
        if runs and status == runs[-1][-1] + 1:
            runs[-1].append(status)
        else:
            runs.append([status])
    words = (f"{run[0]}–{run[-1]}" if len(run) > 2 else " or ".join(map(str, run)) for run in runs)
    return " or ".join(words)


def _words(matcher: Matcher | None) -> str | None:
    if isinstance(matcher, Exactly):
        return matcher.expected if isinstance(matcher.expected, str) else show(matcher.expected)
    if isinstance(matcher, Like):
        return matcher.template
    if isinstance(matcher, OneOf):
        return " — or — ".join(words for choice in matcher.choices if (words := _words(choice)))
    return None


def _differences(differences: Iterable[Mismatch]) -> Iterator[str]:
    """Yield the differences that the lines of what was expected and answered do not show already."""
    for one in differences:
        if one.facet not in (Facet.STATUS, Facet.DETAIL):
            where = "" if one.where in ("exchange", "repeat") else f"{one.where}: "
            yield f"{where}{one.why}  [{one.rests_on}]"


def _shorten(text: Shown | None, most: int = MAX_LINE) -> Shown | None:
    return None if text is None else cut(one_line(text), most)


def _digest(exchange: Exchange) -> str:
    """Return a digest of what was sent and answered, headers left out: their times and ids are new each time."""
    request, response = exchange.request, exchange.response
    parts = (request.method.encode(), request.url.encode(), request.body, str(response.status).encode(), response.body)
    return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()[:16]


def _line(label: str, text: str) -> str:
    return f"  {label:<16} {text}"

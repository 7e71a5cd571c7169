"""The verdict on what a client did in a scenario; pure: the same conduct is always judged the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from luma_conformance.clients.checks import NOUNS, find_broken
from luma_conformance.clients.conduct import Conduct, Seen
from luma_conformance.clients.evidence import (
    count_generations,
    find_shortfall,
    is_fault,
    is_waiting,
    list_broken_off,
    may_try_again,
    read_json,
)
from luma_conformance.clients.scenario import Expectation, Route, Scenario, Task
from luma_conformance.matching import show
from luma_conformance.model import Outcome, Severity, header
from luma_conformance.shown import clip

MAX_TOLD: Final = 400
"""Characters of what a client sent that a reason has."""
MAX_PRINTED: Final = 200
"""Characters of what a client printed that a reason quotes."""
MAX_FAULTS: Final = 4
"""Faults of which a note tells what the client did."""
SLOW_POLL: Final = 6.0
"""Seconds between two polls beyond which a note says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """An expectation that a client did not meet; `saw` says in one line what was seen instead."""

    expectation: Expectation
    saw: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The verdict on a client in one scenario.

    FAIL has a broken MUST, WARNING only SHOULDs; NOT_JUDGED has a `reason`, with what the client did instead. `notes`
    tell what the page leaves open, and what may have cost money.
    """

    outcome: Outcome
    broken: tuple[Broken, ...] = ()
    reason: str | None = None
    notes: tuple[str, ...] = ()


def judge(scenario: Scenario, conduct: Conduct) -> Found:
    """Return the verdict on what a client did in a scenario."""
    reason = _find_no_attempt(scenario, conduct)
    broken = tuple(
        Broken(expectation=one, saw=saw)
        for one in scenario.expectations
        if (reason is None or one.check == "key") and (saw := find_broken(conduct, one.check, one.arguments))
    )
    if any(one.expectation.severity is Severity.MUST for one in broken):
        return Found(outcome=Outcome.FAIL, broken=broken, notes=tuple(_list_notes(scenario, conduct)))
    if reason is None and not broken and conduct.status is None and is_waiting(conduct):
        reason = (
            f"it was stopped after {conduct.seconds:.0f} s, when it may still have been waiting; {_describe(conduct)}"
        )
    if reason is not None:
        return Found(outcome=Outcome.NOT_JUDGED, broken=broken, reason=reason)
    outcome = Outcome.WARNING if broken else Outcome.PASS
    return Found(outcome=outcome, broken=broken, notes=tuple(_list_notes(scenario, conduct)))


def _find_no_attempt(scenario: Scenario, conduct: Conduct) -> str | None:
    """Return why the client's conduct says nothing about the scenario, or None if it does."""
    if not conduct.seen:
        return f"it sent nothing to the address in LUMA_BASE_URL; {_describe(conduct)}"
    if not _has_begun(scenario.task, conduct):
        wanted = "asked for the generation of" if scenario.task is Task.DOWNLOAD else "submitted the prompt of"
        name = "LUMA_GENERATION_ID" if scenario.task is Task.DOWNLOAD else "LUMA_PROMPT"
        return f"it never {wanted} {name}; {_describe(conduct)}"
    faults = [reply for script in scenario.scripts.values() for reply in (*script.first, script.then) if reply.is_fault]
    if faults and not any(map(_has_met, conduct.seen)):
        return f"it never came to what this is about ({faults[0].says}); {_describe(conduct)}"
    return None


def _has_begun(task: Task, conduct: Conduct) -> bool:
    """Return whether the client has begun its task, and not another."""
    if task is Task.DOWNLOAD:
        return bool(conduct.of(Route.POLL))
    bodies = (read_json(one.request.body) for one in conduct.of(Route.CREATE))
    return any(isinstance(body, dict) and body.get("prompt") == conduct.given["LUMA_PROMPT"] for body in bodies)


def _has_met(seen: Seen) -> bool:
    """Return whether a client has met a fault; that a URL is expired shows in the download."""
    if seen.route is Route.DOWNLOAD:
        return is_fault(seen)
    return seen.reply.is_fault and not seen.reply.is_expired


def _describe(conduct: Conduct) -> str:
    """Return what the client did, in one line."""
    requests = [(one.request.method, one.request.url.partition("?")[0], one.reply.says) for one in conduct.seen]
    did = clip(", ".join(" ".join(one) for one in requests), MAX_TOLD)
    ended = "did not end" if conduct.status is None else f"ended with status {conduct.status}"
    lines = conduct.output.strip().splitlines()
    said = f"its last words were {show(lines[-1], MAX_PRINTED)}" if lines else "it printed nothing"
    return f"{f'it sent {did}; ' if did else ''}it {ended}; {said}"


def _list_notes(scenario: Scenario, conduct: Conduct) -> Iterator[str]:
    for one, following in list_broken_off(conduct):
        yield (
            f"POST number {following.number} may have created, and charged for, a second generation: "
            f"number {one.number} may have been accepted ({one.reply.says})"
        )
    if (made := count_generations(conduct)) > 1:
        yield f"it made {made} generations, each of which may be charged for"
    if scenario.silent:
        yield f"{scenario.silent} {_tell(conduct)}"
    elif gave_up := _find_resignation(conduct):
        yield gave_up
    if conduct.status and conduct.written and find_shortfall(conduct):
        yield "it left a file behind that is not the output"
    if conduct.given["LUMA_AGENTS_API_KEY"] in conduct.output:
        yield "it printed the key"
    polls = conduct.of(Route.POLL)
    if len(polls) > 1 and (mean := (polls[-1].arrived - polls[0].arrived) / (len(polls) - 1)) > SLOW_POLL:
        yield f"it polled every {mean:.0f} s; the documentation says every 2 to 5 seconds"
    traced = any(header(one.request.headers, "X-Request-Id") for one in conduct.seen)
    if scenario.task is Task.CREATE and not traced and not any(map(is_fault, conduct.seen)):
        yield "it sends no X-Request-Id, by which support could tell its requests from others"


def _find_resignation(conduct: Conduct) -> str | None:
    """Say that a client gave up at an answer after which the page lets it try again."""
    last = conduct.seen[-1]
    if not conduct.status or not is_fault(last) or not may_try_again(last):
        return None
    times = f" number {last.number}" if last.number > 1 else ""
    return f"it gave up at {last.reply.says}, the answer to {NOUNS[last.route]}{times}; it may try again"


def _tell(conduct: Conduct) -> str:
    """Return what a client did about the faults it met, in a sentence."""
    told = []
    for fault in filter(is_fault, conduct.seen):
        following = next((one for one in conduct.seen if one.arrived > fault.arrived), None)
        if following is None:
            told.append(f"sent nothing more after {fault.reply.says}")
        else:
            gap = max(0.0, following.arrived - fault.answered)
            told.append(f"sent a {NOUNS[following.route]} {gap:.2g} s after {fault.reply.says}")
    more = [f"did the like {len(told) - MAX_FAULTS} more times"] if len(told) > MAX_FAULTS else []
    ended = "was stopped" if conduct.status is None else f"ended with status {conduct.status}"
    return f"The client {'; '.join([*told[:MAX_FAULTS], *more])}; and it {ended}."

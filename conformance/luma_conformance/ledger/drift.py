"""What has changed between the page as the ledger has it and a newer copy: statement by statement, and fact by fact.

A statement whose digest is found nowhere is lost. What now stands where it stood, between its neighbours, is what it
says now; text that stands nowhere near a lost statement is new.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from typing import Final

from luma_conformance.ledger.facts import find_facts, kind_of, looks_normative
from luma_conformance.ledger.ledger import Ledger, Statement, printed_titles, titles
from luma_conformance.ledger.locate import Span, locate
from luma_conformance.ledger.page import SEPARATOR, Page, squeeze

ENOUGH: Final = 0.5
"""The share of the ledger's headings below which a document is not a copy of the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactChange:
    """A fact that is gone, that is new, or that has taken the place of another of its kind."""

    kind: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Statements and headings that are lost, and what stands in their place; either may be nothing.

    `after` is the heading below which the new text stands.
    """

    headings: tuple[str, ...]
    statements: tuple[Statement, ...]
    now: str
    after: str

    @property
    def kind(self) -> str:
        """What happened to the text: it is new, gone or changed."""
        if not self.headings and not self.statements:
            return "new"
        return "changed" if self.now else "gone"

    @property
    def facts(self) -> tuple[FactChange, ...]:
        """The facts that are gone, new or changed, the nearest beside each other."""
        told = [fact for heading in self.headings for fact in find_facts(heading)]
        old = dict.fromkeys([*told, *(fact for one in self.statements for fact in one.facts)])
        new = find_facts(self.now)
        return tuple(_pair([fact for fact in old if fact not in new], [fact for fact in new if fact not in old]))

    @property
    def suspects(self) -> Mapping[str, tuple[str, ...]]:
        """What carries the statements, by what it is: it may no longer be right."""
        found: dict[str, dict[str, None]] = {}
        for one in self.statements:
            for kind, patterns in one.carriers.items():
                found.setdefault(kind, {}).update(dict.fromkeys(patterns))
        return {kind: tuple(patterns) for kind, patterns in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """The changes of a copy, in page order, and how many statements it has as they were, of how many."""

    changes: tuple[Change, ...]
    kept: int
    total: int


@dataclass(frozen=True, slots=True)
class _Entry:
    """A heading, as the page prints it, or a statement of a section, and where it stands in the copy, if it does."""

    section: str
    title: str
    statement: Statement | None
    span: Span | None


def share_of_titles(ledger: Ledger, page: Page) -> float:
    """Return how many of a ledger's headings a document has, from 0 to 1: what tells whether it is a copy at all."""
    found = [any(squeeze(title) in page.stream for title in titles(section)) for section in ledger.sections]
    return sum(found) / len(found) if found else 0.0


def find_drift(ledger: Ledger, page: Page) -> Drift:
    """Return what a copy of the page has changed."""
    located = locate(ledger, page)
    pieces, headings = _cut_headings(ledger, page, located.rest)
    entries = list(_entries(ledger, located.spans, headings))
    first = min((start for start, _ in located.spans.values()), default=0)
    open_pieces = dict.fromkeys(pieces)
    changes: list[tuple[int, Change]] = []
    for lost, before, behind in _runs(entries):
        piece = _piece_between(open_pieces, before, behind)
        if piece:
            del open_pieces[piece]
        changes.append((before[1] if before else 0, _change(lost, page, piece)))
    for start, end in open_pieces:
        text = page.show(start, end)
        if start > first and _is_news(text, page, ledger):
            changes.append((start, Change(headings=(), statements=(), now=text, after=_heading_at(entries, start))))
    ordered = sorted(changes, key=lambda one: one[0])
    return Drift(changes=tuple(one for _, one in ordered), kept=len(located.spans), total=len(ledger.statements))


def _cut_headings(ledger: Ledger, page: Page, rest: Sequence[Span]) -> tuple[list[Span], dict[str, list[Span]]]:
    """Return the parts of the rest that are no known heading, and where the known headings stand."""
    forms = {squeeze(title): section for section in ledger.sections for title in titles(section)}
    known = sorted(forms, key=len, reverse=True)
    pieces: list[Span] = []
    found: dict[str, list[Span]] = {}
    for start, end in rest:
        last = place = start
        while place < end:
            may_begin = place == start or _begins_block(page, place)
            form = next((form for form in known if may_begin and page.stream.startswith(form, place, end)), None)
            if form is not None:
                found.setdefault(form, []).append((place, place + len(form)))
                pieces += [(last, place)] if place > last else []
                last = place = place + len(form)
            else:
                place += 1
        pieces += [(last, end)] if end > last else []
    return [one for one in pieces if any(map(str.isalnum, page.stream[slice(*one)]))], found


def _begins_block(page: Page, place: int) -> bool:
    return place == 0 or "\n" in page.text[page.origins[place - 1] : page.origins[place]]


def _entries(ledger: Ledger, spans: Mapping[int, Span], headings: Mapping[str, list[Span]]) -> Iterator[_Entry]:
    """Yield the headings and statements of a ledger in its order, each with its place in the copy."""
    number = 0
    for section, title in zip(ledger.sections, printed_titles(ledger.sections), strict=True):
        own = []
        while number < len(ledger.statements) and ledger.statements[number].section == section:
            own.append(_Entry(section, title, ledger.statements[number], spans.get(number)))
            number += 1
        places = [span for title in titles(section) for span in headings.get(squeeze(title), ())]
        near = next((one.span[0] for one in own if one.span), None)
        at = min(places, key=lambda span: abs(span[1] - near)) if places and near is not None else None
        yield _Entry(section, title, None, at or (places[0] if places else None))
        yield from own


def _runs(entries: Sequence[_Entry]) -> Iterator[tuple[list[_Entry], Span | None, Span | None]]:
    """Yield each run of lost entries, with the places of the entries before and behind it."""
    before: Span | None = None
    groups = [(is_lost, list(group)) for is_lost, group in groupby(entries, key=lambda one: one.span is None)]
    for index, (is_lost, group) in enumerate(groups):
        if is_lost:
            yield group, before, groups[index + 1][1][0].span if index + 1 < len(groups) else None
        else:
            before = group[-1].span


def _piece_between(pieces: Mapping[Span, None], before: Span | None, behind: Span | None) -> Span | None:
    """Return the piece that begins where the entry before ended, or that ends where the one behind begins."""
    for piece in pieces:
        if (before and piece[0] == before[1]) or (behind and piece[1] == behind[0]):
            return piece
    return None


def _change(lost: Sequence[_Entry], page: Page, piece: Span | None) -> Change:
    return Change(
        headings=tuple(one.title for one in lost if one.statement is None),
        statements=tuple(one.statement for one in lost if one.statement is not None),
        now=page.show(*piece) if piece else "",
        after=lost[0].section,
    )


def _is_news(text: str, page: Page, ledger: Ledger) -> bool:
    """Return whether a new text is more than what stands around a page: a demand, a row of a table, a heading."""
    known = {squeeze(title) for section in ledger.sections for title in titles(section)}
    lines = {squeeze(line) for line in text.splitlines()}
    return looks_normative(text) or SEPARATOR in text or any(squeeze(one) in lines - known for one in page.headings)


def _heading_at(entries: Sequence[_Entry], place: int) -> str:
    """Return the heading of the entry that stands last before a place."""
    before = [(one.span[0], one.section) for one in entries if one.span and one.span[0] < place]
    return max(before)[1] if before else entries[0].section


def _pair(gone: Sequence[str], new: Sequence[str]) -> Iterator[FactChange]:
    """Yield what has become of facts: each that is gone with the nearest new one of its kind."""
    left = list(new)
    for fact in gone:
        kind = kind_of(fact)
        near = max(
            (one for one in left if kind_of(one) == kind),
            key=lambda one: SequenceMatcher(None, fact, one, autojunk=False).ratio(),
            default=None,
        )
        if near is not None:
            left.remove(near)
        yield FactChange(kind=kind, old=fact, new=near)
    yield from (FactChange(kind=kind_of(fact), old=None, new=fact) for fact in left)


def split_statements(text: str) -> list[str]:
    """Return the statements that a new text probably has: its sentences, and each example with the words before it."""
    found: list[str] = []
    for line in text.splitlines():
        for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z“])", line):
            is_label = found and found[-1].rstrip().endswith(":") and sentence.startswith(("{", "curl", "HTTP/"))
            if is_label:
                found[-1] += f"\n{sentence}"
            elif squeeze(sentence):
                found.append(sentence)
    return found

"""The command `drift`: what a newer copy of the page has changed, and what that makes doubtful."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from luma_conformance.catalogue import files as casefiles
from luma_conformance.cli.ledger import describe
from luma_conformance.cli.output import say, scrub, write_text
from luma_conformance.cli.parser import add_command
from luma_conformance.errors import Exit, InputError
from luma_conformance.reading.text_file import read_text
from luma_conformance.report.result import count_noun
from luma_conformance.shown import clip

if TYPE_CHECKING:
    from luma_conformance.cli.parser import Commands
    from luma_conformance.ledger.drift import Change, Drift, FactChange
    from luma_conformance.ledger.ledger import Ledger
    from luma_conformance.ledger.page import Page

MAX_BYTES: Final = 5_000_000
MAX_SHOWN: Final = 400
"""Characters of a text that are printed; JSON and the draft have all of them."""


def add_commands(commands: Commands) -> None:
    """Add `drift`."""
    command = add_command(
        commands,
        "drift",
        _drift,
        purpose="say what a newer copy of the page has changed",
        description="Holds a saved copy of the page, as HTML, Markdown or text, against the ledger: statements, texts, "
        "statuses, codes, headers and numbers that are new, gone or changed, and the cases that this makes doubtful. "
        "Layout, quotation marks, moved sections and what stands around the text are no change. "
        "Exits with 0 if there is none, with 1 if there is, with 4 for what is no copy of the page.",
        examples=("drift page.html", "drift page.md --format json", "drift page.html --write drift"),
    )
    command.add_argument("page", type=Path, metavar="PAGE", help="a saved copy: .html, .md, or text")
    command.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    command.add_argument("--write", type=Path, metavar="DIR", help="write new rows for the ledger, and a checklist")
    command.add_argument("--ledger", type=Path, metavar="FILE", help="another ledger; default: the kit's own")


def _drift(options: argparse.Namespace) -> Exit:
    from luma_conformance.ledger.drift import find_drift
    from luma_conformance.ledger.grammar import load

    ledger = load(options.ledger)
    drift = find_drift(ledger, _read_page(options.page, ledger))
    if options.write is not None:
        _write_draft(drift, ledger, options.write)
    if options.format == "json":
        say(json.dumps(_as_data(drift, ledger), indent=1, ensure_ascii=False))
    else:
        say("\n".join(_show(drift)))
    return Exit.NOT_CONFORMANT if drift.changes else Exit.CONFORMANT


def _read_page(file: Path, ledger: Ledger) -> Page:
    """Return a copy of the page; raise InputError if it is none."""
    from luma_conformance.ledger.drift import ENOUGH, share_of_titles
    from luma_conformance.ledger.forms import read_blocks
    from luma_conformance.ledger.page import make_page

    page = make_page(read_blocks(read_text(file, "a copy of the page", MAX_BYTES), file.suffix.lower()))
    share = share_of_titles(ledger, page)
    if share < ENOUGH:
        raise InputError(
            f"{file} is not a copy of {ledger.page}: it has {share:.0%} of its {len(ledger.sections)} headings; "
            "save the page with its whole text, as HTML, Markdown or text"
        )
    return page


def _show(drift: Drift) -> Iterator[str]:
    """Yield the lines of a report: each change, then how many there are."""
    for one in drift.changes:
        yield f"{one.kind:<9}{one.after}"
        yield from (f"  heading  {heading}" for heading in one.headings)
        yield from (f"  said     {statement.says}" for statement in one.statements)
        if one.kind == "new":
            yield "  said     nothing: this is unaccounted for"
        if one.now:
            yield f"  now      {clip(' '.join(one.now.split()), MAX_SHOWN)}"
        yield from (f"  {fact.kind:<9}{_arrow(fact)}" for fact in one.facts)
        yield from (f"  suspect  {kind}: {', '.join(patterns)}" for kind, patterns in one.suspects.items())
    kinds = [one.kind for one in drift.changes]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in ("changed", "gone", "new"))
    yield f"{drift.kept} of {count_noun(drift.total, 'statement')} as they were; {counts}"


def _arrow(fact: FactChange) -> str:
    if fact.old is None:
        return f"new: {fact.new}"
    return f"gone: {fact.old}" if fact.new is None else f"{fact.old} -> {fact.new}"


def _as_data(drift: Drift, ledger: Ledger) -> dict[str, object]:
    return {
        "schema": 1,
        "page": ledger.page,
        "statements": {"kept": drift.kept, "of": drift.total},
        "changes": [
            {
                "kind": one.kind,
                "section": one.after,
                "headings": list(one.headings),
                "statements": [describe(statement) for statement in one.statements],
                "now": one.now or None,
                "facts": [{"kind": fact.kind, "old": fact.old, "new": fact.new} for fact in one.facts],
                "suspects": {kind: list(patterns) for kind, patterns in one.suspects.items()},
            }
            for one in drift.changes
        ],
    }


def _write_draft(drift: Drift, ledger: Ledger, folder: Path) -> None:
    """Write what a maintainer does next into a folder: rows for the ledger, and a checklist."""
    write_text(
        scrub("\n".join(["# Rows for specs/ledger.yaml: say each in your own words.", *_rows(drift), ""])),
        folder / "rows.yaml",
    )
    lines = [f"# What has changed in {ledger.page}", ""]
    for one in drift.changes:
        lines += [f"- [ ] {one.kind}: {one.after}", *(f"  - {line}" for line in _steps(one))]
    write_text(scrub("\n".join([*lines, ""])), folder / "checklist.md")


def _rows(drift: Drift) -> Iterator[str]:
    from luma_conformance.ledger.drift import split_statements
    from luma_conformance.ledger.facts import find_facts
    from luma_conformance.ledger.page import Digest

    for one in drift.changes:
        if one.now:
            yield f"- heading: {json.dumps(one.after, ensure_ascii=False)}"
            yield "  statements:"
        for text in split_statements(one.now):
            yield f"    # {clip(' '.join(text.split()), MAX_SHOWN)}"
            yield "    - says: "
            yield f"      digest: {Digest.of(text)}"
            if facts := find_facts(text):
                yield f"      facts: {json.dumps(facts, ensure_ascii=False)}"
            yield from (
                f"      {kind}: {json.dumps(patterns, ensure_ascii=False)}" for kind, patterns in one.suspects.items()
            )


def _list_files(patterns: Iterable[str]) -> dict[str, None]:
    """Return the files of the cases that patterns name, each once; of a case the kit does not have, by its id."""
    files: dict[str, None] = {}
    for pattern in patterns:
        cases = [case.id for case in casefiles.own().matching(pattern)] or [pattern]
        files.update(dict.fromkeys(f"specs/{case.rpartition('/')[0]}.yaml" for case in cases))
    return files


def _steps(one: Change) -> Iterator[str]:
    yield from (f"ledger: take out `{statement.says}` ({statement.digest})" for statement in one.statements)
    if one.now:
        yield "ledger: put in the rows of rows.yaml"
    yield from (f"fact: {fact.kind} {_arrow(fact)}" for fact in one.facts)
    yield from (f"section file: {name}" for name in _list_files(one.suspects.get("cases", ())))
    yield from (f"reconsider {kind}: {', '.join(names)}" for kind, names in one.suspects.items())
    if not one.statements:
        yield "section file: a new one, or new cases in that of the heading"

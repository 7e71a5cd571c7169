"""Results as JSON Lines: a header, a line for each verdict as it comes, a footer; read again even if cut off.

A server that is wrong in one thing is wrong in it hundreds of times. So a difference is written once, with a number,
and then told by it. What a difference does not say, its verdict says; and the section and operation that a verdict does
not say, the line before of a case of the same file says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any, Final

from luma_conformance.errors import InputError
from luma_conformance.judge.judged import Difference, Judged, Moment
from luma_conformance.model import Facet, Outcome
from luma_conformance.reading.document import Node, Problems
from luma_conformance.reading.strict_json import parse_json
from luma_conformance.report.result import SCHEMA, Ending, Results, Run
from luma_conformance.shown import NOTHING, Scrub, Shown


@dataclass(slots=True)
class Written:
    """What the lines of a file have said so far: the numbers of differences, and the latest of each case file."""

    numbers: dict[str, int] = field(default_factory=dict)
    differences: dict[int, Node] = field(default_factory=dict)
    of_file: dict[str, dict[str, object]] = field(default_factory=dict)


_STARTS: Final = (b'{"schema": 1', b'{"schema":2')
_REPEATED: Final = 4_096
"""Texts that are kept scrubbed: most of them are in a file many times."""
_READ: Final = (1, SCHEMA)
"""The versions that are read: in the first, each line says everything itself."""


def format_header(run: Run) -> str:
    """Return the first line of a results file, without its line end."""
    return _dump({"schema": SCHEMA, **_list_members(run)})


def format_verdict(judged: Judged, written: Written | None = None) -> str:
    """Return the line of one verdict, without its line end; empty members are left out.

    `written` is what the file says already, and gets what it says now; without it the line stands alone.
    """
    return _dump(as_data(judged, written))


def format_footer(ending: Ending) -> str:
    """Return the last line of a results file, without its line end."""
    return _dump({"end": True, **_list_members(ending)})


def format_results(results: Results) -> str:
    """Return the text of a whole results file."""
    written = Written()
    lines = [format_header(results.run), *(format_verdict(judged, written) for judged in results.verdicts)]
    return "\n".join([*lines, *([format_footer(results.ending)] if results.ending else [])]) + "\n"


def as_data(judged: Judged, written: Written | None = None) -> dict[str, object]:
    """Return a verdict as JSON data without its empty members; the facets are listed beside the differences."""
    data = {name: value for name, value in _list_members(judged).items() if value not in (None, (), "", {})}
    if judged.differences:
        data["differences"] = [_number(_list_own_members(one, judged), written) for one in judged.differences]
        data["facets"] = list(judged.facets)
    if judged.timeline:
        data["timeline"] = [_list_members(one) for one in judged.timeline]
    if judged.flaky:
        data["flaky"] = judged.flaky
    if written is not None and judged.file:
        own = {name: data.get(name) for name in _OF_FILE}
        known = written.of_file.get(judged.file)
        written.of_file[judged.file] = own
        return data if known != own else {name: value for name, value in data.items() if name not in _OF_FILE}
    return data


def _list_own_members(one: Difference, judged: Judged) -> dict[str, object]:
    """Return the members of a difference that its verdict does not say."""
    told = {"rests_on": judged.section, "step": 1, "severity": judged.severity}
    members = {**_list_members(one), "severity": one.severity}
    return {name: value for name, value in members.items() if name not in told or told[name] != value}


def _number(one: dict[str, object], written: Written | None) -> object:
    """Return the number of a difference that is in the file already, or the difference with its number."""
    if written is None:
        return one
    key, numbers = json.dumps(one), written.numbers
    if key in numbers:
        return numbers[key]
    numbers[key] = len(numbers) + 1
    return {"number": numbers[key], **one}


def from_data(data: object, where: str, scrub: Scrub, written: Written | None = None) -> Judged:
    """Return a verdict from JSON data; raise InputError with the name of a wrong member.

    `written` is what the lines before say, and gets what this one says. Each text passes `scrub`: a file may have been
    written by anybody.
    """
    written = written or Written()
    line = _open_line(_add_of_file(data, written), where)
    texts: dict[str, Any] = {name: scrub(line.string(name)) for name in ("case", "title", "section")}
    texts |= {name: scrub(line.string(name)) for name in ("file", "operation") if name in line}
    texts |= {name: _read_optional(line, name, scrub) for name in _OPTIONAL if name in line}
    differences = line["differences"].elements() if "differences" in line else []
    for one in differences:
        if "number" in one:
            written.differences[one["number"].whole(1, _GREATEST)] = one
    return Judged(
        **texts,
        verdict=Outcome(line["verdict"].one_of("verdict", _OUTCOMES)),
        line=_read_whole(line, "line"),
        notes=_read_strings(line, "notes", scrub),
        known=_read_strings(line, "known", scrub),
        needs=_read_strings(line, "needs", scrub),
        observed=_read_strings(line, "observed", scrub),
        attempts=_read_attempts(line),
        rules=_read_rules(line),
        covered=_read_counts(line, "covered"),
        seconds=line["seconds"].number(0, 1e9) if "seconds" in line else 0.0,
        timeline=tuple(_read_moment(one, scrub) for one in line["timeline"].elements()) if "timeline" in line else (),
        differences=tuple(_read_difference(one, texts["section"], written.differences, scrub) for one in differences),
    )


def run_from_data(data: object, where: str, scrub: Scrub) -> Run:
    """Return a run from the JSON data of a header; raise InputError with the name of a wrong member."""
    line = _open_line(data, where)
    others = ("offers", "required", *_COUNTS)
    values: dict[str, Any] = {
        one.name: scrub(line.string(one.name)) for one in fields(Run) if one.name not in others and one.name in line
    }
    values |= {name: _read_whole(line, name) for name in _COUNTS}
    required = line["required"].members() if "required" in line else ()
    return Run(
        **values,
        offers=_read_strings(line, "offers", scrub),
        required={scrub(wanted): node.whole(1, _GREATEST) for wanted, node in required},
    )


def parse_results(content: bytes, name: str, scrub: Scrub) -> Results:
    """Return the results in a file called `name`, each text of it scrubbed.

    A file that was cut off is read as an incomplete result; raise InputError for any other fault.
    """
    *whole, last = content.split(b"\n")
    if not whole and _parse(last) is None and any(start.startswith(last[: len(start)]) for start in _STARTS):
        return Results(run=Run())
    documents = [_read_document(line, f"{name}:{number}") for number, line in enumerate(whole, start=1)]
    if last and (not whole or _parse(last) is not None):
        documents.append(_read_document(last, f"{name}:{len(whole) + 1}"))
    return _build_results(documents, name, lru_cache(_REPEATED)(scrub))


def _build_results(documents: list[object], name: str, scrub: Scrub) -> Results:
    head = _open_line(documents[0] if documents else None, f"{name}:1")
    if "schema" not in head:
        raise InputError(f"{name}:1: is not a file of results; `pytest --luma-report DIR` writes DIR/results.jsonl")
    if head.get("schema") not in _READ:
        raise InputError(f"{name}:1: has the format {head.get('schema')!r}; this kit reads {SCHEMA}: update it")
    run = run_from_data(documents[0], f"{name}:1", scrub)
    verdicts: dict[str, Judged] = {}
    written = Written()
    for number, document in enumerate(documents[1:], start=2):
        where = f"{name}:{number}"
        if isinstance(document, dict) and "end" in document:
            if number < len(documents):
                raise InputError(f"{name}:{number + 1}: comes after the end; one file holds the results of one run")
            return Results(run, tuple(verdicts.values()), _read_ending(document, where, scrub))
        judged = from_data(document, where, scrub, written)
        verdicts[judged.case] = judged  # if a case was tried again, the last verdict counts
    return Results(run, tuple(verdicts.values()))


def _add_of_file(data: object, written: Written) -> object:
    """Return the data of a verdict with what the line before of its file says for it."""
    if not isinstance(data, dict) or not isinstance(file := data.get("file"), str):
        return data
    if "section" not in data:
        data = {**{name: value for name, value in written.of_file.get(file, {}).items() if value}, **data}
    written.of_file[file] = {name: data.get(name) for name in _OF_FILE}
    return data


def _read_ending(document: object, where: str, scrub: Scrub) -> Ending:
    line = _open_line(document, where)
    return Ending(
        ended=scrub(line.string("ended")) if "ended" in line else NOTHING,
        complete=line["complete"].flag(),
        status=_read_whole(line, "status"),
        stop=_read_optional(line, "stop", scrub),
        spent=_read_whole(line, "spent"),
        made=_read_counts(line, "made"),
        rules=_read_rules(line),
        covered=_read_counts(line, "covered"),
        observed=_read_strings(line, "observed", scrub),
    )


def _read_attempts(line: Node) -> tuple[Outcome, ...]:
    elements = line["attempts"].elements() if "attempts" in line else ()
    return tuple(Outcome(element.one_of("verdict", _OUTCOMES)) for element in elements)


def _read_moment(node: Node, scrub: Scrub) -> Moment:
    node.mapping()
    return Moment(
        began=node["began"].number(0, 1e9),
        ended=node["ended"].number(0, 1e9),
        asked=scrub(node.string("asked")),
        told=scrub(node.string("told")),
        is_fault=node["is_fault"].flag(),
    )


def _read_counts(line: Node, name: str) -> dict[str, int]:
    return {one: node.whole(0, _GREATEST) for one, node in line[name].members()} if name in line else {}


def _read_rules(line: Node) -> dict[str, tuple[int, int]]:
    return {rule: _read_pair(node) for rule, node in line["rules"].members()} if "rules" in line else {}


def _is_number(node: Node) -> bool:
    return isinstance(node.value, int)


def _read_difference(node: Node, section: str, numbered: Mapping[int, Node], scrub: Scrub) -> Difference:
    if _is_number(node):
        number = node.whole(1, _GREATEST)
        if number not in numbered:
            node.expected("the number of a difference in a line above")
        node = numbered[number]
    node.mapping()
    given = {"where": "", "why": "", "rests_on": section}
    texts = {name: scrub(node.string(name) if name in node else default) for name, default in given.items()}
    return Difference(
        facet=Facet(node["facet"].one_of("facet", _FACETS)), step=_read_whole(node, "step", default=1), **texts
    )


_OPTIONAL: Final = (
    "severity", "reason", "step", "expected", "actual", "nearest", "erratum", "show", "curl", "request_id", "exchange",
    "explanation", "standing", "lacks",
)  # fmt: skip
_COUNTS: Final = ("total", "selected", "own")
_OF_FILE: Final = ("section", "operation")
_OUTCOMES: Final = tuple(Outcome)
_FACETS: Final = tuple(Facet)
_GREATEST: Final = 10**12


def _open_line(data: object, where: str) -> Node:
    return Node(data, Problems(where), title="the line").mapping()


def _read_whole(line: Node, name: str, default: int = 0) -> int:
    return line[name].whole(0, _GREATEST) if name in line else default


def _read_optional(line: Node, name: str, scrub: Scrub) -> Shown | None:
    return None if (text := line.optional(name)) is None else scrub(text)


def _read_strings(line: Node, name: str, scrub: Scrub) -> tuple[Shown, ...]:
    return tuple(scrub(element.string()) for element in line[name].elements()) if name in line else ()


def _read_pair(node: Node) -> tuple[int, int]:
    pair = node.elements()
    if len(pair) != 2:
        node.expected("a pair of whole numbers")
    return pair[0].whole(0, _GREATEST), pair[1].whole(0, _GREATEST)


def _read_document(line: bytes, where: str) -> object:
    document = _parse(line)
    if document is None:
        raise InputError(f"{where}: is not a line of JSON; a file of results has one JSON object a line")
    return document


def _parse(line: bytes) -> object:
    """Return the JSON value of a line, or None if it is not JSON."""
    try:
        return parse_json(line)
    except ValueError:
        return None


def _list_members(value: Any) -> dict[str, Any]:
    return {one.name: getattr(value, one.name) for one in fields(value)}


def _dump(data: Mapping[str, object]) -> str:
    # ASCII: a line cut anywhere is still text, and half of a surrogate pair can be written.
    return json.dumps(data, separators=(",", ":"))

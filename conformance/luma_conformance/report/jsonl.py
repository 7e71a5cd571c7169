"""Results as JSON Lines: a header, a line for each verdict as it comes, a footer; and read again, however cut off."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final

from luma_conformance.errors import InputError
from luma_conformance.judge.judged import Judged
from luma_conformance.model import Facet, Mismatch, Outcome
from luma_conformance.report.result import SCHEMA, Ending, Results, Run

_START: Final = b'{"schema": 1'


def header(run: Run) -> str:
    """Returns the first line of a file of results, without its end."""
    return _line({"schema": SCHEMA, **_members(run)})


def verdict(judged: Judged) -> str:
    """Returns the line of one verdict, without its end; what is empty is left out."""
    return _line(as_data(judged))


def footer(ending: Ending) -> str:
    """Returns the last line of a file of results, without its end."""
    return _line({"end": True, **_members(ending)})


def written(results: Results) -> str:
    """Returns a whole file of results."""
    lines = [header(results.run), *(verdict(judged) for judged in results.verdicts)]
    return "\n".join([*lines, *([footer(results.ending)] if results.ending else [])]) + "\n"


def as_data(judged: Judged) -> dict[str, object]:
    """Returns a verdict as JSON data, what is empty left out, its facets told apart from its differences."""
    data = {name: value for name, value in _members(judged).items() if value not in (None, (), "", {})}
    if judged.differences:
        data["differences"] = [{**_members(one), "severity": one.severity} for one in judged.differences]
        data["facets"] = list(judged.facets)
    return data


def from_data(data: object, where: str) -> Judged:
    """Returns the verdict that JSON data is; raises InputError naming the member that is wrong."""
    reader = _Reader(data, where)
    differences = reader.get("differences", [], list)
    texts: dict[str, Any] = {name: reader.text(name) for name in ("case", "title", "section")}
    texts |= {name: reader.text(name, "") for name in ("file", "operation")}
    texts |= {name: reader.maybe(name) for name in _OPTIONAL}
    return Judged(
        **texts,
        verdict=Outcome(reader.one_of("verdict", Outcome)),
        line=reader.whole("line"),
        notes=reader.texts("notes"),
        observed=reader.texts("observed"),
        rules=_rules(reader),
        seconds=reader.seconds(),
        differences=tuple(_difference(one, where) for one in differences),
    )


def run_from(data: object, where: str) -> Run:
    """Returns the run that a header's JSON data is; raises InputError naming the member that is wrong."""
    reader = _Reader(data, where)
    texts: dict[str, Any] = {one.name: reader.text(one.name, "") for one in fields(Run) if one.name != "offers"}
    return Run(**texts, offers=reader.texts("offers"))


def read(content: bytes, name: str) -> Results:
    """Returns the results in a file called `name`.

    A file that was cut off, anywhere, is an incomplete result; raises InputError where it is anything else.
    """
    *whole, last = content.split(b"\n")
    if not whole and _parsed(last) is None and _START.startswith(last[: len(_START)]):
        return Results(run=Run())
    documents = [_document(line, f"{name}:{number}") for number, line in enumerate(whole, start=1)]
    if last and (not whole or _parsed(last) is not None):
        documents.append(_document(last, f"{name}:{len(whole) + 1}"))
    return _results(documents, name)


def _results(documents: list[object], name: str) -> Results:
    head = _Reader(documents[0] if documents else None, f"{name}:1")
    if "schema" not in head.data:
        raise InputError(f"{name}:1: is not a file of results; `pytest --luma-report DIR` writes DIR/results.jsonl")
    if head.data["schema"] != SCHEMA:
        raise InputError(f"{name}:1: has the format {head.data['schema']!r}; this kit reads {SCHEMA}: update it")
    run = run_from(documents[0], f"{name}:1")
    verdicts: dict[str, Judged] = {}
    for number, document in enumerate(documents[1:], start=2):
        where = f"{name}:{number}"
        if isinstance(document, dict) and "end" in document:
            if number < len(documents):
                raise InputError(f"{name}:{number + 1}: stands after the end; one file holds the results of one run")
            return Results(run, tuple(verdicts.values()), _ending(document, where))
        judged = from_data(document, where)
        verdicts[judged.case] = judged  # a case that was tried again: the last time counts
    return Results(run, tuple(verdicts.values()))


def _ending(document: object, where: str) -> Ending:
    reader = _Reader(document, where)
    return Ending(
        ended=reader.text("ended", ""),
        complete=reader.get("complete", None, bool),
        status=reader.whole("status"),
        stop=reader.maybe("stop"),
        spent=reader.whole("spent"),
        rules=_rules(reader),
        observed=reader.texts("observed"),
    )


def _rules(reader: _Reader) -> dict[str, tuple[int, int]]:
    rules = reader.get("rules", {}, dict)
    if not all(isinstance(pair, list) and len(pair) == 2 and all(map(_is_whole, pair)) for pair in rules.values()):
        raise reader.wrong("rules", "pairs of whole numbers")
    return {rule: (broken, kept) for rule, (broken, kept) in rules.items()}


def _difference(data: object, where: str) -> Mismatch:
    reader = _Reader(data, where)
    texts = {name: reader.text(name, "") for name in ("where", "why", "rests_on")}
    return Mismatch(facet=Facet(reader.one_of("facet", Facet)), step=reader.whole("step", 1), **texts)


_OPTIONAL: Final = (
    "severity", "reason", "step", "expected", "actual", "nearest", "erratum", "show", "curl", "request_id", "exchange",
    "explanation", "standing",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads members of JSON data that anybody may have written."""

    data: Any
    where: str

    def __post_init__(self) -> None:
        if not isinstance(self.data, dict):
            raise InputError(f"{self.where}: is not a JSON object")

    def get(self, name: str, default: Any, kind: type) -> Any:
        value = self.data.get(name, default)
        if not isinstance(value, kind):
            raise self.wrong(name, f"a JSON {_KINDS[kind]}")
        return value

    def text(self, name: str, default: str | None = None) -> str:
        return str(self.get(name, default, str))

    def maybe(self, name: str) -> str | None:
        return None if self.data.get(name) is None else self.text(name)

    def texts(self, name: str) -> tuple[str, ...]:
        values = self.get(name, [], list)
        if not all(isinstance(value, str) for value in values):
            raise self.wrong(name, "a list of texts")
        return tuple(values)

    def whole(self, name: str, default: int = 0) -> int:
        value = self.data.get(name, default)
        if not _is_whole(value):
            raise self.wrong(name, "a whole number")
        return int(value)

    def seconds(self) -> float:
        value = self.data.get("seconds", 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
            raise self.wrong("seconds", "a number of seconds")
        return float(value)

    def one_of(self, name: str, choices: type[StrEnum]) -> str:
        value = self.data.get(name)
        if value not in list(choices):
            raise self.wrong(name, f"one of {', '.join(choices)}")
        return str(value)

    def wrong(self, name: str, expected: str) -> InputError:
        return InputError(f"{self.where}: {name!r} should be {expected}")


_KINDS: Final[Mapping[type, str]] = {str: "string", list: "array", dict: "object", bool: "boolean"}


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**12


def _document(line: bytes, where: str) -> object:
    document = _parsed(line)
    if document is None:
        raise InputError(f"{where}: is not a line of JSON; a file of results has one JSON object a line")
    return document


def _parsed(line: bytes) -> object:
    """Returns the JSON value of a line, or None where it is none."""
    try:
        return json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> object:
    raise ValueError(constant)


def _members(value: Any) -> dict[str, Any]:
    return {one.name: getattr(value, one.name) for one in fields(value)}


def _line(data: Mapping[str, object]) -> str:
    return json.dumps(data)  # ASCII: a line cut anywhere is still text, and half a surrogate pair can be written

"""The reader of known deviations in TOML."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Final

from luma_conformance.judge.deviations import Deviation
from luma_conformance.model import Facet
from luma_conformance.reading.document import MAX_PROBLEMS, Node, Problems
from luma_conformance.reading.text_file import read_text
from luma_conformance.reading.toml import read_toml

MAX_BYTES: Final = 10_000_000
_MEMBERS: Final = ("cases", "facet", "answer", "reason", "link", "owner", "expires")


def load_deviations(path: Path) -> tuple[Deviation, ...]:
    """Return the deviations in a file; raise InputError with everything that is wrong with it."""
    return parse_deviations(read_text(path, "a list of deviations", MAX_BYTES), str(path))


def parse_deviations(text: str, name: str) -> tuple[Deviation, ...]:
    """Return the deviations in a TOML text called `name`; raise InputError with everything that is wrong with it."""
    source = read_toml(text, name)
    problems = Problems(name, source.locate, limit=MAX_PROBLEMS)
    document = Node(source.data, problems)
    for key, node in document.members():
        if key != "deviation":
            node.unknown("key", key, (), "a deviation begins with [[deviation]]")
    tables = document["deviation"] if "deviation" in document else Node([], problems)
    if not isinstance(tables.value, list):
        tables.expected("a list of tables, each of which begins with [[deviation]], in two brackets")
        problems.check()
    found = [_read(table) for table in tables.elements("a deviation")]
    problems.check()
    return tuple(found)


def _read(table: Node) -> Deviation:
    table.mapping(_MEMBERS)
    facet = table["facet"].one_of("facet", [*Facet])
    reason = table["reason"].text()
    if reason.strip().upper().startswith("TODO"):
        table["reason"].wrong("its reason is still to be written: a deviation that nobody can explain is a failure")
    cases, answers = _read_texts(table["cases"]), _read_texts(table["answer"])
    if "*" in cases and "{any}" in answers:
        table["answer"].wrong("any answer of all cases is known to be wrong: then nothing is judged; say what is wrong")
    return Deviation(
        cases=cases,
        facet=Facet(facet) if facet else Facet.STATUS,
        answers=answers,
        reason=reason.strip(),
        place=table.place,
        link=table.optional("link"),
        owner=table.optional("owner"),
        expires=_read_day(table["expires"]) if "expires" in table else None,
    )


def _read_texts(node: Node) -> tuple[str, ...]:
    """Return a text, or the texts of a list that has at least one."""
    if not isinstance(node.value, list):
        return (node.text(),)
    if not node.value:
        node.expected("a string, or a list of strings")
    return node.texts()


def _read_day(node: Node) -> str:
    if not isinstance(node.value, date) or isinstance(node.value, datetime):
        node.expected("a date without quotes, like 2026-12-31")
    return str(node.value)

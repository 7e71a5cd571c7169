"""The reader of a ledger's file: plain data becomes statements, and all problems are reported at once, with places."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from luma_conformance.catalogue import strict_yaml
from luma_conformance.catalogue.files import specs
from luma_conformance.errors import CatalogueError
from luma_conformance.ledger.ledger import CARRIERS, Beyond, Ledger, Statement
from luma_conformance.ledger.page import Digest
from luma_conformance.reading.document import Node, Problems, Source

FILE_KEYS: Final = ("page", "sections", "beyond")
SECTION_KEYS: Final = ("heading", "statements")
STATEMENT_KEYS: Final = ("says", "digest", "facts", *CARRIERS, "except", "reason")
BEYOND_KEYS: Final = (*CARRIERS, "reason")
NAME: Final = "ledger.yaml"
SCHEMA: Final = "ledger.schema.json"
MAX_PROBLEMS: Final = 100

_DIGEST: Final = re.compile(r"([0-9a-f]{12})/([1-9][0-9]{0,5})")


def load(path: Path | None = None) -> Ledger:
    """Return the ledger in a file, or the kit's own; raise CatalogueError with every problem of it."""
    file = path or specs() / NAME
    return read_ledger(strict_yaml.read(file, file.relative_to(specs().parent).as_posix() if path is None else None))


def read_ledger(source: Source) -> Ledger:
    """Return the ledger in the data of a file; raise CatalogueError with every problem of it."""
    problems = Problems(source.file, source.locate, error=CatalogueError, limit=MAX_PROBLEMS, shows_values=True)
    file = Node(source.data, problems, title="the ledger").mapping(FILE_KEYS)
    page = file["page"].text()
    sections: list[str] = []
    statements: list[Statement] = []
    for section in file["sections"].elements("a section"):
        section.mapping(SECTION_KEYS)
        sections.append(section["heading"].text())
        statements += [_read_statement(one, sections[-1]) for one in section["statements"].elements("a statement")]
    beyond = tuple(_read_beyond(one) for one in file["beyond"].elements("an entry of beyond"))
    problems.check()
    return Ledger(page=page, sections=tuple(sections), statements=tuple(statements), beyond=beyond)


def _read_statement(node: Node, section: str) -> Statement:
    node.mapping(STATEMENT_KEYS)
    carriers = _read_carriers(node)
    reason = node["reason"].text() if "reason" in node else None
    if reason is not None and carriers:
        node["reason"].wrong(f"a statement that {next(iter(carriers))} carry needs no reason; leave one of the two out")
    return Statement(
        section=section,
        says=node["says"].text(),
        digest=_read_digest(node["digest"]),
        facts=node["facts"].texts() if "facts" in node else (),
        carriers=carriers,
        reason=reason,
        exception=node["except"].text() if "except" in node else None,
        place=node.place,
    )


def _read_beyond(node: Node) -> Beyond:
    node.mapping(BEYOND_KEYS)
    return Beyond(carriers=_read_carriers(node), reason=node["reason"].text(), place=node.place)


def _read_carriers(node: Node) -> Mapping[str, tuple[str, ...]]:
    return {kind: node[kind].texts() for kind in CARRIERS if kind in node}


def _read_digest(node: Node) -> Digest:
    text = node.text()
    found = _DIGEST.fullmatch(text)
    if found is None:
        if text:
            node.wrong("digest should be twelve hexadecimal digits, a slash, and the number of characters")
        return Digest(0, "")
    return Digest(int(found[2]), found[1])

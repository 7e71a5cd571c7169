"""An invented page of errors, printed in the three forms in which pages are published, and a ledger of it."""

from __future__ import annotations

import html
import json
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from luma_conformance.ledger.facts import find_facts
from luma_conformance.ledger.page import Digest

ROWS = "rows"
CODE = "code"
WORDS = "words"
POINTS = "points"


@dataclass(frozen=True)
class Part:
    """A paragraph, the rows of a table, a list or a piece of code."""

    kind: str
    content: tuple[str, ...] | tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Section:
    """A heading, and what stands below it; `anchored` ones are repeated for screen readers."""

    heading: str
    parts: tuple[Part, ...]
    anchored: bool = True


def words(*sentences: str) -> Part:
    """Return a paragraph."""
    return Part(WORDS, sentences)


def code(*lines: str) -> Part:
    """Return a piece of code."""
    return Part(CODE, lines)


def rows(*cells: tuple[str, ...]) -> Part:
    """Return a table, its head first."""
    return Part(ROWS, cells)


def points(*items: str) -> Part:
    """Return a list."""
    return Part(POINTS, items)


PAGE = (
    Section("Parcel errors", (words("Each error of the Parcel API."),), anchored=False),
    Section(
        "Overview",
        (
            rows(
                ("Status", "Meaning", "Try again?"),
                ("400", "The parcel is wrong", "No"),
                ("404", "No such parcel", "No — look at its `parcel_id`"),
                ("429", "Too many parcels", "Yes — see Retry-After"),
            ),
            words("Every answer has the header `X-Parcel-Trace`.", "It’s at most 64 characters long."),
        ),
    ),
    Section(
        "400 — Wrong parcel",
        (
            words("Some parcels are not carried."),
            code('{ "detail": "Parcel is wrong" }'),
        ),
    ),
    Section(
        "Too heavy",
        (
            words("A parcel weighs at most 30 kg and 120 MB of papers."),
            words("Request:"),
            code("curl -X POST https://parcels.example/v1/parcels \\", "  -d '{\"weight_kg\": 31}'"),
            words("Response (HTTP 400):"),
            code("{", '  "detail": "weight_kg must be at most 30"', "}"),
            words("Fix: send “two” parcels."),
        ),
        anchored=False,
    ),
    Section(
        "Too large",
        (
            words("Sides of more than 90 px are refused."),
            words("Response (HTTP 400):"),
            code('{ "detail": "side is too long" }'),
            words("Fix: fold the parcel."),
        ),
        anchored=False,
    ),
    Section(
        "404 — Not found",
        (
            words("The parcel is not there."),
            words("Response (HTTP 404):"),
            code('{ "detail": "Parcel not found" }'),
        ),
    ),
    Section(
        "Lost parcels",
        (
            words("A lost parcel answers in the same way."),
            words("Response (HTTP 404):"),
            code('{ "detail": "Parcel not found" }'),
            points("Look for it *first*", "Never send it twice"),
        ),
        anchored=False,
    ),
    Section(
        "429 — Too many parcels",
        (
            words("Wait for the seconds of Retry-After.", "It is 60 seconds or less."),
            code("while not sent:", "    send(parcel)", "    sleep(2 ** tries)"),
            words("Do not hurry."),
        ),
    ),
)


def statements(section: Section) -> Iterator[str]:
    """Yield the statements of a section; an example goes with the label before it."""
    label = ""
    for part in section.parts:
        if part.kind == CODE:
            yield "\n".join((label, *map(str, part.content))).strip()
            label = ""
        elif part.kind == WORDS and str(part.content[0]).endswith(":"):
            label = str(part.content[0])
        else:
            yield from (plain(one if isinstance(one, str) else " | ".join(one)) for one in part.content)


def plain(text: str) -> str:
    """Return a text without its marks."""
    return text.replace("`", "").replace("*", "")


def write_ledger(folder: Path) -> Path:
    """Write the ledger of the page, whose statements are carried by cases called after their sections."""
    lines = ["page: https://parcels.example/errors", "sections:"]
    status = ""
    for section in PAGE:
        status = found[0] if (found := re.findall(r"^(\d{3}) — ", section.heading)) else status
        inside = status and not section.anchored
        lines += [f"  - heading: {json.dumps(f'{status} — {section.heading}' if inside else section.heading)}"]
        lines += ["    statements:"]
        for number, text in enumerate(statements(section)):
            facts = f", facts: {json.dumps(find_facts(text), ensure_ascii=False)}" if find_facts(text) else ""
            slug = section.heading.lower().replace(" — ", "-").replace(" ", "-")
            carried = f'cases: ["parcels/{slug}/{number}"]'
            lines += [f"      - {{says: {slug} {number}, digest: {Digest.of(text)}{facts}, {carried}}}"]
    file = folder / "ledger.yaml"
    file.write_text("\n".join([*lines, "beyond: []", ""]), encoding="utf-8")
    return file


def as_text(page: tuple[Section, ...] = PAGE) -> str:
    """Return the page as its published text: marks and line ends of code are lost, headings run into what follows."""
    printed: list[str] = []
    for section in page:
        anchor = f"Section titled “{section.heading}”" if section.anchored else ""
        printed.append(f"{section.heading}\n{anchor}" if anchor else f"{section.heading}\n")
        for part in section.parts:
            if part.kind == ROWS:
                table = [f"| {' | '.join(map(plain, row))} |\n" for row in part.content if not isinstance(row, str)]
                printed += [table[0], "|---|---|---|\n", *table[1:]]
            elif part.kind == POINTS:
                printed += [f"- {plain(str(one))}\n" for one in part.content]
            else:
                printed.append(plain(" ".join(map(str, part.content))) + "\n" * (part.kind == WORDS))
    return "".join(printed)


def as_markdown(page: tuple[Section, ...] = PAGE) -> str:
    """Return the page as Markdown."""
    printed = ["---", "title: Parcel errors", "---", ""]
    for section in page:
        printed += [f"{'##' if section.anchored else '####'} {section.heading}", ""]
        for part in section.parts:
            if part.kind == ROWS:
                table = [f"| {' | '.join(row)} |" for row in part.content if not isinstance(row, str)]
                printed += [table[0], "| --- | --- | --- |", *table[1:], ""]
            elif part.kind == POINTS:
                printed += [*(f"* {one}" for one in part.content), ""]
            elif part.kind == CODE:
                printed += ["```sh", *map(str, part.content), "```", ""]
            else:
                printed += [textwrap.fill(" ".join(map(str, part.content)), 40, break_on_hyphens=False), ""]
    return "\n".join(printed)


def as_html(page: tuple[Section, ...] = PAGE) -> str:
    """Return the page as a site shows it, with navigation, scripts and buttons around and in it."""
    printed = ["<!doctype html><html><head><title>Never 500</title></head><body><nav>429 must 30 MB</nav><main>"]
    for section in page:
        level = "h2" if section.anchored else "h4"
        printed.append(f'<div><{level} id="a">{html.escape(section.heading)}</{level}>')
        printed.append('<a href="#a"><span class="sr-only">Section titled</span><svg><text>x</text></svg></a></div>')
        printed += [_as_element(part) for part in section.parts]
    return "".join([*printed, "</main><footer>404 never</footer><script>must()</script></body></html>"])


def _as_element(part: Part) -> str:
    if part.kind == ROWS:
        cells = [[_marked(cell) for cell in row] for row in part.content if not isinstance(row, str)]
        return (
            f"<table>{''.join('<tr>' + ''.join(f'<td>{cell}</td>' for cell in row) + '</tr>' for row in cells)}</table>"
        )
    if part.kind == POINTS:
        return f"<ul>{''.join(f'<li>{_marked(str(one))}</li>' for one in part.content)}</ul>"
    if part.kind == CODE:
        lines = "".join(f'<div class="line"><span>{html.escape(str(line))}</span></div>' for line in part.content)
        return f"<figure><figcaption>Terminal</figcaption><pre><code>{lines}</code></pre><button>Copy</button></figure>"
    return f"<p>{_marked(' '.join(map(str, part.content)))}</p>"


def _marked(text: str) -> str:
    return re.sub(r"\*(.+?)\*", r"<em>\1</em>", re.sub(r"`(.+?)`", r"<code>\1</code>", html.escape(text, quote=False)))


def without(heading: str, page: tuple[Section, ...] = PAGE) -> tuple[Section, ...]:
    """Return a page without a section."""
    return tuple(one for one in page if one.heading != heading)


def moved(heading: str, page: tuple[Section, ...] = PAGE) -> tuple[Section, ...]:
    """Return a page with a section at its end."""
    return (*without(heading, page), *(one for one in page if one.heading == heading))


def with_section(section: Section, after: str) -> tuple[Section, ...]:
    """Return the page with one more section."""
    place = next(number for number, one in enumerate(PAGE) if one.heading == after) + 1
    return (*PAGE[:place], section, *PAGE[place:])


def edited(old: str, new: str) -> tuple[Section, ...]:
    """Return the page with a text replaced wherever it stands; it must stand somewhere."""
    page = tuple(replace(one, heading=one.heading.replace(old, new), parts=_edit(one.parts, old, new)) for one in PAGE)
    assert page != PAGE
    return page


def _edit(parts: tuple[Part, ...], old: str, new: str) -> tuple[Part, ...]:
    def change(one: str | tuple[str, ...]) -> str | tuple[str, ...]:
        return one.replace(old, new) if isinstance(one, str) else tuple(cell.replace(old, new) for cell in one)

    return tuple(Part(part.kind, tuple(change(one) for one in part.content)) for part in parts)  # type: ignore[arg-type]

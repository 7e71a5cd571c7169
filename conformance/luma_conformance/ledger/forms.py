"""The three forms in which the page is published, read into blocks: HTML, Markdown and text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

from luma_conformance.errors import InputError
from luma_conformance.ledger.page import ANCHOR, SEPARATOR, Block

_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_BREAKS: Final = frozenset({
    "address", "article", "aside", "blockquote", "body", "br", "dd", "details", "div", "dl", "dt", "figcaption",
    "figure", "hr", "li", "main", "ol", "p", "pre", "section", "summary", "table", "tbody", "thead", "tr", "ul",
})  # fmt: skip
_CELLS: Final = frozenset({"td", "th"})
_AROUND: Final = frozenset({
    "button", "dialog", "figcaption", "footer", "form", "head", "nav", "noscript", "script", "select", "style", "svg",
    "template",
})  # fmt: skip
"""Elements that are no part of the page's text."""
_HIDDEN: Final[frozenset[tuple[str, str | None]]] = frozenset({("role", "tablist"), ("class", "sr-only")})
"""Attributes of other elements that are none either: names of tabs, and what is for screen readers."""
_VOID: Final = frozenset({"br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})


def read_blocks(text: str, suffix: str) -> list[Block]:
    """Return the blocks of a copy, by the suffix of its file or else by what it looks like."""
    if suffix in (".html", ".htm", ".xhtml") or re.match(r"\s*<(!doctype|html|body|main|h1)\b", text, re.IGNORECASE):
        return read_html(text)
    if suffix in (".md", ".mdx", ".markdown") or re.search(r"^(```|~~~|#{2,6} \S)", text, re.MULTILINE):
        return read_markdown(text)
    return read_plain(text)


def read_plain(text: str) -> list[Block]:
    """Return the blocks of a text: its lines; a bar stands between the cells of a table."""
    titles = {" ".join(title.split()) for title in ANCHOR.findall(text)}
    lines = re.sub(r"\}(?=[A-Z0-9])", "}\n", ANCHOR.sub("\n", text)).splitlines()  # a heading may follow code at once
    return [Block(re.sub(r"\s\|\s", f" {SEPARATOR} ", line), " ".join(line.split()) in titles) for line in lines]


def read_markdown(text: str) -> list[Block]:
    """Return the blocks of a Markdown document; raise InputError if its reader is not installed."""
    try:
        from markdown_it import MarkdownIt
    except ImportError:
        raise InputError(
            "Markdown needs the extra `drift`: pip install 'luma-agents-conformance[drift]'; or save the page as HTML"
        ) from None
    front = re.match(r"---\n.*?\n---\n", text.replace("\r\n", "\n"), re.DOTALL)
    body = text.replace("\r\n", "\n")[front.end() if front else 0 :]
    return read_html(MarkdownIt("commonmark", {"html": True}).enable("table").render(body))


def read_html(text: str) -> list[Block]:
    """Return the blocks of an HTML document, without what stands around its text: those of `main`, if it has one."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    reader.end_block()
    start, end = (*reader.main, None, None)[:2]  # what `main` has no end of, because it was cut off, goes on to the end
    return reader.blocks[start:end]


class _Reader(HTMLParser):
    """Collects blocks; `main` says which of them stand in the element of this name."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self.main: list[int] = []
        self._text: list[str] = []
        self._heading = False
        self._around: list[str] = []

    def end_block(self) -> None:
        """End the current block, if there is any text in it."""
        text = "".join(self._text)
        if text.strip():
            self.blocks.append(Block(text, self._heading))
        self._text = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("body", "main"):
            self._around.clear()  # the end of a head may be left out
        if self._around or tag in _AROUND or _HIDDEN & {*attrs}:
            if tag not in _VOID:
                self._around.append(tag)
        elif tag in _HEADINGS or tag in _BREAKS:
            self.end_block()
            self._heading = tag in _HEADINGS
            if tag == "main" and not self.main:
                self.main = [len(self.blocks)]
        elif tag in _CELLS and self._text:
            self._text.append(f" {SEPARATOR} ")

    def handle_endtag(self, tag: str) -> None:
        if self._around:
            if tag in self._around:
                while self._around.pop() != tag:
                    pass
        elif tag in _HEADINGS or tag in _BREAKS:
            self.end_block()
            self._heading = False
            if tag == "main" and len(self.main) == 1:
                self.main.append(len(self.blocks))

    def parse_marked_section(self, i: int, report: int = 1) -> int:
        """Return where what HTML takes for a comment ends; the library's own asserts that it is CDATA."""
        return self.parse_bogus_comment(i, bool(report))

    def handle_data(self, data: str) -> None:
        if not self._around:
            self._text.append(data)

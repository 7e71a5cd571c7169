"""What every page of HTML has in common: its frame, its policy, and texts that are escaped where they are used."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template
from typing import Final

from luma_conformance.shown import one_line

_BREAKS: Final = re.compile(r"(?<=\w[/_.:])(?=\w)")
"""Where a long id or path may go on in the next line."""


def escape_text(text: str) -> str:
    """Return a text as HTML, escaped so that it cannot hide, run as markup or change the text direction."""
    return escape(one_line(text))


def escape_id(text: str) -> str:
    """Return an id or path as HTML that a narrow screen breaks between its words, not inside them."""
    return f"<bdi>{'<wbr>'.join(map(escape, _BREAKS.split(one_line(text))))}</bdi>"


def render_page(title: str, tone: str, **parts: str) -> str:
    """Return the page of runs, with its script; `parts` are HTML already, `title` is plain text."""
    style, script = _read_part("page.css"), _read_part("page.js")
    return Template(_read_part("page.html")).substitute(
        policy=f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'",
        style=style,
        script=script,
        title=escape_text(title),
        tone=tone,
        **parts,
    )


def render_still(title: str, tone: str, body: str) -> str:
    """Return a page without a script; `body` is HTML already, `title` is plain text."""
    style = _read_part("page.css")
    return Template(_read_part("still.html")).substitute(
        policy=f"default-src 'none'; style-src '{_hash(style)}'; img-src data:; base-uri 'none'; form-action 'none'",
        style=style,
        title=escape_text(title),
        tone=tone,
        body=body,
    )


def fold(summary: str, body: str, *, unfolded: bool = False) -> str:
    """Return HTML folded away behind a line of plain text."""
    return f"<details{' open' if unfolded else ''}><summary>{escape_text(summary)}</summary>{body}</details>"


def _read_part(name: str) -> str:
    return files("luma_conformance.report").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"

"""Texts that were put where others had been, before a recording was shared: each stands for more than one.

A secret, an id or a date may be replaced in a header, a URL or a body, by hand or by a filter of the recorder.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from luma_conformance.model import Exchange

_WORDS: Final = (
    "redacted|filtered|scrubbed|masked|removed|hidden|sanitized|sanitised|anonymized|anonymised|"
    "placeholder|dummy|secret"
)
_WITHIN: Final = re.compile(r"(?i)redacted|filtered|dummy|x{4}|\*{3}|<[^>]*>|…|\.\.\.")
_WHOLE: Final = re.compile(
    rf"(?i)[\W_]*(?:{_WORDS})(?:[_.:/-]+\w{{1,20}}){{0,3}}[\W_]*|x{{3,}}|[*•#-]{{3,}}"
    r"|<[^<>]*>|\[[^\[\]]*\]|\{+[^{}]*\}+|%\w+%|\$\w+|…|\.{3}"
)
_MOST: Final = 80
"""Characters of a text that stands for another."""


def is_hidden(text: str) -> bool:
    """Return whether a secret, or part of it, was replaced in a text of a header or a URL."""
    return _WITHIN.search(text) is not None or any(map(is_replaced, (text, *text.split())))


def is_replaced(text: str) -> bool:
    """Return whether a text as a whole seems to stand for another."""
    return len(text) <= _MOST and _WHOLE.fullmatch(text.strip()) is not None


def find_replaced(exchange: Exchange) -> str | None:
    """Return which body of an exchange has a text that seems to stand for another, or None."""
    for name, raw in (("response", exchange.response.body), ("request", exchange.request.body)):
        if holds_replaced(raw):
            return f"a text of the {name} that seems to be replaced"
    return None


def holds_replaced(raw: bytes) -> bool:
    """Return whether a body, or a text in its JSON, seems to stand for another."""
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        data = raw[: 2 * _MOST].decode("utf-8", "replace")
    return any(map(is_replaced, _list_texts(data)))


def _list_texts(data: object) -> Iterator[str]:
    waiting = [data]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value

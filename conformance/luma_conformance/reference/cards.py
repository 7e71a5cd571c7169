"""The test cards: keys, URLs, prompts and ids that make the reference behave in a known way (see README.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from luma_conformance.catalogue.roles import FAILURE_CODES
from luma_conformance.model import Request, header
from luma_conformance.rules import MediaFact, Problem

KEY_PREFIX: Final = "luma-api-"
_TEST_PREFIX: Final = f"{KEY_PREFIX}test-"
COMPLETED_VIDEO: Final = "d290f1ee-6c54-4b01-90e6-d701748f0851"
COMPLETED_IMAGE: Final = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


class KeyState(StrEnum):
    """Whether a key is valid; the other values are the page's texts for it."""

    GOOD = ""
    REVOKED = "API key has been revoked"
    EXPIRED = "API key has expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCard:
    """A client: the text that refuses it, its limits (None means the server's own), and whether it can pay."""

    refused: str = ""
    rpm: int | None = None
    concurrency: int | None = None
    funded: bool = True


CLIENTS: Final[Mapping[str, ClientCard]] = {
    "main": ClientCard(),
    "other": ClientCard(),
    "unfunded": ClientCard(funded=False),
    "suspended": ClientCard(refused="API client is suspended"),
    "deactivated": ClientCard(refused="API client is deactivated"),
    "low-rpm": ClientCard(rpm=3),
    "low-concurrency": ClientCard(concurrency=2),
}
KEYS: Final[Mapping[str, tuple[str, KeyState]]] = {
    **{f"{_TEST_PREFIX}{client}": (client, KeyState.GOOD) for client in CLIENTS},
    f"{_TEST_PREFIX}second": ("main", KeyState.GOOD),
    f"{_TEST_PREFIX}revoked": ("main", KeyState.REVOKED),
    f"{_TEST_PREFIX}expired": ("main", KeyState.EXPIRED),
}
"""Every key, with its client and state."""


def describe_caller(request: Request) -> str:
    """Return whose key a request has, without the key: `main-key`, `no key`, `unknown key`."""
    token = (header(request.headers, "Authorization") or "").removeprefix("Bearer ")
    if not token:
        return "no key"
    return f"{token.removeprefix(_TEST_PREFIX)}-key" if token in KEYS else "unknown key"


_HEAVY: Final = 52_428_801
_NOT_FOUND: Final = MediaFact(problem=Problem.HTTP_ERROR, http_status=404)
_FORBIDDEN: Final = MediaFact(problem=Problem.HTTP_ERROR, http_status=403)
_FAILING: Final = MediaFact(problem=Problem.HTTP_ERROR, http_status=500)
_UNREACHABLE: Final = MediaFact(problem=Problem.UNREACHABLE)
_NOT_AN_IMAGE: Final = MediaFact(problem=Problem.NOT_AN_IMAGE)
_LOADS: Final = MediaFact(bytes=100_000, width=1024, height=768)

_URLS: Final[Mapping[str, MediaFact]] = {
    "https://media.test/missing.png": _NOT_FOUND,
    "https://media.test/forbidden.png": _FORBIDDEN,
    "https://media.test/failing.png": _FAILING,
    "https://media.test/document.pdf": _NOT_AN_IMAGE,
    "https://media.test/over-50-mb.png": MediaFact(bytes=_HEAVY, width=1024, height=768),
    "https://media.test/9000x6000.png": MediaFact(bytes=100_000, width=9000, height=6000),
    "https://media.test/6000x9000.png": MediaFact(bytes=100_000, width=6000, height=9000),
    "https://media.test/proxy-down.png": MediaFact(problem=Problem.PROXY_DOWN),
    "https://media.test/ingestion-off.png": MediaFact(problem=Problem.INGESTION_OFF),
    # The page's own examples behave as it prints them.
    "https://example.com/deleted-image.jpg": _NOT_FOUND,
    "https://example.com/document.pdf": _NOT_AN_IMAGE,
}
_UNREACHABLE_HOSTS: Final = frozenset({"unreachable.test", "nonexistent-domain-12345.com"})


def look_up_url(url: str) -> MediaFact:
    """Return the result of fetching a URL: that of its test card, or a small image or video."""
    fact = _URLS.get(url)
    if fact is not None:
        return fact
    try:
        host = urlsplit(url).hostname
    except ValueError:  # https://[: no host to reach
        return _UNREACHABLE
    return _UNREACHABLE if host in _UNREACHABLE_HOSTS else _LOADS


STAYS: Final[Mapping[str, str]] = {"[test] stay queued": "queued", "[test] stay processing": "processing"}
"""Whole prompts whose generation stays in a state."""

FAILS: Final[Mapping[str, str]] = {f"[test] fail {code}": code for code in FAILURE_CODES}
"""Whole prompts whose generation fails with a code."""

REASONS: Final[Mapping[str, str]] = {
    "content_moderated": "Generation output was flagged by our content moderation system.",
    "budget_exhausted": "Insufficient balance to complete this generation.",
    "generation_failed": "Generation failed",
    "output_not_found": "Output artifacts not found",
    # The page documents no reason for these five.
    "image_too_large": "An input image is too large to process.",
    "unsupported_format": "An input has a format that is not supported.",
    "corrupt_input": "An input cannot be decoded.",
    "invalid_request": "The request was found invalid during generation.",
    "rate_limited": "The generation was rate limited upstream.",
}

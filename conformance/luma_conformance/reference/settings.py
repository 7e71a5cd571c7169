"""The settings a reference is started with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PORT: Final = 8080
"""The port `luma-conformance serve` listens on unless told otherwise."""

SERVED: Final = f"http://127.0.0.1:{PORT}"
"""The base URL of a reference that is served as it comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Limits of the main client, durations of a generation in seconds, and where the server is reached from outside.

    Output URLs begin with `public_url`, and paths may have its prefix. Without one they begin as the request's
    Forwarded, or X-Forwarded-Proto, -Host and -Prefix, says, or else with http and its Host. The limits are far above
    the page's examples (30 and 10), so that a whole catalogue runs without waiting.

    >>> from luma_conformance import InProcess, Settings
    >>> slow = InProcess(Settings(rpm=30, queued_seconds=5.0, processing_seconds=60.0))
    """

    rpm: int = 60_000
    concurrency: int = 10_000
    queued_seconds: float = 0.05
    processing_seconds: float = 0.05
    url_seconds: int = 3600
    public_url: str | None = None

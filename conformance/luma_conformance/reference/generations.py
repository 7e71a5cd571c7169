"""A generation: the request for it, and its state at a given time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from luma_conformance.reference.cards import REASONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One accepted job of a client; times are Unix time on that client's clock.

    It is processing from `starts` and over from `ends`, failed with the code `failure` or completed. None means never.
    """

    id: str
    client: str
    type: str
    model: str
    created: float
    starts: float | None
    ends: float | None
    failure: str | None = None

    def state(self, now: float) -> str:
        """Return the state at a time."""
        if self.ends is not None and now >= self.ends:
            return "failed" if self.failure else "completed"
        return "processing" if self.starts is not None and now >= self.starts else "queued"

    @property
    def media(self) -> str:
        """The kind of its output: image or video."""
        return "video" if self.type.startswith("video") else "image"

    def view(self, now: float, url: str | None) -> dict[str, object]:
        """Return the JSON of an answer about it; `url` is the URL of its output, once completed."""
        state = self.state(now)
        failure = self.failure if state == "failed" else None
        return {
            "id": self.id,
            "type": self.type,
            "state": state,
            "model": self.model,
            "created_at": f"{datetime.fromtimestamp(int(self.created), UTC):%Y-%m-%dT%H:%M:%SZ}",
            "output": [{"type": self.media, "url": url}] if state == "completed" else [],
            "failure_reason": REASONS[failure] if failure else None,
            "failure_code": failure,
        }

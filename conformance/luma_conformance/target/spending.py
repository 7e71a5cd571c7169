"""Counting the generations a target accepts, so that a run never costs more than its user allows."""

from __future__ import annotations

from luma_conformance.errors import SpendExhausted
from luma_conformance.model import GENERATIONS_PATH, Request, Response, Transport


class Spending:
    """A Transport that counts accepted generations; a `limit` of None means no limit, for a target that is free.

    The answer that exceeds the limit is still returned, so that it is judged; no generation is requested after it.
    """

    def __init__(self, transport: Transport, limit: int | None) -> None:
        self.limit = limit
        self.spent = 0
        self._transport = transport

    @property
    def exhausted(self) -> bool:
        """Whether more was accepted than is allowed."""
        return not self.allows(0)

    def allows(self, count: int) -> bool:
        """Return whether `count` more accepted generations are within the limit."""
        return self.limit is None or self.spent + count <= self.limit

    def send(self, request: Request) -> Response:
        """Return the answer; raise SpendExhausted if it would create a generation and the limit is exceeded."""
        creates = request.method == "POST" and request.url.partition("?")[0].rstrip("/") == GENERATIONS_PATH
        if creates and self.exhausted:
            accepted = f"{self.spent} generation{'s' * (self.spent != 1)}"
            raise SpendExhausted(f"the target accepted {accepted}, and --luma-spend allows {self.limit}")
        response = self._transport.send(request)
        # Any success, not only a 201: a target that answers 200 may send a bill all the same.
        if creates and 200 <= response.status < 300:
            self.spent += 1
        return response

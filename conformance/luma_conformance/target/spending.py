"""Counts the generations a target accepts, so that a run never costs more than its user allowed."""

from __future__ import annotations

from luma_conformance.errors import SpendExhausted
from luma_conformance.model import GENERATIONS_PATH, Request, Response, Transport


class Spending:
    """A Transport that counts accepted generations; a `limit` of None, for a target that costs nothing, is no limit.

    The answer that overdraws the limit is still handed back, so that it is judged; no generation is asked for after it.
    """

    def __init__(self, transport: Transport, limit: int | None) -> None:
        self.limit = limit
        self.spent = 0
        self._transport = transport

    @property
    def exhausted(self) -> bool:
        """Tells whether more was accepted than allowed."""
        return not self.allows(0)

    def allows(self, count: int) -> bool:
        """Tells whether `count` more accepted generations are within the limit."""
        return self.limit is None or self.spent + count <= self.limit

    def send(self, request: Request) -> Response:
        """Returns the answer; raises SpendExhausted instead of asking for a generation once the limit is overdrawn."""
        creates = request.method == "POST" and request.url.partition("?")[0].rstrip("/") == GENERATIONS_PATH
        if creates and self.exhausted:
            accepted = f"{self.spent} generation{'s' * (self.spent != 1)}"
            raise SpendExhausted(f"the target accepted {accepted}, and --luma-spend allows {self.limit}")
        response = self._transport.send(request)
        # Any success, not only a 201: a target that answers 200 may send a bill all the same.
        if creates and 200 <= response.status < 300:
            self.spent += 1
        return response

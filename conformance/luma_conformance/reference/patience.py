"""uvicorn's HTTP connection with bounds on what a client may leave unfinished.

uvicorn has one between two requests only: a head may be endless, and a request, or the first of a connection, may take
for ever.
"""

from __future__ import annotations

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD: Final = 65_536
"""Bytes of a request's head."""
PAUSE: Final = 10.0
"""Seconds from one look at a connection to the next."""
LEAST: Final = 10_000
"""Bytes that have to come in that time if nothing else goes on."""


class Connection(HttpToolsProtocol):
    """A connection that is closed when its client has let two looks pass without sending, or reading, enough."""

    _heard = _head = _done = _silent = 0
    _in_head = True
    _seen = (0, 0)
    _next_look: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn does so too
        super().connection_made(transport)
        self._next_look = self.loop.call_later(PAUSE, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._next_look is not None:
            self._next_look.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._heard += len(data)
        self._head += len(data)
        super().data_received(data)
        if self._in_head and self._head > MOST_HEAD and not self.transport.is_closing():
            self.send_400_response(f"The head of a request has over {MOST_HEAD} bytes.")

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head, self._head = True, 0
        self._done += 1
        super().on_message_complete()

    def _look(self) -> None:
        done, heard = self._seen
        self._seen = self._done, self._heard
        goes_on = self._done > done or self._heard - heard >= LEAST
        self._silent = self._silent + 1 if self._waits_for_client() and not goes_on else 0
        if self._silent == 2:
            self.transport.abort()  # what is still to be written is not waited for either
        else:
            self._next_look = self.loop.call_later(PAUSE, self._look)

    def _waits_for_client(self) -> bool:
        return self.cycle is None or self.cycle.response_complete or self.cycle.more_body or self.flow.write_paused

"""Requests as they arrive on a socket of this machine, for the kit's own small servers."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from typing import Final

from luma_conformance.model import Headers

_PIECE: Final = 65_536
_MOST: Final = 200_000_000
"""Bytes of a body."""
_MOST_HEAD: Final = 1_000_000


@dataclass(slots=True)
class Stream:
    """What has arrived on a connection and is not read yet."""

    socket: socket.socket
    waiting: bytearray = field(default_factory=bytearray)

    def receive(self) -> None:
        """Wait for more; raise EOFError if nothing comes any more."""
        if not (piece := self.socket.recv(_PIECE)):
            raise EOFError
        self.waiting += piece

    def read_until(self, end: bytes) -> bytes:
        """Return what stands before some bytes, and take both away; raise ValueError if they do not come."""
        while (at := self.waiting.find(end)) < 0:
            if len(self.waiting) > _MOST_HEAD:
                raise ValueError(end)
            self.receive()
        found = bytes(self.waiting[:at])
        del self.waiting[: at + len(end)]
        return found

    def read(self, length: int) -> bytes:
        """Return so many bytes; raise ValueError for more than are kept."""
        if not 0 <= length <= _MOST:
            raise ValueError(length)
        while len(self.waiting) < length:
            self.receive()
        found = bytes(self.waiting[:length])
        del self.waiting[:length]
        return found

    def read_head(self) -> tuple[str, str, str, Headers]:
        """Return the method, target, version and headers of a request; raise ValueError if that is no HTTP."""
        line, *lines = self.read_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        method, target, version = line.split(" ")
        headers = tuple((name, value.strip()) for name, _, value in (one.partition(":") for one in lines))
        return method, target, version, headers

    def read_chunks(self) -> bytes:
        """Return a body that comes in chunks; raise ValueError for a longer one than is kept."""
        body = bytearray()
        while length := int(self.read_until(b"\r\n").partition(b";")[0], 16):
            if len(body) > _MOST:
                raise ValueError(len(body))
            body += self.read(length)
            self.read_until(b"\r\n")
        while self.read_until(b"\r\n"):
            pass
        return bytes(body)

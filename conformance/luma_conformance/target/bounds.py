"""What one exchange with a target may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What one exchange may take; whatever goes beyond is a finding about the target.

    `connect` (name, connection and handshake together) and `total` are in seconds; `body` in bytes, as received and
    once inflated; `head` in bytes and `fields` in header fields, those of interim responses, of which there may be
    `interim`, counted in.
    """

    connect: float = 10.0
    total: float = 30.0
    body: int = 16 * 1024 * 1024
    head: int = 64 * 1024
    fields: int = 99
    interim: int = 16

"""What the kit prepares itself on a target, for roles that the target's profile does not give."""

from __future__ import annotations

from typing import Protocol

from luma_conformance.target.channel import Channel


class Preparation(Protocol):
    """The roles that the kit fills itself: generations of its own making, and keys that serve in place of others."""

    def missing(self, role: str, why: str, channel: Channel) -> str | None:
        """Return why the kit cannot fill a role, or None; `why` is the reason where it does not even try.

        It may send requests, and let time pass: call it only between the exchanges of two items.
        """
        ...

    def might_fill(self, role: str) -> bool:
        """Return whether the kit can fill a role, as far as is known without trying."""
        ...

    def value(self, role: str) -> str:
        """Return what fills a role: the id of a generation, or the role whose key serves in its place."""
        ...

    def withdraw(self, role: str, why: str) -> None:
        """Fill a role no more, for that reason."""
        ...


class NoPreparation:
    """The preparation of a target on which the kit makes nothing itself."""

    def missing(self, role: str, why: str, channel: Channel) -> str | None:
        """Return the reason as it is."""
        return why

    def might_fill(self, role: str) -> bool:
        """Return False."""
        return False

    def value(self, role: str) -> str:
        """Raise KeyError: no role is filled."""
        raise KeyError(role)

    def withdraw(self, role: str, why: str) -> None:
        """Do nothing: no role is filled."""

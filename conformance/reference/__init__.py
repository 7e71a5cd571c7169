"""The reference server: what the page says, as a service without I/O, embedded or served."""

from __future__ import annotations

from conformance.reference.clock import VirtualClock
from conformance.reference.inprocess import InProcess
from conformance.reference.media import media_facts
from conformance.reference.service import Service, profile_path
from conformance.reference.settings import Settings

__all__ = ("InProcess", "Service", "Settings", "VirtualClock", "media_facts", "profile_path")

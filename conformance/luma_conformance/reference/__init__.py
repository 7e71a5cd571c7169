"""The reference server: a service without I/O that answers as the page says, embedded or served over HTTP."""

from __future__ import annotations

from luma_conformance.reference.clock import VirtualClock
from luma_conformance.reference.inprocess import InProcess
from luma_conformance.reference.media import media_facts
from luma_conformance.reference.service import Service, profile_path
from luma_conformance.reference.settings import Settings

__all__ = ("InProcess", "Service", "Settings", "VirtualClock", "media_facts", "profile_path")

"""The embedded reference as a transport: no sockets, virtual time."""

from __future__ import annotations

from typing import Final

from luma_conformance.model import Request, Response
from luma_conformance.reference.clock import VirtualClock
from luma_conformance.reference.origin import ORIGIN
from luma_conformance.reference.service import Service
from luma_conformance.reference.settings import Settings


class InProcess:
    """A Transport to a service of its own.

    >>> import json
    >>> from luma_conformance import InProcess, Request
    >>> reference = InProcess()
    >>> key = ("Authorization", "Bearer luma-api-test-main")
    >>> create = Request(method="POST", url="/v1/generations", headers=(key,), body=b'{"prompt": "a lighthouse"}')
    >>> generation = json.loads(reference.send(create).body)
    >>> generation["state"]
    'queued'
    >>> reference.clock.sleep(1)
    >>> poll = Request(method="GET", url=f"/v1/generations/{generation['id']}", headers=(key,))
    >>> json.loads(reference.send(poll).body)["state"]
    'completed'
    """

    base_url: Final = ORIGIN

    def __init__(self, settings: Settings | None = None) -> None:
        self.clock = VirtualClock()
        self._service = Service(clock=self.clock, settings=settings or Settings())

    def send(self, request: Request) -> Response:
        """Return the service's answer; the URLs of its outputs lead back to the service."""
        if request.url.startswith(f"{ORIGIN}/"):
            local = request.url.removeprefix(ORIGIN)
            request = Request(method=request.method, url=local, headers=request.headers, body=request.body)
        return self._service.handle(request)

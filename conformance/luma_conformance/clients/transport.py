"""The whole reference behind a client under test: as a transport of httpx, a route of respx, or a loopback server."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

from luma_conformance.catalogue.roles import MAIN_KEY
from luma_conformance.clients.documented import Answer, find_answer
from luma_conformance.clients.loopback import serve
from luma_conformance.clients.mocks import Routes, require_extra, to_httpx, to_request
from luma_conformance.clients.virtual_time import VirtualTime
from luma_conformance.errors import InputError
from luma_conformance.model import GENERATIONS_PATH, Exchange, Request, Response
from luma_conformance.reading.document import nearest
from luma_conformance.reference import Service, Settings, profile_path
from luma_conformance.target.profile import Profile, load_profile

if TYPE_CHECKING:
    import httpx
    import respx

API: Final = "https://agents.lumalabs.ai/v1"
"""The base URL that clients use unless told otherwise."""
ORDINARY: Final = Settings(rpm=30, concurrency=10, queued_seconds=5.0, processing_seconds=25.0)
"""The limits of the page's examples, and a generation that takes as long as a usual image."""


@cache
def _read_profile() -> Profile:
    return load_profile(profile_path(), {})


class LumaReference:
    """The reference server, on virtual time; the type of the fixtures `luma_reference` and `luma_server`.

    It answers all that the API's host is asked, and serves the outputs. While it is active, sleeping costs nothing
    and is noted (see `VirtualTime`), and the server's time passes with it.

    >>> import httpx, time
    >>> from luma_conformance import LumaReference
    >>> with LumaReference() as luma_reference:
    ...     key = {"Authorization": f"Bearer {luma_reference.key()}"}
    ...     client = httpx.Client(transport=luma_reference.transport, base_url=luma_reference.base_url, headers=key)
    ...     generation = client.post("generations", json={"prompt": "a lighthouse"}).json()
    ...     time.sleep(30)
    ...     client.get(f"generations/{generation['id']}").json()["state"]
    'completed'
    >>> luma_reference.waits
    [30]
    """

    def __init__(self, settings: Settings = ORDINARY) -> None:
        self.base_url = API
        self.exchanges: list[Exchange] = []
        self.time = VirtualTime()
        self._service = Service(clock=self.time, settings=settings)
        self._profile = _read_profile()
        self._routes = Routes()
        self._ending = ExitStack()
        self._lock = threading.Lock()
        self._first: defaultdict[str, deque[Answer | None]] = defaultdict(deque)

    def __repr__(self) -> str:
        return f"<LumaReference: {self.base_url}, {len(self.exchanges)} requests; {self.time!r}>"

    def __enter__(self) -> Self:
        self._ending.enter_context(self.time)
        self._ending.enter_context(self._routes)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ending.close()

    @property
    def waits(self) -> list[float]:
        """How long the client slept, each time."""
        return self.time.waits

    @property
    def transport(self) -> httpx.MockTransport:
        """A transport for `httpx.Client` and `httpx.AsyncClient`; raise InputError without the extra `clients`."""
        require_extra("luma_reference.transport")
        import httpx

        return httpx.MockTransport(self)

    def key(self, role: str = MAIN_KEY) -> str:
        """Return the API key of a role, such as `low-rpm-key`; raise InputError for an unknown role."""
        __tracebackhide__ = True
        keys = self._profile.keys
        if role not in keys:
            raise InputError(f"the reference has no key {role!r}; {nearest(role, keys)}")
        return keys[role].token

    def value(self, role: str) -> str:
        """Return a prompt, a media URL or an id that makes the reference do something; raise InputError.

        `content-moderated-prompt` is that of a generation which fails with `content_moderated`.
        """
        __tracebackhide__ = True
        values = self._profile.values
        if role not in values:
            raise InputError(f"the reference has no value {role!r}; {nearest(role, values)}")
        return values[role]

    def first(self, *replies: str | None) -> None:
        """Answer the next requests otherwise: each with the documented answer of a case, by its id; raise InputError.

        None drops the connection instead. It is the requests to create a generation that are answered so, or else the
        polls, whichever the first case is about; after that the reference answers again.
        """
        __tracebackhide__ = True
        answers = [None if reply is None else find_answer(reply) for reply in replies]
        method = next((answer.step.ask.method for answer in answers if answer is not None), "POST")
        self._first[method].extend(answers)

    def __call__(self, request: httpx.Request, **named: Any) -> httpx.Response:
        """Return the reference's answer to a request of httpx, as a side effect of respx does."""
        import httpx

        asked = to_request(request)
        forwarded = (*asked.headers, ("X-Forwarded-Proto", request.url.scheme))  # where output URLs are to lead
        if (response := self._answer(asked, replace(asked, headers=forwarded))) is None:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)
        return to_httpx(response)

    def _answer(self, asked: Request, request: Request) -> Response | None:
        """Return the answer to a request, of which both are kept, or None where the connection is to be dropped."""
        with self._lock:
            sent = self.time.now()
            replies = self._first[asked.method] if asked.url.startswith(GENERATIONS_PATH) else None
            if not replies:
                response = self._service.handle(request)
            elif (answer := replies.popleft()) is not None:
                response = answer.respond(asked, sent)
            else:
                return None
            exchange = Exchange(request=asked, response=response, sent=sent, received=self.time.now())
            self.exchanges.append(exchange)
        return response

    def route(self, router: respx.Router | None = None) -> respx.Route:
        """Return a route of respx through which any client reaches the reference at the API's own address.

        It is added to a router of yours, such as `respx_mock`, or else is active until the fixture ends.
        """
        __tracebackhide__ = True
        require_extra("luma_reference.route")
        active = self._routes.open() if router is None else router
        return active.route(host=urlsplit(API).hostname).mock(side_effect=self)

    def serve(self) -> str:
        """Return the base URL of a loopback server, which is started once, for clients of any make."""
        if self.base_url == API:
            server = self._ending.enter_context(serve(lambda request: self._answer(request, request)))
            self.time.watch(server.is_busy)
            self.base_url = f"{server.url}/v1"
        return self.base_url

"""Ready mocks for respx and httpx: the documented answers by the ids of cases, alone or in turn."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias
from urllib.parse import urlsplit

from luma_conformance.clients.documented import STORAGE, Answer, find_answer
from luma_conformance.clients.virtual_time import VirtualTime
from luma_conformance.errors import InputError
from luma_conformance.model import Request, Response

if TYPE_CHECKING:
    import httpx
    import respx

    Reply: TypeAlias = (
        "str | httpx.Response | Exception | type[Exception] | Callable[[httpx.Request], httpx.Response] | LumaMock"
    )
    """A case by its id, a response, an error of httpx to raise, or what a function makes of the request."""

_CREATE: Final = r"^/?(v1/)?generations$"
_POLL: Final = r"^/?(v1/)?generations/[^/]+$"
"""The two paths, as respx sees them with and without a base URL."""


def require_extra(what: str) -> None:
    """Raise InputError if the packages of the extra `clients` are not installed."""
    missing = [name for name in ("httpx", "respx") if find_spec(name) is None]
    if missing:
        install = "pip install 'luma-agents-conformance[clients]'"
        raise InputError(f"{what} needs {' and '.join(missing)}: {install}")


class Routes:
    """A respx router of its own, which is active from the first use, inside a `with`, to its end."""

    def __init__(self) -> None:
        self._ending: ExitStack | None = None
        self._router: respx.MockRouter | None = None

    def __enter__(self) -> Self:
        self._ending = ExitStack()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._ending is not None
        self._ending.close()
        self._ending = self._router = None

    def open(self) -> respx.MockRouter:
        """Return the router, started; raise InputError outside the `with`: nobody would stop it."""
        import respx

        __tracebackhide__ = True
        if self._ending is None:
            raise InputError("route() puts a mock in place until the fixture, or the `with`, ends: it is not active")
        if self._router is None:
            self._router = self._ending.enter_context(respx.mock(assert_all_called=False))
        return self._router


class LumaErrors:
    """The documented answers as mocks, by the id of a case; the type of the fixture `luma_errors`.

    While it is active, sleeping costs nothing and is noted (see `VirtualTime`).

    >>> import httpx
    >>> from luma_conformance import LumaErrors
    >>> with LumaErrors() as luma_errors:
    ...     create = luma_errors("create/429-rpm/window-full").times(2).then("create/201-created/page-example").route()
    ...     url = "https://agents.lumalabs.ai/v1/generations"
    ...     print([httpx.post(url, json={"prompt": "a lighthouse"}).status_code for _ in range(4)])
    [429, 429, 201, 201]
    >>> create.call_count
    4
    """

    def __init__(self) -> None:
        require_extra("luma_errors")
        self.time = VirtualTime()
        self._routes = Routes()
        self._ending = ExitStack()
        self._mounted: list[tuple[respx.Route, LumaMock]] = []

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

    def __call__(self, *replies: Reply, headers: Mapping[str, str | None] | None = None) -> LumaMock:
        """Return a mock that gives these replies in turn, and the last one from then on; raise InputError.

        A reply is the id of a case, a response, an error of httpx, or a function from the request to a response.
        `headers` changes those of the documented answers; None leaves one out.
        """
        __tracebackhide__ = True  # of pytest: what is wrong is the line that calls this
        if not replies:
            raise InputError("luma_errors needs a reply, such as luma_errors('create/402-payment-required/image')")
        turns: list[Turn] = []
        for reply in replies:
            turns += self._plan(reply, headers)
        return LumaMock(tuple(turns), self)

    def check_called(self) -> None:
        """Raise AssertionError if a route that was mounted here was never asked: such a mock proves nothing."""
        unused = [mock for route, mock in self._mounted if not route.called]
        if unused:
            raise AssertionError(f"the client never sent what these were to answer: {', '.join(map(repr, unused))}")

    def mount(self, mock: LumaMock, router: respx.Router | None) -> respx.Route:
        """Return the route that a mock answers from now on."""
        __tracebackhide__ = True
        answers = [turn.answer for turn in mock.turns if turn.answer is not None]
        if not answers:
            raise InputError(
                "no reply here tells a route; write respx_mock.post(URL).mock(side_effect=...) for this one"
            )
        step = answers[0].step
        active = self._routes.open() if router is None else router
        if not step.ask.url.startswith("/"):
            route = active.get(host=urlsplit(STORAGE).hostname)
        else:
            path = _CREATE if step.ask.method == "POST" else _POLL
            route = active.route(method=step.ask.method, path__regex=path)
        self._mounted += [(route, mock)] if router is None else []
        return route.mock(side_effect=mock)

    def _plan(self, reply: Reply, headers: Mapping[str, str | None] | None) -> tuple[Turn, ...]:
        __tracebackhide__ = True
        if isinstance(reply, LumaMock):
            return reply.turns
        return (self._plan_answer(find_answer(reply), headers or {}) if isinstance(reply, str) else _plan_other(reply),)

    def _plan_answer(self, answer: Answer, headers: Mapping[str, str | None]) -> Turn:
        def give(request: httpx.Request, count: int) -> httpx.Response:
            return to_httpx(answer.respond(to_request(request), self.time.now(), count), headers)

        return Turn(says=f"{answer.step.expect.status[0]} {answer.case.id}", give=give, answer=answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One reply of a mock; `give` takes the request and how many replies came before."""

    says: str
    give: Callable[[httpx.Request, int], httpx.Response]
    answer: Answer | None = None


class LumaMock:
    """Replies in turn, the last one for as long as there are requests; made by `luma_errors`.

    It is a side effect of respx, a handler for `httpx.MockTransport` and a callback of pytest-httpx.

    >>> import httpx
    >>> from luma_conformance import LumaErrors, LumaMock
    >>> def name(mock: LumaMock) -> str:
    ...     client = httpx.Client(transport=httpx.MockTransport(mock))
    ...     return client.post("https://agents.lumalabs.ai/v1/generations").json()["detail"]
    >>> with LumaErrors() as luma_errors:
    ...     name(luma_errors("create/402-payment-required/image"))
    'Insufficient balance. Please add funds to continue.'
    """

    def __init__(self, turns: tuple[Turn, ...], errors: LumaErrors) -> None:
        self.turns = turns
        self._errors = errors
        self._count = itertools.count()

    def __repr__(self) -> str:
        parts = [(turn, len(list(group))) for turn, group in itertools.groupby(self.turns, key=lambda turn: turn.says)]
        return f"<LumaMock: {', then '.join(says if times == 1 else f'{says} {times} times' for says, times in parts)}>"

    def __call__(self, request: httpx.Request, **named: Any) -> httpx.Response:
        """Return the next reply, or raise it; respx adds what a pattern of the route has `named`."""
        count = next(self._count)
        return self.turns[min(count, len(self.turns) - 1)].give(request, count)

    def times(self, number: int) -> LumaMock:
        """Return a mock whose last reply comes so many times before the next one; raise InputError."""
        __tracebackhide__ = True
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise InputError(f"times takes a whole number from 1, not {number!r}")
        return LumaMock((*self.turns, *self.turns[-1:] * (number - 1)), self._errors)

    def then(self, *replies: Reply, headers: Mapping[str, str | None] | None = None) -> LumaMock:
        """Return a mock that gives these replies after its own, and the last one from then on; raise InputError."""
        __tracebackhide__ = True
        return LumaMock((*self.turns, *self._errors(*replies, headers=headers).turns), self._errors)

    def route(self, router: respx.Router | None = None) -> respx.Route:
        """Return a route of respx that is answered by this mock: that of its first documented answer, on any host.

        It is added to a router of yours, such as `respx_mock`, or else is active until the fixture ends, and must be
        asked by then; raise InputError.
        """
        __tracebackhide__ = True
        return self._errors.mount(self, router)


def to_request(request: httpx.Request) -> Request:
    """Return a request of httpx, whose body has been read, as one of ours."""
    headers = tuple(request.headers.multi_items())
    return Request(method=request.method, url=request.url.raw_path.decode(), headers=headers, body=request.content)


def to_httpx(response: Response, headers: Mapping[str, str | None] | None = None) -> httpx.Response:
    """Return a response of ours as one of httpx, some headers changed or, where None, left out."""
    import httpx

    changed = {name.lower(): value for name, value in (headers or {}).items()}
    kept = [field for field in response.headers if field[0].lower() not in changed]
    added = [(name, value) for name, value in (headers or {}).items() if value is not None]
    return httpx.Response(response.status, headers=[*kept, *added], content=response.body)


def _plan_other(reply: object) -> Turn:
    """Return the turn of a reply that is not of the catalogue; raise InputError for what is none."""
    import httpx

    __tracebackhide__ = True
    if isinstance(reply, httpx.Response):
        return Turn(says=str(reply.status_code), give=lambda *_: _copy(reply))
    if isinstance(reply, Exception):
        return Turn(says=type(reply).__name__, give=lambda *_: _raise(reply))
    if isinstance(reply, type) and issubclass(reply, httpx.RequestError):
        return Turn(says=reply.__name__, give=lambda request, _: _raise(reply("mocked", request=request)))
    if isinstance(reply, type) and issubclass(reply, Exception):
        return Turn(says=reply.__name__, give=lambda *_: _raise(reply("mocked")))
    if callable(reply) and not isinstance(reply, type):
        return Turn(says=getattr(reply, "__name__", repr(reply)), give=lambda request, _: reply(request))
    raise InputError(
        f"{reply!r} is no reply; one is the id of a case ('create/402-payment-required/image'), an httpx.Response, "
        "an exception of httpx (httpx.ReadError) or a function from a request to a response"
    )


def _copy(response: httpx.Response) -> httpx.Response:
    """Return a response like another, because a client closes the one it gets."""
    import httpx

    return httpx.Response(
        response.status_code, headers=response.headers, stream=response.stream, extensions=dict(response.extensions)
    )


def _raise(error: Exception) -> httpx.Response:
    raise error

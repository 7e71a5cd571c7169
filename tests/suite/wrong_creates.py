"""The reference with one thing wrong or only otherwise in what it does beside creating a generation or polling one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from luma_conformance.model import Request, header
from luma_conformance.reference.limits import SlidingWindow
from luma_conformance.strategies import Body
from tests.miniatures import Handle, Wrong
from tests.suite.wrong_limits import behind

Asked = Callable[[Body, Request], Any]
"""Something that a request has, from its body and the whole of it."""


def created(then: Callable[[Any, Any, Request, Any], None]) -> Wrong:
    """Do something after a generation is created, with the service, the client, the request and the generation."""

    def wrap(handle: Handle) -> Handle:
        service = behind(handle)
        create = service._create

        def creating(client: Any, request: Request) -> Any:
            answer = create(client, request)
            then(service, client, request, [*service._generations.values()][-1])
            return answer

        service._create = creating  # type: ignore[method-assign]
        return handle

    return wrap


def asked(first: Callable[[Any, Any, Request], None]) -> Wrong:
    """Do something before a generation is created or refused, with the service, the client and the request."""

    def wrap(handle: Handle) -> Handle:
        service = behind(handle)
        create = service._create

        def creating(client: Any, request: Request) -> Any:
            first(service, client, request)
            return create(client, request)

        service._create = creating  # type: ignore[method-assign]
        return handle

    return wrap


def polled(then: Callable[[Any, Any, Any], None]) -> Wrong:
    """Do something after a poll, with the service, the client, and the generation or None."""

    def wrap(handle: Handle) -> Handle:
        service = behind(handle)
        poll = service._poll

        def polling(client: Any, generation_id: str, request: Request) -> Any:
            try:
                return poll(client, generation_id, request)
            finally:
                then(service, client, service._generations.get(generation_id))

        service._poll = polling  # type: ignore[method-assign]
        return handle

    return wrap


def one_window_each(key: Asked) -> Wrong:
    """Keep a window of its own for each value of something that does not count."""

    def change(service: Any, client: Any, request: Request) -> None:
        windows = vars(service).setdefault("windows", {})
        own = client.name, key(body_of(request), request)
        client.window = windows.setdefault(own, SlidingWindow(client.window.limit))

    return asked(change)


def counting(times: Callable[[Body, Request], int]) -> Wrong:
    """Count a request so often; that one was not counted is said from the next answer on."""

    def before(service: Any, client: Any, request: Request) -> None:
        window, now = client.window, service._read_clock(client)
        window.refuse(now)
        window._admitted.extend([now] * (times(body_of(request), request) - 1))

    def after(service: Any, client: Any, request: Request, _: Any) -> None:
        if not times(body_of(request), request):
            client.window._admitted.pop()

    return lambda handle: created(after)(asked(before)(handle))


def ending(change: Callable[[Body, Any, float], float]) -> Wrong:
    """Free the slot of a job at another time, from the body, the generation, and when it should be free."""

    def retake(service: Any, client: Any, request: Request, generation: Any) -> None:
        now, own = service._read_clock(client), generation.ends
        end = min(now + 3600, own if own is not None else now + 10**9)
        client.slots._ends.remove(end)
        client.slots._ends.append(change(body_of(request), generation, end))
        client.slots._ends.sort()

    return created(retake)


def body_of(request: Request) -> Body:
    """Return the body of a request, or an empty one."""
    try:
        body = json.loads(request.body)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def sent(name: str) -> Asked:
    """Return what tells the value of a header."""
    return lambda _, request: header(request.headers, name)

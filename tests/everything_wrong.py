"""Servers that are wrong about everything, each in another shape: what a run says of them has to stay small.

All answer the preflight as the API does, so that they are judged case by case.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Final

from luma_conformance.model import Headers, Request, Response
from luma_conformance.target.preflight import PROBE
from tests.miniatures import ACCEPTED, Handle, Wrong, on_answers

_JSON: Final = (("Content-Type", "application/json"),)
_ODD: Final = "\x1b[31m\0\u202e\u2066🌅é夜<script>&amp;\r\n\"'`"
_NOISE: Final = "".join(random.Random(0).choices(_ODD, k=100_000))  # noqa: S311  no secret


def _everywhere(answer: Callable[[int, Response], Response]) -> Wrong:
    """Return a server whose every answer is made of its number and the reference's answer."""

    def wrap(handle: Handle) -> Handle:
        numbers = count()

        def answers(request: Request) -> Response:
            response = handle(request)
            asked_first = request.url.startswith(("/.well-known", "/_reference", PROBE)) or request.body == b"{}"
            return response if asked_first else answer(next(numbers), response)

        return answers

    return wrap


@_everywhere
def crash(_: int, response: Response) -> Response:
    """Answer 500 with two words of plain text."""
    return Response(status=500, headers=(("Content-Type", "text/plain"),), body=b"Internal Server Error")


@_everywhere
def traceback(number: int, response: Response) -> Response:
    """Answer 500 with a page of 1 MB that is another each time."""
    frames = "".join(f"<li>frame {number}-{line} &lt;module&gt; in handler.py</li>\n" for line in range(22_000))
    page = f"<!DOCTYPE html><title>Error {number}</title><pre>Traceback {number}</pre><ul>{frames}</ul>"
    return Response(status=500, headers=(("Content-Type", "text/html"),), body=page.encode())


@on_answers
def envelope(_: Request, response: Response) -> Response:
    """Wrap what is wrong in another envelope than the API's."""
    if not response.body.startswith(b'{"detail"'):
        return response
    return replace(response, body=json.dumps({"error": {"message": json.loads(response.body)["detail"]}}).encode())


@_everywhere
def soup(number: int, response: Response) -> Response:
    """Send a hundred headers of 4 kB, which is more than is read."""
    return replace(response, headers=tuple((f"X-Soup-{one}", f"{number}-{one} " + "s" * 4_000) for one in range(100)))


@_everywhere
def headers(number: int, response: Response) -> Response:
    """Send ninety long headers, and the API's own with nonsense."""
    many: Headers = tuple((f"X-Soup-{one}", f"{number}-{one} " + "s" * 500) for one in range(90))
    rate = tuple((name, "n" * 4_000) for name in ("X-RateLimit-Limit", "X-RateLimit-Reset", "X-Request-Id"))
    return replace(response, headers=(*_JSON, *rate, *many))


@_everywhere
def accepting(number: int, response: Response) -> Response:
    """Answer 201 to everything."""
    return Response(status=201, headers=_JSON, body=json.dumps(ACCEPTED).encode())


@_everywhere
def noise(number: int, response: Response) -> Response:
    """Answer 400 with a text of 100 kB that no terminal should see, another each time."""
    text = f"{number}: {_NOISE[number:]}"
    return Response(status=400, headers=_JSON, body=json.dumps({"detail": text}, ensure_ascii=number % 2 > 0).encode())


@_everywhere
def redirect(number: int, response: Response) -> Response:
    """Answer 302 with a page, and a long URL to sign in at."""
    url = f"https://login.invalid/{number}?next={'n' * 3_000}"
    page = f'<html><body>Moved <a href="{url}">here</a></body></html>'
    return Response(status=302, headers=(("Location", url), ("Content-Type", "text/html")), body=page.encode())


@_everywhere
def members(number: int, response: Response) -> Response:
    """Answer with an object of ten thousand members nobody knows, deep and wide."""
    body = {"errors": [{f"field_{number}_{one}": ["is wrong"] * 3} for one in range(5_000)], "state": "s" * 5_000}
    return replace(response, headers=_JSON, body=json.dumps(body).encode())


SHAPES: Final = {
    "crash": crash,
    "traceback": traceback,
    "envelope": envelope,
    "soup": soup,
    "headers": headers,
    "accepting": accepting,
    "noise": noise,
    "redirect": redirect,
    "members": members,
}

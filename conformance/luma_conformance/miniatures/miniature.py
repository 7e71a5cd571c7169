"""A miniature: a service that is the reference but for one thing, and the requests that show the difference."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from luma_conformance.model import GENERATIONS_PATH, Clock, Headers, Request, Response
from luma_conformance.reference.service import Service
from luma_conformance.reference.settings import Settings

Body = Mapping[str, Any]
Handle = Callable[[Request], Response]
Make = Callable[[Clock], Handle]
"""Makes a service, as its function from requests to answers, on a clock."""

ROOMY: Final = Settings(rpm=10**9, concurrency=10**9)
"""The settings of the embedded reference: nothing but the clients with a small limit is ever limited."""


class Area(StrEnum):
    """The part of the page a miniature is wrong about; the score is given by area."""

    RULES = "rules"
    TEXTS = "texts"
    STATUSES = "statuses"
    BOUNDARIES = "boundaries"
    CONTEXTS = "contexts"
    LEGAL = "legal requests"
    MEDIA = "media"
    AUTH = "keys"
    SCOPING = "scoping"
    LIMITER = "rate limit"
    SLOTS = "job limit"
    LIFE = "life cycle"
    URLS = "output URLs"
    HEADERS = "headers"
    SHAPE = "error shape"
    TRACING = "request ids"
    PROTOCOL = "protocol"
    VARIANTS = "variants"


@dataclass(frozen=True, slots=True)
class Wait:
    """A move of a witness that lets seconds pass."""

    seconds: float


Witness = Callable[[], Iterable[Request | Wait]]
"""Returns requests, and waits between them, to which a miniature answers otherwise than the reference.

In the URL of a request, `{id:0}` stands for the id in the first answer, and `{url:0}` for the URL of its first output.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """How a server speaks HTTP; with the defaults, nothing is wrong with it.

    `reads_chunked`, `reads_on`, `continues`: it reads chunked bodies, reads on until a body is complete, and answers
    `Expect: 100-continue`. `refuses`: names of headers, in lower case, of which it answers any with 400.
    `first_body`, `first_id`: each request of a connection is taken to have the body, or the request id, of the first.
    `most_requests`: every so many requests of a connection it fails. The rest is legal: the version it speaks, whether
    it keeps connections open, how it spells names, and how it sends a body.
    """

    reads_chunked: bool = True
    reads_on: bool = True
    continues: bool = True
    refuses: tuple[str, ...] = ()
    first_body: bool = False
    first_id: bool = False
    first_key: bool = False
    most_requests: int | None = None
    version: str = "HTTP/1.1"
    keeps_alive: bool = True
    lower_names: bool = False
    compresses: bool = False
    chunks: bool = False
    dribbles: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Miniature:
    """A wrong service, or a legal variant.

    `says` is one sentence about it, `heading` that of the page it violates. `touches` is whether its answer to a
    request, seen by itself, can differ from the reference's; without it, any answer may, but for those to media of
    70 MB, among requests of which `concerns` is true for one. `equivalent` is why it cannot be told from the reference by what the page says. `wire` is set where it is
    spoken to over HTTP.
    """

    name: str
    says: str
    heading: str
    area: Area
    make: Make
    witness: Witness | None = None
    touches: Callable[[Asked], bool] | None = None
    concerns: Callable[[Asked], bool] | None = None
    equivalent: str | None = None
    wire: Wire | None = None

    @property
    def is_legal(self) -> bool:
        """Whether it is a variant that must not be accused."""
        return self.area is Area.VARIANTS


@dataclass(frozen=True, slots=True)
class Family:
    """What miniatures of a kind share: their area, how their names begin, and their heading unless they have another."""

    area: Area
    below: str
    heading: str

    def derive(
        self,
        name: str,
        says: str,
        make: Make,
        witness: Witness | None = None,
        *,
        heading: str = "",
        touches: Callable[[Asked], bool] | None = None,
        concerns: Callable[[Asked], bool] | None = None,
        equivalent: str | None = None,
        wire: Wire | None = None,
    ) -> Miniature:
        """Return a miniature of the family."""
        return Miniature(
            name=f"{self.below}/{name}",
            says=says,
            heading=heading or self.heading,
            area=self.area,
            make=make,
            witness=witness,
            touches=touches,
            concerns=concerns,
            equivalent=equivalent,
            wire=wire,
        )


_NONE: Final = Response(status=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request with its parsed body, empty if it is no JSON object, and what is known of it from the reference.

    That is the ids of the rules the body breaks, and the reference's answer.
    """

    request: Request
    body: Body = field(default_factory=dict)
    broken: frozenset[str] = frozenset()
    answer: Response = _NONE

    @property
    def creates(self) -> bool:
        """Whether it asks for a generation."""
        return self.request.method == "POST" and self.request.url.partition("?")[0] == GENERATIONS_PATH


def moves(*sent: Request | Wait) -> Witness:
    """Return the witness that these moves are."""
    return lambda: sent


def is_lookup(asked: Asked) -> bool:
    """Return whether a request looks a generation or an output up."""
    return asked.request.method == "GET"


def is_limited(asked: Asked) -> bool:
    """Return whether a request has the key of a client with a small limit."""
    return any("-low-" in value for name, value in asked.request.headers if name.lower() == "authorization")


def concerning(what: Callable[[Asked], bool], miniatures: Iterable[Miniature]) -> Iterator[Miniature]:
    """Yield miniatures that can differ only where there is a request of a certain kind."""
    return (replace(one, concerns=what) for one in miniatures)


def read_json(raw: bytes) -> Body:
    """Return a JSON object, or an empty one in place of anything else."""
    try:
        body = json.loads(raw) if raw[:1] in (b"{", b" ", b"\n", b"\t", b"\r") else {}
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def write_json(body: object) -> bytes:
    """Return JSON as the reference writes it."""
    return json.dumps(body, ensure_ascii=False).encode(errors="backslashreplace")


def serve(kind: type[Service]) -> Make:
    """Return what makes a service of a class."""
    return lambda clock: kind(clock=clock, settings=ROOMY).handle


def redirecting(find: Callable[[Any, Any, str], tuple[Any, str]]) -> Make:
    """Return what makes a service that takes a lookup for another client's, or for one of another id.

    `find` returns both, from the service, the client who asks, and the id.
    """

    class Redirecting(Service):
        def _poll(self, client: Any, generation_id: str, request: Request) -> Any:
            return super()._poll(*find(self, client, generation_id), request)

    return serve(Redirecting)


def around(wrap: Callable[[Handle], Handle]) -> Make:
    """Return what makes the reference with its handler wrapped; the wrapper is applied anew to each service."""
    return lambda clock: wrap(Service(clock=clock, settings=ROOMY).handle)


def changing_answers(change: Callable[[Request, Response], Response]) -> Make:
    """Return what makes the reference with its answers changed."""
    return around(lambda handle: lambda request: change(request, handle(request)))


def changing_requests(change: Callable[[Request], Request]) -> Make:
    """Return what makes a reference that sees other requests than are sent."""
    return around(lambda handle: lambda request: handle(change(request)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A request to create a generation that is not written yet."""

    body: Body
    spell: Callable[[Body], str] = field(default=lambda body: json.dumps(body, ensure_ascii=False))
    headers: Headers = (("Content-Type", "application/json"), ("X-Request-Id", "witness"))
    client: str = "main"

    def write(self) -> Request:
        """Return the request."""
        return create(self.spell(self.body).encode(), self.client, self.headers)


def key_of(client: str) -> tuple[str, str]:
    """Return the Authorization header with the test key of a client."""
    return "Authorization", f"Bearer luma-api-test-{client}"


TYPED: Final = (("Content-Type", "application/json"), ("X-Request-Id", "witness"))


def create(body: Body | bytes, client: str = "main", headers: Headers = TYPED) -> Request:
    """Return a request to create a generation."""
    raw = body if isinstance(body, bytes) else write_json(body)
    return Request(method="POST", url=GENERATIONS_PATH, headers=(key_of(client), *headers), body=raw)


def poll(name: str = "{id:0}", client: str = "main") -> Request:
    """Return a request to look a generation up, by default the one the first answer is about."""
    traced = ("X-Request-Id", "witness")
    return Request(method="GET", url=f"{GENERATIONS_PATH}/{name}", headers=(key_of(client), traced))


CONNECTION: Final = "X-Loopback-Connection"
"""The header in which a request over HTTP carries the number of its connection, as a service sees it."""

_SLOT: Final = re.compile(r"\{(id|url):(\d+)\}")


def play_witness(make: Make, clock: Clock, witness: Witness) -> list[tuple[Request, Response]]:
    """Return the requests of a witness, as they are sent to a service, with its answers."""
    handle, answers = make(clock), list[Response]()
    sent: list[Request] = []
    for move in witness():
        if isinstance(move, Wait):
            clock.sleep(move.seconds)
            continue
        url = _SLOT.sub(lambda slot: _value(answers, slot[1], int(slot[2])), move.url)
        sent.append(Request(method=move.method, url=url, headers=move.headers, body=move.body))
        answers.append(handle(sent[-1]))
    return list(zip(sent, answers, strict=True))


def _value(answers: list[Response], what: str, index: int) -> str:
    body = read_json(answers[index].body)
    if what == "id":
        return str(body.get("id", "none"))
    outputs = body.get("output") or [{}]
    return str(outputs[0].get("url", "none")).removeprefix("http://reference.invalid")

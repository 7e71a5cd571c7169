"""The contexts in which a limit and a job's life are tried: what a request may have, and what may happen beside it.

None of it may change how a client is limited, or how its jobs end. Each context is plain data, a row: what it leaves
out is as in the plainest request. The rows are no product of everything: each model and type meets each way to end, and
each other feature is met by every value of the ones before it (`tests/strategies/test_jobs.py` counts the pairs).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from typing import Final

from luma_conformance.catalogue.roles import FAILURE_CODES
from luma_conformance.strategies.bodies import Body
from luma_conformance.strategies.material import VIDEO_TYPE, Material

Row = dict[str, str]
"""A context: a value for some of `kind`, `end`, `user`, `sender`, `meantime`, `at`, `polled`."""

COMPLETED: Final = "completed"
ENDS: Final = (COMPLETED, *FAILURE_CODES)
"""The ways a job can end: it is completed, or fails with a code."""
STAYS: Final = ("queued", "processing")
"""The states in which a job can be until it is too old to count."""

USERS: Final = ("", "user-1", "user-2")
"""Values of user_id; an empty one stands for none."""

CLOSED: Final = "the last on its connection"
AGENT: Final = "from another User-Agent"
ADDRESS: Final = "with X-Forwarded-For"
UNTRACED: Final = "without an X-Request-Id"
TRACED_ALIKE: Final = "with the X-Request-Id of others"
SENDERS: Final = ("", CLOSED, AGENT, ADDRESS, UNTRACED, TRACED_ALIKE)
"""How a request is sent."""

OWN_POLL: Final = "a poll of its own job"
OWN_REFUSAL: Final = "a refused request of its own"
OTHERS_REQUEST: Final = "another client's request"
OTHERS_REFUSAL: Final = "another client's refused request"
OTHERS_POLL: Final = "another client's poll of its job"
OTHERS_FAILURE: Final = "another client's job that failed"
NOBODYS_REQUEST: Final = "a request without a key"
MEANTIME: Final = (
    "", OWN_POLL, OTHERS_REQUEST, OWN_REFUSAL, OTHERS_POLL, OTHERS_FAILURE, NOBODYS_REQUEST, OTHERS_REFUSAL,
)  # fmt: skip
"""What happens right before a request."""

OVER: Final = "over"
BACK: Final = "back"
"""Where in the window a request comes: when it is full, or as soon as there is room again."""


def plain_bodies(material: Material) -> dict[str, Body]:
    """Return the shortest accepted request, but for its prompt, of each model and type that there is material for."""
    media_type, data = material.images[0]
    image = {"data": data, "media_type": media_type}
    video = {"url": material.video_url, "media_type": VIDEO_TYPE}
    ray = {"model": "ray-3.2"}
    bodies: dict[str, Body] = {
        "image": {},
        "image of uni-1-max": {"model": "uni-1-max"},
        "image_edit": {"type": "image_edit", "source": image},
        "video": {"type": "video", **ray},
        "image_edit of uni-1-max": {"type": "image_edit", "model": "uni-1-max", "source": image},
        "video_edit": {"type": "video_edit", "source": video, **ray},
        "video_reframe": {"type": "video_reframe", "source": video, "aspect_ratio": "16:9", **ray},
    }
    return {kind: body for kind, body in bodies.items() if body.get("source") != video or material.video_url}


def list_ends(kinds: Sequence[str], ends: Sequence[str], turns: int = 1) -> Iterator[list[Row]]:
    """Yield for each kind its jobs in every way to end, one after another, each in another context.

    In each further turn they come in further contexts: in six, each kind and end meets every sender and user.
    """
    meantime = cycle(MEANTIME[1:])
    for turn in range(turns):
        for k, kind in enumerate(kinds, start=turn):
            yield [
                {
                    "kind": kind,
                    "end": end,
                    "polled": "polled" if (k + e) % 2 else "",
                    "user": USERS[(k + e // 2) % len(USERS)],
                    "sender": SENDERS[(k + e + e // len(SENDERS)) % len(SENDERS)],
                    "meantime": next(meantime) if (k + e) % 5 == 1 else "",
                }
                for e, end in enumerate(ends)
            ]


def list_counted(kinds: Sequence[str]) -> Iterator[list[Row]]:
    """Yield requests of each kind, first with nothing but the kind, then with a user_id as well."""
    plain = [{"kind": kind} for kind in kinds]
    yield [*plain, *({**row, "user": USERS[1 + k % 2]} for k, row in enumerate(plain))]


def list_requests(kinds: Sequence[str], turns: int = 2) -> Iterator[list[Row]]:
    """Yield requests that come when the window is full and when it has room again.

    First each feature comes alone, then with others: when the window is full, beside every kind, in so many turns.
    """
    alone: list[Row] = [{}, *({"kind": kind} for kind in kinds[1:])]
    features = [("user", USERS), ("sender", SENDERS), ("meantime", MEANTIME)]
    single: list[Row] = [{name: value} for name, values in features for value in values[1:]]
    yield [*_place(alone, OVER), *_mix(_place(single, OVER), _place(single, BACK))]
    together = [
        {
            "kind": kind,
            "user": USERS[1 + (k + turn) % 2],
            "sender": SENDERS[(2 * k + turn) % len(SENDERS)],
            "meantime": MEANTIME[(k + 3 * turn) % len(MEANTIME)],
        }
        for turn in range(turns)
        for k, kind in enumerate(kinds)
    ]
    # What comes back and fails uses the window like any other.
    some = zip(together, FAILURE_CODES * (turns // 2), strict=False)
    rest = [{**row, "kind": kinds[0], "end": code} for row, code in some]
    yield [*_mix(_place(together, OVER), _place(rest, BACK))]


def describe(row: Mapping[str, str]) -> str:
    """Return a context in words: `a video that fails with rate_limited, with another user_id`."""
    kind = row.get("kind") or "image"
    words = [f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}", *_describe_end(row.get("end", ""))]
    if row.get("user"):
        words.append("with another user_id")
    if row.get("sender"):
        words.append(row["sender"])
    if row.get("meantime"):
        words.append(f"after {row['meantime']}")
    return " ".join(words[:2]) + "".join(f", {word}" for word in words[2:])


def _describe_end(end: str) -> Iterator[str]:
    if not end:
        yield "request"
    elif end in STAYS:
        yield f"that stays {end}"
    else:
        yield "that is completed" if end == COMPLETED else f"that fails with {end}"


def _place(rows: Sequence[Row], at: str) -> list[Row]:
    return [{**row, "at": at} for row in rows]


def _mix(over: Sequence[Row], back: Sequence[Row]) -> Iterator[Row]:
    """Yield rows of both, those of the longer list spread evenly before those of the other."""
    share = len(over) / max(len(back), 1)
    for number, row in enumerate(back):
        yield from over[round(number * share) : round((number + 1) * share)]
        yield row
    if not back:
        yield from over

"""The contexts in which a limit and a job's life are tried: what a request may have, and what may happen beside it.

None of it may change how a client is limited, or how its jobs end. Each context is plain data, a row: what it leaves
out is as in the plainest request. The rows are no product of everything: each model and type meets each way to end, and
each other feature is met by every value of the ones before it (`tests/strategies/test_jobs.py` counts the pairs).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from types import MappingProxyType
from typing import Final

from luma_conformance.catalogue.roles import FAILURE_CODES
from luma_conformance.strategies.bodies import Body
from luma_conformance.strategies.material import VIDEO_TYPE, Material

Row = dict[str, str]
"""A context: a value for some of `kind`, `with`, `end`, `user`, `sender`, `meantime`, `at`, `polled`."""

COMPLETED: Final = "completed"
ENDS: Final = (COMPLETED, *FAILURE_CODES)
"""The ways a job can end: it is completed, or fails with a code."""
STAYS: Final = ("queued", "processing")
"""The states in which a job can be until it is too old to count."""

USERS: Final = ("", "user-1", "user-2")
"""Values of user_id; an empty one stands for none."""

CLOSED: Final = "the last on its connection"
AGENT: Final = "from another User-Agent, as a retry"
ADDRESS: Final = "with X-Forwarded-For"
UNTRACED: Final = "without an X-Request-Id"
TRACED_ALIKE: Final = "with the X-Request-Id of others"
TYPED: Final = "with a charset"
SENDERS: Final = ("", CLOSED, AGENT, ADDRESS, UNTRACED, TRACED_ALIKE, TYPED)
"""How a request is sent."""

OWN_POLL: Final = "a poll of its own job"
OWN_LOOKUP: Final = "a poll of its own that finds nothing"
OWN_REFUSAL: Final = "a refused request of its own"
OWN_MISFIT: Final = "a request of its own with incompatible options"
OWN_TROUBLE: Final[Mapping[str, str]] = {
    f"a request of its own with the {role}": role
    for role in ("oversized-url", "unreachable-url", "proxy-down-url", "ingestion-off-url")
}
OTHERS_REQUEST: Final = "another client's request"
OTHERS_REFUSAL: Final = "another client's refused request"
OTHERS_POLL: Final = "another client's poll of its job"
OTHERS_FAILURE: Final = "another client's job that failed"
NOBODYS_REQUEST: Final = "a request without a key"
MEANTIME: Final = (
    "", OWN_POLL, OTHERS_REQUEST, OWN_REFUSAL, OTHERS_POLL, OTHERS_FAILURE, NOBODYS_REQUEST, OTHERS_REFUSAL,
    OWN_LOOKUP, OWN_MISFIT, *OWN_TROUBLE,
)  # fmt: skip
"""What happens right before a request."""

OF_WINDOWS: Final = tuple(one for one in MEANTIME if one != OWN_MISFIT and one not in OWN_TROUBLE)
"""What has no say in a window: whether refused requests use it is open, and one of them stands for all."""

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


def list_features(kind: str, material: Material) -> dict[str, Body]:
    """Return optional fields and forms of media of a kind of request, by what is said of them.

    None makes a job larger than the plainest: a server may let larger ones count for more.
    """
    media_type, data = material.images[0]
    image: Body = {"data": data, "media_type": media_type}
    ratio: Body = {"with an aspect_ratio": {"aspect_ratio": "9:16"}}
    pictures: Body = {
        **ratio,
        "with an output_format": {"output_format": "jpeg"},
        "with a reference": {"image_ref": [image]},
        "with web_search": {"web_search": True},
    }
    hosted: Body = {"url": material.image_url} if material.image_url is not None else image
    options = _list_options(image, hosted)
    base = kind.partition(" ")[0]
    fields: Mapping[str, Body] = {
        "image": {
            **pictures,
            "with style manga": {"style": "manga"},
            "with a reference by URL": {"image_ref": [hosted]},
        },
        "image_edit": {**pictures, "with a source by URL": {"source": hosted}},
        "video": ratio,
        "video_edit": ratio,
    }
    own = {what: {"video": patch} for what, patch in options.get(base, {}).items()}
    return {**own, **fields.get(base, {})}


def _list_options(image: Body, hosted: Body) -> Mapping[str, Body]:
    """Return video options of each type, by what is said of them."""
    short: Body = {"with a resolution": {"resolution": "720p"}}
    return {
        "video": {
            **short,
            "with a duration": {"duration": "5s"},
            "with a loop": {"loop": True},
            "with a start_frame": {"start_frame": image},
            "with an end_frame": {"end_frame": hosted},
        },
        "video_edit": {
            **short,
            "with a strength": {"edit": {"strength": "flex_2"}},
            "with auto_controls": {"edit": {"auto_controls": True}},
            "with controls": {"edit": {"controls": {"pose": {"enabled": True}}}},
            "with guide frames": {"edit": {"keyframes": [image, hosted], "keyframe_indexes": [0, 24]}},
        },
        "video_reframe": {
            **short,
            "with a source_position": {"source_position": {"x_norm": 0, "y_norm": 0, "w_norm": 1, "h_norm": 1}},
        },
    }


def name_features(kinds: Sequence[str], material: Material) -> dict[str, tuple[str, ...]]:
    """Return what is said of the features of each kind."""
    return {kind: tuple(list_features(kind, material)) for kind in kinds}


def list_ends(
    kinds: Sequence[str],
    ends: Sequence[str],
    turns: int = 1,
    features: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Iterator[list[Row]]:
    """Yield for each kind its jobs in every way to end, one after another, each in another context.

    In each further turn they come in further contexts: in seven, each kind and end meets every sender and user. Every
    second job has one of the `features` of its kind.
    """
    meantime = cycle(MEANTIME[1:])
    for turn in range(turns):
        for k, kind in enumerate(kinds, start=turn):
            yield [
                {
                    "kind": kind,
                    **_choose(features.get(kind, ()), k + e + turn),
                    "end": end,
                    "polled": "polled" if (k + e) % 2 else "",
                    "user": USERS[(k + e // 2) % len(USERS)],
                    "sender": SENDERS[(k + e + e // len(SENDERS)) % len(SENDERS)],
                    "meantime": next(meantime) if (k + e) % 5 == 1 else "",
                }
                for e, end in enumerate(ends)
            ]


def _choose(features: Sequence[str], number: int) -> Row:
    """Return one of the features in every second row."""
    return {"with": features[number // 2 % len(features)]} if features and number % 2 else {}


def list_counted(
    kinds: Sequence[str], features: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> Iterator[list[Row]]:
    """Yield requests of each kind: with nothing but the kind, with a user_id as well, and with each of its features.

    What several kinds have is tried with one of them.
    """
    plain = [{"kind": kind} for kind in kinds]
    first = {what: kind for kind in reversed(kinds) for what in features.get(kind, ())}
    beside = [
        {"kind": kind, "with": what, "user": USERS[n % len(USERS)], "sender": SENDERS[n % len(SENDERS)]}
        for n, (what, kind) in enumerate(first.items())
    ]
    stays = [{"kind": kinds[0], "end": end} for end in STAYS]
    yield [*plain, *({**row, "user": USERS[1 + k % 2]} for k, row in enumerate(plain)), *beside, *stays]


def list_requests(kinds: Sequence[str], turns: int = 2) -> Iterator[list[Row]]:
    """Yield requests that come when the window is full and when it has room again.

    First each feature comes alone, then with others: when the window is full, beside every kind, in so many turns.
    """
    alone: list[Row] = [{}, *({"kind": kind} for kind in kinds[1:])]
    features = [("user", USERS), ("sender", SENDERS), ("meantime", OF_WINDOWS)]
    single: list[Row] = [{name: value} for name, values in features for value in values[1:]]
    yield [*_place(alone, OVER), *_mix(_place(single, OVER), _place(single, BACK))]
    together = [
        {
            "kind": kind,
            "user": USERS[1 + (k + turn) % 2],
            "sender": SENDERS[(2 * k + turn) % len(SENDERS)],
            "meantime": OF_WINDOWS[(k + 2 * turn) % len(OF_WINDOWS)],
        }
        for turn in range(turns)
        for k, kind in enumerate(kinds)
    ]
    # What comes back and fails uses the window like any other.
    some = zip(together, FAILURE_CODES[:: 2 if turns == 2 else 1] * (turns // 2), strict=False)
    rest = [{**row, "kind": kinds[0], "end": code} for row, code in some]
    yield [*_mix(_place(together, OVER), _place(rest, BACK))]


def describe(row: Mapping[str, str]) -> str:
    """Return a context in words: `a video that fails with rate_limited, with another user_id`."""
    kind = row.get("kind") or "image"
    words = [f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}", *_describe_end(row.get("end", ""))]
    if row.get("with"):
        words.append(row["with"])
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

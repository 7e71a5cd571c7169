"""Requests no client should send: odd field values, bodies that are not requests, odd request ids."""

from __future__ import annotations

import json
from typing import Final

from hypothesis import strategies as st

from luma_conformance import paths
from luma_conformance.strategies.bodies import Body, valid_requests
from luma_conformance.strategies.material import Material

_PATHS: Final = (
    "prompt", "model", "type", "aspect_ratio", "style", "output_format", "web_search", "image_ref", "source", "video",
    "user_id", "video.resolution", "video.duration", "video.loop", "video.hdr", "video.exr_export",
    "video.start_frame", "video.end_frame", "video.source_position", "video.edit", "video.edit.keyframes",
    "video.edit.keyframe_indexes", "video.edit.controls", "image_ref[0]", "image_ref[0].url", "source.data",
    "source.generation_id", "unknown_field", "__proto__",
)  # fmt: skip
_VALUES: Final[tuple[object, ...]] = (
    None, True, False, 0, -1, 1.5, 2**63, -(2**63) - 1, 1e308, "", " ", "null", "\0", "\u202e", "a" * 7000, "\ud83d",
    [], {}, [[]], [None], {"": ""}, "http://127.0.0.1/", "file:///etc/passwd", "data:image/png;base64,AAAA",
    "00000000-0000-0000-0000-000000000000", {"url": 1}, {"data": ""}, {"generation_id": "not-a-uuid"}, [-1, -1],
)  # fmt: skip
_CONTENT_TYPES: Final = (
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "application/xml",
    "",
)
JSON: Final = "application/json"


@st.composite
def hostile(draw: st.DrawFn, material: Material = Material()) -> Body:
    """Draw an accepted request in which one or two fields have an odd value or type.

    >>> import json
    >>> from hypothesis import given
    >>> from luma_conformance import hostile
    >>> @given(hostile())
    ... def test_they_can_be_sent(body):
    ...     assert json.dumps(body)
    >>> test_they_can_be_sent()
    """
    body: object = draw(valid_requests(material))
    for path in draw(st.lists(st.sampled_from(_PATHS), min_size=1, max_size=2)):
        try:
            body = paths.put(body, path, draw(st.sampled_from(_VALUES)))
        except paths.PathError:  # an earlier value stands in the way
            continue
    assert isinstance(body, dict)
    return body


def malformed(material: Material = Material()) -> st.SearchStrategy[tuple[str, str, bytes]]:
    """Return bodies that are not requests: the name of the family, the content type and the bytes.

    The page speaks only of well-formed JSON objects ("422 — Unprocessable Entity"); of these it says only that all
    errors have one shape.

    >>> from hypothesis import given
    >>> from luma_conformance import InProcess, Request, malformed
    >>> key = ("Authorization", "Bearer luma-api-test-main")
    >>> @given(malformed())
    ... def test_each_is_refused(example):
    ...     family, content_type, body = example
    ...     headers = (key, ("Content-Type", content_type))
    ...     response = InProcess().send(Request(method="POST", url="/v1/generations", headers=headers, body=body))
    ...     assert 400 <= response.status < 500, family
    >>> test_each_is_refused()
    """
    texts = valid_requests(material).map(lambda body: json.dumps(body).encode())
    values = st.sampled_from(_VALUES).filter(lambda value: not isinstance(value, dict))
    return st.one_of(
        _family("wrong container", values.map(lambda value: json.dumps(value).encode())),
        _family("an array around it", texts.map(lambda text: b"[" + text + b"]")),
        _family("cut short", texts.map(lambda text: text[: len(text) // 2])),
        _family("not JSON", st.binary(min_size=1, max_size=40).filter(_is_not_json)),
        _family("an empty body", st.just(b"")),
        _family("no prompt", st.just(b"{}")),
        _family("deep nesting", st.sampled_from((b"[" * 5000 + b"]" * 5000, b"[" * 20_000))),
    )  # fmt: skip


def ambiguous(material: Material = Material()) -> st.SearchStrategy[tuple[str, str, bytes]]:
    """Return bodies that some servers accept as a request, and others refuse.

    Some parsers stop at the end of the first value, replace bytes that are not UTF-8, skip a byte order mark or take
    the last of two members; some frameworks turn a number into a text. No document says what is right.
    """
    texts = valid_requests(material).map(lambda body: json.dumps(body).encode())
    return st.one_of(
        _family("duplicate members", texts.map(lambda text: b'{"prompt": "", ' + text[1:])),
        _family("trailing garbage", texts.map(lambda text: text + b" garbage")),
        _family("invalid UTF-8", texts.map(lambda text: text.replace(b'"prompt": "', b'"prompt": "\xff\xfe', 1))),
        _family("a byte order mark", texts.map(lambda text: b"\xef\xbb\xbf" + text)),
        _family("wrong type", st.sampled_from((b'{"prompt": 5}', b'{"prompt": []}', b'{"prompt": {"a": "b"}}'))),
        _family("a huge number", st.sampled_from((b'{"prompt": 1' + b"0" * 4000 + b"}", b'{"prompt": 1e999999}'))),
        _family("a deep prompt", st.just(b'{"prompt": ' + b"[" * 5000 + b"]" * 5000 + b"}")),
        st.tuples(st.just("wrong content type"), st.sampled_from(_CONTENT_TYPES), texts),
    )


def request_ids() -> st.SearchStrategy[str]:
    """Return values of X-Request-Id that a header can carry; any text is allowed ("Request tracing").

    >>> from hypothesis import given
    >>> from luma_conformance import request_ids
    >>> @given(request_ids())
    ... def test_a_header_can_carry_them(value):
    ...     assert value == value.strip() and value.isprintable()
    >>> test_a_header_can_carry_them()
    """
    visible = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=60)
    words = st.lists(visible, min_size=1, max_size=3).map(" ".join)
    made = st.sampled_from(
        ("0", "null", "a" * 128, "myapp-user42-batch7-req003", "550E8400-E29B-41D4-A716-446655440000")
    )
    return made | visible | words


def ordinary_request_ids() -> st.SearchStrategy[str]:
    """Return values of X-Request-Id as programs make them: words and numbers, with dots, dashes and underscores."""
    words = st.text(st.sampled_from("abcxyzABCXYZ0189"), min_size=1, max_size=12)
    pairs = st.builds(str.join, st.sampled_from("-_."), st.lists(words, min_size=1, max_size=5))
    return pairs | st.uuids().map(str) | st.uuids().map(lambda made: str(made).upper())


def request_id_lists() -> st.SearchStrategy[tuple[str, ...]]:
    """Return the X-Request-Id headers of one request: none, an empty one, several, or a long one."""
    odd = st.sampled_from(("", "a" * 1024, "a" * 4096, ",", '"quoted"', "semi;colon"))
    return st.lists(odd | request_ids(), max_size=3).map(tuple)


def _family(name: str, bodies: st.SearchStrategy[bytes]) -> st.SearchStrategy[tuple[str, str, bytes]]:
    return st.tuples(st.just(name), st.just(JSON), bodies)


def _is_not_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return True
    return False

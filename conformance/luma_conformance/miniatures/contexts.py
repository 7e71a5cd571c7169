"""What the page gives no say: the contexts in which a rule must hold as it does without them.

They come from the page's field list, from JSON and from HTTP. Each can be added to a request, taken from it, and seen
in one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from luma_conformance.miniatures.controls import BY_DATA, BY_URL, PRIOR_VIDEO, give, look, put
from luma_conformance.miniatures.miniature import Asked, Body, Draft
from luma_conformance.model import Request, header
from luma_conformance.rules import facts


@dataclass(frozen=True, slots=True)
class Context:
    """One context: `words` end a sentence, `add` and `drop` give and take it, `holds` sees it in a request."""

    name: str
    words: str
    add: Callable[[Draft], Draft]
    holds: Callable[[Asked], bool]
    drop: Callable[[Draft], Draft] = lambda draft: draft


def _body(change: Callable[[Body], Body]) -> Callable[[Draft], Draft]:
    return lambda draft: replace(draft, body=change(draft.body))


def _field(path: str, value: Any, name: str = "") -> Context:
    """Return the context that a field has a value; of lists and objects, that it is there and not empty."""
    shown = name or f"{path.removeprefix('video.')}-{json.dumps(value)}".replace('"', "").replace(":", "-")

    def holds(asked: Asked) -> bool:
        found = look(asked.body, path)
        if isinstance(value, dict | list):
            return bool(found)
        return found == value and type(found) is type(value) and (value is not None or _stands(asked.body, path))

    words = f"when {path} is given" if isinstance(value, dict | list) else f"when {path} is {json.dumps(value)}"
    return Context(shown, words, _body(lambda body: put(body, path, value)), holds)


def _stands(body: Body, path: str) -> bool:
    parent, _, last = path.rpartition(".")
    inside = look(body, parent) if parent else body
    return isinstance(inside, dict) and last in inside


def _fields() -> Iterator[Context]:
    yield Context("user_id", "when user_id is given", _body(lambda body: {**body, "user_id": "customer-17"}), lambda asked: bool(asked.body.get("user_id")))  # fmt: skip
    yield _field("user_id", None, "user_id-null")
    for style in facts.STYLES:
        yield _field("style", style)
    for one in facts.OUTPUT_FORMATS:
        yield _field("output_format", one)
    yield _field("output_format", None)
    for flag in (True, False):
        yield _field("web_search", flag)
    yield Context("image_ref-empty", "when image_ref is empty", _body(lambda body: {**body, "image_ref": []}), lambda asked: asked.body.get("image_ref") == [])  # fmt: skip
    yield _field("image_ref", [BY_URL], "image_ref")
    yield _field("image_ref", [BY_DATA, BY_URL], "image_refs")
    for ratio in ("1:1", "9:16", "16:9"):
        yield _field("aspect_ratio", ratio)
    yield _field("aspect_ratio", None)
    yield _field("model", "uni-1")
    yield _field("model", "uni-1-max")
    yield _field("type", "image")
    yield _field("source", None, "source-null")
    yield _field("video", None, "video-null")


def _video_fields() -> Iterator[Context]:
    for one in facts.RESOLUTIONS:
        yield _field("video.resolution", one)
    for one in facts.DURATIONS:
        yield _field("video.duration", one)
    for name in ("loop", "hdr", "exr_export"):
        for flag in (True, False):
            yield _field(f"video.{name}", flag)
    for name in ("start_frame", "end_frame"):
        yield _field(f"video.{name}", BY_URL, name)
        yield _field(f"video.{name}", PRIOR_VIDEO, f"{name}-generation")
    position = {"x_norm": 0.0, "y_norm": 0.0, "w_norm": 1.0, "h_norm": 1.0}
    yield _field("video.source_position", position, "source_position")
    for strength in ("adhere_1", "flex_2", "reimagine_3"):
        yield _field("video.edit.strength", strength)
    for flag in (True, False):
        yield _field("video.edit.auto_controls", flag)
    yield _field("video.edit.controls", {"depth": {"enabled": True, "blur": 0.5}}, "controls")
    guides = {"keyframes": [BY_URL], "keyframe_indexes": [0]}
    yield Context("keyframes", "when guide frames are given", _body(lambda body: give(body, video__edit={**(look(body, "video.edit") or {}), **guides})), lambda asked: bool(look(asked.body, "video.edit.keyframes")))  # fmt: skip


def _absences() -> Iterator[Context]:
    """Yield the contexts that a field with a default is left out."""
    for name, default in (("model", "uni-1"), ("type", "image"), ("style", "auto"), ("web_search", False)):
        yield Context(
            f"{name}-left-out",
            f"when {name} is left out",
            _body(lambda body, name=name: {key: value for key, value in body.items() if key != name}),
            lambda asked, name=name: bool(asked.body) and name not in asked.body,
            _body(lambda body, name=name, default=default: {name: default, **body}),
        )


def _prompts() -> Iterator[Context]:
    rows: tuple[tuple[str, str, str, Callable[[str], bool]], ...] = (
        ("long", "when the prompt is longer than 1000 characters", "w" * 5990, lambda text: len(text) > 1000),
        ("one-letter", "when the prompt is one character", "x", lambda text: len(text) == 1),
        ("accents", "when the prompt is not ASCII", "Ein Leuchtturm in Århus – 灯台", lambda text: not text.isascii()),
        ("emoji", "when the prompt has an emoji", "a cat 🐈 asleep", lambda text: any(ord(one) > 0xFFFF for one in text)),
        ("lines", "when the prompt has several lines", "one\ntwo", lambda text: "\n" in text),
        ("quotes", "when the prompt has a quote", 'a "neon" sign', lambda text: '"' in text),
    )  # fmt: skip
    for name, words, text, test in rows:
        yield Context(f"prompt-{name}", words, _body(lambda body, text=text: {**body, "prompt": text}), lambda asked, test=test: isinstance(found := asked.body.get("prompt"), str) and test(found))  # fmt: skip


def _spelt(spell: Callable[[Body], str]) -> Callable[[Draft], Draft]:
    return lambda draft: replace(draft, spell=spell)


def _escape(body: Body) -> str:
    """Return JSON whose texts are spelt as escapes, letter by letter."""
    text = json.dumps(body)
    prompt = json.dumps(body.get("prompt"))
    inside = "".join(f"\\u{ord(one):04x}" if one.isalnum() else one for one in prompt)
    return text.replace(prompt, inside, 1) if prompt.isascii() and "\\" not in prompt else text


def _spellings() -> Iterator[Context]:

    yield Context(
        "prompt-key-last",
        "when the prompt is the last key",
        _body(lambda body: {**{k: v for k, v in body.items() if k != "prompt"}, "prompt": body["prompt"]}),
        lambda asked: len(asked.body) > 1 and [*asked.body][-1] == "prompt",
        _body(lambda body: {"prompt": body["prompt"], **body}),
    )
    yield Context(
        "keys-reversed",
        "when the keys come in descending order",
        _body(lambda body: dict(sorted(body.items(), reverse=True))),
        lambda asked: len(asked.body) > 1 and [*asked.body] == sorted(asked.body, reverse=True),
        _body(lambda body: dict(sorted(body.items()))),
    )
    yield Context("indented", "when the JSON is indented", _spelt(lambda body: json.dumps(body, indent=2)), lambda asked: b"\n" in asked.request.body)  # fmt: skip
    yield Context("compact", "when the JSON has no blanks", _spelt(lambda body: json.dumps(body, separators=(",", ":"))), lambda asked: _STRINGS.sub(b"", asked.request.body).split() == [_STRINGS.sub(b"", asked.request.body)])  # fmt: skip
    yield Context("escaped", "when a text is spelt with JSON's escapes", _spelt(_escape), lambda asked: b"\\u" in asked.request.body)  # fmt: skip


def _headed(*more: tuple[str, str]) -> Callable[[Draft], Draft]:
    names = {name.lower() for name, _ in more}
    return lambda draft: replace(draft, headers=(*(one for one in draft.headers if one[0].lower() not in names), *more))


def _without(name: str) -> Callable[[Draft], Draft]:
    return lambda draft: replace(draft, headers=tuple(one for one in draft.headers if one[0].lower() != name))


def _value(request: Request, name: str) -> str:
    return header(request.headers, name) or ""


_STRINGS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"')
_USUAL: Final = frozenset(
    ("authorization", "content-type", "x-request-id", "host", "content-length", "accept", "accept-encoding", "user-agent",
     "connection")
)  # fmt: skip


def _headers() -> Iterator[Context]:
    yield Context("charset", "when Content-Type has a charset", _headed(("Content-Type", "application/json; charset=utf-8")), lambda asked: "charset" in _value(asked.request, "Content-Type").lower())  # fmt: skip
    yield Context("no-request-id", "when no X-Request-Id is sent", _without("x-request-id"), lambda asked: not _value(asked.request, "X-Request-Id"))  # fmt: skip
    yield Context("long-request-id", "when X-Request-Id is longer than 64 characters", _headed(("X-Request-Id", "trace-" * 15)), lambda asked: len(_value(asked.request, "X-Request-Id")) > 64)  # fmt: skip
    yield Context("unknown-header", "when a header is sent that the page does not know", _headed(("X-Stainless-Lang", "python")), lambda asked: any(name.lower() not in _USUAL for name, _ in asked.request.headers))  # fmt: skip
    yield Context("lower-headers", "when header names are in lower case", lambda draft: replace(draft, headers=tuple((name.lower(), value) for name, value in draft.headers)), lambda asked: any(name == "content-type" for name, _ in asked.request.headers))  # fmt: skip


def _callers() -> Iterator[Context]:
    yield Context("accept", "when Accept is sent", _headed(("Accept", "application/json")), lambda asked: bool(_value(asked.request, "Accept")))  # fmt: skip
    for client, words in (("second", "for a second key of the client"), ("other", "for another client")):
        yield Context(f"{client}-key", words, lambda draft, client=client: replace(draft, client=client), lambda asked, client=client: _value(asked.request, "Authorization").endswith(f"-{client}"))  # fmt: skip


CONTEXTS: Final[tuple[Context, ...]] = (
    *_fields(), *_video_fields(), *_absences(), *_prompts(), *_spellings(), *_headers(), *_callers(),
)  # fmt: skip
"""Every context."""

"""What the page gives no say: the contexts in which a rule must hold as it does without them.

They come from the page's field list, from JSON and from HTTP. Each can be added to a request, taken from it, and seen
in one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from luma_conformance.miniatures.controls import BY_DATA, BY_URL, PRIOR_VIDEO, give, look, put
from luma_conformance.miniatures.miniature import Asked, Body, Draft
from luma_conformance.model import Request, header
from luma_conformance.rules import facts


@dataclass(frozen=True, slots=True, kw_only=True)
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
    return Context(name=shown, words=words, add=_body(lambda body: put(body, path, value)), holds=holds)


def _stands(body: Body, path: str) -> bool:
    parent, _, last = path.rpartition(".")
    inside = look(body, parent) if parent else body
    return isinstance(inside, dict) and last in inside


def _fields() -> Iterator[Context]:
    yield Context(
        name="user_id",
        words="when user_id is given",
        add=_body(lambda body: {**body, "user_id": "customer-17"}),
        holds=lambda asked: bool(asked.body.get("user_id")),
    )
    yield _field("user_id", None, "user_id-null")
    for style in facts.STYLES:
        yield _field("style", style)
    for one in facts.OUTPUT_FORMATS:
        yield _field("output_format", one)
    yield _field("output_format", None)
    for flag in (True, False):
        yield _field("web_search", flag)
    yield Context(
        name="image_ref-empty",
        words="when image_ref is empty",
        add=_body(lambda body: {**body, "image_ref": []}),
        holds=lambda asked: asked.body.get("image_ref") == [],
    )
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
    yield Context(
        name="keyframes",
        words="when guide frames are given",
        add=_body(lambda body: give(body, video__edit={**(look(body, "video.edit") or {}), **guides})),
        holds=lambda asked: bool(look(asked.body, "video.edit.keyframes")),
    )


def _absences() -> Iterator[Context]:
    """Yield the contexts that a field with a default is left out."""
    for name, default in (("model", "uni-1"), ("type", "image"), ("style", "auto"), ("web_search", False)):
        yield Context(
            name=f"{name}-left-out",
            words=f"when {name} is left out",
            add=_body(lambda body, name=name: {key: value for key, value in body.items() if key != name}),
            holds=lambda asked, name=name: bool(asked.body) and name not in asked.body,
            drop=_body(lambda body, name=name, default=default: {name: default, **body}),
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
        yield Context(
            name=f"prompt-{name}",
            words=words,
            add=_body(lambda body, text=text: {**body, "prompt": text}),
            holds=lambda asked, test=test: isinstance(found := asked.body.get("prompt"), str) and test(found),
        )


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
        name="prompt-key-last",
        words="when the prompt is the last key",
        add=_body(lambda body: {**{k: v for k, v in body.items() if k != "prompt"}, "prompt": body["prompt"]}),
        holds=lambda asked: len(asked.body) > 1 and next(reversed(asked.body.keys())) == "prompt",  # type: ignore[call-overload]
        drop=_body(lambda body: {"prompt": body["prompt"], **body}),
    )
    yield Context(
        name="keys-reversed",
        words="when the keys come in descending order",
        add=_body(lambda body: dict(sorted(body.items(), reverse=True))),
        holds=lambda asked: len(asked.body) > 1 and [*asked.body] == sorted(asked.body, reverse=True),
        drop=_body(lambda body: dict(sorted(body.items()))),
    )
    yield Context(
        name="indented",
        words="when the JSON is indented",
        add=_spelt(lambda body: json.dumps(body, indent=2)),
        holds=lambda asked: b"\n" in asked.request.body,
    )
    yield Context(
        name="compact",
        words="when the JSON has no blanks",
        add=_spelt(lambda body: json.dumps(body, separators=(",", ":"))),
        holds=lambda asked: b'":' in asked.request.body and b'": ' not in asked.request.body,
    )
    yield Context(
        name="escaped",
        words="when a text is spelt with JSON's escapes",
        add=_spelt(_escape),
        holds=lambda asked: b"\\u" in asked.request.body,
    )


def _headed(*more: tuple[str, str]) -> Callable[[Draft], Draft]:
    names = {name.lower() for name, _ in more}
    return lambda draft: replace(draft, headers=(*(one for one in draft.headers if one[0].lower() not in names), *more))


def _without(name: str) -> Callable[[Draft], Draft]:
    return lambda draft: replace(draft, headers=tuple(one for one in draft.headers if one[0].lower() != name))


def _value(request: Request, name: str) -> str:
    return header(request.headers, name) or ""


_USUAL: Final = frozenset(
    ("authorization", "content-type", "x-request-id", "host", "content-length", "accept", "accept-encoding", "user-agent",
     "connection")
)  # fmt: skip


def _headers() -> Iterator[Context]:
    yield Context(
        name="charset",
        words="when Content-Type has a charset",
        add=_headed(("Content-Type", "application/json; charset=utf-8")),
        holds=lambda asked: "charset" in _value(asked.request, "Content-Type").lower(),
    )
    yield Context(
        name="no-request-id",
        words="when no X-Request-Id is sent",
        add=_without("x-request-id"),
        holds=lambda asked: not _value(asked.request, "X-Request-Id"),
    )
    yield Context(
        name="long-request-id",
        words="when X-Request-Id is longer than 64 characters",
        add=_headed(("X-Request-Id", "trace-" * 15)),
        holds=lambda asked: len(_value(asked.request, "X-Request-Id")) > 64,
    )
    yield Context(
        name="unknown-header",
        words="when a header is sent that the page does not know",
        add=_headed(("X-Stainless-Lang", "python")),
        holds=lambda asked: any(name.lower() not in _USUAL for name, _ in asked.request.headers),
    )
    yield Context(
        name="lower-headers",
        words="when header names are in lower case",
        add=lambda draft: replace(draft, headers=tuple((name.lower(), value) for name, value in draft.headers)),
        holds=lambda asked: any(name == "content-type" for name, _ in asked.request.headers),
    )


def _callers() -> Iterator[Context]:
    yield Context(
        name="accept",
        words="when Accept is sent",
        add=_headed(("Accept", "application/json")),
        holds=lambda asked: bool(_value(asked.request, "Accept")),
    )
    for client, words in (("second", "for a second key of the client"), ("other", "for another client")):
        yield Context(
            name=f"{client}-key",
            words=words,
            add=lambda draft, client=client: replace(draft, client=client),
            holds=lambda asked, client=client: _value(asked.request, "Authorization").endswith(f"-{client}"),
        )


CONTEXTS: Final[tuple[Context, ...]] = (
    *_fields(), *_video_fields(), *_absences(), *_prompts(), *_spellings(), *_headers(), *_callers(),
)  # fmt: skip
"""Every context."""

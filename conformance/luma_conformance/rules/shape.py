"""The request schema that the page takes for granted, as tables of checks; no check relates two fields.

The page speaks only of requests whose every field has the right type ("422 — Unprocessable Entity"). A body that fails
a check here is not refused by the page but outside it, so the prediction is unspecified. A check returns None, or the
end of a sentence that begins with the field's path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from luma_conformance.rules import facts

Check = Callable[[object], str | None]

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_URL: Final = re.compile(r"https://[!-~]{1,2000}")
# A value the page's texts echo without doubt: printable, and the same with and without quoting rules.
_ECHOED: Final = re.compile(r"[!#-&(-\[\]-~](?:[ !#-&(-\[\]-~]{0,62}[!#-&(-\[\]-~])?")
_MEDIA_TYPE: Final = re.compile(r"[!-~]{1,100}")


def _text(value: object) -> str | None:
    if not isinstance(value, str):
        return " is not a string"
    return None if value.isascii() or not _has_surrogate(value) else " is not text"


def _has_surrogate(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False


def _filled(value: object) -> str | None:
    return " is empty" if value == "" else _text(value)


def _user_id(value: object) -> str | None:
    if isinstance(value, str) and len(value.encode(errors="surrogatepass")) > facts.MAX_USER_ID:
        return f" is longer than {facts.MAX_USER_ID} characters, however they are counted"
    if isinstance(value, str) and value and not value.isprintable():
        return " is not printable"
    return _filled(value)


def _flag(value: object) -> str | None:
    return None if value is True or value is False else " is not a boolean"


def _integer(value: object) -> str | None:
    return None if type(value) is int else " is not an integer"


def _matching(pattern: re.Pattern[str], what: str) -> Check:
    def check(value: object) -> str | None:
        if not isinstance(value, str):
            return " is not a string"
        return None if pattern.fullmatch(value) else f" is not {what}"

    return check


def _one_of(allowed: tuple[str, ...]) -> Check:
    def check(value: object) -> str | None:
        return None if isinstance(value, str) and value in allowed else " is not a value the page knows"

    return check


def _between(low: float, high: float, *, above: bool = False) -> Check:
    def check(value: object) -> str | None:
        if not isinstance(value, int | float) or isinstance(value, bool):
            return " is not a number"
        return None if low <= value <= high and not (above and value == low) else " is out of range"

    return check


def _or_null(inner: Check) -> Check:
    def check(value: object) -> str | None:
        return None if value is None else inner(value)

    return check


def _list_of(inner: Check) -> Check:
    def check(value: object) -> str | None:
        if not isinstance(value, list):
            return " is not an array"
        for index, item in enumerate(value):
            problem = inner(item)
            if problem is not None:
                return f"[{index}]{problem}"
        return None

    return check


def _object_of(table: Mapping[str, Check], required: tuple[str, ...] = ()) -> Check:
    def check(value: object) -> str | None:
        if not isinstance(value, dict):
            return " is not an object"
        for name, item in value.items():
            inner = table.get(name)
            if inner is None:
                return f".{name} is not a field the page knows"
            problem = inner(item)
            if problem is not None:
                return f".{name}{problem}"
        for name in required:
            if name not in value:
                return f".{name} is missing"
        return None

    return check


REFERENCE: Final[Mapping[str, Check]] = {
    "url": _matching(_URL, "an https URL"),
    "data": _filled,
    "media_type": _matching(_MEDIA_TYPE, "a media type"),
    "generation_id": _matching(_UUID, "a UUID"),
}
_reference = _object_of(REFERENCE)

_POSITION: Final[Mapping[str, Check]] = {
    "x_norm": _between(-2, 2),
    "y_norm": _between(-2, 2),
    "w_norm": _between(0, 2, above=True),
    "h_norm": _between(0, 2, above=True),
}

_CONTROLS: Final[Mapping[str, Check]] = {
    "depth": _object_of({"enabled": _flag, "blur": _between(0, 1)}),
    "face": _object_of({"enabled": _flag}),
    "normals": _object_of({"enabled": _flag, "augmentation": _between(0, 1)}),
    "pose": _object_of({"enabled": _flag, "strength": _one_of(("precise", "coarse"))}),
    "trajectory": _object_of({"enabled": _flag, "sparsity": _between(0, 1)}),
}

_EDIT: Final[Mapping[str, Check]] = {
    "auto_controls": _flag,
    "strength": _one_of(facts.STRENGTHS),
    "controls": _object_of(_CONTROLS),
    "keyframes": _list_of(_reference),
    "keyframe_indexes": _list_of(_integer),
}

_VIDEO: Final[Mapping[str, Check]] = {
    "resolution": _one_of(facts.RESOLUTIONS),
    "duration": _one_of(facts.DURATIONS),
    "loop": _flag,
    "hdr": _flag,
    "exr_export": _flag,
    "start_frame": _reference,
    "end_frame": _reference,
    "source_position": _object_of(_POSITION, required=tuple(_POSITION)),
    "edit": _object_of(_EDIT),
}

# The nullable fields are the ones the schema calls so; an explicit null there is the same as leaving the field out.
_BODY: Final[Mapping[str, Check]] = {
    "prompt": _text,
    "model": _matching(_ECHOED, "a value the page's texts would echo unchanged"),
    "type": _one_of(facts.TYPES),
    "aspect_ratio": _or_null(_matching(_ECHOED, "a value the page's texts would echo unchanged")),
    "style": _one_of(facts.STYLES),
    "output_format": _or_null(_one_of(facts.OUTPUT_FORMATS)),
    "web_search": _flag,
    "image_ref": _list_of(_reference),
    "source": _or_null(_reference),
    "video": _or_null(_object_of(_VIDEO)),
    "user_id": _or_null(_user_id),
}
_check_body = _object_of(_BODY, required=("prompt",))


def find_misfit(body: object) -> str | None:
    """Return why the page does not cover a body, or None if it does."""
    problem = _check_body(body)
    if problem is None:
        return None
    return f"the body{problem}" if problem.startswith(" ") else problem.removeprefix(".")

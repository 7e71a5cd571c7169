"""The bodies of a recording: there, empty, or lost. Decided here from all the evidence that a file gives of one.

A file that holds no body may have lost it, or there was none. What it says of the body's size, the headers that came
with it and the marks of the program that wrote it tell the two apart; where they do not, the body counts as lost.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from luma_conformance.model import Headers, header
from luma_conformance.recording.coding import StillCoded, decode, is_text

NOT_THERE: Final = "is not in the file"
_LENGTH: Final = re.compile(r"[0-9]{1,15}")
_MOST: Final = 1e15


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What a file holds of a body, and what it says of it.

    `value` is its text, its bytes, its JSON as plain data, or a list of its chunks; None if there is nothing.
    `sizes` are lengths in bytes that the file gives beside it, `sent` lengths on the wire, coded or not. `damage` is
    why the file itself calls it incomplete. `is_optional`: there may have been no body, and so nothing means none.
    `is_request`: it is a request's, from which recorders are often told to leave members out.
    """

    value: object
    headers: Headers
    sizes: tuple[object, ...] = ()
    sent: tuple[object, ...] = ()
    damage: str | None = None
    is_optional: bool = False
    is_request: bool = False


def restore(stored: Stored) -> tuple[bytes, str | None]:
    """Return a body, and None; or nothing, and why the body is lost."""
    if stored.damage is not None:
        return b"", stored.damage
    coding = header(stored.headers, "Content-Encoding") or ""
    if not (raw := to_bytes(_drop_mark(stored))):
        return b"", _find_loss(stored)
    try:
        body = decode(_undo_latin(stored.value, coding) or raw, coding)
    except StillCoded as error:
        return b"", str(error)
    is_coded = body is not raw or coding not in ("", "identity")
    claims = _to_lengths(stored.sizes if is_coded else (*stored.sizes, header(stored.headers, "Content-Length")))
    if isinstance(stored.value, str) and body is raw and (read := _undo_misreading(stored.value, claims)) is not None:
        return (b"", read) if isinstance(read, str) else (read, None)
    claimed = max(claims, default=0)
    loss = _find_lack(body, claimed, stored)
    return (b"", loss) if loss is not None else (_unwrap(body, claimed), None)


def _find_lack(body: bytes, claimed: int, stored: Stored) -> str | None:
    """Return why a part of a body is lost, as its size shows, or None."""
    if claimed <= len(body):
        return None
    if not _is_json(body):  # a part of a JSON object is never JSON
        return "is cut off in the file"
    return "is shorter in the file than it was" if stored.is_request and claimed > _count_longest(body) else None


def _drop_mark(stored: Stored) -> object:
    """Return the value of a body; the text of an answer without a byte order mark, which a recorder may have put there.

    In a request it stays: servers differ about it, whoever put it there.
    """
    is_answer = isinstance(stored.value, str) and not stored.is_request
    return str(stored.value).removeprefix("\ufeff") if is_answer else stored.value


def to_bytes(value: object) -> bytes:
    """Return the bytes of a body in any of the forms that recorders write."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace")  # JSON may hold half of a surrogate pair, which UTF-8 cannot encode
    if isinstance(value, bytes):
        return value
    if value is None:
        return b""
    if isinstance(value, list) and value and all(isinstance(one, str | bytes) for one in value):
        return b"".join(map(to_bytes, value))  # the chunks of an iterator
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def _undo_latin(value: object, coding: str) -> bytes | None:
    """Return the bytes of a coded body that a program took for text in Latin-1; None for any other."""
    if not coding or not isinstance(value, str) or is_text(value[:1000].encode("utf-8", "replace")):
        return None
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return None


def _undo_misreading(text: str, claims: list[int]) -> bytes | str | None:
    """Return the bytes of a text in UTF-8 that was read in another encoding, or why it is lost; None if it was not.

    Its length tells it from a text that a server has coded twice.
    """
    if "\ufffd" in text:
        return "has characters that were lost"
    for encoding in () if text.isascii() else ("latin-1", "cp1252"):
        try:
            raw = text.encode(encoding)
            raw.decode("utf-8")
        except UnicodeError:
            continue
        if len(raw) in claims:
            return raw
        return None if len(text.encode()) in claims else "may have been read in another encoding than UTF-8"
    return None


def _find_loss(stored: Stored) -> str | None:
    """Return why a body of which nothing is there was lost, or None if it was empty."""
    claims = _to_lengths((*stored.sizes, *stored.sent, header(stored.headers, "Content-Length")))
    # Even of nothing a content coding makes some bytes.
    if max(claims, default=0) > 0 or header(stored.headers, "Content-Encoding") not in (None, "identity"):
        return f"{NOT_THERE}, though there was one"
    if claims or stored.is_optional:
        return None
    is_chunked = "chunked" in (header(stored.headers, "Transfer-Encoding") or "").lower()
    return NOT_THERE if stored.value is None or is_chunked else None


def _to_lengths(sizes: Iterable[object]) -> list[int]:
    """Return the sizes that are known; HAR writes one that is not as -1."""
    numbers = [int(size) if isinstance(size, str) and _LENGTH.fullmatch(size) else size for size in sizes]
    return [int(one) for one in numbers if isinstance(one, int | float) and one is not False and 0 <= one < _MOST]


def _is_json(body: bytes) -> bool:
    return _read_json(body) is not None


def _read_json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _count_longest(body: bytes) -> int:
    """Return how many bytes a JSON body may have had before a program wrote it out anew, in fewer."""
    return len(json.dumps(_read_json(body)))


def _unwrap(body: bytes, claimed: int) -> bytes:
    """Return a body that a program wrote in base64, or as a JSON string, without saying so, as its size shows."""
    if not claimed or len(body) <= claimed or body[:1] in b"{[":
        return body
    if body[:1] == b'"':
        inner = _read_json(body)
        plain = inner.encode("utf-8", "replace") if isinstance(inner, str) else b""
    else:
        try:
            plain = b64decode(body, validate=True)
        except ValueError:
            return body
    return plain if len(plain) == claimed and _is_json(plain) else body

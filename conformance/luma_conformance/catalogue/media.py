"""The values the kit supplies for placeholders: long prompts, and images in base64.

Small images are constants and large ones are blank PNGs, so no image library is needed.
"""

from __future__ import annotations

import json
import struct
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from luma_conformance.catalogue.roles import REPEATED, SUPPLIES, is_supplied

IMAGE_LIMIT: Final = 52_428_800
"""The API's limit of 50 MB, in bytes."""

LARGE: Final = 1_000_000
"""Length above which a text is not worth looking through for what JSON escapes."""
_UNESCAPED: Final = json.JSONEncoder(ensure_ascii=False)
_ZEROS: Final = b"A" * 65536
"""Zeros in base64."""
LONG: Final = 200
"""Characters above which a supplied value is stored by its name."""

_JPEG: Final = (
    "eNr7f+P/AwYBLzdPNwZGRgYGRiBk+H+bwZlBgJuHj4dLgI+XT0hQQFhCQ0pCTEzCUFlVVsPK2NbG0tjC3MEjxs/BJdzV3CIgNzA8Pik9I93Ot7"
    "CyIKUiJjU9GWQIo6CQkISohL6UlH6yk4VTMsng/wEGQQ6Qm5gZlRiYBBmZBRn/H2EQBTsVBTADhUUE0EUZQIoZMRSzgBQLYiq+xcDDzAi0hlmQ"
    "wZ6hg1u4gWEUDBxg/n8TAEjdPBQ="
)
_WEBP: Final = (
    "eNoL8nRz28PAwBDu6hQQFmChsAHIFhBkmMuoxcDIwGh3MWNjsIaayqIFGowMUpyZeQ/LNko7cPGUPLH9dvIkA9udWx+LipT3vt/m53w/Z077vp"
    "uW/LWbiuR+p4DkT1S/nTzh+211RQql1zAw/Psnzf7nbbS8mv1LvWl3/wnW31mSnODAAAUAegJY6g=="
)
_GIF: Final = (
    "eNoBzwEw/kdJRjg3YQABAAGBAABaeKAAAAAAAAAAAAAsAAAAAAABAAFACP8AAQgcSLCgwYMIEypcyLChw4cQI0qcSLGixYsYM2rcyLGjx48gQ4"
    "ocSbKkyZMoU6pcybKly5cwY8qcSbOmzZs4c+rcybOnz59AgwodSrSo0aNIkypdyrSp06dQo0qdSrWq1atYs2rdyrWr169gw4odS7as2bNo06pd"
    "y7at27dw48qdS7eu3bt48+rdy7ev37+AAwseTLiw4cOIEytezLix48eQI0ueTLmy5cuYM2vezLmz58+gQ4seTbq06dOoU6tezbq169ewY8ueTb"
    "u27du4c+vezbu379/AgwsfTry48ePIkytfzry58+fQo0ufTr269evYs2vfzr279+/gw4uoH0++vPnz6NOrX8++vfv38OPLn0+/vv37+PPr38+/"
    "v///AAYo4IAEFmjggQgmqOCCDDbo4IMQRijhhBRWaOGFGGao4YYcdujhhyCGKOKIJJZo4okopqjiiiy26OKLMMYo44w01mjjjTjmqOOOPPbo44"
    "9ABinkkEQWaeSRSCap5JJMNunkk1BGKeWUVFZp5ZVYZqnlllx26eWXYIYp5phklmnmmWimOVxAADutnPrK"
)
"""Plain images of 256x256 pixels, deflated."""
_CLIP: Final = (
    "eNrVlU1sG0UUx2eddOOgqDgfMkmbENt1LSVVoHETI7kg4qQyKUklSNMoal2K7bWx1d3Y7G7dwCEhbqUExMlISOyhiqwqEhISKFS5tkqjqCofokWyEB"
    "dEDqbqqUjIhAMNM7vjj51XesEXVruemd/+35t9/9kdI4QccfW9dFJJSQhZEGnx5Q1nooNSemgQoX07UiqVQQiJUiYhINPR8ACh9hXEIXJWD86sYscj"
    "6KmHBc85qMrhi7gfUi/qczbAbHhe9PR5njSv5QOME/rQHRNUBbfdMVFRqxEkbyONbfxcEpJh3HFIAlv7UXw9Qme29MFAQhDl8p1MUojVKmfwODUenh"
    "PEGNE0TkvJuTjudGQkPWntY7oF4163IMfiNWW0XJJFh9Fv7FDUiIj7W4qqCDWaG2TR/sUKXDguexx3xsuKlkmsd4jJyLzXN/Skhejc28O/fqwa4wTU"
    "u/cr6n4Ht1/IV0dWX/wr3UqWhSM/R5/tHLz6NoeaEg/GruTufPX37i6Jt6XDSpo+C7k6IqpMjd4vludQVH0Rys88r68/1uLaajm5dqNVbQ/1gt5309"
    "ZG2iaqsdJc//f73diLKOPFvNFyf+B779esGeEh4h++2v7jdaAOOQ7WIUdPHXL01iGHsw45XHXIgb+NaKr6PvCEvXJJUMlGNSzF9JYcztpNCW9kcjid"
    "Fms/cGvS2PmscTmGd6zmFkkIk/FsbGUJcb2P3a/d+vj1C4+/PbvWdObeN799/d3+H499/2abvh3js/Xh7cU/P3S9NEtGwVvtP2jLb4T41csfWR92bJ"
    "LdtsF82lrJphDQmu1brXsUWnJkNwhcs11ZuWywtncJ4a51tp84YpCuR5QcqpDfKTkGyBggpwGJgswKIJ9eZ6PWrrOaDUC2QVQBkCIgJTZPF28i9oB2"
    "wK0tcYnPJq2HKs59YjjnzO30UOfSRnSf694z5nx93gqhc/aNAs0U0EQAkUFUFmjWTrKajZOsZhuQAogqAlJio/p5VtNvN2meC2hHhn5e4iRsHcq+yr"
    "x03vzs8qLppfN7p0dvmqbwjwIyBUikQuhj+GVAsiAqBzQbSaYc/3aSKdlfAKQISInNc5wHxM5GHfeYNF0B7eUTwdWRc+fOek4ji5X9YsfW5xnzJkZV"
    "pqCJKZUpeiICiAyiskCTA5o80Gy7WFJwsVFFQEps1CTPaibtQOMBGp9JczCgnZqeIebp7iHHctm+facM+6Y3Pc5fTPaFpg7bvjRNE4pUCJ0mJAOSBV"
    "E5oMkDsg6iCv1MkaEiIKV+puzzPCB2Nuq8B2h8gARNUT0B7S0hrttn+Ndg6S0b2PyTYWDs/guMgVJkgClKkgeYwqUs0OSAJg8064BsgqiilylKKnkZ"
    "K+Z4VjNnBxoP0PiAJgjIjIk8H9BSasYwkDqInBeog3eXDAczO76yg/SfY0EeZqpayA4zlS/kgCYPyDqI2gTkPiAlP1P5Ig+I3c9UvugBGh8gQRA1Az"
    "TxquYf02ZqhQ=="
)
"""Five seconds of one colour in H.264, 640x360 at 24 frames a second, deflated."""
_MP4: Final = b"\0\0\0\x18ftypisom\0\0\2\0isommp42"
"""The box every MP4 file begins with."""


def abbreviate(example: object) -> object:
    """Return JSON data with each long value that the kit can make again replaced by its name: `"{inline-png}"`."""
    if isinstance(example, str):
        name = _find_name(example) if len(example) > LONG else None
        return f"{{{name}}}" if name else example
    return _rebuild(example, abbreviate)


def expand(example: object) -> object:
    """Return JSON data with each placeholder of the kit's own replaced by its value."""
    return _replace_names(example, supply)


def encode(body: object) -> bytes:
    """Return a generated body as it is sent: what names stand for is put in, as UTF-8.

    Half a surrogate pair has no UTF-8; a body with one is written with JSON's own escapes.
    """
    named = _replace_names(body, lambda name: f"{{{name}}}" if name in LARGE_NAMES else supply(name))
    try:
        return write(named)
    except UnicodeEncodeError:
        return _put_large(json.dumps(named).encode())


def write(document: object) -> bytes:
    """Return data as JSON in UTF-8; where the name of what has 70 MB stands in it, that is put in, and copied once."""
    return _put_large(_UNESCAPED.encode(document).encode())


def _put_large(text: bytes) -> bytes:
    for name in LARGE_NAMES:
        before, *more = text.split(f'"{{{name}}}"'.encode())
        if more:
            pieces = _MAKE_LARGE[name]()
            text = b"".join([before, *(piece for rest in more for piece in (b'"', *pieces, b'"', rest))])
    return text


def _replace_names(example: object, value: Callable[[str], str]) -> object:
    if isinstance(example, str):
        name = example[1:-1] if example[:1] == "{" and example[-1:] == "}" else ""
        return value(name) if is_supplied(name) else example
    return _rebuild(example, lambda member: _replace_names(member, value))


def _find_name(text: str) -> str | None:
    """Return the name by which the kit supplies a long text, or None."""
    if len(text) > LARGE:
        return next((name for name in LARGE_NAMES if supply(name) == text), None)
    if (name := _names_by_text().get(text)) is not None:
        return name
    for length in range(1, 9):
        unit = text[:length]
        if len(text) % length == 0 and text == unit * (len(text) // length):
            name = f"text-{len(text) // length}-{'-'.join(f'{ord(one):x}' for one in unit)}"
            return name if REPEATED.fullmatch(name) else None
    return None


def _rebuild(example: object, change: Callable[[object], object]) -> object:
    if isinstance(example, dict):
        return {name: change(member) for name, member in example.items()}
    if isinstance(example, list | tuple):
        return type(example)(change(element) for element in example)
    return example


def supply(name: str) -> str:
    """Return the value the kit supplies under a name; raise KeyError for another name.

    What has 70 MB is made anew each time: that takes a fraction of what sending it does, and nothing has to hold it.
    """
    return b"".join(_MAKE_LARGE[name]()).decode("ascii") if name in LARGE_NAMES else _supply_small(name)


@cache
def _supply_small(name: str) -> str:
    if (found := REPEATED.fullmatch(name)) is not None:
        return "".join(chr(int(one, 16)) for one in found[2].split("-")) * int(found[1])
    return _MAKERS[name]()


def _inflate(deflated: str) -> Callable[[], str]:
    return lambda: _encode_base64(zlib.decompress(b64decode(deflated)))


def _encode_base64(raw: bytes) -> str:
    return b64encode(raw).decode("ascii")


def _make_png(width: int, height: int, *, depth: int = 1, channels: int = 1) -> bytes:
    """Return a blank PNG with `depth` bits a channel; it takes a few kilobytes even at 72 million pixels."""
    return frame_png(
        width, height, bytes((1 + (width * channels * depth + 7) // 8) * height), depth=depth, channels=channels
    )


def frame_png(width: int, height: int, rows: bytes, *, depth: int = 8, channels: int = 3) -> bytes:
    """Return a PNG of these rows, each of which begins with the number of its filter."""
    colour = {1: 0, 3: 2}[channels]
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    framed = (struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
              for kind, data in chunks)  # fmt: skip
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def _make_heavy(size: int) -> list[bytes]:
    """Return a PNG that decodes, padded with zeros to so many bytes."""
    return _pad(_make_png(256, 256, depth=8, channels=3), size)


def _pad(raw: bytes, size: int) -> list[bytes]:
    """Return the pieces of bytes in base64, padded with zeros to so many: most are one and the same piece."""
    head, padding = b64encode(raw + bytes(-len(raw) % 3)), -size % 3
    count, rest = divmod((size + padding) // 3 * 4 - len(head) - padding, len(_ZEROS))
    return [head, *[_ZEROS] * count, _ZEROS[:rest], b"=" * padding]


def _make_video_over_50_mb() -> list[bytes]:
    """Return an MP4's first box and one of empty space, together one byte more than the limit."""
    space = IMAGE_LIMIT + 1 - len(_MP4)
    return _pad(_MP4 + struct.pack(">I", space) + b"free", IMAGE_LIMIT + 1)


_MAKERS: Final[Mapping[str, Callable[[], str]]] = {
    "prompt-of-6000": lambda: _make_prompt(6000),
    "prompt-of-6001": lambda: _make_prompt(6001),
    "inline-png": lambda: _encode_base64(_make_png(256, 256, depth=8, channels=3)),
    "inline-jpeg": _inflate(_JPEG),
    "inline-webp": _inflate(_WEBP),
    "inline-gif": _inflate(_GIF),
    "inline-mp4": lambda: _encode_base64(_MP4),
    "inline-video": _inflate(_CLIP),
    "inline-8000x8000": lambda: _encode_base64(_make_png(8000, 8000)),
    "inline-9000x6000": lambda: _encode_base64(_make_png(9000, 6000)),
}
_MAKE_LARGE: Final[Mapping[str, Callable[[], list[bytes]]]] = {
    "inline-50-mb": lambda: _make_heavy(IMAGE_LIMIT),
    "inline-over-50-mb": lambda: _make_heavy(IMAGE_LIMIT + 1),
    "inline-video-over-50-mb": _make_video_over_50_mb,
}
LARGE_NAMES: Final = frozenset(_MAKE_LARGE)
"""The names of what has 70 MB: it is put in where a body is written, as bytes, and nothing else holds it."""
assert {*_MAKERS, *LARGE_NAMES} == {*SUPPLIES}


def _make_prompt(length: int) -> str:
    """Return a harmless prompt of `length` characters, without white space at either end."""
    return ("a quiet harbour at dawn, " * (length // 25 + 1))[: length - 1].rstrip().ljust(length, ".")


@cache
def _names_by_text() -> dict[str, str]:
    """Return the names of the long values, by value; without those of 70 MB."""
    return {text: name for name in SUPPLIES if name not in LARGE_NAMES and len(text := supply(name)) > LONG}

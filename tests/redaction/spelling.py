"""A grammar of the ways to write a text so that it can be read again, as Hypothesis strategies.

Written from the standards, apart from the redactor: encodings by the standard library where it has them.
"""

from __future__ import annotations

import base64
import json
import quopri
import unicodedata
from collections.abc import Callable, Sequence
from html.entities import codepoint2name
from random import Random
from urllib.parse import quote

from hypothesis import strategies as st

Spelling = Callable[[str, Random], str]
"""Writes a text in another way; what it is free to choose, it takes from the random numbers."""

UNSEEN = "\u200b\u200c\u200d\u2060\u00ad\ufeff\u034f\u180e\u3164\ufe0f\u2063\u202e\u00a0\u2009\u0007\U000e0020"
SEPARATORS = ("", "", " ", ":", "-", ", ", "_", ".", " 0x", ",0X", "\n", "|", "; ", "·")


def percent(text: str, random: Random) -> str:
    """Return a text in percent-encoding: all of it, or what must be, in either case."""
    if random.random() < 0.3:
        return quote(text, safe="")
    return "".join(_either(f"%{octet:02x}", random) for octet in text.encode())


def javascript_percent(text: str, _: Random) -> str:
    """Return a text as the function escape() of JavaScript writes it beyond Latin-1, for every character."""
    return "".join(f"%u{unit}" for one in text for unit in _units(one))


def html(text: str, random: Random) -> str:
    """Return a text in HTML references: named, decimal or hexadecimal, with zeros, without a semicolon where it can."""
    written = []
    for at, one in enumerate(text):
        kind = random.choice("dhHn")
        zeros = "0" * random.choice((0, 0, 1, 5))
        follows = text[at + 1 : at + 2]
        if kind == "n" and ord(one) in codepoint2name:
            written.append(f"&{codepoint2name[ord(one)]};")
        elif kind in {"d", "n"}:
            written.append(f"&#{zeros}{ord(one)}{_end(random, follows)}")
        else:
            number = _either(f"{ord(one):x}", random)
            written.append(f"&#{'x' if kind == 'h' else 'X'}{zeros}{number}{_end(random, follows)}")
    return "".join(written)


def backslashes(text: str, random: Random) -> str:
    """Return a text in the escapes of JSON, JavaScript and Python, one for each character, or as JSON has it."""
    if random.random() < 0.3:
        return json.dumps(text)[1:-1]
    forms: tuple[Callable[[str], str], ...] = (
        _in_json,
        lambda one: _in_json(one).lower(),
        lambda one: f"\\u{{{ord(one):x}}}",
        lambda one: f"\\U{ord(one):08x}",
        lambda one: f"\\x{ord(one):02x}" if ord(one) < 256 else _in_json(one),
        lambda one: f"\\{ord(one):03o}" if ord(one) < 128 else _in_json(one),
        lambda one: f"\\N{{{name}}}" if (name := unicodedata.name(one, "")) else _in_json(one),
    )
    return "".join(random.choice(forms)(one) for one in text)


def hexadecimal(text: str, random: Random) -> str:
    """Return a text in hex of any case, with a separator or none, perhaps behind a stray digit."""
    separator = random.choice(SEPARATORS)
    octets = [_either(f"{octet:02x}", random) for octet in text.encode()]
    return random.choice(("", "a", "0x")) + separator.join(octets)


def in_base64(text: str, random: Random) -> str:
    """Return a text in base64 of either alphabet, after none to two other bytes, with or without padding."""
    raw = b"?~"[: random.randrange(3)] + text.encode() + b"~?"[: random.randrange(3)]
    encoded = random.choice((base64.b64encode, base64.urlsafe_b64encode))(raw).decode()
    return random.choice(("", "a", "ab", "abc")) + (encoded if random.random() < 0.5 else encoded.rstrip("="))


def utf_16(text: str, random: Random) -> str:
    """Return a text in UTF-16 as a reader of UTF-8 takes it, where that can be."""
    raw = text.encode(random.choice(("utf-16-le", "utf-16-be")))
    return raw.decode("utf-8") if text.isascii() else text


def in_base64_of_utf_16(text: str, random: Random) -> str:
    """Return a text in base64 of UTF-16, as PowerShell has it."""
    return base64.b64encode(text.encode(random.choice(("utf-16-le", "utf-16-be", "utf-16")))).decode()


def in_percent_of_utf_16(text: str, random: Random) -> str:
    """Return the bytes of a text's UTF-16 in percent-encoding."""
    return quote(text.encode(random.choice(("utf-16-le", "utf-16-be"))), safe="")


def in_hexadecimal_of_utf_16(text: str, random: Random) -> str:
    """Return the bytes of a text's UTF-16 in hex, as databases show it."""
    return "0x" + text.encode(random.choice(("utf-16-le", "utf-16-be"))).hex().upper()


def quoted_printable(text: str, random: Random) -> str:
    """Return a text in quoted-printable: all of it, as for a header, or what must be, in lines of 76 characters."""
    if random.random() < 0.5:
        return "".join(f"={octet:02X}" for octet in text.encode())
    return quopri.encodestring(text.encode()).decode()


def folded(text: str, random: Random) -> str:
    """Return a text folded or wrapped at some place."""
    at = random.randrange(len(text) + 1)
    return text[:at] + random.choice(("\r\n ", "\n", "\n    ", "\\n", "\nE   ", "\\\n", "=\r\n", "' \n '")) + text[at:]


def wrapped(text: str, random: Random) -> str:
    """Return a text in short lines."""
    width = random.randrange(3, 77)
    return "\n".join(text[at : at + width] for at in range(0, len(text), width))


def unseen(text: str, random: Random) -> str:
    """Return a text with invisible characters between some of its characters."""
    return "".join(one + (random.choice(UNSEEN) if random.random() < 0.4 else "") for one in text)


ENCODINGS: tuple[Spelling, ...] = (
    percent, html, backslashes, hexadecimal, in_base64, utf_16, in_base64_of_utf_16, in_percent_of_utf_16,
    in_hexadecimal_of_utf_16, javascript_percent, quoted_printable,
)  # fmt: skip
BREAKS: tuple[Spelling, ...] = (folded, wrapped, unseen)
DEPTH = 3


def spell(key: str, layers: Sequence[Spelling], random: Random) -> str:
    """Return a key spelt in one way after the other."""
    for layer in layers:
        key = layer(key, random)
    return key


def choose(random: Random) -> list[Spelling]:
    """Return up to three encodings in any order, with or without a break before each and after the last."""
    layers: list[Spelling] = []
    for encoding in random.choices(ENCODINGS, k=random.randrange(DEPTH + 1)):
        layers += [random.choice(BREAKS)] if random.random() < 0.4 else []
        layers.append(encoding)
    return layers + ([random.choice(BREAKS)] if random.random() < 0.4 else [])


def spellings() -> st.SearchStrategy[list[Spelling]]:
    """Return what `choose` does, as a strategy."""
    breaks = st.lists(st.sampled_from(BREAKS), max_size=1)
    layers = st.lists(st.tuples(breaks, st.sampled_from(ENCODINGS)), max_size=DEPTH)
    return st.builds(
        lambda layers, last: [one for before, encoding in layers for one in (*before, encoding)] + last, layers, breaks
    )


def _units(character: str) -> list[str]:
    """Return the units of UTF-16 of a character, in hex."""
    raw = character.encode("utf-16-be")
    return [raw[at : at + 2].hex().upper() for at in range(0, len(raw), 2)]


def _in_json(character: str) -> str:
    return "".join(f"\\u{unit}" for unit in _units(character))


def _either(text: str, random: Random) -> str:
    return text.upper() if random.random() < 0.5 else text.lower()


def _end(random: Random, follows: str) -> str:
    """Return the semicolon of a reference, or nothing where what follows is another reference or the end."""
    return ";" if random.random() < 0.6 else ""

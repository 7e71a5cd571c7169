"""Keys and ids that are almost right, and places where a key does not belong, as tables.

A key or an id is compared whole, or it is no key: what is right at its beginning, at its end or but for one character
opens nothing ("401 — Unauthorized", "404 — Not Found").
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote
from uuid import UUID

from luma_conformance.model import Headers

PREFIX: Final = "luma-api-"
"""What every key begins with."""
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""What a bearer token consists of (RFC 6750, section 2.1)."""

Change = Callable[[str], str]


def _kept(change: Change) -> Change:
    """Return the change of a key that changes what follows its prefix."""
    return lambda key: PREFIX + change(key.removeprefix(PREFIX))


def _list_near_texts(one: str, other: str) -> Mapping[str, Change]:
    """Return changes of a text that is compared, by what is said of the result.

    A character gives way to `one`, or to `other` where it was that one in any case; hyphens stay.
    """

    def middle(text: str) -> int:
        return max(0, len(text) // 2 - 1)  # a UUID has a hyphen right in its middle

    def swap(text: str) -> str:
        at = next((at for at in range(len(text) - 2, -1, -1) if text[at].lower() != text[at + 1].lower()), 0)
        return text[:at] + text[at + 1 : at + 2] + text[at : at + 1] + text[at + 2 :]

    def spoil(text: str, start: int, end: int) -> str:
        spoilt = (mark if mark == "-" else other if mark.lower() == one else one for mark in text[start:end])
        return text[:start] + "".join(spoilt) + text[end:]

    return {
        "its last character missing": lambda text: text[:-1],
        "its first character missing": lambda text: text[1:],
        "a character in its middle missing": lambda text: text[: middle(text)] + text[middle(text) + 1 :],
        "one character more at its end": lambda text: text + one,
        "its last character twice": lambda text: text + text[-1:],
        "its last character another": lambda text: spoil(text, len(text) - 1, len(text)),
        "its first character another": lambda text: spoil(text, 0, 1),
        "a character in its middle another": lambda text: spoil(text, middle(text), middle(text) + 1),
        "two neighbours swapped": swap,
        "its first half alone": lambda text: text[: (len(text) + 1) // 2],
        "its second half alone": lambda text: text[len(text) // 2 :],
        "its first half right": lambda text: spoil(text, (len(text) + 1) // 2, len(text)),
        "its second half right": lambda text: spoil(text, 0, len(text) // 2),
        "its beginning and end right": lambda text: spoil(text, len(text) // 3, len(text) - len(text) // 3),
        "itself twice": lambda text: text + text,
        "itself backwards": lambda text: text[::-1],
        "an asterisk for its second half": lambda text: f"{text[: len(text) // 2]}*",
        "an underscore for its last character": lambda text: f"{text[:-1]}_",
    }


_PLACES: Final = 40
"""Characters of a key that are each replaced by another; of a longer key, so many at even distances."""


def _spoil_place(place: int) -> Change:
    """Return the change of one character of a text, which stays as it is where it is too short."""

    def change(text: str) -> str:
        at = place * len(text) // _PLACES if len(text) > _PLACES else place
        return text[:at] + "".join("q" if one.lower() == "x" else "x" for one in text[at : at + 1]) + text[at + 1 :]

    return change


NEAR_KEYS: Final[Mapping[str, Change]] = {
    **{
        what: _kept(change)
        for what, change in _list_near_texts("x", "q").items()
        if not what.endswith("character another")
    },
    **{f"its character {place + 1} another": _kept(_spoil_place(place)) for place in range(_PLACES)},
    "a percent sign for its second half": _kept(lambda text: f"{text[: len(text) // 2]}%"),
    "in capitals after its prefix": _kept(str.upper),
    "in the other case after its prefix": _kept(str.swapcase),
    "its prefix twice": lambda key: PREFIX + key,
    "its prefix missing": lambda key: key.removeprefix(PREFIX),
    **{
        f"the prefix {prefix!r} for its own": lambda key, prefix=prefix: prefix + key.removeprefix(PREFIX)  # type: ignore[misc]
        for prefix in ("luma-key-", "luma_api_", "sk-")
    },
    "its prefix in capitals": lambda key: key.replace(PREFIX, PREFIX.upper(), 1),
    "a character of its prefix another": lambda key: f"x{key[1:]}",
    "a character before it": lambda key: f"x{key}",
    "in quotes": lambda key: f'"{key}"',
    "a space in its middle": lambda key: f"{key[: len(key) // 2]} {key[len(key) // 2 :]}",
    "a word behind it": lambda key: f"{key} x",
    "a comma and itself behind it": lambda key: f"{key},{key}",
    "percent-encoded": lambda key: "".join(f"%{ord(one):02X}" for one in key),
}
"""Near misses of a key, by what is said of them."""
MADE_UP: Final[Mapping[str, str]] = {
    "nothing": "",
    "the prefix of keys alone": PREFIX,
    "the prefix and an asterisk": f"{PREFIX}*",
    "the prefix and a percent sign": f"{PREFIX}%",
    "the prefix and a pattern": f"{PREFIX}.*",
    "undefined": "undefined",
    "an asterisk": "*",
}
"""Tokens in which there is nothing of any key."""


def find_refusals(token: str) -> tuple[str, ...]:
    """Return the texts that may refuse a token which is no key.

    The page tells a token without the prefix of keys from a key that is not known. Where a token is not even spelt as
    one, either text will do.
    """
    malformed, unknown = "Missing or invalid API key", "Invalid API key"
    if not _TOKEN.fullmatch(token) or token == PREFIX:
        return malformed, unknown
    return (unknown,) if token.startswith(PREFIX) else (malformed,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Where else a request shows its key: in headers, behind a question mark, or in a member of its body."""

    headers: Headers = ()
    query: str = ""
    member: str | None = None


def _in_header(name: str, template: str = "{}") -> Callable[[str], Shown]:
    return lambda key: Shown(headers=((name, template.format(key)),))


def _in_query(name: str, template: str = "{}") -> Callable[[str], Shown]:
    # A dollar sign stays: in a recording the name of a variable stands for its key.
    return lambda key: Shown(query=f"?{name}={quote(template.format(key), safe='$')}")


def _in_member(name: str) -> Callable[[str], Shown]:
    return lambda _: Shown(member=name)


def _in_basic(template: str) -> Callable[[str], Shown]:
    def show(key: str) -> Shown:
        return Shown(headers=(("Authorization", f"Basic {b64encode(template.format(key).encode()).decode()}"),))

    return show


IN_AUTHORIZATION: Final[Mapping[str, Callable[[str], Shown]]] = {
    "without a scheme": _in_header("Authorization"),
    **{
        f"as {scheme}": _in_header("Authorization", f"{scheme} {{}}")
        for scheme in ("bearer", "BEARER", "Token", "Key", "ApiKey", "OAuth", "Basic")
    },
    "as Bearer with a colon": _in_header("Authorization", "Bearer: {}"),
    "as Bearer with an equals sign": _in_header("Authorization", "Bearer={}"),
    "as Bearer without a space": _in_header("Authorization", "Bearer{}"),
    "as a parameter of Bearer": _in_header("Authorization", "Bearer token={}"),
    "as Bearer twice": _in_header("Authorization", "Bearer Bearer {}"),
    "as the user of Basic": _in_basic("{}:"),
    "as the password of Basic": _in_basic(":{}"),
    "as the password of a user": _in_basic("api:{}"),
}
"""Wrong ways of showing a key in the right header."""

ELSEWHERE: Final[Mapping[str, Callable[[str], Shown]]] = {
    **{
        f"in the header {name}": _in_header(name)
        for name in ("X-API-Key", "Api-Key", "X-Auth-Token", "X-Access-Token", "Luma-API-Key")
    },
    **{
        f"in the header {name}": _in_header(name, "Bearer {}")
        for name in ("X-Authorization", "Proxy-Authorization", "Authentication", "X-Forwarded-Authorization")
    },
    **{
        f"in the cookie {name}": _in_header("Cookie", f"{name}={{}}")
        for name in ("session", "api_key", "token", "access_token")
    },
    "in cookies": _in_header("Cookie", "theme=dark; Authorization=Bearer%20{0}; luma_api_key={0}; auth={0}"),
    **{
        f"in the query as {name}": _in_query(name)
        for name in ("api_key", "apikey", "api-key", "key", "token", "access_token", "auth")
    },
    "in the query as Authorization": _in_query("Authorization", "Bearer {}"),
    "in the header X-API-Key beside an unknown key": lambda key: Shown(
        headers=(("Authorization", f"Bearer {PREFIX}conformance-no-such-key"), ("X-API-Key", key))
    ),
    "in the query beside an unknown key": lambda key: Shown(
        headers=(("Authorization", f"Bearer {PREFIX}conformance-no-such-key"),),
        query=f"?api_key={quote(key, safe='$')}",
    ),
    **{
        f"in the body as {name}": _in_member(name)
        for name in ("api_key", "token", "access_token", "authorization", "user_id")
    },
}
"""Places of a key that are not its header."""

NEAR_IDS: Final[Mapping[str, Change]] = {
    **_list_near_texts("a", "b"),
    **{
        f"a character of its group {number + 1} another": lambda name, at=at: (  # type: ignore[misc]
            name[:at] + ("b" if name[at : at + 1].lower() == "a" else "a") + name[at + 1 :]
        )
        for number, at in enumerate((5, 11, 16, 21, 29))
    },
    "its first group alone": lambda name: name.partition("-")[0],
    "its last group alone": lambda name: name.rpartition("-")[2],
    "its first group zeros": lambda name: "0" * 8 + name[8:],
    "its last group zeros": lambda name: name[:-12] + "0" * 12,
    "an ending behind it": lambda name: f"{name}.json",
    "a comma and itself behind it": lambda name: f"{name},{name}",
    "a word before it": lambda name: f"gen_{name}",
}
"""Near misses of a generation's id, each one segment of a path, by what is said of them."""

SPELLINGS: Final[Mapping[str, Change]] = {
    "in the other case": str.swapcase,
    "without hyphens": lambda name: name.replace("-", ""),
    "in braces": lambda name: f"{{{name}}}",
    "as a URN": lambda name: f"urn:uuid:{name}",
}
"""Other spellings of the same UUID, each of which a server may know it by, or not."""

UNREADABLE: Final[Mapping[str, Change]] = {
    "a NUL behind it": lambda name: f"{name}\0",
    "a byte behind it that is no UTF-8": lambda name: f"{name}\udcff",
}
"""What a server may refuse to read in a path, with a status of its own, or look for in vain."""


NO_IDS: Final = (
    "latest", "null", "0", "9" * 20, "*", "a%b",
    "output.png", "z" * 36, "A1B2C3D4-E5F6-4A7B-8C9D-0E1F2A3B4C5D", "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "00000000-0000-0000-0000-000000000000", "0190163d-8694-739b-aea5-966c26f8ad91", "b" * 250, "港",
)  # fmt: skip
"""Ids that no generation has: words, numbers, other kinds of UUIDs, and long ones."""


TELLING: Final = ("007", "Req_7F3a.B-2", "A1b2" * 16)
"""Request ids that show most: a number, both cases and all that joins words, and a long one."""

REQUEST_IDS: Final = (
    *TELLING,
    "a", "-1", "1e5", "12345678901234567890", "null", "undefined", "Z9y8" * 9,
    "550E8400-E29B-41D4-A716-446655440000",
    "myapp-user42-batch7-req003", "550e8400-e29b-41d4-a716-446655440000", "550e8400e29b41d4a716446655440000",
    "01J9ZQ8X7V6W5T4S3R2Q1P0N9M", "2026-04-08T12:00:00.000Z", "Root=1-67891233-abcdef012345678912345678",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "user@example.com", "a:b/c", "a=b==", "a,b, c",
    "a+b%20c", '"quoted"', "<b>a&amp;b</b>", "{a}[b]", '{"a": 1}', "a;b=c", "a|b\\c",
    "$a", "#a?b!", "a`b^c~d'e", "(a)*", "Pack-my-box.with-five_dozen.LIQUOR_JUGS",
    "PACK-MY-BOX-WITH.five_dozen-HAVANA-kegs",
)  # fmt: skip
"""Request ids that may mislead a server: to a number, to nothing, to a UUID in another spelling, to a limit of its own.

Between them they have every printable character, and every kind of id that programs make.
"""


def is_same_uuid(text: str, name: str) -> bool:
    """Return whether a text is the UUID `name` in another spelling, such as one without hyphens."""
    try:
        return UUID(text) == UUID(name)
    except ValueError:
        return text == name

"""A planted key, the forms in which it could get out, and the search for all of them in everything a run leaves."""

from __future__ import annotations

import gzip
import html
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

CANARY = "luma-api-c4naryP9xQ7wZ2mK5vT8rB3n"
"""A key as the live API's look; each piece of it that is long enough is as telling as the whole."""

Form = Callable[[str], str]


def _in_base64(before: bytes, encode: Callable[[bytes], bytes]) -> Form:
    return lambda key: encode(before + key.encode()).decode().rstrip("=")


def _lower(text: str) -> str:
    return "".join(text[i : i + 3].lower() if text[i] == "%" else text[i] for i in range(len(text)))


FORMS: Mapping[str, Form] = {
    "as it is": str,
    "in JSON": lambda key: json.dumps(key)[1:-1],
    "in JSON in JSON": lambda key: json.dumps(json.dumps(key)[1:-1])[1:-1],
    "in JSON, all escaped": lambda key: "".join(f"\\u{ord(one):04x}" for one in key),
    "in JSON, all escaped, twice": lambda key: "".join(f"\\\\u{ord(one):04X}" for one in key),
    "in a URL": lambda key: quote(key, safe=""),
    "in a form": quote_plus,
    "in a URL, all escaped": lambda key: "".join(f"%{octet:02X}" for octet in key.encode()),
    "in a URL, in lower case": lambda key: "".join(f"%{octet:02x}" for octet in key.encode()),
    "in a URL in a URL": lambda key: quote("".join(f"%{octet:02X}" for octet in key.encode()), safe=""),
    "in HTML": html.escape,
    "in HTML, by number": lambda key: "".join(f"&#{ord(one)};" for one in key),
    "in HTML, by hexadecimal number": lambda key: "".join(f"&#x{ord(one):X};" for one in key),
    "in hex": lambda key: key.encode().hex(),
    "in upper-case hex": lambda key: key.encode().hex().upper(),
    "in base64": _in_base64(b"", b64encode),
    "in base64, after one": _in_base64(b"x", b64encode),
    "in base64, after two": _in_base64(b"xy", b64encode),
    "in URL-safe base64": _in_base64(b"", urlsafe_b64encode),
    "in URL-safe base64, after two": _in_base64(b"?~", urlsafe_b64encode),
    "folded": lambda key: f"{key[:14]}\r\n {key[14:]}",
    "wrapped": lambda key: "\n    ".join(key[at : at + 8] for at in range(0, len(key), 8)),
    "wrapped, in base64": lambda key: "\n".join(_pieces(b64encode(key.encode()).decode().rstrip("="))),
    "folded, in JSON": lambda key: json.dumps(f"{key[:14]}\r\n {key[14:]}")[1:-1],
    "wrapped by a margin": lambda key: f"{key[:12]}\nE       {key[12:]}",
    "with what nobody sees": lambda key: f"{key[:12]}\u200b{key[12:]}",
}


def found_in(data: bytes, key: str = CANARY) -> set[str]:
    """Returns the forms of a key that are in some bytes.

    Told apart from how the kit redacts: white space goes, and each form is then looked for as it is written; of the
    bare key, six characters in a row after its prefix are enough.
    """
    bare = data.translate(None, b" \t\r\n\\\"'")
    pieces = {key[at : at + 6].encode() for at in range(len("luma-api-"), len(key) - 5)}
    found = {"a piece of it" for piece in pieces if piece in bare}
    for name, form in FORMS.items():
        written = form(key).encode().translate(None, b" \t\r\n\\\"'")
        edge = 2 if "base64" in name else 0  # digits that hold bits of a neighbour too
        if written[edge : len(written) - edge] in bare:
            found.add(name)
    return found


def artefacts(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yields the name and the content of every file below a folder, those in gzip as text too."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            yield path.name, gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def _pieces(text: str) -> list[str]:
    return [text[at : at + 16] for at in range(0, len(text), 16)]

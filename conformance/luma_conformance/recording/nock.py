"""What the recorder of nock, for JavaScript, writes: a list of definitions, read as interactions of a cassette."""

from __future__ import annotations

import json
import re
from typing import Any, Final

_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2})+")
_DEFAULT_PORT: Final = re.compile(r"(?<=^https)(://.*):443$|(?<=^http)(://.*):80$")


def is_definition(value: object) -> bool:
    """Return whether an element of a list is one of nock's definitions."""
    return isinstance(value, dict) and "scope" in value and "path" in value


def to_interaction(definition: dict[str, Any]) -> dict[str, object]:
    """Return a definition as an interaction, whose members may still be of wrong types."""
    scope, path = definition["scope"], definition["path"]
    base = _DEFAULT_PORT.sub(r"\1\2", scope) if isinstance(scope, str) else ""
    headers = definition.get("rawHeaders", definition.get("headers"))
    if isinstance(headers, list):  # names and values in turns
        headers = {str(name): value for name, value in zip(headers[::2], headers[1::2], strict=False)}
    return {
        "request": {
            "method": definition.get("method"),
            "uri": f"{base}{path}",
            "headers": definition.get("reqheaders"),
            "body": _to_body(definition.get("body")),
        },
        "response": {
            "status": {"code": definition.get("status")},
            "headers": headers,
            "body": _to_body(definition.get("response")),
        },
    }


def _to_body(value: object) -> object:
    """Return a body: text, JSON as data, or bytes, which are written in hexadecimal, compressed ones in chunks."""
    chunks = value if isinstance(value, list) else [value]
    texts = [one for one in chunks if isinstance(one, str) and _HEX.fullmatch(one)]
    if texts and len(texts) == len(chunks):
        return {"string": bytes.fromhex("".join(texts))}
    return {"string": json.dumps(value) if isinstance(value, list) else value}

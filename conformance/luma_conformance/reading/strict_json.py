"""JSON as RFC 8259 defines it; the standard library's reader also accepts NaN and Infinity."""

from __future__ import annotations

import json


def parse_json(text: str | bytes) -> object:
    """Return the value of a JSON text; raise ValueError if it is not JSON, or is nested too deep."""
    try:
        return json.loads(text, parse_constant=refuse_constant)
    except RecursionError:
        raise ValueError("is nested too deep") from None


def refuse_constant(constant: str) -> object:
    """Raise ValueError for NaN and Infinity, which JSON does not have."""
    raise ValueError(f"{constant} is not JSON")

"""JSON as RFC 8259 has it; the standard library's reader takes NaN and Infinity too."""

from __future__ import annotations

import json


def parse_json(text: str | bytes) -> object:
    """Return the value of a JSON text; raise ValueError where it is none, or is nested too deep to read."""
    try:
        return json.loads(text, parse_constant=refuse_constant)
    except RecursionError:
        raise ValueError("is nested too deep") from None


def refuse_constant(constant: str) -> object:
    """Raise ValueError for NaN and Infinity, which no JSON has."""
    raise ValueError(f"{constant} is not JSON")

"""A profile corrected by what was found at its target: line by line, so that its author's comments stay."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any, Final

from luma_conformance.catalogue.roles import GENERATIONS, KEYS, MEDIA, OFFERS, PROMPTS
from luma_conformance.errors import InputError
from luma_conformance.reading.toml import read_toml
from luma_conformance.survey.ask_time import SCOPE
from luma_conformance.survey.claims import Claim, Finding
from luma_conformance.target.profile import FAST_CLOCK

MOST_LINES: Final = 200
"""Lines one entry of a profile may take."""

_TABLES: Final = {"keys": KEYS, "media": MEDIA, "prompts": PROMPTS, "generations": GENERATIONS, "offers": OFFERS}


def correct(text: str, name: str, claims: Iterable[Claim], *, base_url: str, date: str) -> str:
    """Return the text of a profile called `name` with what is not true commented out, and what was found added.

    Raise InputError where an entry does not stand on lines of its own.
    """
    for claim in claims:
        if claim.finding is Finding.FALSE:
            text = _comment_out(text, name, claim, f"# {date}: not true: {_in_one_line(claim.text)}")
        if claim.value is not None:
            says = f"# {date}: {'found' if claim.finding is Finding.FOUND else 'instead'}: {_in_one_line(claim.text)}"
            text = _add(text, name, claim, says)
    return text if "base_url" in tomllib.loads(text) else _add_base_url(text, base_url)


def _in_one_line(text: str) -> str:
    """Return a text as a comment may have it: TOML allows no control character there."""
    return "".join(one if one.isprintable() else " " for one in text)


def _path(role: str) -> tuple[str, ...]:
    """Return where a profile has a role, or the claim about the scope of its clock."""
    if role in (FAST_CLOCK, SCOPE):
        return ("clock",) if role == FAST_CLOCK else ("clock", "scope")
    return next(table for table, roles in _TABLES.items() if role in roles), role


def _comment_out(text: str, name: str, claim: Claim, reason: str) -> str:
    """Return the text with an entry commented out below the reason; unchanged if it has no such entry."""
    path, source = _path(claim.role), read_toml(text, name)
    wanted = _without(tomllib.loads(text), path)
    if wanted is None:
        return text
    lines, start = text.split("\n"), source.locate(path)[0] - 1
    for end in range(start + 1, min(start + MOST_LINES, len(lines)) + 1):
        commented = [line if not line or line.startswith("#") else f"#{line}" for line in lines[start:end]]
        changed = "\n".join([*lines[:start], reason, *commented, *lines[end:]])
        if _is_of(changed, wanted):
            return changed
    raise InputError(f"{name}:{start + 1}: {claim.role} does not stand on lines of its own, so only you can change it")


def _add(text: str, name: str, claim: Claim, reason: str) -> str:
    """Return the text with a claim's value below the heading of its table, which is added where there is none."""
    path, lines = _path(claim.role), text.rstrip("\n").split("\n")
    entry = str(claim.value) if len(path) == 1 else f"{path[1]} = {claim.value}"
    wanted = tomllib.loads(text)
    wanted.setdefault(path[0], {}).update(tomllib.loads(entry))
    heading = next((number for number, line in enumerate(lines, start=1) if _is_heading(line, path[0])), None)
    if heading is None:
        changed = "\n".join([*lines, "", f"[{path[0]}]", reason, entry, ""])
    else:
        changed = "\n".join([*lines[:heading], reason, entry, *lines[heading:], ""])
    if not _is_of(changed, wanted):
        raise InputError(f"{name}: [{path[0]}] has no heading of its own, so only you can add there: {entry}")
    return changed


def _is_heading(line: str, table: str) -> bool:
    return line.partition("#")[0].replace(" ", "").rstrip() == f"[{table}]"


def _add_base_url(text: str, base_url: str) -> str:
    lines = text.split("\n")
    at = next((number for number, line in enumerate(lines, start=1) if line.startswith("#base_url")), 0)
    return "\n".join([*lines[:at], f"base_url = {json.dumps(base_url)}", *lines[at:]])


def _without(data: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any] | None:
    """Return data without what is at a path of one or two steps, or None if it is not there."""
    data, *steps = deepcopy(data), *path
    table = data
    for step in steps[:-1]:
        table = table.get(step, {})
    return None if table.pop(steps[-1], None) is None else data


def _is_of(text: str, data: Mapping[str, Any]) -> bool:
    """Return whether a text of TOML has these data; a table without members counts for none."""
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return _full(read) == _full(data)


def _full(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if value != {}}

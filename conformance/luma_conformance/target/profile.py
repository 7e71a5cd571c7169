"""Reads what a target offers: keys, media, prompts and generations by role, from TOML and the environment.

A secret never stands in a profile: a key is the name of an environment variable, or a test key of a reference server.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from luma_conformance.catalogue.roles import (
    GENERATIONS,
    KEYS,
    MAIN_KEY,
    MEDIA,
    OFFERS,
    OWN_ROLE,
    PROMPTS,
    ROLES,
    SUPPLIES,
)
from luma_conformance.errors import ProfileError

MAIN_VARIABLE: Final = "LUMA_AGENTS_API_KEY"
TEST_PREFIX: Final = "luma-api-test-"
"""How a key begins that may stand in a profile: it opens nothing but a reference server."""

FAST_CLOCK: Final = "fast-clock"
MAX_BYTES: Final = 100_000
MAX_DOTS: Final = 100
"""In one line: a dotted key takes the parser memory by the square of its parts."""
MAX_PROBLEMS: Final = 20
"""Told at once; who has more of them has another file in hand."""
_SECONDS: Final = "{seconds}"
_NO_ROLES: Final[Mapping[str, str]] = {}
_TEXTS: Final = {"media": MEDIA, "prompts": PROMPTS, "generations": GENERATIONS, "values": _NO_ROLES}
_OFFERED: Final = {role: OFFERS[role] for role in ("large-uploads", "hdr-access")}
_GIVING: Final = {"keys": KEYS, **_TEXTS, "offers": _OFFERED}
"""The tables that give roles something, which may be roles of the profile's own; [values] is for those alone."""
_TABLES: Final = {
    **_GIVING,
    "roles": (),
    "clock": ("advance", "body"),
    "limits": ("requests-per-minute",),
}
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_AT = re.compile(r"(?P<what>.*) \(at line (?P<line>\d+), column \d+\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key: `token` is what is sent, `source` what is shown instead of it."""

    token: str = field(repr=False)
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockAdvance:
    """How a target's time is made to pass: a POST to `path`; `{seconds}` in `body` stands for how much."""

    path: str
    body: str

    def filled(self, seconds: float) -> bytes:
        """Returns the body that lets `seconds` pass."""
        return self.body.replace(_SECONDS, f"{seconds:g}").encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a target can be asked, by role.

    `values` has media, prompts, generations and other texts; `absent` has why a key that is named is not there. `roles`
    are those the profile declares beside the kit's, each with what it is.
    """

    name: str
    base_url: str | None = None
    keys: Mapping[str, Key] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    offers: frozenset[str] = frozenset()
    clock: ClockAdvance | None = None
    requests_per_minute: int | None = None
    absent: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)

    def missing(self, role: str) -> str | None:
        """Returns why a role is not offered, or None."""
        if role in self.keys or role in self.values or role in self.offers:
            return None
        if role in self.roles:
            return self.absent.get(role) or f"the profile declares {role}, and gives it no key, value or offer"
        if role not in ROLES:
            return _undeclared(role, [*ROLES, *self.roles])
        return self.absent.get(role) or f"the profile names no {role}"

    @property
    def secrets(self) -> Mapping[str, str]:
        """What must never be shown, by value, with what is shown instead."""
        return {key.token: key.source for key in self.keys.values() if key.source != key.token}


def _undeclared(role: str, known: Iterable[str]) -> str:
    near = get_close_matches(role, known, n=1, cutoff=0.8)
    advice = f"did you mean {near[0]}?" if near else f'[roles] {role} = "what it is" does, in a profile'
    return f"nothing declares the role {role}; {advice}"


def load_profile(path: Path, environ: Mapping[str, str]) -> Profile:
    """Returns the profile in a file; raises ProfileError with everything that is wrong with it."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        text = raw.decode("utf-8-sig", "strict" if len(raw) <= MAX_BYTES else "replace")
    except OSError as error:
        hint = "; `luma-conformance profile --init` writes one" if isinstance(error, FileNotFoundError) else ""
        raise ProfileError(f"{path}: cannot be read: {error.strerror}{hint}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ProfileError(f"{path}:{line}: is not UTF-8 text; save the file as UTF-8") from None
    return parse_profile(text, str(path), environ)


def bare_profile(environ: Mapping[str, str]) -> Profile:
    """Returns the profile of a target of which nothing is known but the main key, if the environment has it."""
    reader = _Reader("no profile", "", environ)
    reader.variable(MAIN_KEY, MAIN_VARIABLE)
    return Profile(name=reader.name, keys=reader.keys, absent=reader.absent)


def template() -> str:
    """Returns the commented profile that `luma-conformance profile --init` writes."""
    return Path(__file__).with_name("profile-template.toml").read_text(encoding="utf-8")


def parse_profile(text: str, name: str, environ: Mapping[str, str]) -> Profile:
    """Returns the profile in a TOML text called `name`; raises ProfileError with everything that is wrong with it."""
    data = _parsed(text, name)
    reader = _Reader(name, text, environ)
    profile = reader.profile(data)
    if reader.problems:
        told = [f"{name}:{line}: {what}" for line, what in sorted(reader.problems)]
        raise ProfileError("\n".join(told[:MAX_PROBLEMS] + ["… and more"] * (len(told) > MAX_PROBLEMS)))
    return profile


def _parsed(text: str, name: str) -> dict[str, object]:
    """Returns the data of a TOML text; raises ProfileError where it is none, or would take the parser too much."""
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise ProfileError(f"{name}: is too big; a profile has at most {MAX_BYTES} bytes")
    for number, line in enumerate(text.split("\n"), start=1):
        if line.count(".") > MAX_DOTS:
            raise ProfileError(f"{name}:{number}: has over {MAX_DOTS} dots in a line; is this a profile?")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _AT.fullmatch(str(error))
        at = found["line"] if found else text.count("\n") + 1
        raise ProfileError(f"{name}:{at}: is not TOML: {found['what'] if found else error}") from None
    except RecursionError:
        raise ProfileError(f"{name}: is nested too deep; a profile has tables of plain values") from None
    except ValueError as error:  # a number of more digits than Python reads
        raise ProfileError(f"{name}: is no profile: {error}") from None


class _Reader:
    """Reads one profile, noting what is wrong on the way."""

    def __init__(self, name: str, text: str, environ: Mapping[str, str]) -> None:
        self.name = name
        self.keys: dict[str, Key] = {}
        self.absent: dict[str, str] = {}
        self.problems: list[tuple[int, str]] = []
        self._lines = text.splitlines()
        self._environ = environ

    def profile(self, data: Mapping[str, object]) -> Profile:
        """Returns the profile, as far as it can be read."""
        self._known("", data, ("base_url", *_TABLES))
        own = self._own_roles(data)
        tables = {
            name: self._table(data, name, (*known, *own) if name in _GIVING else known)
            for name, known in _TABLES.items()
            if name != "roles"
        }
        for role, value in tables["keys"].items():
            self._key(role, value)
        clock = self._clock(tables["clock"]) if "clock" in data else None
        offered = [role for role, value in tables["offers"].items() if self._is_true(role, value)]
        return Profile(
            name=self.name,
            base_url=self._base_url(data.get("base_url")),
            keys=self.keys,
            values={role: text for table in _TEXTS for role, text in self._texts(table, tables[table])},
            offers=frozenset([*offered, FAST_CLOCK] if clock else offered),
            clock=clock,
            requests_per_minute=self._per_minute(tables["limits"].get("requests-per-minute")),
            absent=self.absent,
            roles=own,
        )

    def _own_roles(self, data: Mapping[str, object]) -> dict[str, str]:
        """Return the roles a profile declares beside the kit's, with what each is."""
        table = data.get("roles", {})
        own = dict(self._texts("roles", table)) if isinstance(table, dict) else {}
        if not isinstance(table, dict):
            self._refuse("", "roles", "roles is a table: [roles]")
        for role in own:
            if role in ROLES or role in SUPPLIES:
                self._refuse("roles", role, f"{role} is the kit's own already; give another name")
            elif not OWN_ROLE.fullmatch(role):
                self._refuse("roles", role, f"{role} is no name for a role; use lower-case words joined by hyphens")
            elif sum(isinstance(given := data.get(name), dict) and role in given for name in _GIVING) > 1:
                self._refuse("roles", role, f"{role} is given in several tables; keep it in one")
        return own

    def variable(self, role: str, variable: str) -> None:
        """Notes the key in an environment variable, or why there is none."""
        token = self._environ.get(variable, "").strip()
        if token:
            self.keys[role] = Key(token=token, source=f"${variable}")
        else:
            state = "is empty" if variable in self._environ else "is not set"
            self.absent[role] = f"{role}: environment variable {variable} {state}"

    def _table(self, data: Mapping[str, object], name: str, known: Iterable[str]) -> dict[str, object]:
        table = data.get(name, {})
        if not isinstance(table, dict):
            self._refuse("", name, f"{name} is a table: [{name}]")
            return {}
        self._known(name, table, known)
        return {key: value for key, value in table.items() if key in known}

    def _known(self, table: str, data: Mapping[str, object], known: Iterable[str]) -> None:
        for key in data:
            if len(self.problems) > MAX_PROBLEMS:
                return
            if key not in known:
                self._refuse(table, key, f"{f'[{table}] has' if table else 'there is'} no {key}{_hint(key, known)}")

    def _key(self, role: str, value: object) -> None:
        match value:
            case {"env": str(variable), **rest} if not rest and _VARIABLE.fullmatch(variable):
                self.variable(role, variable)
            case {"test_key": str(token), **rest} if not rest and token.startswith(TEST_PREFIX):
                self.keys[role] = Key(token=token, source=token)
            case {"test_key": str(), **rest} if not rest:
                why = f"a test key begins with {TEST_PREFIX}; any other stays in an environment variable"
                self._refuse("keys", role, f'{role}: {why}: {role} = {{env = "NAME"}}')
            case str():
                why = "a key does not stand in a profile, but in an environment variable"
                self._refuse("keys", role, f'{role}: {why}; give its name: {role} = {{env = "NAME"}}')
            case _:
                self._refuse("keys", role, f'{role} is either {{env = "NAME"}} or {{test_key = "{TEST_PREFIX}…"}}')

    def _texts(self, table: str, members: Mapping[str, object]) -> Iterator[tuple[str, str]]:
        for role, value in members.items():
            if isinstance(value, str) and value:
                yield role, value
            else:
                self._refuse(table, role, f"{role} is a text in quotes, not empty")

    def _is_true(self, role: str, value: object) -> bool:
        if not isinstance(value, bool):
            self._refuse("offers", role, f"{role} is true or false")
        return value is True

    def _base_url(self, value: object) -> str | None:
        if value is None:
            return None
        if isinstance(value, str) and urlsplit(value).scheme in ("http", "https"):
            return value
        self._refuse("", "base_url", "base_url is a URL in quotes that begins with http:// or https://")
        return None

    def _clock(self, table: Mapping[str, object]) -> ClockAdvance | None:
        path, body = table.get("advance"), table.get("body")
        if isinstance(path, str) and path.startswith("/") and isinstance(body, str) and _SECONDS in body:
            return ClockAdvance(path=path, body=body)
        self._refuse("", "clock", f"[clock] has advance, a path on the target, and body, a text with {_SECONDS} in it")
        return None

    def _per_minute(self, value: object) -> int | None:
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and value > 0):
            return value
        self._refuse("limits", "requests-per-minute", "requests-per-minute is a whole number of at least 1")
        return None

    def _refuse(self, table: str, key: str, text: str) -> None:
        self.problems.append((self._line(table, key), text))

    def _line(self, table: str, key: str) -> int:
        """Returns the line (from 1) where a key of a table stands, as far as a search can tell."""
        here = ""
        named = rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]"
        for number, line in enumerate(self._lines, start=1):
            if heading := re.match(r"\s*\[+\s*([^\]]*?)\s*\]", line):
                here = heading[1].strip("\"'")
                if not table and here.partition(".")[0] == key:
                    return number
            elif here == table and re.match(named, line):
                return number
        return next((n for n, line in enumerate(self._lines, start=1) if table and table in line), 1)


def _hint(name: str, known: Iterable[str]) -> str:
    """Returns the nearest valid spelling, or where else the name belongs."""
    if name in ROLES and (home := next((table for table, roles in _TABLES.items() if name in roles), None)):
        return f"; it belongs in [{home}]"
    if name == FAST_CLOCK:
        return "; a [clock] table offers it"
    if name == "base_url":
        return "; it stands above the first table"
    near = get_close_matches(name, list(known), n=1, cutoff=0.5)
    if near:
        return f"; did you mean {near[0]}?"
    own = "" if not OWN_ROLE.fullmatch(name) or "-" not in name else "; a role of your own is declared under [roles]"
    return f"; known: {', '.join(known) or 'none'}{own}"

"""What a target offers, read from TOML and the environment: keys, media, prompts and generations by role.

A profile never contains a secret: a key is the name of an environment variable, or a test key of a reference server.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
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
    TAKEN_FOR_GRANTED,
)
from luma_conformance.errors import InputError, Unreadable
from luma_conformance.reading.document import MAX_PROBLEMS, Node, Problems
from luma_conformance.reading.text_file import read_text
from luma_conformance.target.gateway import ClientCertificate, Gateway, GatewayHeader, make_header

MAIN_VARIABLE: Final = "LUMA_AGENTS_API_KEY"
TEST_PREFIX: Final = "luma-api-test-"
"""The prefix of keys that a profile may contain, because only a reference server accepts them."""

FAST_CLOCK: Final = "fast-clock"
SERVER: Final = "server"
CLIENT: Final = "client"
"""The scopes of a clock: advancing it is felt by all clients of the server, or by one."""
METHODS: Final = ("POST", "PUT", "PATCH", "GET")
"""What may advance a clock."""
BARE: Final = "no profile"
"""The name of the profile of a target known only by its base URL."""
MAX_BYTES: Final = 100_000
_SECONDS: Final = "{seconds}"
_NO_ROLES: Final[Mapping[str, str]] = {}
_TEXTS: Final = {"media": MEDIA, "prompts": PROMPTS, "generations": GENERATIONS, "values": _NO_ROLES}
_OFFERED: Final = {role: meaning for role, meaning in OFFERS.items() if role != FAST_CLOCK}
_GIVING: Final = {"keys": KEYS, **_TEXTS, "offers": _OFFERED}
"""The tables whose members are roles, also those the profile declares; [values] is only for the latter."""
_TABLES: Final = {
    **_GIVING,
    "clock": ("advance", "body", "method", "scope", "key"),
    "limits": ("requests-per-minute",),
    "outputs": ("origins",),
    "tls": ("client-certificate", "client-key"),
}
_ORIGIN = re.compile(r"https?://[^\s/?#@]+/?", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key: `token` is sent, `source` is shown instead of it."""

    token: str = field(repr=False)
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockAdvance:
    """How a target's clock is advanced: by a request to `path`, with the seconds for `{seconds}` in path or `body`.

    `scope` says for whom time then passes. `key` is the role whose key is sent, None that of the client whose time is
    to pass.
    """

    path: str
    body: str = ""
    method: str = "POST"
    scope: str = SERVER
    key: str | None = None

    def url(self, seconds: int) -> str:
        """Return the path that lets `seconds` pass."""
        return self.path.replace(_SECONDS, str(seconds))

    def fill(self, seconds: int) -> bytes:
        """Return the request body that lets `seconds` pass."""
        return self.body.replace(_SECONDS, str(seconds)).encode()

    @property
    def content_type(self) -> str:
        """What the body is: JSON, or else the fields of a form."""
        try:
            json.loads(self.fill(1))
        except ValueError:
            return "application/x-www-form-urlencoded"
        return "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a target offers, by role.

    `values` has media, prompts, generations and other texts; `absent` has the reasons why named keys are missing.
    `roles` has the roles that the profile declares beside the kit's, with their meaning; `gateway`, what is added to
    each request. `lacks` has what the target is said to lack of what is otherwise taken for granted, `origins` where
    the URLs of its outputs may lead beside its own host and port.
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
    gateway: Gateway = field(default_factory=Gateway)
    lacks: frozenset[str] = frozenset()
    origins: tuple[str, ...] = ()

    def missing(self, role: str) -> str | None:
        """Return why a role is not offered, or None."""
        if role in self.keys or role in self.values or role in self.offers:
            return None
        if role in TAKEN_FOR_GRANTED:
            return f"the profile says {role} = false" if role in self.lacks else None
        if role in self.roles:
            return self.absent.get(role) or f"the profile declares {role}, and gives it no key, value or offer"
        if role not in ROLES:
            return _describe_undeclared(role, [*ROLES, *self.roles])
        return self.absent.get(role) or f"the profile names no {role}"

    def find_lack(self, reason: str | None) -> str | None:
        """Return the role that a reason for not judging says the target does not offer, or None for another reason.

        A key that is named, and not in the environment, is offered; so is what more spending would make.
        """
        if reason is None or "--luma-spend" in reason:
            return None
        for role in (*ROLES, *self.roles):
            why = None if role in self.absent else self.missing(role)
            if why and (re.match(rf"{re.escape(why)}(?![\w-])", reason) or f" cannot serve as {role}: " in reason):
                return role
        return None

    def without_clock(self, why: str) -> Profile:
        """Return the profile without its clock, which cannot be advanced in this run, and why."""
        absent = {**self.absent, FAST_CLOCK: why}
        return replace(self, clock=None, offers=self.offers - {FAST_CLOCK}, absent=absent)

    @property
    def secrets(self) -> Mapping[str, str]:
        """The tokens that must never be shown, with what is shown instead of each."""
        keys = {key.token: key.source for key in self.keys.values() if key.source != key.token}
        return {**self.gateway.secrets, **keys}


def _describe_undeclared(role: str, known: Iterable[str]) -> str:
    near = get_close_matches(role, known, n=1, cutoff=0.8)
    advice = f"did you mean {near[0]}?" if near else f'[roles] {role} = "what it is" does, in a profile'
    return f"nothing declares the role {role}; {advice}"


def load_profile(path: Path, environ: Mapping[str, str]) -> Profile:
    """Return the profile in a file; raise InputError with everything that is wrong with it."""
    try:
        text = read_text(path, "a profile", MAX_BYTES)
    except Unreadable as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise InputError(f"{error}; `luma-conformance profile --init` writes one") from None
        raise
    return parse_profile(text, str(path), environ)


def make_bare_profile(environ: Mapping[str, str]) -> Profile:
    """Return the profile of a target known only by its base URL: the main key, if the environment has one."""
    keys = _Keys(environ)
    keys.add_variable(MAIN_KEY, MAIN_VARIABLE)
    return Profile(name=BARE, keys=keys.found, absent=keys.absent)


def read_template() -> str:
    """Return the commented profile that `luma-conformance profile --init` writes."""
    return Path(__file__).with_name("profile-template.toml").read_text(encoding="utf-8")


def parse_profile(text: str, name: str, environ: Mapping[str, str]) -> Profile:
    """Return the profile in a TOML text called `name`; raise InputError with everything that is wrong with it."""
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise InputError(f"{name}: is too big; a profile has at most {MAX_BYTES} bytes")
    from luma_conformance.reading.toml import read_toml  # a target need not have a profile

    source = read_toml(text, name)
    problems = Problems(name, source.locate, limit=MAX_PROBLEMS)
    profile = _read(Node(source.data, problems), name, environ)
    problems.check()
    return profile


class _Keys:
    """The keys of a profile by role, as far as the environment has them, and why the others are absent."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.found: dict[str, Key] = {}
        self.absent: dict[str, str] = {}
        self._environ = environ

    def add_variable(self, role: str, variable: str) -> None:
        """Add the key in an environment variable, or why there is none."""
        token = self._environ.get(variable, "").strip()
        if token:
            self.found[role] = Key(token=token, source=f"${variable}")
        else:
            state = "is empty" if variable in self._environ else "is not set"
            self.absent[role] = f"{role}: environment variable {variable} {state}"

    def read(self, role: str, node: Node) -> None:
        """Add the key that a member of [keys] names; no message shows its value, which may be a secret."""
        match node.value:
            case {"env": str(variable), **rest} if not rest and _VARIABLE.fullmatch(variable):
                self.add_variable(role, variable)
                if role in self.absent and variable in self._environ:  # a secret that a pipeline does not have
                    node.wrong(f"{node.name}: environment variable {variable} is empty; fill it, or unset it")
            case {"env": str(), **rest} if not rest:
                node.wrong(f'{node.name}: env is the name of a variable, of letters, digits and _: {{env = "NAME"}}')
            case {"test_key": str(token), **rest} if not rest and token.startswith(TEST_PREFIX):
                self.found[role] = Key(token=token, source=token)
            case {"test_key": str(), **rest} if not rest:
                why = f"a test key begins with {TEST_PREFIX}; any other stays in an environment variable"
                node.wrong(f'{node.name}: {why}: {role} = {{env = "NAME"}}')
            case str():
                why = "a key belongs in an environment variable, not in a profile"
                node.wrong(f'{node.name}: {why}; give its name: {role} = {{env = "NAME"}}')
            case _:
                node.expected(f'{{env = "NAME"}} or {{test_key = "{TEST_PREFIX}…"}}')


def _read(document: Node, name: str, environ: Mapping[str, str]) -> Profile:
    own = _read_own_roles(document)
    tables = {table: _read_table(document, table, own) for table in _TABLES if table in document}
    _note_unknown(document, ("base_url", "roles", "headers", *_TABLES))
    keys = _Keys(environ)
    for role, node in tables.get("keys", {}).items():
        keys.read(role, node)
    clock = _read_clock(document["clock"], tables.get("keys", {})) if "clock" in tables else None
    offered = [role for role, node in tables.get("offers", {}).items() if node.flag()]
    per_minute = tables.get("limits", {}).get("requests-per-minute")
    profile = Profile(
        name=name,
        base_url=_read_base_url(document["base_url"]) if "base_url" in document else None,
        keys=keys.found,
        values={role: node.text() for table in _TEXTS for role, node in tables.get(table, {}).items()},
        offers=frozenset([*offered, FAST_CLOCK] if clock else offered),
        clock=clock,
        requests_per_minute=per_minute.whole(1) if per_minute is not None else None,
        absent=keys.absent,
        roles=own,
        gateway=Gateway(headers=_read_headers(document, environ), certificate=_read_certificate(tables.get("tls", {}))),
        origins=_read_origins(tables.get("outputs", {})),
        lacks=frozenset(tables.get("offers", {})) & {*TAKEN_FOR_GRANTED} - {*offered},
    )
    why = keys.absent.get(clock.key) if clock is not None and clock.key is not None else None
    return profile.without_clock(why) if why is not None else profile


def _read_headers(document: Node, environ: Mapping[str, str]) -> tuple[GatewayHeader, ...]:
    """Return the headers in [headers], whose names are the user's own; no message shows a value."""
    found = []
    if "headers" in document:
        if not isinstance(document["headers"].value, dict):
            document["headers"].expected("a table: [headers]")
            return ()
        for name, node in document["headers"].members():
            if not isinstance(node.value, str):
                node.wrong(f'{node.name} should be a text, such as "$VARIABLE"')
                continue
            try:
                found.append(make_header(name, node.value, environ))
            except InputError as error:
                node.wrong(str(error))
    return tuple(found)


def _read_origins(table: Mapping[str, Node]) -> tuple[str, ...]:
    if "origins" not in table:
        return ()
    node = table["origins"]
    found = node.value if isinstance(node.value, list) else [None]
    if not all(isinstance(one, str) and _ORIGIN.fullmatch(one) for one in found):
        node.expected('a list of origins, like ["http://127.0.0.1:9000"]')
        return ()
    return tuple(map(str, found))


def _read_certificate(table: Mapping[str, Node]) -> ClientCertificate | None:
    if "client-certificate" not in table:
        if "client-key" in table:
            table["client-key"].wrong("client-key is the key of a certificate; give the certificate too")
        return None
    certificate = table["client-certificate"].text()
    key = table["client-key"].text() if "client-key" in table else certificate
    return ClientCertificate(certificate=Path(certificate), key=Path(key))


def _read_own_roles(document: Node) -> dict[str, str]:
    """Return the roles that a profile declares beside the kit's, with their meaning."""
    if "roles" not in document:
        return {}
    if not isinstance(document["roles"].value, dict):
        document["roles"].expected("a table: [roles]")
        return {}
    for role, node in document["roles"].members():
        if role in ROLES or role in SUPPLIES:
            node.wrong(f"{role} is the kit's own already; give another name")
        elif not OWN_ROLE.fullmatch(role):
            node.wrong(f"{role} is not a name for a role; use lower-case words joined by hyphens")
        elif sum(table in document and role in document[table] for table in _GIVING) > 1:
            node.wrong(f"{role} is given in several tables; keep it in one")
    return {role: node.text() for role, node in document["roles"].members()}


def _read_table(document: Node, table: str, own: Collection[str]) -> dict[str, Node]:
    """Return the known members of a table; note the others."""
    known = (*_TABLES[table], *own) if table in _GIVING else _TABLES[table]
    if not isinstance(document[table].value, dict):
        document[table].expected(f"a table: [{table}]")
        return {}
    _note_unknown(document[table], known)
    return {name: node for name, node in document[table].members() if name in known}


def _note_unknown(table: Node, known: Collection[str]) -> None:
    for name, node in table.members():
        if name not in known:
            advice = _find_home(name)
            alike = get_close_matches(name, known, n=1, cutoff=0.5)
            if advice is None and table.name in _GIVING and "-" in name and not alike:
                advice = "a role of your own is declared under [roles]"
            node.unknown(f"key in [{table.name}]" if table.name else "key", name, known, advice)


def _find_home(name: str) -> str | None:
    """Return where else a name belongs, if it does."""
    if name == FAST_CLOCK:
        return "a [clock] table offers it"
    if name == "base_url":
        return "it belongs above the first table"
    return next((f"it belongs in [{table}]" for table, roles in _TABLES.items() if name in roles), None)


def _read_base_url(node: Node) -> str:
    # No message shows the value, which may contain a password.
    if not (isinstance(node.value, str) and urlsplit(node.value).scheme in ("http", "https")):
        node.wrong("base_url should be a URL in quotes that begins with http:// or https://")
    return str(node.value)


def _read_clock(table: Node, keys: Collection[str]) -> ClockAdvance:
    path, body = table["advance"].text(), table["body"].text() if "body" in table else ""
    if path and not path.startswith("/"):
        table["advance"].wrong("clock.advance should be a path on the target, which begins with /")
    if path and _SECONDS not in path + body:
        where = table["body"] if "body" in table else table["advance"]
        where.wrong(f"clock.body, or clock.advance, should have {_SECONDS} in it, where the number of seconds goes")
    scope = table["scope"].one_of("scope of a clock", (SERVER, CLIENT)) if "scope" in table else SERVER
    key = table["key"].one_of("role in [keys]", keys) if "key" in table else None
    if key and scope == CLIENT:
        table["key"].wrong("clock.key does not go with a clock for each client, which its own key advances")
    method = table["method"].one_of("method", METHODS) if "method" in table else "POST"
    return ClockAdvance(path=path, body=body, method=method, scope=scope, key=key)

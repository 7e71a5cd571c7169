"""Profiles: what they offer, why they do not, and what is said of a wrong one."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from luma_conformance.catalogue.roles import ROLES, TAKEN_FOR_GRANTED
from luma_conformance.errors import InputError
from luma_conformance.reading.document import MAX_PROBLEMS
from luma_conformance.target.profile import (
    MAIN_VARIABLE,
    MAX_BYTES,
    Profile,
    load_profile,
    make_bare_profile,
    parse_profile,
    read_template,
)

FULL = """\
base_url = "https://agents.lumalabs.ai"
[keys]
main-key = {env = "LUMA_AGENTS_API_KEY"}
revoked-key = {env = "LUMA_REVOKED_KEY"}
other-key = {test_key = "luma-api-test-other"}
[media]
image-url = "https://example.com/a.png"
[prompts]
content-moderated-prompt = "something bad"
[generations]
completed-video = "00000000-0000-0000-0000-000000000001"
[offers]
large-uploads = true
[clock]
advance = "/_reference/clock"
body = '{"advance": {seconds}}'
[limits]
requests-per-minute = 30
"""
ENVIRON = {"LUMA_AGENTS_API_KEY": "luma-api-s3cret", "LUMA_REVOKED_KEY": "luma-api-r3voked"}


def read(text: str, environ: dict[str, str] | None = None) -> Profile:
    """Return the profile in a text."""
    return parse_profile(text, "p.toml", ENVIRON if environ is None else environ)


def complaint(text: str) -> str:
    """Return the problems of a text."""
    with pytest.raises(InputError) as caught:
        read(text)
    return str(caught.value)


def test_a_full_profile_offers_everything_it_names() -> None:
    """Every table ends up where the kit looks for it."""
    profile = read(FULL)
    assert profile.base_url == "https://agents.lumalabs.ai"
    assert {role: (key.token, key.source) for role, key in profile.keys.items()} == {
        "main-key": ("luma-api-s3cret", "$LUMA_AGENTS_API_KEY"),
        "revoked-key": ("luma-api-r3voked", "$LUMA_REVOKED_KEY"),
        "other-key": ("luma-api-test-other", "luma-api-test-other"),
    }
    assert dict(profile.values) == {
        "image-url": "https://example.com/a.png",
        "content-moderated-prompt": "something bad",
        "completed-video": "00000000-0000-0000-0000-000000000001",
    }
    assert profile.offers == {"large-uploads", "fast-clock"}
    assert profile.requests_per_minute == 30
    assert profile.clock is not None
    assert (profile.clock.path, profile.clock.fill(60)) == ("/_reference/clock", b'{"advance": 60}')


@pytest.mark.parametrize(
    ("members", "request_"),
    [
        ("advance = '/a'\nbody = '{\"by\": {seconds}}'", ("POST", "/a", b'{"by": 60}', "application/json")),
        ("advance = '/a'\nbody = '{seconds}'\nmethod = 'PUT'", ("PUT", "/a", b"60", "application/json")),
        ("advance = '/a'\nbody = 'by={seconds}'", ("POST", "/a", b"by=60", "application/x-www-form-urlencoded")),
        ("advance = '/a?by={seconds}'", ("POST", "/a?by=60", b"", "application/x-www-form-urlencoded")),
    ],
)
def test_a_clock_is_advanced_as_the_profile_says(members: str, request_: tuple[str, str, bytes, str]) -> None:
    """The seconds stand in the body, JSON or a form, or in the path; the clock is that of the server."""
    clock = read(f"[clock]\n{members}").clock

    assert clock is not None
    assert clock.scope == "server"
    assert (clock.method, clock.url(60), clock.fill(60), clock.content_type) == request_


def test_a_clock_whose_key_is_not_there_is_not_offered() -> None:
    """A role in [keys] that opens the clock has to have its key, or the reason is that of the key."""
    text = "[keys]\nmain-key = {env = 'X'}\n[clock]\nadvance = '/x/{seconds}'\nkey = 'main-key'"

    assert read(text, {"X": "a"}).missing("fast-clock") is None
    assert read(text, {}).missing("fast-clock") == "main-key: environment variable X is not set"


@pytest.mark.parametrize(
    ("reason", "role"),
    [
        ("the profile names no fast-clock", "fast-clock"),
        ("the profile names no fast-clock; --luma-real-time waits instead", "fast-clock"),
        ("the profile names no low-rpm-key, and main-key announces no requests a minute", "low-rpm-key"),
        ("the profile names no completed-video, and making one failed: the target answered 500", "completed-video"),
        ("other-key cannot serve as low-rpm-key: its other limit came first", "low-rpm-key"),
        ("the profile says output-files = false", "output-files"),
        ("the profile names no completed-video, and --luma-spend does not allow what it takes", None),
        ("revoked-key: environment variable X is not set", None),
        ("the profile names no revoked-key", None),  # it does: its variable is not set
        ("the profile names no fast-clocks", None),
        ("would cost money: more generations than --luma-spend allows", None),
        ("nothing declares the role fast-clok; did you mean fast-clock?", None),
        (None, None),
    ],
)
def test_what_a_target_does_not_offer_is_told_from_other_reasons(reason: str | None, role: str | None) -> None:
    """A role is lacking if the profile does not name it; a variable that is not set is no lack of the target."""
    profile = read('[keys]\nrevoked-key = {env = "X"}\n[offers]\noutput-files = false', {})

    assert profile.find_lack(reason) == role


def test_what_is_offered_is_not_missing_and_the_rest_has_a_reason() -> None:
    """A reason names the role, and the variable where there is one."""
    profile = read(FULL, {})
    assert profile.missing("main-key") == "main-key: environment variable LUMA_AGENTS_API_KEY is not set"
    assert profile.missing("revoked-key") == "revoked-key: environment variable LUMA_REVOKED_KEY is not set"
    assert profile.missing("expired-key") == "the profile names no expired-key"
    offered = {role for role in ROLES if profile.missing(role) is None}
    assert offered == {*profile.values, *TAKEN_FOR_GRANTED, "other-key", "large-uploads", "fast-clock"}


@pytest.mark.parametrize("empty", ["", " \n"])
def test_a_variable_that_is_set_but_empty_is_a_mistake(empty: str) -> None:
    """A pipeline that lacks a secret sets it to nothing; what it is for would not be judged, and nobody told."""
    with pytest.raises(InputError, match=r"p.toml:\d: keys.main-key: .* LUMA_AGENTS_API_KEY is empty"):
        read(FULL, {"LUMA_AGENTS_API_KEY": empty})


@pytest.mark.parametrize("text", ['base_url = ""', '[media]\nsource-image = ""', '[prompts]\nfailing-prompt = "  "'])
def test_nothing_in_a_profile_is_empty(text: str) -> None:
    """An empty text would be sent as the medium or prompt that it is in the place of."""
    with pytest.raises(InputError, match=r"p.toml:\d: "):
        read(text)


def test_an_empty_profile_is_one_and_offers_nothing() -> None:
    """Nothing is required of a profile but that it can be read; what is taken for granted it need not say."""
    profile = read("")
    assert {role for role in ROLES if not profile.missing(role)} == {*TAKEN_FOR_GRANTED}
    assert profile.base_url is None
    assert read("[offers]\nlarge-uploads = false").missing("large-uploads")


@pytest.mark.parametrize("role", TAKEN_FOR_GRANTED)
def test_what_is_taken_for_granted_is_missing_only_where_the_profile_says_so(role: str) -> None:
    """False takes it away, with that reason; true says what is the case anyway."""
    assert read(f"[offers]\n{role} = false").missing(role) == f"the profile says {role} = false"
    assert read(f"[offers]\n{role} = true").missing(role) is None


def test_a_key_is_stripped_of_the_white_space_around_it() -> None:
    """A file's last line break is no part of the key in it."""
    assert read(FULL, {**ENVIRON, "LUMA_AGENTS_API_KEY": "luma-api-x\r\n"}).keys["main-key"].token == "luma-api-x"


def test_no_secret_is_in_a_repr_and_all_are_listed() -> None:
    """A traceback that prints a profile prints no key; a test key is no secret."""
    profile = read(FULL)
    assert "s3cret" not in repr(profile)
    assert "r3voked" not in f"{profile.keys!r}"
    assert profile.secrets == {"luma-api-s3cret": "$LUMA_AGENTS_API_KEY", "luma-api-r3voked": "$LUMA_REVOKED_KEY"}


OWN = """\
[roles]
our-key = "a key of ours"
our-prompt = "a prompt of ours"
our-cluster = "a cluster of ours"
our-region = "a region of ours"
[keys]
our-key = {test_key = "luma-api-test-ours"}
[values]
our-prompt = "A sunset"
[offers]
our-cluster = true
"""


def test_a_declared_role_is_offered_like_any_other() -> None:
    """It has a key, a text or an offer; one that has none, and one that is not declared, have a reason."""
    profile = read(OWN)
    assert list(profile.roles) == ["our-key", "our-prompt", "our-cluster", "our-region"]
    assert [profile.missing(role) for role in ("our-key", "our-prompt", "our-cluster")] == [None] * 3
    assert (profile.keys["our-key"].token, profile.values["our-prompt"]) == ("luma-api-test-ours", "A sunset")
    assert profile.missing("our-region") == "the profile declares our-region, and gives it no key, value or offer"
    assert profile.missing("othr-key") == "nothing declares the role othr-key; did you mean other-key?"
    assert profile.missing("zone") == 'nothing declares the role zone; [roles] zone = "what it is" does, in a profile'
    absent = read('[roles]\nour-key = "k"\n[keys]\nour-key = {env = "OURS"}\n')
    assert absent.missing("our-key") == "our-key: environment variable OURS is not set"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "[values]\nour-prompt = 'x'",
            'p.toml:2: unknown key in [values] "our-prompt"; a role of your own is declared under',
        ),
        (
            "[keys]\nour-tenant = {env = 'X'}",
            'p.toml:2: unknown key in [keys] "our-tenant"; a role of your own is declared under [roles]',
        ),
        ("[roles]\nour-key = 1", "p.toml:2: roles.our-key should be a string, not 1"),
        ("[roles]\nother-key = 'x'", "p.toml:2: other-key is the kit's own already; give another name"),
        ("[roles]\ninline-png = 'x'", "p.toml:2: inline-png is the kit's own already; give another name"),
        (
            "[roles]\n'Our Key' = 'x'",
            "p.toml:2: Our Key is not a name for a role; use lower-case words joined by hyphens",
        ),
        ("roles = 1", "p.toml:1: roles should be a table: [roles], not 1"),
        ("[roles]\na = 'x'\n[values]\na = 'y'\n[prompts]\na = 'z'", "p.toml:2: a is given in several tables; keep it"),
    ],
)
def test_an_invalid_role_declaration_is_reported_with_its_line(text: str, why: str) -> None:
    """The message says what is wrong with the name, or where it is missing."""
    assert complaint(text).startswith(why)


def test_without_a_profile_the_main_key_comes_from_the_environment() -> None:
    """It comes from the usual variable, or the reason names it."""
    assert make_bare_profile(ENVIRON).keys["main-key"].token == "luma-api-s3cret"
    assert make_bare_profile({}).missing("main-key") == f"main-key: environment variable {MAIN_VARIABLE} is not set"
    assert make_bare_profile({}).missing("image-url") == "the profile names no image-url"


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        ("[keys]\nmain-kye = {env = 'X'}", ['p.toml:2: unknown key in [keys] "main-kye"; did you mean main-key?']),
        ("[kyes]\n", ['p.toml:1: unknown key "kyes"; did you mean keys?']),
        ("base-url = 'http://x'", ['p.toml:1: unknown key "base-url"; did you mean base_url?']),
        (
            "[keys]\nbase_url = 'http://x'",
            ['p.toml:2: unknown key in [keys] "base_url"; it belongs above the first table'],
        ),
        ("[prompts]\nimage-url = 'x'", ['p.toml:2: unknown key in [prompts] "image-url"; it belongs in [media]']),
        ("[offers]\nfast-clock = true", ['p.toml:2: unknown key in [offers] "fast-clock"; a [clock] table offers it']),
        (
            "[offers]\n\nzzz = true",
            [
                'p.toml:3: unknown key in [offers] "zzz"; there are '
                + ", ".join(sorted(("hdr-access", "large-uploads", *TAKEN_FOR_GRANTED)))
            ],
        ),
        ("\nkeys = 1", ["p.toml:2: keys should be a table: [keys], not 1"]),
        ("keys = 'luma-api-s3cret'", ["p.toml:1: keys should be a table: [keys], not a string"]),
        ("[[media]]\nimage-url = 'x'", ["p.toml:1: media should be a table: [media], not a list"]),
        ("[media]\nimage-url = 1", ["p.toml:2: media.image-url should be a string, not 1"]),
        ("[media]\nimage-url = ''", ["p.toml:2: media.image-url should be a string that is not empty, not"]),
        (
            "[generations]\ncompleted-image = {env = 'X'}",
            ["p.toml:2: generations.completed-image should be a string, not a mapping"],
        ),
        ("[offers]\nlarge-uploads = 'yes'", ["p.toml:2: offers.large-uploads should be true or false, not a string"]),
        ("base_url = 'x'", ["p.toml:1: base_url should be a URL in quotes that begins with http:// or https://"]),
        ("base_url = 1", ["p.toml:1: base_url should be a URL in quotes that begins with http:// or https://"]),
        (
            "[limits]\nrequests-per-minute = 0",
            ["p.toml:2: limits.requests-per-minute should be a whole number of at least 1, not 0"],
        ),
        (
            "[limits]\nrequests-per-minute = true",
            ["p.toml:2: limits.requests-per-minute should be a whole number of at least 1, not true"],
        ),
        (
            "[keys]\nmain-key = 1",
            ['p.toml:2: keys.main-key should be {env = "NAME"} or {test_key = "luma-api-test-…"}, not 1'],
        ),
        ("[keys]\nmain-key = {env = ''}", ["p.toml:2: keys.main-key: env is the name of a variable"]),
        ("[keys]\nmain-key = {env = '$X'}", ["p.toml:2: keys.main-key: env is the name of a variable"]),
        ("[keys]\nmain-key = {env = 'X', test_key = 'y'}", ["p.toml:2: keys.main-key should be {env"]),
        (
            "[clock]\nadvance = 'x'\nbody = '{seconds}'",
            ["p.toml:2: clock.advance should be a path on the target, which begins with /"],
        ),
        ("[clock]\nadvance = '/x'\nbody = '60'", ["p.toml:3: clock.body, or clock.advance, should have {seconds} in"]),
        ("[clock]\nadvance = '/x'", ["p.toml:2: clock.body, or clock.advance, should have {seconds} in it"]),
        ("[clock]\n", ["p.toml:1: clock.advance is missing"]),
        (
            "[clock]\nadvance = '/x/{seconds}'\nscope = 'clients'\nmethod = 'post'",
            ['p.toml:3: unknown scope of a clock "clients"; ', 'p.toml:4: unknown method "post"; '],
        ),
        (
            "[keys]\nmain-key = {env = 'X'}\n[clock]\nadvance = '/x/{seconds}'\nscope = 'client'\nkey = 'main-key'",
            ["p.toml:6: clock.key does not go with a clock for each client"],
        ),
        (
            "[keys]\nmain-key = {env = 'X'}\n[clock]\nadvance = '/x/{seconds}'\nkey = 'man-key'",
            ['p.toml:5: unknown role in [keys] "man-key"; did you mean main-key'],
        ),
        ("[keys\n", ["p.toml:1: is not TOML: "]),
        ("a = 1\na = 2\n", ["p.toml:2: is not TOML: "]),
        ("[media]\nx = 'a", ["p.toml:2: is not TOML: "]),
        (
            "[media]\nimage-url = 1\n[prompts]\nx = 1\n",
            ["p.toml:2: media.image-url should be", 'p.toml:4: unknown key in [prompts] "x"'],
        ),
        ("media.image-url = 1\n", ["p.toml:1: media.image-url should be a string, not 1"]),
        (
            "[ 'media' ]\n  image-url=0x" + "f" * 5000,
            ["p.toml:2: media.image-url should be a string, not a long number"],
        ),
    ],
)
def test_everything_wrong_is_named_with_its_line_and_the_likely_fix(text: str, complaints: list[str]) -> None:
    """Problems are reported all at once, in the order of their lines."""
    lines = complaint(text).splitlines()
    assert len(lines) == len(complaints)
    for line, start in zip(lines, complaints, strict=True):
        assert line.startswith(start)


@pytest.mark.parametrize("value", ["'luma-api-s3cret'", "{test_key = 'luma-api-s3cret'}", "'luma-api-test-s3cret'"])
def test_a_key_in_plain_text_is_refused_and_not_repeated(value: str) -> None:
    """The message says where a key belongs; only a test key may stand in a profile, and says that it is one."""
    why = complaint(f"[keys]\nmain-key = {value}")
    assert why.startswith("p.toml:2: keys.main-key: ")
    assert 'main-key = {env = "NAME"}' in why
    assert "s3cret" not in why


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[keys]\nmain-key = {env = 'luma-api-s3cret'}", "keys.main-key: env is the name of a variable"),
        ("[keys]\nluma-api-s3cret = 'x'", 'unknown key in [keys] "luma-api-REDACTED"'),
        ("[clock]\nadvance = '/{seconds}'\nkey = 'luma-api-s3cret'", 'unknown role in [keys] "luma-api-REDACTED"'),
        ("[headers]\nluma-api-s3cret = 1", "headers.luma-api-REDACTED should be a text"),
    ],
)
def test_a_key_where_a_name_belongs_is_not_repeated(text: str, said: str) -> None:
    """Nobody has told the kit that it is one; it looks like one."""
    why = complaint(text)
    assert said in why
    assert "s3cret" not in why


def test_a_file_is_read(tmp_path: Path) -> None:
    """A mark of the byte order, which editors on Windows write, does no harm."""
    path = tmp_path / "p.toml"
    path.write_text(FULL, encoding="utf-8-sig")
    assert load_profile(path, ENVIRON).base_url == "https://agents.lumalabs.ai"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A missing file, a folder, and bytes that are no text."""
    path = tmp_path / "p.toml"
    with pytest.raises(InputError, match=r"p.toml: cannot be read: No such file.*--init"):
        load_profile(path, {})
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        load_profile(tmp_path, {})
    path.write_bytes(b"# \xff")
    with pytest.raises(InputError, match=r"p.toml:1: is not UTF-8 text"):
        load_profile(path, {})


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"a = " + b"[" * 90_000, "p.toml: is nested too deep; write tables of plain values"),
        (b"a = " + b"{a = " * 15_000, "p.toml: is nested too deep"),
        (b"[keys]\na" + b".a" * 40_000 + b" = 1", "p.toml:2: has over 100 dots outside of strings"),
        (b"[a" + b".a" * 40_000 + b"]", "p.toml:1: has over 100 dots outside of strings"),
        (b"a = " + b"9" * 90_000, "p.toml: is not TOML that can be read: Exceeds the limit"),
        (
            b"[media]\nimage-url = '" + b"x" * 10_000_000 + b"'",
            f"p.toml: is too big; a profile has at most {MAX_BYTES}",
        ),
        ("ä".encode() * MAX_BYTES, "p.toml: is too big; a profile"),
        (b"[keys]\nmain-key = {env = 'X", "p.toml:2: is not TOML: "),
        (b"[keys]\nmain-key = {env = '\xff'}", "p.toml:2: is not UTF-8 text; save the file as UTF-8"),
        (b"a = \x00", "p.toml:1: is not TOML: "),
    ],
    ids=["lists", "tables", "key", "heading", "number", "text", "wide text", "cut", "latin-1", "binary"],
)
def test_a_hostile_file_is_refused_in_one_line(tmp_path: Path, content: bytes, why: str) -> None:
    """Whatever a file does to the parser, the message is one line."""
    path = tmp_path / "p.toml"
    path.write_bytes(content)

    with pytest.raises(InputError) as caught:
        load_profile(path, {})

    assert str(caught.value).startswith(f"{tmp_path}/{why}")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_only_the_first_of_many_problems_are_reported() -> None:
    """Nobody reads ten thousand lines, and looking for the nearest names of as many takes long."""
    lines = complaint("\n".join(f"k{number} = 1" for number in range(8_000))).splitlines()

    assert len(lines) == MAX_PROBLEMS + 1
    assert lines[0].startswith('p.toml:1: unknown key "k0";')
    assert lines[-1].startswith("… and maybe more")


def test_the_template_offers_the_main_key_and_nothing_else() -> None:
    """As it is written, it needs one variable."""
    profile = parse_profile(read_template(), "template", {})
    assert profile.missing("main-key") == f"main-key: environment variable {MAIN_VARIABLE} is not set"
    assert (dict(profile.values), profile.offers, profile.base_url) == ({}, frozenset(), None)


def test_the_template_with_every_line_uncommented_offers_every_role() -> None:
    """Taking away the # in front of a line is all there is to offering a role, or to doing without what is granted."""
    text = re.sub(r"(?m)^#(?! |$)", "", read_template())
    names = [name for table in tomllib.loads(text).values() if isinstance(table, dict) for name in table]
    profile = parse_profile(text, "template", dict.fromkeys(re.findall(r"LUMA_\w+", text), "luma-api-x"))
    assert [role for role in ROLES if profile.missing(role)] == [*TAKEN_FOR_GRANTED]
    assert "requests-per-minute" in names
    assert profile.base_url == "https://agents.lumalabs.ai"

"""How a target is named, and what opens."""

from __future__ import annotations

from pathlib import Path

import pytest

from luma_conformance.errors import InputError
from luma_conformance.model import Request
from luma_conformance.reference import profile_path
from luma_conformance.session.open import EMBEDDED, Options, open_session


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """Return the file of a profile without a base URL."""
    file = tmp_path / "luma-profile.toml"
    file.write_text(profile_path().read_text(encoding="utf-8"), encoding="utf-8")
    return file


def test_without_a_target_the_embedded_reference_is_opened() -> None:
    """It is in process, costs nothing, and needs no profile."""
    session = open_session(Options())

    assert session.shown == EMBEDDED
    assert not session.remote
    assert session.spending.limit is None


def test_a_profile_names_the_target_it_is_of(profile: Path, url: str) -> None:
    """A target that ends in .toml is the server whose base URL the profile has."""
    profile.write_text(f'base_url = "{url}"\n' + profile.read_text(encoding="utf-8"), encoding="utf-8")

    session = open_session(Options(target=str(profile)))
    try:
        assert session.base_url == url
        assert session.remote
        assert session.profile == str(profile)
    finally:
        session.close()


def test_a_profile_without_a_base_url_is_of_the_embedded_reference(profile: Path) -> None:
    """The profile then says what the reference is asked with."""
    session = open_session(Options(target=str(profile)))

    assert session.shown == EMBEDDED
    assert session.profile == str(profile)


@pytest.mark.parametrize(
    ("scope", "alone", "why"),
    [
        ("server", False, "workers share the one clock of the server; run it without -n"),
        ("server", True, None),
        ("client", False, None),
    ],
)
def test_one_clock_for_all_is_not_advanced_by_workers(
    profile: Path, url: str, scope: str, *, alone: bool, why: str | None
) -> None:
    """Where workers share a target, time that one advanced would pass for the others, in the middle of their cases."""
    text = profile.read_text(encoding="utf-8").replace('scope = "client"', f'scope = "{scope}"')
    profile.write_text(text, encoding="utf-8")

    session = open_session(Options(target=url, profile=profile, alone=alone))
    try:
        assert session.target.missing("fast-clock") == why
    finally:
        session.close()


def test_a_wrong_scope_is_announced_once(profile: Path, url: str) -> None:
    """As soon as answers show that the profile's scope is wrong, the run says so, once, with what to write."""
    told: list[str] = []
    text = profile.read_text(encoding="utf-8").replace('scope = "client"', 'scope = "server"')
    profile.write_text(text, encoding="utf-8")

    session = open_session(Options(target=url, profile=profile, announce=told.append))
    try:
        for role in ("main-key", "other-key", "main-key", "other-key"):
            session.target.channel.sleep(200, role)
            headers = (("Authorization", f"Bearer {session.target.token(role)}"),)
            session.target.channel.exchange(
                Request(method="POST", url="/v1/generations", headers=headers, body=b'{"prompt": "A lighthouse"}')
            )
    finally:
        session.close()

    assert [text for text in told if "scope" in text] == [
        'X-RateLimit-Reset shows that each client has a clock of its own; write [clock] scope = "client" in the profile'
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Options(target="a.toml", profile=Path("b.toml")), "a.toml and b.toml are both profiles; name one of them"),
        (Options(target="none.toml"), "none.toml: cannot be read: No such file or directory"),
        (
            Options(target="cassette:"),
            "cassette: names no file; write cassette:run.har; is the variable",
        ),
        (Options(target="cassette:run.har", profile=Path("a.toml")), "--luma-profile does not go with a recording"),
        (Options(target="cassette:run.har", record=Path("b.har")), "--luma-record does not go with a recording"),
    ],
)
def test_a_target_that_cannot_be_meant_is_refused(options: Options, message: str) -> None:
    """What contradicts itself, or is not there, is an error of the user's, in one sentence."""
    with pytest.raises(InputError, match=f"^{message}"):
        open_session(options)

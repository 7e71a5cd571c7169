"""The test cards: the README, the profile and the code name the same ones."""

from __future__ import annotations

import re

import pytest

from luma_conformance.catalogue.roles import FAILURE_CODES, ROLES
from luma_conformance.model import Request
from luma_conformance.reference import Service, VirtualClock, media_facts, profile_path
from luma_conformance.reference.cards import COMPLETED_IMAGE, COMPLETED_VIDEO, FAILS, KEYS, REASONS, STAYS
from luma_conformance.rules import MediaFact
from luma_conformance.target.profile import load_profile
from tests.reference.asking import CLOCK

README = profile_path().with_name("README.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`([^`\n]+)`", README))
PROFILE = load_profile(profile_path(), {})
LOADS = media_facts({"url": "https://example.com/any"})


def test_the_profile_offers_every_role() -> None:
    """Nothing the catalogue can need is missing, and nothing it names is unknown."""
    assert {role: PROFILE.missing(role) for role in ROLES} == dict.fromkeys(ROLES)
    assert PROFILE.absent == {}


def test_the_profile_needs_no_environment_and_hides_nothing() -> None:
    """Its keys are test keys, so they stand in it as they are."""
    assert PROFILE.secrets == {}
    assert {key.token for key in PROFILE.keys.values()} == set(KEYS)


def test_the_profile_names_the_seeded_generations_and_all_prompts() -> None:
    """Its generations and prompts are those of the cards."""
    values = {role: value for role, value in PROFILE.values.items() if not role.endswith("-url")}
    assert values.pop("completed-image") == COMPLETED_IMAGE
    assert values.pop("completed-video") == COMPLETED_VIDEO
    assert sorted(values.values()) == sorted([*STAYS, *FAILS])


@pytest.mark.parametrize("role", [role for role in PROFILE.values if role.endswith("-url")])
def test_each_url_of_the_profile_behaves_as_its_role_says(role: str) -> None:
    """The two that load are a small picture's; each of the others has something of its own wrong with it."""
    fact: MediaFact = media_facts({"url": PROFILE.values[role]})
    assert (fact == LOADS) == (role in ("image-url", "video-url"))


def test_the_readme_names_every_card() -> None:
    """Every key, URL, prompt and id of the profile and the code is in it, and the clock."""
    cards = {*KEYS, *STAYS, *FAILS, COMPLETED_IMAGE, COMPLETED_VIDEO, *PROFILE.values.values()}
    assert cards - NAMED == set()
    assert f"POST {CLOCK}" in NAMED
    assert "GET /.well-known/luma-conformance.toml" in NAMED


def test_the_readme_names_no_card_that_is_not_there() -> None:
    """What looks like a key, a prompt or a card's URL in it is one."""
    assert {name for name in NAMED if name.startswith("luma-api-")} == set(KEYS)
    assert {name for name in NAMED if name.startswith("[test]")} == {*STAYS, *FAILS}
    urls = {name for name in NAMED if name.startswith("https://")}
    plain = {url for url in urls if media_facts({"url": url}) == LOADS}
    assert plain == {PROFILE.values["image-url"], PROFILE.values["video-url"]}


def test_the_readme_gives_the_client_and_limit_of_each_key() -> None:
    """A row has the client of its key."""
    rows = dict(re.findall(r"^\| `(luma-api-[a-z-]+)` \| ([a-z-]+) \|", README, flags=re.MULTILINE))
    assert rows == {key: client for key, (client, _) in KEYS.items()}


def test_there_is_a_reason_for_every_code() -> None:
    """Each failure code has its own reason, and there is no other."""
    assert set(REASONS) == set(FAILS.values()) == set(FAILURE_CODES)
    assert len(set(REASONS.values())) == len(FAILURE_CODES)


def test_the_profile_is_served_as_it_is() -> None:
    """The well-known address answers the file, to anyone."""
    service = Service(clock=VirtualClock())
    response = service.handle(Request(method="GET", url="/.well-known/luma-conformance.toml"))
    assert (response.status, response.body) == (200, profile_path().read_bytes())

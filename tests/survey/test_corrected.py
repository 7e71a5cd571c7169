"""A profile corrected: what is not true is commented out with the reason, what was found is added, the rest stays."""

from __future__ import annotations

import tomllib

import pytest

from luma_conformance.errors import InputError
from luma_conformance.survey.claims import Claim, Finding, false, true, unasked, unclear
from luma_conformance.survey.corrected import correct
from luma_conformance.target.profile import parse_profile, read_template

URL = "http://127.0.0.1:8080"


def corrected(text: str, *claims: Claim) -> str:
    """Return a profile's text, corrected on a certain day; it can be read."""
    changed = correct(text, "p.toml", claims, base_url=URL, date="2026-11-25")
    parse_profile(changed, "p.toml", {})
    return changed


def found(role: str, value: str) -> Claim:
    """Return the claim about something that is not in the profile."""
    return Claim(role=role, finding=Finding.FOUND, text="seen", value=value)


def test_what_is_not_true_is_commented_out_with_the_reason() -> None:
    """Its author's own comments and all else stay as they are."""
    text = f'base_url = "{URL}"\n[keys]  # ours\nmain-key = {{env = "A"}}\nother-key = {{env = "B"}}  # the other\n'

    assert corrected(text, true("main-key", "fine"), false("other-key", "sees what\nmain-key made")) == (
        f'base_url = "{URL}"\n[keys]  # ours\nmain-key = {{env = "A"}}\n'
        "# 2026-11-25: not true: sees what main-key made\n"
        '#other-key = {env = "B"}  # the other\n'
    )


@pytest.mark.parametrize(
    "entry",
    [
        'queued-prompt = """\nstay\n\n[keys]\nqueued"""',
        'queued-prompt = """one \\\n  two"""',
        "queued-prompt = 'x'",
        '"queued-prompt" = "x"',
    ],
)
def test_an_entry_of_several_lines_is_commented_out_whole(entry: str) -> None:
    """Whatever stands in it."""
    text = f'[prompts]\n{entry}\nprocessing-prompt = "y"\n[keys]\nmain-key = {{env = "A"}}\n'

    data = tomllib.loads(corrected(text, false("queued-prompt", "no")))

    assert data == {"base_url": URL, "prompts": {"processing-prompt": "y"}, "keys": {"main-key": {"env": "A"}}}


@pytest.mark.parametrize(
    "text",
    [
        '[keys.other-key]\nenv = "B"\n[keys.main-key]\nenv = "A"\n',
        'keys.other-key = {env = "B"}\nkeys.main-key.env = "A"\n',
        '[keys]\nother-key.env = "B"\nmain-key.env = "A"\n',
    ],
)
def test_a_key_may_be_written_in_other_ways(text: str) -> None:
    """A table of its own, and dotted names."""
    assert tomllib.loads(corrected(text, false("other-key", "no")))["keys"] == {"main-key": {"env": "A"}}


def test_what_does_not_stand_by_itself_is_left_to_its_author() -> None:
    """A table in one line; the message names the place."""
    with pytest.raises(InputError, match=r"^p\.toml:1: other-key does not stand on lines of its own"):
        corrected('keys = {main-key = {env = "A"}, other-key = {env = "B"}}\n', false("other-key", "no"))
    with pytest.raises(InputError, match=r"^p\.toml: \[media\] has no heading of its own"):
        corrected('media = {image-url = "https://a.test"}\n', found("video-url", '"https://b.test"'))


def test_a_clock_goes_as_a_whole_or_gets_its_scope() -> None:
    """The table, up to the next heading."""
    text = '[clock]\nadvance = "/c"\n# how far\nbody = "{seconds}"\nscope = "server"\n[offers]\nhdr-access = true\n'
    scope = Claim(role="clock.scope", finding=Finding.FALSE, text="one client's", value='"client"')

    assert "clock" not in tomllib.loads(corrected(text, false("fast-clock", "answers 404")))
    assert tomllib.loads(corrected(text, scope))["clock"]["scope"] == "client"
    assert tomllib.loads(corrected(text.replace('scope = "server"\n', ""), scope))["clock"]["scope"] == "client"


def test_what_is_found_is_added_to_its_table() -> None:
    """Which is made where there is none."""
    clock = 'advance = "/c"\nbody = "{\\"by\\": {seconds}}"'
    changed = corrected(
        '[media]  # ours\nimage-url = "https://a.test"\n',
        found("video-url", '"https://b.test"'),
        found("hdr-access", "true"),
        found("fast-clock", clock),
    )

    assert tomllib.loads(changed) == {
        "base_url": URL,
        "media": {"image-url": "https://a.test", "video-url": "https://b.test"},
        "offers": {"hdr-access": True},
        "clock": {"advance": "/c", "body": '{"by": {seconds}}'},
    }
    assert '# 2026-11-25: found: seen\nvideo-url = "https://b.test"\n' in changed


def test_what_is_unclear_missing_or_not_asked_stays() -> None:
    """Only what was shown is changed."""
    text = f'base_url = "{URL}"\n[keys]\nmain-key = {{env = "A"}}\n'
    missing = Claim(role="other-key", finding=Finding.MISSING, text="the profile names none")

    assert corrected(text, unclear("main-key", "who knows"), unasked("second-key"), missing) == text


def test_the_template_is_filled_in() -> None:
    """Below its headings, and its explanations stay; the URL stands where it is explained."""
    changed = corrected(read_template(), found("image-url", '"https://a.test"'), found("large-uploads", "true"))

    assert f'#base_url = "https://agents.lumalabs.ai"\nbase_url = "{URL}"\n' in changed
    assert tomllib.loads(changed)["media"] == {"image-url": "https://a.test"}
    assert len(changed.splitlines()) == len(read_template().splitlines()) + 5


def test_a_profile_corrected_twice_is_corrected_once() -> None:
    """The second time there is nothing left to change."""
    claims = (false("missing-url", "accepted"), found("image-url", '"https://a.test"'))
    once = corrected('[media]\nmissing-url = "https://m.test"\n', *claims)

    assert corrected(once, claims[0]) == once


def test_the_words_of_a_target_cannot_leave_their_comment() -> None:
    """Line breaks of any kind, and what TOML forbids."""
    text = '[media]\nmissing-url = "https://m.test"\n'
    for said in ('x\n[keys]\nmain-key = "y"', "x\rbase_url = 1", "x\x00\x1b[31m\x7f", "x\u2028y\u0085z"):
        data = tomllib.loads(corrected(text, false("missing-url", said)))
        assert data == {"base_url": URL, "media": {}}

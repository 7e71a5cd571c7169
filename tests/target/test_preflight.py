"""The preflight: what stops a run before it begins, and what is left for the cases to judge."""

from __future__ import annotations

import pytest

from luma_conformance.errors import CouldNotJudge, ExchangeError
from luma_conformance.model import Response, header
from luma_conformance.target.preflight import PROBE, preflight
from tests.kit import Fixed

JSON = (("Content-Type", "application/json"),)
HTML = (("content-type", "Text/HTML; charset=utf-8"),)


def complaint(response: Response) -> str:
    """Return why a target with this answer cannot be judged."""
    with pytest.raises(CouldNotJudge) as caught:
        preflight(Fixed(response), "Bearer s3cret", key="$MY_KEY")
    assert "\n" not in str(caught.value)
    assert "s3cret" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "response",
    [
        Response(status=404, headers=JSON, body=b'{"detail": "Generation not found"}'),
        Response(status=404, headers=(("Content-Type", "text/plain"),), body=b"no"),
        Response(status=404),
        Response(status=200, headers=JSON, body=b"{}"),
        Response(status=429, headers=JSON, body=b"{}"),
        Response(status=500, headers=JSON, body=b'["<html>"]'),
        Response(status=400, headers=JSON, body=b"\xff[[["),
    ],
)
def test_a_target_that_answers_as_an_api_may_be_judged(response: Response) -> None:
    """Whether its answers are right is for the cases to judge."""
    preflight(Fixed(response), "Bearer k")


def test_the_probe_is_one_lookup_with_the_main_key() -> None:
    """It costs nothing."""
    target = Fixed(Response(status=404))
    preflight(target, "Bearer k")
    (request,) = target.heard
    assert (request.method, request.url, request.body) == ("GET", PROBE, b"")
    assert ("Authorization", "Bearer k") in request.headers


def test_without_a_main_key_the_preflight_only_looks_for_the_api() -> None:
    """A target that asks for a key is there; one that answers a page is not the API."""
    target = Fixed(Response(status=401, body=b'{"detail": "Missing or invalid API key"}'))

    preflight(target, None)

    assert header(target.heard[0].headers, "Authorization") is None
    with pytest.raises(CouldNotJudge, match="web page"):
        preflight(Fixed(Response(status=200, body=b"<html>")), None)


def test_a_target_that_cannot_be_reached_says_why_itself() -> None:
    """The transport's own message passes through."""
    with pytest.raises(CouldNotJudge, match="nothing listens at"):
        preflight(Fixed(ExchangeError("nothing listens at 127.0.0.1:1")), "Bearer k")


@pytest.mark.parametrize(
    "response",
    [
        Response(status=200, headers=HTML),
        Response(status=404, headers=HTML, body=b"not found"),
        Response(status=403, headers=HTML, body=b"<html>Just a moment"),
        Response(status=502, body=b"\n <!DOCTYPE html>"),
    ],
)
def test_a_web_page_is_not_the_api(response: Response) -> None:
    """Whatever its status: a login page is no refusal of the key."""
    assert f"answers {response.status} with a web page" in complaint(response)


def test_a_refused_main_key_stops_the_run() -> None:
    """With it, every case would be answered 401. The target's words are repeated, on one line."""
    why = complaint(Response(status=401, headers=JSON, body=b'{"detail": "Invalid\\nAPI key"}'))
    assert why.startswith("the target refuses the main key ($MY_KEY): Invalid API key; ")
    assert "($MY_KEY); " in complaint(Response(status=401, body=b"[" * 100_000))
    assert "($MY_KEY); " in complaint(Response(status=401, headers=JSON, body=b'{"detail": ["x"]}'))


def test_a_client_without_access_stops_the_run() -> None:
    """Suspended or deactivated, in the target's words."""
    why = complaint(Response(status=403, headers=JSON, body=b'{"detail": "API client is suspended"}'))
    assert "denies access to the main key's client ($MY_KEY): API client is suspended" in why


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        (f"https://x.example{PROBE}", "a redirect to https://x.example, and"),
        (f"https://x.example/api{PROBE}/?a=b", "a redirect to https://x.example/api, and"),
        ("/login", "a redirect to /login, and"),
        (None, "a redirect to nowhere"),
    ],
)
def test_a_redirect_is_named_and_not_followed(location: str | None, shown: str) -> None:
    """The message has the base URL to use instead."""
    headers = () if location is None else (("Location", location),)
    assert shown in complaint(Response(status=301, headers=headers, body=b"<html>"))

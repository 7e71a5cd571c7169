"""The preflight: what stops a run before it begins, and what is left for the cases to judge."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from luma_conformance.errors import CouldNotJudge, ExchangeError
from luma_conformance.model import Request, Response, header
from luma_conformance.redaction.redactor import Redactor
from luma_conformance.target.preflight import PROBE, check_clock, preflight
from tests.kit import Fixed, response

JSON = (("Content-Type", "application/json"),)
HTML = (("content-type", "Text/HTML; charset=utf-8"),)


def complaint(response: Response) -> str:
    """Return why a target with this answer cannot be judged."""
    with pytest.raises(CouldNotJudge) as caught:
        preflight(Fixed(response), "Bearer s3cret", key="$MY_KEY")
    assert "\n" not in str(caught.value)
    assert "s3cret" not in str(caught.value)
    return str(caught.value)


KNOWN = Response(status=404, headers=JSON, body=b'{"detail": "Generation not found"}')
REFUSED = Response(status=401, headers=JSON, body=b'{"detail": "Missing or invalid API key"}')
CLOCK = Request(method="POST", url="/clock", body=b"0")


@dataclass
class Two:
    """A transport that answers lookups in one way and everything else in another."""

    looked_up: Response
    other: Response

    def send(self, request: Request) -> Response:
        return self.looked_up if request.method == "GET" else self.other


@pytest.mark.parametrize(
    "response",
    [
        KNOWN,
        Response(status=404, headers=JSON, body=b'{"detail": "no such GENERATION"}'),
        Response(status=200, headers=JSON, body=b"{}"),
        Response(status=429, headers=JSON, body=b"{}"),
        Response(status=400, headers=JSON, body=b'{"detail": "no"}'),
    ],
)
def test_a_target_that_answers_as_an_api_may_be_judged(response: Response) -> None:
    """Whether its answers are right is for the cases to judge."""
    preflight(Fixed(response), "Bearer k")


@pytest.mark.parametrize(
    "response",
    [
        Response(status=404, headers=(("Content-Type", "text/plain"),), body=b"no"),
        Response(status=404),
        Response(status=405),
        Response(status=500, headers=JSON, body=b'["<html>"]'),
        Response(status=503, headers=JSON, body=b'{"detail": "warming up"}'),
        Response(status=400, headers=(("Content-Type", "text/plain"),), body=b"Invalid host header"),
    ],
)
def test_an_odd_lookup_is_no_reason_where_another_request_is_answered_otherwise(response: Response) -> None:
    """A server may be wrong about lookups alone; one that says the same to everything is not the API, or is down."""
    preflight(Two(response, REFUSED), "Bearer k")
    preflight(Two(response, REFUSED), None)

    assert f"answers {response.status} to every request" in complaint(response)


def test_a_404_to_everything_is_a_wrong_path() -> None:
    """The message says what a base URL is; the target's words are in it."""
    why = complaint(Response(status=404, headers=JSON, body=b'{"detail": "Not Found"}'))
    assert why.endswith(": Not Found: the API is not there; give as base URL exactly what comes before /v1/generations")


def test_a_server_that_is_down_is_told_from_a_wrong_path() -> None:
    """Something answers, and nothing works."""
    assert "to every request: no upstream; is it up?" in complaint(
        Response(status=502, headers=JSON, body=b'{"detail": "no upstream"}')
    )


def test_the_probe_is_one_lookup_with_the_main_key() -> None:
    """It costs nothing."""
    target = Fixed(KNOWN)
    preflight(target, "Bearer k")
    (request,) = target.heard
    assert (request.method, request.url, request.body) == ("GET", PROBE, b"")
    assert ("Authorization", "Bearer k") in request.headers


def test_the_second_probe_has_no_key() -> None:
    """Nothing can be charged for it: it asks for nothing, on nobody's account."""
    target = Fixed(Response(status=404))
    with pytest.raises(CouldNotJudge):
        preflight(target, "Bearer k")
    assert [header(request.headers, "Authorization") for request in target.heard] == ["Bearer k", None]
    assert target.heard[1].body == b"{}"


def test_without_a_main_key_the_preflight_only_looks_for_the_api() -> None:
    """A target that asks for a key is there; one that answers a page is not the API."""
    target = Fixed(REFUSED)

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
        (f"https://x.example{PROBE}", "a redirect to https://x.example, and redirects are not followed; use that"),
        (f"https://x.example/api{PROBE}/?a=b", "a redirect to https://x.example/api, and redirects are not followed"),
        ("/login?next=1", "a redirect to /login, and that is not the API: a login page, or another site"),
        (PROBE, f"a redirect to {PROBE}, and that is not the API"),
        (None, "a redirect to nowhere"),
    ],
)
def test_a_redirect_is_named_and_not_followed(location: str | None, shown: str) -> None:
    """The message has the base URL to use instead, if there is one."""
    headers = () if location is None else (("Location", location),)
    assert shown in complaint(Response(status=301, headers=headers, body=b"<html>"))


@pytest.mark.parametrize("scheme", ["Basic realm=a", "Negotiate", "NTLM", 'digest realm="x"'])
@pytest.mark.parametrize(("status", "name"), [(401, "WWW-Authenticate"), (407, "proxy-authenticate")])
def test_a_login_in_front_of_the_api_is_no_refused_key(status: int, name: str, scheme: str) -> None:
    """Whoever asks for a user name and a password does not speak of the key, whether there is one or not."""
    response = Response(status=status, headers=((name, scheme),), body=b"<html>")

    assert f"asks for a login ({scheme.split(' ', maxsplit=1)[0]})" in complaint(response)
    with pytest.raises(CouldNotJudge, match="asks for a login"):
        preflight(Fixed(response), None)


def test_a_refusal_that_names_the_bearer_scheme_is_the_apis() -> None:
    """RFC 6750 has servers say so with every 401."""
    headers = (*JSON, ("WWW-Authenticate", "Bearer"))
    assert "refuses the main key" in complaint(Response(status=401, headers=headers, body=b'{"detail": "no"}'))


@pytest.mark.parametrize(
    "body",
    [
        b"Client sent an HTTP request to an HTTPS server.\n",
        b"<html><title>400 The plain HTTP request was sent to HTTPS port</title>",
        b"Bad Request\nThis combination of host and port requires TLS.\n",
    ],
)
def test_a_port_of_tls_is_named(body: bytes) -> None:
    """In the words of Go, nginx and Tomcat; the API's own words are something else."""
    assert "because it speaks TLS; its base URL begins with https://" in complaint(Response(status=400, body=body))
    preflight(Fixed(Response(status=400, headers=JSON, body=b'{"detail": "source.url should be HTTPS"}')), "Bearer k")


def test_what_the_target_says_is_scrubbed_before_it_is_shortened() -> None:
    """Half a key is not known for one."""
    detail = "x" * 190 + "s3cret-and-long"
    with pytest.raises(CouldNotJudge) as caught:
        preflight(Fixed(response(401, {"detail": detail})), "Bearer k")
    shown = Redactor({detail[190:]: "$KEY"}).show(str(caught.value))
    assert "x$KEY… 5 more characters" in shown
    assert "s3" not in shown


def dead(answer: Response | ExchangeError, later: Response | None = None) -> str:
    """Return why a clock is dead that answers so, and `later` to a second request."""

    def sleep() -> None:
        if later is None or later.status >= 300:
            raise CouldNotJudge("answered that")

    with pytest.raises(CouldNotJudge) as caught:
        check_clock(Fixed(answer), CLOCK, sleep)
    assert str(caught.value).startswith("the clock at /clock, which the profile names, ")
    assert str(caught.value).endswith("or remove [clock]: without it, time passes by waiting")
    return str(caught.value)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (response(404, {"detail": "Not Found"}), "answers 404: Not Found, so there is no clock"),
        (response(405), "answers 405, so there is no clock"),
        (response(401, {"detail": "admin only"}), "answers 401: admin only, so it does not take the key"),
        (response(403), "answers 403, so it does not take the key"),
        (response(500), "answers 500; see the target's log"),
        (response(307), "answers 307, a redirect"),
        (Response(status=200, headers=HTML, body=b"<html>"), "answers 200 with a web page"),
        (Response(status=404, headers=HTML, body=b"<html>"), "answers 404 with a web page"),
        (ExchangeError("the server closed"), "does not answer (the server closed)"),
        (response(422, {"detail": "no member advance"}), "answers 422: no member advance; check advance and body"),
    ],
)
def test_a_dead_clock_is_told_with_the_fix(answer: Response | ExchangeError, why: str) -> None:
    """A second that passes is asked for only where nothing else is wrong than that 0 seconds are refused."""
    assert why in dead(answer)


@pytest.mark.parametrize("answer", [response(200, {"now": 1}), response(204, b""), response(202, b"ok")])
def test_a_clock_that_answers_is_not_moved(answer: Response) -> None:
    """It is asked once, for nothing."""

    def sleep() -> None:
        raise AssertionError

    target = Fixed(answer)
    check_clock(target, CLOCK, sleep)
    assert target.heard == [CLOCK]


def test_a_clock_that_moves_by_something_only_is_alive() -> None:
    """That an advance of 0 is refused says nothing against it."""
    moved: list[int] = []
    check_clock(Fixed(response(400, {"detail": "seconds must be positive"})), CLOCK, lambda: moved.append(1))
    assert moved == [1]

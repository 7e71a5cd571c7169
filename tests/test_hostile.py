"""Hostile servers: whatever they do, the kit ends at its bounds, with a verdict and without a traceback."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from luma_conformance.errors import Exit
from luma_conformance.model import Request, Response
from luma_conformance.reference.asgi import serving
from tests import hostile, sockets
from tests.hostile import MOST, SECURE, SERVERS, Row
from tests.kit import MAIN_KEY_PROFILE, UNKNOWN_MODELS, Run, run_inside
from tests.miniatures import on_answers

CASES = f"""\
{UNKNOWN_MODELS}\
  - id: unknown-model
    title: an unknown model is refused
    request: {{body: {{prompt: A sunset, model: nope}}}}
    detail: "Unknown model: nope"
"""


@pytest.fixture
def checked(table: Callable[[str], None]) -> Callable[[Row, str], None]:
    """Return a function that checks a row against its verdict, and adds it to the table of the run."""

    def check(row: Row, verdict: str) -> None:
        table(str(row))
        _check(row, verdict)

    return check


def _check(row: Row, verdict: str) -> None:
    """Check that a row has the verdict, in one printable line, and stayed within memory."""
    assert re.search(verdict, row.verdict), str(row)
    assert row.verdict.isprintable()
    assert row.peak < MOST, str(row)


@pytest.mark.parametrize("name", SERVERS)
def test_a_hostile_server_gets_its_verdict_within_memory(name: str, checked: Callable[[Row, str], None]) -> None:
    """The verdict names, in one line, the bound that was crossed, and an exchange costs the memory the bounds allow."""
    start, verdict = SERVERS[name]
    checked(hostile.row(name, start), verdict)


@pytest.mark.parametrize("name", SECURE)
def test_a_hostile_handshake_is_under_the_bound_of_connecting(name: str, checked: Callable[[Row, str], None]) -> None:
    """TLS is part of connecting, and a drip of bytes does not extend it."""
    start, verdict = SECURE[name]
    checked(hostile.row(name, start, scheme="https"), verdict)


def test_a_host_name_that_never_resolves_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's resolver takes no deadline of ours, so it is not waited for longer than that."""
    asked = threading.Event()
    monkeypatch.setattr("socket.getaddrinfo", lambda *args, **kwargs: asked.wait(5))

    with sockets.reaching("http://slow.example", hostile.BOUNDS) as transport:
        why = sockets.refusal(transport)
    asked.set()

    assert "the name slow.example has no address within 0.3 s" in why


def test_an_answer_at_the_bounds_themselves_is_read() -> None:
    """As many fields and interim answers as are allowed are no finding."""
    fields = b"".join(b"X-%d: y\r\n" % number for number in range(98))
    interim = b"HTTP/1.1 103 Early Hints\r\n\r\n" * 16
    answer = interim + b"HTTP/1.1 200 OK\r\n" + fields + b"Content-Length: 2\r\n\r\nok"

    response = sockets.answer_to(answer)

    assert (len(response.headers), response.body) == (99, b"ok")


def test_bounds_hold_for_each_answer_separately() -> None:
    """A kept connection does not add up the heads of its answers."""
    fields = b"".join(b"X-%d: y\r\n" % number for number in range(90))
    answer = b"HTTP/1.1 200 OK\r\n" + fields + b"Content-Length: 2\r\n\r\nok"

    with sockets.serving([answer, answer]) as server, sockets.reaching(server.url) as transport:
        assert [transport.send(sockets.PING).status for _ in range(2)] == [200, 200]
    assert server.connections == 1


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Return a function that runs pytest against a base URL, with one case and a key for it."""
    pytester.makefile(".yaml", things=CASES)
    profile = pytester.makefile(".toml", profile=MAIN_KEY_PROFILE)
    return partial(run_inside, pytester, "--luma-profile", str(profile), "--luma-timeout", "0.3", "--base-url")


@pytest.mark.parametrize(
    "name", ["silence", "10 000 headers", "gzip bomb", "chunk of -5 bytes", "reset in the body", "HTML page"]
)
def test_a_run_against_a_hostile_server_could_not_judge(name: str, run: Run) -> None:
    """The run ends with the status for it, says why once, and has no traceback."""
    start, _ = SERVERS[name]

    with start() as server:
        result = run(server.url)

    assert result.ret == Exit.COULD_NOT_JUDGE
    assert sum(line.startswith("could not judge:") for line in result.outlines) == 1
    assert "Traceback" not in result.stdout.str() + result.stderr.str()


@on_answers
def flooding(request: Request, response: Response) -> Response:
    """Answer whatever is to be created with two hundred header fields."""
    flood = tuple((f"X-{number}", "y") for number in range(200))
    return replace(response, headers=response.headers + flood) if request.method == "POST" else response


def test_a_server_that_turns_hostile_is_found_out(run: Run) -> None:
    """A target that answers lookups and floods whoever creates fails, with the bound it crossed."""
    with serving(wrap=flooding) as url:
        result = run(url)

    assert result.ret == Exit.NOT_CONFORMANT
    result.stdout.fnmatch_lines(["*the answer has over 99 header fields, which is the bound*"])
    assert "Traceback" not in result.stdout.str() + result.stderr.str()

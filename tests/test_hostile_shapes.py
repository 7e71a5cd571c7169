"""Hostile answers of nearly a hundred shapes: a run and the command `profile` end in time, with a finding."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from luma_conformance.cli.main import main
from luma_conformance.errors import Exit
from luma_conformance.model import Outcome
from luma_conformance.recording import har
from luma_conformance.session import open as open_session
from luma_conformance.target.bounds import Bounds
from tests import kit
from tests.cli.commands import Output
from tests.hostile_shapes import JSON, SHAPES, serving_shapes, sized
from tests.kit import MAIN_KEY_PROFILE, UNKNOWN_MODELS, run_inside
from tests.sockets import Script

CASES = UNKNOWN_MODELS + "".join(
    f"  - {{id: shape-{number}, title: an unknown model is refused, "
    f'request: {{body: {{prompt: shape-{number}-, model: nope}}}}, detail: "Unknown model: nope"}}\n'
    for number in range(len(SHAPES))
)
UNKNOWN = sized(b'{"detail": "Generation not found"}', status=b"404 Not Found")

LEGAL = {
    "a thousand cookies": "each cookie has a field of its own, and there may be many (RFC 9110, 5.3)",
    "an old version in chunks": "it is read, and its connection closed: the framing may be wrong (RFC 9112, 6.1)",
    "chunks and length": "of the two, the transfer coding counts (RFC 9112, 6.3)",
    "control characters": "who receives them in a value may keep them, but CR, LF and NUL (RFC 9110, 5.5)",
    "dates of nobody": "an invalid Date may be replaced by the time of receipt, an invalid Age be ignored "
                       "(RFC 9110, 6.6.1; RFC 9111, 5.1)",
    "deflate of zlib": "a client that names no codings takes any, and deflate is in the format of zlib "
                       "(RFC 9110, 12.5.3 and 8.4.1.2)",
    "identity": "it is reserved as the name of no coding at all (RFC 9110, 12.5.3)",
    "keep alive, and close": "the connection ends where close is among the options (RFC 9112, 9.3)",
    "last chunk of many zeros": "the last chunk has one zero or more for its size (RFC 9112, 7.1)",
    "length and chunks": "of the two, the transfer coding counts, whichever comes first (RFC 9112, 6.3)",
    "more after the last chunk": "what comes when nothing was asked is no answer; it is not read (RFC 9112, 9.2)",
    "status without reason": "there may be no reason, and white space around it is the reader's choice (RFC 9112, 4)",
    "trailers that matter": "a trailer is no header, and may be dropped (RFC 9110, 6.5.1)",
    "two answers at once": "what comes when nothing was asked is no answer; it is not read (RFC 9112, 9.2)",
}  # fmt: skip
"""Those that are no finding, each with what HTTP lets a server send, or a client make of it."""


def _choose(heard: bytes) -> bytes | Script:
    """Return the shape that a case asks for, with the headers of the page; a lookup is answered as it should be."""
    trace = re.search(rb"(?i)\r\nx-request-id: *([^\r]*)", heard)
    more = b"X-API-Version: 2026-04-01\r\n" + (b"X-Request-Id: %s\r\n" % trace[1] if trace else b"")
    found = re.search(rb"shape-(\d+)-", heard)
    shape = UNKNOWN if found is None else [*SHAPES.values()][int(found[1])]
    return shape if callable(shape) else shape.replace(JSON, JSON + more)


def test_each_hostile_answer_to_a_case_is_a_finding_about_it(pytester: pytest.Pytester) -> None:
    """One run meets them all: each has a verdict, none a traceback, and it is over once their bounds are."""
    pytester.makefile(".yaml", things=CASES)
    profile = pytester.makefile(".toml", profile=MAIN_KEY_PROFILE)
    with serving_shapes(_choose) as url:
        ended = run_inside(
            pytester, "--base-url", url, "--luma-profile", str(profile), "--luma-timeout", "0.5", "--luma-report=out",
            "--luma-record=run.har", "things.yaml", "-p", "no:faulthandler",
        )  # fmt: skip
    said = ended.stdout.str() + ended.stderr.str()
    names = [*SHAPES]
    found = {names[int(one.case.rpartition("-")[2])]: one for one in kit.results().verdicts}

    assert ended.ret == Exit.NOT_CONFORMANT
    assert "Traceback" not in said
    assert "INTERNALERROR" not in said
    assert found.keys() == SHAPES.keys()
    passed = {name for name, one in found.items() if one.verdict == Outcome.PASS}
    assert passed == LEGAL.keys()
    assert [*har.read_entries(Path("run.har"))]


@pytest.mark.parametrize("name", SHAPES)
def test_a_server_that_is_hostile_from_the_start_is_not_asked_further(
    name: str, tmp_path: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command `profile` says in one line what it met, or what it takes the server to offer."""
    monkeypatch.setattr(open_session, "Bounds", lambda total: Bounds(total=0.5))
    with serving_shapes(lambda _: SHAPES[name]) as url:
        status = main(["profile", url, "--output", str(tmp_path / "p.toml")])
    said = capsys.readouterr()

    assert status in (Exit.COULD_NOT_JUDGE, Exit.NOT_CONFORMANT, Exit.CONFORMANT)
    assert status != Exit.COULD_NOT_JUDGE or len(said.err.splitlines()) <= 2
    assert "Traceback" not in said.err
    assert (said.out + said.err).replace("\n", "").isprintable()

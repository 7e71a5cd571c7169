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
from tests.kit import run_inside
from tests.sockets import Script

PROFILE = '[keys]\nmain-key = {test_key = "luma-api-test-main"}\n'
CASES = """\
# yaml-language-server: $schema=case-file.schema.json
section: 400 — Unknown model
operation: POST /v1/generations
status: 400
cases:
""" + "".join(
    f"  - {{id: shape-{number}, title: an unknown model is refused, "
    f'request: {{body: {{prompt: shape-{number}-, model: nope}}}}, detail: "Unknown model: nope"}}\n'
    for number in range(len(SHAPES))
)
UNKNOWN = sized(b'{"detail": "Generation not found"}', status=b"404 Not Found")

LEGAL = {
    "UTF-16", "a mark before JSON", "a thousand cookies", "an old version in chunks", "chunks and length",
    "control characters", "dates of nobody", "deflate of zlib", "identity", "keep alive, and close",
    "last chunk of many zeros", "length and chunks", "more after the last chunk", "raw deflate",
    "status without reason", "trailers that matter", "two answers at once",
}  # fmt: skip
"""Those that HTTP allows, or every client reads, and so no finding."""


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
    profile = pytester.makefile(".toml", profile=PROFILE)
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
    assert passed == LEGAL
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

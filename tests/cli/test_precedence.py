"""`luma-conformance precedence`: the order it finds is the server's, and only refusals are asked for."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest

from luma_conformance.cli import main as cli
from luma_conformance.errors import Exit
from luma_conformance.model import GENERATIONS_PATH, Request, Response
from luma_conformance.reference.asgi import serving
from luma_conformance.reference.precedence import PRECEDENCE
from luma_conformance.rules import Rejected, predict
from tests.miniatures import Handle, accepts_everything

PARTS = 2
"""The rules are tried in so many parts, each spread over the whole order: pairs grow with the square of the rules."""

FEW = ("prompt-empty", "unknown-model", "aspect-ratio-invalid", "reference-url-and-data", "manga-not-portrait")


def observations(file: Path) -> set[tuple[str, str]]:
    """Return the pairs of a kept order."""
    return {(one["first"], one["then"]) for one in json.loads(file.read_text())["observations"]}


@pytest.fixture(scope="module")
def order(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a kept order of a few rules on the reference."""
    file = tmp_path_factory.mktemp("kept") / "order.json"
    assert cli.main(["precedence", *FEW, "--output", str(file)]) == Exit.CONFORMANT
    return file


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_the_order_found_is_the_servers(part: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every observed pair stands in the reference's own order, and nearly all that can be combined are observed."""
    rules, file = PRECEDENCE[part::PARTS], tmp_path / "order.json"

    assert cli.main(["precedence", *rules, "--output", str(file)]) == Exit.CONFORMANT

    found = observations(file)
    printed = capsys.readouterr().out
    assert len(found) > 60
    assert [pair for pair in found if PRECEDENCE.index(pair[0]) > PRECEDENCE.index(pair[1])] == []
    (first,) = re.findall(r"(?m)^    1      (.*)$", printed)
    assert rules[0] in first.split(", ")
    assert "cycle" not in printed
    assert "contested" not in printed


def turned(handle: Handle) -> Handle:
    """Name an unknown model before an empty prompt, where the reference does the reverse."""

    def answer(request: Request) -> Response:
        response = handle(request)
        if request.method != "POST" or b'"prompt": ""' not in request.body:
            return response
        body = json.loads(request.body)
        return (
            handle(replace(request, body=json.dumps({**body, "prompt": "x"}).encode())) if "model" in body else response
        )

    return answer


def test_another_order_is_reported_as_a_change(order: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Pairs that are reversed since a kept order are listed, and no others."""
    with serving(wrap=turned) as url:
        status = cli.main(["precedence", *FEW, "--base-url", url, "--against", str(order)])

    printed = capsys.readouterr().out
    assert status == Exit.CONFORMANT
    assert "changed    unknown-model now comes before prompt-empty" in printed
    assert "reference-url-and-data now" not in printed


def test_the_same_order_is_no_change(order: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The legal variation: another run of the same server."""
    cli.main(["precedence", *FEW, "--against", str(order)])

    assert "changed    nothing" in capsys.readouterr().out


def test_only_requests_sure_to_be_refused_are_sent() -> None:
    """Nothing that the oracle does not predict to be rejected leaves, so that it costs nothing anywhere."""
    sent: list[Request] = []

    def watched(handle: Handle) -> Handle:
        def answer(request: Request) -> Response:
            if request.method == "POST" and request.url == GENERATIONS_PATH:
                sent.append(request)
            return handle(request)

        return answer

    with serving(wrap=watched) as url:
        cli.main(["precedence", *FEW, "--base-url", url])

    assert len(sent) >= len(list(combinations(FEW, 2))) / 2
    assert all(isinstance(predict(json.loads(request.body)), Rejected) for request in sent)


def test_an_unexpected_acceptance_off_this_machine_ends_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Off this machine the first acceptance is the last request, and the exit status says so."""
    monkeypatch.setattr("luma_conformance.target.http.is_loopback", lambda base_url: False)
    monkeypatch.setenv("LUMA_AGENTS_API_KEY", "luma-api-test-main")
    with serving(wrap=accepts_everything) as url:
        status = cli.main(["precedence", *FEW, "--base-url", url])

    assert status == Exit.SPENT
    assert "--luma-spend allows 0" in capsys.readouterr().err


def test_observations_can_be_printed_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """`--output -` prints the JSON, and nothing else."""
    cli.main(["precedence", *FEW, "--output", "-"])

    assert json.loads(capsys.readouterr().out)["observations"]


def test_a_graph_is_for_graphviz(capsys: pytest.CaptureFixture[str]) -> None:
    """--dot prints the shortest steps as edges."""
    cli.main(["precedence", *FEW, "--dot"])

    printed = capsys.readouterr().out
    assert printed.startswith("digraph precedence {")
    assert '"prompt-empty" -> "unknown-model";' in printed


@pytest.mark.parametrize(
    ("arguments", "said", "status"),
    [
        (["no-such-rule"], "there is no rule no-such-rule; the summary of a pytest run lists them", Exit.USAGE),
        (["unknwon-model"], "there is no rule unknwon-model; did you mean unknown-model?", Exit.USAGE),
        (["--against", "none.json"], "none.json: cannot be read", Exit.USAGE),
        (["--base-url", "cassette:run.har"], "is a recording, which cannot be asked anything new", Exit.USAGE),
        (["--base-url", "ftp://x"], "is neither http nor https", Exit.USAGE),
        (["--base-url", "http://127.0.0.1:9"], "nothing listens at 127.0.0.1:9", Exit.COULD_NOT_JUDGE),
    ],
)
def test_each_mistake_is_reported_in_one_line(
    arguments: list[str], said: str, status: Exit, capsys: pytest.CaptureFixture[str]
) -> None:
    """A misspelt rule, a file that is not there, and a target that is not: one line, and its own exit status."""
    assert cli.main(["precedence", *arguments]) == status

    assert said in capsys.readouterr().err


def test_a_file_that_is_no_order_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever else a JSON file holds, it is no order."""
    file = tmp_path / "x.json"
    for text in ("[]", "{", '{"observations": [1]}', "\x00"):
        file.write_text(text)
        assert cli.main(["precedence", "--against", str(file)]) == Exit.USAGE
        assert "is not an order that" in capsys.readouterr().err

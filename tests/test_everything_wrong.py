"""What a run writes of a server that is wrong about everything is small, and no text of anybody's is written whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from luma_conformance.catalogue import files as casefiles
from luma_conformance.judge.answers import EveryResponse
from luma_conformance.judge.causes import find_causes
from luma_conformance.judge.evidence import WHOLE, Evidence
from luma_conformance.judge.explain import add_command, describe, show_command
from luma_conformance.judge.judged import Judged
from luma_conformance.judge.play import play
from luma_conformance.model import Case, Outcome, Request, Response
from luma_conformance.reference import Service, VirtualClock
from luma_conformance.reference.asgi import serving
from luma_conformance.report import ctrf, html, jsonl, markdown
from luma_conformance.report.deviations_draft import draft
from luma_conformance.report.result import Ending, Results
from luma_conformance.shown import MAX_SHOWN
from tests.everything_wrong import SHAPES
from tests.kit import Direct, reference_target, run_inside
from tests.miniatures import Wrong, on_answers
from tests.verdicts import SHOW, make_run

pytestmark = pytest.mark.slow

URL = "http://127.0.0.1:8080"
MOST = 300_000
"""Bytes of each artefact of a run."""
OF_PROPERTIES = 35_000
"""Of them, what is left for the properties of the suite, which are not judged here."""
CASES = tuple(case for case in casefiles.own() if "large-uploads" not in case.needs)
EVERY = EveryResponse(casefiles.own().holdings)
MARK = "marker-far-out"
FAR = "x" * 100_000 + MARK


def judge(wrap: Wrong) -> Results:
    """Return the results of the catalogue on the reference once it is wrapped."""
    clock, evidence = VirtualClock(), Evidence()
    target = reference_target(Direct(wrap(Service(clock=clock).handle)), clock)

    def tell(case: Case) -> Judged:
        result = play(case, target, EVERY)
        judged = describe(result, casefiles.own, SHOW, show_command(case, None, is_own=True))
        return evidence.keep(add_command(judged, result, URL, SHOW) if evidence.wants_command(judged) else judged)

    return Results(make_run(target=URL), tuple(map(tell, CASES)), Ending())


def render(results: Results) -> dict[str, str]:
    """Return every artefact that is made of results."""
    return {
        "jsonl": jsonl.format_results(results),
        "html": html.render([results]),
        "ctrf": ctrf.render(results),
        "md": markdown.render_summary(results),
        "deviations": draft(results.verdicts),
        "annotations": "\n".join(markdown.render_commands(results)),
    }


@pytest.mark.parametrize("shape", SHAPES)
def test_every_artefact_of_a_server_wrong_about_everything_is_small(shape: str, table: Callable[[str], None]) -> None:
    """However it is wrong, no artefact is larger than 300 kB, and each case has its id, verdict and difference."""
    results = judge(SHAPES[shape])

    sizes = {name: len(text.encode("utf-8", "replace")) for name, text in render(results).items()}

    table(f"{shape:<10} " + ", ".join(f"{name} {size / 1000:.0f} kB" for name, size in sizes.items()))
    assert max(sizes.values()) < MOST - OF_PROPERTIES, sizes
    failed = [one for one in results.verdicts if one.verdict is Outcome.FAIL]
    assert len(failed) > len(CASES) / 2
    assert all(one.differences and one.show for one in failed)


def test_results_of_which_little_is_kept_are_read_as_they_were_written() -> None:
    """What a line does not say itself is read from the lines before, so that causes are the same again."""
    results = judge(SHAPES["crash"])

    again = jsonl.parse_results(jsonl.format_results(results).encode(), "results.jsonl", SHOW)

    assert again == results
    assert [(one.title, one.cases) for one in find_causes(again.verdicts)] == [
        (one.title, one.cases) for one in find_causes(results.verdicts)
    ]


def test_the_first_wrong_answers_of_a_kind_are_kept_whole() -> None:
    """A cause is explained by a verdict with all its evidence, and a second kind of fault has its own."""

    @on_answers
    def wrong_twice(request: Request, response: Response) -> Response:
        if response.status == 422:
            return replace(response, status=400)
        kept = tuple(one for one in response.headers if one[0].lower() != "x-request-id")
        return replace(response, headers=kept) if response.status == 201 else response

    results = judge(wrong_twice)
    whole = [one for one in results.verdicts if one.verdict is Outcome.FAIL and one.curl]

    assert {"headers", "status"} <= {facet for one in whole for facet in one.facets}
    assert all(cause.example.curl for cause in find_causes(results.verdicts))
    assert sum(one.facets == ("headers",) for one in whole) <= WHOLE


def test_a_whole_run_writes_little_of_a_crashing_server(pytester: pytest.Pytester) -> None:
    """JUnit and the terminal with -v and -rA have the same bound."""
    with serving(wrap=SHAPES["crash"]) as url:
        specs = str(casefiles.specs())
        ran = run_inside(
            pytester, specs, "--base-url", url, "--luma-report=out", "--junitxml=out/j.xml", "-v", "-rA"
        )  # fmt: skip

    sizes = {path.name: path.stat().st_size for path in Path("out").iterdir()}
    sizes["terminal"] = len(ran.outlines) + sum(map(len, ran.outlines))
    assert len(sizes) == 8
    assert max(sizes.values()) < MOST - OF_PROPERTIES / 2, sizes


def _say(make: Callable[[Response], Response]) -> Wrong:
    def alter(_: Request, response: Response) -> Response:
        return make(response) if response.body.startswith(b'{"detail"') and response.status != 404 else response

    return on_answers(alter)


def _text(body: str) -> Wrong:
    return _say(lambda response: replace(response, body=body.encode()))


FAR_TEXTS = {
    "detail": _text(json.dumps({"detail": FAR})),
    "page": _text(f"<html>{FAR}"),
    "text": _text(FAR),
    "member": _text(json.dumps({FAR: 1})),
    "value": _text(json.dumps({"error": {"message": FAR}})),
    "list": _text(json.dumps([1] * 100_000 + [MARK])),
    "header": _say(lambda response: replace(response, headers=(("X-Request-Id", FAR[-60_000:]), ("X", "y")))),
    "type": _say(lambda response: replace(response, headers=(("Content-Type", FAR[-60_000:]),), body=b"\xff")),
}
PROPERTIES = f"""
    import logging, warnings
    import pytest

    FAR = "x" * 100_000 + "{MARK}"

    def test_told(luma_target):
        exchange = luma_target.exchange(luma_target.request(body=b"{{}}"))
        print(FAR)
        logging.getLogger("mine").warning(FAR)
        warnings.warn(FAR)
        luma_target.fail(FAR, exchange)

    def test_raised(luma_target):
        raise RuntimeError(FAR)

    def test_compared(luma_target):
        assert FAR == FAR[:-1]

    def test_skipped(luma_target):
        pytest.skip(FAR)

    def test_expected(luma_target):
        pytest.xfail(FAR)

    def test_recorded(luma_target, record_property):
        record_property("far", FAR)

    def test_sent(luma_target):
        luma_target.check({{"prompt": FAR, "model": FAR, "type": FAR}})
"""
OWN = f"""\
# yaml-language-server: $schema=case-file.schema.json
section: {FAR}
operation: POST /v1/generations
accepted: {{prompt: A sunset}}
status: 400
cases:
  - id: far
    title: {FAR}
    erratum: {FAR}
    set: {{prompt: {FAR}, user_id: {FAR}}}
    detail: {FAR}
"""


def _look(ran: pytest.RunResult) -> list[str]:
    texts = {str(path): path.read_text("utf-8", "replace") for path in Path("out").iterdir()}
    texts["terminal"] = "\n".join([*ran.outlines, *ran.errlines])
    assert len(texts) == 8
    return [name for name, text in texts.items() if MARK in text]


@pytest.mark.parametrize("kind", FAR_TEXTS)
def test_no_text_of_a_server_is_written_whole(pytester: pytest.Pytester, kind: str) -> None:
    """What stands at byte 100,000 of an answer is in no artefact of the run, and on no screen."""
    pytester.makefile(".yaml", f=OWN.replace(FAR, "short"), g=OWN.replace(FAR, "short"))
    with serving(wrap=FAR_TEXTS[kind]) as url:
        ran = run_inside(
            pytester, "--base-url", url, "--luma-report=out", "--junitxml=out/j.xml", "-vv", "-rA", "f.yaml", "g.yaml"
        )

    assert _look(ran) == []
    assert "FAILED" in ran.stdout.str()


def test_no_text_of_a_project_is_written_whole(pytester: pytest.Pytester) -> None:
    """What a property prints, logs, raises and sends is cut, and so are the texts of a case file of one's own."""
    pytester.makefile(".yaml", far=OWN)
    pytester.makepyfile(test_far=PROPERTIES)

    ran = run_inside(pytester, "--luma-report=out", "--junitxml=out/j.xml", "-vv", "-rA", "-Wdefault")

    assert _look(ran) == []
    assert "FAILED" in ran.stdout.str()
    assert max(map(len, ran.outlines)) < 2 * MAX_SHOWN

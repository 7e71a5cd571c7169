"""--luma-report and --luma-wording as their users meet them, through the plugin."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from luma_conformance.catalogue.files import specs
from luma_conformance.errors import Exit
from luma_conformance.model import Outcome, Request, Response
from luma_conformance.reference.asgi import serving
from luma_conformance.report.jsonl import parse_results
from tests import miniatures
from tests.kit import Run, results
from tests.miniatures import Handle
from tests.verdicts import SHOW

OTHER_WORDS = miniatures.another_detail("Unknown model: super-model-v9", "never heard of super-model-v9")
OTHER_ERROR = miniatures.another_detail("Unknown model: super-model-v9", "Prompt must be between 1 and 6000 characters")
OTHER_STATUS = miniatures.another_status(400, 422, "Unknown model: super-model-v9")


@pytest.fixture
def against(run: Run) -> Callable[..., pytest.RunResult]:
    """Run pytest against the reference, wrong in one thing."""

    def against(wrong: Callable[[Handle], Handle], *arguments: str) -> pytest.RunResult:
        with serving(wrap=wrong) as url:
            return run("--base-url", url, *arguments)

    return against


def test_a_run_writes_its_results_in_every_format(against: Callable[..., pytest.RunResult]) -> None:
    """The folder has all formats; the lines are valid by the schema; a failure has what a reader needs."""
    ended = against(OTHER_WORDS, "--luma-report", "out")

    schema = json.loads((specs() / "result.schema.json").read_text())
    for line in Path("out/results.jsonl").read_text().splitlines():
        jsonschema.validate(json.loads(line), schema)
    failed = next(judged for judged in results().verdicts if judged.case == "things.yaml#unknown-model")
    assert (failed.verdict, failed.facets, failed.severity, failed.line) == ("fail", ("detail",), "should", 11)
    assert failed.actual == "400  never heard of super-model-v9"
    assert failed.curl is not None
    assert "curl -sS -i -X POST http://127.0.0.1" in failed.curl
    assert re.fullmatch(r"luma-[0-9a-f]{8}-unknown-model-1", failed.request_id or "")
    assert ended.ret == results().exit_status == Exit.NOT_CONFORMANT
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "badge.json", "badge.svg", "ctrf.json", "report.html", "results.jsonl", "summary.md",
    ]  # fmt: skip
    ended.stdout.fnmatch_lines(["report      out: badge.json, *"])


@pytest.mark.slow
def test_workers_come_to_the_same_results(against: Callable[..., pytest.RunResult]) -> None:
    """With -n 2 the controller writes, once, what one process would have written."""
    against(OTHER_WORDS, "--luma-report", "alone")
    against(OTHER_WORDS, "--luma-report", "shared", "-n", "2")

    alone, shared = (
        {judged.case: _timeless(judged) for judged in results(name).verdicts} for name in ("alone", "shared")
    )
    assert alone == shared
    assert len(alone) == 3
    assert results("shared").run.target
    assert results("shared").complete


def _timeless(judged: object) -> str:
    text = re.sub(r"luma-[0-9a-f]{8}|127.0.0.1:\d+|seconds=[\d.]+|exchange='[0-9a-f]+'", "", repr(judged))
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]+|\"id\": \"[0-9a-f-]*|\d{4}-\d\d-\d\dT[\d:]+Z", "", text)


def test_results_are_the_same_apart_from_times_and_the_runs_own_ids(run: Run) -> None:
    """Two runs on the embedded reference write the same, but for times and what begins every request id."""
    run("--luma-report", "first/results.jsonl")
    run("--luma-report", "second/results.jsonl")

    first, second = (
        re.sub(
            r'luma-[0-9a-f]{8}|"seconds":[\d.e-]+|"(started|ended)":"[^"]+"',
            "",
            Path(name, "results.jsonl").read_text(),
        )
        for name in ("first", "second")
    )
    assert first == second


def test_a_file_is_written_in_the_format_its_ending_names(run: Run) -> None:
    """Only the files that are named are written; an ending no format has is a usage error."""
    run("--luma-report", "out/one.md", "--luma-report", "out/badge.json", "--luma-report", "out/all.jsonl")

    assert sorted(path.name for path in Path("out").iterdir()) == ["all.jsonl", "badge.json", "one.md"]
    assert parse_results(Path("out/all.jsonl").read_bytes(), "all.jsonl", SHOW).complete
    refused = run("--luma-report", "out.pdf")
    assert refused.ret == Exit.USAGE
    refused.stderr.fnmatch_lines(["*no format has the ending of out.pdf; there are .html, .json, .jsonl, .md, .svg, *"])


def test_a_report_of_an_earlier_run_does_not_outlive_it(run: Run) -> None:
    """A run that judges nothing leaves a report that says so, not the last one that was good."""
    run("--luma-report", "out")
    ended = run("--luma-report", "out", "--base-url", "http://127.0.0.1:9")

    assert ended.ret == results().exit_status == Exit.COULD_NOT_JUDGE
    assert results().headline.startswith("Could not judge: ")
    assert "refused" in Path("out/summary.md").read_text()
    assert not results().complete


def test_a_run_that_is_cut_short_is_incomplete(against: Callable[..., pytest.RunResult]) -> None:
    """After -x the results say that cases are missing."""
    ended = against(OTHER_WORDS, "--luma-report", "out", "-x")

    assert ended.ret == results().exit_status == Exit.NOT_CONFORMANT
    assert not results().complete


def test_nothing_selected_is_not_conformant(run: Run) -> None:
    """A report of no case says that not one was judged."""
    run("--luma-report", "out", "-k", "no-such-case")

    assert results().headline == "Could not judge: not one case was judged, which is not conformance"


def test_a_folder_that_cannot_be_written_is_reported_before_anything_runs(run: Run, pytester: pytest.Pytester) -> None:
    """A file in the way, or a folder elsewhere that pytest would take for a project, is a usage error."""
    Path("out").write_text("in the way")

    result = run("--luma-report", "out")
    elsewhere = run("--luma-report", str(pytester.path.parent / "elsewhere"))

    assert (result.ret, elsewhere.ret) == (Exit.USAGE, Exit.USAGE)
    result.stderr.fnmatch_lines(["*--luma-report: out/badge.json cannot be written: *"])
    elsewhere.stderr.fnmatch_lines(["*write it as one word, --luma-report=*elsewhere*"])
    assert run(f"--luma-report={pytester.path.parent / 'elsewhere'}").ret == Exit.CONFORMANT


def test_junit_has_the_facts_and_not_the_lines_of_results(against: Callable[..., pytest.RunResult]) -> None:
    """The XML of pytest itself has case, section and facets, and no verdict that its own elements tell."""
    against(OTHER_WORDS, "--junitxml", "out.xml", "--luma-report", "out")

    xml = Path("out.xml").read_text()
    for name, value in (("case", "things.yaml#unknown-model"), ("facets", "detail")):
        assert f'<property name="luma_{name}" value="{value}"' in xml
    assert 'name="luma_section" value="400 — Invalid things"' in xml
    assert "luma_verdict" not in xml
    assert "luma_line" not in xml
    assert "luma_header" not in xml


def test_github_actions_gets_a_summary_and_annotations(
    against: Callable[..., pytest.RunResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any option of ours the job's summary lists the failures, and the line of the case is annotated."""
    Path("step.md").write_text("before\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(Path("step.md").absolute()))

    result = against(OTHER_WORDS)

    summary = Path("step.md").read_text()
    assert summary.startswith("before\n## ❌ Not conformant: 1 case fails, in 1 section; 3 of 3 judged\n")
    result.stdout.fnmatch_lines(
        [
            '::error file=things.yaml,line=11,title=says "never heard of super-model-v9" instead of *::1 case%0A'
            "things.yaml#unknown-model: an unknown model is refused%0A*"
        ]
    )


def test_lenient_wording_is_a_warning_counted_and_shown(against: Callable[..., pytest.RunResult]) -> None:
    """The right status with another text passes, is counted apart, and is a warning in the report."""
    exact = against(OTHER_WORDS)
    lenient = against(OTHER_WORDS, "--luma-wording", "lenient", "--luma-report", "out")

    assert (exact.ret, lenient.ret) == (Exit.NOT_CONFORMANT, Exit.CONFORMANT)
    lenient.stdout.fnmatch_lines(["judged      3 of *: 2 passed, 0 failed, 0 deviating, 1 worded otherwise"])
    (warned,) = (judged for judged in results().verdicts if judged.verdict == "warning")
    assert warned.actual == "400  never heard of super-model-v9"
    assert results().remarks == ("1 case worded otherwise",)


@pytest.mark.parametrize("wrong", [OTHER_ERROR, OTHER_STATUS], ids=["the text of another error", "another status"])
def test_leniency_allows_only_another_wording(
    against: Callable[..., pytest.RunResult], wrong: Callable[[Handle], Handle]
) -> None:
    """Another status, or the text of another error, stays a failure."""
    assert against(wrong, "--luma-wording", "lenient").ret == Exit.NOT_CONFORMANT


def test_leniency_holds_for_generated_requests_too(
    pytester: pytest.Pytester, against: Callable[..., pytest.RunResult]
) -> None:
    """A property that meets another wording warns; one that meets another status fails."""
    pytester.makepyfile(
        test_words='''
        from hypothesis import strategies as st

        def test_words(luma_target):
            """An unknown model is refused."""
            luma_target.for_all(st.just({"prompt": "A sunset", "model": "super-model-v9"}), luma_target.check)
        '''
    )

    words = against(OTHER_WORDS, "--luma-wording", "lenient", "--luma-report", "out", "test_words.py")
    (judged,) = results().verdicts
    status = against(OTHER_STATUS, "--luma-wording", "lenient", "--luma-report", "out", "test_words.py")
    (failed,) = results().verdicts

    assert (words.ret, status.ret) == (Exit.CONFORMANT, Exit.NOT_CONFORMANT)
    assert (judged.verdict, judged.title) == ("warning", "An unknown model is refused.")
    assert judged.notes == ("worded otherwise: 400  never heard of super-model-v9",)
    assert (failed.verdict, failed.severity, failed.facets) == ("fail", "must", ("status",))
    assert "the server said  422" in (failed.explanation or "")


def test_a_verdict_without_a_target_is_in_every_format(run: Run, pytester: pytest.Pytester) -> None:
    """What was skipped because no target could be opened is in the lines of results as in the other formats."""
    pytester.makepyfile("def test_mine(luma_target): pass")

    ended = run("--luma-report", "out", "--base-url", "http://127.0.0.1:9", "-k", "test_mine")

    assert ended.ret == Exit.COULD_NOT_JUDGE
    (judged,) = results().verdicts
    assert judged.verdict is Outcome.NOT_JUDGED
    (test,) = json.loads(Path("out/ctrf.json").read_text())["results"]["tests"]
    assert test["name"] == judged.case


def test_the_label_of_the_build_is_in_every_report(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results, page, Markdown, CTRF and terminal name the build; a part of a secret in it is hidden as everywhere."""
    monkeypatch.setenv("LUMA_AGENTS_API_KEY", "luma-api-0123456789abcdef")
    ended = run("--luma-report", "out", "--luma-label", " 2.4.1-rc2, 0123456789abcdef ")

    assert results().run.label == "2.4.1-rc2, $LUMA_AGENTS_API_KEY"
    ended.stdout.fnmatch_lines(["build       2.4.1-rc2, *"])
    for name in ("report.html", "summary.md", "ctrf.json", "results.jsonl"):
        text = Path("out", name).read_text()
        assert "2.4.1-rc2" in text, name
        assert "0123456789abcdef" not in text, name


@pytest.mark.parametrize("text", ["", "  ", "x" * 101, "two\nlines", "\x1b[31m"])
def test_a_label_is_a_short_line_of_text(run: Run, text: str) -> None:
    """Nothing, more than a hundred characters, or what cannot be printed in a line is refused before the run."""
    refused = run(f"--luma-label={text}", "--luma-report", "out")

    assert refused.ret == Exit.USAGE
    refused.stderr.fnmatch_lines(["*--luma-label: *"])


def test_a_run_that_could_not_judge_says_which_build_it_could_not(run: Run) -> None:
    """The target was never opened, and yet the results have the label."""
    run("--base-url", "http://127.0.0.1:1", "--luma-report", "out", "--luma-label", "nightly")

    assert results().headline.startswith("Could not judge")
    assert results().run.label == "nightly"


def test_a_report_says_what_changed_since_the_run_that_was_there(run: Run) -> None:
    """The folder holds the last run of the same server: the terminal, the page and the summary say what changed."""
    wrong = [OTHER_WORDS]

    def alter(handle: Handle) -> Handle:
        def answer(request: Request) -> Response:
            return wrong[0](handle)(request)

        return answer

    with serving(wrap=alter) as url:
        first = run("--base-url", url, "--luma-report", "out", "--luma-label", "one")
        wrong[0] = miniatures.right
        second = run("--base-url", url, "--luma-report", "out", "--luma-label", "two")
    other = run("--luma-report", "out")

    assert all("since  " not in one.stdout.str() for one in (first, other))
    second.stdout.fnmatch_lines(["since       the last run (*): Better: 1 fixed"])
    run("--luma-report", "out")
    assert "Since the last run: The same: nothing changed" in Path("out/summary.md").read_text()
    assert "<strong>The same: nothing changed</strong>" in Path("out/report.html").read_text()


def test_a_broken_file_of_results_is_nothing_to_compare_with(run: Run) -> None:
    """What was there is no file of results: the run is reported as if nothing had been there."""
    Path("out").mkdir()
    Path("out/results.jsonl").write_text("no JSON\n")

    assert run("--luma-report", "out").ret == Exit.CONFORMANT
    assert "Since the last run" not in Path("out/report.html").read_text()

"""The formats of a run: JSON that others read, Markdown, badges; each says the same."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from luma_conformance.errors import InputError
from luma_conformance.judge.judged import Judged
from luma_conformance.model import Outcome
from luma_conformance.report import badge, ctrf, formats, html, junit, markdown
from luma_conformance.report.html_frame import escape_text
from luma_conformance.report.links import page_link
from luma_conformance.report.result import Ending, Results
from tests.report import samples
from tests.verdicts import alter, make_ending

EVERY = [
    samples.MIXED,
    samples.OF_A_CLIENT,
    samples.CLEAN,
    replace(samples.CLEAN, ending=None),
    replace(samples.CLEAN, ending=Ending(complete=False)),
    replace(samples.CLEAN, verdicts=(samples.UNJUDGED,)),
    replace(samples.CLEAN, ending=make_ending(status=7, stop="the money is spent")),
]


@pytest.mark.parametrize("results", EVERY)
def test_all_formats_say_the_same(results: Results) -> None:
    """The headline is in each format, the badge has its colour, and both follow from the conclusion."""
    summary = markdown.render_summary(results)
    data = json.loads(ctrf.render(results))["results"]["summary"]
    shield = json.loads(badge.render_endpoint(results))

    assert markdown.escape_text(results.headline) in summary
    page = html.render([results])

    assert escape_text(results.headline) in page
    assert data["extra"]["conclusion"] == results.conclusion
    assert data["extra"]["headline"] == results.headline
    assert (data["extra"]["judged"], data["extra"]["total"]) == (results.judged, results.total)
    assert (results.exit_status == 0) == results.headline.startswith("Conformant")
    assert (shield["color"] == "brightgreen") == results.is_whole == ("✅" in summary)
    assert results.is_whole == ('<header class="pass">' in page)
    assert (shield["color"] == "red") == ("❌" in summary) == (data["failed"] > 0)
    assert shield["message"] in badge.render_svg(results)


def test_the_results_of_a_client_are_told_in_its_words() -> None:
    """Scenarios are no cases, a client says nothing, and what it only should do is not a wording."""
    page, summary = html.render([samples.OF_A_CLIENT]), markdown.render_summary(samples.OF_A_CLIENT)

    assert "Not conformant: 1 scenario fails" in summary
    assert "1 scenario not as advised" in summary
    assert "the server said" not in summary
    assert "worded otherwise" not in summary + page.partition("<script")[0]
    assert "<dt>the client did</dt><dd class=server>the second POST came 0.41 s" in page
    assert "Must: the page demands it." in page


@pytest.mark.parametrize("results", [samples.MIXED, samples.OF_A_CLIENT, *map(samples.saying, samples.HOSTILE)])
def test_junit_has_a_test_for_each_case_whatever_is_said(results: Results) -> None:
    """Counts add up, and any text is XML."""
    suite = ET.fromstring(junit.render(results))[0]  # noqa: S314  made here
    found = [(one.get("classname"), one.get("name"), *(child.tag for child in one)) for one in suite]

    assert len(found) == int(suite.get("tests", "")) == len(results.verdicts)
    assert sum("failure" in one for one in found) == int(suite.get("failures", "")) == results.counts[Outcome.FAIL]
    assert sum("skipped" in one for one in found) == int(suite.get("skipped", ""))
    if results is samples.OF_A_CLIENT:
        assert found == [("429", "retry-after-2", "failure"), ("502", "once", "system-out")]
        assert suite[0][0].text == samples.IMPATIENT.explanation


def test_ctrf_has_the_members_its_readers_need() -> None:
    """Counts add up, every test has a name, a status of theirs and whole milliseconds."""
    report = json.loads(ctrf.render(samples.MIXED))
    summary, tests = report["results"]["summary"], report["results"]["tests"]

    assert (report["reportFormat"], report["specVersion"]) == ("CTRF", "0.0.0")
    assert sum(summary[name] for name in ("passed", "failed", "skipped", "pending", "other")) == summary["tests"] == 6
    assert summary["stop"] - summary["start"] == 90_000
    assert {test["rawStatus"]: test["status"] for test in tests} == {
        "pass": "passed", "fail": "failed", "deviation": "other", "warning": "passed", "not-judged": "skipped",
    }  # fmt: skip
    assert all(isinstance(test["duration"], int) and test["name"] and test["suite"] for test in tests)
    failed = next(test for test in tests if test["name"] == samples.FAILED.case)
    assert (failed["filePath"], failed["line"]) == (samples.FAILED.file, 11)
    assert "got 400  no such model" in failed["message"]


def test_the_summary_lists_what_fails_deviates_and_is_not_judged() -> None:
    """A reader of the summary gets both texts, the reason and the request id."""
    summary = markdown.render_summary(samples.MIXED)

    assert "- `create/400-unknown-model/page-example`: an unknown model is refused" in summary
    assert "  - the page says `400  Unknown model: super-model-v9`" in summary
    assert "  - the server said `400  no such model`" in summary
    assert "  - request id `luma-52a2c353-page-example-1`" in summary
    assert "### Known deviations: 1" in summary
    assert "- 1: the profile names no revoked-key" in summary
    assert "| 1 other section | 0 | 0 | 0 | 0 | 1 |" not in summary
    assert "| 2 other sections | 0 | 0 | 0 | 1 | 1 |" in summary


@pytest.mark.parametrize(
    ("kind", "last", "more"),
    [
        ("cases of one cause", 50, "… and 9 more"),  # one of the 60 is the example
        ("causes", 49, "… and 10 more causes"),
        ("known deviations", 49, "… and 10 more"),
    ],
)
def test_a_long_list_is_cut_and_counted(kind: str, last: int, more: str) -> None:
    """A summary stays readable, and says how much it leaves out."""
    summary = markdown.render_summary(replace(samples.MIXED, verdicts=_make_many(kind)))

    assert f"`case/{last}`" in summary
    assert f"`case/{last + 1}`" not in summary
    assert f"{more}\n" in summary


def _make_many(kind: str) -> tuple[Judged, ...]:
    """Return 60 verdicts: failures for one reason, each for its own, or deviations."""
    one = {"causes": samples.FOUND, "known deviations": samples.DEVIATES}.get(kind, samples.FAILED)
    many = tuple(alter(one, case=f"case/{number}") for number in range(60))
    return many if kind != "causes" else tuple(alter(one, explanation="h" * (i + 1)) for i, one in enumerate(many))


def test_annotations_stand_at_the_lines_of_case_files() -> None:
    """GitHub gets a cause each, with the file, line and id of a case of it, at most ten of them."""
    first, second = markdown.render_commands(samples.MIXED)
    alike, many = (replace(samples.MIXED, verdicts=_make_many(kind)) for kind in ("cases of one cause", "causes"))

    assert first.startswith("::error title=expected a refusal::1 case%0Aproperties/malformed/test_odd: ")
    assert "%0A  the server said  500  oops%0A" in first
    assert second.startswith(
        "::error file=specs/create/400-unknown-model.yaml,line=11,"
        'title=says "no such model" instead of "Unknown model%3A super-model-v9"::1 case%0A'
        "create/400-unknown-model/page-example: an unknown model is refused%0A"
        "the page says: 400  Unknown model: super-model-v9%0A"
    )
    assert len([*markdown.render_commands(alike)]) == 1
    assert [*markdown.render_commands(many)][9:] == ["::error title=conformance::51 more causes"]
    assert [*markdown.render_commands(samples.CLEAN)] == []
    assert [*markdown.render_commands(EVERY[4])] == [f"::error title=conformance::{EVERY[4].headline}"]


@pytest.mark.parametrize("text", samples.HOSTILE)
def test_no_text_of_a_server_is_obeyed_by_a_reader(text: str) -> None:
    """Workflow commands stay one line each, Markdown and SVG say what was said, and nothing in them commands."""
    hostile = samples.saying(text)

    for command in markdown.render_commands(hostile):
        assert re.fullmatch(r"::error (file=[^:,\n]*,line=1,)?title=[^:,\n]*::[^\n\r]*", command)
    summary = markdown.render_summary(hostile)
    outside = re.sub(r"(`+).*?\1(?!`)", "", summary)
    assert not re.search(r"(?<!\\)<|(?<!\\)\]\(javascript", outside)
    assert summary.isprintable() or all(line.isprintable() for line in summary.split("\n"))
    ET.fromstring(badge.render_svg(hostile))  # noqa: S314
    json.loads(ctrf.render(hostile))
    json.loads(badge.render_endpoint(hostile))


def test_formats_are_asked_for_by_word() -> None:
    """A list names formats; another word is refused with those there are."""
    assert formats.parse_formats("html, md,html") == ("html", "md")
    assert formats.list_file_names(formats.parse_formats("badge,md")) == ("badge.json", "badge.svg", "summary.md")
    for wrong in ("pdf", ""):
        with pytest.raises(InputError, match="there are badge, ctrf, deviations, html, jsonl, junit, md"):
            formats.parse_formats(wrong)


def test_a_format_of_one_run_does_not_take_two() -> None:
    """Several runs are HTML or Markdown, never a badge."""
    assert list(formats.render([samples.MIXED, samples.CLEAN], ["html", "md"])) == ["report.html", "summary.md"]
    with pytest.raises(InputError, match="badge holds one run, not 2"):
        formats.render([samples.MIXED, samples.CLEAN], ["badge"])


def test_headings_link_into_the_page_and_properties_do_not() -> None:
    """A heading is found by its text; other headings have no link."""
    link = page_link("429 — Requests-per-minute (RPM) limit, exceeded")

    assert link is not None
    assert link.endswith(
        "/guides/error-handling/#:~:text=429%20%E2%80%94%20Requests%2Dper%2Dminute%20%28RPM%29%20limit%2C%20exceeded"
    )
    assert page_link("Property: malformed") is None
    assert page_link("\ud800") is not None


def test_a_badge_counts_what_fails() -> None:
    """The message is of the result, not of its colour alone."""
    assert badge.describe(samples.MIXED) == "2 failing, 5 of 6 judged"
    assert badge.describe(samples.CLEAN) == "conformant, 1 of 1"
    assert samples.MIXED.counts[Outcome.FAIL] == 2

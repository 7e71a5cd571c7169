"""Two runs compared, and the parts of one put together."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from luma_conformance.errors import Exit, InputError
from luma_conformance.judge.judged import Judged
from luma_conformance.model import Facet, Outcome
from luma_conformance.report import markdown
from luma_conformance.report.compare import FailOn, Kind, classify, compare_results
from luma_conformance.report.compare_formats import MAX_LISTED, WRITERS
from luma_conformance.report.merge import merge
from luma_conformance.report.result import Ending, Results
from tests.report import samples
from tests.verdicts import alter, as_shown, differs, make_ending

PASS, FAIL, DEVIATION = samples.PASSED, samples.FAILED, samples.DEVIATES
WARNING, UNJUDGED = samples.WORDED, samples.UNJUDGED


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (PASS, FAIL, Kind.REGRESSION),
        (WARNING, FAIL, Kind.REGRESSION),
        (DEVIATION, FAIL, Kind.REGRESSION),
        (PASS, DEVIATION, Kind.REGRESSION),
        (FAIL, FAIL, Kind.STILL_FAILING),
        (FAIL, DEVIATION, Kind.STILL_FAILING),
        (DEVIATION, DEVIATION, Kind.STILL_FAILING),
        (FAIL, PASS, Kind.FIXED),
        (FAIL, WARNING, Kind.FIXED),
        (DEVIATION, PASS, Kind.FIXED),
        (PASS, PASS, None),
        (WARNING, WARNING, None),
        (PASS, WARNING, Kind.WORDING),
        (WARNING, alter(WARNING, actual="400  never heard of it"), Kind.WORDING),
        (PASS, alter(PASS, notes=('detail is worded "other"',)), Kind.WORDING),
        (PASS, None, Kind.LOST),
        (FAIL, None, Kind.LOST),
        (PASS, UNJUDGED, Kind.LOST),
        (None, PASS, Kind.NEW),
        (None, FAIL, Kind.NEW),
        (None, UNJUDGED, None),
        (UNJUDGED, None, None),
        (UNJUDGED, UNJUDGED, None),
        (UNJUDGED, FAIL, Kind.GAINED),
    ],
)
def test_each_pair_of_verdicts_is_one_kind_of_change(old: Judged | None, new: Judged | None, kind: Kind | None) -> None:
    """Every pair of verdicts is one kind of change, or none."""
    assert classify(old, new) is kind


def run(*verdicts: Judged, complete: bool = True) -> Results:
    """Return the results of a run with these verdicts on cases a, b, …."""
    named = tuple(alter(one, case="abcdef"[number]) for number, one in enumerate(verdicts))
    return Results(samples.RUN, named, make_ending(ended="2026-04-08T12:01:30Z", complete=complete))


@pytest.mark.parametrize(
    ("old", "new", "failing"),
    [
        (run(PASS), run(FAIL), {FailOn.REGRESSIONS, FailOn.COVERAGE, FailOn.ANY}),
        (run(PASS, PASS), run(PASS), {FailOn.COVERAGE, FailOn.ANY}),
        (run(PASS, PASS), run(PASS, UNJUDGED), {FailOn.COVERAGE, FailOn.ANY}),
        (run(FAIL), run(FAIL), {FailOn.ANY}),
        (run(PASS), run(PASS, FAIL), {FailOn.ANY}),
        (run(PASS), run(WARNING), {FailOn.ANY}),
        (run(DEVIATION), run(DEVIATION), set()),
        (run(PASS), run(PASS, PASS), set()),
        (run(FAIL), run(PASS), set()),
    ],
)
def test_fail_on_sets_the_exit_status(old: Results, new: Results, failing: set[FailOn]) -> None:
    """Regressions, lost coverage, or anything wrong: each takes in the one before; none is never red."""
    comparison = compare_results(old, new)

    assert {fail_on for fail_on in FailOn if comparison.exit_status(fail_on) == Exit.NOT_CONFORMANT} == failing


def test_an_incomplete_newer_run_does_not_pass() -> None:
    """Cut off without a failure, or with nothing judged: the status is "could not judge", and a caution says why."""
    cut = compare_results(run(PASS, PASS), replace(run(PASS), ending=None))

    assert cut.exit_status(FailOn.REGRESSIONS) == Exit.COULD_NOT_JUDGE
    assert cut.exit_status(FailOn.NONE) == Exit.CONFORMANT
    assert "the newer run is no whole run: Incomplete: the run broke off after 1 of 1 case" in cut.cautions[0]
    assert compare_results(run(PASS), run(UNJUDGED)).exit_status(FailOn.REGRESSIONS) == Exit.COULD_NOT_JUDGE


@pytest.mark.parametrize("fail_on", FailOn)
def test_runs_that_judged_nothing_in_common_cannot_be_compared(fail_on: FailOn) -> None:
    """Other cases, or the same of which none was judged in both: that nothing got worse is not known."""
    other = Results(samples.RUN, (alter(PASS, case="x"), alter(UNJUDGED, case="a")), samples.ENDING)

    assert compare_results(run(PASS), other).exit_status(fail_on) == Exit.COULD_NOT_JUDGE
    assert compare_results(run(PASS), run(PASS)).exit_status(fail_on) == Exit.CONFORMANT


def test_a_comparison_says_first_that_less_is_judged_than_before() -> None:
    """Lost coverage is a caution with both numbers, whatever --fail-on is; more coverage is none."""
    fewer = compare_results(run(PASS, PASS, PASS), run(PASS, UNJUDGED))
    more = compare_results(run(PASS, UNJUDGED), run(PASS, PASS, PASS))

    assert fewer.cautions == ("2 cases are no longer judged: 1 of 2 now, 3 of 3 before",)
    assert "1 of 2 cases judged" in str(fewer.new)
    assert more.cautions == ()


def test_every_form_of_a_comparison_has_the_same_changes() -> None:
    """Text, Markdown, HTML and JSON name the same cases under the same changes, and the status."""
    comparison = compare_results(run(PASS, FAIL, PASS, PASS, UNJUDGED), run(FAIL, PASS, WARNING))
    status = comparison.exit_status(FailOn.REGRESSIONS)
    forms = {name: write([as_shown(comparison)], status) for name, write in WRITERS.items()}
    data = json.loads(forms["json"])

    assert status == data["exit"] == Exit.NOT_CONFORMANT
    assert {one["where"]: one["kind"] for one in data["comparisons"][0]["changes"]} == {
        "a": "regression", "b": "fixed", "c": "worded otherwise", "d": "no longer judged",
    }  # fmt: skip
    headline = "1 regression, 1 fixed, 1 no longer judged, 1 worded otherwise"
    assert all(headline in forms[name] for name in ("text", "md", "html"))
    assert "pass → fail: 400  no such model" in forms["text"]
    assert "- `d`: `pass → not there`" in forms["md"]
    assert '<header class="fail">' in forms["html"]
    assert "<script" not in forms["html"]


MISSING, OTHER = (
    alter(FAIL, differences=(differs(facet=Facet.HEADERS, where=name, why="is missing", rests_on="Rate limit"),))
    for name in ("X-Trace", "X-Other")
)


def test_new_and_gone_causes_come_before_the_cases() -> None:
    """Hundreds of cases may have changed for a reason or two, and those that are still there are none of them."""
    comparison = compare_results(run(MISSING, MISSING, FAIL, PASS), run(PASS, PASS, FAIL, OTHER))
    forms = {name: write([as_shown(comparison)], Exit.NOT_CONFORMANT) for name, write in WRITERS.items()}

    said = ["1 new cause, 1 gone", "new: X-Other is missing: 1 case", "gone: X-Trace is missing: 2 cases"]
    assert list(comparison.about_causes) == said
    assert comparison.headline == "Better and worse: 1 regression, 2 fixed, 1 still failing"
    assert forms["text"].startswith(f"{comparison.headline}\nold  ")
    assert "\n".join(said) in forms["text"]
    assert all(f"- {markdown.escape_text(one)}\n" in forms["md"] and f"<li>{one}" in forms["html"] for one in said)
    assert json.loads(forms["json"])["comparisons"][0]["new_causes"] == ["X-Other is missing: 1 case"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (run(MISSING), run(MISSING, MISSING)),
        (run(MISSING), run(replace(MISSING, verdict=Outcome.DEVIATION))),
        (run(MISSING), run(UNJUDGED)),
        (run(UNJUDGED), run(MISSING)),
        (run(PASS), run(PASS, MISSING)),
    ],
    ids=["in more cases", "known now", "not judged now", "judged for the first time", "in a new case"],
)
def test_a_cause_is_new_or_gone_only_where_both_runs_judged(old: Results, new: Results) -> None:
    """What is known, what spreads and what one of the runs could not see is neither new nor gone."""
    assert compare_results(old, new).about_causes == ()


def test_a_long_list_is_cut_for_people_and_whole_for_programs() -> None:
    """Text, Markdown and HTML count what they leave out; the JSON has it."""
    words = [f"oops {chr(0x4E00 + number)}" for number in range(MAX_LISTED + 2)]
    passed, failed = (
        Results(
            samples.RUN,
            tuple(alter(one, case=f"c/{number}", actual=text) for number, text in enumerate(words)),
            samples.ENDING,
        )
        for one in (PASS, FAIL)
    )
    forms = {
        name: write([as_shown(compare_results(passed, failed))], Exit.NOT_CONFORMANT) for name, write in WRITERS.items()
    }

    assert all("… and 2 more" in forms[name] for name in ("text", "md", "html"))
    assert len(json.loads(forms["json"])["comparisons"][0]["changes"]) == MAX_LISTED + 2


def test_the_same_change_of_many_cases_is_told_once() -> None:
    """What differs only in ids and times is the same change: it is there once, with the first of its cases."""
    ids = [f"0000000{number}-0000-4000-8000-00000000000{number}" for number in range(4)]
    got = [alter(FAIL, case=f"c/{number}", actual=f"400  no {one}") for number, one in enumerate(ids)]
    old = Results(samples.RUN, tuple(replace(PASS, case=one.case) for one in got), samples.ENDING)
    forms = {
        name: write([as_shown(compare_results(old, replace(old, verdicts=tuple(got))))], Exit.NOT_CONFORMANT)
        for name, write in WRITERS.items()
    }

    assert all(forms[name].count("pass → fail") == 1 for name in ("text", "md", "html"))
    assert all("c/3" in forms["text"] and "the same in 3 more" in forms[name] for name in ("md", "html"))
    assert forms["json"].count("400  no 0000") == 4


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (run(PASS), run(PASS), "The same: nothing changed"),
        (run(FAIL), run(FAIL), "The same: 1 still failing"),
        (run(PASS), run(WARNING), "The same but for words: 1 worded otherwise"),
        (run(PASS), run(FAIL), "Worse: 1 regression"),
        (run(PASS, PASS), run(FAIL), "Worse, and less is judged: 1 regression, 1 no longer judged"),
        (run(FAIL), run(PASS), "Better: 1 fixed"),
        (run(FAIL, PASS), run(PASS, FAIL), "Better and worse: 1 regression, 1 fixed"),
        (run(PASS, PASS, PASS, FAIL), run(FAIL, FAIL, FAIL, PASS), "Mostly worse: 3 regressions, 1 fixed"),
        (run(FAIL, FAIL, FAIL, PASS), run(PASS, PASS, PASS, FAIL), "Mostly better: 1 regression, 3 fixed"),
        (run(FAIL, PASS), run(PASS, UNJUDGED), "Better, but less is judged: 1 fixed, 1 no longer judged"),
        (run(PASS, FAIL), run(PASS, UNJUDGED), "Less is judged: 1 no longer judged"),
        (run(PASS, UNJUDGED), run(PASS, PASS), "More is judged: 1 judged for the first time"),
        (run(PASS), run(PASS, FAIL), "More is judged, and some of it fails: 1 new case (1 fails)"),
        (run(FAIL), run(PASS, complete=False), "Cannot say: 1 fixed"),
        (run(PASS), run(FAIL, complete=False), "Worse: 1 regression"),
        (run(PASS), run(), "Nothing to compare: 1 no longer judged"),
    ],
)
def test_a_comparison_begins_with_better_or_worse(old: Results, new: Results, words: str) -> None:
    """Whoever reads three words of it is told the truth: also where better is only that less is judged."""
    assert compare_results(old, new).headline == words


def test_a_cause_that_takes_over_is_seen_where_the_same_cases_fail() -> None:
    """The cases that fail are the same, and yet one cause is mended and another has appeared."""
    old, new = (run(*[alter(one, case="x")] * 3) for one in (FAIL, FAIL))
    trace, other = (
        alter(FAIL, differences=(differs(facet=Facet.HEADERS, where=name, why="is missing", rests_on="Errors"),))
        for name in ("X-Trace", "X-Other")
    )
    changed = compare_results(run(trace, trace), run(other, other))
    grown = compare_results(run(trace, FAIL), run(trace, trace))

    assert compare_results(old, new).about_causes == ()
    assert changed.headline == "Better and worse: 2 still failing"
    assert changed.about_causes[0] == "1 new cause, 1 gone"
    assert grown.about_causes[1:] == (
        "grown: X-Trace is missing: 1 → 2 cases",
        'gone: says "no such model" instead of "Unknown model: super-model-v9": 1 case',
    )


def test_what_a_crash_hides_is_not_mended() -> None:
    """Where every answer is a crash, a missing header is hidden, not gone; without the crash it is there again."""
    crash = alter(
        FAIL,
        actual="500  oops",
        differences=(
            differs(facet=Facet.STATUS, where="status", why="expected 400, got 500", rests_on="400 — Unknown model"),
        ),
    )
    hidden, seen = compare_results(run(MISSING), run(crash)), compare_results(run(crash), run(MISSING))

    assert hidden.headline == "Worse: 1 still failing"
    assert hidden.about_causes == (
        "1 new cause, 1 hidden",
        "new: answers 500  oops: 1 case",
        "hidden: X-Trace is missing: 1 case",
    )
    assert seen.headline == "Better: 1 still failing"
    assert seen.about_causes[0] == "1 cause gone, 1 uncovered"
    assert compare_results(run(MISSING, MISSING), run(crash, PASS)).about_causes[0] == "1 new cause, 1 gone"


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (PASS, FAIL, "pass → fail: 400  no such model"),
        (FAIL, FAIL, "400  no such model"),
        (FAIL, alter(FAIL, actual="500"), "400  no such model → 500"),
        (PASS, alter(PASS, notes=('detail is worded "other"',)), 'pass → detail is worded "other"'),
        (None, PASS, "not there → pass"),
        (PASS, UNJUDGED, "pass → not-judged: the profile names no revoked-key"),
    ],
)
def test_a_change_says_what_was_and_what_is(old: Judged | None, new: Judged | None, text: str) -> None:
    """The verdicts where they differ, else the answers; once where these are the same too."""
    comparison = compare_results(*(run(one) if one else run() for one in (old, new)))

    assert [str(change) for change in comparison.changes] == [text]


@pytest.mark.parametrize("text", samples.HOSTILE)
def test_a_comparison_of_hostile_texts_is_shown_as_text(text: str) -> None:
    """Nothing in a result commands the terminal or the browser that shows a comparison."""
    comparison = compare_results(replace(samples.saying(text), verdicts=()), samples.saying(text))

    for name, write in WRITERS.items():
        shown = write([as_shown(comparison)], Exit.CONFORMANT)
        assert all(line.isprintable() for line in shown.split("\n"))
        assert name != "html" or "<script" not in shown


def test_another_target_or_catalogue_is_pointed_out() -> None:
    """What makes two runs hard to compare is said before the numbers."""
    other = alter(samples.CLEAN, run=alter(samples.RUN, target="https://example.com", catalogue="f" * 16))

    first, second = compare_results(samples.CLEAN, other).cautions

    assert first == "two targets: http://127.0.0.1:8080, luma-profile.toml, and https://example.com"
    assert second.startswith("two catalogues")


def test_parts_of_a_run_are_one_result() -> None:
    """Verdicts come together, counts are added up, and a case that was judged in one part counts as judged."""
    ending = alter(samples.ENDING, spent=1, ended="2026-04-08T12:05:00Z", rules={"unknown-model": (5, 0)})
    parts = [
        run(PASS, UNJUDGED),
        Results(samples.RUN, (alter(FAIL, case="b"), alter(PASS, case="a", seconds=9.0)), ending),
    ]

    whole = merge(parts, ["one", "two"])

    assert [(judged.case, judged.verdict) for judged in whole.verdicts] == [("a", Outcome.PASS), ("b", Outcome.FAIL)]
    assert whole.ending is not None
    assert (whole.ending.ended, whole.ending.spent, whole.ending.complete) == ("2026-04-08T12:05:00Z", 1, True)
    assert whole.ending.rules == {"unknown-model": (5, 0)}
    assert whole.headline == "Not conformant: 1 case fails, in 1 section; 2 of 2 judged"


def test_shards_are_counted_against_all_there_is() -> None:
    """Each shard selects a part of the same cases; the whole is whole, and what each had to judge, all have to."""
    run_ = replace(samples.RUN, total=3, selected=1, required={"2": 2})
    parts = [Results(run_, (alter(PASS, case=case),), Ending(status=6)) for case in "abc"]

    assert [part.coverage for part in parts] == ["1 of 3"] * 3
    assert (parts[0].is_whole, parts[0].unmet) == (False, ("1 of 3 cases were judged, and 2 are required",))
    whole = merge(parts, ["1", "2", "3"])
    assert (whole.coverage, whole.is_whole, whole.unmet) == ("3 of 3", True, ())
    most = merge(parts[:2], ["1", "2"])
    assert (most.coverage, most.is_whole, most.unselected) == ("2 of 3", False, 1)


def test_a_merge_with_an_incomplete_part_is_incomplete() -> None:
    """Merging does not make an incomplete run complete."""
    assert not merge([run(PASS), replace(run(PASS), ending=None)], ["one", "two"]).complete
    assert not merge([run(PASS), run(PASS, complete=False)], ["one", "two"]).complete


def test_the_reason_a_part_was_stopped_is_the_reason_of_the_whole() -> None:
    """The status of the part that was stopped is that of the merged result."""
    stopped = replace(run(PASS), ending=make_ending(ended="", complete=False, status=7, stop="the money is spent"))

    assert merge([run(PASS), stopped], ["one", "two"]).exit_status == Exit.SPENT


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (alter(run(PASS), run=alter(samples.RUN, target="https://example.com")), "two: its target is https://ex"),
        (alter(run(PASS), run=alter(samples.RUN, catalogue="f" * 16)), "two: its catalogue is ffff"),
        (
            alter(run(PASS), run=alter(samples.RUN, label="2.4.1")),
            "two: its label is 2.4.1, that of one is unknown",
        ),
        (run(FAIL), "the parts contradict each other on a;"),
    ],
)
def test_parts_of_different_runs_are_not_merged(other: Results, why: str) -> None:
    """Another target, another catalogue or another verdict on the same case is refused."""
    with pytest.raises(InputError, match=why):
        merge([run(PASS), other], ["one", "two"])

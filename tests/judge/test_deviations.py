"""Known deviations, each of their fates through the real plugin; and the file they stand in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from luma_conformance.cli.main import main
from luma_conformance.errors import Exit, InputError
from luma_conformance.model import Facet, Request, Response
from luma_conformance.reference.asgi import serving
from luma_conformance.session.deviations_file import load_deviations, parse_deviations
from tests import miniatures
from tests.kit import Run, results
from tests.miniatures import Wrong, on_answers, right

OTHER_WORDS = miniatures.another_detail("Unknown model: super-model-v9", "never heard of super-model-v9")
NEWER_WORDS = miniatures.another_detail("Unknown model: super-model-v9", "no idea")
NO_ID = miniatures.without_header("X-Request-Id", on=lambda response: True)
NO_VERSION = miniatures.without_header("X-API-Version", on=lambda response: response.status == 400)
KNOWN = """\
[[deviation]]
cases = "things.yaml#unknown-*"
facet = "detail"
answer = "400  never heard of super-model-v9"
reason = "the mock of 2025 says so"
owner = "team mock"
"""


@pytest.fixture
def against(run: Run) -> Run:
    """Return a function that runs pytest with known deviations against the reference, wrong in one thing."""

    def against(wrong: Wrong, known: str, *arguments: str) -> pytest.RunResult:
        Path("known.toml").write_text(known)
        with serving(wrap=wrong) as url:
            return run("--luma-deviations", "known.toml", "--luma-report", "out", "--base-url", url, *arguments)

    return against


def test_the_same_wrong_answer_is_a_deviation(against: Run) -> None:
    """What is known is run, counted apart, shown with its reason, and not red."""
    result = against(OTHER_WORDS, KNOWN, "-rx")

    assert result.ret == results().exit_status == Exit.CONFORMANT
    result.assert_outcomes(passed=2, xfailed=1)
    result.stdout.fnmatch_lines(
        [
            "judged      3 of *: 2 passed, 0 failed, 1 deviating",
            "XFAIL *things.yaml::unknown-model - known deviation: the mock of 2025 says so (team mock)",
        ]
    )
    assert results().headline.endswith("but for 1 known deviation")


@pytest.mark.slow
def test_workers_know_the_same_deviations(against: Run) -> None:
    """With -n 2 a known deviation is one too."""
    result = against(OTHER_WORDS, KNOWN, "-n", "2")

    assert result.ret == Exit.CONFORMANT
    result.stdout.fnmatch_lines(["judged      3 of *: 2 passed, 0 failed, 1 deviating"])


def test_a_stale_deviation_fails_until_its_entry_is_removed(against: Run) -> None:
    """A stale entry would hide the next mistake."""
    result = against(right, KNOWN)

    assert result.ret == results().exit_status == Exit.NOT_CONFORMANT
    result.stdout.fnmatch_lines(
        ["cause *known.toml:1: stale: every answer of things.yaml#unknown-[*] is right now; remove the entry*"]
    )


def test_another_wrong_answer_fails(against: Run) -> None:
    """An entry is of one answer, not of a case that may do as it likes."""
    result = against(NEWER_WORDS, KNOWN)

    assert result.ret == results().exit_status == Exit.NOT_CONFORMANT
    result.stdout.fnmatch_lines(["*a different wrong answer from the known one, '400  never heard of*"])
    assert against(NEWER_WORDS, KNOWN, "--luma-wording", "lenient").ret == Exit.NOT_CONFORMANT


def test_a_difference_beside_the_known_one_fails(against: Run) -> None:
    """The text is known; that a header is missing too is not."""
    result = against(lambda handle: NO_VERSION(OTHER_WORDS(handle)), KNOWN, "-k", "unknown-model")

    assert result.ret == Exit.NOT_CONFORMANT
    result.stdout.fnmatch_lines(["  differs in       detail, headers"])


@pytest.mark.parametrize(("day", "status"), [("2020-01-31", Exit.NOT_CONFORMANT), ("2999-12-31", Exit.CONFORMANT)])
def test_a_deviation_holds_until_its_last_day(against: Run, day: str, status: Exit) -> None:
    """After its date the same wrong answer is red, and the message says when it was."""
    result = against(OTHER_WORDS, f"{KNOWN}expires = {day}\n")

    assert result.ret == status
    if status is Exit.NOT_CONFORMANT:
        result.stdout.fnmatch_lines([f"  deviation        known.toml:1: expired on {day}: *"])


@pytest.mark.slow
def test_an_entry_that_lists_no_case_is_a_usage_error(against: Run) -> None:
    """A misspelt glob, which would never be stale, ends the run; one for a case that is not selected does not."""
    result = against(OTHER_WORDS, KNOWN.replace("things.yaml#unknown-*", "thigns.yaml#*"))

    assert result.ret == Exit.USAGE
    result.stdout.fnmatch_lines(["stopped: known.toml:1: no case matches 'thigns.yaml#*'*"])
    assert against(OTHER_WORDS, KNOWN, "-k", "empty").ret == Exit.CONFORMANT
    assert against(right, KNOWN.replace("things.yaml#unknown-*", "get/404-*"), "-k", "empty").ret == Exit.CONFORMANT


def test_a_deviation_without_a_reason_is_refused(against: Run) -> None:
    """A draft is no excuse: its reason has to be written."""
    result = against(OTHER_WORDS, KNOWN.replace("the mock of 2025 says so", "todo"))

    assert result.ret == Exit.USAGE
    result.stdout.fnmatch_lines(["stopped: known.toml:5: *reason*"])


@pytest.mark.slow
def test_a_property_goes_on_after_a_known_answer(pytester: pytest.Pytester, against: Run) -> None:
    """A known answer does not end a property: another one after it is still found, and none at all is stale."""
    pytester.makepyfile(
        test_words='''
        from hypothesis import strategies as st

        def test_words(luma_target):
            """An unknown model is refused."""
            models = st.sampled_from(["super-model-v9", "uni-0"])
            luma_target.for_all(models.map(lambda model: {"prompt": "A sunset", "model": model}), luma_target.check)
        '''
    )
    known = KNOWN.replace("things.yaml#unknown-*", "test_words.py::*")
    other = miniatures.another_detail("Unknown model: uni-0", "no idea")

    deviating = against(OTHER_WORDS, known, "test_words.py")
    both = against(lambda handle: other(OTHER_WORDS(handle)), known, "test_words.py")
    stale = against(right, known, "test_words.py")

    assert [result.ret for result in (deviating, both, stale)] == [0, 1, 1]
    deviating.assert_outcomes(xfailed=1)
    both.stdout.fnmatch_lines(["  the server said  400  no idea"])
    stale.stdout.fnmatch_lines(["cause *known.toml:1: stale: *"])


@pytest.mark.slow
def test_a_draft_needs_reasons_and_is_then_a_file_of_deviations(
    against: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the command prints is refused as it is; with its reasons written it makes the same run green."""
    wrong = lambda handle: NO_VERSION(OTHER_WORDS(handle))  # noqa: E731
    assert against(wrong, "").ret == Exit.NOT_CONFORMANT
    capsys.readouterr()

    assert main(["report", "out", "--format", "deviations"]) == Exit.CONFORMANT

    draft = capsys.readouterr().out
    assert against(wrong, draft).ret == Exit.USAGE
    assert against(wrong, draft.replace("TODO: why", "Agreed: why")).ret == Exit.CONFORMANT


@on_answers
def crashes(_: Request, answer: Response) -> Response:
    """Crash where the reference refuses, and say where to find the trace."""
    body = f'{{"error": "see {uuid4()}"}}'.encode()
    return Response(status=500, headers=(), body=body) if answer.status == 400 else answer


@on_answers
def makes_ids(_: Request, answer: Response) -> Response:
    """Make a request id of its own for each answer."""
    headers = tuple((name, str(uuid4()) if name == "X-Request-Id" else value) for name, value in answer.headers)
    return replace(answer, headers=headers)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "entries"),
    [
        (NO_VERSION, 1),
        (makes_ids, 1),
        (crashes, 1),
        (lambda handle: makes_ids(NO_VERSION(OTHER_WORDS(handle))), 3),
        (miniatures.accepts_everything, 1),
    ],
    ids=["no header", "other ids", "a crash", "three things", "no refusal"],
)
def test_a_draft_has_an_entry_for_each_cause_and_holds_on_the_next_run(
    against: Run, capsys: pytest.CaptureFixture[str], wrong: Wrong, entries: int
) -> None:
    """Ids and times of the next run are others: with the reasons written it is green all the same."""
    assert against(wrong, "").ret == Exit.NOT_CONFORMANT
    capsys.readouterr()
    assert main(["report", "out", "--format", "deviations"]) == Exit.CONFORMANT
    draft = capsys.readouterr().out.replace("TODO: why", "Agreed: why")

    assert draft.count("[[deviation]]") == entries
    assert against(wrong, draft).ret == Exit.CONFORMANT
    assert against(right, draft).ret == Exit.NOT_CONFORMANT
    assert against(lambda handle: wrong(NO_ID(handle)), draft).ret == Exit.NOT_CONFORMANT


def test_a_glob_may_cover_cases_that_pass(against: Run) -> None:
    """As long as one of its cases deviates an entry holds; it is stale once none does, in whichever of its globs."""
    everything = KNOWN.replace('"things.yaml#unknown-*"', '["things.yaml#e*", "things.yaml#*"]')

    deviating = against(OTHER_WORDS, everything)
    stale = against(right, everything)

    deviating.stdout.fnmatch_lines(["judged      3 of *: 2 passed, 0 failed, 1 deviating"])
    assert (deviating.ret, stale.ret) == (Exit.CONFORMANT, Exit.NOT_CONFORMANT)
    stale.stdout.fnmatch_lines(["*known.toml:1: stale: every answer of things.yaml#e[*] and things.yaml#[*] is right*"])
    for name in ("report.html", "summary.md", "ctrf.json", "results.jsonl"):
        assert "known.toml:1: stale: every answer" in Path("out", name).read_text(), name


@pytest.mark.slow
@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_an_entry_is_not_stale_while_a_case_that_it_lists_is_left_out(against: Run, workers: list[str]) -> None:
    """Of what was not selected nothing is known, whoever selects."""
    everything = KNOWN.replace("unknown-*", "*")

    assert against(right, everything, *workers, "-k", "empty").ret == Exit.CONFORMANT
    assert against(right, everything, *workers).ret == Exit.NOT_CONFORMANT


def test_a_case_listed_by_its_id_has_to_deviate(against: Run) -> None:
    """Whoever names a case says that it is wrong; if it is not any more, the entry should not name it."""
    both = KNOWN.replace('"things.yaml#unknown-*"', '["things.yaml#empty", "things.yaml#unknown-model"]')

    result = against(OTHER_WORDS, both)

    assert result.ret == Exit.NOT_CONFORMANT
    result.assert_outcomes(passed=1, failed=1, xfailed=1)
    result.stdout.fnmatch_lines(["*known.toml:1: stale: the answer is right now; remove the case from the entry"])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[[deviation", "known.toml:1: is not TOML"),
        ("[deviation]\n", "known.toml:1: deviation should be a list of tables, each of which"),
        ("cases = 'a'\n", 'known.toml:1: unknown key "cases"; a deviation begins with [[deviation]]'),
        (
            KNOWN.replace("facet =", "fasset ="),
            'known.toml:3: unknown key in a deviation "fasset"; did you mean facet?',
        ),
        (KNOWN.replace('"detail"', '"details"'), 'known.toml:3: unknown facet "details"; did you mean detail?'),
        (KNOWN.replace("the mock of 2025 says so", ""), "known.toml:5: reason"),
        (KNOWN.replace("the mock of 2025 says so", "TODO: write this"), "known.toml:5: its reason is still"),
        (KNOWN + 'expires = "soon"\n', "known.toml:7: expires should be a date without quotes"),
        (KNOWN + "expires = 2026-01-01T00:00:00\n", "known.toml:7: expires should be a date without quotes"),
        (
            KNOWN.replace('"things.yaml#unknown-*"', "[]"),
            "known.toml:2: cases should be a string, or a list of strings",
        ),
        (KNOWN.replace('"things.yaml#unknown-*"', '["a", 7]'), "known.toml:2: "),
        (KNOWN.replace('"400  never heard of super-model-v9"', '["a", " "]'), "known.toml:4: "),
        (KNOWN + "link = 7\n", "known.toml:7: link should be a string, not 7"),
        (KNOWN + "\n" + KNOWN.replace("answer", "answers"), "known.toml:8: answer is missing"),
    ],
)
def test_each_problem_of_a_deviations_file_is_reported_with_its_line(text: str, why: str) -> None:
    """Every problem is named with its place and the likely fix."""
    with pytest.raises(InputError) as error:
        parse_deviations(text, "known.toml")

    assert why in str(error.value)


def test_an_unreadable_file_is_reported(tmp_path: Path) -> None:
    """A missing file and one that is not UTF-8 are one message each; a byte order mark is no problem."""
    with pytest.raises(InputError, match=r"known.toml: cannot be read: No such file"):
        load_deviations(tmp_path / "known.toml")
    (tmp_path / "known.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"known.toml:1: is not UTF-8 text"):
        load_deviations(tmp_path / "known.toml")
    (tmp_path / "known.toml").write_text(KNOWN, encoding="utf-8-sig")
    (entry,) = load_deviations(tmp_path / "known.toml")
    assert (entry.facet, entry.owner, entry.place.line) == (Facet.DETAIL, "team mock", 1)

"""Causes: which failing verdicts are one wrong behaviour, how they are ordered, and what a draft says of them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from luma_conformance.judge.causes import FEW, MAX_TITLE, find_causes, generalize
from luma_conformance.judge.deviations import Deviation
from luma_conformance.judge.judged import Judged
from luma_conformance.model import Facet, Mismatch, Outcome, Place, Severity
from tests.verdicts import differs, judge_as

ONE_ID, OTHER_ID = "0c9a8f0e-6d1b-4f3c-9f57-3f2d0f0f7a11", "e2b1b3a4-1111-4222-8333-944455556666"


def fail(case: str, *differences: Mismatch, section: str = "400 — Unknown model", actual: str = "400  no") -> Judged:
    """Return a failing verdict."""
    return judge_as(
        case=case, title="t", section=section, verdict=Outcome.FAIL, actual=actual, differences=differences
    )  # fmt: skip


def lacks(header: str) -> Mismatch:
    """Return that a header is missing."""
    return says(Facet.HEADERS, header, "is missing")


def says(facet: Facet, where: str, why: str) -> Mismatch:
    """Return that something is wrong."""
    return differs(facet=facet, where=where, why=why, rests_on="Error response format")


def status(expected: str, got: str) -> Mismatch:
    """Return that the status is another."""
    return says(Facet.STATUS, "status", f"expected {expected}, got {got}")


def worded(expected: str, got: str) -> Mismatch:
    """Return that the text is another."""
    return says(Facet.DETAIL, "detail", f'expected "{expected}", got "{got}"')


def tell(*verdicts: Judged) -> list[str]:
    """Return the causes, in their order, in words."""
    return [f"{cause.title}: {cause.extent}" for cause in find_causes(verdicts)]


def test_what_is_wrong_in_many_cases_is_told_once_with_those_that_it_fails_alone() -> None:
    """A case with two faults is in both causes, and neither fails it alone; the example shows nothing else."""
    both = fail("a", lacks("X-Trace"), says(Facet.BODY, "body", "id: is missing"))
    alone = fail("c", lacks("X-Trace"))

    first, second = find_causes(
        [both, fail("b", says(Facet.BODY, "body", "id: is missing")), alone, fail("d", *alone.differences)]
    )

    assert (first.title, first.extent, first.example.case) == ("X-Trace is missing", "3 cases, 2 by that alone", "c")
    assert (second.title, second.extent, second.example.case) == ("id: is missing", "2 cases, 1 by that alone", "b")
    assert (first.cases, first.severity, first.facet) == (("a", "c", "d"), Severity.MUST, Facet.HEADERS)


def test_what_a_property_found_comes_after_cases() -> None:
    """The same fault is sooner understood from a case, which is of one request."""
    found = [fail(case, lacks("X-Trace")) for case in ("properties/a/test_b", "z", "properties/c/test_d", "y")]

    (cause,) = find_causes(found)

    assert cause.cases == ("z", "y", "properties/a/test_b", "properties/c/test_d")
    assert cause.example.case == "z"


def test_must_comes_before_should_and_then_what_most_cases_show() -> None:
    """Three texts that differ weigh less than one missing header, two missing headers more than one."""
    texts = [fail(case, worded("no such model", "what?")) for case in "abc"]

    assert tell(*texts, fail("d", lacks("X-One")), fail("e", lacks("X-Two")), fail("f", lacks("X-Two"))) == [
        "X-Two is missing: 2 cases",
        "X-One is missing: 1 case",
        'says "what?" instead of "no such model": 3 cases',
    ]


def test_what_passes_deviates_or_is_not_judged_has_no_cause() -> None:
    """Causes are of failures."""
    one = fail("a", lacks("X-Trace"))

    assert find_causes([]) == ()
    for outcome in set(Outcome) - {Outcome.FAIL}:
        assert (
            find_causes([judge_as(case="a", title="t", section="s", verdict=outcome, differences=one.differences)])
            == ()
        )


def test_what_follows_from_an_unexpected_answer_is_no_cause_of_its_own() -> None:
    """An answer that ought to be a refusal has no text of one, and none of the headers."""
    accepted = fail("a", status("400", "201"), says(Facet.BODY, "body", "detail: is missing"), lacks("X-Reason"))

    assert tell(accepted) == ["accepts what the page refuses with 400: 400 — Unknown model: 1 case"]


def test_what_follows_in_one_case_is_a_cause_where_it_also_occurs_by_itself() -> None:
    """A header that is missing from right answers too is a fault of its own, in all the cases."""
    accepted = fail("a", status("400", "201"), lacks("X-Reason"))

    assert tell(accepted, fail("b", lacks("X-Reason"))) == [
        "X-Reason is missing: 2 cases, 1 by that alone",
        "accepts what the page refuses with 400: 400 — Unknown model: 1 case, 0 by that alone",
    ]


def test_what_mostly_follows_is_a_cause_only_in_the_cases_that_show_it_by_itself() -> None:
    """A 201 that should be a refusal lacks headers of a right one; that one case sees only those is not the point."""
    accepted = [fail(f"a/{number}", status("400", "201"), lacks("X-Left")) for number in range(20)]

    assert tell(*accepted, fail("b", lacks("X-Left"))) == [
        "accepts what the page refuses with 400: 400 — Unknown model: 20 cases",
        "X-Left is missing: 1 case",
    ]


@pytest.mark.parametrize(("sections", "causes"), [(FEW, FEW), (FEW + 1, 1)])
def test_the_same_wrong_status_in_more_than_a_few_sections_is_one_cause(sections: int, causes: int) -> None:
    """In a few sections they may be as many oversights; in more a server has one idea of its own."""
    found = find_causes(fail(f"{n}/x", status("400", "422"), section=f"section {n}") for n in range(sections))

    assert len(found) == causes
    assert found[0].title == ("422 instead of 400" if causes == 1 else "422 instead of 400: section 0")


def test_a_cause_is_like_that_of_another_run_which_takes_in_more() -> None:
    """A wrong status that is in a few sections of one run and in many of the other is the same idea of the server's."""
    few, many = (
        find_causes(fail(f"{n}/x", status("400", "422"), section=f"section {n}") for n in range(sections))
        for sections in (1, FEW + 1)
    )
    (other,) = find_causes([fail("a", status("404", "422"))])

    assert few[0].is_like(many[0])
    assert many[0].is_like(few[0])
    assert not other.is_like(few[0])


@pytest.mark.parametrize(("texts", "causes"), [(FEW, FEW), (FEW + 1, 1)])
def test_more_than_a_few_other_texts_are_one_cause(texts: int, causes: int) -> None:
    """A server that words everything in its own way is told so once."""
    found = find_causes(fail(f"{n}", worded("x" * n, "y" * n)) for n in range(1, texts + 1))

    assert len(found) == causes
    assert found[0].title == ("detail is worded otherwise" if causes == 1 else 'says "y" instead of "x"')


def test_texts_that_differ_in_names_and_numbers_are_one() -> None:
    """What a text says of this request is not what is wrong with it."""
    found = [fail(f"{n}", worded(f"Model 'm{n}' has {n} parts", f"part {n} of 'm{n}'?")) for n in range(9)]

    assert len(find_causes(found)) == 1


def test_a_header_that_is_wrong_in_two_ways_in_the_same_cases_is_one_cause() -> None:
    """Of a header that is never right it does not matter where it is missing and where odd; another one stays apart."""
    odd, other = (says(Facet.HEADERS, name, "expected a UUID, got 7") for name in ("X-Trace", "X-Other"))

    assert tell(fail("a", lacks("X-Trace"), odd), fail("b", lacks("X-Trace"))) == ["X-Trace is missing: 2 cases"]
    assert len(tell(fail("a", lacks("X-Trace"), other), fail("b", lacks("X-Trace")))) == 2
    assert len(tell(fail("a", lacks("X-Trace")), fail("b", odd))) == 2


@pytest.mark.parametrize("answer", ["500  oops", "502  <html>bad gateway", "503  (no body)"])
def test_the_same_crash_everywhere_is_one_cause_whatever_was_expected(answer: str) -> None:
    """A crash has no text, no headers and no status of its own that is worth telling apart by section."""
    got = answer[:3]
    found = [
        fail("a", status("400", got), lacks("X-Trace"), section="s1", actual=answer),
        fail("b", status("201", got), says(Facet.BODY, "body", "is not JSON"), section="s2", actual=answer),
        fail("c", status("404 or 405", got), section="s3", actual=answer),
    ]

    assert tell(*found) == [f"answers {answer}: 3 cases"]


def test_refusing_what_is_right_is_told_by_its_answer() -> None:
    """Two reasons to refuse are two causes; ids and numbers in them make no other."""
    found = [
        fail("a", status("201", "400"), actual=f"400  unknown project {ONE_ID}"),
        fail("b", status("201", "400"), actual=f"400  unknown project {OTHER_ID}"),
        fail("c", status("201", "403"), actual="403  not yours"),
    ]

    assert tell(*found) == [
        f"refuses what the page accepts: 400  unknown project {ONE_ID}: 2 cases",
        "refuses what the page accepts: 403  not yours: 1 case",
    ]


def test_a_missing_text_is_one_cause_whether_its_words_are_known_or_not() -> None:
    """Another envelope lacks `detail` where the words are asserted and where only its presence is."""
    known = says(Facet.DETAIL, "detail", 'expected "Unknown model: x", got null')
    present = says(Facet.BODY, "body", "detail: is missing")

    assert tell(fail("a", known, present), fail("b", present), fail("c", known)) == ["detail is missing: 3 cases"]


def test_a_finding_without_differences_is_told_in_its_own_words() -> None:
    """What properties find has no expected answer; the same words are the same cause, and a title has a bound."""
    found = [
        judge_as(case=case, title="t", section="s", verdict=Outcome.FAIL, explanation=f"the quota grew by {n}\n  #1 …")
        for n, case in enumerate("ab")
    ]
    (long,) = find_causes([judge_as(case="a", title="t", section="s", verdict=Outcome.FAIL, explanation="h" * 9_999)])

    assert tell(*found) == ["the quota grew by 0: 2 cases"]
    assert long.title == f"{'h' * MAX_TITLE}… 9,839 more characters"


@pytest.mark.parametrize(
    ("answers", "known"),
    [
        ([f"404  no {ONE_ID}", f"404  no {OTHER_ID}"], ["404  no {id}"]),
        (["at 2026-04-08T12:00:00Z", "at 2026-04-08T12:00:01.5+02:00"], ["at {time}"]),
        (["see http://127.0.0.1:8080/a?b=c", "see https://example.test"], ["see {url}"]),
        (["luma-52a2c353-one-1 is odd", "luma-0a0a0a0a-an-other-2 is odd"], ["{any} is odd"]),
        (['X-Id: expected the value that was sent, "a", got 7'], ["X-Id: expected the value that was sent, {any}"]),
        (["400  no", "422  no"], ["400  no", "422  no"]),
        ([f"400  no {'x' * n} here" for n in range(1, 9)], ["400  no x{any} here"]),
    ],
)  # fmt: skip
def test_what_varies_becomes_a_placeholder_that_knows_each_answer(answers: Sequence[str], known: Sequence[str]) -> None:
    """What is written of a cause matches the answers it is written of, and not just any."""
    entry = Deviation(
        cases=("*",), facet=Facet.HEADERS, answers=tuple(known), reason="r", place=Place(file="known.toml", line=1)
    )

    assert list(generalize(answers)) == known
    assert all(entry.knows(Facet.HEADERS, answer) for answer in answers)
    assert not entry.knows(Facet.HEADERS, "X-Other: is missing")


def test_answers_of_a_cause_are_those_that_an_entry_of_known_deviations_takes() -> None:
    """All of what a crash brings with it is in the entry, without which the next run would be red."""
    (cause,) = find_causes(
        [
            fail("a", status("400", "500"), lacks("X-Trace"), actual=f"500  trace {ONE_ID}"),
            fail("b", status("201", "500"), actual=f"500  trace {OTHER_ID}"),
        ]
    )

    assert (cause.facet, set(cause.answers)) == (Facet.STATUS, {"500  trace {id}", "X-Trace: is missing"})

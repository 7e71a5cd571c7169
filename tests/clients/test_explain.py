"""A verdict on a client in the values of every report: what is told, what is known, and what is never shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from luma_conformance.clients.conduct import Conduct, Seen
from luma_conformance.clients.explain import MAX_MOMENTS, describe
from luma_conformance.clients.scenario import End, Reply, Route
from luma_conformance.clients.verdict import Broken, Found
from luma_conformance.judge.causes import find_causes
from luma_conformance.judge.deviations import Deviation, Deviations
from luma_conformance.judge.judged import Judged
from luma_conformance.model import Facet, Outcome, Place, Request, Severity
from luma_conformance.redaction.redactor import Redactor
from luma_conformance.report.deviations_draft import draft
from tests.canary import CANARY, FORMS, found_in
from tests.clients.scripted import BUSY, CREATED, WAITS, scenario
from tests.verdicts import alter

ADVISED = replace(WAITS, severity=Severity.SHOULD, because="back off for longer each time")
EARLY = "the second POST came 0.41 s after the answer; Retry-After was 1"
FAIL = Found(outcome=Outcome.FAIL, broken=(Broken(expectation=WAITS, saw=EARLY),), notes=("it may have cost money",))


def seen(number: int = 1, reply: Reply = BUSY, url: str = "/v1/generations") -> Seen:
    """Return a request that arrives so many half seconds after the first."""
    request = Request(method="POST", url=url)
    start = 1_000.0 + (number - 1) * 0.5
    return Seen(
        route=Route.CREATE, number=number, request=request, reply=reply, connection=1,
        arrived=start, read=start, answered=start + 0.125,
    )  # fmt: skip


CONDUCT = Conduct(
    given={}, seen=(seen(), seen(2, CREATED)), status=1, output="first\n\nsecond\n", written=None, seconds=1.5
)


def explain(found: Found = FAIL, conduct: Conduct = CONDUCT, *known: Deviation, secret: str = "") -> Judged:
    """Return the verdict as it is reported."""
    scrub, known_to = Redactor({secret: "$SECRET"}).show, Deviations(entries=known)
    return describe(scenario(), conduct, found, scrub=scrub, again="again …", deviations=known_to)


def known(answer: str, facet: Facet = Facet.CONDUCT, cases: str = "made/*") -> Deviation:
    """Return a known deviation."""
    return Deviation(cases=(cases,), facet=facet, answers=(answer,), reason="agreed", place=Place("known.toml", 1))


def test_a_failure_says_what_was_expected_what_was_done_and_how_to_see_it_again() -> None:
    """It is one block of lines, in the form of all failures of the kit."""
    judged = explain()
    assert judged.verdict is Outcome.FAIL
    assert judged.severity == "must"
    assert (judged.explanation or "").split("\n") == [
        f"{'made/by-hand':<72} specs/clients/429.yaml:8",
        "  the page says    wait for Retry-After before the next request (must; 429 — Rate Limited)",
        f"  the client did   {EARLY}",
        "  timeline            0.00 s  POST /v1/generations  429 Rate limit exceeded, Retry-After: 1",
        "                      0.50 s  POST /v1/generations  201",
        "  printed          first",
        "                   second",
        "  ended            status 1 after 1.5 s",
        "  noted            it may have cost money",
        "  again            again …",
    ]
    assert [(one.began, one.ended, one.is_fault) for one in judged.timeline] == [(0, 0.125, True), (0.5, 0.625, False)]


def test_what_a_client_only_should_do_is_told_and_fails_nothing() -> None:
    """Alone it is a warning; beside what it must do it is a difference of its own kind."""
    advice = Broken(expectation=ADVISED, saw="it waited 1 s each time")
    alone = explain(Found(outcome=Outcome.WARNING, broken=(advice,)))
    beside = explain(replace(FAIL, broken=(*FAIL.broken, advice)))
    assert (alone.verdict, alone.severity, alone.facets) == (Outcome.WARNING, "should", ("advice",))
    assert (beside.verdict, beside.severity, beside.facets) == (Outcome.FAIL, "must", ("conduct", "advice"))
    assert beside.actual == EARLY


def test_scenarios_in_which_the_same_is_expected_in_vain_have_one_cause() -> None:
    """The cause is the expectation, whatever was seen instead."""
    other = replace(FAIL, broken=(Broken(expectation=WAITS, saw="the second POST came at once"),))
    verdicts = [explain(), alter(explain(other), case="made/otherwise")]
    (cause,) = find_causes(verdicts)
    assert cause.title == WAITS.because
    assert cause.cases == ("made/by-hand", "made/otherwise")


def test_what_is_known_to_be_wrong_is_no_failure_until_it_changes() -> None:
    """A draft of what is known has numbers as placeholders; another fault is red, and so is one that is mended."""
    drafted = draft([explain()])
    answer = "wait for Retry-After before the next request: the second POST came {number} s after the answer; "
    assert f'answer = "{answer}Retry-After was {{number}}"' in drafted
    entry = known(f"{answer}Retry-After was {{number}}")
    assert explain(FAIL, CONDUCT, entry).verdict is Outcome.DEVIATION
    later = replace(FAIL, broken=(Broken(expectation=WAITS, saw=EARLY.replace("0.41", "0.5")),))
    assert explain(later, CONDUCT, entry).verdict is Outcome.DEVIATION
    other = replace(FAIL, broken=(Broken(expectation=WAITS, saw="it never came back"),))
    changed = explain(other, CONDUCT, entry)
    assert changed.verdict is Outcome.FAIL
    assert "known.toml:1: a different wrong answer" in (changed.reason or "")
    assert "  deviation        known.toml:1: a different" in (changed.explanation or "")
    mended = explain(Found(outcome=Outcome.PASS), CONDUCT, replace(entry, cases=("made/by-hand",)))
    assert (mended.verdict, "stale" in (mended.reason or "")) == (Outcome.FAIL, True)


def test_advice_beside_a_known_fault_needs_no_entry() -> None:
    """Only what fails has to be known."""
    both = replace(FAIL, broken=(*FAIL.broken, Broken(expectation=ADVISED, saw="it did not")))
    assert explain(both, CONDUCT, known("wait for Retry-After{any}")).verdict is Outcome.DEVIATION


def test_what_is_not_judged_has_its_reason_and_what_the_client_did() -> None:
    """Its requests are told, and nothing is held against it."""
    judged = explain(Found(outcome=Outcome.NOT_JUDGED, reason="it never came to what this is about; it sent …"))
    assert (judged.verdict, judged.differences, len(judged.timeline)) == (Outcome.NOT_JUDGED, (), 2)
    assert judged.reason == "it never came to what this is about; it sent …"


def test_a_secret_is_shown_nowhere() -> None:
    """Whatever a client prints, sends or does with a key, its value is not in any text."""
    secret = "a-key-of-the-users-own"
    conduct = replace(CONDUCT, output=f"key={secret}", seen=(seen(url=f"/v1/generations?key={secret}"), seen(2)))
    found = replace(
        FAIL, broken=(Broken(expectation=WAITS, saw=f"it sent {secret}"),), notes=(f"{secret} was in a URL",)
    )
    shown = repr(explain(found, conduct, secret=secret))
    assert secret not in shown
    assert "$SECRET" in shown
    unjudged = Found(outcome=Outcome.NOT_JUDGED, reason=f"its last words were {secret}")
    assert secret not in repr(explain(unjudged, conduct, secret=secret))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("before", ["", "x" * 19_970, "line\n" * 10_000], ids=["alone", "at a cut", "at the end"])
def test_no_form_of_a_key_passes(form: str, before: str) -> None:
    """However it is written, and wherever what a client printed is cut, no piece of it is shown."""
    written = FORMS[form](CANARY)
    conduct = replace(CONDUCT, output=f"{before}{written}\n{'y' * 10}", seen=(seen(url=f"/v1?{written}"), seen(2)))
    found = replace(FAIL, broken=(Broken(expectation=WAITS, saw=f"it sent {written}"),), notes=(written,))
    shown = explain(found, conduct, secret=CANARY)
    texts = [shown.explanation, shown.actual, *shown.notes, *(one.asked for one in shown.timeline)]
    assert found_in("\n".join(map(str, texts)).encode()) == set()


def test_a_client_that_asks_and_prints_much_is_told_in_few_lines() -> None:
    """The first and the last requests are shown, with how many there were between, and the end of what it printed."""
    many = replace(
        CONDUCT,
        seen=tuple(seen(number) for number in range(1, 401)),
        output="x" * 10_000 + "\nline" * 10_000,
        status=None,
    )
    judged = explain(FAIL, many)
    assert len(judged.timeline) == MAX_MOMENTS
    assert len(judged.explanation or "") < 10_000
    assert f"      …    {400 - MAX_MOMENTS} more" in (judged.explanation or "")
    assert "printed          … 9,996 lines before" in (judged.explanation or "")
    assert "ended            was stopped after 1.5 s" in (judged.explanation or "")


def test_the_timeline_says_how_a_reply_ended_and_shortens_what_varies() -> None:
    """Signatures and ids are not repeated; a reply that was dropped, slow or not waited for says so."""
    generation = "d290f1ee-6c54-4b01-90e6-d701748f0851"
    slow = replace(CREATED, delay=2.0, spread=1.5, end=End.CUT)
    conduct = replace(
        CONDUCT,
        seen=(
            replace(seen(1, slow), abandoned=True),
            seen(2, replace(BUSY, says="dropped", end=End.DROPPED), f"/v1/generations/{generation}"),
            seen(3, CREATED, f"http://127.0.0.1:5/generations/{generation}/output-0.png?X-Amz-Signature=abc"),
        ),
    )
    asked = [(one.asked, one.told) for one in explain(FAIL, conduct).timeline]
    assert asked == [
        ("POST /v1/generations", "201, cut, after 2 s, over 1.5 s, not waited for"),
        ("POST /v1/generations/d290f1ee…", "dropped"),
        ("POST 127.0.0.1:5/generations/d290f1ee…/output-0.png", "201"),
    ]

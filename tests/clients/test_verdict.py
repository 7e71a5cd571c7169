"""Verdicts on clients: for each check a wrong conduct that it names, and conducts that it lets pass."""

from __future__ import annotations

from dataclasses import replace

import pytest

from luma_conformance.clients.conduct import Conduct
from luma_conformance.clients.scenario import Route
from luma_conformance.model import Outcome, Request, Severity
from tests.clients.acting import BEARER, FILE, KEY, LONG_AGO, PROMPT, STORAGE, act, found

PASSES = Outcome.PASS
ID = "00000001-0000-4000-8000-000000000000"


def broken(scenario: str, conduct: Conduct) -> list[str]:
    """Return what is held against a client, the severity before each."""
    return [f"{one.expectation.severity}: {one.saw}" for one in found(scenario, conduct).broken]


def failed(at: float) -> Conduct:
    """Return the conduct of a client that submits again so many seconds after a 429 of two."""
    return act("429/retry-after-2").post(0).post(at).ends(0)


RIGHT = {
    "submits once": ("accepted/created", act("accepted/created").post(0).ends(0)),
    "prints the id in capitals": ("accepted/created", act("accepted/created").post(0).ends(0, ID.upper())),
    "generates": (
        "accepted/generated",
        act("accepted/generated").post(0).poll(2).poll(4).fetch(6.1).ends(0, "", wrote=FILE),
    ),
    "takes the first of two outputs": (
        "polling/two-outputs",
        act("polling/two-outputs").post(0).poll(2).fetch(2.1).ends(0, wrote=FILE),
    ),
    "waits exactly": ("429/retry-after-2", failed(2.01)),
    "waits a hair less, as coarse timers do": ("429/retry-after-2", failed(1.99)),
    "waits a minute": ("429/retry-after-2", failed(60)),
    "looks around first": (
        "refused/402-no-funds",
        act("refused/402-no-funds").post(0).look("/v1/usage", 1).ends(1),
    ),
    "gives up at once": ("429/retry-after-2", act("429/retry-after-2").post(0).ends(1)),
    "gives up, with the detail in a Python dictionary": (
        "429/retry-after-2",
        act("429/retry-after-2").post(0).ends(3, "Error code: 429 - {'detail': 'Rate limit\n exceeded'}"),
    ),
    "waits each time as told": (
        "429/longer-each-time",
        act("429/longer-each-time").post(0).post(1.02).post(5.04).ends(0),
    ),
    "counts from a slow answer": ("429/slow", act("429/slow").post(0, takes=1.5).post(3.5).ends(0)),
    "spells its JSON otherwise the second time": (
        "429/retry-after-1",
        act("429/retry-after-1")
        .post(0)
        .ask(
            Route.CREATE, 1.1, Request(method="POST", url="/v1/generations", body=f'{{ "prompt" :"{PROMPT}"}}'.encode())
        )
        .ends(0),
    ),
    "backs off from 502": ("502/once", act("502/once").post(0).post(5.1).ends(0)),
    "backs off from 503": ("503/once", act("503/once").post(0).post(0.5).ends(0)),
    "is refused": ("refused/402-no-funds", act("refused/402-no-funds").post(0).ends(1)),
    "is refused, and escapes what it prints": (
        "refused/400-long-detail",
        act("refused/400-long-detail")
        .post(0)
        .ends(
            1,
            r"b'video.start_frame and video.edit.keyframes are mutually exclusive \xe2\x80\x94 use video.start_frame "
            r"for the single-anchor case (frame at index 0), or video.edit.keyframes + keyframe_indexes for "
            r"multi-anchor / arbitrary positions'",
        ),
    ),
    "is refused, and sends another prompt": (
        "refused/400-prompt",
        act("refused/400-prompt").post(0).post(1, {"prompt": "A lighthouse"}).ends(1),
    ),
    "does not resubmit what was moderated": (
        "failed/content-moderated",
        act("failed/content-moderated")
        .post(0)
        .poll(2)
        .ends(1, "ContentModerated: change the prompt (content_moderated)"),
    ),
    "resubmits a transient failure": (
        "failed/generation-failed",
        act("failed/generation-failed").post(0).poll(2).post(3).poll(5).fetch(5.1).ends(0, wrote=FILE),
    ),
    "changes the prompt that was moderated": (
        "failed/content-moderated",
        act("failed/content-moderated").post(0).poll(2).post(3, {"prompt": "A calm lighthouse"}).poll(5).ends(1),
    ),
    "looks at a failure once more, to print it": (
        "failed/generation-failed",
        act("failed/generation-failed").post(0).poll(2).poll(2.1).ends(1),
    ),
    "tells a transient failure": (
        "failed/generation-failed",
        act("failed/generation-failed").post(0).poll(2).ends(1, "generation_failed"),
    ),
    "polls for a fresh URL": (
        "urls/expired",
        act("urls/expired").poll(0).fetch(0.1).poll(0.2).fetch(0.3).ends(0, wrote=FILE),
    ),
    "downloads what was cut again": (
        "broken-download/cut",
        act("broken-download/cut").poll(0).fetch(0.1).fetch(1.1).ends(0, wrote=FILE),
    ),
    "crashes where the page is silent": (
        "unspecified/retry-after-junk",
        act("unspecified/retry-after-junk").post(0).ends(1, "ValueError: invalid literal for int()"),
    ),
    "polls once a second": (
        "polling/queued-then-processing",
        act("polling/queued-then-processing").post(0).poll(1).poll(2).poll(3).fetch(3.1).ends(0, wrote=FILE),
    ),
    "polls by a schedule, on a machine that delays one poll by two seconds": (
        "polling/queued-then-processing",
        act("polling/queued-then-processing").post(0).poll(4).poll(4.2).poll(6).fetch(9).ends(0, wrote=FILE),
    ),
}
"""What right clients do, however differently."""


@pytest.mark.parametrize(("scenario", "conduct"), RIGHT.values(), ids=RIGHT)
def test_a_right_client_is_not_accused(scenario: str, conduct: Conduct) -> None:
    """Nothing is held against it, neither a must nor a should."""
    assert broken(scenario, conduct) == []
    assert found(scenario, conduct).outcome is PASSES


@pytest.mark.parametrize(("scenario", "conduct"), RIGHT.values(), ids=RIGHT)
def test_a_slow_machine_makes_no_client_wrong(scenario: str, conduct: Conduct) -> None:
    """Each request may be late by what the one before it was late, and more, and each answer may take its time."""
    late = tuple(
        replace(one, arrived=one.arrived + number * 3, read=one.read + number * 3.5, answered=one.answered + number * 3)
        for number, one in enumerate(conduct.seen)
    )

    assert broken(scenario, replace(conduct, seen=late, seconds=conduct.seconds + 60)) == []


WRONG = {
    "submits twice": (
        "accepted/created",
        act("accepted/created").post(0).post(0.1).ends(0),
        "it made 2 generations, each of which may be charged for",
    ),
    "prints no id": (
        "accepted/created",
        act("accepted/created").post(0).ends(0, "submitted!"),
        "it ended with status 0, but it did not print the id of the generation",
    ),
    "fails for no reason": (
        "accepted/created",
        act("accepted/created").post(0).ends(2, "expected 200"),
        "it ended with status 2 although nothing was wrong with the last answer, POST 201 queued",
    ),
    "comes back too early": (
        "429/retry-after-2",
        failed(0.51),
        "the second POST came 0.5 s after the answer; Retry-After was 2",
    ),
    "hedges": (
        "429/retry-after-2",
        failed(0.0001),
        "the second POST came before the answer was there; Retry-After was 2",
    ),
    "heeds the first header only": (
        "429/longer-each-time",
        act("429/longer-each-time").post(0).post(1.1).post(2.2).ends(0),
        "the third POST came 1.1 s after the answer; Retry-After was 4",
    ),
    "counts from its request": (
        "429/slow",
        act("429/slow").post(0, takes=1.5).post(2.1).ends(0),
        "the second POST came 0.6 s after the answer; Retry-After was 2",
    ),
    "does not know the other limit": (
        "429/concurrent-2",
        act("429/concurrent-2").post(0).post(1).ends(0),
        "the second POST came 0.99 s after the answer; Retry-After was 2",
    ),
    "changes the request": (
        "429/retry-after-1",
        act("429/retry-after-1").post(0).post(2, {"prompt": PROMPT, "attempt": 2}).ends(0),
        "the second POST had another body: attempt was null, then 2",
    ),
    "never gives up": (
        "429/without-end",
        act("429/without-end")
        .post(0)
        .post(1.1)
        .post(2.2)
        .post(3.3)
        .post(4.4)
        .post(5.5)
        .post(6.6)
        .post(7.7)
        .post(8.8)
        .post(9.9)
        .post(11)
        .ends(None, "", after=0.4),
        "it was still running after 11 s and 11 requests, the last of them POST 429 Rate limit exceeded",
    ),
    "hammers": (
        "503/twice",
        act("503/twice").post(0).post(0.02).post(0.04).ends(0),
        "3 POSTs came 0.02 s apart on average, not 0.2 s or more",
    ),
    "comes back at once after 502": (
        "502/once",
        act("502/once").post(0).post(0.02).ends(0),
        "the second POST came 0.01 s after the answer, not 0.1 s or more",
    ),
    "repeats a refusal": (
        "refused/402-no-funds",
        act("refused/402-no-funds").post(0).post(1).post(2).ends(1),
        "it sent the same POST again 0.99 s after 402 Insufficient balance. Please add funds to continue., "
        "and 1 more time later",
    ),
    "repeats a refusal that was for once": (
        "refused/402-once",
        act("refused/402-once").post(0).post(1).ends(0),
        "it sent the same POST again 0.99 s after 402 Insufficient balance. Please add funds to continue.",
    ),
    "swallows the detail": (
        "refused/403-suspended",
        act("refused/403-suspended").post(0).ends(1, "something went wrong (403)"),
        'it ended with status 1, and did not print "API client is suspended"',
    ),
    "fails with status 0": (
        "refused/422-base64",
        act("refused/422-base64").post(0).ends(0),
        "it ended with status 0, as if all had gone well",
    ),
    "writes the error": (
        "refused/402-generate",
        act("refused/402-generate")
        .post(0)
        .ends(0, wrote=b'{"detail":"Insufficient balance. Please add funds to continue."}'),
        "it ended with status 0, but it wrote the body of the answer 402",
    ),
    "stops at queued": (
        "polling/queued-then-processing",
        act("polling/queued-then-processing").post(0).poll(2).ends(1, "no output"),
        "it ended with status 1 although nothing was wrong with the last answer, poll 200 queued",
    ),
    "polls without a pause": (
        "polling/queued-then-processing",
        act("polling/queued-then-processing").post(0).poll(0.1).poll(0.2).poll(0.3).fetch(0.4).ends(0, wrote=FILE),
        "3 polls came 0.1 s apart on average, not 0.5 s or more",
    ),
    "takes the last output": (
        "polling/two-outputs",
        act("polling/two-outputs").post(0).poll(2).fetch(3, f"{STORAGE}/{ID}/1-1.png").ends(0, wrote=FILE),
        "it ended with status 0, but it wrote an output that is not the first",
    ),
    "asks for what was not found again and again": (
        "polling/not-found",
        act("polling/not-found").post(0).poll(2).poll(4).poll(6).ends(None, "", after=1),
        "it was still running after 7 s and 4 requests, the last of them poll 404 Generation not found",
    ),
    "polls with a refused key": (
        "polling/key-revoked",
        act("polling/key-revoked").post(0).poll(2).poll(4).poll(6).ends(1),
        "it sent the same poll again 2 s after 401 Invalid API key",
    ),
    "resubmits what was moderated": (
        "failed/content-moderated",
        act("failed/content-moderated").post(0).poll(2).post(3).poll(5).ends(1),
        "it sent the same prompt again 0.99 s after 200 failed content_moderated",
    ),
    "resubmits what was moderated, with something else changed": (
        "failed/content-moderated",
        act("failed/content-moderated").post(0).poll(2).post(3, {"prompt": PROMPT, "user_id": "2"}).poll(5).ends(1),
        "it sent the same prompt again 0.99 s after 200 failed content_moderated",
    ),
    "never sees that it failed": (
        "failed/content-moderated",
        act("failed/content-moderated").post(0).poll(2).poll(4).poll(6).ends(None, "", after=2),
        "it was still running after 8 s and 4 requests, the last of them poll 200 failed content_moderated",
    ),
    "takes failed for done": (
        "failed/generation-failed",
        act("failed/generation-failed").post(0).poll(2).ends(0, wrote=None),
        "it ended with status 0, but it wrote no file",
    ),
    "changes a prompt that was right": (
        "failed/output-not-found",
        act("failed/output-not-found")
        .post(0)
        .poll(2)
        .post(3, {"prompt": "another"})
        .poll(5)
        .fetch(6)
        .ends(0, wrote=FILE),
        f'the second POST had another body: prompt was "{PROMPT}", then "another"',
    ),
    "pays again for a fresh URL": (
        "urls/expired",
        act("urls/expired").poll(0).fetch(0.1).post(0.2).poll(2).fetch(3).ends(0, wrote=FILE),
        "it made 1 POST, not 0 or fewer",
    ),
    "keeps an expired URL": (
        "urls/expired",
        act("urls/expired").poll(0).fetch(0.1).fetch(1).fetch(2).ends(1, ""),
        "it ended with status 1",
    ),
    "writes half a file": (
        "broken-download/cut",
        act("broken-download/cut").poll(0).fetch(0.1).ends(0, wrote=FILE[:1000]),
        f"it ended with status 0, but it wrote 1,000 of {len(FILE):,} bytes",
    ),
    "writes the error of the storage host": (
        "urls/always-expired",
        act("urls/always-expired").poll(0).fetch(0.1).ends(0, wrote=b"<Error>expired</Error>"),
        "it ended with status 0, but it wrote the body of the answer 403",
    ),
    "writes text": (
        "urls/long-completed",
        act("urls/long-completed").poll(0).fetch(0.1).ends(0, wrote=FILE.decode("utf-8", "replace").encode()),
        "that are not the output",
    ),
    "writes nothing": (
        "urls/long-completed",
        act("urls/long-completed").poll(0).fetch(0.1).ends(0, wrote=b""),
        "it ended with status 0, but it wrote an empty file",
    ),
    "pays again when a poll fails": (
        "broken-poll/dropped",
        act("broken-poll/dropped").post(0).poll(2).post(3).poll(5).fetch(6).ends(0, wrote=FILE),
        "it made 2 generations, each of which may be charged for",
    ),
    "sends the key to the storage host": (
        "accepted/generated",
        act("accepted/generated").post(0).poll(2).poll(4).poll(6).fetch(6.1, headers=(BEARER,)).ends(0, wrote=FILE),
        "a download carried the key to the storage host, in the header Authorization",
    ),
    "sends the key to the storage host in a header of its own": (
        "urls/long-completed",
        act("urls/long-completed").poll(0).fetch(0.1, headers=(("X-Api-Key", KEY),)).ends(0, wrote=FILE),
        "a download carried the key to the storage host, in the header X-Api-Key",
    ),
    "polls with the key in the URL": (
        "urls/long-completed",
        act("urls/long-completed")
        .ask(Route.POLL, 0, Request(method="GET", url=f"/v1/generations/{LONG_AGO}?api_key={KEY.replace('-', '%2D')}"))
        .fetch(0.1)
        .ends(0, wrote=FILE),
        "the key was in the URL of a poll",
    ),
    "sends the bare key": (
        "accepted/created",
        act("accepted/created").post(0, headers=(("Authorization", KEY),)).ends(0),
        "a POST had another Authorization header",
    ),
}
"""What wrong clients do, and the words by which they are told."""


@pytest.mark.parametrize(("scenario", "conduct", "words"), WRONG.values(), ids=WRONG)
def test_a_wrong_client_is_told_what_it_did(scenario: str, conduct: Conduct, words: str) -> None:
    """A must is broken, and one line says how."""
    musts = [one for one in broken(scenario, conduct) if one.startswith("must: ")]

    assert found(scenario, conduct).outcome is Outcome.FAIL
    assert any(words in one for one in musts), musts


ADVISED = {
    "comes back too early after 502": (
        "502/once",
        act("502/once").post(0).post(1).ends(0),
        "the second POST came 0.99 s after the answer, not 5 s or more",
    ),
    "polls twice a second": (
        "polling/queued-then-processing",
        act("polling/queued-then-processing").post(0).poll(0.7).poll(1.4).poll(2.1).fetch(2.2).ends(0, wrote=FILE),
        "3 polls came 0.7 s apart on average, not 1 s or more",
    ),
    "asks for what was not found once more": (
        "polling/not-found",
        act("polling/not-found").post(0).poll(2).poll(4).ends(1),
        "it sent the same poll again 2 s after 404 Generation not found",
    ),
    "resubmits at once what was rate limited": (
        "failed/rate-limited",
        act("failed/rate-limited").post(0).poll(2).post(2.1).poll(4).fetch(5).ends(0, wrote=FILE),
        "the second POST came 0.09 s after the answer, not 0.5 s or more",
    ),
    "tries an expired URL again before it polls": (
        "urls/expired",
        act("urls/expired").poll(0).fetch(0.1).fetch(0.2).poll(0.3).fetch(0.4).ends(0, wrote=FILE),
        "it sent the same download again 0.09 s after 403 expired",
    ),
}
"""What clients had better not do."""


@pytest.mark.parametrize(("scenario", "conduct", "words"), ADVISED.values(), ids=ADVISED)
def test_what_a_client_had_better_do_is_a_warning(scenario: str, conduct: Conduct, words: str) -> None:
    """Only a should is broken, which fails nobody."""
    assert broken(scenario, conduct) == [f"{Severity.SHOULD}: {words}"]
    assert found(scenario, conduct).outcome is Outcome.WARNING


UNJUDGED = {
    "sends nothing": (
        "accepted/created",
        act("accepted/created").ends(127, "sh: curl: not found"),
        "it sent nothing to the address in LUMA_BASE_URL; it ended with status 127; "
        'its last words were "sh: curl: not found"',
    ),
    "submits another prompt": (
        "accepted/created",
        act("accepted/created").post(0, {"prompt": "hello"}).ends(0),
        "it never submitted the prompt of LUMA_PROMPT",
    ),
    "has no download": (
        "urls/expired",
        act("urls/expired").post(0).ends(0),
        "it never asked for the generation of LUMA_GENERATION_ID",
    ),
    "ends before the fault": (
        "failed/budget-exhausted",
        act("failed/budget-exhausted").post(0).ends(0, "queued"),
        "it never came to what this is about (200 failed budget_exhausted); "
        'it sent POST /v1/generations 201 queued; it ended with status 0; its last words were "queued"',
    ),
    "never downloads from the expired URL": (
        "urls/expired",
        act("urls/expired").poll(0).ends(1, "not implemented"),
        "it never came to what this is about (200 completed, with an expired URL)",
    ),
    "was stopped while it waited": (
        "429/retry-after-60",
        act("429/retry-after-60").post(0).ends(None, "", after=40),
        "it was stopped after 40 s, when it may still have been waiting; it sent POST /v1/generations 429 Rate limit "
        "exceeded, Retry-After: 60; it did not end; it printed nothing",
    ),
    "was stopped between two polls": (
        "polling/long-processing",
        act("polling/long-processing").post(0).poll(5).poll(10).ends(None, "", after=4),
        "when it may still have been waiting",
    ),
}
"""What says nothing about a client, and the reason."""


@pytest.mark.parametrize(("scenario", "conduct", "words"), UNJUDGED.values(), ids=UNJUDGED)
def test_a_client_that_shows_nothing_is_not_judged(scenario: str, conduct: Conduct, words: str) -> None:
    """A fault that was not met is consumed by nobody; the reason says what the client did instead."""
    verdict = found(scenario, conduct)

    assert verdict.outcome is Outcome.NOT_JUDGED
    assert words in (verdict.reason or "")
    assert verdict.broken == ()


def test_a_key_that_strays_is_found_even_where_nothing_else_can_be_judged() -> None:
    """A client that does not get to the fault is still told where it sent its key."""
    conduct = act("failed/budget-exhausted").post(0, headers=(("Authorization", f"bearer {KEY}"),)).ends(1)

    assert found("failed/budget-exhausted", conduct).outcome is Outcome.FAIL
    assert broken("failed/budget-exhausted", conduct) == ["must: a POST had another Authorization header"]


def test_no_finding_repeats_the_key() -> None:
    """What is told about a client may be shown to anyone."""
    for scenario, conduct, _ in WRONG.values():
        assert KEY not in "".join(broken(scenario, conduct))


NOTED = {
    "submits again after a connection that broke": (
        "broken-create/dropped",
        act("broken-create/dropped").post(0).post(1).ends(0),
        "POST number 2 may have created, and charged for, a second generation: number 1 may have been accepted "
        "(a connection closed without an answer)",
    ),
    "submits again after a gateway's timeout": (
        "broken-create/gateway-timeout",
        act("broken-create/gateway-timeout").post(0).post(1).ends(0),
        "may have created, and charged for, a second generation",
    ),
    "submits again because the answer took too long": (
        "broken-create/very-slow",
        act("broken-create/very-slow").post(0, takes=10, abandoned=True).post(10.5, takes=40).ends(0),
        "may have created, and charged for, a second generation",
    ),
    "pays for each attempt": (
        "failed/generation-failed",
        act("failed/generation-failed").post(0).poll(2).post(3).poll(5).fetch(6).ends(0, wrote=FILE),
        "it made 2 generations, each of which may be charged for",
    ),
    "gives up": (
        "429/retry-after-1",
        act("429/retry-after-1").post(0).ends(1),
        "it gave up at 429 Rate limit exceeded, Retry-After: 1, the answer to POST; it may try again",
    ),
    "does what the page leaves open": (
        "unspecified/retry-after-0",
        act("unspecified/retry-after-0").post(0).post(0.51).ends(0),
        "The page says that Retry-After is at least 1. The client sent a POST 0.5 s after 429 Rate limit exceeded, "
        "Retry-After: 0; and it ended with status 0.",
    ),
    "polls seldom": (
        "polling/queued-then-processing",
        act("polling/queued-then-processing").post(0).poll(10).poll(20).poll(30).fetch(31).ends(0, wrote=FILE),
        "it polled every 10 s; the documentation says every 2 to 5 seconds",
    ),
    "leaves half a file behind": (
        "broken-download/cut",
        act("broken-download/cut").poll(0).fetch(0.1).ends(1, wrote=FILE[:1000]),
        "it left a file behind that is not the output",
    ),
    "prints the key": (
        "accepted/created",
        act("accepted/created").post(0).ends(0, f"{ID} Bearer {KEY}"),
        "it printed the key",
    ),
    "sends no X-Request-Id": (
        "accepted/created",
        act("accepted/created").post(0).ends(0),
        "it sends no X-Request-Id",
    ),
}
"""What is worth telling, and held against nobody."""


@pytest.mark.parametrize(("scenario", "conduct", "words"), NOTED.values(), ids=NOTED)
def test_what_may_cost_money_or_is_left_open_is_noted(scenario: str, conduct: Conduct, words: str) -> None:
    """A note accuses nobody."""
    verdict = found(scenario, conduct)

    assert verdict.outcome is PASSES
    assert any(words in note for note in verdict.notes), verdict.notes


@pytest.mark.parametrize(("scenario", "conduct"), RIGHT.values(), ids=RIGHT)
def test_nothing_is_said_of_money_where_none_is_at_stake(scenario: str, conduct: Conduct) -> None:
    """Answers that the page calls refused leave no doubt about what was created."""
    assert [note for note in found(scenario, conduct).notes if "second generation" in note] == []


def test_a_client_cannot_heed_what_it_did_not_wait_for() -> None:
    """Who gives up waiting for a slow refusal has not read its Retry-After, and may have paid for what it sent."""
    conduct = act("429/slow").post(0, takes=1, abandoned=True).post(1.5).ends(0)

    assert broken("429/slow", conduct) == []
    assert "second generation" in " ".join(found("429/slow", conduct).notes)


def test_a_client_that_stops_for_no_reason_is_not_asked_for_an_error_it_got_over() -> None:
    """What a client has to print is the error that it ended with; after a good answer there is none."""
    conduct = act("429/generate").post(0).post(1.1).poll(3.2).ends(1, "")

    assert broken("429/generate", conduct) == [
        "must: it ended with status 1 although nothing was wrong with the last answer, poll 200 processing"
    ]


def test_the_same_conduct_is_judged_the_same() -> None:
    """A verdict depends on nothing but the scenario and the conduct."""
    for scenario, conduct, _ in WRONG.values():
        assert found(scenario, conduct) == found(scenario, conduct)

"""Generations of the kit's own making: made once, where that is free; a failure is a reason, and never a finding."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from luma_conformance.catalogue.files import own
from luma_conformance.judge.answers import EveryResponse
from luma_conformance.judge.play import Target
from luma_conformance.model import Case, Outcome, Result, header
from luma_conformance.redaction.redactor import Redactor
from luma_conformance.report.result import describe_made
from luma_conformance.session.prepare import Prepared
from luma_conformance.session.record import record, replay
from luma_conformance.session.session import Session
from luma_conformance.target.channel import LiveChannel, Passing
from luma_conformance.target.profile import Key, Profile
from luma_conformance.target.spending import Spending
from tests import kit
from tests.kit import Run, case_of
from tests.plain_mock import KEY, Answer, PlainMock, listening
from tests.verdicts import SHOW

PROFILE = Profile(name="no profile", keys={"main-key": Key(token=KEY, source="$KEY")})
HEAD = """section: The section
operation: POST /v1/generations
accepted: {prompt: A sunset}
cases:
"""
CASES = """# yaml-language-server: $schema=case-file.schema.json
section: A poll
operation: GET /v1/generations/{generation_id}
cases:
  - id: image
    title: an image of the kit's own is there
    needs: [completed-image]
    request: {path: "/v1/generations/{completed-image}"}
    status: 200
    body: {type: image, state: completed}
  - id: video
    title: a video of the kit's own is there
    needs: [completed-video]
    request: {path: "/v1/generations/{completed-video}"}
    status: 200
    body: {type: video, state: completed}
  - id: both
    title: both of them are there
    needs: [completed-image, completed-video]
    request: {path: "/v1/generations/{completed-video}"}
    status: 200
"""


def open_on(mock: PlainMock, *, profile: Profile = PROFILE, spend: int | None = None) -> Session:
    """Return a session on a mock with a clock of its own; `spend` is what may be spent, None if it is free."""
    spending = Spending(mock, limit=spend)
    channel = LiveChannel(
        transport=spending, patient=spending, passing=Passing(transport=spending, clock=_Ticking(mock))
    )
    prepared = Prepared(spending=spending, profile=profile, now=mock.time, announce=lambda _: None, scrub=SHOW)
    return Session(
        shown="the mock",
        base_url="http://mock",
        target=Target(channel=channel, profile=profile, run="test", preparation=prepared),
        spending=spending,
        scrub=SHOW,
        prepared=prepared,
        every=EveryResponse(()),
    )


class _Ticking:
    """The mock's clock, as the kit sees it."""

    def __init__(self, mock: PlainMock) -> None:
        self._mock = mock

    def now(self) -> float:
        return self._mock.time()

    def sleep(self, seconds: float) -> None:
        self._mock.sleep(seconds)


def poll(role: str) -> Case:
    """Return a case that polls the generation of a role."""
    body = f"{{type: {role.removeprefix('completed-')}, state: completed}}"
    return kit.case(
        f'needs: [{role}], request: {{path: "/v1/generations/{{{role}}}"}}, status: 200, body: {body}',
        head=HEAD,
    )


def outcome(result: Result) -> tuple[Outcome, str | None]:
    """Return the outcome of a case and the reason it was not judged."""
    return result.verdict.outcome, result.verdict.reason


@pytest.mark.parametrize("role", ["completed-image", "completed-video"])
def test_what_the_profile_does_not_name_is_made_once(role: str) -> None:
    """However many cases need it, one generation of the right type is created, and polled until it has ended."""
    mock = PlainMock(now=1e9, seconds=7)
    session = open_on(mock)

    assert [session.run(poll(role)).verdict.outcome for _ in range(3)] == [Outcome.PASS] * 3
    assert [job["type"] for job in mock.created] == [role.removeprefix("completed-")]
    assert session.made == {role: 1}


def test_nothing_is_made_of_what_the_profile_names() -> None:
    """An id in the profile saves the generation, and is the one that is sent."""
    mock = PlainMock(now=1e9, seconds=0)
    open_on(mock).run(poll("completed-image"))
    profile = Profile(name="p", keys=PROFILE.keys, values={"completed-image": mock.created[0]["id"]})

    assert open_on(mock, profile=profile).run(poll("completed-image")).verdict.outcome is Outcome.PASS
    assert len(mock.created) == 1


def test_a_case_that_needs_none_makes_none() -> None:
    """A generation is made when the first case needs it, not before."""
    mock = PlainMock(now=1e9)

    assert open_on(mock).run(kit.case("set: {prompt: ''}, status: 400", head=HEAD)).verdict.outcome is Outcome.PASS
    assert mock.created == []


@pytest.mark.parametrize(
    ("mock", "reason"),
    [
        (PlainMock(now=1e9, refused=(403, "no video for you")), "the target answered 403 no video for you"),
        (PlainMock(now=1e9, refused=(402, "x" * 500)), f"the target answered 402 {'x' * 200}… 300 more characters"),
        (PlainMock(now=1e9, ending="failed"), "the generation failed with generation_failed: Generation failed"),
        (PlainMock(now=1e9, ending=None), "after 300 s its state was 'processing'"),
        (PlainMock(now=1e9, ending="done"), "after 300 s its state was 'done'"),
        (PlainMock(now=1e9, seconds=60, kept=30), "polling it was answered 404 Generation not found"),
    ],
)
def test_a_failure_to_make_one_is_the_reason_of_each_case_and_is_not_repeated(mock: PlainMock, reason: str) -> None:
    """The cases are not judged, never wrong; what the target answered is in the reason, and it is tried once."""
    session = open_on(mock)
    words = f"the profile names no completed-video, and making one failed: {reason}"

    assert outcome(session.run(poll("completed-video"))) == (Outcome.NOT_JUDGED, words)
    created = len(mock.created)
    assert outcome(session.run(poll("completed-video"))) == (Outcome.NOT_JUDGED, words)
    assert len(mock.created) == created <= 1


def test_a_target_on_which_one_job_does_not_end_is_not_waited_for_again() -> None:
    """The patience of a run is for the target, not for each kind of generation."""
    mock = PlainMock(now=1e9, ending=None)
    session = open_on(mock)
    session.run(poll("completed-image"))
    now = mock.now

    assert outcome(session.run(poll("completed-video"))) == (
        Outcome.NOT_JUDGED,
        "the profile names no completed-video, and making one failed: a generation for completed-image did not end "
        "within 300 s either",
    )
    assert (mock.now, len(mock.created)) == (now, 1)


def test_what_may_be_offered_is_told_without_trying() -> None:
    """A role the kit may fill counts until that has failed; where nothing may be spent it does not."""
    mock = PlainMock(now=1e9, ending="failed")
    session = open_on(mock)

    assert session.target.might_offer("completed-image")
    assert session.target.might_offer("main-key")
    assert not session.target.might_offer("image-url")
    assert not open_on(mock, spend=0).target.might_offer("completed-image")
    assert mock.created == []
    session.run(poll("completed-image"))
    assert not session.target.might_offer("completed-image")


def test_what_is_made_counts_as_spent_and_stays_within_what_is_allowed() -> None:
    """Without an allowance nothing is made; with one for a single generation, only the first."""
    mock = PlainMock(now=1e9)
    none, one = open_on(mock, spend=0), open_on(mock, spend=1)

    assert outcome(none.run(poll("completed-image"))) == (Outcome.NOT_JUDGED, "the profile names no completed-image")
    assert mock.created == []
    assert one.run(poll("completed-image")).verdict.outcome is Outcome.PASS
    assert outcome(one.run(poll("completed-video"))) == (
        Outcome.NOT_JUDGED,
        "the profile names no completed-video, and --luma-spend does not allow what it takes",
    )
    assert one.spent == len(mock.created) == 1


def test_a_generation_the_target_has_dropped_meanwhile_is_made_again() -> None:
    """The page does not say how long one is kept: after an hour the kit looks, before a case could be accused."""
    mock = PlainMock(now=1e9, kept=5000)
    session = open_on(mock)
    session.run(poll("completed-image"))

    for hours in (1, 1, 24):
        mock.sleep(hours * 3600)
        assert session.run(poll("completed-image")).verdict.outcome is Outcome.PASS
    assert session.made == {"completed-image": 3}


RPM = ("window-full", "polling-not-limited")
JOBS = ("too-many", "refused-again", "polling-not-limited")


def run_limits(session: Session, section: str, slugs: Sequence[str]) -> list[tuple[Outcome, str | None]]:
    """Return what comes of some cases of the catalogue about a limit."""
    return [outcome(session.run(case_of(own(), f"create/{section}/{slug}"))) for slug in slugs]


@pytest.mark.parametrize(
    "mock",
    [
        PlainMock(now=1e9, rpm=30, slots=5),
        PlainMock(now=1e9, rpm=60, slots=20, seconds=10),
        PlainMock(now=1e9, rpm=3, slots=1, seconds=4),
    ],
)
def test_a_key_with_small_limits_serves_as_one_that_was_made_for_them(mock: PlainMock) -> None:
    """Both limits are judged with one key, whichever is met first: its jobs end, and its window opens again."""
    session = open_on(mock)

    assert run_limits(session, "429-concurrency", JOBS) == [(Outcome.PASS, None)] * 3
    assert run_limits(session, "429-rpm", RPM) == [(Outcome.PASS, None)] * 2


@pytest.mark.parametrize(
    ("mock", "section", "slugs", "reason"),
    [
        (
            PlainMock(now=1e9, rpm=61),
            "429-rpm",
            RPM,
            "the profile names no low-rpm-key, and main-key announces 61 requests a minute, where at most 60 can be "
            "used up",
        ),
        (
            PlainMock(now=1e9, rpm=40, delay=1.6),
            "429-rpm",
            RPM,
            "main-key cannot serve as low-rpm-key: its window could not be filled within a minute",
        ),
        (
            PlainMock(now=1e9, rpm=30, slots=2, seconds=200),
            "429-rpm",
            RPM,
            "main-key cannot serve as low-rpm-key: its other limit came first: Too many concurrent jobs",
        ),
        (
            PlainMock(now=1e9, slots=22),
            "429-concurrency",
            JOBS,
            "main-key cannot serve as low-concurrency-key: its jobs end too soon, or it has room for too many, to fill "
            "its slots",
        ),
        (
            PlainMock(now=1e9, slots=5, ending=None),
            "429-concurrency",
            JOBS,
            "the profile names no low-concurrency-key",
        ),
    ],
)
def test_a_key_whose_answers_prove_nothing_accuses_nobody(
    mock: PlainMock, section: str, slugs: Sequence[str], reason: str
) -> None:
    """Where the limit is too large, or cannot be reached, the cases are not judged, and it is tried once."""
    session = open_on(mock)

    assert run_limits(session, section, slugs[:1]) == [(Outcome.NOT_JUDGED, reason)]
    created = len(mock.created)
    assert run_limits(session, section, slugs[1:]) == [(Outcome.NOT_JUDGED, reason)] * (len(slugs) - 1)
    assert len(mock.created) == created


class Lax(PlainMock):
    """Announces its limit, and never refuses."""

    def _limit(self) -> None:
        return None


class Chatty(PlainMock):
    """Sends the headers of the rate limit with a refusal that is about jobs."""

    def _limit(self) -> Answer | None:
        if (refused := super()._limit()) is not None:
            refused[2].update(self._quota())
        return refused


@pytest.mark.parametrize(
    ("mock", "section", "slug"),
    [
        (Lax(now=1e9, rpm=30), "429-rpm", "window-full"),
        (Chatty(now=1e9, slots=3), "429-concurrency", "too-many"),
    ],
)
def test_a_key_that_serves_convicts_where_its_answers_prove_it(mock: PlainMock, section: str, slug: str) -> None:
    """Sixty-one requests in less than a minute, all admitted, are too many for any limit that may serve."""
    assert run_limits(open_on(mock), section, [slug])[0][0] is Outcome.FAIL


def test_a_key_of_another_client_serves_before_the_main_key() -> None:
    """The rest of the run has the window and the slots of the main key to itself."""
    mock = PlainMock(now=1e9, rpm=30, slots=5)
    other = Key(token=f"{KEY}-of-another", source="$OTHER")
    session = open_on(mock, profile=Profile(name="p", keys={**PROFILE.keys, "other-key": other}))
    heard: list[str] = []
    mock.listen = lambda request: heard.append(header(request.headers, "Authorization") or "")

    assert run_limits(session, "429-rpm", RPM) == [(Outcome.PASS, None)] * 2
    assert set(heard) == {f"Bearer {other.token}"}


def test_a_case_in_which_another_key_served_replays(tmp_path: Path) -> None:
    """The recording says which key served, and what proved nothing proves nothing again."""
    file = tmp_path / "run.har"
    mock = PlainMock(now=1e9, rpm=30, slots=5)
    live = record(open_on(mock), file, Redactor())
    lived = [*run_limits(live, "429-concurrency", JOBS), *run_limits(live, "429-rpm", RPM)]
    mock.slots = 50  # from here on, its slots cannot be filled
    mock.sleep(100)
    lived += run_limits(live, "429-concurrency", JOBS[:1])
    live.close()

    again = replay(file, Redactor())
    assert [one for one, _ in lived] == [*[Outcome.PASS] * 5, Outcome.NOT_JUDGED]
    replayed = [*run_limits(again, "429-concurrency", JOBS), *run_limits(again, "429-rpm", RPM)]
    assert replayed == [lived[-1], *lived[1:-1]]


def test_nothing_serves_where_it_would_cost_money() -> None:
    """Off this machine a limit is used up only within what may be spent."""
    mock = PlainMock(now=1e9, rpm=30)

    assert (
        run_limits(open_on(mock, spend=0), "429-rpm", RPM)
        == [(Outcome.NOT_JUDGED, "the profile names no low-rpm-key")] * 2
    )
    assert run_limits(open_on(mock, spend=30), "429-rpm", RPM)[0][0] is Outcome.NOT_JUDGED
    assert len(mock.created) <= 1


@pytest.mark.parametrize(
    ("role", "case"),
    [
        ("output-files", "urls/fresh-url/downloads"),
        ("image-decoding", "create/413-too-large/first-reference-pixels"),
        ("url-ingestion", "create/422-url-http-error/source"),
    ],
)
def test_what_a_mock_lacks_on_purpose_is_not_judged_and_else_a_finding(role: str, case: str) -> None:
    """The mock has no files, reads no images and fetches nothing; only a profile that says so spares it."""
    values = {"missing-url": "https://example.com/none.png"}
    honest, silent = (
        Profile(name="p", keys=PROFILE.keys, values=values, lacks=lacks) for lacks in (frozenset({role}), frozenset())
    )
    lacking, judged = (
        outcome(open_on(PlainMock(now=1e9), profile=one).run(case_of(own(), case))) for one in (honest, silent)
    )

    assert lacking == (Outcome.NOT_JUDGED, f"the profile says {role} = false")
    assert judged == (Outcome.FAIL, None)


def test_what_was_made_is_told_in_words() -> None:
    """Each kind is named with its number; a kind of which there is none is not."""
    assert describe_made({"completed-video": 1, "completed-image": 1}) == "a completed image and a completed video"
    assert describe_made({"completed-image": 0, "completed-video": 4}) == "4 completed videos"


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    """Return a case file that needs a completed image, a completed video, and both."""
    file = tmp_path / "own.yaml"
    file.write_text(CASES)
    return file


@pytest.mark.parametrize(("refused", "passed"), [(None, 3), ((403, "API client is suspended"), 1)])
def test_a_recording_replays_with_what_was_made(
    refused: tuple[int, str] | None, passed: int, run: Run, cases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same verdicts and reasons come of it, although the server is gone; the live run says what it made."""
    monkeypatch.setenv("LUMA_AGENTS_API_KEY", KEY)
    file = tmp_path / "run.har"
    with listening(PlainMock(seconds=0, refused=refused)) as url:
        live = run(str(cases), "--base-url", url, "--luma-record", str(file))
    again = run(str(cases), "--base-url", f"cassette:{file}")

    live.assert_outcomes(passed=passed, skipped=3 - passed)
    again.assert_outcomes(passed=passed, skipped=3 - passed)
    made = "a completed image, for the cases that need one: 1 generation"
    if refused is None:
        made = "a completed image and a completed video, for the cases that need one: 2 generations"
    live.stdout.fnmatch_lines([f"made        {made}"])
    reasons = [[line for line in ran.outlines if "making one failed" in line] for ran in (live, again)]
    assert reasons[0] == reasons[1]
    assert bool(reasons[0]) == (refused is not None)


def test_a_recording_that_was_continued_replays_each_case_with_the_ids_of_its_run(
    run: Run, cases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each run makes its own; a case that was recorded by the first is not taken for one of the second."""
    monkeypatch.setenv("LUMA_AGENTS_API_KEY", KEY)
    file = tmp_path / "run.har"
    with listening(PlainMock(seconds=0)) as url:
        for chosen in ("image or both", "video"):
            run(str(cases), "--base-url", url, "--luma-record", str(file), "-k", chosen)

    run(str(cases), "--base-url", f"cassette:{file}").assert_outcomes(passed=3)

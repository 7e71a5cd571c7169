"""Right clients of many makes are accused of nothing, and each wrong one is caught in the scenario meant for it."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import shutil
import sys
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from luma_conformance.clients import files
from luma_conformance.clients.command import run_command
from luma_conformance.clients.in_process import play_in_process
from luma_conformance.clients.run import play_all
from luma_conformance.clients.scenario import Scenario
from luma_conformance.clients.verdict import Found, judge
from luma_conformance.model import Outcome, Severity
from tests.clients.programs import faulty, page_sample

# A program leaves it to its end to close what it has open; here it has none.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

PROGRAMS = Path(__file__).with_name("programs")
EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "clients"
SCENARIOS: Mapping[str, Scenario] = {one.id: one for one in files.own()}

RIGHT = (
    "aiohttp_client", "gives_up", "http_client_eager", "httpx_async", "httpx_patient", "requests_retry_adapter",
    "urllib_jittered",
)  # fmt: skip
"""Right clients in Python, of other libraries and other temper."""

SHELLS = {".py": sys.executable, ".sh": "bash", ".mjs": "node"}
RIGHT_COMMANDS = (PROGRAMS / "curl_retry.sh", EXAMPLES / "curl.sh", EXAMPLES / "fetch.mjs")
"""Right clients that are no Python."""
A_BIT_OF_EVERYTHING = (
    "429/longer-each-time", "429/then-refused", "502/once", "accepted/created", "accepted/generated",
    "broken-download/cut", "failed/content-moderated", "failed/generation-failed", "polling/two-outputs",
    "polling/key-revoked", "refused/400-long-detail", "refused/401-invalid", "refused/422-combination",
    "urls/expired", "urls/expired-after-generation", "urls/not-found",
)  # fmt: skip
"""Scenarios of every kind, for clients that need a process for each."""

CAUGHT = {
    "repeats-400": ("refused/400-prompt", "it sent the same POST again * s after 400 Prompt must be"),
    "repeats-401": ("refused/401-revoked", "it sent the same POST again * s after 401 API key has been revoked"),
    "repeats-402": ("refused/402-no-funds", "it sent the same POST again * s after 402 Insufficient balance"),
    "repeats-403": ("refused/403-suspended", "it sent the same POST again * s after 403 API client is suspended"),
    "repeats-404": ("polling/not-found", "it sent the same poll again * s after 404 Generation not found"),
    "repeats-413": ("refused/413-bytes", "it sent the same POST again * s after 413 source: image exceeds"),
    "repeats-422": ("refused/422-base64", "it sent the same POST again * s after 422 * invalid base64 data"),
    "repeats-whatever-is-an-error": ("refused/401-missing", "it sent the same POST again * s after 401"),
    "hammers-429": ("429/retry-after-5", "after the answer; Retry-After was 5"),
    "ignores-retry-after": ("429/retry-after-2", "the second POST came * s after the answer; Retry-After was 2"),
    "waits-milliseconds": ("429/retry-after-5", "after the answer; Retry-After was 5"),
    "waits-half": ("429/retry-after-5", "the second POST came 2.* s after the answer; Retry-After was 5"),
    "waits-a-second-less": ("429/retry-after-2", "the second POST came * s after the answer; Retry-After was 2"),
    "caps-the-wait-at-a-second": ("429/concurrent-60", "the second POST came * s after the answer; Retry-After was 60"),
    "heeds-the-first-header-only": ("429/longer-each-time", "third POST came * s after the answer; Retry-After was 4"),
    "counts-from-the-request": ("429/slow", "the second POST came * s after the answer; Retry-After was 2"),
    "wants-x-ratelimit-headers": ("429/concurrent-2", "the second POST came * s after the answer; Retry-After was 2"),
    "no-pause-after-502": ("502/thrice", "4 POSTs came * s apart on average"),
    "retries-for-ever": ("429/without-end", "it was still running after"),
    "changes-the-body": ("429/retry-after-1", "the second POST had another body: attempt was 0, then 1"),
    "changes-the-prompt": ("429/thrice", "the second POST had another body: prompt was"),
    "submits-twice": ("accepted/created", "it made 2 generations, each of which may be charged for"),
    "submits-anew-for-a-fresh-url": ("urls/expired-after-generation", "it made 2 generations"),
    "resubmits-content-moderated": ("failed/content-moderated", "again * s after 200 failed content_moderated"),
    "resubmits-budget-exhausted": ("failed/budget-exhausted", "again * s after 200 failed budget_exhausted"),
    "resubmits-image-too-large": ("failed/image-too-large", "again * s after 200 failed image_too_large"),
    "resubmits-unsupported-format": ("failed/unsupported-format", "again * s after 200 failed unsupported_format"),
    "resubmits-corrupt-input": ("failed/corrupt-input", "again * s after 200 failed corrupt_input"),
    "resubmits-invalid-request": ("failed/invalid-request", "again * s after 200 failed invalid_request"),
    "resubmits-for-ever": ("failed/without-end", "it was still running after"),
    "resubmits-rate-limited-at-once": ("failed/rate-limited", "after the answer, not 0.5 s or more"),
    "polls-without-a-pause": ("polling/queued-then-processing", "3 polls came * s apart on average, not 0.5 s or more"),
    "polls-five-times-a-second": ("polling/long-queued", "7 polls came * s apart"),
    "polls-ever-faster": ("polling/queued-then-processing", "3 polls came * s apart on average, not 1 s or more"),
    "stops-at-queued": ("polling/completed-at-once", "nothing was wrong with the last answer, POST 201 queued"),
    "takes-processing-for-done": ("polling/queued-then-processing", "the last answer, poll 200 processing"),
    "polls-once": ("polling/long-queued", "nothing was wrong with the last answer, poll 200 queued"),
    "takes-failed-for-completed": ("failed/content-moderated", "did not print"),
    "never-sees-failed": ("failed/content-moderated", "it was still running after"),
    "swallows-the-detail": ("refused/400-model", 'did not print "Unknown model: super-model-v9"'),
    "shows-the-status-only": ("refused/402-no-funds", 'did not print "Insufficient balance. Please add funds'),
    "says-nothing": ("failed/budget-exhausted", 'did not print "budget_exhausted"'),
    "exits-with-0": ("refused/402-no-funds", "it ended with status 0, as if all had gone well"),
    "prints-no-id": ("accepted/created", "it did not print the id of the generation"),
    "prints-the-state": ("accepted/created", "it did not print the id of the generation"),
    "caches-an-expired-url": ("urls/expired", "it ended with status 1"),
    "writes-the-error-as-the-image": ("urls/expired", "it wrote the body of the answer 403"),
    "writes-half-a-download": ("broken-download/cut", "it wrote 24,681 of 49,363 bytes"),
    "writes-text": ("accepted/generated", "bytes that are not the output"),
    "writes-nothing": ("accepted/generated", "it wrote an empty file"),
    "takes-the-last-output": ("polling/two-outputs", "it wrote an output that is not the first"),
    "drops-the-query": ("accepted/generated", "it ended with status 1"),
    "key-to-storage": ("accepted/generated", "carried the key to the storage host, in the header Authorization"),
    "key-to-storage-in-another-header": ("accepted/generated", "to the storage host, in the header X-Api-Key"),
    "key-in-every-query": ("accepted/created", "the key was in the URL of a POST"),
    "key-in-the-url-of-polls": ("accepted/generated", "the key was in the URL of a poll"),
    "key-in-the-storage-url": ("accepted/generated", "the key was in the URL of a"),
    "no-bearer": ("accepted/created", "had another Authorization header"),
    "key-in-x-api-key": ("accepted/created", "had no Authorization header"),
}
"""For each mistake of `faulty` the scenario meant for it, and what is found there, with * for what varies."""

NOTED = {
    "repeats-a-lost-post": ("broken-create/dropped", "may have created, and charged for, a second generation"),
}
"""Habits that the page leaves open, but that may cost money."""

ADVICE = {"repeats-404", "resubmits-rate-limited-at-once", "polls-ever-faster"}
"""Mistakes that break no must, only a should."""

CAUGHT_COMMANDS = {
    "wrong_impatient.py": ("429/retry-after-2", "s after the answer; Retry-After was 2"),
    "wrong_milliseconds.mjs": ("429/retry-after-2", "s after the answer; Retry-After was 2"),
    "wrong_one_session.py": ("accepted/generated", "carried the key to the storage host, in the header Authorization"),
    "wrong_retry_everything.py": ("refused/402-no-funds", "it sent the same POST again * s after 402"),
    "wrong_unchecked.sh": ("urls/expired", "it wrote the body of the answer 403"),
}
"""The same for wrong clients that are whole programs of their own."""


def play(main: Callable[[Mapping[str, str]], object], scenario: Scenario) -> Found:
    """Return the verdict on a program's main function, which returns its exit status or what it dies of."""
    return judge(scenario, play_in_process(lambda environ: sys.exit(main(environ)), scenario))  # type: ignore[arg-type]


def run(program: Path, *names: str) -> dict[str, Found]:
    """Return the verdict on a program that is run, in each of these scenarios."""
    shell = SHELLS[program.suffix]
    if shutil.which(shell) is None or (program.suffix == ".sh" and shutil.which("jq") is None):
        pytest.skip(f"{program.name} needs what this machine has not")
    played = play_all(
        [SCENARIOS[name] for name in names],
        lambda scenario, stop: run_command([shell, str(program)], scenario, stop=stop),
        jobs=4,
    )
    return {scenario.id: judge(scenario, conduct) for scenario, conduct in played}


def tell(founds: Mapping[str, Found]) -> dict[str, object]:
    """Return what is against a client, by the scenarios that it does not pass."""
    return {id_: list_broken(found) or found.reason for id_, found in founds.items() if found.outcome != "pass"}


def load(file: Path) -> Callable[[Mapping[str, str]], object]:
    """Return the main function of an example."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    main: Callable[[Mapping[str, str]], object] = module.main
    return main


def list_broken(found: Found) -> list[str]:
    """Return what was found against a client."""
    return [f"{one.expectation.severity}: {one.saw}" for one in found.broken]


def test_each_mistake_has_its_scenario() -> None:
    """The table has every mistake there is, and every scenario that it names exists."""
    assert {**CAUGHT, **NOTED}.keys() == faulty.MISTAKES.keys()
    named = {scenario for table in (CAUGHT, NOTED, CAUGHT_COMMANDS) for scenario, _ in table.values()}
    assert named - SCENARIOS.keys() == set()


@pytest.mark.parametrize("mistake", CAUGHT)
def test_a_mistake_is_caught_in_the_scenario_meant_for_it(mistake: str) -> None:
    """A client with one mistake breaks an expectation there, in these words; a should only where the page advises."""
    scenario, words = CAUGHT[mistake]
    found = play(functools.partial(faulty.do, faulty.MISTAKES[mistake]), SCENARIOS[scenario])

    against = [one for one in found.broken if fnmatchcase(one.saw, f"*{words}*")]
    assert against, list_broken(found) or found.reason
    assert found.outcome is (Outcome.WARNING if mistake in ADVICE else Outcome.FAIL)
    assert (against[0].expectation.severity is Severity.SHOULD) == (mistake in ADVICE)


@pytest.mark.parametrize("habit", NOTED)
def test_what_may_cost_money_is_noted(habit: str) -> None:
    """A client that does what the page neither allows nor forbids passes, and is told what it may cost."""
    scenario, words = NOTED[habit]
    found = play(functools.partial(faulty.do, faulty.MISTAKES[habit]), SCENARIOS[scenario])

    assert found.outcome is Outcome.PASS
    assert any(words in note for note in found.notes)


@pytest.mark.slow
@pytest.mark.parametrize("name", RIGHT)
def test_a_right_client_is_accused_of_nothing(name: str) -> None:
    """A right client passes every scenario, those with long waits too."""
    main = importlib.import_module(f"tests.clients.programs.{name}").main
    founds = {one.id: play(main, one) for one in SCENARIOS.values()}

    assert tell(founds) == {}


@pytest.mark.slow
def test_the_client_that_mistakes_are_made_in_is_right_itself() -> None:
    """Without a mistake the client of the table passes every scenario."""
    founds = {one.id: play(functools.partial(faulty.do, faulty.RIGHT), one) for one in SCENARIOS.values()}

    assert tell(founds) == {}


@pytest.mark.slow
@pytest.mark.parametrize("program", RIGHT_COMMANDS, ids=lambda path: path.name)
def test_a_right_program_of_another_language_is_accused_of_nothing(program: Path) -> None:
    """Right clients in bash and Node pass, as processes of their own."""
    assert tell(run(program, *A_BIT_OF_EVERYTHING)) == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", CAUGHT_COMMANDS)
def test_a_wrong_program_is_caught_in_the_scenario_meant_for_it(name: str) -> None:
    """Wrong clients that are programs of their own break an expectation there, in these words."""
    scenario, words = CAUGHT_COMMANDS[name]
    found = run(PROGRAMS / name, scenario)[scenario]

    assert found.outcome is Outcome.FAIL, found.reason
    assert any(fnmatchcase(one.saw, f"*{words}*") for one in found.broken), list_broken(found)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["python_sync", "python_async"])
def test_the_official_client_does_all_that_it_must(name: str) -> None:
    """The official SDK, as it comes, only comes back from a 502 sooner than the page advises."""
    main = load(EXAMPLES / f"{name}.py")
    founds = {one.id: judge(one, play_in_process(main, one)) for one in SCENARIOS.values()}

    assert tell(founds).keys() == {"502/once", "502/thrice", "502/without-end"}
    assert all(founds[id_].outcome is Outcome.WARNING for id_ in tell(founds))


@pytest.mark.slow
def test_the_samples_of_the_page_resubmit_what_its_table_says_not_to() -> None:
    """The page's samples keep to its rule on 429, and break its table of failure codes."""
    founds = {one.id: play(page_sample.main, one) for one in SCENARIOS.values()}
    outcomes = {outcome: {id_ for id_, found in founds.items() if found.outcome is outcome} for outcome in Outcome}

    assert outcomes[Outcome.FAIL] == {
        "failed/budget-exhausted", "failed/corrupt-input", "failed/image-too-large", "failed/invalid-request",
        "failed/unsupported-format",
    }  # fmt: skip
    assert outcomes[Outcome.WARNING] == {"502/once", "502/thrice", "502/without-end", "failed/rate-limited"}
    assert outcomes[Outcome.NOT_JUDGED] == set()

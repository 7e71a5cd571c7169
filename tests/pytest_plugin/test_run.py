"""What a run says while it goes on, and how long it waits."""

from __future__ import annotations

import pytest

from luma_conformance.errors import Exit
from luma_conformance.reference.asgi import serving
from luma_conformance.reference.settings import Settings
from tests.kit import THINGS, Run, run_apart, run_inside

HEAD = THINGS.partition("  - id")[0]
MANY = HEAD + "".join(f"  - {{id: n{n}, title: request {n}, set: {{prompt: p{n}}}, status: 201}}\n" for n in range(6))
"""Seven accepted requests, the control included."""
POLLED = """
  - id: {id}
    title: it ends
    {more}
    steps:
      - {{set: {{prompt: {prompt}}}, status: 201, save: {{g: id}}}}
      - request: {{path: "/v1/generations/{{g}}"}}
        repeat: {{until: {{state: completed}}, every: 2, at_most: 150}}
        status: 200
"""
STAYS = {"prompt": '"{queued-prompt}"', "more": "needs: [queued-prompt]"}


@pytest.fixture
def many(pytester: pytest.Pytester) -> pytest.Pytester:
    """Make a file of seven cases, and a profile of nothing but the main key."""
    pytester.makefile(".yaml", many=MANY)
    pytester.makefile(".toml", key='[keys]\nmain-key = {test_key = "luma-api-test-main"}\n')
    return pytester


@pytest.mark.slow
def test_waits_that_cost_no_time_are_not_announced(many: pytest.Pytester) -> None:
    """A limit of three a minute is kept to on the target's clock: nothing fails, and nobody waits or is told to."""
    with serving(Settings(rpm=3)) as url:
        result = run_apart(many, "--base-url", url)

    result.assert_outcomes(passed=7)
    result.stderr.no_fnmatch_line("*luma:*")


@pytest.mark.slow
@pytest.mark.parametrize("workers", [(), ("-n", "2"), ("-q", "--no-header"), ("-v",)])
def test_how_long_a_run_takes_is_said_once(many: pytest.Pytester, workers: tuple[str, ...]) -> None:
    """The target announces its limit with the first answer; standard output has nothing of it."""
    with serving(Settings(rpm=10)) as url:
        result = run_apart(many, "--base-url", url, "--luma-profile", "key.toml", *workers)

    result.assert_outcomes(passed=7)
    said = [line for line in result.errlines if line.startswith("luma:")]
    assert said == ["luma: about 42 s: 7 cases, 10 requests a minute announced by main-key"]
    result.stdout.no_fnmatch_line("*luma: *")


def test_a_generation_that_does_not_end_fails_once(pytester: pytest.Pytester) -> None:
    """The second case would wait for another like it, and is not judged; one of another prompt is."""
    ends = {"prompt": "p", "more": ""}
    cases = [("first", ends), ("stays", STAYS), ("again", STAYS), ("last", ends)]
    pytester.makefile(".yaml", polled=HEAD + "".join(POLLED.format(id=name, **how) for name, how in cases))

    result = run_inside(pytester, "--luma-patience", "20", "-rs")

    result.assert_outcomes(passed=3, failed=1, skipped=1)
    result.stdout.fnmatch_lines(
        [
            '*never came to completed in 11 requests; the last answer was 200 "queued"*',
            "*not judged: a generation (uni-1 image) did not end within 20 s, which failed once; --luma-patience*",
        ]
    )


def test_a_recording_is_judged_with_the_patience_it_was_made_with(pytester: pytest.Pytester) -> None:
    """With another one its polls would not suffice."""
    pytester.makefile(".yaml", polled=HEAD + POLLED.format(id="stays", **STAYS))
    run_inside(pytester, "--luma-patience", "20", "--luma-record", "run.har").assert_outcomes(passed=1, failed=1)

    run_inside(pytester, "--base-url", "cassette:run.har").assert_outcomes(passed=1, failed=1)


@pytest.mark.parametrize("patience", ["0", "-1", "soon", "1e9", ""])
def test_a_senseless_patience_is_a_usage_error(run: Run, patience: str) -> None:
    """It is a number of seconds."""
    assert run("--luma-patience", patience).ret == Exit.USAGE

"""Two servers side by side: who of them is right, case by case, and what is only noise."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from luma_conformance.catalogue.files import specs
from luma_conformance.errors import Exit
from luma_conformance.model import Case, Outcome, Place, Result, Standing, Verdict
from luma_conformance.reference.asgi import serving
from luma_conformance.session.against import add_standing
from tests import miniatures
from tests.kit import Run, exchange, response, run_inside

CASE = Case(id="a/b", title="t", section="s", operation="POST /v1/generations", place=Place("f.yaml", 1), steps=())


def result(outcome: Outcome, body: object = None, status: int = 400) -> Result:
    """Return the result of a case with one answer."""
    return Result(case=CASE, verdict=Verdict(outcome=outcome), exchanges=(exchange(response(status, body)),))


@pytest.mark.parametrize(
    ("one", "other", "standing"),
    [
        (Outcome.PASS, Outcome.PASS, Standing.BOTH_RIGHT),
        (Outcome.PASS, Outcome.FAIL, Standing.ONLY_THIS),
        (Outcome.FAIL, Outcome.PASS, Standing.ONLY_OTHER),
        (Outcome.DEVIATION, Outcome.WARNING, Standing.ONLY_OTHER),
        (Outcome.NOT_JUDGED, Outcome.PASS, Standing.UNCOMPARED),
        (Outcome.FAIL, Outcome.NOT_JUDGED, Standing.UNCOMPARED),
        (Outcome.FAIL, Outcome.FAIL, Standing.ALIKE),
    ],
)
def test_two_verdicts_are_compared(one: Outcome, other: Outcome, standing: Standing) -> None:
    """The target's verdict stays its own; how the two stand comes beside it."""
    found = add_standing(result(one, {"detail": "no"}), result(other, {"detail": "no"}))

    assert found.standing is standing
    assert found.verdict.outcome is one


@pytest.mark.parametrize(
    ("one", "other", "standing"),
    [
        ({"detail": "no"}, {"detail": "nope"}, Standing.DIFFERENTLY),
        ({"detail": "no"}, {"detail": "no", "code": 7}, Standing.DIFFERENTLY),
        (
            {"id": "d290f1ee-6c54-4b01-90e6-d701748f0851", "at": "2026-04-08T12:00:00Z"},
            {"id": "7c9e6679-7425-40de-944b-e07fc1f90ae7", "at": "2026-04-09T12:00:00Z"},
            Standing.ALIKE,
        ),
    ],
)
def test_ids_and_times_are_noise_between_two_wrong_answers(one: object, other: object, standing: Standing) -> None:
    """What differs from answer to answer anyway does not make two servers differ."""
    assert add_standing(result(Outcome.FAIL, one), result(Outcome.FAIL, other)).standing is standing


def test_two_wrong_statuses_differ() -> None:
    """Two verdicts with different statuses differ."""
    wrong, other = result(Outcome.FAIL, {}, 500), result(Outcome.FAIL, {}, 404)

    assert add_standing(wrong, other).standing is Standing.DIFFERENTLY


def test_two_broken_exchanges_are_alike() -> None:
    """Two servers that break the same exchange are wrong alike."""
    broken = replace(result(Outcome.FAIL), exchanges=())

    assert add_standing(broken, broken).standing is Standing.ALIKE
    assert add_standing(broken, result(Outcome.FAIL)).standing is Standing.DIFFERENTLY


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Return a function that runs pytest on some sections of the catalogue."""
    names = ("create/400-unknown-model", "create/400-prompt-too-short", "get/404-does-not-exist")
    return partial(run_inside, pytester, "-q", *(str(specs() / f"{name}.yaml") for name in names))


def test_a_run_says_where_only_one_of_two_servers_is_right(run: Run) -> None:
    """Planted differences are listed, each under what it is, and nothing else; the verdicts are the target's."""
    shared = miniatures.another_detail("Generation not found", "nothing here")
    one = miniatures.another_detail("Unknown model: super-model-v9", "no such model")
    other = miniatures.another_detail("Prompt must be between 1 and 6000 characters", "too short")
    with (
        serving(wrap=lambda handle: shared(one(handle))) as url,
        serving(wrap=lambda handle: shared(other(handle))) as rival,
    ):
        found = run("--base-url", url, "--luma-against", rival)

    assert found.ret == Exit.NOT_CONFORMANT
    found.stdout.fnmatch_lines(
        [
            "against     http://127.0.0.1:*",
            "*  both right",
            "*5  only the target right",
            "*create/400-prompt-too-short/empty",
            *["*create/400-prompt-too-short/empty-*"] * 4,
            "*2  only the other right",
            "*create/400-unknown-model/page-example",
            "*create/400-unknown-model/unknown-for-video",
            "*2  both wrong, alike",
        ],
        consecutive=True,
    )


@pytest.mark.slow
def test_two_right_servers_have_nothing_to_list(run: Run) -> None:
    """A server with legal differences stands beside the reference as right as it."""
    with serving(wrap=miniatures.with_extras) as url, serving() as rival:
        found = run("--base-url", url, "--luma-against", rival, "-n", "2")

    assert found.ret == Exit.CONFORMANT
    found.stdout.fnmatch_lines(["against     http://127.0.0.1:*", "*  both right"])
    found.stdout.no_fnmatch_line("*only the*")


def test_an_unreachable_second_server_ends_the_run(run: Run) -> None:
    """Comparing with nothing is no comparison."""
    with serving() as url:
        found = run("--base-url", url, "--luma-against", "http://127.0.0.1:9")

    assert found.ret == Exit.COULD_NOT_JUDGE
    found.stdout.fnmatch_lines(["*nothing listens at 127.0.0.1:9*"])

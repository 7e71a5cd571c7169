"""The estimate of a run: what it is made from, and what it says."""

from __future__ import annotations

import inspect

import pytest

from luma_conformance.catalogue import files as catalogue_files
from luma_conformance.properties.fuzzing import Fuzzing
from luma_conformance.pytest_plugin.estimate import (
    CONTEXTS,
    FREE_ONLY,
    IN_DEEP,
    PROPERTIES,
    Work,
    count_cases,
    count_properties,
    describe_estimate,
)
from luma_conformance.suite import test_contexts, test_malformed, test_schema, test_validation
from luma_conformance.target.channel import Passing
from luma_conformance.target.pacing import Traffic
from luma_conformance.target.usage import Quota, Usage
from tests import kit
from tests.kit import Fixed, case, response
from tests.target.test_usage import accepted

CASES = Work(count=300, asked=240, accepted=60)
GATE = Fuzzing(examples=100)


def said(quota: Quota, *names: str, seconds: float = 0.01, advanced: bool = False) -> str | None:
    """Return the estimate for a target whose answers take so many seconds."""
    wall = Fixed(response(201))
    clock = kit.CREATE
    passing = Passing(transport=wall, clock=Still(), ask=(lambda *_: clock) if advanced else None)
    traffic = Traffic(transport=wall, passing=passing, count=100, seconds=100 * seconds)
    return describe_estimate(CASES, names, GATE, traffic, Usage(role="main-key", quota=quota))


class Still:
    """A clock that stands."""

    def now(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        raise AssertionError


def test_the_announced_limit_makes_the_time() -> None:
    """Where refused requests use quota all count, and where they do not only the accepted ones."""
    each = "300 cases, 30 requests a minute announced by main-key"
    assert said(Quota(limit=30, refused_count=True)) == f"about 8 min: {each}"
    assert said(Quota(limit=30)) == f"about 8 min: {each}"
    assert said(Quota(limit=30, refused_count=False)) == f"about 2 min: {each}"


def test_an_announcement_that_is_only_an_example_makes_no_time() -> None:
    """Where nothing of the limit is ever used, it is none."""
    quota = Quota()
    for number in range(3):
        quota.note(float(number), accepted(30, 29))

    assert said(quota) is None


def test_a_limit_of_the_user_s_own_counts_where_it_is_smaller() -> None:
    """Both are kept to."""
    assert said(Quota(limit=30, own=10)) == "about 24 min: 300 cases, 10 requests a minute set by the profile"
    assert said(Quota(limit=5, own=10)) == "about 48 min: 300 cases, 5 requests a minute announced by main-key"


def test_a_slow_target_takes_its_time() -> None:
    """Without a limit the answers do."""
    assert said(Quota(), seconds=0.5) == "about 2 min: 300 cases, 0.5 s an answer"


@pytest.mark.parametrize("quota", [Quota(), Quota(limit=1000), Quota(limit=400, refused_count=False)])
def test_nothing_is_said_of_a_short_run(quota: Quota) -> None:
    """Less than twenty seconds are not worth a line."""
    assert said(quota) is None


def test_the_cheaper_choice_is_named_where_properties_take_most() -> None:
    """And only there."""
    names = ["test_faults_together_get_an_answer_of_one_of_them", "test_any_request_id_comes_back_as_it_was_sent"]
    text = said(Quota(limit=30, refused_count=True), *names * 3)
    assert text == (
        "about 48 min: 300 cases, 6 properties, 30 requests a minute announced by main-key; "
        "`--luma-fuzz 10` takes about 12 min"
    )
    assert "--luma-fuzz" not in str(said(Quota(limit=30, refused_count=True), names[1]))


def test_cases_are_counted_by_what_they_ask_of_the_main_key() -> None:
    """Polls and other keys use nothing of its limit."""
    create = "{status: 201, save: {g: id}}"
    poll = '{request: {path: "/v1/generations/{g}"}, status: 200}'
    other = '{request: {auth: {token: "luma-api-x"}}, status: 401}'
    refused = '{set: {prompt: ""}, status: 400}'
    one = case(f"steps: [{create}, {poll}, {other}, {refused}]")
    assert count_cases([one, one]) == Work(count=2, asked=4, accepted=2)


def test_the_catalogue_is_a_few_hundred_requests() -> None:
    """Most of them are refused."""
    work = count_cases(catalogue_files.own())
    assert work.count <= work.asked * 1.5
    assert work.accepted < work.asked / 2


def test_a_property_of_somebody_s_own_is_counted_and_asks_nothing_that_is_known() -> None:
    """What it sends nobody knows."""
    assert count_properties(["test_mine"], GATE) == Work(count=1, asked=0, accepted=0)


def test_what_costs_money_is_not_sent_and_not_counted() -> None:
    """Of a rule only the broken requests go out, and nothing of what may be accepted."""
    rule, accepted = "test_a_rule_holds_and_ends_where_the_page_says", "test_what_the_page_lets_pass_is_accepted"
    assert count_properties([rule, accepted], GATE) == Work(count=2, asked=60, accepted=55)
    assert count_properties([rule, accepted], GATE, free=False) == Work(count=2, asked=5, accepted=0)


def test_contexts_are_counted_by_how_many_a_run_tries() -> None:
    """All of them in the gate, a few where requests cost money or a number is given, and many more in deep."""
    name = "test_nothing_beside_a_rule_changes_it"
    gate, deep = (count_properties([name], Fuzzing(profile=profile)) for profile in ("gate", "deep"))
    few, away = count_properties([name], Fuzzing(examples=10)), count_properties([name], Fuzzing(), free=False)

    assert 2.5 * gate.accepted < gate.asked < 30
    assert deep.asked == gate.asked * IN_DEEP
    assert few.asked < gate.asked / 4
    assert away.asked < few.asked
    assert away.accepted == 0
    assert count_properties(["test_whatever_goes_together_is_judged_alike"], Fuzzing(), free=False).asked == 0


def test_a_clock_that_is_advanced_makes_every_limit_short() -> None:
    """No limit takes real time then."""
    assert said(Quota(limit=1, refused_count=True), advanced=True) is None


def test_the_table_names_properties_that_exist() -> None:
    """A property that is renamed has to be renamed there."""
    modules = (test_contexts, test_malformed, test_schema, test_validation)
    listed = {*PROPERTIES, *CONTEXTS}
    assert {name for module in modules for name in vars(module) if name.startswith("test_")} == listed
    skipping = {
        name for name in listed for module in modules if "skip_unless_free" in _source(getattr(module, name, None))
    }
    assert skipping == FREE_ONLY


def _source(function: object) -> str:
    return inspect.getsource(function) if inspect.isfunction(function) else ""

"""About how long a run will take, from what was selected and the limits that the target announces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from luma_conformance.model import Case
from luma_conformance.properties.fuzzing import Fuzzing
from luma_conformance.session.progress import describe_time
from luma_conformance.target.pacing import Traffic
from luma_conformance.target.usage import Quota, Usage

WORTH: Final = 20.0
"""Seconds from which on it is worth saying how long a run takes."""
CHEAP: Final = 10
"""The number of examples that is proposed where properties take most of the time."""

PROPERTIES: Final[Mapping[str, tuple[float, float, float]]] = {
    "test_what_is_no_request_is_refused_in_the_shape_of_all_errors": (1, 1, 0),
    "test_what_may_be_a_request_is_answered_in_order": (0.5, 1, 1),
    "test_odd_request_ids_do_not_change_the_answer": (0.5, 1, 0),
    "test_any_request_id_comes_back_as_it_was_sent": (1, 1, 0),
    "test_what_the_schema_allows_is_answered_as_documented": (1, 1, 0.4),
    "test_what_the_schema_forbids_is_answered_in_order": (1, 1, 0),
    "test_an_id_of_nobodys_is_not_found": (1, 0, 0),
    "test_a_key_that_opens_nothing_opens_nothing": (1, 0, 0),
    "test_what_is_accepted_is_found_by_its_link": (0.3, 3.5, 2),
    "test_what_the_page_lets_pass_is_accepted": (0.5, 1, 1),
    "test_a_rule_holds_and_ends_where_the_page_says": (0.05, 2, 1),
    "test_faults_together_get_an_answer_of_one_of_them": (3, 1, 0),
    "test_odd_values_get_an_orderly_answer": (2, 1, 0.1),
}
"""What properties take of the main key's limit: their share of the examples, and for each example the generations asked
for, and of these the accepted. Those about limits and time have keys of their own, or ask little."""
CONTEXTS: Final[Mapping[str, tuple[float, float, float]]] = {
    "test_nothing_beside_a_rule_changes_it": (2.2, 0.5, 8.5),
    "test_whatever_goes_together_is_judged_alike": (0, 1, 13),
}
"""What properties about contexts take: how many lists of requests that break a rule, and of accepted ones, and how many
requests there are in a list, of which a run may try fewer."""
IN_DEEP: Final = 13
"""How many times as many there are in a list where each pair of features is tried beside each rule."""
FREE_ONLY: Final = frozenset(
    {
        "test_what_is_no_request_is_refused_in_the_shape_of_all_errors",
        "test_what_may_be_a_request_is_answered_in_order",
        "test_what_the_schema_allows_is_answered_as_documented",
        "test_what_is_accepted_is_found_by_its_link",
        "test_what_the_page_lets_pass_is_accepted",
        "test_odd_values_get_an_orderly_answer",
        "test_whatever_goes_together_is_judged_alike",
    }
)
"""The properties that are not judged where an accepted request may be charged for."""
TABLES: Final[Mapping[str, tuple[int, int]]] = {
    "test_another_clients_generation_is_hidden_whatever_it_is": (28, 28),
    "test_made_request_ids_never_repeat": (18, 3),
    "test_a_request_id_comes_back_on_every_answer": (44, 14),
    "test_how_a_head_is_written_does_not_change_the_answer": (11, 0),
    "test_needless_headers_do_not_change_the_answer": (17, 3),
    "test_how_a_request_is_sent_does_not_change_the_answer": (16, 8),
    "test_a_refusal_is_for_its_reason": (44, 0),
}
"""What properties that try a table take of the main key's limit: generations asked for, and of these the accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """How many cases or properties there are, and how many generations they ask for with the main key, at most."""

    count: int = 0
    asked: float = 0.0
    accepted: float = 0.0

    def takes(self, usage: Usage, seconds_each: float) -> float:
        """Return about how many seconds it takes, in answers and in waits for the rate limit."""
        quota = usage.quota
        counted = self.accepted if quota.refused_count is False else self.asked
        limits = [limit for limit in (quota.limit, quota.own) if limit is not None]
        return max(self.asked * seconds_each, counted * 60 / min(limits) if limits else 0.0)


def count_cases(cases: Iterable[Case]) -> Work:
    """Return the work that cases are."""
    count, asked, accepted = 0, 0, 0
    for case in cases:
        count += 1
        for step in case.steps:
            if step.ask.method == "POST" and step.ask.auth.role == "main-key":
                asked += 1
                accepted += 201 in step.expect.status
    return Work(count=count, asked=asked, accepted=accepted)


def count_properties(names: Iterable[str], fuzzing: Fuzzing, *, free: bool = True) -> Work:
    """Return the work that properties are, by the names of their functions; what those of others ask is not known.

    Where requests are not `free`, nothing is sent that may be accepted.
    """
    count, asked, accepted = 0, 0.0, 0.0
    for name in names:
        count += 1
        if not free and name in FREE_ONLY:
            continue
        share, each, lets_pass = PROPERTIES.get(name, (0, 0, 0))
        examples: float = fuzzing.count(share) if share else 0
        if name in CONTEXTS:
            broken, lets_pass, most = CONTEXTS[name]
            each = broken + lets_pass
            limit, most = fuzzing.limit_contexts(free=free), most * (IN_DEEP if fuzzing.strength > 1 else 1)
            examples = most if limit is None else min(limit, most)
        asked += examples * (each if free else each - lets_pass)
        accepted += examples * lets_pass if free else 0
        tried, passing = TABLES.get(name, (0, 0))
        asked += tried if free else tried - passing
        accepted += passing if free else 0
    return Work(count=count, asked=asked, accepted=accepted)


def describe_estimate(
    cases: Work, names: Iterable[str], fuzzing: Fuzzing, traffic: Traffic, usage: Usage, *, free: bool = True
) -> str | None:
    """Return about how long a run takes and why, with a cheaper choice if properties take most; None if not long."""
    names = [*names]
    if traffic.passing.ask is not None:
        usage = Usage(role=usage.role, quota=Quota())  # its clock is advanced: no limit takes real time
    elif usage.quota.is_kept is False:
        usage = Usage(role=usage.role, quota=Quota(own=usage.quota.own))  # what it announces is an example
    each = traffic.seconds / max(traffic.count, 1)
    properties = count_properties(names, fuzzing, free=free)
    first, second = cases.takes(usage, each), properties.takes(usage, each)
    if first + second < WORTH:
        return None
    what = [f"{work.count} {noun}" for work, noun in ((cases, "cases"), (properties, "properties")) if work.count]
    quota, why = usage.quota, f"{each:.1g} s an answer"
    if quota.limit is not None and (quota.own is None or quota.limit <= quota.own):
        why = f"{quota.limit} requests a minute announced by {usage.role}"
    elif quota.own is not None:
        why = f"{quota.own} requests a minute set by the profile"
    text = f"about {describe_time(first + second)}: {', '.join(what)}, {why}"
    cheaper = first + count_properties(names, Fuzzing(examples=CHEAP), free=free).takes(usage, each)
    if second > first and cheaper < 0.7 * (first + second):
        text += f"; `--luma-fuzz {CHEAP}` takes about {describe_time(cheaper)}"
    return text

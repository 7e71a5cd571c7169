"""The fixture `luma_target`: sends generated requests to the target and raises what is wrong, explained.

A property is a test function, of `luma_conformance.suite` or of anybody's, that takes the fixture. It counts as a case.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NoReturn

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from luma_conformance.catalogue import files as casefiles
from luma_conformance.catalogue.roles import MAIN_KEY
from luma_conformance.errors import ConformanceError, ExchangeError, NotRecorded
from luma_conformance.judge.deviations import Deviation
from luma_conformance.judge.expected import build_case, judge_answer, write_case_file
from luma_conformance.judge.explain import answered, curl, said
from luma_conformance.judge.play import bind
from luma_conformance.judge.severity import differs_in_wording_only
from luma_conformance.model import ABSENT, Ask, Case, Exchange, Facet, Mismatch, Request
from luma_conformance.properties.found import NonConformance
from luma_conformance.rules import Accepted, Prediction, Rejected, Unspecified, predict
from luma_conformance.session.session import Judging
from luma_conformance.strategies import Body, Material
from luma_conformance.strategies.hostile import JSON

EXAMPLES: Final[Mapping[str, int]] = {"gate": 100, "deep": 5000}
"""How many examples a whole property takes; one of a rule's near misses takes a tenth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fuzzing:
    """How long and how repeatably properties are tried: `gate` is the same every time, `deep` is not and remembers."""

    profile: str = "gate"
    examples: int | None = None
    real_time: bool = False
    alone: bool = True

    def settings(self, share: float) -> settings:
        """Returns Hypothesis' settings for a property that takes a share of the examples."""
        count = max(6, round((self.examples or EXAMPLES[self.profile]) * share))
        always = settings(
            max_examples=count,
            deadline=None,
            report_multiple_bugs=False,
            verbosity=Verbosity.quiet,
            suppress_health_check=list(HealthCheck),
        )
        if self.profile == "gate":
            return settings(always, derandomize=True, database=None, phases=set(Phase) - {Phase.explain, Phase.reuse})
        return settings(always, derandomize=False, phases=set(Phase) - {Phase.explain})


@dataclass(kw_only=True)
class LumaTarget:
    """One property under way on one target; `broken` and `kept` count rules broken, and narrowly kept and accepted."""

    judging: Judging
    fuzzing: Fuzzing
    material: Material
    broken: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    observed: tuple[str, ...] = ()
    worded: str | None = None
    known: dict[Deviation, None] = field(default_factory=dict)
    case_id: str = ""
    name: str = "property_"
    _final: Exception | None = None

    @property
    def is_free(self) -> bool:
        """Tells whether an accepted request costs nobody anything (law: never by surprise)."""
        return self.judging.spending.limit is None

    @property
    def is_shared(self) -> bool:
        """Tells whether other workers of this run ask the same clients, so that no trace is the whole one."""
        return not self.fuzzing.alone and self.judging.remote

    def skip_unless_free(self) -> None:
        """Leaves the property unjudged where what it sends may be accepted and charged for."""
        if not self.is_free:
            not_judged("would cost money: generated requests that may be accepted are sent only to this machine")

    def for_all(self, strategy: st.SearchStrategy[Any], try_one: Callable[[Any], object], share: float = 1.0) -> None:
        """Tries examples of a strategy, or those of a recording; raises NonConformance with the smallest that fails.

        Examples are plain data: what `ast.literal_eval` reads.
        """
        tape = self.judging.target.tape

        def property_(example: Any) -> None:
            tape.open(example)
            try:
                try_one(example)
            finally:
                tape.close()

        # What Hypothesis tells properties apart by, in its database too.
        property_.__name__ = re.sub(r"\W", "_", self.name)
        self.run(lambda how: how(given(strategy)(property_))(), try_one, share)

    def run_machine(self, machine: type[Machine], share: float = 1.0) -> None:
        """Drives a state machine, or goes the ways of a recording; raises NonConformance with the fewest steps."""
        driven = type(machine.__name__, (machine,), {"luma_target": self})
        self.run(
            lambda how: run_state_machine_as_test(driven, settings=how),
            lambda steps: _retraced(driven, steps),
            share,
        )

    def run(self, tried: Callable[[settings], None], again: Callable[[Any], object], share: float = 1.0) -> None:
        """Runs what Hypothesis tries under these settings, or, of a recording, each of its examples again.

        What is tried tells the tape of its examples. Raises NonConformance where answers are wrong, or differ.
        """
        if (examples := self.judging.target.tape.examples()) is not None:
            self._again(examples, again)
            return
        try:
            tried(self.fuzzing.settings(share))
        except Flaky as error:
            raise self._final or NonConformance(
                self.judging.scrub(f"the server answered the same request in two ways: {error}")
            ) from None

    def _again(self, recorded: Iterable[object], try_one: Callable[[Any], object]) -> None:
        """Tries recorded examples; of those that fail the last is the smallest, for so the search had ended."""
        found: NonConformance | None = None
        for example in recorded:
            self._final = None
            try:
                try_one(example)
            except NonConformance as error:
                found = error
        if found is not None:
            raise found

    def check(self, body: Body) -> Prediction:
        """Sends a body and compares its answer with what the oracle allows; off this machine only sure refusals."""
        return self.send_checked(body)[0]

    def send_checked(self, body: Body) -> tuple[Prediction, Exchange | None]:
        """Confronts a body, and returns the exchange too; None where it may not be sent."""
        prediction = predict(body, media=self.material.facts)
        if not self.is_free and not isinstance(prediction, Rejected):
            return prediction, None
        exchange = self.send(body)
        self.skip_if_limited(exchange)
        self.check_answer(build_case(body, prediction, exchange.response.status), exchange, prediction)
        if isinstance(prediction, Rejected):
            self.broken.update({violation.rule for violation in prediction.violations})
        return prediction, exchange

    def skip_if_limited(self, exchange: Exchange) -> None:
        """Leaves the property unjudged where a limit of the target's came in the way."""
        if exchange.response.status == 429:
            not_judged(
                "the target's own rate or job limit came in the way; offer a key with room for generated requests"
            )

    def check_answer(self, case: Case, exchange: Exchange, prediction: Prediction | None = None) -> None:
        """Holds an answer to its case; raises NonConformance, explained, where it differs."""
        judgement = judge_answer(exchange, case, self.judging.every)
        if judgement.mismatches:
            self._differ(case, prediction, exchange, judgement.mismatches)

    def value(self, role: str) -> str | None:
        """Returns what the target offers under a role, or None."""
        target = self.judging.target
        return None if target.missing(role) else target.value(role)

    def send(self, body: Body) -> Exchange:
        """Returns what a body came to, whatever the oracle says of it."""
        return self.exchange(self.request(body=_encoded(body)))

    def check_kept(self, rule: str, body: Body) -> None:
        """Confronts a body that only just keeps a rule, and counts it once accepted."""
        if self.is_free and isinstance(self.check(body), Accepted):
            self.kept[rule] += 1

    def observe(self, explanations: tuple[str, ...]) -> None:
        """Keeps which answers to what the page leaves open explain everything seen so far."""
        if explanations:
            self.observed = tuple(one for one in self.observed or explanations if one in explanations)

    def sleep(self, seconds: float, role: str) -> None:
        """Lets the time of that key's client pass."""
        self.judging.target.channel.sleep(seconds, role)

    def exchange(self, request: Request, *, at_once: bool = False) -> Exchange:
        """Sends a request, `at_once` whatever rate limits say; raises NonConformance where an answer fails to come."""
        if self._final is not None:
            raise self._final  # nothing more is sent: shrinking would cost money, or a deadline each time
        try:
            return self.judging.target.channel.exchange(request, at_once=at_once)
        except NotRecorded as error:
            not_judged(str(error))
        except ExchangeError as error:
            self._final = self._broken(request, error)
            raise self._final from None
        except ConformanceError as error:
            self._final = error
            raise

    def _broken(self, request: Request, error: ExchangeError) -> Exception:
        """Returns what a missing answer comes to: a finding, or the end of the run where the target is gone."""
        try:
            self.judging.check()
        except ConformanceError as gone:
            return gone
        return NonConformance(self.judging.scrub(f"{request.method} {request.url} got no answer: {error}"))

    def request(
        self, *, body: bytes, content_type: str = JSON, request_id: str | None = None, role: str = MAIN_KEY
    ) -> Request:
        """Returns a POST of these very bytes with the key of a role."""
        headers = [("Authorization", f"Bearer {self.judging.target.token(role)}")]
        headers += [("Content-Type", content_type)] if content_type else []
        headers.append(("X-Request-Id", self._id() if request_id is None else request_id))
        return Request(method="POST", url="/v1/generations", headers=tuple(headers), body=body)

    def request_for(self, ask: Ask) -> Request:
        """Returns the request of a generated ask, with its body as it stands: no text in it is a placeholder."""
        target = self.judging.target
        bare = bind(replace(ask, body=ABSENT), target.value, target.token, self._id())
        if ask.body is ABSENT:
            return bare
        body = ask.body if isinstance(ask.body, bytes) else _encoded(ask.body)
        return replace(bare, headers=(*bare.headers, ("Content-Type", JSON)), body=body)

    def fail(self, what: str, exchange: Exchange) -> NoReturn:
        """Raises NonConformance: what is wrong, what was answered, and the request as curl."""
        lines = [
            what,
            f"  the server said  {answered(exchange.response, self.judging.scrub)}",
            f"  again            {self._curl(exchange.request)}",
        ]
        self._refuse("\n".join(lines))

    def _differ(
        self, case: Case, prediction: Prediction | None, exchange: Exchange, mismatches: tuple[Mismatch, ...]
    ) -> None:
        """Raises NonConformance, unless the answer is known to deviate or only worded in a way the user lets pass."""
        judging = self.judging
        if known := judging.deviations.covering(self.case_id, mismatches, lambda one: judging.told(one, exchange)):
            self.known |= dict.fromkeys(known)
            return
        if not self.judging.exact and differs_in_wording_only(mismatches, (exchange,), casefiles.own()):
            self.worded = self.worded or f"worded otherwise: {answered(exchange.response, self.judging.scrub)}"
            return
        answer = answered(exchange.response, judging.scrub)
        self._refuse(self._explain(case, prediction, exchange, mismatches), mismatches, answer)

    def _refuse(self, explanation: str, mismatches: tuple[Mismatch, ...] = (), answer: str | None = None) -> NoReturn:
        found = NonConformance(explanation, mismatches, answer)
        if self.judging.overspent is not None:
            self._final = found
        raise found

    def _id(self) -> str:
        return f"{self.judging.target.run}-fuzzed"

    def _curl(self, request: Request) -> str:
        return self.judging.scrub(curl(request, self.judging.base_url, "(the body is above)"))

    def _explain(
        self, case: Case, prediction: Prediction | None, exchange: Exchange, mismatches: tuple[Mismatch, ...]
    ) -> str:
        scrub = self.judging.scrub
        lines = [
            f"a generated request                                            {case.section}",
            f"  the page says    {said(case.steps[0].expect, case)}",
            f"  the server said  {answered(exchange.response, scrub)}",
            f"  differs in       {', '.join(dict.fromkeys(mismatch.facet.value for mismatch in mismatches))}",
        ]
        lines += [
            f"                   {mismatch.where}: {scrub(mismatch.why)[:400]}  [{mismatch.rests_on}]"
            for mismatch in mismatches
            if mismatch.facet not in (Facet.STATUS, Facet.DETAIL)
        ]
        lines.append(f"  again            {self._curl(exchange.request)}")
        if isinstance(prediction, Unspecified):
            return "\n".join([*lines, f"  open question    {prediction.reason}"])
        return "\n".join([*lines, "", "as a case, to keep:", "", scrub(write_case_file(case))])


class Machine(RuleBasedStateMachine):
    """A state machine that can be retraced: each rule first notes its name and arguments in `steps`.

    `luma` is there from the beginning. What is to be judged of the whole is judged in `over`.
    """

    luma_target: LumaTarget

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[tuple[Any, ...]] = []
        self.luma_target.judging.target.tape.open(self.steps)

    def over(self) -> None:
        """Judges a way that has come to its end."""

    def teardown(self) -> None:
        """Judges the way, and closes it."""
        try:
            self.over()
        finally:
            self.luma_target.judging.target.tape.close()


def _retraced(machine: type[Machine], steps: object) -> None:
    """Goes a way again, step by step."""
    assert isinstance(steps, list)
    going = machine()
    for name, *arguments in steps:
        getattr(going, name)(*arguments)
    going.teardown()


def not_judged(reason: str) -> NoReturn:
    """Leaves the property unjudged, for this reason."""
    pytest.skip(f"not judged: {reason}")


def begin(judging: Judging, fuzzing: Fuzzing, name: str = "property_", case_id: str = "") -> LumaTarget:
    """Returns a property's hands on a target."""
    material = Material.offered(judging.target.value, judging.target.missing)
    try:
        judging.target.tape.begin(name)
    except NotRecorded as error:
        not_judged(str(error))
    return LumaTarget(judging=judging, fuzzing=fuzzing, material=material, name=name, case_id=case_id)


def _encoded(body: object) -> bytes:
    """Returns a body as UTF-8, or with JSON's own escapes where half a surrogate pair has no UTF-8."""
    try:
        return json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(body).encode()

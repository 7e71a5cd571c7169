"""The fixture `luma_target`: sends generated requests to the target and raises what is wrong, explained.

A property is a test function, of `luma_conformance.suite` or of anybody's, that takes the fixture. It counts as a case.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from luma_conformance.catalogue import files as catalogue_files
from luma_conformance.catalogue.media import encode
from luma_conformance.catalogue.roles import GENERATIONS, MAIN_KEY
from luma_conformance.errors import ConformanceError, ExchangeError, NotFollowed, NotRecorded
from luma_conformance.judge.answers import find_always_wrong
from luma_conformance.judge.deviations import Deviation
from luma_conformance.judge.expected import build_case, judge_answer, name_body, write_case_file
from luma_conformance.judge.explain import curl, describe_answer, failure_text, shown_mismatch
from luma_conformance.judge.judged import Judged
from luma_conformance.judge.play import bind
from luma_conformance.judge.severity import differs_in_wording_only
from luma_conformance.model import (
    ABSENT,
    Ask,
    Case,
    Exchange,
    Facet,
    Mismatch,
    Outcome,
    Request,
    Result,
    Verdict,
    header,
)
from luma_conformance.properties.fuzzing import Fuzzing
from luma_conformance.properties.nonconformance import NonConformance
from luma_conformance.rules import Accepted, Prediction, Rejected, Unspecified
from luma_conformance.session.progress import Progress
from luma_conformance.session.session import Session
from luma_conformance.shown import NOTHING, Shown
from luma_conformance.strategies import Body, Material
from luma_conformance.strategies.envelope import Sent, find_role, write_headers
from luma_conformance.strategies.hostile import JSON
from luma_conformance.strategies.spelling import PLAINLY, Spelling, spell

PROPERTY: Final = "property"
"""Where a property has found something that is no part of a single answer."""


@dataclass(kw_only=True)
class LumaTarget:
    """The target under test, as a property sees it: sends requests, checks answers, raises what is wrong, explained.

    `broken` counts how often generated requests broke each rule, `kept` how often they narrowly kept it and were
    accepted. `contexts` has each rule with each feature beside which its answer was right, and `places` each rule about
    media with each place and form; `tried` counts, by kind, the right answers of tables. `made` has the request ids
    that the target made, and what for. `observed` is what was seen of what the page leaves open.

    >>> from luma_conformance import LumaTarget, faulty
    >>> def test_faulty_requests_are_refused_as_the_page_says(luma_target: LumaTarget) -> None:
    ...     luma_target.for_all(faulty(luma_target.material), luma_target.check)
    """

    session: Session
    fuzzing: Fuzzing
    material: Material
    broken: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    contexts: set[tuple[str, str]] = field(default_factory=set)
    places: set[tuple[str, str]] = field(default_factory=set)
    tried: Counter[str] = field(default_factory=Counter)
    observed: tuple[str, ...] = ()
    worded: str | None = None
    known: dict[Deviation, None] = field(default_factory=dict)
    case_id: str = ""
    name: str = "property_"
    made: dict[str, str] = field(default_factory=dict)
    progress: Progress = field(default_factory=lambda: Progress(None))
    _final: Exception | None = None
    _let_pass: bool = False
    _keys: set[str] = field(default_factory=set)
    _total: int | None = None
    _begun: int = 0

    def count_covered(self) -> dict[str, int]:
        """Return in how many contexts rules were judged right, by kind; empty if in none."""
        counts = {"features": len(self.contexts), "places": len(self.places), **self.tried}
        return {kind: count for kind, count in counts.items() if count}

    @property
    def is_free(self) -> bool:
        """Whether accepted requests cost nothing: without asking, nothing is sent that may be charged for."""
        return self.session.spending.limit is None

    @property
    def is_shared(self) -> bool:
        """Whether other workers of this run use the same API clients, so that no trace of requests is complete."""
        return not self.fuzzing.alone and self.session.remote

    def skip_unless_free(self) -> None:
        """Leave the property unjudged where what it sends may be accepted and charged for."""
        if not self.is_free:
            not_judged("would cost money: generated requests that may be accepted are sent only to this machine")

    def for_all(
        self,
        strategy: st.SearchStrategy[Any],
        try_one: Callable[[Any], object],
        share: float = 1.0,
        always: Iterable[object] = (),
    ) -> None:
        """Try examples of a strategy, or those of a recording; raise NonConformance with the smallest that fails.

        Examples are plain data: what `ast.literal_eval` reads. `share` is the part of the run's examples to try;
        those in `always` are tried first, whatever is drawn.
        """

        def property_(drawn: Any) -> None:
            self.begin_example(drawn)
            try:
                try_one(drawn)
            finally:
                self.session.target.channel.end_example()

        # Hypothesis tells properties apart by their name, in its database too.
        property_.__name__ = re.sub(r"\W", "_", self.name)

        def search(how: settings) -> None:
            for one in always:
                property_(one)
            how(given(strategy)(property_))()

        self.run(search, try_one, share)

    def for_each(self, examples: Sequence[object], try_one: Callable[[Any], object], kind: str | None = None) -> None:
        """Try each of these examples in order, or those of a recording; raise NonConformance with the first that fails.

        What every run has to try does not depend on what is drawn. Examples are plain data, as in `for_all`. Of a
        `kind`, those whose answers were right are counted as contexts.
        """

        def try_counted(one: Any) -> None:
            try_one(one)
            if kind is not None:
                self.tried[kind] += 1

        if (recorded := self.session.target.channel.recorded_examples()) is not None:
            self._again(recorded, try_counted)
            return
        self._total, self._begun = len(examples), 0
        for one in examples:
            self.begin_example(one)
            try:
                try_counted(one)
            finally:
                self.session.target.channel.end_example()

    def run(
        self,
        search: Callable[[settings], None],
        again: Callable[[Any], object],
        share: float = 1.0,
        total: int | None = None,
    ) -> None:
        """Run a search under Hypothesis' settings, or try each example of a recording again.

        The search begins and ends its examples on the channel; `total` is how many there are, if not a share. Raises
        NonConformance where answers are wrong or differ.
        """
        if (examples := self.session.target.channel.recorded_examples()) is not None:
            self._again(examples, again)
            return
        self._total, self._begun = self.fuzzing.count(share) if total is None else total, 0
        try:
            search(self.fuzzing.settings(share))
        except Flaky as error:
            raise self._final or NonConformance(
                self.session.scrub(f"the server answered the same request in two ways: {error}")
            ) from None

    def begin_example(self, example: object) -> None:
        """Begin a generated example, and let the run show how many there were; shrinking adds to them."""
        self._begun += 1
        self.progress.count(self._begun, self._total)
        self.session.target.channel.begin_example(example)

    def _again(self, recorded: Iterable[object], try_one: Callable[[Any], object]) -> None:
        """Try recorded examples; of those that fail, the last is the smallest: with it the search had ended."""
        found: NonConformance | None = None
        for one in recorded:
            self._final = None
            try:
                try_one(one)
            except NonConformance as error:
                found = error
        if found is not None:
            raise found

    def check(self, body: Body, spelling: Spelling = PLAINLY) -> Prediction:
        """Send a body and check its answer against the rules; off this machine only sure refusals are sent."""
        return self.send_checked(body, spelling)[0]

    def send_checked(self, body: Body, spelling: Spelling = PLAINLY) -> tuple[Prediction, Exchange | None]:
        """Check a body as `check` does, and return the exchange too; None where it may not be sent."""
        prediction = self.material.predict(body)
        if not self.may_send(prediction):
            return prediction, None
        exchange = self.send(body, spelling)
        self.check_against(body, prediction, exchange)
        return prediction, exchange

    def may_send(self, prediction: Prediction) -> bool:
        """Return whether a request may be sent: off this machine, only one that is sure to be refused."""
        return self.is_free or isinstance(prediction, Rejected)

    def is_right(self, body: Body, prediction: Prediction, exchange: Exchange) -> bool:
        """Return whether an answer to a body is as the rules say."""
        case = build_case(body, prediction, exchange.response.status)
        return not judge_answer(exchange, case, self.session.every).mismatches

    def check_against(self, body: Body, prediction: Prediction, exchange: Exchange) -> None:
        """Check an answer to a body against the rules; leave the property unjudged where a limit came in the way."""
        self.skip_if_limited(exchange)
        self.check_answer(build_case(body, prediction, exchange.response.status), exchange, prediction)
        if isinstance(prediction, Rejected):
            self.broken.update({violation.rule for violation in prediction.violations})

    def skip_if_limited(self, exchange: Exchange) -> None:
        """Leave the property unjudged where a limit of the target's came in the way."""
        if exchange.response.status == 429:
            not_judged(
                "the target's own rate or job limit came in the way; offer a key with room for generated requests"
            )

    def check_answer(self, case: Case, exchange: Exchange, prediction: Prediction | None = None) -> None:
        """Check an answer against a case; raise NonConformance, explained, where it differs."""
        judgement = judge_answer(exchange, case, self.session.every)
        if judgement.mismatches:
            self._reject(case, prediction, exchange, judgement.mismatches)

    def value(self, role: str) -> str | None:
        """Return what the target offers under a role, or None."""
        target = self.session.target
        return None if target.missing(role) else target.value(role)

    def send(self, body: Body, spelling: Spelling = PLAINLY, sent: Sent = ()) -> Exchange:
        """Send a body in an envelope, whatever the rules say of it, and return the exchange.

        With another key than the main one nothing is waited for: its client's limits are not known.
        """
        text = encode(body) if spelling == PLAINLY else spell(body, *spelling).encode()
        role = find_role(sent)
        return self.exchange(write_headers(self.request(body=text, role=role), sent), at_once=role != MAIN_KEY)

    def check_kept(self, rule: str, body: Body) -> None:
        """Check a body that only just keeps a rule, and count it once accepted."""
        if self.is_free and isinstance(self.check(body), Accepted):
            self.kept[rule] += 1

    def observe(self, explanations: tuple[str, ...]) -> None:
        """Keep the readings of what the page leaves open that explain everything seen so far."""
        if explanations:
            self.observed = tuple(one for one in self.observed or explanations if one in explanations)

    def sleep(self, seconds: float, role: str) -> None:
        """Let time pass for the client of that key."""
        self._let_pass = True
        self.session.target.channel.sleep(seconds, role)

    def exchange(self, request: Request, *, at_once: bool = False) -> Exchange:
        """Send a request, `at_once` whatever rate limits say; raise NonConformance where no answer comes."""
        if self._final is not None:
            raise self._final  # nothing more is sent: shrinking would cost money, or a deadline each time
        if (key := header(request.headers, "Authorization")) is not None:
            self._keys.add(key)
        try:
            return self.session.target.channel.exchange(request, at_once=at_once)
        except (NotRecorded, NotFollowed) as error:
            not_judged(self.session.scrub(str(error)))
        except ExchangeError as error:
            self._final = self._broken(request, error)
            raise self._final from None
        except ConformanceError as error:
            self._final = error
            raise

    def _broken(self, request: Request, error: ExchangeError) -> Exception:
        """Return what a missing answer means: a finding, or the end of the run where the target is gone."""
        try:
            self.session.check()
        except ConformanceError as gone:
            return gone
        return NonConformance(self.session.scrub(f"{request.method} {request.url} got no answer: {error}"))

    def request(
        self, *, body: bytes, content_type: str = JSON, request_id: str | None = None, role: str = MAIN_KEY
    ) -> Request:
        """Return a POST of these very bytes with the key of a role."""
        headers = [("Authorization", f"Bearer {self.session.target.token(role)}")]
        headers += [("Content-Type", content_type)] if content_type else []
        headers.append(("X-Request-Id", self._id() if request_id is None else request_id))
        return Request(method="POST", url="/v1/generations", headers=tuple(headers), body=body)

    def request_for(self, ask: Ask) -> Request:
        """Return the request of a generated ask, its body as it is: no text in it is a placeholder."""
        target = self.session.target
        bare = bind(replace(ask, body=ABSENT), target.value, target.token, self._id())
        if ask.body is ABSENT:
            return bare
        body = ask.body if isinstance(ask.body, bytes) else encode(ask.body)
        return replace(bare, headers=(*bare.headers, ("Content-Type", JSON)), body=body)

    def fail(self, what: str, exchange: Exchange) -> NoReturn:
        """Raise NonConformance: what is wrong, what was answered, and the request as curl.

        An answer that is wrong whatever was asked is probably why the property found something, and is kept with it.
        """
        session, mismatches = self.session, find_always_wrong(exchange, self.session.every)
        own = () if mismatches else (_make_mismatch(what),)
        mismatches = (*mismatches, *own)
        if self._is_known(mismatches, exchange):
            pytest.xfail("; ".join(entry.words for entry in self.known))
        judged = Judged(
            case=session.scrub(self.case_id),
            title=session.scrub(what),
            section=NOTHING,
            verdict=Outcome.FAIL,
            actual=describe_answer(exchange.response, session.scrub),
            differences=tuple(shown_mismatch(mismatch, session.scrub) for mismatch in mismatches),
            curl=self._curl(exchange.request),
        )
        self._raise(failure_text(replace(judged, differences=()) if own else judged, what), judged)

    def _reject(
        self, case: Case, prediction: Prediction | None, exchange: Exchange, mismatches: tuple[Mismatch, ...]
    ) -> None:
        """Raise NonConformance, unless the answer is known to deviate or only worded in a way the user lets pass."""
        session = self.session
        if self._is_known(mismatches, exchange):
            return
        if session.lenient and differs_in_wording_only(mismatches, (exchange,), catalogue_files.own()):
            self.worded = self.worded or f"worded otherwise: {describe_answer(exchange.response, session.scrub)}"
            return
        verdict = Verdict(outcome=Outcome.FAIL, mismatches=mismatches)
        judged = session.describe(Result(case=case, verdict=verdict, exchanges=(exchange,)))
        judged = replace(judged, show=None, curl=self._curl(exchange.request))
        self._raise("\n".join([failure_text(judged, case.title, case.section), *self._kept(case, prediction)]), judged)

    def _is_known(self, mismatches: tuple[Mismatch, ...], exchange: Exchange) -> bool:
        """Return whether known deviations explain all that is wrong with an answer, and count them."""
        known, whole = self.session.deviations.find_shown(
            self.case_id, mismatches, lambda one: self.session.describe_answer(one, exchange)
        )
        self.known |= dict.fromkeys(known)
        return whole

    def _raise(self, explanation: str, judged: Judged | None = None) -> NoReturn:
        if self._let_pass:
            # The answer may be right for the time it was at the target.
            doubts = self.session.target.channel.find_time_doubts()
            if (why := doubts.clock or doubts.urls or (doubts.clients if len(self._keys) > 1 else None)) is not None:
                not_judged(why)
        found = NonConformance(explanation, judged)
        if self.session.overspent is not None:
            self._final = found
        raise found

    def _kept(self, case: Case, prediction: Prediction | None) -> list[str]:
        """Return the request as a case file to keep, or why there is no such case to assert."""
        if isinstance(prediction, Unspecified):
            return [f"  open question    {prediction.reason}"]
        return ["", "as a case, to keep:", "", self.session.scrub(write_case_file(case))]

    def _id(self) -> str:
        return f"{self.session.target.run}-fuzzed"

    def _curl(self, request: Request) -> Shown:
        named = name_body(request.body)
        made = f"luma-conformance show {shlex.quote(named)}" if named else "(a command that writes the body to keep)"
        return self.session.scrub(curl(request, self.session.base_url, made))


def not_judged(reason: str) -> NoReturn:
    """Leave the property unjudged, for this reason."""
    pytest.skip(f"not judged: {reason}")


def begin(
    session: Session,
    fuzzing: Fuzzing,
    name: str = "property_",
    case_id: str = "",
    progress: Progress | None = None,
) -> LumaTarget:
    """Return the object with which a property sends requests."""
    target = session.target
    for role in GENERATIONS:
        target.missing(role)  # what the kit makes is made now: its exchanges are not the property's
    try:
        target.channel.begin_item(name)
        material = Material.offered(target.value, target.missing)
    except NotRecorded as error:
        not_judged(str(error))
    return LumaTarget(
        session=session,
        fuzzing=fuzzing,
        material=material,
        name=name,
        case_id=case_id,
        progress=progress or Progress(None),
    )


def _make_mismatch(what: str) -> Mismatch:
    """Return what a property found as a mismatch: its first line, of which the heading of the page stands apart."""
    found, _, heading = what.partition("\n")[0].partition("  [")
    return Mismatch(facet=Facet.SEQUENCE, where=PROPERTY, why=found, rests_on=heading.removesuffix("]"))

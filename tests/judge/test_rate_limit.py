"""The limiter's judge on traces of simulated servers: right ones in all legal variations, and wrong ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luma_conformance.judge.explain import describe_trace
from luma_conformance.judge.rate_limit import Contradiction, judge_rate_limit
from luma_conformance.model import Exchange, Headers, Request, Response
from tests.kit import CREATE, exchange, response, same_examples

RUNS = same_examples(150)
START = 1_775_649_600.0


@dataclass
class Server:
    """A limiter: right as it is, wrong or otherwise legal by its fields."""

    limit: int = 3
    window: float = 60.0
    fixed: bool = False
    count_refused: bool = False
    retry: int = 0
    remaining: int = 0
    ahead: float = 0.0
    rounded: Callable[[float], int] = math.ceil
    oldest: bool = False
    whole: bool = False
    inclusive: bool = False
    admitted: list[float] = field(default_factory=list)

    def answer(self, now: float) -> Response:
        """Return the answer to a request counted at that moment."""
        opened = now - now % 60 if self.fixed else now - self.window
        inside = [moment for moment in self.admitted if (moment >= opened if self.fixed else moment > opened)]
        if self.inclusive:
            inside = [moment for moment in self.admitted if moment >= opened]
        server_now = now + self.ahead
        if len(inside) < self.limit:
            self.admitted = [*inside, now]
            left = self.limit - len(inside) - 1 + self.remaining
            since = self.admitted[0] + self.ahead if self.oldest else server_now
            return response(201, {}, self.rates(left, math.floor(since) + 60))
        if self.whole:
            reset = math.ceil(inside[0] + self.ahead + self.window)
            wait = max(1, reset - math.floor(server_now))
            return response(429, {"detail": "Rate limit exceeded"}, (("Retry-After", str(wait)), *self.rates(0, reset)))
        wait = max(1, self.rounded((opened + 60 if self.fixed else inside[0] + self.window) - now) + self.retry)
        if self.count_refused:
            self.admitted = [*inside, now][-self.limit :]
        reset = math.ceil(server_now + wait - 0.001)
        return response(429, {"detail": "Rate limit exceeded"}, (("Retry-After", str(wait)), *self.rates(0, reset)))

    def rates(self, remaining: int, reset: int) -> Headers:
        """Return the three rate headers."""
        names = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
        return tuple(zip(names, map(str, (self.limit, remaining, reset)), strict=True))


def trace(server: Server, waits: Sequence[float], latency: Sequence[tuple[float, float]] = ()) -> list[Exchange]:
    """Return one request after each wait; `latency` is the seconds there and back, in turn."""
    exchanges: list[Exchange] = []
    now = START
    for number, wait in enumerate(waits):
        there, back = latency[number % len(latency)] if latency else (0.0, 0.0)
        sent = now + wait
        now = sent + there + back
        exchanges.append(exchange(server.answer(sent + there), sent=sent, received=now))
    return exchanges


def wrong(exchanges: Sequence[Exchange]) -> tuple[Contradiction, ...]:
    """Return the mismatches of a trace."""
    return judge_rate_limit(exchanges).contradictions


SHORT = st.sampled_from((0.0, 0.05, 0.15))
WAITS = st.lists(st.sampled_from((0.0, 0.4, 1.0, 7.0, 19.5, 40.0, 58.0, 59.0, 60.0, 61.0)), min_size=1, max_size=25)


@RUNS
@given(
    waits=WAITS,
    latency=st.lists(st.tuples(SHORT, SHORT), min_size=1, max_size=4),
    server=st.builds(
        Server,
        limit=st.integers(1, 5),
        ahead=st.sampled_from((0.0, -3.7, 1000.5)),
        oldest=st.booleans(),
        whole=st.booleans(),
    ),
)
def test_a_right_limiter_is_never_accused(
    waits: list[float], latency: list[tuple[float, float]], server: Server
) -> None:
    """Whatever the requests, their latency and the server's clock, a sliding window is not condemned.

    On a 201, Reset may be that of the oldest request or of this one, and a wait may be counted in whole seconds.
    """
    exchanges = trace(server, waits, latency)

    assert wrong(exchanges) == ()
    assert judge_rate_limit(exchanges[len(exchanges) // 2 :], since=math.inf).contradictions == ()


@pytest.mark.parametrize("oldest", [False, True])
def test_a_reset_that_stands_still_is_found_on_whichever_reading(oldest: bool) -> None:  # noqa: FBT001
    """A request that is alone in the window is its own oldest, so that its Reset is told for certain."""
    exchanges = trace(Server(oldest=oldest), [0, 61, 5, 61])
    first = dict(exchanges[0].response.headers)["X-RateLimit-Reset"]

    assert wrong(exchanges) == ()
    (found,) = wrong([*exchanges[:3], with_headers(exchanges[3], X_RateLimit_Reset=first)])

    assert "two different times" in found.what


@RUNS
@given(waits=WAITS, latency=st.lists(st.tuples(SHORT, SHORT), min_size=1, max_size=3), limit=st.integers(1, 4))
def test_a_limiter_that_counts_refused_requests_is_never_accused(
    waits: list[float], latency: list[tuple[float, float]], limit: int
) -> None:
    """The page does not say whether a refused request uses quota."""
    server = Server(limit=limit, count_refused=True)

    assert wrong(trace(server, waits, latency)) == ()


@pytest.mark.parametrize("rounded", [math.ceil, math.floor, round], ids=["up", "down", "to the nearest"])
def test_any_rounding_of_a_second_is_legal(rounded: Callable[[float], int]) -> None:
    """Retry-After may be rounded up, down or to the nearest second."""
    assert wrong(trace(Server(rounded=rounded), [0.3, 0.25, 0.4, 10.1, 5.3, 40.7, 4.2])) == ()


@pytest.mark.parametrize(
    ("server", "waits", "said"),
    [
        pytest.param(Server(window=55), [0, 0, 0, 56, 0], "admitted", id="window of 55 s"),
        pytest.param(Server(fixed=True), [50, 0, 0, 12, 0, 0], "admitted", id="fixed window"),
        pytest.param(Server(window=65), [0, 0, 0, 62], "refused although", id="window of 65 s"),
        pytest.param(Server(retry=-1), [0, 0, 0, 10], "Retry-After is 49", id="Retry-After one short"),
        pytest.param(Server(retry=2), [0, 0, 0, 10], "Retry-After is 52", id="Retry-After two too long"),
        pytest.param(Server(window=55, oldest=True), [0, 0, 0, 56, 0], "admitted", id="window of 55 s, oldest"),
        pytest.param(Server(inclusive=True), [0, 0, 0, 10, 50, 2], "refused again after 50.0 s", id="60 s count too"),
        pytest.param(Server(remaining=1), [0, 0], "X-RateLimit-Remaining is 3", id="Remaining one too many"),
        pytest.param(Server(remaining=-1), [0, 0, 0], "X-RateLimit-Remaining is 1", id="Remaining one too few"),
    ],
)
def test_a_wrong_limiter_is_found(server: Server, waits: list[float], said: str) -> None:
    """Each kind of fault is found and named."""
    exchanges = trace(server, waits)

    found = wrong(exchanges)

    assert any(said in contradiction.what for contradiction in found), found
    assert describe_trace(found[0], exchanges).count("\n") == len(found[0].exchanges)


def test_a_wait_that_was_rounded_down_may_be_too_short() -> None:
    """Refused after 10.5 s with Retry-After 49, a request may be refused again 59.5 s after the oldest."""
    exchanges = trace(Server(rounded=math.floor), [0, 0, 0, 10.5, 49, 1])

    assert [one.response.status for one in exchanges] == [201, 201, 201, 429, 429, 201]
    assert wrong(exchanges) == ()


def with_headers(exchange: Exchange, **headers: str) -> Exchange:
    """Return the exchange with other values of some headers of its answer, underscores for dashes."""
    others = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    kept = tuple(pair for pair in exchange.response.headers if pair[0].lower() not in others)
    return replace(exchange, response=replace(exchange.response, headers=(*kept, *others.items())))


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"X_RateLimit_Limit": "4"}, "does not change"),
        ({"X_RateLimit_Reset": str(int(START) + 70)}, "two different times"),
        ({"X_RateLimit_Remaining": "2"}, "of a refusal is 0"),
        ({"Retry_After": "0"}, "at least 1"),
        ({"Retry_After": "59.5"}, "no whole number"),
    ],
)
def test_a_refusal_with_a_wrong_header_is_found(headers: dict[str, str], said: str) -> None:
    """What the headers of a refusal say must agree with each other and with the time."""
    exchanges = trace(Server(), [0, 0, 0, 0])

    assert any(said in found.what for found in wrong([*exchanges[:3], with_headers(exchanges[3], **headers)]))


def test_misplaced_rate_headers_are_found() -> None:
    """A poll, another refusal and the concurrent-job refusal have no rate headers; the last has Retry-After 60."""
    rates = Server().rates(2, int(START))
    full = {"detail": "Too many concurrent jobs"}
    poll = Request(method="GET", url="/v1/generations/x")
    cases = [
        (poll, response(200, {}, rates)),
        (CREATE, response(400, {"detail": "x"}, rates)),
        (CREATE, response(429, full, (("Retry-After", "60"), *rates))),
        (CREATE, response(429, full, (("Retry-After", "12"),))),
    ]
    for request, answer in cases:
        assert wrong([exchange(answer, request, sent=START)])
    legal = response(429, full, (("Retry-After", "60"),))
    assert wrong([exchange(legal, sent=START)]) == ()


def test_an_incomplete_trace_is_judged_only_for_its_own_requests() -> None:
    """Where others may share the quota at any time, a refusal is no wrong, even after the time it asked for."""
    again = []
    for sent in (START, START + 70, START + 140):
        rates = Server().rates(0, int(sent) + 30)
        answer = response(429, {"detail": "Rate limit exceeded"}, (("Retry-After", "30"), *rates))
        again.append(exchange(answer, sent=sent))

    assert judge_rate_limit(again).contradictions != ()
    assert judge_rate_limit(again, since=math.inf).contradictions == ()
    assert judge_rate_limit(trace(Server(remaining=3), [0, 1, 1]), since=math.inf).contradictions != ()


def test_requests_before_the_trace_may_fill_the_window() -> None:
    """Requests made before the trace began may fill the window; from 61 s on they cannot."""
    refused = trace(Server(admitted=[START - 10] * 3), [0])

    assert judge_rate_limit(refused, since=START).contradictions == ()
    assert judge_rate_limit(refused).contradictions
    late = trace(Server(window=130, admitted=[START - 1] * 3), [0, 70])
    assert judge_rate_limit(late, since=START).contradictions


def test_whether_refused_requests_use_quota_is_reported() -> None:
    """It is reported where the trace shows it."""
    waits = [0, 0, 0, 30, 31, 0, 0]
    plain = judge_rate_limit(trace(Server(), waits)).observed
    counting = judge_rate_limit(trace(Server(count_refused=True), waits)).observed

    assert plain[0] == "refused requests use no quota"
    assert counting[0] == "requests refused with 429 use quota, others do not"
    assert not set(plain) & set(counting)
    assert judge_rate_limit(trace(Server(), [0, 0])).observed == ()


def counted(answers: Sequence[tuple[int, str]], counts: Callable[[int, str], bool]) -> list[Exchange]:
    """Return a trace of a right limiter of 5 a minute whose answers are these, a second apart.

    `counts` says which requests use quota; a request the window refuses answers so, whatever was planned for it.
    """
    server, exchanges = Server(limit=5), list[Exchange]()
    for second, (status, detail) in enumerate(answers):
        now = START + second
        full = sum(moment > now - 60 for moment in server.admitted) >= 5
        if full or status == 201:
            answer = server.answer(now)
        else:
            headers = (("Retry-After", "60"),) if status == 429 else ()
            answer = response(status, {"detail": detail}, headers)
            server.admitted += [now] if counts(status, detail) else []
        exchanges.append(exchange(answer, sent=now))
    return exchanges


FULL = (429, "Too many concurrent jobs")
FAULTY, HEAVY = (400, "Prompt must be between 1 and 6000 characters"), (413, "source: image exceeds 50 MB limit")
MIXED = [(201, ""), FULL, FAULTY, HEAVY, (201, ""), FULL, (201, ""), (201, ""), (201, "")]


@pytest.mark.parametrize(
    "counting",
    [
        pytest.param(lambda status, _: status == 429, id="counted before the slots and after the body"),
        pytest.param(lambda status, _: status == 413, id="counted after the slots and before media"),
        pytest.param(lambda status, _: status in (429, 413), id="counted after the fields of the body only"),
        pytest.param(lambda status, _: status in (429, 400), id="counted before all but media"),
    ],
)
def test_a_limiter_that_counts_between_two_checks_is_never_accused(counting: Callable[[int, str], bool]) -> None:
    """A server may count a request before it checks one thing and after it checked another."""
    exchanges = counted(MIXED, counting)

    assert [one.response.status for one in exchanges].count(429) > 2
    report = judge_rate_limit(exchanges)
    assert report.contradictions == ()
    assert report.observed


def test_a_limiter_that_counts_by_no_rule_is_found() -> None:
    """No choice of what uses quota explains a limiter that counts every second refusal of a kind."""
    turn = iter(range(100))
    exchanges = counted([(201, ""), FAULTY, FAULTY, (201, ""), (201, ""), FAULTY], lambda *_: next(turn) % 2 == 0)

    assert wrong(exchanges)


@pytest.mark.slow
def test_ten_thousand_requests_are_judged() -> None:
    """A long trace of a right server is as clean as a short one."""
    assert wrong(trace(Server(limit=30), [1.0] * 10_000)) == ()

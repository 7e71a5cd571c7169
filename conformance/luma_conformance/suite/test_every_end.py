"""The concurrent-job limit with every way a job of any model and type can end: its slot is free again, and only its."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NoReturn

from luma_conformance.judge.answers import FINAL_STATES, detail_of, member_of
from luma_conformance.judge.job_limit import GRACE, TTL, judge_job_limit
from luma_conformance.judge.rate_limit import CONCURRENCY, RPM, judge_rate_limit
from luma_conformance.model import Exchange
from luma_conformance.properties.client import Client
from luma_conformance.properties.luma_target import LumaTarget, not_judged
from luma_conformance.strategies.jobs import (
    COMPLETED,
    ENDS,
    OTHERS_POLL,
    STAYS,
    Row,
    describe,
    list_ends,
    name_features,
    plain_bodies,
)

KEY: Final = "low-concurrency-key"
RPM_KEY: Final = "low-rpm-key"
MANY: Final = 10
"""Jobs; slots for more than this are not filled time and again."""
OVER: Final = TTL + GRACE + 1
"""Seconds after which nothing a client did before takes a slot any more."""
LATE: Final = 1800.0
"""Seconds after which a job that stays still has its slot."""
UNWATCHED: Final = 200.0
"""Seconds in which a job that is not polled should be over; if it is not, it is polled."""
PATIENCE: Final = (2, 2, 4, 8, 16, 32, 64, 128, 256)
"""Seconds between the polls of a job until it is over."""
COINCIDENCES: Final = 3
"""How often a slot has to be free right after a poll, and not right before, to be free because of the poll."""
DEEP: Final = 7
"""Turns in which all jobs are tried where a run has time."""
WEIGHED: Final = "Concurrent generation capacity reached"
"""How a server refuses a job that takes more slots than are free, where jobs take more than one."""
LAST: Final[Row] = {}
"""What gets the slot of the last job that ends."""
HEADING: Final = "429 — Concurrent job limit exceeded"


def test_every_end_of_a_job_frees_its_slot_and_no_other(luma_target: LumaTarget) -> None:
    """A job of any kind takes one slot, and gives it back however it ends, polled or not, and when it is too old."""
    _ready(luma_target)
    ends = [end for end in ENDS if end == COMPLETED or _offers(luma_target, end)]
    stays = [end for end in STAYS if _offers(luma_target, end)]
    if not stays:
        not_judged("the profile names neither queued-prompt nor processing-prompt")
    kinds = [*plain_bodies(luma_target.material)]
    turns = DEEP if luma_target.fuzzing.profile == "deep" else 1
    features = name_features(kinds, luma_target.material)
    examples = [*list_ends(kinds, [*ends, *stays], turns, features)]
    sizes: dict[str, int] = {}
    luma_target.for_each(examples, lambda rows: _Slots(luma_target=luma_target, sizes=sizes).try_ends(rows))
    most = max(sizes.values(), default=0)
    if heavy := [f"{kind}: {most - size + 1} slots" for kind, size in sizes.items() if size < most]:
        luma_target.observe((f"jobs that take more than one slot: {', '.join(heavy)}",))


def test_a_client_at_its_limit_stops_no_other(luma_target: LumaTarget) -> None:
    """Slots and windows that are full are those of one client."""
    _ready(luma_target)
    if (why := luma_target.session.target.profile.missing(RPM_KEY)) is not None:
        not_judged(why)
    luma_target.for_each([(KEY, RPM_KEY), (RPM_KEY, KEY)], lambda roles: _fill_both(luma_target, roles))


def _fill_both(luma_target: LumaTarget, roles: tuple[str, str]) -> None:
    """Let one client send until it is refused, then the other."""
    clients = [Client(luma_target=luma_target, role=role) for role in roles]
    for client in clients:
        client.sleep(OVER)
    for client in clients:
        for _ in range(MANY):
            if client.create({}, f"beside a client at its limit, {client.role}").response.status != 201:
                break
    for client in clients:
        since = client.trace[0].sent - OVER
        report = judge_rate_limit(client.trace, since=since)
        client.refute((*report.contradictions, *judge_job_limit(client.trace, since=since)), HEADING)


def _ready(luma_target: LumaTarget) -> None:
    luma_target.skip_unless_free()
    for role in (KEY, "fast-clock"):  # a key of its own: no other may serve, whose client does more than this
        if (why := luma_target.session.target.profile.missing(role)) is not None:
            not_judged(why)
    if luma_target.is_shared:
        not_judged("workers share this key's client; run the limits without -n")


def _offers(luma_target: LumaTarget, end: str) -> bool:
    return luma_target.value(f"{end.replace('_', '-')}-prompt") is not None


@dataclass(kw_only=True)
class _Slots:
    """The slots of a client, and what was done with them.

    `sizes` has how many jobs there were room for beside and with one of each kind. `jobs` are those created,
    `freed_by_poll` says how often a slot was free right after a poll and not right before. `over` is a job
    that is known to be.
    """

    luma_target: LumaTarget
    sizes: dict[str, int]
    jobs: list[Exchange] = field(default_factory=list)
    freed_by_poll: int = 0
    over: Exchange | None = None

    def __post_init__(self) -> None:
        self.client = Client(luma_target=self.luma_target, role=KEY)

    def try_ends(self, rows: list[Row]) -> None:
        """Let one job after another end while jobs that stay hold all other slots; then leave those to their hour."""
        ending = [row for row in rows if row["end"] not in STAYS]
        staying = [row for row in rows if row["end"] in STAYS]
        stays = {"end": staying[0]["end"]}
        job, size = self._begin(ending[0], stays)
        self._try_one_more(ending[0])
        for row, following in pairwise([*ending, LAST]):
            job = self._follow(row, job, following)
            if following.get("with") or following.get("meantime"):
                self._try_one_more(following)
        self.sizes[rows[0]["kind"]] = size
        # How many slots a job takes is no fact of the page's, as long as it is at least one, and always as many.
        at_once = 1 if size < max(self.sizes.values()) else size
        before = "after an hour"
        for first in range(0, len(staying), at_once):
            some = staying[first : first + at_once]
            self.client.sleep(OVER)
            for row in some:
                self._create(row, before)
            before = " and ".join(map(describe, some))
            if len(some) + self._fill(stays) != size:
                self._poll_all()
                self._judge(f"beside {before}")
            self.client.sleep(LATE)
            self._try_one_more(some[-1])
            before = f"an hour after {before}"
        self.client.sleep(OVER)
        for _ in range(size):
            self._create({}, before)
        self.client.check_answers()
        self.luma_target.tried["jobs"] += len(rows)

    def _begin(self, row: Row, stays: Row) -> tuple[Exchange, int]:
        """Return a job beside which jobs that stay hold all other slots, and how many slots there are."""
        self.client.sleep(OVER)
        job = self._create(row, "after an hour")
        size = 1 + self._fill(stays)
        if not self._is_over(job, 0):
            return job, size
        # It may have been over before the last slot was taken, so how many there are is not known yet.
        self.client.sleep(OVER)
        size = self._fill(stays)
        self.client.sleep(OVER)
        for _ in range(size - 1):
            self._create(stays, "after an hour")
        return self._create(row, "after an hour"), size

    def _follow(self, row: Row, job: Exchange, following: Row) -> Exchange:
        """Let a job end, polled or not, and return the job that got its slot."""
        context = f"after {describe(row)}, {row['polled'] or 'not polled'}"
        if row["polled"]:
            self._watch(job)
            self.over = job
        else:
            self.client.sleep(UNWATCHED)
        if (new := self._try(following, context)).response.status == 201:
            return new
        if not row["polled"] and self._watch(job, at_once=True):
            new = self._try(following, context)
            self.freed_by_poll += new.response.status == 201
            if self.freed_by_poll == COINCIDENCES:
                what = f"a slot is free right after its job is polled, and not right before: {COINCIDENCES} times"
                self.luma_target.fail(f"{context}: {what}  [{HEADING}]", new)
            if new.response.status == 201:
                return new
        return self._create(following, context)

    def _watch(self, job: Exchange, *, at_once: bool = False) -> bool:
        """Poll a job until it is over, and return whether the first poll found it over."""
        polls = 0
        while not self._is_over(job, 0 if at_once and not polls else PATIENCE[polls]):
            polls += 1
            if polls == len(PATIENCE):
                doubt = self.luma_target.session.target.channel.find_time_doubts().clock
                not_judged(doubt or f"a job of {KEY} was not over after {sum(PATIENCE)} s")
        return not polls

    def _is_over(self, job: Exchange, seconds: float) -> bool:
        if seconds:
            self.client.sleep(seconds)
        state: object = member_of(self.client.poll(job).response, "state")
        return state in FINAL_STATES

    def _create(self, row: Row, context: str) -> Exchange:
        """Create a job that has to get a slot: at once, or as soon as what is seen to be over has to be free."""
        context = f"{describe(row)}, {context}"
        if (new := self._try(row, context)).response.status != 201:
            self._poll_all()
            self.client.sleep(GRACE + 1)
            new = self._try(row, context)
        if new.response.status != 201:
            self._judge(context)
            not_judged(f"{KEY} got no generation ({new.response.status}), and it is not seen what takes its slots")
        return new

    def _fill(self, row: Row) -> int:
        """Create jobs that stay until one is refused, and return how many there are."""
        count = 0
        while self._try(row, "with all slots taken").response.status == 201:
            count += 1
            if count > MANY:
                self._compare_stays(row)
        return count

    def _compare_stays(self, row: Row) -> NoReturn:
        """Fail where jobs that stay in one state are many, and those in the other are not: each takes a slot."""
        for other in STAYS:
            if other == row["end"] or not _offers(self.luma_target, other):
                continue
            self.client.sleep(OVER)
            tries = [self._try({"end": other}, "beside jobs of its own state") for _ in range(MANY + 1)]
            admitted = sum(one.response.status == 201 for one in tries)
            if 0 < admitted <= MANY:
                what = f"more than {MANY} jobs stay {row['end']}, and {admitted} at most stay {other}"
                self.luma_target.fail(f"{what}: a job is active until it is over  [{HEADING}]", tries[-1])
        not_judged(f"{KEY} has room for more than {MANY} jobs, too many to fill its slots time and again")

    def _try_one_more(self, row: Row) -> None:
        """Try to create another job of the same kind while one runs and all other slots are held."""
        context = f"beside {describe(row)}"
        again: Row = {"user": "user-3", "kind": row.get("kind", "")}
        if row.get("meantime") and len(self.jobs) % 2:
            again |= {"meantime": OTHERS_POLL}
        elif row.get("meantime") and self.over is not None:
            self.client.poll(self.over)  # it gave its slot back once, and that is all
        if self._try(again, context).response.status == 201:
            self._poll_all()
            self._judge(context)  # if the first was over already, nothing is wrong

    def _try(self, row: Row, context: str) -> Exchange:
        new = self.client.create(row, context)
        if detail_of(new.response) == RPM:
            not_judged(f"the rate limit of {KEY} came first: it is tighter, or jobs are over too soon")
        if new.response.status == 201:
            self.jobs.append(new)
        elif detail_of(new.response) != CONCURRENCY and not str(detail_of(new.response)).startswith(WEIGHED):
            what = f"expected 201 or 429 {CONCURRENCY}, got {new.response.status} {detail_of(new.response)}"
            self.luma_target.fail(f"{context}: {what}  [{HEADING}]", new)
        return new

    def _poll_all(self) -> None:
        """Poll all jobs, so that it is known which run and which are over."""
        for job in self.jobs:
            self.client.poll(job)

    def _judge(self, context: str) -> None:
        trace = self.client.trace
        self.client.refute(judge_job_limit(trace, since=trace[0].sent - OVER), HEADING, context)

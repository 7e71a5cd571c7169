"""The suite run on many miniatures, in several processes where the system can fork one."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from typing import Final

from luma_conformance.errors import ConformanceError
from luma_conformance.miniatures.miniature import Miniature
from luma_conformance.miniatures.score import Finding
from luma_conformance.pytest_plugin.rehearsals import Rehearsal, Stage, Verdict, find_verdicts, judged
from luma_conformance.reference.clock import WallClock
from luma_conformance.reference.service import profile_path
from luma_conformance.session.loopback import serve_loopback
from luma_conformance.session.open import Options, open_session
from luma_conformance.session.rehearsal import Rehearsed


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What every process needs; it is made before they begin, and never sent."""

    miniatures: Sequence[Miniature]
    rehearsals: Sequence[Rehearsal]
    stage: Stage
    thorough: bool = False

    def judge(self, number: int) -> Judged:
        """Return what the suite says of a miniature."""
        miniature, began = self.miniatures[number], time.process_time()
        find = find_verdicts if miniature.wire is None else find_verdicts_over_http
        played = [*find(miniature, self.rehearsals, self.stage, thorough=self.thorough or miniature.is_legal)]
        found = [(one, text) for one, text in played if text is not None]
        return Judged(
            number=number,
            accused_by=tuple(one.part.id for one, _ in found),
            text=found[0][1] if found else "",
            seconds=time.process_time() - began,
            requests=found[0][0].requests if found else 0,
            let_pass=tuple(one.part.id for one, text in played if text is None),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A Finding as it is sent between processes, with the number of its miniature instead of that itself."""

    number: int
    accused_by: tuple[str, ...]
    text: str
    seconds: float
    requests: int
    let_pass: tuple[str, ...]

    def read(self, miniatures: Sequence[Miniature]) -> Finding:
        """Return the finding."""
        found = {name: getattr(self, name) for name in self.__slots__ if name != "number"}
        return Finding(miniature=miniatures[self.number], **found)


MOST_EXAMPLES: Final = 30
"""Examples of a property that are tried over HTTP, where each request takes ten times as long."""
OF_HTTP: Final = "properties/transport/"
"""How the ids of properties begin that try more where there is HTTP than they did when they were rehearsed."""
ENOUGH: Final = 3
"""Parts that accuse a server over HTTP, after which no more are asked: some of these servers make everything slow."""

_WORK: Final[list[Work]] = []


def _begin() -> None:
    """Leave Ctrl-C to the process that gathers the findings."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _judge(number: int) -> Judged:
    return _WORK[-1].judge(number)


def run_miniatures(work: Work, jobs: int) -> Iterator[Finding]:
    """Yield a finding for each miniature as it comes; with more than one job, in no certain order."""
    numbers = range(len(work.miniatures))
    if jobs == 1 or "fork" not in multiprocessing.get_all_start_methods():
        yield from (work.judge(number).read(work.miniatures) for number in numbers)
        return
    _WORK.append(work)
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("fork"), _begin)
    try:
        for done in as_completed([pool.submit(_judge, number) for number in numbers]):
            yield done.result().read(work.miniatures)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        _WORK.pop()


def find_verdicts_over_http(
    miniature: Miniature, rehearsals: Sequence[Rehearsal], stage: Stage, *, thorough: bool = False
) -> Iterator[Verdict]:
    """Yield the verdicts of parts on a miniature that is spoken to over HTTP; all of them are played."""
    assert miniature.wire is not None
    accused = 0
    with serve_loopback(miniature.make(WallClock()), miniature.wire) as url:
        try:
            patience = 30.0 if miniature.is_legal else 5.0
            options = Options(target=url, profile=profile_path(), announce=lambda _: None, timeout=patience)
            session = open_session(options)
        except ConformanceError as error:
            yield rehearsals[0], f"could not be judged: {error}"
            return
        channel, session.every = session.target.channel, stage.every
        try:
            for rehearsal in choose_over_http(rehearsals):
                if accused >= ENOUGH or (accused and rehearsal.is_dear and not thorough):
                    return
                given = None if rehearsal.part.id.startswith(OF_HTTP) else rehearsal.examples(None)
                given = None if given is None else given[:MOST_EXAMPLES]
                session.target = replace(session.target, channel=Rehearsed(channel=channel, given=given))
                text = judged(rehearsal.part, session)
                accused += text is not None
                yield rehearsal, text
        finally:
            session.close()


def choose_over_http(rehearsals: Sequence[Rehearsal]) -> Iterator[Rehearsal]:
    """Yield what is played over HTTP: everything, but one upload of 70 MB only."""
    is_sent = False
    for rehearsal in rehearsals:
        if rehearsal.tape.is_heavy and is_sent:
            continue
        is_sent = is_sent or rehearsal.tape.is_heavy
        yield rehearsal

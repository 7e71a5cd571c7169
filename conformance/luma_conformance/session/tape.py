"""Puts a recorder before a target, and a recording in a target's place."""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from luma_conformance.catalogue import files as casefiles
from luma_conformance.catalogue.media import abbreviate, expand, supply
from luma_conformance.catalogue.roles import MAIN_KEY
from luma_conformance.errors import CouldNotJudge, InputError
from luma_conformance.judge.play import Target, make_lookup
from luma_conformance.model import Request, Response
from luma_conformance.recording import har
from luma_conformance.recording.cassette import FORMAT, Player, Recorder, Storing
from luma_conformance.recording.entry import About
from luma_conformance.recording.har_entry import scrubbed
from luma_conformance.redaction.redactor import Redactor, find_keys, printable
from luma_conformance.redaction.storable import storable_body, storable_headers
from luma_conformance.session.session import Judging, Wanted
from luma_conformance.target.profile import FAST_CLOCK, Key, Profile
from luma_conformance.target.spending import Spending

DAY: Final = 86_400


def record(judging: Judging, profile: Profile, path: Path, redactor: Redactor) -> Judging:
    """Returns the same target with a recorder before it; raises InputError where the file cannot be written.

    A recording goes on only with the target and the profile it began with: they are said once, of all of it.
    """
    about = {
        "format": FORMAT,
        "base_url": judging.base_url,
        "free": judging.spending.limit is None,
        "profile": _facts(profile),
    }
    begun = har.about(path) if path.exists() and path.stat().st_size else {}
    if begun and begun != json.loads(json.dumps(scrubbed(about, redactor.scrub))):
        began = f"is a recording of {begun.get('base_url')}, or made with another profile"
        raise InputError(f"{path} {printable(began)}; name another file")
    # A client's time may be advanced by every process that asks with its key, and each knows of its own part only.
    run = {"kit": _kit(), "catalogue": casefiles.digest(), "process": uuid.uuid4().hex[:12]}
    writer = har.Writer(path, about, scrub=redactor.scrub)
    recorder = Recorder(judging.target.channel, writer, judging.base_url, _storing(redactor), run)

    def close() -> None:
        recorder.close()
        writer.close()
        judging.close()

    return replace(judging, target=replace(judging.target, channel=recorder, tape=recorder), close=close)


def play(path: Path, wanted: Wanted) -> Judging:
    """Returns a recording as a target; raises InputError for what is none, CouldNotJudge for one that is too old."""
    redactor = wanted.redactor
    player = Player(path, _storing(redactor), redactor.find_secret)
    age = max(0.0, time.time() - player.oldest)
    if wanted.max_age is not None and age > wanted.max_age:
        allowed = f"--luma-cassette-max-age allows {wanted.max_age / DAY:g} days"
        raise CouldNotJudge(f"{path} was recorded {_ago(age)}, and {allowed}; record it again")
    about = player.about
    profile = _profile(about, path)
    base_url = str(about["base_url"])
    target = Target(
        channel=player,
        value=make_lookup(profile.values, supply),
        token=lambda role: profile.keys[role].token,
        missing=profile.missing,
        run="luma-replayed",
        tape=player,
    )
    day = f"{datetime.fromtimestamp(player.oldest, UTC):%Y-%m-%d}"
    return Judging(
        shown=f"{path}, a recording of {printable(base_url)}, made {_ago(age)} ({day})",
        base_url=base_url,
        main_key=profile.keys[MAIN_KEY],
        target=target,
        spending=Spending(_Nothing(), limit=None if about.get("free") is True else 10**9),
        scrub=lambda text: printable(redactor.scrub(text)),
        close=lambda: None,
        recorded=True,
        exact=wanted.exact,
        deviations=wanted.deviations,
    )


def ask_again(cases: Collection[str], base_url: str, path: Path, *, profile: Path | None, spend: int) -> None:
    """Records what a server answers now to some cases, by id; raises InputError or CouldNotJudge.

    A case that would cost more than allowed is not asked.
    """
    chosen = [case for case in casefiles.own() if case.id in cases]
    if not chosen:
        hint = "`pytest --luma-record FILE` makes one"
        raise InputError(f"a server can be asked again only what a recording of this kit has; {hint}")
    redactor = Redactor(find_keys(os.environ))
    wanted = Wanted(base_url=base_url, profile=profile, spend=spend, record=path, redactor=redactor, announce=_say)
    judging = Judging.begin(wanted)
    try:
        for case in chosen:
            judging.run(case)
    finally:
        judging.close()


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def part(path: Path, worker: str) -> Path:
    """Returns the file in which a worker records its part of a recording."""
    return path.with_name(f"{path.stem}.{worker}{path.suffix}")


def gather(path: Path, workers: Iterable[str]) -> None:
    """Appends what a run's workers recorded to the recording they are parts of, and removes the parts.

    Raises InputError, and removes nothing, where that cannot be done.
    """
    parts = [file for worker in sorted(workers) if (file := part(path, worker)).exists()]
    har.merge(path, parts)
    for file in parts:
        file.unlink()


class _Nothing:
    """A Transport that has nobody to ask."""

    def send(self, request: Request) -> Response:
        raise AssertionError("a recording is asked through its channel")


def _facts(profile: Profile) -> About:
    return {
        "name": profile.name,
        "keys": {role: key.source for role, key in profile.keys.items()},
        "values": dict(profile.values),
        "offers": sorted(profile.offers | ({FAST_CLOCK} if profile.clock else set())),
        "absent": dict(profile.absent),
    }


def _profile(about: About, path: Path) -> Profile:
    facts = about.get("profile")
    if not isinstance(facts, Mapping) or not isinstance(about.get("base_url"), str):
        raise InputError(f"{path} does not say what was recorded; record again")
    keys, values, absent = (_texts(facts.get(name)) for name in ("keys", "values", "absent"))
    if MAIN_KEY not in keys:
        raise InputError(f"{path} does not say with which main key it was recorded; record again")
    offers = facts.get("offers")
    return Profile(
        name=str(facts.get("name")),
        keys={role: Key(token=source, source=source) for role, source in keys.items()},
        values=values,
        offers=frozenset(map(str, offers if isinstance(offers, list) else ())),
        absent=absent,
    )


def _texts(value: object) -> dict[str, str]:
    return {str(name): str(text) for name, text in value.items()} if isinstance(value, Mapping) else {}


def _storing(redactor: Redactor) -> Storing:
    def request(asked: Request) -> Request:
        return replace(
            asked,
            url=redactor.scrub(asked.url),
            headers=storable_headers(asked.headers, redactor),
            body=storable_body(asked.body, redactor).encode("utf-8", "surrogatepass"),
        )

    def response(answer: Response) -> Response:
        return replace(answer, headers=storable_headers(answer.headers, redactor))

    return Storing(request=request, response=response, fold=abbreviate, unfold=expand)


def _ago(seconds: float) -> str:
    """Returns an age in words."""
    for size, word in ((DAY, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {word}{'s' * (count != 1)} ago"
    return "just now"


def _kit() -> str:
    try:
        return version("luma-agents-conformance")
    except PackageNotFoundError:
        return "0"

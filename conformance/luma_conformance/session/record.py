"""Sessions recorded in a file, and recordings opened as sessions."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import luma_conformance
from luma_conformance.catalogue import files as catalogue_files
from luma_conformance.catalogue.media import abbreviate, expand
from luma_conformance.catalogue.roles import MAIN_KEY
from luma_conformance.errors import CouldNotJudge, InputError
from luma_conformance.judge.patience import Patience
from luma_conformance.judge.play import Target
from luma_conformance.model import Exchange, Request, Response
from luma_conformance.recording import har
from luma_conformance.recording.entry import About
from luma_conformance.recording.har_entry import scrub_data
from luma_conformance.recording.player import Player
from luma_conformance.recording.recorder import FORMAT, Recorder, Storing
from luma_conformance.redaction.credentials import find_credentials
from luma_conformance.redaction.redactor import Redactor
from luma_conformance.redaction.storable import storable_body, storable_headers
from luma_conformance.report.result import count_noun
from luma_conformance.session.session import Session
from luma_conformance.target.profile import FAST_CLOCK, Key, Profile
from luma_conformance.target.spending import Spending

DAY: Final = 86_400
SKEW: Final = 3_600
"""Seconds by which the clock of the machine that recorded may have been ahead of this one's."""


def record(session: Session, path: Path, redactor: Redactor) -> Session:
    """Return the session with a recorder around its target; raise InputError if the file cannot be written.

    A recording can only be continued with the target and profile it began with, because it stores them once.
    """
    about = {
        "format": FORMAT,
        "base_url": session.base_url,
        "free": session.spending.limit is None,
        "profile": _list_facts(session.target.profile),
        **({} if (patience := session.target.patience.seconds) is None else {"patience": patience}),
    }
    begun = har.read_about(path) if path.exists() and path.stat().st_size else {}
    if begun and begun != json.loads(json.dumps(scrub_data(about, redactor.scrub))):
        began = f"is a recording of {begun.get('base_url')}, or made with another profile or patience"
        raise InputError(f"{path} {began}; name another file")
    # Every process that uses a key may advance its client's clock, and knows only what it advanced itself.
    run = {"kit": luma_conformance.__version__, "catalogue": catalogue_files.digest(), "process": uuid.uuid4().hex[:12]}
    writer = har.Writer(path, about, scrub=redactor.scrub)
    prepared = session.prepared
    recorder = Recorder(
        session.target.channel,
        writer,
        session.base_url,
        _make_storing(redactor),
        lambda: {**run, **(prepared.as_data() if prepared is not None else {})},
    )
    close = session.close

    def close_all() -> None:
        recorder.end_example()
        writer.close()
        close()

    return replace(session, target=replace(session.target, channel=recorder), close=close_all)


def replay(path: Path, redactor: Redactor, max_age: float | None = None) -> Session:
    """Open a recording as a session; raise InputError for any other file, CouldNotJudge for one that is too old.

    `max_age` is in seconds.
    """

    def learn(exchange: Exchange) -> None:
        # A recording of the kit's has no credentials but those that somebody put there; a key is refused.
        others = tuple(field for field in exchange.request.headers if field[0].lower() != "authorization")
        redactor.add_recorded(find_credentials(replace(exchange.request, headers=others), exchange.response))

    player = Player(path, _make_storing(redactor), redactor.find_secret, learn)
    age = time.time() - player.oldest
    if max_age is not None and age < -SKEW:
        raise CouldNotJudge(f"{path} is {_describe_age(age)}, so that its age is not known; record it again")
    if max_age is not None and age > max_age:
        allowed = f"--luma-max-age allows {max_age / DAY:g} days"
        raise CouldNotJudge(f"{path} was {_describe_age(age)}, and {allowed}; record it again")
    about = player.about
    base_url = str(about.get("base_url"))
    day = _name_day(player.oldest)
    return Session(
        shown=f"{path}, a recording of {base_url}, {_describe_age(age)} ({day})",
        base_url=base_url,
        target=Target(
            channel=player,
            profile=_read_profile(about, path),
            run="luma-replayed",
            preparation=player,
            patience=_read_patience(about),
        ),
        spending=Spending(_Nothing(), limit=None if about.get("free") is True else 10**9),
        scrub=redactor.show,
        recorded=True,
    )


def name_part(path: Path, worker: str) -> Path:
    """Return the file in which a worker records its part of a recording."""
    return path.with_name(f"{path.stem}.{worker}{path.suffix}")


def gather(path: Path, workers: Iterable[str]) -> None:
    """Append the recordings of a run's workers to the whole recording, and remove them.

    Raise InputError, and remove nothing, if that fails. A part is empty where its worker could write nothing.
    """
    parts = [file for worker in sorted(workers) if (file := name_part(path, worker)).exists()]
    har.merge(path, [file for file in parts if file.stat().st_size])
    try:
        for file in parts:
            file.unlink()
    except OSError as error:
        raise InputError(f"{path} is whole, but {file} cannot be removed: {error.strerror}") from None


class _Nothing:
    """A Transport that nothing may be sent through."""

    def send(self, request: Request) -> Response:
        raise AssertionError("a recording is asked through its channel")


def _list_facts(profile: Profile) -> About:
    return {
        "name": profile.name,
        "keys": {role: key.source for role, key in profile.keys.items()},
        "values": dict(profile.values),
        "offers": sorted(profile.offers | ({FAST_CLOCK} if profile.clock else set())),
        "absent": dict(profile.absent),
        **({"roles": dict(profile.roles)} if profile.roles else {}),
        **({"lacks": sorted(profile.lacks)} if profile.lacks else {}),
    }


def _read_profile(about: About, path: Path) -> Profile:
    facts = about.get("profile")
    if not isinstance(facts, Mapping) or not isinstance(about.get("base_url"), str):
        raise InputError(f"{path} does not say what was recorded; record again")
    keys, values, absent = (_read_texts(facts.get(name)) for name in ("keys", "values", "absent"))
    if MAIN_KEY not in keys:
        raise InputError(f"{path} does not say with which main key it was recorded; record again")
    offers, lacks = (
        [*map(str, given)] if isinstance(given := facts.get(name), list) else [] for name in ("offers", "lacks")
    )
    return Profile(
        name=str(facts.get("name")),
        keys={role: Key(token=source, source=source) for role, source in keys.items()},
        values=values,
        offers=frozenset(offers),
        absent=absent,
        roles=_read_texts(facts.get("roles")),
        lacks=frozenset(lacks),
    )


def _read_patience(about: About) -> Patience:
    """Return the patience a recording was made with: with another it would end elsewhere."""
    seconds = about.get("patience")
    return Patience(seconds=float(seconds) if isinstance(seconds, int | float) else None)


def _read_texts(value: object) -> dict[str, str]:
    return {str(name): str(text) for name, text in value.items()} if isinstance(value, Mapping) else {}


def _make_storing(redactor: Redactor) -> Storing:
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


def _name_day(moment: float) -> str:
    try:
        return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d}"
    except (OverflowError, OSError, ValueError):
        return "no day of any calendar"


def _describe_age(seconds: float) -> str:
    """Return an age in words, to follow "is" or "was"."""
    if seconds < -SKEW:
        return "dated in the future by this machine's clock"
    for size, word in ((DAY, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            return f"made {count_noun(int(seconds // size), word)} ago"
    return "made just now"

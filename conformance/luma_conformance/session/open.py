"""Targets opened as sessions: the embedded reference, a live server, or a recording.

What only one of the three needs is imported where it is opened, so that no run waits for the other two.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from typing import Final, Protocol

from luma_conformance.arguments import UNSET
from luma_conformance.catalogue.roles import CLIENTLESS, MAIN_KEY
from luma_conformance.errors import CouldNotJudge, ExchangeError, InputError
from luma_conformance.judge.deviations import Deviations
from luma_conformance.judge.patience import Patience
from luma_conformance.judge.play import Target
from luma_conformance.model import Clock, Request, Transport
from luma_conformance.redaction.redactor import LearningTransport, Redactor
from luma_conformance.session.prepare import Prepared
from luma_conformance.session.progress import Progress
from luma_conformance.session.session import Session
from luma_conformance.target.bounds import Bounds
from luma_conformance.target.channel import LiveChannel, Passing, TimeRequest
from luma_conformance.target.gateway import Gateway
from luma_conformance.target.pacing import PATIENCE, Pacing, Traffic
from luma_conformance.target.preflight import check_clock, preflight
from luma_conformance.target.profile import (
    SERVER,
    ClockAdvance,
    Profile,
    load_profile,
    make_bare_profile,
    parse_profile,
)
from luma_conformance.target.spending import Spending

CASSETTE: Final = "cassette:"
"""The prefix of a base URL that names a recording."""
EMBEDDED: Final = "the embedded reference, in process"
"""The name of the target that is judged if there is no base URL."""
PROFILE: Final = ".toml"
"""The suffix of a target that is a profile."""
WELL_KNOWN: Final = "/.well-known/luma-conformance.toml"
"""Where a server on this machine may publish its own profile, test keys only."""


class Widen(Protocol):
    """A function that adds to a profile what may be true beside it, to be asked."""

    def __call__(self, claimed: Profile, published: Profile | None, *, loopback: bool) -> Profile:
        """Return the wider profile; `published` is what the target itself publishes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a run judges, and how.

    `target` is a base URL, a recording (`cassette:FILE`) or the file of a profile that has a base URL. `timeout` is in
    seconds, `spend` in accepted generations, `max_age`, the age a recording may have, in seconds. `patience` is how
    many seconds one generation may take; by default as many as each case says. `lenient`: another wording is a warning.
    `announce` is called with what the user should know; `progress` shows what the run is doing. `record` is the file
    that keeps the exchanges. `redactor` scrubs all that the run writes; the target's secrets are added to it. `alone`
    is false where other workers of the run judge the same target; of so many `workers` this is number `worker`, from 0,
    which keeps to its share of a limit. `gateway` is added to each request to a
    server. `widen`: the profile is in doubt, and so is its clock.
    """

    target: str | None = None
    profile: Path | None = None
    spend: int = 0
    timeout: float = 30.0
    lenient: bool = False
    announce: Callable[[str], None] = print
    progress: Progress | None = None
    patience: float | None = None
    record: Path | None = None
    max_age: float | None = None
    redactor: Redactor = field(default_factory=Redactor)
    deviations: Deviations = field(default_factory=Deviations)
    alone: bool = True
    worker: int = 0
    workers: int = 1
    widen: Widen | None = None
    gateway: Gateway = field(default_factory=Gateway)


def open_session(options: Options) -> Session:
    """Open the target and make sure it can be judged; raise InputError or CouldNotJudge."""
    target, file = options.target, options.profile
    if target is not None and target.startswith(CASSETTE):
        return _open_recording(target.removeprefix(CASSETTE), options)
    if target is not None and target.endswith(PROFILE) and "://" not in target:
        if file is not None:
            raise InputError(f"{target} and {file} are both profiles; name one of them")
        file, target = Path(target), None
    profile = load_profile(file, os.environ) if file is not None else None
    base_url = target or (profile.base_url if profile is not None else None)
    session = _open_embedded(profile, options) if base_url is None else _open_live(base_url, profile, options)
    session.profile = str(file) if file is not None else None
    return session


def _open_recording(path: str, options: Options) -> Session:
    if options.profile is not None or options.record is not None:
        other = "--luma-profile" if options.profile is not None else "--luma-record"
        raise InputError(f"{other} does not go with a recording, which has its profile in it and is not recorded")
    if not path.strip():
        raise InputError(f"{CASSETTE} names no file; write {CASSETTE}run.har; {UNSET}")
    from luma_conformance.session.record import replay

    session = replay(Path(path), options.redactor, options.max_age)
    session.lenient, session.deviations = options.lenient, options.deviations
    return session


def _open_embedded(profile: Profile | None, options: Options) -> Session:
    from luma_conformance.reference import InProcess, Settings, profile_path

    # Its clock only moves when asked to, so nothing would ever leave the main client's window or slots.
    transport = InProcess(Settings(rpm=10**9, concurrency=10**9))
    given, profile = profile, profile or load_profile(profile_path(), {})
    if why := profile.missing(MAIN_KEY):
        raise CouldNotJudge(f"there is no key for the embedded reference: {why}")
    session = open_in_process(transport, transport.clock, profile, options)
    if given is not None:
        check_session_clock(session)
    return _record_if_asked(session, options)


def open_in_process(transport: Transport, clock: Clock, profile: Profile, options: Options) -> Session:
    """Open a target that is part of this process, such as a miniature; nothing about it is checked."""
    from luma_conformance.reference.origin import ORIGIN

    spending = Spending(transport, limit=None)
    passing = _make_passing(spending, clock, profile)
    channel = LiveChannel(transport=passing, patient=passing, passing=passing)
    if options.progress is not None:
        channel = replace(channel, tick=options.progress.tick)
    return _make_session(EMBEDDED, ORIGIN, channel, spending, profile, options)


def _open_live(base_url: str, profile: Profile | None, options: Options) -> Session:
    from luma_conformance.target.http import HttpTransport, is_loopback

    gateway = options.gateway.or_else(profile.gateway) if profile is not None else options.gateway
    options.redactor.add(gateway.secrets)
    transport = HttpTransport(base_url, bounds=Bounds(total=options.timeout), gateway=gateway)
    try:
        loopback = is_loopback(base_url)
        if profile is not None:  # one that the target publishes cannot lead the kit anywhere
            transport.follow_to(profile.origins)
        published = _read_published(transport) if loopback and (profile is None or options.widen) else None
        profile = profile or published or make_bare_profile(os.environ)
        profile = options.widen(profile, published, loopback=loopback) if options.widen is not None else profile
        if not options.alone and profile.clock is not None and profile.clock.scope == SERVER:
            # What one worker advanced would pass for the others, who would not know, in the middle of their cases.
            profile = profile.without_clock("workers share the one clock of the server; run it without -n")
        if why := profile.missing(MAIN_KEY):
            preflight(transport, None)
            raise CouldNotJudge(f"there is no key for {base_url}: {why}")
        spending = Spending(LearningTransport(transport, options.redactor), limit=None if loopback else options.spend)
        channel = _make_live_channel(spending, profile, options)
        session = _make_session(f"{base_url}, {profile.name}", base_url, channel, spending, profile, options)
        session.remote, session.close, session.added = True, transport.close, gateway.shown
        session = _record_if_asked(session, options)
        session.check()
        if options.widen is None:
            check_session_clock(session)
    except ExchangeError as error:
        hint = transport.suggest()
        transport.close()
        raise CouldNotJudge(f"{error}{hint}") from None
    except BaseException:
        transport.close()
        raise
    return session


def check_session_clock(session: Session) -> None:
    """Raise CouldNotJudge where the profile names a clock that does not answer; it moves by a second at most."""
    profile, channel = session.target.profile, session.target.channel
    if profile.clock is None:
        return
    headers = _make_headers(profile)
    request = _make_time_request(profile.clock, headers)(0, headers[MAIN_KEY])
    check_clock(session.spending, request, lambda: channel.sleep(1, MAIN_KEY))


def _make_session(
    shown: str, base_url: str, channel: LiveChannel, spending: Spending, profile: Profile, options: Options
) -> Session:
    redactor = options.redactor
    redactor.add(profile.secrets)

    main = Request(method="GET", url="/", headers=(("Authorization", f"Bearer {profile.keys[MAIN_KEY].token}"),))
    prepared = Prepared(
        spending=spending,
        profile=profile,
        now=lambda: channel.passing.now(main),
        announce=options.announce,
        scrub=redactor.show,
        patience=PATIENCE if options.patience is None else options.patience,
    )
    return Session(
        shown=shown,
        base_url=base_url,
        target=Target(
            channel=channel,
            profile=profile,
            run=f"luma-{uuid.uuid4().hex[:8]}",
            preparation=prepared,
            patience=Patience(seconds=options.patience),
        ),
        spending=spending,
        scrub=redactor.show,
        hide=redactor.hide,
        lenient=options.lenient,
        deviations=options.deviations,
        prepared=prepared,
        traffic=channel.transport if isinstance(channel.transport, Traffic) else None,
    )


def _record_if_asked(session: Session, options: Options) -> Session:
    if options.record is None:
        return session
    from luma_conformance.session.record import record

    return record(session, options.record, options.redactor)


def _make_live_channel(transport: Transport, profile: Profile, options: Options) -> LiveChannel:
    from luma_conformance.target.http import RealClock

    progress = options.progress or Progress(None)
    passing = _make_passing(transport, RealClock(), profile)
    passing.announce, passing.show = options.announce, progress.show
    roles = {authorization: role for role, authorization in reversed([*_make_headers(profile).items()])}
    traffic = Traffic(
        transport=passing,
        passing=passing,
        roles=roles,
        per_minute=profile.requests_per_minute,
        worker=options.worker,
        workers=options.workers,
    )
    patience = PATIENCE if options.patience is None else options.patience
    patient = Pacing(traffic=traffic, patience=patience, shared=not options.alone, show=progress.show)
    return LiveChannel(transport=traffic, patient=patient, passing=passing, tick=progress.tick)


def _read_published(transport: Transport) -> Profile | None:
    """Return the profile a server on this machine publishes, or None; it may hold test keys, never read a variable."""
    try:
        response = transport.send(Request(method="GET", url=WELL_KNOWN))
        if response.status != HTTPStatus.OK:
            return None
        return parse_profile(response.body.decode(), f"the profile it publishes at {WELL_KNOWN}", {})
    except (InputError, UnicodeDecodeError):
        return None  # preflight reports what is wrong with the target


def _make_headers(profile: Profile) -> dict[str, str]:
    """Return the Authorization header of each role that has a key."""
    return {role: f"Bearer {key.token}" for role, key in profile.keys.items()}


def _make_passing(transport: Transport, clock: Clock, profile: Profile) -> Passing:
    headers = _make_headers(profile)
    # The two keys are of one client by their definition, and its clock, if it has one of its own, is that of both.
    same = {headers["second-key"]: headers[MAIN_KEY]} if "second-key" in headers else {}
    advance = profile.clock
    return Passing(
        transport=transport,
        clock=clock,
        ask=_make_time_request(advance, headers) if advance is not None else None,
        shared=advance is not None and advance.scope == SERVER,
        authorize=headers.__getitem__,
        same=same,
        known={header for role, header in headers.items() if role not in CLIENTLESS},
    )


def _make_time_request(advance: ClockAdvance, headers: Mapping[str, str]) -> TimeRequest:
    """Return a function that makes the requests which advance a target's clock, as its profile says."""
    known = frozenset(headers.values())

    def request(seconds: int, authorization: str) -> Request:
        # A clock opens to keys of the profile; what other headers some requests carry is meant to be refused.
        own = headers[advance.key] if advance.key is not None else authorization
        sent = own if own in known else headers[MAIN_KEY]
        body = advance.fill(seconds)
        typed = (("Content-Type", advance.content_type),) if body else ()
        return Request(
            method=advance.method, url=advance.url(seconds), headers=(("Authorization", sent), *typed), body=body
        )

    return request

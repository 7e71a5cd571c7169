"""The targets of a run, opened when first used; and the ways to end a run that cannot go on."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import NoReturn

import pytest

import luma_conformance
from luma_conformance.arguments import UNSET
from luma_conformance.catalogue import files as catalogue_files
from luma_conformance.catalogue.roles import ROLES
from luma_conformance.errors import ConformanceError, Exit, find_status
from luma_conformance.judge.deviations import Deviations
from luma_conformance.pytest_plugin.run import OTHER_SESSION, SESSION, guard, read_label, run_of
from luma_conformance.pytest_plugin.tally import now
from luma_conformance.report.result import Run
from luma_conformance.session.open import Options, open_session
from luma_conformance.session.session import Session
from luma_conformance.shown import NOTHING, one_line
from luma_conformance.target.gateway import Gateway, parse_certificate, parse_header
from luma_conformance.target.usage import take_share


def session_of(item: pytest.Item) -> Session:
    """Return the run's target, opened when first used; end the run if it cannot be opened."""
    config = item.config
    if (session := config.stash.get(SESSION, None)) is None:
        if run_of(config).tally.stop is not None:
            pytest.skip("not judged: the run was ended")
        options = _make_options(config)
        session = config.stash[SESSION] = _open(item, options)
        if (against := config.getoption("luma_against")) is not None:
            other = replace(options, target=against, profile=None, record=None, gateway=Gateway())
            config.stash[OTHER_SESSION] = _open(item, other)
    return session


def describe_run(config: pytest.Config) -> Run:
    """Return the description of the run: its target, which is open, and the versions of everything involved."""
    session, other = config.stash[SESSION], config.stash.get(OTHER_SESSION, None)
    given, show = session.target.profile, session.scrub
    run = Run(
        target=one_line(show(session.shown)),
        label=read_label(config),
        against=one_line(other.scrub(other.shown)) if other is not None else NOTHING,
        kit=show(luma_conformance.__version__),
        pytest=show(pytest.__version__),
        python=show(platform.python_version()),
        catalogue=show(catalogue_files.digest() if run_of(config).wants_report else ""),
        transcribed=show(catalogue_files.TRANSCRIBED),
        profile=one_line(show(session.profile or "")),
        offers=tuple(show(role) for role in (*ROLES, *given.roles) if given.missing(role) is None),
        started=show(now()),
    )
    return run_of(config).scope.describe(run, config.getoption("luma_require"))


def check_requirements(session: pytest.Session) -> None:
    """End a run that requires a role which none of the cases that there are needs: it could never be met."""
    scope, required = run_of(session.config).scope, session.config.getoption("luma_require")
    for wanted in [one for one, number in scope.count_required(required).items() if not number] if required else ():
        near = get_close_matches(wanted, {role for case in scope.every_case for role in case.needs}, n=1, cutoff=0.8)
        advice = f"did you mean {near[0]}?" if near else "`luma-conformance profile --init` lists the roles"
        halt(session, Exit.USAGE, f"--luma-require {wanted}: no case needs such a role; {advice}")


def account(item: pytest.Item) -> None:
    """Add up the accepted generations, and end the run if there are more than allowed."""
    stashed = (item.config.stash.get(key, None) for key in (SESSION, OTHER_SESSION))
    sessions = [session for session in stashed if session is not None]
    tally = run_of(item.config).tally
    tally.spent = sum(session.spent for session in sessions)
    tally.made = sum((session.made for session in sessions), Counter())
    for session in sessions:
        if (why := session.overspent) is not None:
            halt(item.session, Exit.SPENT, why)


def stop(item: pytest.Item, status: Exit, message: str) -> NoReturn:
    """End the run after this item, which is not judged; the summary says why."""
    halt(item.session, status, message)
    pytest.skip("not judged: the run was ended")


def halt(session: pytest.Session, status: Exit, message: str) -> None:
    """End the run after the current item; the summary says why."""
    run_of(session.config).tally.halt(status, message)
    session.shouldstop = "the run was ended; the summary says why"


def read_deviations(config: pytest.Config) -> Deviations:
    """Return the known deviations of a run; raise InputError where their file is wrong."""
    if (path := config.getoption("luma_deviations")) is None:
        return Deviations()
    from luma_conformance.session.deviations_file import load_deviations

    return Deviations(entries=load_deviations(path), today=date.today().isoformat())


def read_gateway(config: pytest.Config) -> Gateway:
    """Return what the options add to each request to the target; raise InputError where one is wrong."""
    certificate = config.getoption("luma_client_cert")
    return Gateway(
        headers=tuple(parse_header(text, os.environ) for text in config.getoption("luma_header")),
        certificate=parse_certificate(certificate) if certificate is not None else None,
    )


def find_worker(worker: Mapping[str, object] | None) -> tuple[int, int]:
    """Return this worker's number, from 0, and how many there are."""
    if worker is None:
        return 0, 1
    return int(str(worker["workerid"]).removeprefix("gw")), int(str(worker["workercount"]))


def _open(item: pytest.Item, options: Options) -> Session:
    if run_of(item.config).blank_base_url:
        stop(item, Exit.USAGE, f"--base-url (or PYTEST_BASE_URL): the value is empty; {UNSET}")
    if not hasattr(item.config.option, "base_url"):
        stop(item, Exit.USAGE, "pytest-base-url, which says what to judge, is switched off: leave out -p no:base_url")
    try:
        return open_session(options)
    except ConformanceError as error:
        stop(item, find_status(error), str(error))


def _make_options(config: pytest.Config) -> Options:
    worker, workers = find_worker(getattr(config, "workerinput", None))
    spend = take_share(config.getoption("luma_spend"), worker, workers)
    return Options(
        target=config.getoption("base_url", None),
        profile=_name_profile(config),
        spend=spend // 2 if config.getoption("luma_against") else spend,  # each of two targets has half
        timeout=config.getoption("luma_timeout"),
        lenient=config.getoption("luma_wording") == "lenient",
        announce=run_of(config).announce,
        progress=run_of(config).progress,
        patience=config.getoption("luma_patience"),
        record=_choose_record_file(config),
        max_age=config.getoption("luma_max_age"),
        redactor=guard(config)[0],
        deviations=read_deviations(config),
        alone=not hasattr(config, "workerinput"),
        worker=worker,
        workers=workers,
        gateway=read_gateway(config),
    )


def _name_profile(config: pytest.Config) -> Path | None:
    """Return the profile's path from where pytest was started: reports and commands name it, on other machines too."""
    path: Path | None = config.getoption("luma_profile")
    if path is None or not path.is_absolute():
        return path
    try:
        return Path(os.path.relpath(path))
    except ValueError:  # on another drive
        return path


def _choose_record_file(config: pytest.Config) -> Path | None:
    """Return the file to record in; each worker has its own, and all are merged at the end."""
    path: Path | None = config.getoption("luma_record")
    worker = getattr(config, "workerinput", None)
    if path is None or worker is None:
        return path
    from luma_conformance.session.record import name_part

    return name_part(path, worker["workerid"])

"""Requests of a recording sent again to a server."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from luma_conformance.catalogue import files as catalogue_files
from luma_conformance.errors import InputError
from luma_conformance.redaction.redactor import Redactor, find_keys
from luma_conformance.session.open import Options, open_session
from luma_conformance.session.progress import show_on_stderr


def ask_again(cases: Collection[str], base_url: str, path: Path, *, profile: Path | None, spend: int) -> None:
    """Record a server's present answers to some cases, by id; raise InputError or CouldNotJudge.

    A case that would cost more than allowed is left out.
    """
    chosen = [case for case in catalogue_files.own() if case.id in cases]
    if not chosen:
        hint = "`pytest --luma-record FILE` makes one"
        raise InputError(f"a server can be asked again only what a recording of this kit has; {hint}")
    redactor = Redactor(find_keys(os.environ))
    progress = show_on_stderr(redactor.show)
    options = Options(
        target=base_url,
        profile=profile,
        spend=spend,
        record=path,
        redactor=redactor,
        announce=progress.say,
        progress=progress,
    )
    session = open_session(options)
    try:
        progress.begin("asking the server again")
        for number, case in enumerate(chosen, start=1):
            progress.count(number, len(chosen), "case")
            session.run(case)
    finally:
        progress.end()
        session.close()

"""Requests of a recording sent again to a server."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from pathlib import Path

from luma_conformance.catalogue import files as catalogue_files
from luma_conformance.errors import InputError
from luma_conformance.redaction.redactor import Redactor, find_keys
from luma_conformance.session.open import Options, open_session


def ask_again(cases: Collection[str], base_url: str, path: Path, *, profile: Path | None, spend: int) -> None:
    """Record a server's present answers to some cases, by id; raise InputError or CouldNotJudge.

    A case that would cost more than allowed is left out.
    """
    chosen = [case for case in catalogue_files.own() if case.id in cases]
    if not chosen:
        hint = "`pytest --luma-record FILE` makes one"
        raise InputError(f"a server can be asked again only what a recording of this kit has; {hint}")
    redactor = Redactor(find_keys(os.environ))
    options = Options(
        target=base_url, profile=profile, spend=spend, record=path, redactor=redactor, announce=_print_notice
    )
    session = open_session(options)
    try:
        for case in chosen:
            session.run(case)
    finally:
        session.close()


def _print_notice(text: str) -> None:
    print(text, file=sys.stderr)

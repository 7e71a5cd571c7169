"""Recordings read for the commands: in any format, with keys hidden, and with progress shown for long files."""

from __future__ import annotations

import codecs
import re
import sys
import time
from collections.abc import Callable, Iterator
from typing import Final

from luma_conformance.cli.output import clear_line, redactor, show, warn
from luma_conformance.errors import InputError
from luma_conformance.recording import har, vcr
from luma_conformance.recording.entry import Entry, Odd
from luma_conformance.recording.foreign import explain_foreign
from luma_conformance.recording.opening import Openable, open_recording
from luma_conformance.redaction.credentials import find_credentials
from luma_conformance.shown import Shown

EVERY: Final = 0.5
"""Seconds between two progress messages on a terminal."""

_CASSETTE: Final = re.compile(rb'\{\s*"(?:version"\s*:\s*\d|(?:http_)?interactions"|"recorded_with")')
_MADE_FOR_IT: Final = re.compile(rb'"log"\s*:|interactions"?\s*:|\[\s*\{[^{}]*"scope"\s*:')
_KEY: Final = re.compile(r"luma-api-[\w.~-]+|(?i:bearer)\s+(?![$<])[\w.~+/=-]{8,}", re.ASCII)


def read_recording(path: Openable, odd: Odd | None = None) -> Iterator[Entry]:
    """Yield the exchanges of a recording in any format, detected from its content; raise InputError.

    An entry that cannot be read is given to `odd`; without it, it is an InputError too. From then on, the credentials
    in it are hidden in all that the command prints.
    """
    is_har, _, foreign = _recognise(path)
    if foreign is not None:
        raise InputError(f"{path} {foreign}")
    return _hide_credentials(har.read_entries(path, odd) if is_har else vcr.read_entries(path, odd))


def _hide_credentials(entries: Iterator[Entry]) -> Iterator[Entry]:
    for entry in entries:
        exchange, known = entry.exchange, redactor()
        known.add_recorded(find_credentials(exchange.request, exchange.response))
        known.learn(exchange.response)
        yield entry


def is_recording(path: Openable) -> bool:
    """Return whether a file that was found in a folder looks like a recording."""
    return _recognise(path)[1]


def _recognise(path: Openable) -> tuple[bool, bool, str | None]:
    """Return whether a file is taken for a HAR file, whether it looks like a recording at all, or what else it is."""
    try:
        with open_recording(path) as file:
            head = file.read(4096).removeprefix(codecs.BOM_UTF8).lstrip()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    is_har = head[:1] == b"{" and not _CASSETTE.match(head)
    is_made_for_it = _MADE_FOR_IT.search(head) is not None
    return is_har, is_made_for_it, None if is_made_for_it else explain_foreign(head)


def hide_keys(text: str) -> Shown:
    """Return a text from a file as it may be shown: without keys that are known, and without what looks like one."""
    return show(_KEY.sub(_mask, text))


def _mask(found: re.Match[str]) -> str:
    return "Bearer REDACTED" if found[0][:1] in "bB" else "luma-api-REDACTED"


def watch(entries: Iterator[Entry], path: Openable, *, now: Callable[[], float] = time.monotonic) -> Iterator[Entry]:
    """Yield the entries, and show the progress of a long file if standard error is a terminal."""
    if not (sys.stderr and sys.stderr.isatty()):
        yield from entries
        return
    said, due = False, now() + EVERY
    for number, entry in enumerate(entries, start=1):
        yield entry
        if now() >= due:
            said, due = True, now() + EVERY
            warn(hide_keys(f"{path}: {number} entries …"), end="\r")
    if said:
        clear_line()

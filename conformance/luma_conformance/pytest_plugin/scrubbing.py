"""Redaction of everything pytest is about to write: reports, warnings, log records, internal errors.

Everything that pytest and its plugins show or write (JUnit, logs, other reporters) comes from these.
"""

from __future__ import annotations

import logging
import re
import traceback
import warnings
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Any, Final

import pytest

from luma_conformance.shown import MAX_SHOWN, Scrub, Shown, clip_middle

_PART: Final = MAX_SHOWN * 2 // 5
"""Characters that are shown of each end of a traceback that is longer than a text may be."""

_USER: Final = re.compile(r"//[^/?#\s]*@")


def hide_user(text: str) -> str:
    """Return a text without the user names and passwords of its URLs."""
    return _USER.sub("//REDACTED@", text)


def scrub_report(
    report: pytest.TestReport | pytest.CollectReport, scrub: Scrub, known: Collection[tuple[str, object]] = ()
) -> None:
    """Remove secrets from a report: its failure or skip reason, captured output and properties.

    A traceback with a secret in it becomes plain text; one without stays as pytest made it. `known` are properties of
    the report before, which are not searched again.
    """
    if isinstance(report.longrepr, tuple):
        path, line, reason = report.longrepr
        report.longrepr = (path, line, scrub(reason))
    elif report.longrepr is not None and (text := _scrub_traceback(whole := str(report.longrepr), scrub)) != whole:
        report.longrepr = "\n\n".join([*_find_crash_line(report.longrepr, scrub), text])
    if (expected := getattr(report, "wasxfail", None)) is not None:
        vars(report)["wasxfail"] = scrub(expected)
    report.sections = [(name, scrub(content)) for name, content in report.sections]
    if isinstance(report, pytest.TestReport) and _has_secrets(report.user_properties, scrub, known):
        report.user_properties = [(name, _scrub_value(value, scrub)) for name, value in report.user_properties]


def scrub_subtest(report: pytest.TestReport, scrub: Scrub) -> None:
    """Remove secrets from the report of a subtest: also from what it was given to tell it from others."""
    scrub_report(report, scrub)
    context = vars(report)["context"]
    told = {name: str(value) for name, value in context.kwargs.items()}
    if (whole := "\n".join([context.msg or "", *told.values()])) != scrub(whole):
        shown = {name: scrub(value) for name, value in told.items()}
        vars(report)["context"] = replace(context, msg=context.msg and scrub(str(context.msg)), kwargs=shown)


def scrub_internal_error(excrepr: object, scrub: Scrub) -> None:
    """Remove secrets from the traceback that pytest prints for an internal error."""
    if (text := _scrub_traceback(whole := str(excrepr), scrub)) != whole:
        vars(excrepr)["toterminal"] = lambda terminal: terminal.line(text)  # str() and every printer call this


def scrub_interruption(excinfo: pytest.ExceptionInfo[BaseException], scrub: Scrub) -> None:
    """Remove secrets from what is shown of what ended the run: Ctrl-C, or a test's `pytest.exit`."""
    usual = excinfo.getrepr

    def getrepr(*args: Any, **more: Any) -> object:
        shown = usual(*args, **more)
        scrub_internal_error(shown, scrub)
        if (crash := shown.reprcrash) is not None:
            crash.message = scrub(crash.message)
        return shown

    vars(excinfo)["getrepr"] = getrepr


def scrub_warning(warning: warnings.WarningMessage, scrub: Scrub) -> None:
    """Remove secrets from the text of a warning."""
    if (text := scrub(whole := str(warning.message))) != whole:
        warning.message = text


def scrub_log_records(scrub: Scrub) -> Callable[[], None]:
    """Remove secrets from all log records from now on; return the function that ends this."""
    usual = logging.getLogRecordFactory()

    def record(*args: object, **kwargs: object) -> logging.LogRecord:
        made: logging.LogRecord = usual(*args, **kwargs)
        try:
            text = made.getMessage()
        except (TypeError, ValueError, KeyError):
            return made  # a format that does not fit its arguments: logging reports it
        if (shown := scrub(text)) != text:
            made.msg, made.args = shown, ()
        if made.exc_info and made.exc_info[0]:
            made.exc_text = scrub("".join(traceback.format_exception(*made.exc_info)).rstrip("\n"))
        return made

    logging.setLogRecordFactory(record)
    return lambda: logging.setLogRecordFactory(usual)


def _scrub_traceback(text: str, scrub: Scrub) -> Shown:
    """Return a traceback without secrets; of a long one, the start and the end, which says what went wrong."""
    if len(text) <= MAX_SHOWN:
        return scrub(text)
    whole_lines = text[-_PART:].partition("\n")[2]
    return scrub(clip_middle(text, _PART, len(whole_lines)))


def _find_crash_line(longrepr: object, scrub: Scrub) -> list[str]:
    """Return the line that pytest's summary should show for a traceback; it shows the first line of plain text."""
    message = getattr(getattr(longrepr, "reprcrash", None), "message", "")
    return [scrub(message).partition("\n")[0]] if message else []


def _has_secrets(properties: Iterable[tuple[str, object]], scrub: Scrub, known: Collection[tuple[str, object]]) -> bool:
    """Return whether any value holds a secret, in one search, because this runs for every phase of every case."""
    together = "\n".join(str(one[1]) for one in properties if one not in known)
    return together != "" and scrub(together) != together


def _scrub_value(value: object, scrub: Scrub) -> object:
    """Return a property's value unchanged, or as redacted text if it holds a secret."""
    text = str(value)
    return value if (shown := scrub(text)) == text else shown

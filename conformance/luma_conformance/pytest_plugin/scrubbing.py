"""Takes the secrets out of what pytest is about to write: reports, warnings, log records, internal errors.

Whatever pytest and its plugins put on screen or into a file (JUnit, a log, another reporter's) they take from these.
"""

from __future__ import annotations

import logging
import traceback
import warnings
from collections.abc import Callable, Iterable

import pytest

Scrub = Callable[[str], str]


def scrub_report(report: pytest.TestReport | pytest.CollectReport, scrub: Scrub) -> None:
    """Takes secrets out of a report: why it failed or was skipped, what was captured, and its properties.

    A traceback with a secret in it becomes plain text; one without stays as pytest made it.
    """
    if isinstance(report.longrepr, tuple):
        path, line, reason = report.longrepr
        report.longrepr = (path, line, scrub(reason))
    elif report.longrepr is not None and (text := scrub(whole := str(report.longrepr))) != whole:
        report.longrepr = "\n\n".join([*_crash(report.longrepr, scrub), text])
    report.sections = [(name, scrub(content)) for name, content in report.sections]
    if isinstance(report, pytest.TestReport) and _has_secrets(report.user_properties, scrub):
        report.user_properties = [(name, _scrubbed(value, scrub)) for name, value in report.user_properties]


def scrub_internal_error(excrepr: object, scrub: Scrub) -> None:
    """Makes a traceback that pytest prints for a bug, of its own or of a plugin's, print without secrets."""
    if (text := scrub(whole := str(excrepr))) != whole:
        vars(excrepr)["toterminal"] = lambda terminal: terminal.line(text)  # what str() and every printer go through


def scrub_warning(warning: warnings.WarningMessage, scrub: Scrub) -> None:
    """Takes secrets out of the text of a warning."""
    if (text := scrub(whole := str(warning.message))) != whole:
        warning.message = text


def scrub_log_records(scrub: Scrub) -> Callable[[], None]:
    """Takes secrets out of log records from now on, whoever writes them where; returns how to end that."""
    usual = logging.getLogRecordFactory()

    def record(*args: object, **kwargs: object) -> logging.LogRecord:
        made: logging.LogRecord = usual(*args, **kwargs)
        try:
            text = made.getMessage()
        except (TypeError, ValueError, KeyError):
            return made  # a format without its arguments: logging itself says so
        if (shown := scrub(text)) != text:
            made.msg, made.args = shown, ()
        if made.exc_info and made.exc_info[0]:
            made.exc_text = scrub("".join(traceback.format_exception(*made.exc_info)).rstrip("\n"))
        return made

    logging.setLogRecordFactory(record)
    return lambda: logging.setLogRecordFactory(usual)


def _crash(longrepr: object, scrub: Scrub) -> list[str]:
    """Returns the line a summary shows of a traceback, which it takes from the beginning of a plain text."""
    message = getattr(getattr(longrepr, "reprcrash", None), "message", "")
    return [scrub(message).partition("\n")[0]] if message else []


def _has_secrets(properties: Iterable[tuple[str, object]], scrub: Scrub) -> bool:
    """Tells whether any value has a secret in it, in one go: every phase of every case asks."""
    together = "\n".join(str(value) for _, value in properties)
    return scrub(together) != together


def _scrubbed(value: object, scrub: Scrub) -> object:
    """Returns a property's value, as it is or, where a secret is in it, as text without."""
    text = str(value)
    return value if (shown := scrub(text)) == text else shown

"""The options that the plugin adds to pytest; --base-url comes from pytest-base-url."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from luma_conformance.arguments import age, given, label, requirement, seconds, whole_number


def _parse_fuzz(text: str) -> str | int:
    """Return the value of --luma-fuzz: `gate`, `deep`, or a number of examples."""
    if text in ("gate", "deep"):
        return text
    try:
        return whole_number(1)(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither gate nor deep nor a number of examples") from None


_OPTIONS: Final[Mapping[str, dict[str, Any]]] = {
    "--luma-profile": {
        "metavar": "FILE",
        "type": Path,
        "help": "what the target offers: keys by role, media, prompts; `luma-conformance profile --init` writes one",
    },
    "--luma-spend": {
        "metavar": "N",
        "type": whole_number(0),
        "default": 0,
        "help": "off this machine, be charged for at most N generations (default 0: only sure refusals are sent)",
    },
    "--luma-header": {
        "metavar": "'NAME: VALUE'",
        "action": "append",
        "default": [],
        "help": "send this header, which a gateway wants, with every request to the target; $VARIABLE in single quotes "
        "is read from the environment, and nothing shows it; may be given more than once",
    },
    "--luma-client-cert": {
        "metavar": "FILE[,KEYFILE]",
        "help": "show this certificate, in PEM, to a target that asks for one; its key may be in the same file",
    },
    "--luma-timeout": {
        "metavar": "SECONDS",
        "type": seconds(0.001, 86_400),
        "default": 30.0,
        "help": "total time one exchange may take, body included (default 30)",
    },
    "--luma-patience": {
        "metavar": "SECONDS",
        "type": seconds(1, 86_400),
        "help": "how long one generation is polled for (default: as each case says, 5 minutes, 10 for a video); one "
        "that does not end fails once, and what needs another like it is not judged",
    },
    "--luma-against": {
        "metavar": "TARGET",
        "help": "send each case to this server too, and say where only one of the two is right: a URL, or a profile",
    },
    "--luma-wording": {
        "choices": ("exact", "lenient"),
        "default": "exact",
        "help": "whether a text for people that differs from the page's is a failure (exact) or a warning (lenient)",
    },
    "--luma-deviations": {
        "metavar": "FILE",
        "type": Path,
        "help": "wrong answers that are known, and so not red; `luma-conformance report --format deviations` drafts it",
    },
    "--luma-flaky-ok": {
        "action": "store_true",
        "help": "a case that fails, and passes when a plugin has it tried again, is shown as flaky but is not red",
    },
    "--luma-require": {
        "metavar": "N|PERCENT|ROLE",
        "type": requirement,
        "action": "append",
        "default": [],
        "help": "fail unless at least so many cases are judged, 250 or 90%% of all there are, or every case that needs "
        "what the target offers under this role, completed-video; may be given more than once",
    },
    "--luma-report": {
        "metavar": "PATH",
        "type": Path,
        "action": "append",
        "help": "write the results into a folder, in every format, or into a file whose ending says which: .html, "
        ".jsonl, .md, .json (CTRF), .svg (badge); may be given more than once",
    },
    "--luma-label": {
        "metavar": "TEXT",
        "type": label,
        "help": "what you call the build that is judged, as 2.4.1-rc2 or a commit: every report shows it",
    },
    "--luma-record": {
        "metavar": "FILE",
        "type": Path,
        "help": "keep every exchange in a HAR file, without secrets; --base-url cassette:FILE judges from it, offline",
    },
    "--luma-max-age": {
        "metavar": "AGE",
        "type": age,
        "help": "how old a recording may be: 30d, 12h, 90m; an older one is not judged",
    },
    "--luma-fuzz": {
        "metavar": "gate|deep|N",
        "type": _parse_fuzz,
        "default": "gate",
        "help": "how properties are tried: the same requests every time, each rule beside each feature and 20 drawn "
        "ones (gate), each pair of features and 5000 ever new ones, remembered (deep), or N of those of gate",
    },
    "--luma-real-time": {
        "action": "store_true",
        "help": "judge the rate limit of a target without a clock to advance by waiting: about two minutes",
    },
}


def add_options(parser: pytest.Parser) -> None:
    """Add the options to pytest's."""
    group = parser.getgroup(
        "luma", "Luma Agents API conformance (judges --base-url; without one, the embedded reference)"
    )
    for name, attributes in _OPTIONS.items():
        typed = {} if attributes.get("action") == "store_true" else {"type": given(attributes.get("type", str))}
        group.addoption(name, **attributes | typed)

"""The report formats by name: the files of each, and the functions that render them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Final

from luma_conformance.errors import InputError
from luma_conformance.report import badge, ctrf, html, junit, markdown
from luma_conformance.report import jsonl as lines
from luma_conformance.report.deviations_draft import draft
from luma_conformance.report.result import Report, Results

ONE: Final[Mapping[str, Mapping[str, Callable[[Results], str]]]] = {
    "jsonl": {"results.jsonl": lines.format_results},
    "ctrf": {"ctrf.json": ctrf.render},
    "badge": {"badge.json": badge.render_endpoint, "badge.svg": badge.render_svg},
    "junit": {"junit.xml": junit.render},
    "deviations": {"deviations.toml": lambda results: draft(results.verdicts)},
}
"""The formats that hold one run."""

MANY: Final[Mapping[str, Mapping[str, Callable[[Sequence[Results], Results | None], str]]]] = {
    "html": {"report.html": html.render},
    "md": {"summary.md": markdown.render_summaries},
}
"""The formats that hold any number of runs."""

FORMATS: Final = tuple(sorted({*ONE, *MANY} - {"deviations", "junit"}))
"""The formats of a run's report; a draft of deviations is made where it is asked for, and JUnit is pytest's own."""

_BY_SUFFIX: Final = {
    ".html": "report.html",
    ".md": "summary.md",
    ".jsonl": "results.jsonl",
    ".json": "ctrf.json",
    ".svg": "badge.svg",
    ".toml": "deviations.toml",
    ".xml": "junit.xml",
}


def parse_formats(text: str) -> tuple[str, ...]:
    """Return the formats named in a comma-separated list; raise InputError for a name that is not one."""
    words = tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    known = ", ".join(sorted([*ONE, *MANY]))
    if unknown := [word for word in words if word not in ONE and word not in MANY]:
        raise InputError(f"{', '.join(map(repr, unknown))}: no such format; there are {known}")
    if not words:
        raise InputError(f"no format is named; there are {known}")
    return words


def match_file(path: PurePath) -> str | None:
    """Return the standard file name that a user's path stands for, by its name or its suffix.

    None means a folder: no format has the suffix.
    """
    return path.name if path.name in list_file_names([*ONE, *MANY]) else _BY_SUFFIX.get(path.suffix)


def find_format(name: str) -> str:
    """Return the format that a standard file name belongs to."""
    return next(word for word in [*ONE, *MANY] if name in list_file_names([word]))


def list_file_names(words: Sequence[str]) -> tuple[str, ...]:
    """Return the file names of some formats."""
    return tuple(name for word in words for name in {**ONE, **MANY}[word])


def render(runs: Sequence[Results], words: Sequence[str], since: Results | None = None) -> dict[str, Report]:
    """Return the text of each file of some formats; raise InputError for several runs in a format of one run.

    `since` is an earlier run of the same target as the only one, whose report says what has changed.
    """
    files: dict[str, Report] = {}
    for word in words:
        if word in MANY:
            files |= {name: Report(write(runs, since)) for name, write in MANY[word].items()}
        elif len(runs) == 1:
            files |= {name: Report(write(runs[0])) for name, write in ONE[word].items()}
        else:
            raise InputError(f"{word} holds one run, not {len(runs)}; {' and '.join(MANY)} hold several")
    return files

"""The commands about recordings: `audit` judges what is in them, `diff` compares two."""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from luma_conformance.errors import Exit
from luma_conformance.recording.entry import Entry

if TYPE_CHECKING:
    from luma_conformance.audit.audit import Audit
    from luma_conformance.audit.changes import Comparison

FEW: Final = 10
"""Notes that are printed without being asked for."""
EVERY: Final = 0.5
"""Seconds between two signs of life on a terminal."""

_CASSETTE: Final = re.compile(rb'\{\s*"(?:version"\s*:\s*\d|interactions")')
_KEY: Final = re.compile(r"luma-api-[\w.~-]+|(?i:bearer)\s+(?![$<])[\w.~+/=-]{8,}", re.ASCII)


def add_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Adds `audit` and `diff` to the command."""
    _add_audit(commands)
    _add_diff(commands)


def _add_audit(commands: argparse._SubParsersAction[Any]) -> None:
    command = commands.add_parser(
        "audit",
        help="judge recorded traffic",
        description="Judges the exchanges with the API in HAR files and vcr cassettes; sends nothing.",
    )
    command.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a HAR file, or a cassette of vcrpy")
    command.add_argument("--host", metavar="H", help="only exchanges with this host, or host:port; default: any")
    command.add_argument(
        "--requests", action="store_true", help="a request that is itself refused by a rule is a finding too"
    )
    command.set_defaults(command=_audit)


def _add_diff(commands: argparse._SubParsersAction[Any]) -> None:
    command = commands.add_parser(
        "diff",
        help="compare two recordings",
        description="Says what is answered otherwise in B than in A, and whether it breaks clients. "
        "Of two files nothing is sent; a server is asked the cases that A has, off this machine within --luma-spend.",
    )
    command.add_argument("before", type=Path, metavar="A", help="a HAR file, or a cassette of vcrpy")
    command.add_argument("after", metavar="B", help="another of the same requests, or the base URL of a server")
    command.add_argument("--luma-profile", type=Path, metavar="FILE", help="what the server offers")
    command.add_argument("--luma-spend", type=_spend, default=0, metavar="N", help="accepted generations allowed")
    command.add_argument(
        "--fail-on",
        choices=("breaking", "any", "none"),
        default="breaking",
        help="when to exit with 1; default breaking",
    )
    command.set_defaults(command=_diff)


def recorded(path: Path) -> Iterator[Entry]:
    """Yields the exchanges of a recording, whatever its format, which its content tells; raises InputError."""
    from luma_conformance.errors import InputError
    from luma_conformance.recording import har
    from luma_conformance.recording import vcr as vcrfile

    try:
        with path.open("rb") as file:
            head = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    is_har = head[:1] == b"{" and not _CASSETTE.match(head)
    return har.entries(path) if is_har else vcrfile.entries(path)


def clean(text: str) -> str:
    """Returns a text out of a file as it may be shown: without keys, signatures and what commands a terminal."""
    from luma_conformance.redaction.redactor import Redactor, safe_text

    return safe_text(_KEY.sub(_hidden, Redactor().scrub(text)))


def _hidden(found: re.Match[str]) -> str:
    return "Bearer REDACTED" if found[0][:1] in "bB" else "luma-api-REDACTED"


def _audit(options: argparse.Namespace) -> Exit:
    from luma_conformance.audit.audit import Audit
    from luma_conformance.audit.lines import finding_text, refusals
    from luma_conformance.catalogue import files as casefiles

    catalogue = casefiles.own()
    audit = Audit(catalogue=catalogue, host=options.host)
    for path in options.files:
        first, first_refused = len(audit.findings), len(audit.refused)
        for entry in _watched(recorded(path), path):
            audit.add(entry)
        audit.end()
        for finding in audit.findings[first:]:
            print(finding_text(finding, catalogue, clean), end="\n\n")
        if options.requests:
            for line in refusals(audit.refused[first_refused:], clean):
                print(line, end="\n\n")
    return _conclude(audit, len(options.files), requests=options.requests)


def _conclude(audit: Audit, files: int, *, requests: bool) -> Exit:
    from luma_conformance.audit.lines import refusals

    if not requests and audit.refused:
        print("requests that are themselves refused, as the page says (--requests makes findings of them):")
        for line in refusals(audit.refused[:FEW], clean):
            print(f"  {line}")
        if len(audit.refused) > FEW:
            print(f"  … and {len(audit.refused) - FEW} more")
    hosts = clean(", ".join(sorted(audit.hosts))[:200]) or "the API"
    findings = len(audit.findings) + (len(audit.refused) if requests else 0)
    print(f"judged      {audit.judged} of {_count(audit.found, 'exchange')} with {hosts}, ", end="")
    print(f"of {audit.seen} in {_count(files, 'file')}; {_count(findings, 'finding')}")
    for reason, count in sorted(audit.not_judged.items()):
        print(f"not judged  {count}  {clean(reason)}")
    if not audit.judged:
        where = f" at {audit.host}" if audit.host else ""
        print(clean(f"luma-conformance: could not judge: no exchange with the API{where} in there"), file=sys.stderr)
        return Exit.COULD_NOT_JUDGE
    return Exit.NOT_CONFORMANT if findings else Exit.CONFORMANT


def _spend(text: str) -> int:
    if text.isascii() and text.isdecimal():
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")


@contextmanager
def _answers(options: argparse.Namespace) -> Iterator[Path]:
    """Yields the recording to compare with: a file, or what a server answers to the cases the first one has."""
    if not options.after.startswith(("http://", "https://")):
        yield Path(options.after)
        return
    from luma_conformance.session.ask_again import ask_again

    cases = {str(entry.note["item"]) for entry in recorded(options.before) if "item" in entry.note}
    with TemporaryDirectory() as folder:
        file = Path(folder) / "now.har"
        ask_again(cases, options.after, file, profile=options.luma_profile, spend=options.luma_spend)
        yield file


def _diff(options: argparse.Namespace) -> Exit:
    from luma_conformance.audit.changes import compare

    with _answers(options) as after:
        comparison = compare(_watched(recorded(options.before), options.before), _watched(recorded(after), after))
    return _tell(comparison, options)


def _tell(comparison: Comparison, options: argparse.Namespace) -> Exit:
    from luma_conformance.audit.changes import Severity

    for change, pairs in comparison.changes.items():
        old, new = pairs[0]
        more = f", and {len(pairs) - 1} more" if len(pairs) > 1 else ""
        print(clean(f"{change.severity:<9} {change.kind:<8} {change.operation}: {change.what}"))
        there = new.place if Path(options.after).exists() else str(new.note.get("item", ""))
        print(clean(f"{'':<19}{old.place}, {there}{more}"))
    _say_compared(comparison, options)
    if not comparison.compared:
        print("luma-conformance: could not compare: no request of the one is in the other", file=sys.stderr)
        return Exit.COULD_NOT_JUDGE
    fatal = {"breaking": {Severity.BREAKING}, "any": set(Severity), "none": set()}[options.fail_on]
    return Exit.NOT_CONFORMANT if any(change.severity in fatal for change in comparison.changes) else Exit.CONFORMANT


def _say_compared(comparison: Comparison, options: argparse.Namespace) -> None:
    print(f"compared    {_count(comparison.compared, 'exchange')}; {comparison.same} the same")
    for severity in dict.fromkeys(change.severity for change in comparison.changes):
        found = sum(change.severity == severity for change in comparison.changes)
        print(f"{severity:<11} {found}")
    for count, path in ((comparison.only_before, options.before), (comparison.only_after, options.after)):
        if count:
            print(clean(f"not paired  {count} only in {path}"))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _watched(entries: Iterator[Entry], path: Path, *, now: Callable[[], float] = time.monotonic) -> Iterator[Entry]:
    """Yields the entries, and says on a terminal how far it is with a long file."""
    if not (sys.stderr and sys.stderr.isatty()):
        yield from entries
        return
    said, due = False, now() + EVERY
    for number, entry in enumerate(entries, start=1):
        yield entry
        if now() >= due:
            said, due = True, now() + EVERY
            print(clean(f"{path}: {number} entries …"), end="\r", file=sys.stderr, flush=True)
    if said:
        print("\033[K", end="", file=sys.stderr, flush=True)

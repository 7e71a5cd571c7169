"""The command `audit`: other people's recordings judged."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final

from luma_conformance.audit.audit import Audit
from luma_conformance.audit.lines import format_finding, list_refusals
from luma_conformance.catalogue import files as casefiles
from luma_conformance.cli.output import say, warn
from luma_conformance.cli.parser import add_command
from luma_conformance.cli.recordings import hide_keys, is_recording, read_recording, watch
from luma_conformance.clients.recorded import Recorded, Slip
from luma_conformance.errors import Exit, InputError
from luma_conformance.recording.opening import Recording, find_recordings
from luma_conformance.report.result import count_noun
from luma_conformance.shown import Shown, cut

if TYPE_CHECKING:
    from luma_conformance.audit.audit import Audit
    from luma_conformance.cli.parser import Commands

FEW: Final = 10
"""Notes that are printed without being asked for."""


def add_commands(commands: Commands) -> None:
    """Add `audit`."""
    command = add_command(
        commands,
        "audit",
        _audit,
        purpose="judge recorded traffic",
        description="Judges the exchanges with the API in HAR files and vcr cassettes; sends nothing.",
        examples=("audit traffic.har tests/cassettes/*.yaml",),
    )
    command.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="a HAR file or a cassette, also compressed; a folder, a pattern, a .zip, or - for standard input",
    )
    command.add_argument("--host", metavar="H", help="only exchanges with this host, or host:port; default: any")
    command.add_argument(
        "--requests", action="store_true", help="a request that is itself refused by a rule is a finding too"
    )
    command.add_argument(
        "--client", action="store_true", help="judge the client too: what it did after errors, its polls and downloads"
    )
    command.add_argument(
        "--complete", action="store_true", help="nothing was filtered out: a header that no answer has is missing"
    )


def _audit(options: argparse.Namespace) -> Exit:
    catalogue = casefiles.own()
    audit = Audit(catalogue=catalogue, host=options.host, is_complete=options.complete)
    client = Recorded() if options.client else None
    count = passed_over = 0
    faults: list[InputError] = []
    for recording in _find_all(options.files, faults):
        try:
            if not recording.is_named and not is_recording(recording):
                passed_over += 1
                continue
            count += 1
            _audit_file(recording, audit, client, requests=options.requests)
        except InputError as error:
            _note_fault(error, faults)
    if passed_over:
        say(f"passed over {count_noun(passed_over, 'file')} that {'is' if passed_over == 1 else 'are'} no recording")
    if faults and not audit.seen:
        return Exit.USAGE
    return _conclude(audit, client, count, len(faults), requests=options.requests)


def _find_all(arguments: Iterable[str], faults: list[InputError]) -> Iterator[Recording]:
    """Yield the recordings that arguments name; note what is wrong with one, and go on with the next."""
    for argument in arguments:
        try:
            yield from find_recordings([argument])
        except InputError as error:
            _note_fault(error, faults)


def _note_fault(error: InputError, faults: list[InputError]) -> None:
    faults.append(error)
    warn(hide_keys(f"luma-conformance: {error}"))


def _audit_file(recording: Recording, audit: Audit, client: Recorded | None, *, requests: bool) -> None:
    """Judge one file, and print what is found in it; raise InputError where it cannot be read any further."""
    first, first_refused = len(audit.findings), len(audit.refused)
    try:
        for entry in watch(read_recording(recording, audit.add_unread), recording):
            audit.add(entry)
            if client is not None:
                client.add(entry)
    finally:
        audit.end()
        for finding in audit.findings[first:]:
            say(format_finding(finding, audit.catalogue, hide_keys), end="\n\n")
        if requests:
            for line in list_refusals(audit.refused.since(first_refused), hide_keys):
                say(line, end="\n\n")
        for slip in client.end() if client is not None else ():
            say(_format_slip(slip), end="\n\n")


def _format_slip(slip: Slip) -> Shown:
    first = f"{slip.place:<71} {slip.section}"
    rows = [f"  the page says    {slip.because} ({slip.severity})", f"  the client did   {slip.saw}"]
    return hide_keys("\n".join([first, *rows]))


def _conclude(audit: Audit, client: Recorded | None, files: int, broken: int, *, requests: bool) -> Exit:
    if not requests and audit.refused:
        say("requests that are themselves refused, as the page says (--requests makes findings of them):")
        for line in list_refusals(islice(audit.refused, FEW), hide_keys):
            say(f"  {line}")
        if len(audit.refused) > FEW:
            say(f"  … and {len(audit.refused) - FEW} more")
    hosts = cut(hide_keys(", ".join(sorted(audit.hosts))), 200) or "the API"
    findings = len(audit.findings) + (len(audit.refused) if requests else 0)
    say(f"judged      {audit.judged} of {count_noun(audit.found, 'exchange')} with {hosts}, ", end="")
    say(f"of {audit.seen} in {count_noun(files, 'file')}; {count_noun(findings, 'finding')}")
    for one in (audit, client) if client is not None else (audit,):
        for reason, count in sorted(one.not_judged.items()):
            first = f"{'the first at ' if count > 1 else ''}{one.first_places[reason]}"
            say(hide_keys(f"not judged  {count}  {reason} ({first})"))
    if client is not None:
        say(f"client      {count_noun(client.musts, 'must')} and {count_noun(client.shoulds, 'should')} broken")
    if broken:
        say(f"not read    {count_noun(broken, 'file')}, or the rest of {'it' if broken == 1 else 'them'}: see above")
    if not audit.judged:
        where = f" at {audit.host}" if audit.host else ""
        warn(hide_keys(f"luma-conformance: could not judge: no exchange with the API{where} in these files"))
        return Exit.COULD_NOT_JUDGE
    return Exit.NOT_CONFORMANT if findings or (client is not None and client.musts) else Exit.CONFORMANT

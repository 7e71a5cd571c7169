"""The command `audit`: other people's recordings judged."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from luma_conformance.audit.audit import Audit
from luma_conformance.audit.lines import format_finding, list_refusals
from luma_conformance.catalogue import files as casefiles
from luma_conformance.cli.parser import add_command
from luma_conformance.cli.recordings import hide_keys, read_recording, watch
from luma_conformance.errors import Exit
from luma_conformance.report.result import count_noun

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
    command.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a HAR file, or a cassette of vcrpy")
    command.add_argument("--host", metavar="H", help="only exchanges with this host, or host:port; default: any")
    command.add_argument(
        "--requests", action="store_true", help="a request that is itself refused by a rule is a finding too"
    )


def _audit(options: argparse.Namespace) -> Exit:
    catalogue = casefiles.own()
    audit = Audit(catalogue=catalogue, host=options.host)
    for path in options.files:
        first, first_refused = len(audit.findings), len(audit.refused)
        for entry in watch(read_recording(path), path):
            audit.add(entry)
        audit.end()
        for finding in audit.findings[first:]:
            print(format_finding(finding, catalogue, hide_keys), end="\n\n")
        if options.requests:
            for line in list_refusals(audit.refused[first_refused:], hide_keys):
                print(line, end="\n\n")
    return _conclude(audit, len(options.files), requests=options.requests)


def _conclude(audit: Audit, files: int, *, requests: bool) -> Exit:
    if not requests and audit.refused:
        print("requests that are themselves refused, as the page says (--requests makes findings of them):")
        for line in list_refusals(audit.refused[:FEW], hide_keys):
            print(f"  {line}")
        if len(audit.refused) > FEW:
            print(f"  … and {len(audit.refused) - FEW} more")
    hosts = hide_keys(", ".join(sorted(audit.hosts))[:200]) or "the API"
    findings = len(audit.findings) + (len(audit.refused) if requests else 0)
    print(f"judged      {audit.judged} of {count_noun(audit.found, 'exchange')} with {hosts}, ", end="")
    print(f"of {audit.seen} in {count_noun(files, 'file')}; {count_noun(findings, 'finding')}")
    for reason, count in sorted(audit.not_judged.items()):
        print(f"not judged  {count}  {hide_keys(reason)}")
    if not audit.judged:
        where = f" at {audit.host}" if audit.host else ""
        print(
            hide_keys(f"luma-conformance: could not judge: no exchange with the API{where} in these files"),
            file=sys.stderr,
        )
        return Exit.COULD_NOT_JUDGE
    return Exit.NOT_CONFORMANT if findings else Exit.CONFORMANT

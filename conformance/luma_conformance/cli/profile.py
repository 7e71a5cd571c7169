"""The command `profile`: write a profile to fill in, say what one offers, or ask its target whether that is true."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from luma_conformance.arguments import http_url, is_http_url, whole_number
from luma_conformance.catalogue.roles import EITHER, ROLES
from luma_conformance.cli.output import is_standard, redactor, say, scrub, show, warn, write_text
from luma_conformance.cli.parser import add_command, add_output, add_profile
from luma_conformance.errors import Exit, InputError
from luma_conformance.reading.regular_file import create_text
from luma_conformance.reading.text_file import read_text
from luma_conformance.target.profile import MAX_BYTES, load_profile, read_template

if TYPE_CHECKING:
    from luma_conformance.cli.parser import Commands
    from luma_conformance.survey.survey import Findings

PROFILE_NAME: Final = "luma-profile.toml"


def add_commands(commands: Commands) -> None:
    """Add `profile`."""
    command = add_command(
        commands,
        "profile",
        _profile,
        purpose="write a profile, say what one offers, or ask its server",
        description="Says which roles a target's profile offers, and why it does not offer the others. Given a URL, it "
        "asks the server there which of this is true, and writes the corrected profile.",
        examples=(
            "profile --init",
            "profile luma-profile.toml",
            "profile http://127.0.0.1:8080 --output luma-profile.toml",
            "profile luma-profile.toml --ask --write",
        ),
    )
    command.add_argument(
        "target", nargs="?", default=PROFILE_NAME, metavar="FILE|URL", help=f"default {PROFILE_NAME}; a URL is asked"
    )
    command.add_argument("--init", action="store_true", help="write a commented profile to fill in; never overwrites")
    command.add_argument("--ask", action="store_true", help="ask the server at the profile's base_url")
    command.add_argument("--base-url", type=http_url, metavar="URL", help="ask the server there instead")
    add_profile(command, "what the server at URL is said to offer; default: what it publishes, or main-key alone")
    command.add_argument(
        "--spend",
        type=whole_number(0),
        default=0,
        metavar="N",
        help="off this machine, accept to be charged for N generations; default 0: what could cost is not asked",
    )
    command.add_argument("--format", choices=("text", "json"), default="text", help="default text")
    add_output(command, metavar="FILE", explanation="write the corrected profile to a new file")
    command.add_argument("--write", action="store_true", help="write the corrected profile over the one that was read")


def _profile(options: argparse.Namespace) -> Exit:
    url = options.target if is_http_url(options.target) else options.base_url
    file = options.profile if is_http_url(options.target) else Path(options.target)
    if is_http_url(options.target) and options.base_url is not None:
        raise InputError(f"{options.target} and {options.base_url} are both URLs; name one of them")
    if options.init and url is None:
        return _write_profile(file)
    if options.init or (not is_http_url(options.target) and options.profile is not None):
        raise InputError("name either a URL or the file of a profile first; --init goes with a file alone")
    if url is None and options.ask:
        url = load_profile(file, os.environ).base_url
        if url is None:
            raise InputError(f"{file} has no base_url; say which server to ask with --base-url URL")
    if url is not None:
        return _ask(url, file, options)
    if options.write or options.output is not None:
        raise InputError("without a server to ask nothing is corrected; add --ask, or --base-url URL")
    return _list_roles(file)


def _list_roles(file: Path) -> Exit:
    profile = load_profile(file, os.environ)
    roles = {**ROLES, **profile.roles}
    width = max(map(len, roles))
    for role, meaning in roles.items():
        why = profile.missing(role)
        state, text = ("offered", meaning) if why is None else ("missing", why.removeprefix(f"{role}: "))
        say(f"{state}  {role:<{width}}  {text}")
    for name, any_of in EITHER.items():
        given = [role for role in any_of if profile.missing(role) is None]
        say(f"{'offered' if given else 'missing'}  {name:<{width}}  {' or '.join(given or any_of)}")
    lacking = sum(profile.missing(role) is not None for role in roles)
    warn(f"{len(roles) - lacking} of {len(roles)} roles offered")
    if profile.base_url is not None:
        warn(f"luma-conformance profile {shlex.quote(str(file))} --ask asks {profile.base_url}")
    return Exit.CONFORMANT


def _ask(url: str, file: Path | None, options: argparse.Namespace) -> Exit:
    from luma_conformance.session.open import Options
    from luma_conformance.session.progress import show_on_stderr
    from luma_conformance.survey.claims import Finding
    from luma_conformance.survey.survey import survey

    output = _find_output(file, options)
    progress, asked = show_on_stderr(show), set[str]()

    def note(role: str) -> None:
        asked.add(role)
        progress.count(len(asked), len(ROLES), "role")

    progress.begin("asking the server")
    try:
        found = survey(
            Options(
                target=url, profile=file, spend=options.spend, announce=progress.say, progress=progress,
                redactor=redactor(),
            ),
            note,
        )  # fmt: skip
    finally:
        progress.end()
    say(_as_json(found) if options.format == "json" else _as_text(found), end="")
    untrue = sum(claim.finding is Finding.FALSE for claim in found.claims)
    if output is not None:
        _write_corrected(found, file, output)
    elif untrue or any(claim.value for claim in found.claims):
        warn("--output FILE writes the corrected profile")
    return Exit.NOT_CONFORMANT if untrue else Exit.CONFORMANT


def _find_output(file: Path | None, options: argparse.Namespace) -> Path | None:
    """Return the file to write, or None; raise InputError rather than overwrite what nobody has said may go."""
    if options.write and options.output is not None:
        raise InputError("--write writes over the profile that was read, --output writes another; name one of them")
    if options.write and file is None:
        raise InputError(f"--write needs a profile to write over; --output {PROFILE_NAME} writes a new one")
    output: Path | None = file if options.write else options.output
    if output is not None and not options.write and not is_standard(output) and output.exists():
        raise InputError(f"{output} exists already; name another file, or use --write to change the profile itself")
    return output


def _write_corrected(found: Findings, file: Path | None, output: Path) -> None:
    from luma_conformance.survey.corrected import correct

    text = read_text(file, "a profile", MAX_BYTES) if file is not None else found.published or read_template()
    name = str(file or "the profile")
    write_text(
        scrub(correct(text, name, found.claims, base_url=found.base_url, date=time.strftime("%Y-%m-%d"))), output
    )
    if not is_standard(output):
        warn(f"wrote {output}")


def _as_text(found: Findings) -> str:
    from luma_conformance.survey.claims import Finding

    width = max(len(claim.role) for claim in found.claims)
    lines = [f"target  {found.shown}"]
    for finding in Finding:
        some = [claim for claim in found.claims if claim.finding is finding]
        lines += ["", f"{finding} ({len(some)})"] if some else []
        lines += [f"  {claim.role:<{width}}  {claim.text}" for claim in some]
    return "\n".join([*lines, ""])


def _as_json(found: Findings) -> str:
    claims = [{"role": claim.role, "finding": claim.finding.name.lower(), "text": claim.text} for claim in found.claims]
    return json.dumps({"target": found.shown, "base_url": found.base_url, "claims": claims}, indent=1) + "\n"


def _write_profile(file: Path) -> Exit:
    try:
        create_text(file, read_template())
    except FileExistsError:
        raise InputError(f"{file} exists already; name another file, or remove it") from None
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror}") from None
    shown = shlex.quote(str(file))
    say(f"wrote {file}; fill it in, then: pytest --pyargs luma_conformance --luma-profile {shown}")
    return Exit.CONFORMANT

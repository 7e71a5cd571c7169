"""The command `profile`: write a profile to fill in, or say what one offers."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from luma_conformance.catalogue.roles import ROLES
from luma_conformance.cli.parser import add_command
from luma_conformance.errors import Exit, InputError
from luma_conformance.redaction.redactor import safe_text
from luma_conformance.target.profile import load_profile, read_template

if TYPE_CHECKING:
    from luma_conformance.cli.parser import Commands

PROFILE_NAME: Final = "luma-profile.toml"


def add_commands(commands: Commands) -> None:
    """Add `profile`."""
    command = add_command(
        commands,
        "profile",
        _profile,
        purpose="write a profile, or say what one offers",
        description="Says which roles a target's profile offers, and why it does not offer the others.",
        examples=("profile --init", "profile luma-profile.toml"),
    )
    command.add_argument(
        "file", nargs="?", type=Path, default=Path(PROFILE_NAME), metavar="FILE", help=f"default {PROFILE_NAME}"
    )
    command.add_argument("--init", action="store_true", help="write a commented profile to fill in; never overwrites")


def _profile(options: argparse.Namespace) -> Exit:
    if options.init:
        return _write_profile(options.file)
    profile = load_profile(options.file, os.environ)
    roles = {**ROLES, **profile.roles}
    width = max(map(len, roles))
    for role, meaning in roles.items():
        why = profile.missing(role)
        state, text = ("offered", meaning) if why is None else ("missing", why.removeprefix(f"{role}: "))
        print(safe_text(f"{state}  {role:<{width}}  {text}"))
    lacking = sum(profile.missing(role) is not None for role in roles)
    print(f"{len(roles) - lacking} of {len(roles)} roles offered", file=sys.stderr)
    return Exit.CONFORMANT


def _write_profile(file: Path) -> Exit:
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(read_template())
    except FileExistsError:
        raise InputError(f"{file} exists already; name another file, or remove it") from None
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror}") from None
    shown = shlex.quote(str(file))
    print(f"wrote {file}; fill it in, then: pytest --pyargs luma_conformance --luma-profile {shown}")
    return Exit.CONFORMANT

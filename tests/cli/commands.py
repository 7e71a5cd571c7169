"""Run the command in a test: what it prints, how it ends, and a shell that has it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from luma_conformance.cli.main import main

COMMAND = (sys.executable, "-m", "luma_conformance")
NEGATIVE = "create/400-keyframes/negative-index"
SCHEMA = "# yaml-language-server: $schema=../case-file.schema.json\n"
GOOD = f"""{SCHEMA}section: s
operation: POST /v1/generations
accepted: {{prompt: p}}
"""

Output = pytest.CaptureFixture[str]


def ran(arguments: list[str]) -> int:
    """Return the exit status of a command, whether it returns or exits."""
    try:
        return main(arguments)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1


def complaint(capsys: Output, *arguments: str) -> str:
    """Return the one line a wrong argument is answered with."""
    assert ran([*arguments]) == 4
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    assert output.err.startswith("luma-conformance")
    return output.err


def printed(capsys: Output, *arguments: str) -> str:
    """Return the output of a command that ends well."""
    assert main([*arguments]) == 0
    return capsys.readouterr().out


def bash(script: str) -> subprocess.CompletedProcess[str]:
    """Return the ended bash process of a script in which `luma-conformance` is this one."""
    function = f'luma-conformance() {{ {" ".join(COMMAND)} "$@"; }}\n'
    return subprocess.run(["bash", "-c", function + script], check=False, capture_output=True, text=True, timeout=30)

"""Pipes, devices, folders, sockets and links in circles, given where a file is wanted: one line, and status 4."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import pytest

from luma_conformance.cli import main as cli
from luma_conformance.cli import results
from luma_conformance.cli.client_function import load_function
from luma_conformance.errors import Exit, InputError
from luma_conformance.pytest_plugin import options
from luma_conformance.report.jsonl import format_header, parse_results
from luma_conformance.report.result import Results
from luma_conformance.report.result import Run as Judged
from luma_conformance.shown import Scrub
from tests.kit import Run
from tests.reading.test_regular_file import KINDS, make

REST = {
    ("show", "--profile"): ["create/400-unknown-model/unknown-for-video"],
    ("profile", "--profile"): ["http://127.0.0.1:1"],
    ("client", "--scenarios"): ["--", "true"],
    ("client", "--report"): ["--", "true"],
    ("client", "--deviations"): ["--scenario", "429/retry-after-1", "--", "true"],
    ("compare", "OLD"): ["ok.jsonl"],
    ("compare", "--profile"): ["x.har", "http://127.0.0.1:1"],
    ("compare", "--output"): ["ok.jsonl", "ok.jsonl"],
    ("report", "--since"): ["ok.jsonl"],
    ("report", "--output"): ["ok.jsonl"],
    ("drift", "--write"): ["page.txt"],
    ("drift", "--ledger"): ["page.txt"],
}
"""What follows an argument on the command line, by command and argument."""
BEFORE = {("compare", "NEW"): ["ok.jsonl"]}
TEXTS = {"CASES", "ID", "FILE|URL", "FILE", "OLD", "NEW"}
"""Arguments that are texts to argparse, and may name files."""
AT_THE_END = {
    ("precedence", "--output"), ("miniatures", "--output"), ("miniatures", "--smoke"), ("profile", "--output"),
}  # fmt: skip
"""Arguments for what is written after a long time; the others that write are like them."""
FOLDERS = {
    ("check", "PATH"), ("list", "CASES"), ("client", "--scenarios"), ("client", "--report"), ("report", "--output"),
    ("drift", "--write"), ("miniatures", "--specs"),
}  # fmt: skip
"""Arguments that a folder may be given to."""
WRITTEN = {"--output", "--report", "--write"}
TELL_PROBLEMS = ("check", "ledger")
"""Commands that list what is wrong with a file, and end as with any other problem."""


def list_file_arguments() -> list[tuple[str, str]]:
    """Return each argument of each command that may name a file: its option, or how it is called."""
    found = []
    for name, command in cli.build()[1].choices.items():
        for one in command._actions:
            if one.nargs != 0 and name != "run" and (_is_path(one.type) or _is_text(one)):
                found.append((name, one.option_strings[-1] if one.option_strings else str(one.metavar)))
    return found


def _is_text(one: argparse.Action) -> bool:
    return one.metavar in TEXTS and not one.option_strings


def _is_path(kind: object) -> bool:
    try:
        return callable(kind) and isinstance(kind("x"), Path)
    except argparse.ArgumentTypeError:
        return False


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ok.jsonl").write_text(format_header(Judged()) + "\n")
    Path("page.txt").write_text("Error handling\n")


def test_the_arguments_that_name_files_are_found() -> None:
    """Were none found, nothing would be tried."""
    assert {("report", "RESULTS"), ("audit", "FILE"), ("drift", "--ledger")} <= set(list_file_arguments())
    assert len(list_file_arguments()) > 25


@pytest.mark.parametrize("argument", sorted({*list_file_arguments()} - AT_THE_END), ids=" ".join)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_file_is_refused_by_every_argument(
    argument: tuple[str, str], kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is named in a line or a few, and nothing is read, so that nothing hangs."""
    command, name = argument
    if (kind == "folder" and argument in FOLDERS) or (kind == "device" and name in WRITTEN):
        return  # /dev/null may be written
    make(kind, "x")
    make(kind, "x.har")

    given = [name, "x"] if name.startswith("--") else ["x"]
    status = cli.main([command, *BEFORE.get(argument, ()), *given, *REST.get(argument, ())])

    said = capsys.readouterr()
    tells = command in TELL_PROBLEMS and name != "--profile" and (command, kind) != ("check", "circle")
    assert status == (Exit.NOT_CONFORMANT if tells else Exit.USAGE)
    assert "x" in said.err + said.out
    assert len(said.err.splitlines()) <= 4


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_is_not_imported_from_what_is_no_file(kind: str) -> None:
    """The import system itself would wait for a pipe, and read a device to no end."""
    make(kind, "x.py")
    with pytest.raises(InputError, match=r"x\.py cannot be imported"):
        load_function("x.py:main")


def test_a_client_is_not_imported_from_a_file_of_gigabytes() -> None:
    """Nor is it read."""
    with Path("x.py").open("wb") as file:
        file.truncate(2_000_000_000)
    with pytest.raises(InputError, match="it has over 10,000,000 bytes"):
        load_function("x.py:main")


def _parse_little(raw: bytes, name: str, scrub: Scrub) -> Results:
    assert len(raw) < 1_000_000
    return parse_results(raw, name, scrub)


@pytest.mark.parametrize(("size", "why"), [(400_000_000, "is not a line of JSON"), (2_000_000_000, "is larger than")])
def test_a_large_file_that_has_no_results_is_not_read(
    size: int, why: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its size, or its beginning, is enough."""
    with Path("x").open("wb") as file:
        file.truncate(size)
    monkeypatch.setattr(results, "parse_results", _parse_little)

    assert cli.main(["report", "x"]) == Exit.USAGE
    assert why in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["pipe", "socket", "folder", "circle"])
def test_output_that_is_no_file_is_not_written(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What stands where --output would be stays, and is named."""
    place = make(kind)
    assert cli.main(["profile", "--init", str(place)]) == Exit.USAGE
    assert "x" in capsys.readouterr().err


def test_patterns_do_not_follow_links_in_circles(capsys: pytest.CaptureFixture[str]) -> None:
    """Two links to their own folder would be 2 to the 40 paths."""
    Path("one").symlink_to(".")
    Path("two").symlink_to(".")

    assert cli.main(["audit", "**/*.har"]) == Exit.USAGE
    assert "as a pattern it fits none" in capsys.readouterr().err


GIVEN: dict[str, Callable[[str], list[str]]] = {
    "--luma-client-cert": lambda name: ["--luma-client-cert", name, "--base-url", "https://127.0.0.1:1"],
    "--luma-against": lambda name: ["--luma-against", f"{name}.toml"],
    "--luma-report": lambda name: [f"--luma-report={name}.html"],
    "--base-url": lambda name: ["--base-url", f"cassette:{name}.har"],
}
"""How options of pytest are given a file, where it is not the option and then the file."""


def test_the_options_of_pytest_that_name_files_are_known() -> None:
    """Each whose value is a path, and those whose value may be one."""
    paths = {name for name, one in options._OPTIONS.items() if one.get("type") is Path}
    assert paths == {"--luma-profile", "--luma-deviations", "--luma-report", "--luma-record"}


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--luma-profile", "--luma-deviations", "--luma-record", *GIVEN])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_file_is_refused_by_every_option_of_pytest(option: str, kind: str, run: Run) -> None:
    """Before anything is sent; one line names it."""
    if (kind, option) == ("folder", "--luma-report"):
        return  # it may be one, whatever it is called
    for name in ("x", "x.toml", "x.har", "x.html"):
        make(kind, name)

    ended = run(*(GIVEN[option]("x") if option in GIVEN else [option, "x"]))

    said = ended.stdout.str() + ended.stderr.str()
    assert ended.ret == Exit.USAGE
    assert "x" in said
    assert "Traceback" not in said
    assert "INTERNALERROR" not in said

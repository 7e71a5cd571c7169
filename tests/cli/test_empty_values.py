"""Empty values: each argument of each command refuses them, and a file with nothing in it is not conformant."""

from __future__ import annotations

from pathlib import Path

import pytest

from luma_conformance.cli.main import build, main, parse
from luma_conformance.errors import Exit
from tests.kit import Output

NO_ENTRIES = '{"log": {"version": "1.2", "creator": {"name": "x", "version": "1"}, "entries": []}}'
UNSET = "the value is empty; is the variable that should hold it set?"


def list_arguments() -> list[tuple[str, str, int]]:
    """Return each argument that takes a value: its command, its option ("" where it has none), its place."""
    found = []
    for name, command in build()[1].choices.items():
        taking = [one for one in command._actions if one.nargs != 0 and name != "run"]
        positional = [one for one in taking if not one.option_strings]
        found += [(name, one.option_strings[-1], 0) for one in taking if one.option_strings]
        found += [(name, "", number) for number, _ in enumerate(positional)]
    return found


@pytest.mark.parametrize(("command", "option", "place"), list_arguments())
@pytest.mark.parametrize("empty", ["", " "])
def test_every_argument_refuses_an_empty_value(
    capsys: Output, command: str, option: str, place: int, empty: str
) -> None:
    """The likely cause is an unset variable; what was meant is not guessed."""
    given = [f"{option}={empty}"] if option else [*["x"] * place, empty]

    with pytest.raises(SystemExit) as end:
        main([command, *given])

    assert end.value.code == Exit.USAGE
    assert UNSET in capsys.readouterr().err


def test_what_goes_to_pytest_may_be_empty() -> None:
    """That is for pytest to say: -k '' chooses everything."""
    assert parse(["run", "http://127.0.0.1:1", "-k", ""]).arguments == ["http://127.0.0.1:1", "-k", ""]


@pytest.mark.parametrize(
    ("arguments", "content", "status", "says"),
    [
        (["check", "a"], None, 4, "no case files in a"),
        (["list", "a"], None, 4, "no case files in a"),
        (["report", "a/results.jsonl"], "", 0, ""),
        (["report", "--merge", "a/results.jsonl"], "", 6, "Incomplete"),
        (["compare", "a/results.jsonl", "a/results.jsonl"], "", 6, ""),
        (["audit", "a/results.jsonl"], "", 4, "results.jsonl"),
        (["compare", "a/run.har", "a/run.har"], NO_ENTRIES, 6, "could not"),
        (["audit", "a/run.har"], NO_ENTRIES, 6, "could not"),
        (["report", "--format", " , ", "a/results.jsonl"], "", 4, "no format is named"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_file_with_nothing_in_it_is_not_conformant(
    capsys: Output,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    content: str | None,
    status: int,
    says: str,
) -> None:
    """Of the commands that judge, merge or compare; `report` only shows that there is nothing."""
    monkeypatch.chdir(tmp_path)
    Path("a").mkdir()
    if content is not None:
        Path(arguments[-1]).write_text(content)

    assert main(arguments) == status
    assert says in capsys.readouterr().err

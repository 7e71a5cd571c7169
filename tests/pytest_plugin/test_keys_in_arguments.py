"""Keys in places where they do not belong: nothing that pytest or the command says of its arguments shows one."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from luma_conformance.arguments import find_key
from luma_conformance.cli.main import main
from luma_conformance.errors import Exit
from tests import kit

KEY = "luma-api-c4naryP9xQ7wZ2mK5vT8rB3n"
PIECES = tuple(KEY[at : at + 6] for at in range(len("luma-api-"), len(KEY) - 5))


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_OF_MINE", KEY)


@pytest.mark.parametrize(
    "arguments",
    [
        ("-k", f"{KEY} and ("),
        ("-m", f"{KEY}("),
        ("-o", f"cache_dir={KEY}", "-v"),
        ("--junitxml", f"{KEY}.xml"),
        (f"--{KEY}",),
        (f"{KEY}.py::test", "--collect-only"),
        (f"--debug={KEY}.log",),
        ("--base-url", f"http://127.0.0.1:9/{KEY}"),
        ("--base-url", f"http://u:{KEY}@127.0.0.1:9"),
        ("--base-url", f"http://127.0.0.1:9/?key={quote(KEY, safe='')}"),
        ("--base-url", f"cassette:{KEY}.har"),
        ("--luma-header", f"X-Gateway: {KEY}"),
        (f"--luma-report={KEY}",),
        (f"--luma-record=/proc/{KEY}.har",),
        ("--luma-deviations", f"{KEY}.toml"),
        ("--luma-profile", f"{KEY}.toml"),
        ("--luma-require", KEY),
        ("--luma-timeout", "".join(f"%{ord(character):02x}" for character in KEY)),
        ("--luma-wording", KEY),
    ],
)
def test_a_key_in_an_argument_is_refused_before_anything_shows_it(
    pytester: pytest.Pytester, arguments: tuple[str, ...]
) -> None:
    """Whatever option it is in, pytest's own too: the run ends with one sentence that names the variable."""
    pytester.makepyfile("def test_a(luma_target): pass")
    result = kit.run_apart(pytester, *arguments)

    said = result.stdout.str() + result.stderr.str()
    assert result.ret == Exit.USAGE
    assert "an argument holds the key in KEY_OF_MINE" in said
    assert not any(piece in said for piece in PIECES)


def test_a_key_in_what_pytest_adds_to_its_arguments_is_refused(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PYTEST_ADDOPTS and the settings of a project are arguments too."""
    pytester.makepyfile("def test_a(): pass")
    monkeypatch.setenv("PYTEST_ADDOPTS", f"--{KEY}")
    result = kit.run_apart(pytester)

    assert result.ret == Exit.USAGE
    assert not any(piece in result.stdout.str() + result.stderr.str() for piece in PIECES)


@pytest.mark.parametrize("arguments", [("-v",), ("--collect-only",), ("-n", "1", "-v")])
def test_a_key_in_the_id_of_a_test_is_refused(pytester: pytest.Pytester, arguments: tuple[str, ...]) -> None:
    """A parameter becomes part of an id, and ids are shown by everything."""
    pytester.makepyfile(f"""
        import pytest

        @pytest.mark.parametrize("text", ["{KEY[:9]}" + "{KEY[9:]}"])
        def test_a(luma_target, text):
            pass
    """)
    result = kit.run_apart(pytester, *arguments)

    assert result.ret != Exit.CONFORMANT
    assert not any(piece in result.stdout.str() + result.stderr.str() for piece in PIECES)


@pytest.mark.parametrize(
    "arguments",
    [
        (KEY,),
        ("list", KEY),
        ("show", f"{KEY}/x"),
        ("check", f"{KEY}.yaml"),
        ("audit", f"{KEY}.har"),
        ("compare", KEY, KEY),
        ("report", KEY),
        ("profile", f"{KEY}.toml"),
        ("client", "--scenario", KEY, "--", "true"),
        ("client", "--timeout", KEY, "--", "true"),
        ("run", "-p", KEY),
        ("run", "-W", f"error::{KEY}"),
        ("run", "--rootdir", KEY),
        ("run", "--maxfail", KEY),
        ("run", "-c", f"{KEY}.ini"),
        ("run", KEY),
        ("serve", "--port", KEY),
        ("list", "--status", KEY),
        ("list", f"--{KEY}"),
    ],
)
def test_no_command_shows_a_key_in_its_arguments(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """Wrong words, files that are not there, numbers that are none: each is refused, and the key is its name."""
    monkeypatch.chdir(tmp_path)
    try:
        status: object = main(arguments)
    except SystemExit as end:
        status = end.code

    said = "".join(capsys.readouterr())
    assert status != Exit.CONFORMANT
    assert said
    assert not any(piece in said for piece in PIECES)


def test_only_a_key_that_is_one_is_looked_for() -> None:
    """Keys for tests are public, and a variable of something else is none of our business."""
    environ = {"A": "luma-api-test-main", "B": "luma-api-conformance-x", "C": "other", "D": KEY}

    assert find_key(["luma-api-test-main luma-api-conformance-x other"], environ) is None
    assert find_key(["x", f"a{KEY}b"], environ) == "D"
    assert find_key([KEY], {}) is None

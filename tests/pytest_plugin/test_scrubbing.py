"""What pytest is about to write, with its secrets taken out and everything else left as it was."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import pytest

from luma_conformance.pytest_plugin.scrubbing import (
    scrub_internal_error,
    scrub_log_records,
    scrub_report,
    scrub_warning,
)
from luma_conformance.redaction.redactor import Redactor
from luma_conformance.shown import MAX_SHOWN, Shown
from tests import kit

KEY = "luma-api-s3cret-of-mine"


def scrub(text: str) -> Shown:
    """Replace the one key there is."""
    return Redactor({KEY: "$KEY"}).show(text)


def report(longrepr: object = None, **facts: object) -> pytest.TestReport:
    """Return a report."""
    made = pytest.TestReport("a.py::b", ("a.py", 1, "b"), {}, "failed", None, "call")
    made.longrepr = longrepr  # type: ignore[assignment]
    vars(made).update(facts)
    return made


def traceback(error: Exception) -> object:
    """Return pytest's representation of an exception."""
    try:
        raise error
    except Exception as raised:  # noqa: BLE001
        return pytest.ExceptionInfo.from_exception(raised).getrepr()


def test_a_report_loses_its_secrets_and_nothing_else() -> None:
    """The reason of a skip, captured output and properties, whatever their type."""
    made = report(
        ("a.py", 7, f"Skipped: {KEY}"),
        sections=[("Captured stdout call", f"a\n{KEY}\n")],
        user_properties=[("luma_note", KEY), ("count", 3), ("list", [KEY]), ("none", None)],
    )

    scrub_report(made, scrub)

    assert made.longrepr == ("a.py", 7, "Skipped: $KEY")
    assert made.sections == [("Captured stdout call", "a\n$KEY\n")]
    assert made.user_properties == [("luma_note", "$KEY"), ("count", 3), ("list", "['$KEY']"), ("none", None)]


def test_a_traceback_with_a_secret_becomes_text_that_begins_with_the_error() -> None:
    """The summary shows a plain text's first line, so that is the error, as for any other traceback."""
    made = report(traceback(ValueError(f"no {KEY}\nmore")))

    scrub_report(made, scrub)

    assert isinstance(made.longrepr, str)
    assert made.longrepr.startswith("ValueError: no $KEY\n\n")
    assert ">           raise error\nE           ValueError: no $KEY\nE           more" in made.longrepr
    assert KEY not in made.longreprtext


def test_a_traceback_without_a_secret_stays_as_pytest_made_it() -> None:
    """Colours and structure are kept."""
    made = report(original := traceback(ValueError("plain")))

    scrub_report(made, scrub)

    assert made.longrepr is original


def test_an_explanation_has_nothing_a_terminal_obeys() -> None:
    """A server cannot colour, move or turn what is around its text."""
    made = report("the server said \x1b[31mred\u202e")

    scrub_report(made, scrub)

    assert made.longrepr == "the server said \\u001b[31mred\\u202e"


def test_a_collectors_report_is_scrubbed_too() -> None:
    """It has no properties."""
    made = pytest.CollectReport("a.yaml", "failed", f"bad {KEY}", None)

    scrub_report(made, scrub)

    assert made.longrepr == "bad $KEY"


@pytest.mark.parametrize(("text", "shown"), [(f"crash {KEY}", "crash $KEY"), ("crash", "crash")])
def test_an_internal_error_prints_without_secrets(text: str, shown: str) -> None:
    """Whoever turns it into text gets the scrubbed one."""
    excrepr = traceback(RuntimeError(text))

    scrub_internal_error(excrepr, scrub)

    assert f"RuntimeError: {shown}" in str(excrepr)
    assert KEY not in str(excrepr)


def test_a_warning_loses_its_secrets() -> None:
    """One without a secret stays the object it is."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.warn(f"odd {KEY}", stacklevel=1)
        warnings.warn("plain", stacklevel=1)

    for warning in caught:
        scrub_warning(warning, scrub)

    assert str(caught[0].message) == "odd $KEY"
    assert isinstance(caught[1].message, UserWarning)


def test_log_records_lose_their_secrets_until_it_is_ended(caplog: pytest.LogCaptureFixture) -> None:
    """Messages, arguments and tracebacks; a format without its arguments is left to logging."""
    logger = logging.getLogger("tests.scrubbing")
    usual = logging.getLogRecordFactory()
    end = scrub_log_records(scrub)
    try:
        logger.warning("%s and %d", KEY, 1)
        try:
            raise ValueError(KEY)
        except ValueError:
            logger.exception("caught")
        record = logging.getLogRecordFactory()("n", 30, "f", 1, "%d", ("x",), None)
    finally:
        end()

    assert caplog.messages == ["$KEY and 1", "caught"]
    assert "ValueError: $KEY" in caplog.text
    assert KEY not in caplog.text
    assert (record.msg, record.args) == ("%d", ("x",))
    assert logging.getLogRecordFactory() is usual


@pytest.mark.parametrize("shift", range(0, 40, 3))
def test_a_long_traceback_keeps_its_end_and_no_part_of_a_secret(shift: int) -> None:
    """What went wrong stands last in a traceback; wherever it is cut, no piece of a key is left."""
    filler = "x" * 97
    keys = "\n".join(f"{filler}{KEY}" for _ in range(600))
    made = report(f"first line\n{keys}\n{'y' * shift}\nE   ValueError: what went wrong")

    scrub_report(made, scrub)

    text = str(made.longrepr)
    assert text.startswith("first line\n")
    assert text.endswith("\nE   ValueError: what went wrong")
    assert len(text) < MAX_SHOWN
    assert not any(KEY[at : at + 8] in text for at in range(len(KEY) - 7))


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("http://127.0.0.1:9/&#108;uma-api-c4naryP9xQ7wZ2mK", "http://127.0.0.1:9/$KEY_OF_MINE"),
        ("http://me:a-password@127.0.0.1:9", "http://REDACTED@127.0.0.1:9"),
        ("http://127.0.0.1:9/v1", "http://127.0.0.1:9/v1"),
    ],
)
def test_a_key_in_a_base_url_is_hidden_above_the_run(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, given: str, shown: str
) -> None:
    """Another plugin shows the base URL before it is refused; without a key it is shown as it is."""
    monkeypatch.setenv("KEY_OF_MINE", "luma-api-c4naryP9xQ7wZ2mK")
    result = kit.run_apart(pytester, "--base-url", given)

    result.stdout.fnmatch_lines([f"baseurl: {shown}"])
    assert "c4nary" not in result.stdout.str() + result.stderr.str()
    assert "a-password" not in result.stdout.str() + result.stderr.str()


@pytest.mark.parametrize("arguments", [("-vv", "-rA", "--junitxml=x.xml"), ("--collect-only",), ("-n1", "-v")])
def test_a_part_of_a_test_and_a_title_show_no_key(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """Pytest makes the report of a subtest from one that was scrubbed, with what was printed in it."""
    monkeypatch.setenv("KEY_OF_MINE", KEY)
    pytester.makepyfile(
        f"""
        def test_parts(luma_target, subtests):
            with subtests.test("{KEY}", sent="{KEY}"):
                print("{KEY}")
                assert luma_target is None
            with subtests.test("plain", number=3):
                assert False
        """
    )
    case = f"  - {{id: a, title: with {KEY}, request: {{body: {{prompt: p, model: m}}}}, detail: Unknown model}}\n"
    Path("things.yaml").write_text(kit.UNKNOWN_MODELS + case)

    ended = kit.run_inside(pytester, *arguments)

    said = ended.stdout.str() + ended.stderr.str()
    assert KEY not in said + "".join(file.read_text() for file in Path().glob("*.xml"))
    if "--collect-only" in arguments:
        assert "<a: with $KEY_OF_MINE>" in said
    else:
        assert "SUBFAILED[$KEY_OF_MINE] (sent=" in said
        assert "SUBFAILED[plain] (number=" in said


@pytest.mark.parametrize("ending", ["pytest.exit(key)", "raise KeyboardInterrupt(key)", "interrupted(key)"])
def test_what_ends_a_run_shows_no_key(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    """With --full-trace pytest shows each function on the way with its arguments."""
    monkeypatch.setenv("KEY_OF_MINE", KEY)
    pytester.makepyfile(
        f"""
        import os, pytest

        def interrupted(argument):
            raise KeyboardInterrupt

        def test_ending(luma_target):
            key = os.environ["KEY_OF_MINE"]
            {ending}
        """
    )

    ended = kit.run_apart(pytester, "--full-trace")

    assert ended.ret == pytest.ExitCode.INTERRUPTED
    assert "$KEY_OF_MINE" in ended.stdout.str()
    assert KEY not in ended.stdout.str() + ended.stderr.str()


def test_a_file_that_fails_in_a_worker_shows_no_key(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """It fails before the worker has judged anything."""
    monkeypatch.setenv("KEY_OF_MINE", KEY)
    pytester.makepyfile("import os\nraise RuntimeError(os.environ['KEY_OF_MINE'])")

    ended = kit.run_inside(pytester, "-n1", "--luma-report=out", "--junitxml=x.xml")

    assert "RuntimeError: $KEY_OF_MINE" in ended.stdout.str()
    assert KEY not in ended.stdout.str() + ended.stderr.str() + Path("x.xml").read_text()

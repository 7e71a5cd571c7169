"""No run leaves the key anywhere, whatever the target says, whatever breaks, and whatever pytest is told to show."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from luma_conformance.errors import Exit
from tests import kit
from tests.canary import BY_SLUG, CANARY, FORMS, SIGNATURE, artefacts, echoing, found_in

PROFILE = '[keys]\nmain-key = {env = "KEY_OF_MINE"}\n'
CASES = """\
# yaml-language-server: $schema=case-file.schema.json
section: 400 — Unknown model
operation: POST /v1/generations
accepted: {prompt: A sunset}
status: 400
cases:
""" + "".join(
    f"""
  - id: {slug}
    title: the key comes back, {slug}
    set: {{model: {slug}}}
    detail: "Unknown model: {slug}"
"""
    for slug in BY_SLUG
)
PROPERTIES = """
    import json, logging, warnings
    import pytest
    from luma_conformance.strategies import near_misses

    BODY = json.dumps({"prompt": "A sunset", "model": "as-it-is"}).encode()

    def test_found(luma_target):
        luma_target.for_all(near_misses("prompt-empty", luma_target.material), lambda pair: luma_target.check(pair[1]))

    def test_said(luma_target):
        request = luma_target.request(body=BODY)
        exchange = luma_target.exchange(request)
        print(request, exchange.response.body.decode())
        logging.getLogger("mine").warning("answered %s", exchange)
        try:
            raise ValueError(f"bad {exchange.response.body}")
        except ValueError:
            logging.getLogger("mine").exception("caught")
        warnings.warn(f"odd: {exchange}")
        luma_target.fail(f"the server says {exchange.response.headers}", exchange)

    def test_compared(luma_target):
        exchange = luma_target.exchange(luma_target.request(body=BODY))
        assert exchange.response.body == exchange.request.headers[0][1].encode() * 9

    def test_crashed(luma_target):
        token = luma_target.session.target.token("main-key")
        forms = [token, token.encode() * 8, {"key": [token, token[::-1]]}, "x" * 200 + token + "x" * 200]
        raise RuntimeError(f"a bug, {token}\\n{token[:20]}\\n{token[20:]}") from KeyError(token)

    @pytest.fixture
    def before(luma_target):
        raise RuntimeError(luma_target.session.target.token("main-key"))

    @pytest.fixture
    def after(luma_target):
        yield
        raise RuntimeError(luma_target.session.target.token("main-key"))

    def test_before(before):
        pass

    def test_after(after):
        pass

    def test_skipped(luma_target):
        pytest.skip(luma_target.session.target.token("main-key"))

    def test_parts(luma_target, subtests):
        token = luma_target.session.target.token("main-key")
        with subtests.test(token, key=token):
            print(token)
            assert token == "another"

    def test_recorded(luma_target, record_property):
        record_property("key", luma_target.session.target.token("main-key"))
"""
BROKEN = """
    import luma_conformance.judge.play

    def judge_step(case, number, exchanges, *rest):
        everything = [str(exchange).encode() for exchange in exchanges]
        raise ZeroDivisionError(exchanges)

    luma_conformance.judge.play.judge_step = judge_step
"""
BROKEN_INSIDE = """
    import os
    import luma_conformance.pytest_plugin.tally

    def add(self, judged):
        key = os.environ["KEY_OF_MINE"]
        raise ZeroDivisionError(key)

    luma_conformance.pytest_plugin.tally.Tally.add = add
"""
BROKEN_EARLY = """
    import luma_conformance.pytest_plugin.sessions

    def open_session(options):
        import os
        environ = dict(os.environ)
        raise ZeroDivisionError(os.environ["KEY_OF_MINE"])

    luma_conformance.pytest_plugin.sessions.open_session = open_session
"""
UNGUARDED = """
    import logging
    import luma_conformance.redaction.redactor
    import luma_conformance.pytest_plugin.scrubbing

    import luma_conformance.judge.evidence

    luma_conformance.redaction.redactor.Redactor.scrub = lambda self, text: text
    luma_conformance.redaction.redactor.Redactor.show = lambda self, text: text
    luma_conformance.judge.evidence.Evidence.keep = lambda self, judged: judged
"""

Run = Callable[..., tuple[pytest.RunResult, dict[str, bytes]]]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Yield the server that repeats the key."""
    with echoing() as url:
        yield url


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, url: str) -> Run:
    """Run pytest with the canary in the environment; return the result and everything that was written."""
    monkeypatch.setenv("KEY_OF_MINE", CANARY)
    monkeypatch.delenv("HYPOTHESIS_STORAGE_DIRECTORY", raising=False)
    monkeypatch.setenv("CI", "")
    pytester.makefile(".yaml", things=CASES)
    pytester.makepyfile(test_mine=PROPERTIES)
    profile = pytester.makefile(".toml", profile=PROFILE)

    def run(*arguments: str, conftest: str = "") -> tuple[pytest.RunResult, dict[str, bytes]]:
        pytester.makeconftest(conftest)
        options = [
            "--base-url",
            url,
            "--luma-profile",
            str(profile),
            "--junitxml",
            "junit.xml",
            "--log-file",
            "log.txt",
            "--luma-report",
            "report",
            "--luma-record",
            "run.har",
        ]
        result = kit.run_apart(pytester, *options, "--luma-fuzz", "6", *arguments)
        said = {"stdout": result.stdout.str().encode(), "stderr": result.stderr.str().encode()}
        return result, said | dict(artefacts(pytester.path))

    return run


def leaks(written: dict[str, bytes]) -> dict[str, set[str]]:
    """Return the forms of the canary by where they are."""
    return {where: forms for where, data in written.items() if (forms := found_in(data))}


LOUD = ("-vv", "--showlocals", "--tb=long", "-rA")


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        LOUD,
        ("--showlocals", "--tb=long", "-o", "log_cli=true", "--log-cli-level=DEBUG"),
        ("-n", "2", *LOUD, "--luma-fuzz", "deep"),
        ("--tb=native", "-o", "junit_logging=all", "-o", "junit_family=xunit1"),
    ],
    ids=["all shown", "cut and live", "workers", "native"],
)
def test_a_run_that_fails_leaves_no_form_of_the_key(
    run: Run, arguments: tuple[str, ...], table: Callable[[str], None]
) -> None:
    """Explanations, tracebacks, values of variables, captured output, logs, JUnit, caches: none has the key."""
    result, written = run(*arguments)

    assert result.ret == Exit.NOT_CONFORMANT
    assert {"junit.xml", "log.txt", "results.jsonl", "report.html", "run.har"} <= written.keys()
    assert b"KEY_OF_MINE" in written["stdout"]
    for name in ("junit.xml", "results.jsonl", "report.html", "summary.md", "ctrf.json", "run.har"):
        assert b"KEY_OF_MINE" in written[name]
    searched = f"{len(written)} artefacts, {sum(map(len, written.values()))} bytes, {len(FORMS)} forms of the key"
    table(f"{' '.join(arguments)[:60]:<60} {searched}; found: {leaks(written) or 'none'}")
    assert leaks(written) == {}
    assert [where for where, data in written.items() if SIGNATURE.encode() in data] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("conftest", "arguments"),
    [
        pytest.param(BROKEN, LOUD, id="judging"),
        pytest.param(BROKEN, ("--showlocals", "-n", "1"), id="judging, cut, in a worker"),
        pytest.param(BROKEN_INSIDE, LOUD, id="reporting"),
        pytest.param(
            BROKEN_INSIDE, ("--showlocals", "--full-trace", "-n", "1"), id="reporting, in full, with a worker"
        ),
        pytest.param(BROKEN_EARLY, LOUD, id="opening"),
    ],
)
def test_an_internal_error_leaves_no_form_of_the_key(run: Run, conftest: str, arguments: tuple[str, ...]) -> None:
    """The traceback of a crash is shown, the key in it is not."""
    result, written = run(*arguments, "-k", "as-it-is or crashed", conftest=conftest)

    assert result.ret not in (Exit.CONFORMANT, Exit.USAGE)
    assert b"ZeroDivisionError" in written["stdout"]
    assert leaks(written) == {}


@pytest.mark.slow
def test_the_search_finds_what_is_not_redacted(run: Run) -> None:
    """Without the redactor the same run shows every form, on screen and in the XML."""
    _, written = run(*LOUD, conftest=UNGUARDED)

    escaped = {"with what nobody sees", "wrapped by a margin"}  # the text is shown on one line, and printable
    assert set(FORMS) - found_in(written["stdout"]) <= escaped
    assert found_in(written["junit.xml"])
    assert found_in(written["log.txt"])
    assert found_in(written["results.jsonl"])
    assert found_in(written["report.html"])
    assert SIGNATURE.encode() in written["stdout"]


@pytest.mark.parametrize("form", FORMS)
def test_the_search_knows_each_form(form: str) -> None:
    """A form is found in the middle of other text, and not in a text without it."""
    assert form in found_in(f"before {FORMS[form](CANARY)} after".encode())
    assert found_in(b"before luma-api- and KEY_OF_MINE after") == set()

"""The whole kit through a gateway that speaks TLS, has a prefix and wants a token of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from luma_conformance.errors import Exit
from luma_conformance.reference import Settings
from luma_conformance.reference.asgi import serving
from tests import kit
from tests.canary import artefacts, found_in
from tests.gateway import TOKEN, Gateway, gateway_before
from tests.target.test_connection_tls import CERTIFICATE

FILES = ("--pyargs", "luma_conformance", "-k", "fresh-url or unknown-model")
"""Cases that fetch outputs, and others."""

CASES = """\
# yaml-language-server: $schema=case-file.schema.json
section: 400 — Unknown model
operation: POST /v1/generations
accepted: {prompt: A sunset}
status: 400
cases:
  - id: wrong-on-purpose
    title: a text no server has is awaited
    set: {model: super-model-v9}
    detail: "No such text"
"""


@pytest.fixture(autouse=True)
def _environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the gateway's certificate, and have its token in a variable."""
    (tmp_path / "localhost.pem").write_text(CERTIFICATE)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "localhost.pem"))
    monkeypatch.setenv("GATEWAY_TOKEN", TOKEN)
    monkeypatch.setenv("MAIN_KEY", "luma-api-test-main")


@contextmanager
def gateway(folder: Path, *, how: str = "", certificates: bool = False) -> Iterator[Gateway]:
    """Yield a gateway before a reference; `how`: it keeps its prefix on, and is `hidden`, so the reference is told."""
    hidden = "hidden" in how
    with (
        gateway_before("", folder, strips="keeps" not in how, forwards=not hidden, certificates=certificates) as found,
        serving(Settings(public_url=found.url) if hidden else None) as upstream,
    ):
        found.upstream = upstream
        yield found


def judge(pytester: pytest.Pytester, url: str, *arguments: str) -> pytest.RunResult:
    """Return the run of the kit against a URL, in a process of its own: TLS is set up once a process."""
    return kit.run_apart(pytester, "--base-url", url, *arguments)


@pytest.mark.parametrize("how", ["strips its prefix", "keeps its prefix", "keeps its prefix and is hidden"])
def test_cases_that_fetch_outputs_pass_through_tls_a_prefix_and_a_token(
    pytester: pytest.Pytester, tmp_path: Path, how: str
) -> None:
    """The output URLs lead back through the gateway, whether it says where it is, or the reference was told."""
    with gateway(tmp_path, how=how) as found:
        ran = judge(pytester, found.url, *FILES, "--luma-header", "X-Gateway-Token: $GATEWAY_TOKEN")

    assert ran.ret == Exit.CONFORMANT
    assert ran.parseoutcomes().keys() <= {"passed", "deselected"}
    assert found.refused == []
    assert any(path.startswith("/luma/storage/generations/") for path in found.passed)


def test_a_client_certificate_opens_what_asks_for_one(pytester: pytest.Pytester, tmp_path: Path) -> None:
    """The option names it; without it the run ends before the first case and says what is wanted."""
    header = ("--luma-header", "X-Gateway-Token: $GATEWAY_TOKEN")
    pem = str(tmp_path / "localhost.pem")
    with gateway(tmp_path, certificates=True) as found:
        good = judge(pytester, found.url, *FILES, *header, "--luma-client-cert", pem)
        bare = judge(pytester, found.url, *FILES, *header)

    assert good.ret == Exit.CONFORMANT
    assert bare.ret == Exit.COULD_NOT_JUDGE
    bare.stdout.fnmatch_lines(["*client certificate*--luma-client-cert names one*"])


def test_without_the_token_nothing_is_judged(
    pytester: pytest.Pytester, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gateway's page is not taken for the API's answers, and the message names the option for its token."""
    monkeypatch.setenv("LUMA_AGENTS_API_KEY", "luma-api-test-main")
    with gateway(tmp_path) as found:
        ran = judge(pytester, found.url, *FILES)

    assert ran.ret == Exit.COULD_NOT_JUDGE
    ran.stdout.fnmatch_lines(["*answers 403 with a web page*or send its gateway's token with --luma-header*"])
    assert found.passed == []


def test_a_profile_has_headers_and_a_certificate_and_the_token_is_nowhere(
    pytester: pytest.Pytester, tmp_path: Path
) -> None:
    """A run whose profile names them shows, records and reports the variable's name; so does the command to repeat."""
    pytester.makefile(".yaml", things=CASES)
    with gateway(tmp_path, certificates=True) as found:
        profile = pytester.makefile(
            ".toml",
            profile=f'base_url = "{found.url}"\n[keys]\nmain-key = {{env = "MAIN_KEY"}}\n'
            '[headers]\nX-Gateway-Token = "$GATEWAY_TOKEN"\n'
            f'[tls]\nclient-certificate = "{tmp_path / "localhost.pem"}"\n',
        )
        report = pytester.path / "report"
        record = pytester.path / "run.har"
        ran = kit.run_apart(
            pytester, "things.yaml", f"--luma-profile={profile}", f"--luma-report={report}", f"--luma-record={record}"
        )

    assert ran.ret == Exit.NOT_CONFORMANT
    ran.stdout.fnmatch_lines(['*curl * -H "X-Gateway-Token: $GATEWAY_TOKEN" *'])
    written = dict(artefacts(pytester.path)) | {
        "stdout": ran.stdout.str().encode(),
        "stderr": ran.stderr.str().encode(),
    }
    assert {name: found_in(data, TOKEN) for name, data in written.items() if found_in(data, TOKEN)} == {}


@pytest.mark.parametrize(("files", "why"), [("a.pem,", "FILE,KEYFILE"), ("no.pem", "no.pem: cannot be read")])
def test_a_wrong_certificate_is_a_wrong_argument(pytester: pytest.Pytester, files: str, why: str) -> None:
    """The file is named before anything is sent."""
    ran = kit.run_inside(pytester, *FILES, "--base-url=https://127.0.0.1:1", f"--luma-client-cert={files}")

    assert ran.ret == Exit.USAGE
    assert why in ran.stdout.str() + ran.stderr.str()


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("Authorization: Bearer x", "header Authorization cannot be added to every request: the keys come from*"),
        (
            "X-Gateway-Token: $NO_SUCH_VARIABLE",
            "header X-Gateway-Token: environment variable NO_SUCH_VARIABLE is not set",
        ),
        (TOKEN, 'a header is written "Name: value", or "Name: $VARIABLE" for what a variable has'),
    ],
)
def test_a_wrong_header_is_a_wrong_argument(pytester: pytest.Pytester, header: str, why: str) -> None:
    """The run ends at once, with one line in which no value is."""
    ran = kit.run_inside(pytester, *FILES, f"--luma-header={header}")

    assert ran.ret == Exit.USAGE
    ran.stderr.fnmatch_lines([f"ERROR: {why}"])
    assert TOKEN not in ran.stderr.str() + ran.stdout.str()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[headers]\nHost = "x"', "p.toml:2*header Host cannot be added"),
        ("[headers]\nX-A = 5", "p.toml:2*headers.X-A should be a text"),
        ('[headers]\nX-A = "$NO_SUCH_VARIABLE"', "p.toml:2*NO_SUCH_VARIABLE is not set"),
        ('headers = "X-A"', "p.toml:1*a table: [[]headers]"),
        ('[tls]\nclient-key = "k.pem"', "p.toml:2*give the certificate too"),
        ('[tls]\nclient-certificat = "k.pem"', "p.toml:2*did you mean client-certificate*"),
    ],
)
def test_a_profile_with_a_wrong_header_says_where(pytester: pytest.Pytester, text: str, why: str) -> None:
    """The line of the profile is named."""
    pytester.path.joinpath("p.toml").write_text(text)
    ran = kit.run_inside(pytester, *FILES, "--luma-profile=p.toml")

    assert ran.ret == Exit.USAGE
    ran.stderr.fnmatch_lines([f"*{why}*"])

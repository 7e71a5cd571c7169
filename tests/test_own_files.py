"""Case files of somebody's own, to the end: checked, listed, shown and judged, with roles that a profile declares."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from luma_conformance.reference.asgi import serving
from tests.cli.commands import Output, bash, printed, ran

CASES = """\
# yaml-language-server: $schema=case-file.schema.json
section: Our tenants
operation: POST /v1/generations
needs: [our-prompt]
accepted: {model: uni-1, prompt: "{our-prompt}"}
status: 401
cases:
  - id: other-tenant
    title: a key of another tenant is refused
    needs: [our-tenant-key]
    request: {auth: our-tenant-key}
    detail: no such tenant
  - id: region
    title: a region that is switched off is refused
    needs: [our-region]
    set: {prompt: "{our-region}"}
"""
PROFILE = """\
[keys]
main-key = {test_key = "luma-api-test-main"}
our-tenant-key = {test_key = "luma-api-test-other"}
[roles]
our-tenant-key = "a key of our other tenant"
our-prompt = "a prompt of ours"
our-region = "a region that is switched off"
[values]
our-prompt = "A sunset"
"""
TENANT = "ours/tenants.yaml#other-tenant"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working folder with a case file, a profile, and the schema beside the file, for an editor."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "tenants.yaml").write_text(CASES)
    (tmp_path / "ours" / "case-file.schema.json").write_text("{}")
    (tmp_path / "p.toml").write_text(PROFILE)
    return tmp_path


def test_a_role_is_known_where_a_profile_declares_it(capsys: Output) -> None:
    """Without the profile, check says how to declare each role; with it, the file has no problems."""
    assert ran(["check", "ours"]) == 1
    problems = capsys.readouterr().out
    assert '4:9: unknown role "our-prompt"; did you mean queued-prompt? A role of your own is declared in' in problems
    assert '[roles] our-region = "what it is"' in problems
    assert printed(capsys, "check", "ours", "--profile", "p.toml") == "3 cases in 1 file, no problems\n"


def test_a_case_has_one_name_everywhere(capsys: Output) -> None:
    """It is listed, shown and run by its path and id; a misspelt id leads to the right one."""
    for path in ("ours", "ours/tenants.yaml", "./ours/tenants.yaml"):
        listed = printed(capsys, "list", path)
        assert re.findall(r"ours/tenants.yaml#\S+", listed) == [
            f"ours/tenants.yaml#{slug}" for slug in ("control", "other-tenant", "region")
        ]
    assert TENANT in printed(capsys, "list", "ours", "--needs", "our-tenant-key")
    shown = printed(capsys, "show", TENANT, "--profile", "p.toml")
    assert shown.startswith(f"{TENANT}\n")
    assert "Authorization: Bearer luma-api-test-other\n" in shown
    assert '"prompt": "A sunset"' in shown
    assert ran(["show", "ours/tenants.yaml#tenant"]) == 4
    assert "ours/tenants.yaml has no case 'tenant'; near it: other-tenant" in capsys.readouterr().err
    assert ran(["list", "ours", "--needs", "our-tenant"]) == 4
    assert "near it: our-tenant-key" in capsys.readouterr().err


@pytest.mark.slow
def test_a_role_without_a_value_is_not_judged_with_the_reason() -> None:
    """An undeclared role says how to declare it, a declared one without a value that it has none."""
    without = bash("luma-conformance run ours")
    assert "judged      0 of 3:" in without.stdout
    assert 'nothing declares the role our-prompt; [roles] our-prompt = "what it is" does' in without.stdout
    judged = bash("luma-conformance run p.toml ours")
    assert "judged      2 of 3: 1 passed, 1 failed" in judged.stdout
    assert "1  the profile declares our-region, and gives it no key, value or offer" in judged.stdout


@pytest.mark.slow
def test_the_commands_of_a_failure_work_as_pasted() -> None:
    """Both lines after the word again run in a shell, and are answered as the failure says."""
    with serving() as url:
        failed = bash(
            f"{sys.executable} -m pytest ours/tenants.yaml --base-url {url} --luma-profile p.toml -k other-tenant"
        )
        assert failed.stdout.count(f"{TENANT} ") >= 1
        assert "the server said  201" in failed.stdout
        show, curl = re.findall(r"(?m)^  again +(.*?)(?:  +\(X-Request-Id.*)?\n +(.*)$", failed.stdout)[0]
        assert "# ours/tenants.yaml#other-tenant" in bash(show).stdout
        assert bash(curl).stdout.startswith("HTTP/1.1 201")


@pytest.mark.slow
def test_commands_after_an_embedded_run_lead_to_a_served_reference() -> None:
    """No command leads to a host that does not exist, and the text names one that serves the reference."""
    failed = bash("luma-conformance run p.toml 'ours/tenants.yaml#other-tenant'").stdout
    show = re.findall(r"(?m)^  again +(.*?)  +\(X-Request-Id", failed)[0]

    assert "reference.invalid" not in failed
    assert "curl -sS -i -X POST http://127.0.0.1:8080/v1/generations" in failed
    assert "http://127.0.0.1:8080, where `luma-conformance serve` serves the reference" in bash(show).stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "values", "why"),
    [
        ("our-prompt", "", "our-prompt is sent as a text, and the profile has none of that name under [values]"),
        (
            "second-key",
            "our-prompt = 'A sunset'\nour-tenant-key = 'x'",
            "our-tenant-key is sent as a key, and the profile has none of that name under [keys]",
        ),
    ],
)
def test_a_role_of_another_kind_is_not_judged(folder: Path, key: str, values: str, why: str) -> None:
    """A key where the case sends a text, or a text where it sends a key, is a reason, not a crash."""
    (folder / "p.toml").write_text(
        f"""
        [roles]
        our-prompt = "a prompt of ours"
        our-tenant-key = "a key of our other tenant"
        [keys]
        main-key = {{test_key = "luma-api-test-main"}}
        {key} = {{test_key = "luma-api-test-second"}}
        [values]
        {values}
        """
    )

    done = bash("luma-conformance run p.toml ours")

    assert why in done.stdout
    assert "Traceback" not in done.stdout

"""The options of the plugin: none takes an empty value for one that was not given."""

from __future__ import annotations

import pytest

from luma_conformance.errors import Exit
from tests.kit import run_inside

VALUED = (
    "--luma-profile", "--luma-spend", "--luma-header", "--luma-client-cert", "--luma-timeout", "--luma-patience",
    "--luma-against", "--luma-wording", "--luma-deviations", "--luma-report", "--luma-record", "--luma-max-age",
    "--luma-fuzz", "--luma-require", "--luma-label",
)  # fmt: skip


@pytest.mark.parametrize("option", VALUED)
def test_every_option_refuses_an_empty_value(pytester: pytest.Pytester, option: str) -> None:
    """The message names the option and the likely cause."""
    for empty in ("", " \t"):
        result = run_inside(pytester, f"{option}={empty}")

        assert result.ret == Exit.USAGE
        result.stderr.fnmatch_lines(
            [f"*argument {option}: the value is empty; is the variable that should hold it set?"]
        )


def test_no_option_with_a_value_is_left_out_here(pytester: pytest.Pytester) -> None:
    """Those that take none have nothing that could be empty."""
    shown = {line.split()[0].partition("=")[0] for line in run_inside(pytester, "--help").outlines if "--luma-" in line}

    assert {one for one in shown if one.startswith("--luma-")} >= {*VALUED}
    assert {one for one in shown if one.startswith("--luma-")} - {*VALUED} == {"--luma-real-time", "--luma-flaky-ok"}

"""The plugin as its users meet it: items, options, exit statuses, the summary and the five-line explanation."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from luma_conformance.catalogue.files import smoke, specs
from luma_conformance.errors import Exit
from luma_conformance.reference.asgi import serving
from luma_conformance.suite import PROPERTIES
from tests import miniatures
from tests.kit import THINGS, Run, free_port, run_inside
from tests.miniatures import Handle


@contextmanager
def miniature(wrap: Callable[[Handle], Handle]) -> Iterator[str]:
    """Serve the reference, wrong in one thing."""
    with serving(wrap=wrap) as url:
        yield url


def test_the_cases_of_a_file_pass_on_the_embedded_reference(run: Run) -> None:
    """A case file anywhere is collected, control first, and judged in process."""
    result = run("-v")

    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["*things.yaml::control PASSED*", "*things.yaml::empty PASSED*"])
    result.stdout.fnmatch_lines(["target*embedded reference*", "judged*3: 3 passed, 0 failed, 0 deviating"])
    result.stdout.fnmatch_lines(["not judged  0"])


def test_a_yaml_file_that_does_not_declare_itself_is_left_alone(pytester: pytest.Pytester) -> None:
    """The plugin is inert in a project that has YAML files of its own."""
    pytester.makefile(".yaml", other="section: not ours\n")

    result = run_inside(pytester)

    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result.stdout.no_fnmatch_line("*Luma*")


@pytest.mark.slow
def test_plain_pytest_in_a_project_pays_for_no_module_of_ours(pytester: pytest.Pytester) -> None:
    """Installed but not used, the plugin loads nothing of ours but itself, the errors and the types of arguments."""
    pytester.makepyfile(
        """
        import sys

        def test_loaded():
            assert sorted(name for name in sys.modules if name.startswith("luma_conformance")) == [
                "luma_conformance", "luma_conformance.arguments", "luma_conformance.errors",
                "luma_conformance.pytest_plugin",
                "luma_conformance.pytest_plugin.client_fixtures",
                "luma_conformance.pytest_plugin.options", "luma_conformance.pytest_plugin.plugin",
                "luma_conformance.pytest_plugin.run",
            ]
        """
    )

    result = pytester.runpytest_subprocess("-p", "no:schemathesis")

    result.assert_outcomes(passed=1)


def test_markers_select_by_status_section_and_operation(run: Run) -> None:
    """-m understands the facts of a case."""
    assert run("-m", "luma(status=201)").parseoutcomes() == {"passed": 1, "deselected": 2}
    assert run("-m", "luma(section='things.yaml')").parseoutcomes() == {"passed": 3}
    assert run("-m", "luma(operation='get')").parseoutcomes() == {"deselected": 3}


def test_smoke_selects_few_cases_of_the_kits_own(run: Run, pytester: pytest.Pytester) -> None:
    """-m smoke leaves the list in specs/smoke.txt, and nothing of somebody's own, whatever its name."""
    ids = [name for name in smoke() if name.startswith("create/400-unknown-model/")]
    pytester.path.joinpath("things.yaml").rename(pytester.mkdir("create") / "400-unknown-model.yaml")

    found = run("-m", "smoke", "create", str(specs() / "create" / "400-unknown-model.yaml"), "-rA")

    assert found.parseoutcomes()["passed"] == len(ids) > 0
    found.stdout.fnmatch_lines([f"*PASSED*{ids[0].rpartition('/')[2]}*"])


def test_collect_only_is_a_table_of_contents(run: Run) -> None:
    """--collect-only prints the titles."""
    result = run("--collect-only")

    result.stdout.fnmatch_lines(["*<empty: an empty prompt is refused>*"])
    result.stdout.no_fnmatch_line("*Luma Agents API conformance*")


def test_a_wrong_text_is_explained_in_five_lines(run: Run) -> None:
    """A failure says what the page says, what the server said, where they differ and how to ask again."""
    wrong = miniatures.another_detail("Unknown model: super-model-v9", "no such model")

    with miniature(wrong) as url:
        result = run("--base-url", url)

    result.assert_outcomes(passed=2, failed=1)
    assert result.ret == Exit.NOT_CONFORMANT
    result.stdout.fnmatch_lines(
        [
            "things.yaml#unknown-model * things.yaml:11",
            "  the page says    400  Unknown model: super-model-v9",
            "  the server said  400  no such model",
            "  differs in       detail",
            "  again            luma-conformance show 'things.yaml#unknown-model' --curl * (X-Request-Id luma-*",
            "*curl -sS -i -X POST http://127.0.0.1:*",
            "judged      3 of *: 2 passed, 1 failed, 0 deviating",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_the_text_of_another_error_is_named(run: Run) -> None:
    """A text that belongs elsewhere in the catalogue is recognised."""
    wrong = miniatures.another_detail("Unknown model: super-model-v9", "source is required for type 'image_edit'")

    with miniature(wrong) as url:
        result = run("--base-url", url)

    result.stdout.fnmatch_lines(["  that is          the text of create/400-*"])


@pytest.mark.parametrize(
    ("wrong", "facet"),
    [
        (miniatures.another_status(400, 422, "Unknown model: super-model-v9"), "status"),
        (miniatures.without_header("X-API-Version", on=lambda response: response.status == 400), "headers"),
        (miniatures.without_header("X-RateLimit-Reset", on=lambda response: response.status == 201), "headers"),
    ],
    ids=["422 for 400", "no version on 400", "no reset on 201"],
)
def test_a_server_wrong_in_one_thing_fails_in_that_facet(
    run: Run, wrong: Callable[[Handle], Handle], facet: str
) -> None:
    """The facet of each fault is named."""
    with miniature(wrong) as url:
        result = run("--base-url", url)

    assert result.ret == Exit.NOT_CONFORMANT
    result.stdout.fnmatch_lines([f"  differs in       {facet}*"])


def test_extra_headers_and_members_are_not_accused(run: Run) -> None:
    """What the page does not forbid passes."""
    with miniature(miniatures.with_extras) as url:
        run("--base-url", url).assert_outcomes(passed=3)


def test_a_bad_case_file_is_reported_with_every_problem_and_no_traceback(pytester: pytest.Pytester) -> None:
    """A wrong file ends the run with the status for files, naming each line."""
    bad = THINGS.replace("    detail: Prompt", "    detial: Prompt").replace("set: {model:", "sett: {model:")
    pytester.makefile(".yaml", bad=bad)

    result = run_inside(pytester)

    assert result.ret == Exit.USAGE
    result.stdout.fnmatch_lines(["*bad.yaml:10:*detial*did you mean detail?*", "*bad.yaml:13:*sett*did you mean set?*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_nothing_at_the_base_url_is_one_message_and_a_status_of_its_own(run: Run) -> None:
    """An unreachable target leaves everything unjudged, once."""
    result = run("--base-url", f"http://127.0.0.1:{free_port()}")

    assert result.ret == Exit.COULD_NOT_JUDGE
    result.stdout.fnmatch_lines(["could not judge: *refused*"])
    assert result.parseoutcomes().get("failed") is None


def test_a_web_page_at_the_base_url_is_not_judged(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that answers HTML is not the API."""
    monkeypatch.setenv("LUMA_AGENTS_API_KEY", "luma-api-something")
    with _html_server() as url:
        result = run("--base-url", url)

    assert result.ret == Exit.COULD_NOT_JUDGE
    result.stdout.fnmatch_lines(["could not judge: *web page*"])


def test_a_web_page_is_recognised_without_a_key(run: Run) -> None:
    """What is wrong with the base URL is said before what is missing in the environment."""
    with _html_server() as url:
        result = run("--base-url", url)

    assert result.ret == Exit.COULD_NOT_JUDGE
    result.stdout.fnmatch_lines(["could not judge: *web page*"])


def test_without_a_key_the_variable_to_set_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that is the API and publishes no profile needs a key from the environment."""
    monkeypatch.delenv("LUMA_AGENTS_API_KEY", raising=False)

    with miniature(miniatures.without_profile) as url:
        result = run("--base-url", url)

    assert result.ret == Exit.COULD_NOT_JUDGE
    result.stdout.fnmatch_lines(["could not judge: *LUMA_AGENTS_API_KEY is not set*"])


def test_a_refused_main_key_is_not_judged(run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong key is said once, by the name of its variable, instead of failing every case."""
    monkeypatch.setenv("WRONG_KEY", "luma-api-planted-canary")
    profile = pytester.makefile(".toml", profile='[keys]\nmain-key = {env = "WRONG_KEY"}\n')

    with serving() as url:
        result = run("--base-url", url, "--luma-profile", str(profile))

    assert result.ret == Exit.COULD_NOT_JUDGE
    result.stdout.fnmatch_lines(["could not judge: *WRONG_KEY*"])
    result.stdout.no_fnmatch_line("*planted-canary*")


def test_a_case_whose_need_is_missing_is_not_judged_with_that_reason(run: Run, pytester: pytest.Pytester) -> None:
    """What was not judged is counted with its reason, and zero judged is not green."""
    pytester.path.joinpath("things.yaml").write_text(THINGS.replace("accepted:", "needs: [revoked-key]\naccepted:"))
    profile = pytester.makefile(".toml", profile='[keys]\nmain-key = {test_key = "luma-api-test-main"}\n')

    result = run("--luma-profile", str(profile))

    assert result.ret == Exit.COULD_NOT_JUDGE
    result.assert_outcomes(skipped=3)
    result.stdout.fnmatch_lines(["not judged  3", "*3  *revoked-key*", "could not judge: not one case was judged*"])


def test_a_bad_profile_is_a_usage_error(run: Run, pytester: pytest.Pytester) -> None:
    """A wrong profile is reported before anything runs."""
    profile = pytester.makefile(".toml", profile='[keys]\nmane-key = {env = "X"}\n')

    result = run("--luma-profile", str(profile))

    assert result.ret == Exit.USAGE
    result.stderr.fnmatch_lines(["*profile.toml:2: *main-key*"])


@pytest.mark.parametrize("arguments", [["--luma-spend", "-1"], ["--luma-spend", "x"], ["--luma-timeout", "0"]])
def test_a_senseless_flag_is_a_usage_error(run: Run, arguments: list[str]) -> None:
    """Numbers out of range are refused by name."""
    result = run(*arguments)

    assert result.ret == Exit.USAGE
    result.stderr.fnmatch_lines([f"*{arguments[0]}*"])


def test_junit_carries_id_section_and_facets(run: Run, pytester: pytest.Pytester) -> None:
    """The XML of pytest has what a report needs."""
    run("--junitxml", "out.xml")

    xml = pytester.path.joinpath("out.xml").read_text()
    assert '<property name="luma_case" value="things.yaml#empty"' in xml
    assert '<property name="luma_section" value="400 — Invalid things"' in xml


@pytest.mark.slow
def test_workers_share_the_work_and_the_summary(run: Run) -> None:
    """-n 2 comes to the same counts and status."""
    wrong = miniatures.another_detail("Unknown model: super-model-v9", "no such model")

    with miniature(wrong) as url:
        result = run("-n", "2", "--base-url", url)

    assert result.ret == Exit.NOT_CONFORMANT
    result.stdout.fnmatch_lines(["judged      3 of *: 2 passed, 1 failed, 0 deviating"])


@pytest.mark.slow
def test_workers_that_cannot_judge_say_so_once(run: Run) -> None:
    """-n 2 against nothing is one message and the same status."""
    result = run("-n", "2", "--base-url", f"http://127.0.0.1:{free_port()}")

    assert result.ret == Exit.COULD_NOT_JUDGE
    assert sum(line.startswith("could not judge:") for line in result.outlines) == 1


@pytest.mark.slow
def test_the_whole_catalogue_comes_to_the_same_over_http(pytester: pytest.Pytester) -> None:
    """In process, over loopback, with workers and in reverse order, every case is judged and passes."""
    pytester.makeconftest("def pytest_collection_modifyitems(items): items.reverse()")
    arguments = ["-q", str(specs())]

    with serving() as url:
        runs = [run_inside(pytester, *arguments), run_inside(pytester, *arguments, "-n", "2", "--base-url", url)]

    assert [result.ret for result in runs] == [0, 0]
    counts = [next(line for line in result.outlines if line.startswith("judged ")) for result in runs]
    assert counts[0] == counts[1]
    assert all(f"{PROPERTIES:>16}  not selected" in result.outlines for result in runs)


@contextmanager
def _html_server() -> Iterator[str]:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"<!doctype html><title>Welcome</title>"
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def not_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every base URL count as one that costs money."""
    monkeypatch.setattr("luma_conformance.target.http.is_loopback", lambda base_url: False)


@pytest.fixture
def main_only(pytester: pytest.Pytester) -> str:
    """Return a profile that offers the main key and no more."""
    return str(pytester.makefile(".toml", main='[keys]\nmain-key = {test_key = "luma-api-test-main"}\n'))


@pytest.mark.usefixtures("not_loopback")
def test_what_would_cost_money_is_not_sent(run: Run, main_only: str) -> None:
    """Off this machine a case that expects to be accepted is not judged without --luma-spend."""
    with serving() as url:
        result = run("--base-url", url, "--luma-profile", main_only)

    result.assert_outcomes(passed=2, skipped=1)
    assert result.ret == Exit.CONFORMANT
    result.stdout.fnmatch_lines(["*1  would cost money: more generations than --luma-spend allows"])
    result.stdout.no_fnmatch_line("spent *")


@pytest.mark.usefixtures("not_loopback")
def test_allowed_spending_is_used_and_shown(run: Run, main_only: str) -> None:
    """--luma-spend 1 lets one generation be accepted."""
    with serving() as url:
        result = run("--base-url", url, "--luma-profile", main_only, "--luma-spend", "1")

    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["spent       1 accepted generation"])


@pytest.mark.usefixtures("not_loopback")
def test_an_unexpected_201_fails_and_ends_the_run(run: Run, main_only: str) -> None:
    """A target that accepts what it ought to refuse costs one generation, not all of them."""
    with miniature(miniatures.accepts_everything) as url:
        result = run("--base-url", url, "--luma-profile", main_only)

    result.assert_outcomes(failed=1, skipped=1)
    assert result.ret == Exit.SPENT
    result.stdout.fnmatch_lines(["stopped: the target accepted 1 generation*--luma-spend allows 0*"])


PROPERTY = """
    import pytest
    from luma_conformance.strategies import near_misses

    def test_prompt(luma_target):
        def try_pair(pair):
            luma_target.check_kept("prompt-empty", pair[0])
            luma_target.check(pair[1])

        luma_target.for_all(near_misses("prompt-empty", luma_target.material), try_pair)
"""


def test_a_users_own_property_counts_as_a_case(run: Run, pytester: pytest.Pytester) -> None:
    """A test that takes the `luma` fixture is judged, and the rules it reaches are in the summary."""
    pytester.makepyfile(PROPERTY)

    result = run("--luma-fuzz", "20")
    loud = run("--luma-fuzz", "20", "-v")

    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["judged      4 of *: 4 passed*", "rules       1 of * broken by generated requests"])
    result.stdout.no_fnmatch_line("*prompt-empty*")
    loud.stdout.fnmatch_lines(["rules       1 of *", "*reframe-loop *  0 /   0", "*prompt-empty * 20 /  20"])


def test_a_property_that_fails_is_explained_without_a_traceback(run: Run, pytester: pytest.Pytester) -> None:
    """A finding says what the page says, what the server said, and how to keep it as a case."""
    pytester.makepyfile(PROPERTY)
    wrong = miniatures.another_detail("Prompt must be between 1 and 6000 characters", "prompt is empty")

    with miniature(wrong) as url:
        result = run("--base-url", url, "-k", "test_prompt")

    assert result.ret == Exit.NOT_CONFORMANT
    result.stdout.fnmatch_lines(
        [
            "  the page says    400  Prompt must be between 1 and 6000 characters",
            "  the server said  400  prompt is empty",
            "*curl -sS -i -X POST*",
            "as a case, to keep:",
            "judged      1 of *: 0 passed, 1 failed*",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_property_is_not_judged_where_it_costs_money(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its reason is counted in the summary, and a run of nothing else is not conformant."""
    monkeypatch.setattr("luma_conformance.target.http.is_loopback", lambda url: False)
    monkeypatch.setenv("LUMA_AGENTS_API_KEY", "luma-api-test-main")
    pytester.makepyfile("def test_costly(luma_target):\n    luma_target.skip_unless_free()\n")

    with miniature(lambda handle: handle) as url:
        result = run("--base-url", url, "-k", "test_costly")

    assert result.ret == Exit.COULD_NOT_JUDGE
    result.stdout.fnmatch_lines(["judged      0 of 4:*", "not judged  4", "*3  not selected", "*1  would cost money:*"])


def test_examples_are_a_number_of_at_least_one(run: Run) -> None:
    """A wrong number is a usage error."""
    assert run("--luma-fuzz", "0").ret == Exit.USAGE
    assert run("--luma-fuzz", "wild").ret == Exit.USAGE

"""The fixtures for unit tests of clients, in a project that uses them."""

from __future__ import annotations

import pytest

from tests.kit import run_apart, run_inside

ALL = """
import asyncio, time, urllib.request
import httpx
import pytest
from luma_conformance import LumaErrors, LumaReference, Settings, VirtualTime

URL = "https://agents.lumalabs.ai/v1/generations"

def test_time(luma_time: VirtualTime):
    time.sleep(600)
    assert luma_time.waits == [600]

def test_errors(luma_errors: LumaErrors):
    luma_errors("create/429-rpm/window-full").then("create/201-created/page-example").route()
    assert [httpx.post(URL).status_code for _ in range(2)] == [429, 201]

def test_reference(luma_reference: LumaReference):
    client = httpx.Client(transport=luma_reference.transport)
    assert client.post(URL).json() == {"detail": "Missing or invalid API key"}

def test_server(luma_server: LumaReference):
    assert luma_server.base_url.startswith("http://127.0.0.1:")
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(f"{luma_server.base_url}/generations/none")
    assert error.value.code == 401
    error.value.close()

def test_together(luma_errors, luma_reference, luma_server):
    mock = luma_errors("create/502-bad-gateway/source", httpx.ReadError, luma_reference)
    mock.route()
    assert httpx.post(URL).status_code == 502
    with pytest.raises(httpx.ReadError):
        httpx.post(URL)
    key = {"Authorization": f"Bearer {luma_reference.key()}"}
    assert httpx.post(URL, headers=key, json={"prompt": "a"}).status_code == 201
    time.sleep(5)
    assert luma_errors.waits == luma_reference.waits == luma_server.waits == [5]

class TestOtherLimits:
    @pytest.fixture
    def luma_settings(self):
        return Settings(rpm=1)

    def test_they_are_those_of_the_project(self, luma_reference):
        key = {"Authorization": f"Bearer {luma_reference.key()}"}
        client = httpx.Client(transport=luma_reference.transport, headers=key)
        assert [client.post(URL, json={"prompt": "a"}).status_code for _ in range(2)] == [201, 429]
"""


def test_each_fixture_is_there_and_they_work_together(pytester: pytest.Pytester) -> None:
    """All of them pass in a project of their own, and such a project is not a run of the kit."""
    pytester.makepyfile(ALL)

    ran = run_inside(pytester)

    ran.assert_outcomes(passed=6)
    ran.stdout.no_fnmatch_line("*judged*")


def test_they_serve_tests_that_are_coroutines(pytester: pytest.Pytester) -> None:
    """Under anyio's plugin, on asyncio and on trio, a minute's wait is over at once."""
    pytester.makepyfile("""
        import anyio, httpx, pytest

        @pytest.mark.anyio
        async def test_waits(luma_errors):
            luma_errors("create/429-concurrency/too-many").then("create/201-created/page-example").route()
            async with httpx.AsyncClient(base_url="https://agents.lumalabs.ai/v1") as client:
                refused = await client.post("generations")
                await anyio.sleep(int(refused.headers["Retry-After"]))
                assert (await client.post("generations")).status_code == 201
            assert luma_errors.waits == [60]
    """)

    run_inside(pytester, "-p", "anyio.pytest_plugin").assert_outcomes(passed=2)


def test_they_work_on_several_workers(pytester: pytest.Pytester) -> None:
    """Under xdist each worker has its own."""
    pytester.makepyfile(ALL)

    run_apart(pytester, "-n", "2").assert_outcomes(passed=6)


def test_a_test_that_fails_leaves_nothing_replaced(pytester: pytest.Pytester) -> None:
    """Neither sleeping nor httpx stays replaced for the tests after it, and it is told once."""
    pytester.makepyfile("""
        import asyncio, time
        import httpx
        import pytest
        REAL = time.sleep, asyncio.sleep, time.time, time.monotonic

        def test_fails(luma_errors, luma_reference, luma_server, luma_time):
            luma_errors("create/402-payment-required/image").route()
            time.sleep(5)
            assert False

        def test_nothing_is_left():
            assert (time.sleep, asyncio.sleep, time.time, time.monotonic) == REAL
            with pytest.raises(httpx.ConnectError):
                httpx.post("http://127.0.0.1:9/v1/generations")
    """)

    run_inside(pytester).assert_outcomes(failed=1, passed=1)


def test_a_mock_that_was_never_asked_fails_the_test(pytester: pytest.Pytester) -> None:
    """A test that passes although its mock was not reached ends with an error, which names the mock."""
    pytester.makepyfile("""
        def test_proves_nothing(luma_errors):
            luma_errors("create/402-payment-required/image").route()
    """)

    ran = run_inside(pytester)

    ran.assert_outcomes(passed=1, errors=1)
    ran.stdout.fnmatch_lines(["the client never sent what these were to answer: <LumaMock: 402 create/402-*/image>"])


def test_a_wrong_id_points_at_the_line_that_has_it(pytester: pytest.Pytester) -> None:
    """The traceback ends in the test, not in the kit."""
    pytester.makepyfile("""
        def test_misspelt(luma_errors):
            luma_errors("create/402-payment-required/imge")
    """)

    ran = run_inside(pytester, "--tb=short")

    ran.stdout.fnmatch_lines(
        ["*test_a_wrong_id*.py:2: in test_misspelt", "*InputError: no case is called*mean*/image?*"]
    )
    ran.stdout.no_fnmatch_line("*mocks.py*")


@pytest.mark.parametrize("fixture", ["luma_errors", "luma_reference"])
def test_without_the_extra_a_fixture_says_what_to_install(pytester: pytest.Pytester, fixture: str) -> None:
    """One line names the extra; what needs no extra works."""
    pytester.makepyfile(f"""
        import sys
        import pytest

        @pytest.fixture(autouse=True)
        def no_extra(monkeypatch):
            monkeypatch.setitem(sys.modules, "respx", None)
            monkeypatch.setitem(sys.modules, "httpx", None)

        def test_needs_it({fixture}): pass
        def test_needs_none(luma_time, luma_server): pass
    """)

    ran = run_inside(pytester)

    ran.assert_outcomes(passed=1, errors=1)
    ran.stdout.fnmatch_lines([f"{fixture} needs httpx and respx: pip install 'luma-agents-conformance?clients?'"])
    ran.stdout.no_fnmatch_line("*Traceback*")


def test_they_are_listed_with_what_they_do(pytester: pytest.Pytester) -> None:
    """`pytest --fixtures` says of each what it is, and that sleeping is replaced."""
    ran = run_inside(pytester, "--fixtures")

    lines = str(ran.stdout)
    for name in ("luma_time", "luma_errors", "luma_reference", "luma_server"):
        said = lines.partition(f"\n{name} -- ")[2].splitlines()[1]
        assert "sleep" in said.lower(), name

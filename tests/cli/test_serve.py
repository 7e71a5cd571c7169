"""The command `serve`: it says where it listens, and ends quietly."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess

import pytest

from tests.cli.commands import COMMAND, Output, bash, complaint


def test_a_port_in_use_is_reported(capsys: Output) -> None:
    """The line names the address and the way out."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = complaint(capsys, "serve", "--port", str(port))
    assert f"cannot listen on 127.0.0.1:{port}" in line
    assert "--port 0 takes a free port" in line


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_serve_prints_its_url_and_ends_quietly(sent: signal.Signals) -> None:
    """It takes a free port, answers curl, and ends without a word at Ctrl-C or a polite kill."""
    serving = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", "--rpm", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with serving:
        assert serving.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", serving.stdout.readline())
        assert found
        assert "test_key" in bash(f"curl -sS {found[0]}/.well-known/luma-conformance.toml").stdout
        serving.send_signal(sent)
        assert serving.communicate(timeout=10) == ("", "")
    assert serving.returncode == (0 if sent == signal.SIGINT else -signal.SIGTERM)


def test_verbose_prints_a_line_for_each_request_and_no_key() -> None:
    """A line has the time, the request, its answer, and whose key it was; keys and signatures are not in it."""
    command = [*COMMAND, "serve", "--port", "0", "--verbose", "--public-url", "https://mock.example.com/luma"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as serving:
        try:
            assert serving.stdout is not None
            found = re.search(r"http://127\.0\.0\.1:\d+", serving.stdout.readline())
            assert found
            signature = _ask(found[0])
        finally:
            serving.send_signal(signal.SIGINT)
        lines, complaints = serving.communicate(timeout=10)

    assert complaints == ""
    assert "luma-api-realkey" not in lines
    assert signature not in lines
    moment = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d "
    image = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
    expected = (
        rf"GET /luma/v1/generations/{image} 200 \d+\.\d ms mine-1 main-key",
        rf"GET /luma/storage/generations/{image}/output\.png\?\S+ 200 \d+\.\d ms - no key",
        rf"GET /luma/v1/generations/{image}\?key=\S+ 401 \d+\.\d ms \S+ unknown key",
        r"POST /v1/generations 401 \d+\.\d ms [0-9a-f-]{36} no key",
    )
    for line, pattern in zip(lines.splitlines(), expected, strict=True):
        assert re.fullmatch(moment + pattern, line), line


def _ask(url: str) -> str:
    """Send four requests to a server, and return the signature of an output's URL."""
    poll = f"{url}/luma/v1/generations/7c9e6679-7425-40de-944b-e07fc1f90ae7"
    known, unknown = "Authorization: Bearer luma-api-test-main", "Authorization: Bearer luma-api-realkey123456"
    answer = json.loads(bash(f"curl -sS -H '{known}' -H 'X-Request-Id: mine-1' {poll}").stdout)
    output = answer["output"][0]["url"].replace("https://mock.example.com", url)
    bash(f"curl -sS -o /dev/null '{output}'")
    bash(f"curl -sS -H '{unknown}' -H 'X-Request-Id: luma-api-realkey123456' '{poll}?key=luma-api-realkey123456'")
    bash(f"curl -sS -X POST {url}/v1/generations")
    return str(output.rpartition("X-Amz-Signature=")[2])


@pytest.mark.parametrize("url", ["mock.example.com", "https://mock.example.com/?a=b"])
def test_a_public_url_that_is_none_is_refused(capsys: Output, url: str) -> None:
    """One line says how it looks."""
    assert "is not one like https://example.com/luma" in complaint(capsys, "serve", "--port", "0", "--public-url", url)

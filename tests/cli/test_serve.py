"""The command `serve`: it says where it listens, and ends quietly."""

from __future__ import annotations

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

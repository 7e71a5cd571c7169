"""One writer at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from luma_conformance.errors import InputError
from luma_conformance.reading.lock import hold

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")


def test_a_file_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    """The second is told so, by whatever name it calls the file; when the first has let go, nothing is left."""
    (tmp_path / "link.har").symlink_to("run.har")
    let_go = hold(tmp_path / "run.har")
    other = hold(tmp_path / "other.har")

    with pytest.raises(InputError, match=r"link\.har is being written by another run; wait for its end, or name anoth"):
        hold(tmp_path / "link.har")
    let_go()
    hold(tmp_path / "link.har")()
    other()

    assert [path.name for path in tmp_path.iterdir()] == ["link.har"]


def test_what_a_killed_process_held_is_free(tmp_path: Path) -> None:
    """The lock's file may lie about, but it holds nobody up."""
    program = (
        "import sys; from pathlib import Path; from luma_conformance.reading.lock import hold\n"
        "hold(Path(sys.argv[1])); print(flush=True); input()"
    )
    words = [sys.executable, "-c", program, str(tmp_path / "x")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(InputError, match="another run"):
            hold(tmp_path / "x")
        os.kill(other.pid, signal.SIGKILL)

    hold(tmp_path / "x")()
    assert not [*tmp_path.iterdir()]


def test_a_file_that_cannot_be_held_is_an_input_error(tmp_path: Path) -> None:
    """There is no such folder."""
    with pytest.raises(InputError, match="cannot be written: No such file"):
        hold(tmp_path / "none" / "x")

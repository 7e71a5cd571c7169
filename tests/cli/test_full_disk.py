"""A write, a flush, a rename or a close that fails in a command: one sentence, status 4, and the old file whole."""

from __future__ import annotations

import errno
import json
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest

from luma_conformance.cli.main import main
from luma_conformance.reading import regular_file
from luma_conformance.report.jsonl import format_header
from luma_conformance.report.result import Run as Judged
from tests.audit.damaged import speak, to_har
from tests.kit import Output
from tests.ledger.test_drift import ROOT

COMMANDS: dict[str, list[str]] = {
    "report": ["report", "ok.jsonl", "--output", "out.html"],
    "report, a folder": ["report", "ok.jsonl", "--format", "html,md,jsonl,ctrf,badge,deviations", "--output", "out"],
    "report, merged": ["report", "--merge", "ok.jsonl", "--output", "out.jsonl"],
    "compare": ["compare", "a.har", "a.har", "--output", "out.md"],
    "profile, new": ["profile", "--init", "out.toml"],
    "profile, corrected": ["profile", "URL", "--output", "out.toml"],
    "profile, over itself": ["profile", "p.toml", "--base-url", "URL", "--write"],
    "drift": ["drift", "page.txt", "--write", "out"],
    "starter": ["client", "--init", "curl"],
    "client": ["client", "--function", "mine.py:main", "--scenario", "429/retry-after-1", "--report", "out"],
}
"""A command line for each way to write a file; `precedence` and `miniatures` write as `compare` does."""


_TIMES = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d|"
    r'"(?:start|stop|duration|seconds|began|ended)":[\d.e-]+|'
    r'\btime="[\d.]+"|\d+(?:\.\d+)? m?s\b'
)
"""Moments and durations, as the formats write them."""


class Faulty:
    """The system's calls that write, of which the k-th fails; what writes to a stream fails in its middle."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, allowed: int) -> None:
        self.left = allowed
        for module, name in ((os, "chmod"), (os, "replace"), (tempfile, "mkstemp")):
            monkeypatch.setattr(module, name, self._count(getattr(module, name)))
        open_file, open_text, fdopen = regular_file.open_file, regular_file.open_text, os.fdopen
        monkeypatch.setattr(regular_file, "open_text", lambda path, mode: Stream(open_text(path, mode), self))
        monkeypatch.setattr(
            regular_file, "open_file", lambda path, mode="rb", **more: _wrap(open_file(path, mode, **more), mode, self)
        )
        monkeypatch.setattr(os, "fdopen", lambda *given, **more: Stream(fdopen(*given, **more), self))

    def take(self) -> None:
        """Let one call pass, or raise OSError."""
        self.left -= 1
        if self.left == -1:
            raise OSError(errno.ENOSPC, "No space left on device")

    def _count(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*given: Any, **more: Any) -> Any:
            self.take()
            return call(*given, **more)

        return counted


class Stream:
    """A file of which a write, or the close, may fail."""

    def __init__(self, file: Any, faulty: Faulty) -> None:
        self._file, self._faulty = file, faulty

    def write(self, text: Any) -> int:
        """Write half of what there is where it is the turn to fail."""
        if self._faulty.left == 0:
            self._file.write(text[: len(text) // 2])
        self._faulty.take()
        written: int = self._file.write(text)
        return written

    def close(self) -> None:
        """Close it in any case."""
        self._file.close()
        self._faulty.take()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _wrap(file: Any, mode: str, faulty: Faulty) -> Any:
    return file if mode == "rb" else Stream(file, faulty)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _begin() -> None:
    for path in sorted(Path().rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    Path("ok.jsonl").write_text(format_header(Judged()) + "\n")
    Path("a.har").write_text(json.dumps(to_har(speak())))
    Path("p.toml").write_text('[keys]\nmain-key = {test_key = "luma-api-test-main"}\n')
    headings = [
        line.strip() for line in (ROOT / "specs" / "ledger.yaml").read_text().splitlines() if "heading:" in line
    ]
    Path("page.txt").write_text("\n\n".join(line.partition("heading: ")[2].strip("\"'") for line in headings))
    Path("mine.py").write_text("def main(task):\n    raise RuntimeError\n")


def _read_all() -> dict[str, str]:
    """Return the text of each file, with a word for each time and duration, which differ from run to run.

    Python keeps the bytecode of `mine.py`, of which nobody says anything.
    """
    files = [path for path in sorted(Path().rglob("*")) if path.is_file() and path.suffix != ".pyc"]
    return {str(path): _TIMES.sub("…", path.read_text()) for path in files}


@pytest.mark.parametrize("command", COMMANDS)
def test_each_write_of_a_command_can_fail(
    command: str, url: str, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For every k, the k-th; all that is in a file is whole, and nothing half-written lies about."""
    given = [url if word == "URL" else word for word in COMMANDS[command]]
    _begin()
    usual = main(given)
    capsys.readouterr()
    whole = _read_all()
    for allowed in range(60):
        _begin()
        before = _read_all()
        with monkeypatch.context() as patch:
            faulty = Faulty(patch, allowed)
            status = main(given)
        said = capsys.readouterr()
        if faulty.left >= 0:
            break
        left = _read_all()
        assert "Traceback" not in said.err
        if status == usual:  # what failed was no write of ours
            assert left == whole
            continue
        assert (status, "No space left on device" in said.out + said.err) == (4, True), (allowed, said)
        for name, text in left.items():
            grew = name.endswith("results.jsonl") and whole[name].startswith(text) and text[-1:] in ("", "\n")
            assert grew or text in (whole.get(name), before.get(name)), (allowed, name)
    assert allowed > 1, said
    assert status == usual

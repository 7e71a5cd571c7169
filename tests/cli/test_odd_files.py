"""Files with something else in them, or that change while they are read: a line or a few, and a documented status."""

from __future__ import annotations

import builtins
import codecs
import errno
import gzip
import json
import os
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Self

import pytest

from luma_conformance.catalogue.files import specs
from luma_conformance.cli import main as cli
from luma_conformance.cli.client_function import load_function
from luma_conformance.errors import Exit, InputError
from luma_conformance.reading import regular_file
from luma_conformance.recording.har import Writer
from luma_conformance.redaction.redactor import Redactor
from luma_conformance.report.jsonl import format_header
from luma_conformance.report.result import Run as Judged
from luma_conformance.session.deviations_file import load_deviations
from luma_conformance.session.record import replay
from luma_conformance.target.connection import check_certificate
from luma_conformance.target.gateway import parse_certificate
from luma_conformance.target.profile import load_profile
from tests.audit.damaged import speak, to_cassette, to_har
from tests.cli.test_no_files import BEFORE, REST, TELL_PROBLEMS, WRITTEN, list_file_arguments
from tests.kit import MAIN_KEY_PROFILE, THINGS, Output
from tests.ledger.pages import PAGE, as_html, as_markdown, as_text, write_ledger

MOST = 40_000_000
"""Bytes of memory that a file of gigabytes may cost, which is what may be read of a recording before it is given up."""


def _refuse_to_open(path: Path) -> None:
    path.write_bytes(b"secret: x\n")


def _make_sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(8_000_000_000)


CONTENTS: dict[str, Callable[[Path], object]] = {
    "a link to nothing": lambda path: path.symlink_to("nowhere"),
    "a full device": lambda path: path.symlink_to("/dev/full"),
    "no permission": _refuse_to_open,
    "gigabytes of nothing": _make_sparse,
    "Latin-1": lambda path: path.write_bytes('title: "Büro"\n'.encode("latin-1")),
    "UTF-16": lambda path: path.write_bytes('title: "x"\n'.encode("utf-16")),
    "UTF-32": lambda path: path.write_bytes('{"title": "x"}\n'.encode("utf-32")),
    "a picture": lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256))),
    "a mark, and no more": lambda path: path.write_bytes(codecs.BOM_UTF8),
    "a mark before words": lambda path: path.write_bytes(codecs.BOM_UTF8 + b"some words\n"),
    "NUL bytes": lambda path: path.write_bytes(b'title: "a\0b"\n\0\0\0'),
    "nothing": lambda path: path.write_bytes(b""),
    "blanks": lambda path: path.write_bytes(b"  \n\t \r\n \n"),
    "a brace": lambda path: path.write_bytes(b"{"),
    "brackets in brackets": lambda path: path.write_bytes(b"[" * 200_000),
    "a number without end": lambda path: path.write_bytes(b"9" * 100_000),
    "half a zip": lambda path: path.write_bytes(b"PK\3\4" + bytes(300)),
    "a packed nothing": lambda path: path.write_bytes(gzip.compress(bytes(30_000_000))),
}
"""What may stand in a file, or instead of one."""
EMPTY = ("nothing", "blanks", "a mark, and no more", "a brace")
"""Those that are empty, or the first byte of a file that was cut off."""
MAY_BE_EMPTY = {
    ("check", "--profile"), ("precedence", "--profile"), ("profile", "--profile"), ("profile", "FILE|URL"),
    ("show", "--profile"), ("client", "--deviations"), ("report", "RESULTS"), ("report", "--since"),
}  # fmt: skip
"""Arguments for which an empty file means something: a profile without keys, no known deviation, a run cut off."""
READING = sorted({one for one in list_file_arguments() if one[1] not in WRITTEN and one[0] != "miniatures"})
"""`miniatures --specs` reads as `check` does, after seconds."""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ok.jsonl").write_text(format_header(Judged()) + "\n")
    Path("page.txt").write_text("Error handling\n")


def forbid(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Make some files such that this user may not open them, which no file is for root."""
    usual = os.open

    def refuse(name: Any, *given: Any, **more: Any) -> int:
        if str(name).endswith(names):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), name)
        return usual(name, *given, **more)

    monkeypatch.setattr(os, "open", refuse)


@pytest.mark.parametrize("argument", READING, ids=" ".join)
@pytest.mark.parametrize("content", CONTENTS)
def test_what_is_in_a_file_that_is_none_of_ours_is_told(
    argument: tuple[str, str], content: str, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever argument it is given to: the file is named, and it takes no memory to find out."""
    command, name = argument
    for file in ("x", "x.har"):
        CONTENTS[content](Path(file))
    if content == "no permission":
        forbid(monkeypatch, "x", "x.har")

    tracemalloc.start()
    given = [name, "x"] if name.startswith("--") else ["x"]
    status = cli.main([command, *BEFORE.get(argument, ()), *given, *REST.get(argument, ())])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    said = capsys.readouterr()

    if argument in MAY_BE_EMPTY and content in EMPTY:
        assert status in (Exit.CONFORMANT, Exit.COULD_NOT_JUDGE, Exit.USAGE)
        return
    assert peak < MOST
    tells = command in TELL_PROBLEMS and name != "--profile" and (command, content) != ("check", "a link to nothing")
    assert status == (Exit.NOT_CONFORMANT if tells else Exit.USAGE), said
    assert "x" in said.err + said.out
    assert len((said.err + said.out).splitlines()) <= 6, said


READERS: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "--luma-record": (lambda path: Writer(path, {}).close(), ("nothing", "a link to nothing")),
    "--base-url cassette:": (lambda path: replay(path, Redactor({})), ()),
    "--luma-profile": (lambda path: load_profile(path, {}), EMPTY[:3]),
    "--luma-deviations": (load_deviations, EMPTY[:3]),
    "--luma-client-cert": (lambda path: check_certificate(parse_certificate(str(path))), ()),
    "client --function": (lambda path: load_function(f"{path}:main"), ()),
}
"""What reads the files that options of pytest name, each with the contents that are right for it."""


@pytest.mark.parametrize("option", READERS)
@pytest.mark.parametrize("content", CONTENTS)
def test_the_files_of_options_of_pytest_are_told_alike(
    option: str, content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An input error names the file, in a few lines, where its content is not what it should be."""
    read, right = READERS[option]
    CONTENTS[content](Path("x.py"))
    if content == "no permission":
        forbid(monkeypatch, "x.py")

    tracemalloc.start()
    try:
        if content in right:
            read(Path("x.py"))
        else:
            with pytest.raises(InputError, match=r"x\.py") as refused:
                read(Path("x.py"))
            assert len(str(refused.value).splitlines()) <= 2
        assert tracemalloc.get_traced_memory()[1] < MOST
    finally:
        tracemalloc.stop()


COMMANDS: dict[str, list[str]] = {
    "check": ["check", "things.yaml", "--profile", "p.toml"],
    "list": ["list", "things.yaml"],
    "show": ["show", "things.yaml#empty", "--profile", "p.toml"],
    "profile": ["profile", "p.toml"],
    "audit, HAR": ["audit", "a.har", "--client", "--requests"],
    "audit, cassette": ["audit", "c.yaml"],
    "audit, compressed": ["audit", "a.har.gz"],
    "audit, archive": ["audit", "z.zip"],
    "audit, UTF-16": ["audit", "wide.har"],
    "audit, folder": ["audit", "in"],
    "compare, recordings": ["compare", "a.har", "c.yaml"],
    "compare, results": ["compare", "ok.jsonl", "new.jsonl"],
    "report": ["report", "ok.jsonl", "--since", "new.jsonl", "--output", "out"],
    "report, merged": ["report", "--merge", "ok.jsonl", "new.jsonl", "--output", "all.jsonl"],
    "drift, text": ["drift", "page.txt", "--ledger", "ledger.yaml"],
    "drift, Markdown": ["drift", "page.md", "--ledger", "ledger.yaml"],
    "drift, HTML": ["drift", "page.html", "--ledger", "ledger.yaml"],
    "ledger": ["ledger", "--file", "ledger.yaml"],
    "deviations": ["client", "--deviations", "d.toml", "--scenario", "429/retry-after-1", "--", "true"],
    "scenarios": ["client", "--scenarios", "s.yaml", "--list"],
    "precedence": ["precedence", "unknown-model", "prompt-empty", "--against", "order.json", "--profile", "p.toml"],
}
"""A command line for each kind of file that is read, and each way to read it."""
DEVIATIONS = """
[[deviation]]
cases = "429/*"
facet = "sequence"
answer = "nothing"
reason = "it does nothing"
owner = "nobody"
"""


class Changing:
    """A file that is open, whose reads are counted by `turn`, which may cut it off, change it or break it."""

    def __init__(self, file: BinaryIO, turn: Turn) -> None:
        self._file, self._turn = file, turn

    def read(self, size: int = -1) -> bytes:
        return self._turn.take(self._file.read(size))

    def readline(self, size: int = -1) -> bytes:
        return self._turn.take(self._file.readline(size))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class Turn:
    """Which read of all of a command's meets what: `left` are those before it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, allowed: int, what: str) -> None:
        self.left, self._what = allowed, what
        monkeypatch.setattr(regular_file, "open", self._open, raising=False)

    def _open(self, name: Any, mode: str, *given: Any, **more: Any) -> Any:
        file = builtins.open(name, mode, *given, **more)  # noqa: SIM115  whoever asked for it closes it
        is_ours = mode == "rb" and Path(name).absolute().is_relative_to(Path().absolute())
        return Changing(file, self) if is_ours else file  # type: ignore[arg-type]

    def take(self, read: bytes) -> bytes:
        """Return what a read comes to, or raise OSError."""
        self.left -= 1
        if self.left >= 0:
            return read
        if self._what == "broken":
            raise OSError(errno.EIO, "Input/output error")
        if self._what == "cut":
            return b"" if self.left < -1 else read[: len(read) // 2]
        third = len(read) // 3
        return read if self.left < -1 else (bytes(third) + b"\xff{]" + read[third + 3 :])[: len(read)]


def _write_files() -> None:
    Path("things.yaml").write_text(THINGS)
    Path("p.toml").write_text(MAIN_KEY_PROFILE)
    Path("d.toml").write_text(DEVIATIONS)
    raw = json.dumps(to_har(speak())).encode()
    Path("a.har").write_bytes(raw)
    Path("a.har.gz").write_bytes(gzip.compress(raw))
    Path("wide.har").write_bytes(raw.decode().encode("utf-16"))
    Path("in").mkdir()
    Path("in", "a.har").write_bytes(raw)
    Path("c.yaml").write_text(json.dumps(to_cassette(speak())))
    with zipfile.ZipFile("z.zip", "w") as archive:
        archive.writestr("a.har", raw)
    Path("new.jsonl").write_text(format_header(Judged()) + "\n")
    write_ledger(Path()).rename("ledger.yaml")
    for name, write in (("page.txt", as_text), ("page.md", as_markdown), ("page.html", as_html)):
        Path(name).write_text(write(PAGE))
    Path("s.yaml").write_bytes((specs() / "clients" / "502.yaml").read_bytes())
    seen = [{"first": "prompt-empty", "then": "unknown-model", "count": 1}]
    Path("order.json").write_text(json.dumps({"schema": 1, "target": "x", "observations": seen}))


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("what", ["cut", "replaced", "broken"])
def test_a_file_may_change_at_each_read_of_it(
    command: str, what: str, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For every k, the k-th read finds another end, other bytes, or no disk: a few lines, and a documented status."""
    _write_files()
    usual = cli.main(COMMANDS[command])
    capsys.readouterr()
    for allowed in range(40):
        with monkeypatch.context() as patch:
            turn = Turn(patch, allowed, what)
            status = cli.main(COMMANDS[command])
        said = capsys.readouterr()
        if turn.left >= 0:
            break
        assert status in (Exit.CONFORMANT, Exit.NOT_CONFORMANT, Exit.USAGE, Exit.COULD_NOT_JUDGE), said
        assert "Traceback" not in said.err
        assert len(said.err.splitlines()) <= 6, said
        # `audit` judges what it could read of a file, and says that there was more.
        assert what != "broken" or status != Exit.CONFORMANT or "not read    1 file" in said.out, (allowed, said)
    assert allowed > 0
    assert status == usual

"""Recordings are found and opened wherever they lie, and read as UTF-8."""

from __future__ import annotations

import gzip
import io
import os
import sys
import zipfile
from pathlib import Path

import pytest

from luma_conformance.errors import InputError
from luma_conformance.recording import opening
from luma_conformance.recording.opening import find_recordings, read_attached

TEXT = '{"log": {"entries": []}, "ü": 1}'


def read(*arguments: str) -> dict[str, str]:
    """Return the text of each recording that arguments name, by its title."""
    texts = {}
    for one in find_recordings(arguments):
        with one.open("rb") as file:
            texts[str(one)] = file.read().decode()
    return texts


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change into an empty folder."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_file_is_read_as_utf_8(encoding: str, packed: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Whatever the encoding, and whether it is compressed, the text is the same, and can be read twice."""
    raw = TEXT.encode(encoding)
    Path("a.har").write_bytes(gzip.compress(raw) if packed else raw)

    (one,) = find_recordings(["a.har"])
    with one.open("rb") as file:
        first = file.read(5)
        file.seek(0)
        again = file.read()

    assert (first, again.decode()) == (TEXT.encode()[:5], TEXT)


def test_folders_archives_patterns_and_pipes_are_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder gives what lies in it at any depth, an archive its members, a pattern what it fits."""
    Path("in", "deep").mkdir(parents=True)
    Path("in", "deep", "a.har").write_text(TEXT)
    Path("in", "b.yaml").write_text("interactions: []")
    Path("in", "notes.txt").write_text("no recording")
    with zipfile.ZipFile("c.zip", "w") as archive:
        archive.writestr("x/d.har", TEXT)
        archive.writestr("readme.md", "no recording")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))

    assert [*read("in")] == [os.path.join("in", "b.yaml"), os.path.join("in", "deep", "a.har")]
    assert [*read("in/**/*.har")] == [os.path.join("in", "deep", "a.har")]
    assert read("c.zip") == {"c.zip:x/d.har": TEXT}
    assert read("-") == {"standard input": TEXT}


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("none.har", "none.har cannot be read: No such file"),
        ("none/*.har", "as a pattern it fits none"),
        ("", "the name of a recording is empty"),
        ("empty", "empty has no recordings in it"),
        ("empty.zip", "empty.zip has no recordings in it"),
        ("pipe", "pipe is not a file; pass a stream as `-`"),
    ],
)
def test_what_names_no_recording_is_an_input_error(argument: str, said: str) -> None:
    """A name that leads nowhere, or to something that is no file, is said at once."""
    Path("empty").mkdir()
    zipfile.ZipFile("empty.zip", "w").close()
    os.mkfifo("pipe")

    with pytest.raises(InputError, match=said):
        read(argument)


@pytest.mark.parametrize("packed", [False, True])
def test_bodies_that_lie_beside_a_recording_are_read(packed: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """A body whose digest is its name, as Playwright attaches it, is read from the folder or the archive."""
    named = f"{'0a' * 20}.json"
    members = {"in/a.har": TEXT, f"in/{named}": '{"detail": "x"}', "in/other.json": "secret"}
    if packed:
        with zipfile.ZipFile("a.zip", "w") as archive:
            for name, text in members.items():
                archive.writestr(name, text)
    else:
        Path("in").mkdir()
        for name, text in members.items():
            Path(name).write_text(text)

    found = next(find_recordings(["a.zip" if packed else "in/a.har"]))

    assert read_attached(found, named) == b'{"detail": "x"}'
    for other in ("other.json", f"../in/{named}", f"{'0b' * 20}.json", named.upper(), ""):
        assert read_attached(found, other) is None


def test_a_body_beside_a_recording_is_read_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that is too big counts as not there."""
    named = "0a" * 20
    Path(named).write_bytes(b"x" * 11)
    monkeypatch.setattr(opening, "MAX_ATTACHED", 10)

    assert read_attached(Path("a.har"), named) is None

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
from luma_conformance.recording.opening import find_recordings

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


def test_a_damaged_or_endless_archive_is_an_input_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A compressed file that is cut off, or that unpacks to more than the bound, is given up."""
    Path("cut.har.gz").write_bytes(gzip.compress(os.urandom(5000))[:-900])
    Path("bomb.har.gz").write_bytes(gzip.compress(bytes(100_000)))
    monkeypatch.setattr(opening, "MAX_UNPACKED", 50_000)

    with pytest.raises(InputError, match=r"cut\.har\.gz: is a gzip file that is damaged or cut off"):
        read("cut.har.gz")
    with pytest.raises(InputError, match=r"bomb\.har\.gz: unpacks to more than 50000 bytes"):
        read("bomb.har.gz")

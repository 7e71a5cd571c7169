"""Files that are cut off, damaged or made to harm are given up with one clear error, within bounds."""

from __future__ import annotations

import gzip
import io
import json
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from luma_conformance.cli.main import main
from luma_conformance.cli.recordings import read_recording
from luma_conformance.errors import InputError
from luma_conformance.recording import opening
from luma_conformance.recording.entry import Entry
from luma_conformance.recording.opening import find_recordings
from tests.audit.damaged import speak, to_cassette, to_har
from tests.kit import Output

HAR = json.dumps(to_har(speak())).encode()
FORMS = {
    "a.har": HAR,
    "a.json": json.dumps(to_cassette(speak())).encode(),
    "a.yaml": yaml.safe_dump(to_cassette(speak())).encode(),
    "a.har.gz": gzip.compress(HAR),
}
STEP = 7
"""Bytes from one length of a file that is cut off to the next."""


def pack(**members: bytes) -> bytes:
    """Return a zip archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in members.items():
            archive.writestr(f"{name}.har", raw)
    return file.getvalue()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change into an empty folder."""
    monkeypatch.chdir(tmp_path)


def read(name: str, raw: bytes) -> tuple[list[Entry], str | None]:
    """Return the entries of a file, as far as it can be read, without odd entries, and why not further."""
    Path(name).write_bytes(raw)
    entries: list[Entry] = []
    try:
        for recording in find_recordings([name]):
            for entry in read_recording(recording, lambda _: None):
                entries.append(entry)
    except InputError as error:
        return entries, str(error)
    return entries, None


@pytest.mark.parametrize("name", FORMS)
def test_a_file_that_is_cut_off_anywhere_is_read_as_far_as_it_goes(name: str) -> None:
    """Whole entries before the end are as they were, and one message of one line says where the file ends."""
    whole, _ = read(name, FORMS[name])

    for length in range(0, len(FORMS[name]), STEP):
        entries, why = read(name, FORMS[name][:length])

        # What is left of a YAML file may be whole again: the entry that is cut off has lost its end then.
        sure = max(0, len(entries) - (why is None))
        assert entries[:sure] == whole[:sure]
        assert why is not None or name.endswith(".yaml")
        assert why is None or (name in why and "\n" not in why)


@pytest.mark.parametrize("name", ["a.har.gz", "a.zip"])
def test_a_compressed_file_with_wrong_bytes_is_one_clear_error(name: str) -> None:
    """Whatever byte is another one, the file is read as it was, or is said to be damaged."""
    packed = gzip.compress(HAR) if name.endswith(".gz") else pack(a=HAR)

    for at in range(0, len(packed), STEP):
        raw = bytearray(packed)
        raw[at] ^= 0x55
        _, why = read(name, bytes(raw))
        assert why is None or (name in why and "\n" not in why)


def _encrypt(raw: bytes) -> bytes:
    return raw.replace(b"PK\3\4\x14\0\0\0", b"PK\3\4\x14\0\1\0").replace(
        b"PK\1\2\x14\3\x14\0\0\0", b"PK\1\2\x14\3\x14\0\1\0"
    )


def _claim(size: int) -> Callable[[bytes], bytes]:
    """Return what makes an archive say that its member has another size."""

    def claim(raw: bytes) -> bytes:
        at = raw.index(b"PK\1\2") + 24
        return raw[:at] + struct.pack("<I", size) + raw[at + 4 :]

    return claim


BOMB = b'{"log": {"entries": [' + b" " * 1_000_000
HARMFUL = {
    "a gzip bomb": ("a.har.gz", gzip.compress(BOMB), "unpacks to more than"),
    "a zip bomb": ("a.zip", pack(a=BOMB), "unpacks to more than"),
    "many members of a zip": ("a.zip", pack(**{f"n{n}": b" " * 9_000 for n in range(90)}), "unpacks to more than"),
    "a gzip bomb in a zip": ("a.zip", pack(a=gzip.compress(BOMB)), "unpacks to more than"),
    "an encrypted zip": ("a.zip", _encrypt(pack(a=HAR)), "encrypted"),
    "a zip that claims 2 GB": ("a.zip", _claim(1 << 31)(pack(a=HAR)), "unpacks to more than"),
    "a zip that claims too little": ("a.zip", _claim(100)(pack(a=HAR)), "a.har"),
    "half of a zip": ("a.zip", pack(a=HAR)[:300], "damaged or cut off"),
    "the beginning of a zip": ("a.zip", b"PK\3\4", "damaged or cut off"),
    "a deep HAR": ("a.har", b'{"log": {"entries": [' + b'{"a":' * 100_000, "nested too deep"),
    "a deep cassette": ("a.yaml", b"interactions: " + b"[" * 10_000, "nest"),
}  # fmt: skip


@pytest.mark.parametrize("name", HARMFUL)
def test_a_file_that_is_made_to_harm_is_given_up(monkeypatch: pytest.MonkeyPatch, capsys: Output, name: str) -> None:
    """One line says why, and little memory is taken for it."""
    monkeypatch.setattr(opening, "SURE", 50_000)
    monkeypatch.setattr(opening, "MAX_RATIO", 20)
    title, raw, said = HARMFUL[name]
    Path(title).write_bytes(raw)

    tracemalloc.start()
    status = main(["audit", title])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    error = capsys.readouterr().err
    assert status == 4
    assert said in error
    assert error.count("\n") == 1
    assert most < 60_000_000


def test_traffic_that_packs_well_is_no_bomb() -> None:
    """A recording of equal exchanges is read, compressed or not."""
    log = to_har(speak() * 300)

    entries, why = read("a.har.gz", gzip.compress(json.dumps(log).encode()))

    assert (len(entries), why) == (1800, None)


@pytest.mark.parametrize("size", [1 << 31, 1 << 63, 1e308])
def test_a_size_that_a_file_claims_takes_no_memory(size: float) -> None:
    """A body that is said to be of 2 GB is lost, and nothing of that size is made."""
    document = to_har(speak())
    for entry in document["log"]["entries"]:
        entry["response"]["content"] = {"size": size}
        entry["response"]["bodySize"] = size

    tracemalloc.start()
    entries, why = read("a.har", json.dumps(document).encode())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (len(entries), why) == (6, None)
    assert all("response body" in entry.unknown for entry in entries)
    assert most < 10_000_000


def test_nothing_of_an_archive_is_written(capsys: Output) -> None:
    """A member whose name leads out of the folder is read where it is."""
    with zipfile.ZipFile("a.zip", "w") as archive:
        archive.writestr("../../out.har", HAR)

    assert main(["audit", "a.zip"]) == 0
    assert "judged      6 of 6" in capsys.readouterr().out
    assert [one.name for one in Path.cwd().iterdir()] == ["a.zip"]
    assert not Path("..", "..", "out.har").exists()


def test_one_odd_file_does_not_hide_the_others(capsys: Output) -> None:
    """A file that is not there, an archive that is cut off, alone and in a folder, are told, and the rest is judged."""
    Path("in").mkdir()
    Path("in", "a.har").write_bytes(HAR)
    Path("in", "b.zip").write_bytes(pack(a=HAR)[:-30])
    Path("in", "c.har").write_bytes(HAR)
    Path("d.zip").write_bytes(b"PK\3\4")

    assert main(["audit", "none.har", "d.zip", "in"]) == 0

    said = capsys.readouterr()
    assert "judged      12 of 12" in said.out
    assert "not read    3 files" in said.out
    assert [line.count("luma-conformance:") for line in said.err.splitlines()] == [1, 1, 1]


def test_nothing_that_can_be_read_is_an_input_error(capsys: Output) -> None:
    """Where no file can be read at all, the exit status is 4."""
    Path("d.zip").write_bytes(b"PK\3\4")

    assert main(["audit", "none.har", "d.zip"]) == 4
    assert capsys.readouterr().err.count("luma-conformance:") == 2

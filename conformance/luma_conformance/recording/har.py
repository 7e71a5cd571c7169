"""HAR 1.2 files, read and written: recordings of browsers, proxies, and the kit's own.

The kit's own are recognised by their creator. Data that HAR has no member for is JSON in a `comment`: that of the log
describes the whole recording, that of an entry has its note and the base URL its path was sent to.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import Final, Self

import luma_conformance
from luma_conformance.errors import InputError
from luma_conformance.model import Exchange
from luma_conformance.reading.regular_file import Growing, open_file
from luma_conformance.recording.entry import About, Entry, Odd, Unread
from luma_conformance.recording.har_entry import concerns_api, make_entry_data, read_comment, read_entry, scrub_data
from luma_conformance.recording.json_stream import JSONStream, Malformed, Truncated
from luma_conformance.recording.opening import Openable, open_recording, read_attached

__all__ = ("About", "Entry", "Writer", "is_own", "merge", "read_about", "read_entries")

CREATOR: Final = "luma-conformance"
"""The creator's name, by which the kit recognises its own files."""

_END: Final = b"\n        ]\n    }\n}"
"""The end of a file of ours, after its last entry."""


class Writer:
    """A recording of the kit's own while it is being written: whole on disk after every entry, for one process."""

    def __init__(self, path: Path, about: About, *, scrub: Callable[[str], str] = str) -> None:
        """Begin a file, or continue one of the kit's own, which keeps its description.

        `scrub` is applied to every text that is written. Raise InputError if the file cannot be written, or if it
        exists and is not one of the kit's own.
        """
        self._path, self._scrub = path, scrub
        offset, self._any = _resume(path)
        with _explain_errors(path, "written"):
            real = Path(os.path.realpath(path))  # a link that leads to no file yet is there, and its file is made
            self._file = Growing(real, "r+b" if real.exists() else "xb", offset, _END)
            if not offset:
                self._begin(_format_head(json.dumps(scrub_data(about, scrub))))

    def _begin(self, head: bytes) -> None:
        try:
            self._file.add(head)
        except OSError:
            with suppress(OSError):
                self._file.close()
            raise

    def add(self, exchange: Exchange, base_url: str, note: Mapping[str, object]) -> None:
        """Write one exchange before it returns; `base_url` is where a request for a path alone was sent."""
        members = make_entry_data(exchange, base_url, note, self._scrub).items()
        text = ",".join(f'\n                "{name}": {json.dumps(value)}' for name, value in members)
        with _explain_errors(self._path, "written"):
            self._file.add(f"{',' * self._any}\n            {{{text}\n            }}".encode("ascii"))
        self._any = True

    def close(self) -> None:
        """Close the file, which is whole already; raise InputError."""
        with _explain_errors(self._path, "written"):
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_entries(path: Openable, odd: Odd | None = None) -> Iterator[Entry]:
    """Yield the exchanges of a HAR file one by one, holding no more than one of them.

    A file of the kit's own may be cut off anywhere: its complete entries count. Raise InputError, with the entry or
    the byte, for any other file that is cut off, and for one that is not a HAR file. An entry that cannot be read is
    given to `odd`; without it, it is an InputError too.
    """
    own, number = False, 0
    for name, value in _read_parts(path):
        if name == "creator":
            own = _is_own(value)
        elif name == "entry":
            number += 1
            place = f"{path}:entry {number}"
            try:
                yield read_entry(value, place, own=own, read_attached=partial(read_attached, path))
            except InputError as error:
                if odd is None or own:
                    raise
                odd(Unread(place=place, why=str(error).removeprefix(f"{place}: "), is_api=concerns_api(value)))


def read_about(path: Openable) -> About:
    """Return what the kit's own recorder says of a recording, nothing for others' files; raise InputError."""
    found: dict[str, object] = {}
    for name, value in _read_parts(path):
        if name == "entry" and "creator" in found:
            break
        found[name] = value
    return read_comment(found.get("comment")) if _is_own(found.get("creator")) else {}


def is_own(path: Path) -> bool:
    """Return whether a file begins as the kit's recorder begins one; raise InputError."""
    with _explain_errors(path, "read"), open_recording(path) as file:
        return file.read(len(_make_beginning())) == _make_beginning()


def merge(into: Path, parts: Iterable[Path]) -> None:
    """Append recordings of the kit's own to another, or to a new one with the description of the first."""
    writer: Writer | None = None
    try:
        for part in parts:
            writer = writer or Writer(into, read_about(part))
            for entry in read_entries(part):
                writer.add(entry.exchange, entry.base_url, entry.note)
    finally:
        if writer is not None:
            writer.close()


def _format_head(comment: str) -> bytes:
    """Return the beginning of a file of ours, up to its first entry."""
    log = {
        "version": "1.2",
        "creator": {"name": CREATOR, "version": luma_conformance.__version__},
        "browser": {"name": "", "version": ""},
        "comment": comment,
        "entries": [],
    }
    return json.dumps({"log": log}, indent=4).removesuffix("]\n    }\n}").encode("ascii")


@cache
def _make_beginning() -> bytes:
    """Return the bytes that every file of ours begins with."""
    name = json.dumps(CREATOR).encode("ascii")
    before, found, _ = _format_head("{}").partition(name)
    return before + found


def _resume(path: Path) -> tuple[int, bool]:
    """Return the offset of a file's next entry, and whether other entries precede it; 0 if there is no file yet."""
    try:
        with open_file(path) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            own = file.read(len(_make_beginning())) == _make_beginning()
            file.seek(max(0, size - len(_END) - 1))
            last = file.read()
    except FileNotFoundError:
        return 0, False
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from None
    if size == 0:
        return 0, False
    if own and last[1:] == _END:
        return size - len(_END), last[:1] == b"}"
    return _find_end(path)


def _find_end(path: Path) -> tuple[int, bool]:
    """Return the same for a file that was cut off, or rewritten by another program."""
    ends: list[int] = []
    creator: object = None
    cut = False
    for name, value in _read_parts(path, ends):
        creator = value if name == "creator" else creator
        cut = cut or name == "cut"
    if not (_is_own(creator) or (cut and not ends)):
        raise InputError(f"{path} exists already and is not a recording of luma-conformance; name another file")
    return (ends[-1], True) if ends else (0, False)


def _read_parts(path: Openable, ends: list[int] | None = None) -> Iterator[tuple[str, object]]:
    """Yield the members of the log by name, each of its entries as "entry", and "cut" if a file of ours is cut off.

    The byte at which an entry ends replaces the last of `ends`.
    """
    with _explain_errors(path, "read"), open_recording(path) as file:
        own = file.read(len(_make_beginning())) == _make_beginning()
        file.seek(0)
        number, found = 0, False
        try:
            stream = JSONStream(file.read)
            for name, value in _read_log(stream):
                found = True
                if name == "creator":
                    own = own or _is_own(value)
                if name == "entry":
                    number += 1
                    if ends is not None:
                        ends[:] = [stream.byte]
                yield name, value
        except Malformed as error:
            if not (isinstance(error, Truncated) and own):
                raise InputError(_describe_fault(path, error, number)) from None
            yield "cut", None
        else:
            if not found:
                raise InputError(f"{path} is not a HAR file: it is JSON without a log; save one with the network tools")


def _read_log(stream: JSONStream) -> Iterator[tuple[str, object]]:
    for name in stream.members():
        if name != "log":
            stream.value()
            continue
        for member in stream.members():
            if member != "entries":
                yield member, stream.value()
                continue
            for element in stream.elements():
                yield "entry", element
    stream.end()


def _describe_fault(path: Openable, error: Malformed, number: int) -> str:
    where = f"in entry {number + 1}, " if number else ""
    if isinstance(error, Truncated):
        again = "export the HAR again, and let it finish"
        return f"{path}: is empty" if not error.byte else f"{path}: ends {where}at byte {error.byte}; {again}"
    if not error.byte:
        return f"{path} is not a HAR file: {error} at its beginning"
    return f"{path}: {error} ({where}byte {error.byte})"


@contextmanager
def _explain_errors(path: Openable, done: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{path} cannot be {done}: {error.strerror}") from None


def _is_own(creator: object) -> bool:
    return isinstance(creator, dict) and creator.get("name") == CREATOR

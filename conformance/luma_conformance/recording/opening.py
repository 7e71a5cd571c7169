"""Recordings found and opened: files, compressed or not, members of archives, folders, patterns, standard input.

Nothing is unpacked on disk. What is read is UTF-8, whatever the file's encoding was.
"""

from __future__ import annotations

import codecs
import gzip
import io
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal, Protocol, cast

from luma_conformance.errors import InputError
from luma_conformance.reading.regular_file import open_file

SUFFIXES: Final = (".har", ".json", ".yaml", ".yml", ".har.gz", ".json.gz", ".yaml.gz", ".yml.gz", ".zip")
"""How the names of recordings end, where a folder or an archive is searched for them."""
MAX_PIPED: Final = 1 << 28
"""Bytes that are read from standard input."""
MAX_UNPACKED: Final = 1 << 32
"""Bytes that a compressed file may unpack to."""
_CHUNK: Final = 1 << 16
_WIDE: Final = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16", b"{\0": "utf-16-le", b"\0{": "utf-16-be"}


class Openable(Protocol):
    """A Path, or what stands for one."""

    @property
    def name(self) -> str: ...

    def open(self, mode: Literal["rb"], /) -> BinaryIO:
        """Return a new stream, at the beginning."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recording, wherever it lies; `is_named` by the user, rather than found in a folder or an archive."""

    title: str
    start: Callable[[], BinaryIO]
    is_named: bool = True

    @property
    def name(self) -> str:
        """Its title, as a Path has a name."""
        return self.title

    def open(self, _: Literal["rb"], /) -> BinaryIO:
        """Return a new stream of its text in UTF-8; raise InputError, or OSError."""
        file = self.start()
        head = file.read(4)
        file.seek(0)
        if head[:2] == b"\x1f\x8b":
            file = cast("BinaryIO", _Unpacked(file, self.title))
            head = file.read(4)
            file.seek(0)
        wide = next((name for start, name in _WIDE.items() if head.startswith(start)), None)
        return file if wide is None else io.BufferedReader(cast("io.RawIOBase", _Recoded(file, wide)))

    def __str__(self) -> str:
        return self.title


def open_recording(path: Openable) -> BinaryIO:
    """Return a recording opened at its beginning; raise InputError, or OSError, also for what is no file."""
    return open_file(path) if isinstance(path, Path) else path.open("rb")


def find_recordings(arguments: Iterable[str]) -> Iterator[Recording]:
    """Yield the recordings that arguments name; raise InputError for one that names none."""
    for argument in arguments:
        if argument == "-":
            yield _read_standard_input()
            continue
        if not argument.strip():
            raise InputError("the name of a recording is empty; is a variable unset?")
        path = Path(argument)
        names = [path] if path.exists() else _match(argument)
        if not names:
            raise InputError(f"{argument} cannot be read: No such file, and as a pattern it fits none")
        for name in names:
            yield from _look_into(name, is_named=path.exists())


def _match(pattern: str) -> list[Path]:
    """Return the paths a pattern fits; `**` does not follow links, which may lead in circles."""
    start = Path(Path(pattern).anchor)
    try:
        return sorted(start.glob(str(Path(pattern).relative_to(start))))
    except (ValueError, NotImplementedError, OSError):
        return []


def _look_into(path: Path, *, is_named: bool) -> Iterator[Recording]:
    if path.is_dir():
        found = [one for one in sorted(path.rglob("*")) if one.name.lower().endswith(SUFFIXES) and one.is_file()]
        if not found and is_named:
            raise InputError(f"{path} has no recordings in it: no file ends in {', '.join(SUFFIXES[:4])}")
        for one in found:
            yield from _look_into(one, is_named=False)
    elif not path.is_file():
        raise InputError(f"{path} is not a file; pass a stream as `-`, on standard input")
    elif zipfile.is_zipfile(path):
        yield from _list_members(path)
    else:
        yield Recording(title=str(path), start=lambda: open_file(path), is_named=is_named)


def _list_members(path: Path) -> Iterator[Recording]:
    with zipfile.ZipFile(path) as archive:
        members = [one for one in archive.infolist() if one.filename.lower().endswith(SUFFIXES[:-1])]
    if not members:
        raise InputError(f"{path} has no recordings in it: no member ends in {', '.join(SUFFIXES[:4])}")
    for member in members:
        if member.file_size > MAX_UNPACKED:
            raise InputError(f"{path}: {member.filename} unpacks to more than {MAX_UNPACKED} bytes")

        def start(name: str = member.filename) -> BinaryIO:
            try:
                with zipfile.ZipFile(path) as archive:  # a member that is open keeps the file open
                    return cast("BinaryIO", archive.open(name))
            except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
                raise InputError(f"{path}: {name} cannot be unpacked: {error}") from None

        yield Recording(title=f"{path}:{member.filename}", start=start, is_named=False)


def _read_standard_input() -> Recording:
    raw = sys.stdin.buffer.read(MAX_PIPED + 1)
    if len(raw) > MAX_PIPED:
        raise InputError(f"standard input has more than {MAX_PIPED} bytes; save it as a file")
    return Recording(title="standard input", start=lambda: io.BytesIO(raw))


class _Unpacked(gzip.GzipFile):
    """A gzip stream within bounds, whose faults are input errors."""

    def __init__(self, file: BinaryIO, title: str) -> None:
        super().__init__(fileobj=file, mode="rb")
        self._title, self._left, self._file = title, MAX_UNPACKED, file

    def close(self) -> None:
        """Close the stream and the file."""
        super().close()
        self._file.close()

    def read(self, size: int | None = -1) -> bytes:
        """Return the next bytes; raise InputError."""
        try:
            raw = super().read(size)
        except (EOFError, gzip.BadGzipFile, OSError) as error:
            raise InputError(f"{self._title}: is a gzip file that is damaged or cut off: {error}") from None
        self._left -= len(raw)
        if self._left < 0:
            raise InputError(f"{self._title}: unpacks to more than {MAX_UNPACKED} bytes")
        return raw


class _Recoded(io.RawIOBase):
    """A stream of text in another encoding, as UTF-8; it can be read from the beginning again."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file, self._encoding = file, encoding
        self.seek(0)

    def close(self) -> None:
        """Close the stream and the file."""
        self._file.close()
        super().close()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, _: int = io.SEEK_SET, /) -> int:
        """Go back to the beginning, and on to an offset."""
        self._file.seek(0)
        self._decoder = codecs.getincrementaldecoder(self._encoding)("replace")
        self._held = b""
        self._at = 0
        while self._at < offset and (raw := self.read(min(_CHUNK, offset - self._at))):
            self._at += len(raw)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: bytearray, /) -> int:  # type: ignore[override]
        """Read some bytes into a buffer, and return how many."""
        while not self._held and (raw := self._file.read(_CHUNK)):
            self._held = self._decoder.decode(raw).encode("utf-8", "replace")
        count = min(len(buffer), len(self._held))
        buffer[:count], self._held = self._held[:count], self._held[count:]
        return count

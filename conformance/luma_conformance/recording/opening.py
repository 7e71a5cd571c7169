"""Recordings found and opened: files, compressed or not, members of archives, folders, patterns, standard input.

Nothing is unpacked on disk. What is read is UTF-8, whatever the file's encoding was.
"""

from __future__ import annotations

import codecs
import errno
import gzip
import io
import lzma
import re
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, Literal, Protocol, cast

from luma_conformance.errors import InputError
from luma_conformance.reading.regular_file import open_file
from luma_conformance.recording.foreign import explain_archive

SUFFIXES: Final = (".har", ".json", ".yaml", ".yml", ".har.gz", ".json.gz", ".yaml.gz", ".yml.gz", ".zip")
"""How the names of recordings end, where a folder or an archive is searched for them."""
MAX_PIPED: Final = 1 << 28
"""Bytes that are read from standard input."""
MAX_UNPACKED: Final = 1 << 32
"""Bytes that a compressed file, or a whole archive, may unpack to."""
SURE: Final = 1 << 28
MAX_RATIO: Final = 300
"""How many times its size a compressed file may unpack to, if that is more than `SURE`; traffic packs to a 50th."""
_TOO_MANY: Final = f"or {MAX_RATIO} times its size, as no traffic does"
_FAULTS: Final = (EOFError, OSError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, NotImplementedError)
MAX_ATTACHED: Final = 1 << 27
"""Bytes of a body that lies beside a recording."""
_ATTACHED: Final = re.compile(r"[0-9a-f]{40}(?:\.\w{1,10})?")
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
    """A recording, wherever it lies; `is_named` by the user, rather than found in a folder or an archive.

    `beside` opens what lies beside it under a name, and raises OSError or InputError.
    """

    title: str
    start: Callable[[], BinaryIO]
    is_named: bool = True
    beside: Callable[[str], BinaryIO] | None = None

    @property
    def name(self) -> str:
        """Its title, as a Path has a name."""
        return self.title

    def open(self, _: Literal["rb"], /) -> BinaryIO:
        """Return a new stream of its text in UTF-8; raise InputError, or OSError."""
        file = self.start()
        try:
            return _decode(file, self.title)
        except BaseException:
            file.close()
            raise

    def __str__(self) -> str:
        return self.title


def _decode(file: BinaryIO, title: str) -> BinaryIO:
    """Return a stream without compression, in UTF-8."""
    head = file.read(4)
    file.seek(0)
    if head[:2] == b"\x1f\x8b":
        most = _limit(file.seek(0, io.SEEK_END))
        file.seek(0)
        unpacked = cast("BinaryIO", gzip.GzipFile(fileobj=file, mode="rb"))
        file = cast("BinaryIO", _Unpacked(unpacked, title, most, file))
        head = file.read(4)
        file.seek(0)
    wide = next((name for start, name in _WIDE.items() if head.startswith(start)), None)
    return file if wide is None else io.BufferedReader(cast("io.RawIOBase", _Recoded(file, wide)))


def open_recording(path: Openable) -> BinaryIO:
    """Return a recording opened at its beginning; raise InputError, or OSError, also for what is no file."""
    return open_file(path) if isinstance(path, Path) else path.open("rb")


def read_attached(path: Openable, name: str) -> bytes | None:
    """Return a body that lies beside a recording, named by its digest as Playwright does, or None."""
    beside = _open_beside(path) if isinstance(path, Path) else getattr(path, "beside", None)
    if beside is None or _ATTACHED.fullmatch(name) is None:
        return None
    try:
        with beside(name) as file:
            raw: bytes = file.read(MAX_ATTACHED + 1)
    except (OSError, InputError):
        return None
    return raw if len(raw) <= MAX_ATTACHED else None


def _open_beside(path: Path) -> Callable[[str], BinaryIO]:
    return lambda name: open_file(path.parent / name)


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
            try:
                yield from _look_into(one, is_named=False)
            except InputError as error:  # the other files are whole
                yield Recording(title=str(one), start=partial(_refuse, str(error)), is_named=False)
    elif not path.is_file():
        raise InputError(f"{path} is not a file; pass a stream as `-`, on standard input")
    elif _begins_as_archive(path):
        yield from _list_members(path, is_named=is_named)
    else:
        start = _open_beside(path)
        yield Recording(title=str(path), start=lambda: start(path.name), is_named=is_named, beside=start)


def _refuse(why: str) -> BinaryIO:
    raise InputError(why)


def _begins_as_archive(path: Path) -> bool:
    try:
        with open_file(path) as file:
            return file.read(4) in (b"PK\3\4", b"PK\5\6")
    except OSError:
        return False  # as whoever reads it will say


def _list_members(path: Path, *, is_named: bool) -> Iterator[Recording]:
    try:
        with open_file(path) as file, zipfile.ZipFile(file) as archive:
            size = file.seek(0, io.SEEK_END)
            members = [one for one in archive.infolist() if one.filename.lower().endswith(SUFFIXES[:-1])]
            foreign = explain_archive(archive.namelist())
    except (*_FAULTS, ValueError) as error:
        raise InputError(f"{path}: is an archive that is damaged or cut off: {error}") from None
    members = [one for one in members if not _ATTACHED.fullmatch(one.filename.rpartition("/")[2])]
    if not members and not is_named:
        return
    if foreign is not None:
        raise InputError(f"{path} {foreign}")
    if not members:
        raise InputError(f"{path} has no recordings in it: no member ends in {', '.join(SUFFIXES[:4])}")
    most = _limit(size)
    if sum(member.file_size for member in members) > most:
        raise InputError(f"{path}: unpacks to more than {most:,} bytes, {_TOO_MANY}")
    for member in members:
        folder = "".join(member.filename.rpartition("/")[:2])
        yield Recording(
            title=f"{path}:{member.filename}",
            start=partial(_open_member, path, "", member.filename),
            is_named=False,
            beside=partial(_open_member, path, folder),
        )


def _open_member(path: Path, folder: str, name: str) -> BinaryIO:
    with ExitStack() as opened:
        try:
            file = opened.enter_context(open_file(path))
            with zipfile.ZipFile(file) as archive:
                member = cast("BinaryIO", archive.open(folder + name))
        except (*_FAULTS, ValueError, KeyError) as error:
            raise InputError(f"{path}: {name} cannot be unpacked: {error}") from None
        opened.pop_all()
        return cast("BinaryIO", _Unpacked(member, f"{path}:{folder}{name}", MAX_UNPACKED, file))


def _limit(size: int) -> int:
    """Return how many bytes a file of a size may unpack to."""
    return min(MAX_UNPACKED, max(SURE, size * MAX_RATIO))


def _read_standard_input() -> Recording:
    raw = sys.stdin.buffer.read(MAX_PIPED + 1)
    if len(raw) > MAX_PIPED:
        raise InputError(f"standard input has more than {MAX_PIPED} bytes; save it as a file")
    return Recording(title="standard input", start=lambda: io.BytesIO(raw))


class _Unpacked(io.BufferedIOBase):
    """A compressed stream that is read within bounds, and whose faults are input errors."""

    def __init__(self, file: BinaryIO, title: str, most: int, *holding: BinaryIO) -> None:
        self._file, self._title, self._most, self._holding = file, title, most, holding
        self._left = most

    def close(self) -> None:
        """Close the stream, and the file it is read from."""
        for one in (self._file, *self._holding):
            one.close()
        super().close()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to an offset; raise InputError."""
        self._left = self._most
        with self._explain():
            return self._file.seek(offset, whence)

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next bytes; raise InputError."""
        with self._explain():
            raw = self._file.read(self._left + 1 if size is None or size < 0 else size)
        self._left -= len(raw)
        if self._left < 0:
            raise InputError(f"{self._title}: unpacks to more than {self._most:,} bytes, {_TOO_MANY}")
        return raw

    @contextmanager
    def _explain(self) -> Iterator[None]:
        try:
            yield
        except _FAULTS as error:
            raise InputError(f"{self._title}: is damaged or cut off, and cannot be unpacked: {error}") from None


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
            try:
                self._held = self._decoder.decode(raw).encode("utf-8", "replace")
            except UnicodeError:  # its byte order mark is gone, which was there when it was opened first
                raise OSError(errno.EILSEQ, "it has changed meanwhile") from None
        count = min(len(buffer), len(self._held))
        buffer[:count], self._held = self._held[:count], self._held[count:]
        return count

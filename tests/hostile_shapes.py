"""More hostile answers: bytes, or what a server does once it has heard a request, each of a shape of its own."""

from __future__ import annotations

import contextlib
import gzip
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping

from tests.sockets import Script, dripping, reset

BODY = b'{"detail": "Unknown model: nope"}'
JSON = b"Content-Type: application/json\r\n"
HEAD = b"HTTP/1.1 400 Bad Request\r\n" + JSON
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
ONE_CHUNK = b"%x\r\n%s\r\n" % (len(BODY), BODY)


def sized(body: bytes, more: bytes = b"", status: bytes = b"400 Bad Request") -> bytes:
    """Return an answer of so many bytes."""
    return b"HTTP/1.1 %s\r\n%s%sContent-Length: %d\r\n\r\n%s" % (status, JSON, more, len(body), body)


def coded(coding: bytes, body: bytes) -> bytes:
    """Return an answer in a content coding."""
    return sized(body, b"Content-Encoding: " + coding + b"\r\n")


def raw_deflate(body: bytes) -> bytes:
    """Return a body in deflate without the header of zlib."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


def saying(before: bytes, then: Script) -> Script:
    """Return a script that sends something, and then does another thing."""

    def run(connection: socket.socket) -> None:
        connection.sendall(before)
        then(connection)

    return run


def breaking_off(connection: socket.socket) -> None:
    """Reset the connection once what was sent has arrived."""
    time.sleep(0.02)
    reset(connection)


def half_closing(connection: socket.socket) -> None:
    """Close our direction alone, and read on."""
    connection.shutdown(socket.SHUT_WR)
    with contextlib.suppress(OSError):
        while connection.recv(4096):
            pass


def flooding(piece: bytes) -> Script:
    """Return a script that sends a piece for as long as anybody reads it, some seconds at most."""

    def run(connection: socket.socket) -> None:
        until = time.monotonic() + 5
        while time.monotonic() < until:
            connection.sendall(piece)

    return run


def urgent(connection: socket.socket) -> None:
    """Send an answer with a byte out of band in it."""
    whole = sized(BODY)
    connection.sendall(whole[:20])
    connection.send(b"!", socket.MSG_OOB)
    connection.sendall(whole[20:])


BOMB = gzip.compress(bytes(20_000_000))
TWICE = gzip.compress(gzip.compress(bytes(20_000_000)))
MEMBERS = gzip.compress(b"") * 60_000
SHAPES: Mapping[str, bytes | Script] = {
    "length and chunks": HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + ONE_CHUNK + b"0\r\n\r\n",
    "chunks and length": HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 999\r\n\r\n" + ONE_CHUNK + b"0\r\n\r\n",
    "folded header": HEAD + b"X-A: one\r\n two\r\n\tthree\r\nContent-Length: 2\r\n\r\n{}",
    "a header folded for ever": saying(HEAD + b"X-A: one\r\n", flooding(b" two\r\n" * 100)),
    "lines of LF": sized(BODY).replace(b"\r\n", b"\n"),
    "lines of CR": sized(BODY).replace(b"\r\n", b"\r"),
    "lines of both kinds": HEAD.replace(b"\r\n", b"\n") + b"Content-Length: 2\r\n\n{}",
    "CR in a value": sized(BODY, b"X-A: one\rSet-Cookie: a=b\r\n"),
    "no colon": sized(BODY, b"X-A\r\n"),
    "an empty name": sized(BODY, b": a\r\n"),
    "spaces before the first line": b"  \r\n\r\n" + sized(BODY),
    "empty lines without end": flooding(b"\r\n" * 1000),
    "switching protocols": saying(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", flooding(b"\0" * 100)),
    "interim with a length": b"HTTP/1.1 103 Early Hints\r\nContent-Length: 4\r\n\r\nabcd" + sized(BODY),
    "status 099": sized(BODY, status=b"099 Low"),
    "status 000": sized(BODY, status=b"000 None"),
    "status 600": sized(BODY, status=b"600 High"),
    "status 4000": sized(BODY, status=b"4000 Long"),
    "status -400": sized(BODY, status=b"-400 Minus"),
    "status without reason": sized(BODY, status=b"400"),
    "status 204 with a body": sized(BODY, status=b"204 No Content"),
    "status 304 with a body": sized(BODY, status=b"304 Not Modified"),
    "status 205 with a body": sized(BODY, status=b"205 Reset"),
    "version 0.9": BODY,
    "version 2.0": sized(BODY).replace(b"HTTP/1.1", b"HTTP/2.0"),
    "version 9.9": sized(BODY).replace(b"HTTP/1.1", b"HTTP/9.9"),
    "preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",
    "frame of HTTP/2": b"\0\0\x12\4\0\0\0\0\0" + bytes(18),
    "TLS alert": b"\x15\x03\x01\x00\x02\x02\x28",
    "a request": b"POST /v1/generations HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
    "length of nothing": HEAD + b"Content-Length:\r\n\r\n" + BODY,
    "length of 64 bits and one": HEAD + b"Content-Length: 18446744073709551617\r\n\r\n" + BODY,
    "the same length, twice": HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "megabytes of chunk extensions": CHUNKED + b"2;a=" + b"x" * 3_000_000 + b"\r\n{}\r\n0\r\n\r\n",
    "an extension a chunk": CHUNKED + b"1;abcdefghijklmnop=qrstuvwxyz\r\n \r\n" * 40_000 + b"0\r\n\r\n",
    "trailers that matter": CHUNKED + ONE_CHUNK + b"0\r\nContent-Length: 1\r\nX-Request-Id: a\r\n\r\n",
    "a trailer of a megabyte": CHUNKED + ONE_CHUNK + b"0\r\nX-A: " + b"a" * 1_000_000 + b"\r\n\r\n",
    "chunks without an end": saying(CHUNKED + ONE_CHUNK, half_closing),
    "chunk longer than said": CHUNKED + b"1\r\n" + BODY + b"\r\n0\r\n\r\n",
    "last chunk of many zeros": CHUNKED + ONE_CHUNK + b"0" * 70_000 + b"\r\n\r\n",
    "more after the last chunk": CHUNKED + ONE_CHUNK + b"0\r\n\r\n" + sized(BODY),
    "an old version in chunks": (CHUNKED + ONE_CHUNK + b"0\r\n\r\n").replace(b"HTTP/1.1", b"HTTP/1.0"),
    "gzip of a bomb": coded(b"gzip", BOMB),
    "gzip of gzip": coded(b"gzip, gzip", TWICE),
    "gzip of gzip, told once": coded(b"gzip", gzip.compress(gzip.compress(BODY))),
    "ten codings": coded(b", ".join([b"gzip"] * 10), BODY),
    "ten thousand codings": coded(b",".join([b"gzip"] * 10_000), BODY),
    "gzip of many members": coded(b"gzip", MEMBERS),
    "gzip, and more behind": coded(b"gzip", gzip.compress(BODY) + b"tail"),
    "gzip, cut off": coded(b"gzip", gzip.compress(BODY)[:-9]),
    "gzip with a wrong sum": coded(b"gzip", gzip.compress(BODY)[:-8] + b"\0" * 8),
    "gzip with a name of megabytes": coded(b"gzip", b"\x1f\x8b\x08\x08" + b"\0" * 6 + b"n" * 90_000),
    "raw deflate": coded(b"deflate", raw_deflate(BODY)),
    "deflate of zlib": coded(b"deflate", zlib.compress(BODY)),
    "deflate of gzip": coded(b"deflate", gzip.compress(BODY)),
    "a dictionary is needed": coded(b"deflate", b"\x78\xbb\0\0\0\1" + b"\0" * 9),
    "br that is none": coded(b"br", BODY),
    "zstd": coded(b"zstd", struct.pack("<I", 0xFD2FB528) + b"\0" * 40),
    "identity": coded(b"identity", BODY),
    "a coding with an escape": coded(b"gz\x1bip\xff", BODY),
    "an unannounced gzip": sized(gzip.compress(BODY)),
    "one byte at a time": dripping(0.02, sized(BODY)),
    "one megabyte in one header": sized(BODY, b"X-A: " + b"a" * 1_000_000 + b"\r\n"),
    "one megabyte of a name": sized(BODY, b"a" * 1_000_000 + b": b\r\n"),
    "control characters": sized(BODY, b"X-A: \x01\x08\x1b[2J\x7f\r\n"),
    "text that is no UTF-8": sized(b'{"detail": "\xff\xfe\xed\xa0\x80"}', b"X-A: \xff\xfe\r\n"),
    "UTF-16": sized(BODY.decode().encode("utf-16")),
    "a mark before JSON": sized(b"\xef\xbb\xbf" + BODY),
    "lone surrogates": sized(b'{"detail": "\\ud800 \\udfff"}'),
    "not a number": sized(b'{"detail": NaN}'),
    "a number beyond all": sized(b'{"detail": 1e999999}'),
    "the same member twice": sized(b'{"detail": "a", "detail": "b"}'),
    "nested for ever": sized(b'{"detail":' * 9_000 + b"1" + b"}" * 9_000),
    "a name of megabytes": sized(b'{"%s": 1}' % (b"n" * 90_000)),
    "NUL in JSON": sized(b'{"detail": "a\0b"}'),
    "text after JSON": sized(BODY + b"<html>"),
    "JSON of a lone text": sized(b'"no"'),
    "JSON of null": sized(b"null"),
    "detail of all types": sized(b'{"detail": [1, {"a": null}, [[]]]}'),
    "closed at once": lambda connection: None,
    "closed half": half_closing,
    "half an answer, half closed": saying(HEAD + b"Content-Length: 40\r\n\r\n{", half_closing),
    "reset in a header's name": saying(HEAD + b"X-", breaking_off),
    "reset in a chunk's size": saying(CHUNKED + b"1", breaking_off),
    "reset in a trailer": saying(CHUNKED + ONE_CHUNK + b"0\r\nX: ", breaking_off),
    "reset after the answer": saying(sized(BODY), breaking_off),
    "an urgent byte": urgent,
    "two answers at once": sized(BODY) * 2,
    "an answer of megabytes after ours": saying(sized(BODY), flooding(sized(BODY) * 10)),
    "a thousand cookies": sized(BODY, b"".join(b"Set-Cookie: a%d=b\r\n" % n for n in range(90))),
    "keep alive, and close": sized(BODY, b"Connection: keep-alive, close\r\nKeep-Alive: timeout=-1, max=x\r\n"),
    "an upgrade to TLS": sized(BODY, b"Upgrade: TLS/1.0\r\nConnection: Upgrade\r\n", b"426 Upgrade Required"),
    "a refresh": sized(b"", b"Refresh: 0; url=http://127.0.0.1:1/\r\nLocation: file:///etc/passwd\r\n", b"301 Moved"),
    "a retry in a million years": sized(BODY, b"Retry-After: 99999999999999999999\r\n", b"429 Too Many"),
    "a retry in the past": sized(BODY, b"Retry-After: Thu, 01 Jan 1970 00:00:00 GMT\r\n", b"503 No"),
    "dates of nobody": sized(BODY, b"Date: Xyz, 99 Foo 99999 99:99:99 GMT\r\nAge: -1\r\n"),
}


@contextlib.contextmanager
def serving_shapes(choose: Callable[[bytes], bytes | Script]) -> Iterator[str]:
    """Yield the URL of a server that hears a request on each connection, answers as chosen for it, and closes."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=50)
    threads: list[threading.Thread] = []

    def answer(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(5)
            heard = b""
            while b"\r\n\r\n" not in heard and (piece := connection.recv(65536)):
                heard += piece
                if heard[:1] == b"\x16":  # a handshake of TLS
                    return
            head, _, body = heard.partition(b"\r\n\r\n")
            length = next((int(x[15:]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length:")), 0)
            while len(body) < length and (piece := connection.recv(65536)):
                body += piece
            answer = choose(head + b"\r\n\r\n" + body)
            if callable(answer):
                answer(connection)
            else:
                connection.sendall(answer)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=answer, args=(connection,), daemon=True))
            threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    accepting.join()

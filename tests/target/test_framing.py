"""Framing as HTTP has it: what departs from it is a finding with its status, and no other exception gets out."""

from __future__ import annotations

import gzip
import zlib
from collections import deque
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luma_conformance.errors import ExchangeError
from luma_conformance.target.bounds import Bounds
from luma_conformance.target.response_parser import BadResponse, ResponseParser
from tests.sockets import answer_to, encoded

OK = b"HTTP/1.1 200 OK\r\n"
ZIPPED = gzip.compress(b"plain", mtime=0)
SIZES = [
    b"-5",
    b"+5",
    b"2_0",
    b"0x5",
    b" 5",
    b"",
    b"5.",
    "\u0665".encode(),
    b"f" * 40,
    b"5;a=\0b",
    b"5,5",
    b"g",
]
LENGTHS = [b"-5", b"+5", b"5_0", b"0x5", b"5, 5", b"", b"5.0", "\u0665".encode(), b"9" * 5000, b"5 5"]
CODINGS = [
    "gzip, chunked",
    "chunked, chunked",
    "gzip",
    "xchunked",
    "chunked;q=1",
    "chunked, identity",
    "chunked, gzip",
    "chunked,",
]


@pytest.mark.parametrize("size", SIZES)
def test_a_chunk_size_is_hexadecimal_digits(size: bytes) -> None:
    """No sign, no underscore, no prefix, no other script, nothing too big to be meant."""
    with pytest.raises(ExchangeError, match=r"breaks HTTP: .*\(the status was 200\)"):
        answer_to(OK + b"Transfer-Encoding: chunked\r\n\r\n" + size + b"\r\nabcde\r\n0\r\n\r\n")


@pytest.mark.parametrize("length", LENGTHS)
def test_a_length_is_decimal_digits(length: bytes) -> None:
    """The same for Content-Length."""
    with pytest.raises(ExchangeError, match="Content-Length"):
        answer_to(OK + b"Content-Length: " + length + b"\r\n\r\nabcde")


@pytest.mark.parametrize("coding", CODINGS)
def test_a_transfer_coding_that_was_not_asked_for_is_refused(coding: str) -> None:
    """Only chunked may come, once, last, and without parameters."""
    with pytest.raises(ExchangeError, match=r"Transfer-Encoding is .*not asked for.*\(the status was 200\)"):
        answer_to(OK + f"Transfer-Encoding: {coding}\r\n\r\n".encode() + b"5\r\nabcde\r\n0\r\n\r\n")


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_field_that_is_still_coming_is_not_blamed(size: int) -> None:
    """What ends the field before it is wrong, and the next has no colon yet."""
    head = OK + b"X: a\rContent-Length: 2\r\n\r\n{}"
    pieces = (head[at : at + size] for at in range(0, len(head), size))
    with pytest.raises(BadResponse, match=r"breaks HTTP: missing expected LF after header value$"):
        deque(map(ResponseParser("GET", Bounds()).feed, pieces))


@pytest.mark.parametrize("fields", [b"Transfer-Encoding: Chunked \r\n", b"TRANSFER-ENCODING:\tchunked\r\nX: y\r\n"])
def test_chunked_may_be_spelt_as_headers_are(fields: bytes) -> None:
    """Case and white space do not matter, nor do zeros before a size, extensions and trailers."""
    body = b"0005;a=b\r\nabcde\r\n0\r\nTrailer: x\r\n\r\n"
    assert answer_to(OK + fields + b"\r\n" + body).body == b"abcde"


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", ZIPPED + b"garbage"),
        ("gzip", ZIPPED + bytes(8)),
        ("gzip", ZIPPED + ZIPPED[:9]),
        ("deflate", zlib.compress(b"plain") + b"x"),
        ("deflate", zlib.compress(b"plain") * 2),
    ],
)
def test_what_follows_a_complete_coded_body_is_a_finding(coding: str, body: bytes) -> None:
    """It would be dropped without a word, whatever it says."""
    with pytest.raises(ExchangeError, match=r"goes on for \d+ bytes after the end of what its coding holds"):
        answer_to(encoded(coding, body), bounds=Bounds())


def test_a_gzip_body_has_a_hundred_members_at_most() -> None:
    """The format has no such bound, and each costs a copy of what follows."""
    assert answer_to(encoded("gzip", ZIPPED * 100), bounds=Bounds()).body == b"plain" * 100
    with pytest.raises(ExchangeError, match="over 100 gzip files in a row, which is the bound"):
        answer_to(encoded("gzip", ZIPPED * 101), bounds=Bounds())


@pytest.mark.parametrize("space", [b" ", b"\t"])
@pytest.mark.parametrize(
    "field", [b"Transfer-Encoding%s: chunked", b"Content-Length%s: 5", b"Connection%s: close", b"X%s: y"]
)
def test_a_field_name_ends_at_its_colon(field: bytes, space: bytes) -> None:
    """White space between the two is read in different ways, so that such a head means different things."""
    with pytest.raises(ExchangeError, match="breaks HTTP"):
        answer_to(OK + field % space + b"\r\n\r\n5\r\nabcde\r\n0\r\n\r\n")


def test_chunks_of_an_old_version_are_read_and_end_the_connection() -> None:
    """HTTP/1.0 has none: what they say of where the next answer begins is not believed."""
    old = b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n"
    chunks, length = ResponseParser("GET", Bounds()), ResponseParser("GET", Bounds())
    chunks.feed(old + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
    length.feed(old + b"Content-Length: 2\r\n\r\n{}")
    assert (chunks.response().body, chunks.keep_alive) == (b"{}", False)
    assert (length.response().body, length.keep_alive) == (b"{}", True)


@pytest.mark.parametrize(("coding", "times"), [("gzip", 1), ("gzip", 3), ("gzip, identity", 1), (",gzip,", 2)])
def test_a_gzip_body_may_have_members_and_its_header_empty_places(coding: str, times: int) -> None:
    """All members count; so says the format."""
    assert answer_to(encoded(coding, ZIPPED * times)).body == b"plain" * times


def test_a_nul_in_a_header_is_no_more_than_a_space() -> None:
    """RFC 9110 has it refused or replaced."""
    assert ("A", "b c") in answer_to(OK + b"A: b\0c\r\nContent-Length: 0\r\n\r\n").headers


PARTS = st.lists(
    st.sampled_from(
        [OK, b"Transfer-Encoding: chunked\r\n", b"Content-Length: 5\r\n", b"Content-Encoding: gzip\r\n", b"\r\n", b"\n"]
        + [
            b"HTTP/1.1 100 Continue\r\n\r\n",
            b"5\r\nabcde\r\n",
            b"0\r\n",
            ZIPPED,
            b"Connection: upgrade\r\n",
            b"\0",
            b":",
        ]
        + [size + b"\r\n" for size in SIZES]
        + [b"Content-Length: " + length + b"\r\n" for length in LENGTHS]
        + [f"Transfer-Encoding: {coding}\r\n".encode() for coding in CODINGS]
    )
    | st.binary(max_size=6),
    max_size=12,
)


@settings(max_examples=300, deadline=None)
@given(parts=PARTS, method=st.sampled_from(["GET", "HEAD", "POST"]), cut=st.booleans())
def test_nothing_but_a_finding_comes_of_any_bytes(parts: list[bytes], method: str, cut: bool) -> None:  # noqa: FBT001
    """However an answer is made up and split: a response, a finding, or a connection that closed too early."""
    parser = ResponseParser(method, Bounds(body=1000), cut=cut)
    with suppress(BadResponse, ConnectionError):
        for part in parts:
            if parser.complete:
                break
            if part:
                parser.feed(part)
        if not parser.complete:
            parser.end()
        assert 100 < parser.response().status < 1000

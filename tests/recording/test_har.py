"""Recordings as HAR files: what is written comes back, files of others are read as they are, and none is trusted."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luma_conformance.errors import InputError
from luma_conformance.model import Exchange, Request, Response
from luma_conformance.recording import har
from luma_conformance.recording.entry import REQUEST_BODY, REQUEST_HEADERS, RESPONSE_BODY, RESPONSE_HEADERS, TIMES
from luma_conformance.recording.har import Writer, merge, read_about, read_entries
from tests.kit import same_examples

BASE = "https://agents.lumalabs.ai/mock"
ABOUT = {"target": BASE, "cases": 2}
QUICK = same_examples(60)


def exchange(**changes: Any) -> Exchange:
    """Return an exchange of the API; `changes` are members of the request, the response or the exchange."""
    request = Request(
        method="POST",
        url="/v1/generations",
        headers=(("Authorization", "Bearer secret-key"), ("Content-Type", "application/json")),
        body='{"prompt": "ein früher Hafen"}'.encode(),
    )
    response = Response(
        status=201, headers=(("Content-Type", "application/json"), ("set-cookie", "a"), ("Set-Cookie", "b")), body=b"{}"
    )
    whole = Exchange(request=request, response=response, sent=1775649600.25, received=1775649600.5)
    for name, value in changes.items():
        if name in ("sent", "received"):
            whole = replace(whole, **{name: value})
        elif name in ("status", "answer"):
            member = {"status": "status", "answer": "body"}[name]
            whole = replace(whole, response=replace(whole.response, **{member: value}))
        else:
            whole = replace(whole, request=replace(whole.request, **{name: value}))
    return whole


def recorded(path: Path, *exchanges: Exchange, **options: Any) -> Path:
    """Return a file with these exchanges."""
    with Writer(path, ABOUT, **options) as writer:
        for number, one in enumerate(exchanges):
            writer.add(one, BASE, {"case": f"case-{number}"})
    return path


def found(path: Path) -> list[Exchange]:
    """Return the exchanges of a file."""
    return [entry.exchange for entry in read_entries(path)]


def browser(*changed: Mapping[str, Any], **log: Any) -> bytes:
    """Return a HAR as a browser writes it, its entries changed at the dotted paths of `changed`; None takes out."""
    listed = []
    for changes in changed or ({},):
        one = json.loads(json.dumps(_ENTRY))
        for path, value in changes.items():
            *way, last = path.split(".")
            node = one
            for name in way:
                node = node[name]
            node[last] = value
            if value is None:
                del node[last]
        listed.append(one)
    return json.dumps(
        {"log": {"version": "1.2", "creator": {"name": "WebInspector"}, "entries": listed, **log}}
    ).encode()


OTHER = {"name": "x-other", "value": "1"}
_ENTRY: dict[str, Any] = {
    "_initiator": {"type": "script"},
    "startedDateTime": "2026-04-08T14:00:00.123+02:00",
    "time": 250.5,
    "request": {
        "method": "POST",
        "url": "https://proxy.example/luma/v1/generations?trace=1",
        "headers": [{"name": ":authority", "value": "proxy.example"}, {"name": "x-request-id", "value": "abc"}],
        "bodySize": 16,
        "postData": {"mimeType": "application/json", "text": '{"prompt":"née"}'},
    },
    "response": {
        "status": 400,
        "headers": [{"name": "content-encoding", "value": "gzip"}],
        "content": {"size": 2, "mimeType": "application/json", "text": "{}"},
        "bodySize": 26,
    },
}


def test_exchanges_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Exchanges, their base URLs, their notes and the facts about the whole are read as they were written."""
    file = exchange(method="GET", url="https://storage.example/out.png?X=1&Y=", body=b"", answer=b"\x89PNG\xff")
    path = recorded(tmp_path / "run.har", exchange(), file, exchange(url="/elsewhere", body=b"\xff\x00"))

    one, two, three = read_entries(path)

    assert read_about(path) == ABOUT
    assert (one.exchange, one.base_url, one.place) == (exchange(), BASE, f"{path}:entry 1")
    assert (one.note, one.unknown) == ({"case": "case-0"}, {})
    assert (two.exchange, two.base_url) == (file, "https://storage.example")
    assert (three.exchange, three.base_url) == (exchange(url="/elsewhere", body=b"\xff\x00"), BASE)


TEXT = st.text(st.characters(codec="utf-8"), max_size=8)


@QUICK
@given(
    headers=st.lists(st.tuples(st.text("abC-", min_size=1), TEXT), max_size=5).map(tuple),
    body=st.binary(max_size=12) | TEXT.map(str.encode),
    answer=st.binary(max_size=12) | TEXT.map(str.encode),
    status=st.integers(100, 599),
    microseconds=st.tuples(st.integers(0, 2 * 10**15), st.integers(0, 10**8)),
)
def test_any_exchange_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, headers: Any, body: bytes, answer: bytes, status: int, microseconds: Any
) -> None:
    """Repeated headers, their order and case, bodies of any bytes, and times to the microsecond survive."""
    sent, took = microseconds
    one = exchange(headers=headers, body=body, answer=answer, status=status, sent=sent / 1e6)
    path = recorded(tmp_path_factory.mktemp("any") / "run.har", replace(one, received=(sent + took) / 1e6))

    (back,) = found(path)

    assert (back.request, back.response) == (one.request, one.response)
    assert back.sent == pytest.approx(sent / 1e6, abs=2e-6)
    assert back.received == pytest.approx((sent + took) / 1e6, abs=3e-6)


def test_a_recording_is_a_har_file_after_every_entry(tmp_path: Path) -> None:
    """The file is JSON, and has what HAR 1.2 requires of a log and an entry, while it is still being written."""
    path = tmp_path / "run.har"
    with Writer(path, ABOUT) as writer:
        for count in range(3):
            log = json.loads(path.read_bytes())["log"]
            assert log.keys() >= {"version", "creator", "entries"}
            assert len(log["entries"]) == count
            writer.add(exchange(), BASE, {})
    assert log["entries"][0].keys() >= {"startedDateTime", "time", "request", "response", "cache", "timings"}
    required = {"method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"}
    assert log["entries"][0]["request"].keys() >= required
    required = {"status", "statusText", "httpVersion", "cookies", "headers", "content", "redirectURL", "headersSize"}
    assert log["entries"][0]["response"].keys() >= {*required, "bodySize"}
    assert log["entries"][0]["response"]["content"].keys() >= {"size", "mimeType"}
    assert log["entries"][0]["timings"].keys() >= {"send", "wait", "receive"}


def test_a_truncated_recording_of_ours_can_be_read_and_continued(tmp_path: Path) -> None:
    """Cut at any byte of its entries, it has the whole ones, and can be gone on with."""
    path = recorded(tmp_path / "run.har", exchange(), exchange(status=400), exchange(status=401))
    whole = path.read_bytes()
    ends = [whole.index(b"\n            }", at) + 14 for at in _starts(whole)]
    for count, length in enumerate(range(whole.index(b'"entries": [') + 12, len(whole), 7)):
        path.write_bytes(whole[:length])
        expected = [exchange(), exchange(status=400), exchange(status=401)][: sum(end <= length for end in ends)]
        assert found(path) == expected
        if count % 5 == 0:
            recorded(path, exchange(status=503))
            assert found(path) == [*expected, exchange(status=503)]
            assert json.loads(path.read_bytes())


def _starts(whole: bytes) -> Iterator[int]:
    at = -1
    while (at := whole.find(b'"startedDateTime"', at + 1)) >= 0:
        yield at


def test_entries_survive_a_killed_process(tmp_path: Path) -> None:
    """After SIGKILL in the middle of things, what was added is there."""
    script = (
        "import sys, time; from pathlib import Path; from luma_conformance.recording.har import Writer;"
        "from tests.recording.test_har import exchange\n"
        "writer = Writer(Path(sys.argv[1]), {})\n"
        "while True: writer.add(exchange(answer=b'x' * 9000), 'http://a', {}); print(flush=True)"
    )
    path = tmp_path / "run.har"
    command = [sys.executable, "-c", script, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as process:
        assert process.stdout is not None
        for _ in range(20):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    assert len(found(path)) >= 20
    recorded(path, exchange(status=418))
    assert found(path)[-1].response.status == 418


def test_a_recording_can_be_continued(tmp_path: Path) -> None:
    """Opening a file of ours appends, whether or not it has entries, and keeps its facts about the whole."""
    path = recorded(tmp_path / "run.har")
    for count in range(3):
        assert len(found(path)) == count
        with Writer(path, {"another": True}) as writer:
            writer.add(exchange(status=200 + count), BASE, {})
    assert read_about(path) == ABOUT
    assert [one.response.status for one in found(path)] == [200, 201, 202]


def test_a_reformatted_recording_is_still_ours(tmp_path: Path) -> None:
    """Formatted otherwise, it is read with its notes and gone on with."""
    path = recorded(tmp_path / "run.har", exchange())
    path.write_text(json.dumps(json.loads(path.read_text()), sort_keys=True))

    recorded(path, exchange(status=400))

    assert read_about(path) == ABOUT
    assert [entry.note for entry in read_entries(path)] == [{"case": "case-0"}] * 2


@pytest.mark.parametrize("content", [b"my notes", browser(), b"{", b'{"log": {"entries": []}}'])
def test_a_file_of_another_program_is_never_written_to(tmp_path: Path, content: bytes) -> None:
    """A file that is not ours stays as it is, and the message names it."""
    path = tmp_path / "mine.har"
    path.write_bytes(content)

    with pytest.raises(InputError, match=r"mine\.har"):
        Writer(path, ABOUT)

    assert path.read_bytes() == content


def test_a_path_that_cannot_be_written_is_an_input_error(tmp_path: Path) -> None:
    """A folder, and a folder that is not there, are the user's mistakes."""
    for path in (tmp_path, tmp_path / "none" / "run.har"):
        with pytest.raises(InputError, match="cannot be written"):
            Writer(path, ABOUT)


def test_every_text_passes_the_scrub(tmp_path: Path) -> None:
    """URLs, headers, bodies of text and of bytes, notes and the facts about the whole go through the hook."""
    secret = "secret-key"
    one = exchange(
        method=secret,
        url=f"/v1/generations/{secret}?a={secret}",
        headers=((secret, secret), ("Content-Type", secret)),
        body=secret.encode() + b"\xff",
        answer=f'"{secret}"'.encode(),
    )
    path = tmp_path / "run.har"
    with Writer(path, {secret: [secret]}, scrub=lambda text: text.replace(secret, "REDACTED")) as writer:
        writer.add(one, f"https://{secret}.example", {secret: {"deep": (secret,)}})

    (entry,) = read_entries(path)

    assert secret not in path.read_text()
    assert entry.exchange.request.body == b"REDACTED\xff"
    assert entry.exchange.request.url == "/v1/generations/REDACTED?a=REDACTED"
    assert (entry.base_url, entry.note) == ("https://REDACTED.example", {"REDACTED": {"deep": ["REDACTED"]}})


def test_workers_files_become_one(tmp_path: Path) -> None:
    """Parts are appended in turn, with their notes, and the facts about the whole are the first part's."""
    one = recorded(tmp_path / "0.har", exchange(), exchange(url="https://storage.example/v1/generations/x"))
    two = recorded(tmp_path / "1.har", exchange(status=402))
    into = tmp_path / "run.har"

    merge(into, [one, two])
    merge(into, [two])

    assert found(into) == [*found(one), *found(two), *found(two)]
    assert [entry.note["case"] for entry in read_entries(into)] == ["case-0", "case-1", "case-0", "case-0"]
    assert read_about(into) == ABOUT


def test_a_browsers_file_is_read(tmp_path: Path) -> None:
    """Pseudo-headers go, the prefix before /v1 is the base URL's, a decoded body stays, and comments mean nothing."""
    path = tmp_path / "browser.har"
    path.write_bytes(b"\xef\xbb\xbf" + browser({"comment": '{"note": {"case": "x"}}'}, comment='{"about": 1}'))

    (entry,) = read_entries(path)

    assert (entry.base_url, entry.exchange.request.url) == ("https://proxy.example/luma", "/v1/generations?trace=1")
    # The type that the body is said to have tells of a header that is gone.
    assert entry.exchange.request.headers == (("x-request-id", "abc"), ("Content-Type", "application/json"))
    assert entry.exchange.request.body == '{"prompt":"née"}'.encode()
    assert entry.exchange.sent == 1775649600.123
    assert entry.exchange.received == pytest.approx(1775649600.3735)
    assert (entry.exchange.response.body, entry.note, entry.unknown) == (b"{}", {}, {})
    assert read_about(path) == {}


@pytest.mark.parametrize(
    ("changes", "unknown", "bodies"),
    [
        ({"response.content": {"size": 2, "text": "AP8=", "encoding": "base64"}}, set(), (None, b"\0\xff")),
        ({"response.content": {"size": 5, "mimeType": "text/html"}}, {RESPONSE_BODY}, (None, b"")),
        ({"response.content": {"size": 5, "text": "x", "encoding": "rot13"}}, {RESPONSE_BODY}, (None, b"")),
        ({"response.content": {"size": 0}, "response.bodySize": 0, "response.headers": [OTHER]}, set(), (None, b"")),
        ({"response.content": {"size": 0}, "response.bodySize": 0}, {RESPONSE_BODY}, (None, b"")),
        ({"response.content": None}, {RESPONSE_BODY}, (None, b"")),
        ({"request.postData": None}, {REQUEST_BODY}, (b"", None)),
        ({"request.postData": None, "request.bodySize": 0}, set(), (b"", None)),
        ({"request.postData": {"mimeType": "", "text": ""}, "request.bodySize": 0}, set(), (b"", None)),
        ({"request.postData": {"mimeType": "", "text": ""}}, {REQUEST_BODY}, (b"", None)),
        ({"startedDateTime": "yesterday"}, {TIMES}, (None, None)),
        ({"time": "fast"}, {TIMES}, (None, None)),
        ({"response.status": -1}, set(), (None, None)),
        ({"response.status": "400"}, set(), (None, None)),
        ({"response.content.text": {"detail": "x"}}, set(), (None, b'{"detail": "x"}')),
        ({"response.headers": []}, {RESPONSE_HEADERS}, (None, None)),
        ({"request.headers": None}, {REQUEST_HEADERS}, (None, None)),
        ({"request.postData": {"params": [{"name": "a"}]}, "request.bodySize": -1}, {REQUEST_BODY}, (b"", None)),
        ({"time": None}, {TIMES}, (None, None)),
        ({"time": -1}, {TIMES}, (None, None)),
        ({"request.url": "data:image/png;base64,AA"}, set(), (None, None)),
        ({"response.status": 0}, set(), (None, None)),
        ({"request.postData.text": "\ud800", "request.bodySize": -1}, set(), (b"?", None)),
    ],
)
def test_a_body_the_browser_left_out_is_not_taken_for_an_empty_one(
    tmp_path: Path, changes: dict[str, Any], unknown: set[str], bodies: tuple[bytes | None, bytes | None]
) -> None:
    """A body that was not kept differs from an empty one, and base64 is decoded."""
    path = tmp_path / "browser.har"
    path.write_bytes(browser(changes))

    (entry,) = read_entries(path)

    assert entry.unknown.keys() == unknown
    for expected, body in zip(bodies, (entry.exchange.request.body, entry.exchange.response.body), strict=True):
        assert expected in (None, body)


HOSTILE = {
    "empty": (b"", "is empty"),
    "text": (b"hello", "expected {"),
    "a list": (b"[1]", "expected {"),
    "no log": (b'{"entries": []}', "not a HAR file"),
    "log is a list": (b'{"log": []}', "expected { \\(byte 8\\)"),
    "entries is an object": (b'{"log": {"entries": {}}}', "expected \\["),
    "more after the end": (browser() + b"{}", "more follows"),
    "cut off": (browser({}, {})[:-400], "ends in entry 2, at byte \\d+; export the HAR again"),
    "not UTF-8": (
        browser().replace("née".encode(), b"n\xe9e").replace(b"n\\u00e9e", b"n\xe9e"),
        "not UTF-8.*byte 4\\d\\d",
    ),
    "UTF-16": (browser().decode().encode("utf-16"), "not UTF-8"),
    "a control character": (browser().replace(b"WebInspector", b"Web\x01Inspector"), "Invalid control character"),
    "NaN": (browser().replace(b"250.5", b"NaN"), "NaN is not JSON"),
    "a huge number": (browser().replace(b"250.5", b"9" * 5000), "Exceeds the limit"),
    "deep": (browser().replace(b"250.5", b"[" * 200_000), "nested too deep"),
    "no method": (browser({}, {"request.method": None}), "entry 2: request.method is missing"),
    "no request": (browser({"request": None}), "entry 1: request is missing"),
    "request is text": (browser({"request": "GET"}), "entry 1: request should be a mapping .*, not a string"),
    "an entry is a number": (json.dumps({"log": {"entries": [5]}}).encode(), "the entry should be a mapping .*, not 5"),
    "url is a number": (browser({"request.url": 5}), "request.url should be a string, not 5"),
    "url is relative": (browser({"request.url": "/v1/generations"}), "'/v1/generations' is not an absolute URL"),
    "headers is text": (browser({"request.headers": "a: b"}), "request.headers should be a list, not a string"),
    "a header is text": (browser({"response.headers": ["a: b"]}), r"response.headers\[0\] should have a name"),
    "a header's value is null": (browser({"response.headers": [{"name": "a", "value": None}]}), r"headers\[0\]"),
    "status is true": (browser({"response.status": True}), "response.status should be .*, not true"),
    "status is huge": (browser({"response.status": 10**9}), "response.status should be .*, not 1000000000"),
    "base64 that is none": (
        browser({"response.content": {"text": "é!", "encoding": "base64"}}),
        "response.content.text should be base64",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_malformed_file_is_one_clear_error(tmp_path: Path, name: str) -> None:
    """Whatever is wrong with a file of others, it is one InputError that names the file and the place."""
    content, said = HOSTILE[name]
    path = tmp_path / "theirs.har"
    path.write_bytes(content)

    with pytest.raises(InputError, match=said) as caught:
        list(read_entries(path))

    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_an_endless_value_is_given_up_at_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that does not end is given up at the bound."""
    monkeypatch.setattr("luma_conformance.recording.json_stream.MAX_VALUE", 300_000)
    path = tmp_path / "theirs.har"
    path.write_bytes(browser().replace(b"WebInspector", b"a" * 900_000))

    with pytest.raises(InputError, match="more than 300000 characters"):
        list(read_entries(path))


def test_a_missing_file_is_an_input_error(tmp_path: Path) -> None:
    """No traceback for a wrong name."""
    for read in (lambda path: list(read_entries(path)), read_about):
        with pytest.raises(InputError, match=r"none\.har cannot be read: No such file"):
            read(tmp_path / "none.har")


def test_a_truncated_file_of_another_program_is_refused(tmp_path: Path) -> None:
    """Cut files of others are refused with what to do, at whatever byte they end."""
    whole = browser({}, {})
    path = tmp_path / "theirs.har"
    for length in range(1, len(whole), 11):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"ends|expected|not JSON"):
            list(read_entries(path))


def test_recordings_name_the_command_as_their_creator() -> None:
    """The name by which recordings are known is the command's."""
    assert har.CREATOR == "luma-conformance"


@pytest.mark.parametrize(
    "body",
    ["a \ufffd b", "Ã¼", '"{}"', "\ufeff{}", '{"detail": "x"}'],
    ids=["a character that stands for another", "UTF-8 read as Latin-1", "JSON in JSON", "a mark", "JSON"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
def test_what_the_kit_recorded_is_taken_as_it_is(tmp_path: Path, body: str, encoding: str) -> None:
    """What looks damaged came so: the kit lost nothing, and a replay is judged as the run was."""
    raw = body.encode(encoding, "replace")
    path = recorded(tmp_path / "run.har", exchange(body=raw, answer=raw))

    (entry,) = read_entries(path)

    assert (entry.exchange.request.body, entry.exchange.response.body, entry.unknown) == (raw, raw, {})


@pytest.mark.parametrize(
    ("part", "kept"), [("response.content.text", b"{}"), ("request.postData.text", b"\xef\xbb\xbf{}")]
)
def test_a_byte_order_mark_before_the_text_of_an_answer_is_the_recorders(
    tmp_path: Path, part: str, kept: bytes
) -> None:
    """Nobody can tell who put it there; in a request it may be why the server refused it, so there it stays."""
    path = tmp_path / "browser.har"
    path.write_bytes(browser({part: "\ufeff{}", "request.bodySize": -1}))

    (entry,) = read_entries(path)

    assert kept in (entry.exchange.request.body, entry.exchange.response.body)

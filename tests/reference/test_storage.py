"""Output URLs: new at each poll, valid for an hour on their client's clock, and only as signed."""

from __future__ import annotations

import io
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from luma_conformance.model import Request, Response, header
from luma_conformance.reference import InProcess, Settings
from tests.kit import same_examples
from tests.reference.asking import COMPLETED_IMAGE, COMPLETED_VIDEO, Desk, data, key

GOOD = Desk().output()
PATH, _, QUERY = GOOD.partition("?")
FACTS = dict(parse_qsl(QUERY))


def is_denied(response: Response, code: str = "SignatureDoesNotMatch") -> bool:
    """Return whether the storage refuses, with its own text and format."""
    assert header(response.headers, "Content-Type") == "application/xml"
    assert header(response.headers, "X-API-Version") is None
    return response.status == 403 and f"<Error><Code>{code}</Code>".encode() in response.body


def test_every_poll_gives_a_new_url_that_loads() -> None:
    """Two polls at one moment give two URLs; both lead to the file, with no key."""
    desk = Desk()
    first, second = desk.output(), desk.output()
    assert first != second
    assert desk.file(first) == desk.file(second)
    assert desk.file(first).status == 200


def test_an_output_file_has_the_type_its_header_says() -> None:
    """What is served is what its content type says."""
    desk = Desk()
    image, video = desk.file(desk.output()), desk.file(desk.output(COMPLETED_VIDEO))
    assert header(image.headers, "Content-Type") == "image/png"
    with Image.open(io.BytesIO(image.body)) as picture:
        picture.load()
        assert picture.format == "PNG"
    assert header(video.headers, "Content-Type") == "video/mp4"
    assert video.body[4:8] == b"ftyp"


def test_a_url_is_refused_after_an_hour_while_a_new_poll_works() -> None:
    """The storage, not the API, answers 403; the generation is there and gives a URL that works."""
    desk = Desk()
    old = desk.output()
    desk.clock.sleep(3599.9)
    assert desk.file(old).status == 200
    desk.clock.sleep(0.1)
    assert is_denied(desk.file(old), "AccessDenied")
    assert desk.file(desk.output()).status == 200


def test_a_url_expires_on_its_own_clients_clock() -> None:
    """Advancing a client's clock expires that client's URLs and nobody else's."""
    desk = Desk()
    mine, theirs = desk.output(), desk.made(who="other")
    desk.clock.sleep(10)
    foreign = desk.output(theirs, "other")
    assert data(desk.advance(3600, "other"))["now"] == desk.clock.now() + 3600
    assert desk.file(mine).status == 200
    assert is_denied(desk.file(foreign), "AccessDenied")
    desk.advance(3600, "second")
    assert is_denied(desk.file(mine), "AccessDenied")
    assert desk.file(desk.output(theirs, "other")).status == 200


def test_url_seconds_is_a_setting() -> None:
    """A URL says for how long it is good, and is."""
    desk = Desk(Settings(url_seconds=5))
    url = desk.output()
    assert "X-Amz-Expires=5&" in url
    desk.clock.sleep(5)
    assert is_denied(desk.file(url), "AccessDenied")


@pytest.mark.parametrize("name", FACTS)
@pytest.mark.parametrize("value", [None, "", "0", "nan", "inf", "1e999", "é", "\N{SNOWMAN}", "a\nb", "\x00"])
def test_a_changed_or_missing_parameter_is_a_403(name: str, value: str | None) -> None:
    """Nothing a stranger writes into the query is believed, or raises."""
    changed = {key: fact for key, fact in FACTS.items() if key != name}
    if value is not None:
        changed[name] = value
    assert is_denied(Desk().file(f"{PATH}?{urlencode(changed)}"))


def test_every_character_of_the_signature_counts() -> None:
    """A signature with one character changed, or one more, is no signature."""
    desk = Desk()
    for position in range(len(GOOD) - 64, len(GOOD)):
        other = "0" if GOOD[position] != "0" else "1"
        assert is_denied(desk.file(f"{GOOD[:position]}{other}{GOOD[position + 1 :]}"))
    assert is_denied(desk.file(f"{GOOD}0"))


def test_a_parameter_cannot_be_folded_into_another() -> None:
    """The signed text, read as fewer parameters, is another query."""
    signature = FACTS["X-Amz-Signature"]
    first, *rest = sorted((name, value) for name, value in FACTS.items() if name != "X-Amz-Signature")
    folded = "\n".join([first[1], *(f"{name}={value}" for name, value in rest)])
    assert is_denied(Desk().file(f"{PATH}?{urlencode({first[0]: folded, 'X-Amz-Signature': signature})}"))


@pytest.mark.parametrize(
    "local",
    [
        PATH,
        f"{PATH}?",
        f"{GOOD}&response-content-type=text/html",
        f"{GOOD}&X-Amz-Note=1",
        f"/storage/generations/{COMPLETED_VIDEO}/output.mp4?{QUERY}",
        f"/storage/generations/{COMPLETED_IMAGE}/other.png?{QUERY}",
        f"/storage/generations/{COMPLETED_IMAGE}/../output.png?{QUERY}",
        f"/storage/generations/{COMPLETED_IMAGE}?{QUERY}",
        f"{PATH}?X-Amz-Signature=\ud800",
        f"{PATH}?\ud800=1&{QUERY}",
    ],
)
def test_a_signature_is_good_for_one_path_and_query(local: str) -> None:
    """Another file, another generation and another parameter are refused alike."""
    assert is_denied(Desk().file(local))


@pytest.mark.parametrize("local", ["/storage/generations/", "/storage/generations/nobody/output.png"])
def test_the_path_of_an_unknown_generation_gets_the_same_403(local: str) -> None:
    """The storage never says which generations there are."""
    assert Desk().file(f"{local}?{QUERY}") == Desk().file(PATH)


def test_a_url_of_another_server_is_a_403() -> None:
    """A URL is not valid on a server that never made its generation."""
    desk, elsewhere = Desk(), Desk()
    generation = desk.made()
    desk.clock.sleep(10)
    assert elsewhere.file(desk.output(generation)).status == 403


@same_examples(80)
@given(query=st.text(max_size=40) | st.lists(st.sampled_from([*FACTS, "=", "&", "%", "%ff", "1"])).map("".join))
def test_no_query_causes_an_exception(query: str) -> None:
    """Any query whatever is a 403."""
    assert is_denied(Desk().file(f"{PATH}?{query}"))


@pytest.mark.parametrize(
    ("host", "origin"), [("127.0.0.1:8080", "http://127.0.0.1:8080"), (None, "http://reference.invalid")]
)
def test_a_url_leads_back_to_where_the_poll_came_from(host: str | None, origin: str) -> None:
    """The Host header of the poll is the host of the URL; in process there is a name that never resolves."""
    response = Desk().poll(COMPLETED_IMAGE, headers=(("Host", host),) if host else ())
    assert str(data(response)["output"][0]["url"]).startswith(f"{origin}/storage/generations/{COMPLETED_IMAGE}/")


def test_in_process_the_absolute_url_is_followed() -> None:
    """The transport without sockets takes the URL as it stands in the answer."""
    transport = InProcess()
    headers = (("Authorization", f"Bearer {key('main')}"),)
    poll = transport.send(Request(method="GET", url=f"/v1/generations/{COMPLETED_VIDEO}", headers=headers))
    url = data(poll)["output"][0]["url"]
    assert transport.send(Request(method="GET", url=url)).status == 200
    transport.clock.sleep(3600)
    assert transport.send(Request(method="GET", url=url)).status == 403

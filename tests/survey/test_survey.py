"""A target asked what it offers: profiles that are right, that lie, and that leave out what is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from luma_conformance.catalogue import media
from luma_conformance.errors import CouldNotJudge
from luma_conformance.judge import play
from luma_conformance.model import Request, Response, header
from luma_conformance.reference import profile_path
from luma_conformance.session import open as opening
from luma_conformance.session.open import Options
from luma_conformance.survey import ask_time, asker
from luma_conformance.survey.claims import COSTS, Claim, Finding
from luma_conformance.survey.survey import survey
from tests.answering import answering
from tests.kit import response
from tests.survey.vendor import FETCHED, KEYS, LARGE, Vendor

RIGHT = """
[keys]
main-key = {env = "K_MAIN"}
second-key = {env = "K_SECOND"}
other-key = {env = "K_OTHER"}
revoked-key = {env = "K_REVOKED"}
expired-key = {env = "K_EXPIRED"}
suspended-key = {env = "K_SUSPENDED"}
deactivated-key = {env = "K_DEACTIVATED"}
unfunded-key = {env = "K_POOR"}
low-rpm-key = {env = "K_RPM"}
low-concurrency-key = {env = "K_JOBS"}
[media]
image-url = "https://cdn.test/fine.png"
missing-url = "https://cdn.test/gone.png"
pdf-url = "https://cdn.test/a.pdf"
oversized-url = "https://cdn.test/big.png"
[prompts]
generation-failed-prompt = "do fail"
queued-prompt = "do wait"
[offers]
large-uploads = true
hdr-access = true
[clock]
advance = "/clock"
body = '{"by": {seconds}}'
"""


Asked = Callable[..., dict[str, Claim]]


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in KEYS:
        monkeypatch.setenv(key.upper().replace("-", "_"), key)
    monkeypatch.setenv("K_NOBODY", "k-nobody")
    monkeypatch.setenv("LUMA_AGENTS_API_KEY", "k-main")
    monkeypatch.setattr(asker, "POLL", 0.01)
    monkeypatch.setattr(asker, "PATIENCE", 0.1)
    monkeypatch.setattr(asker, "SHORT", 0.05)
    monkeypatch.setattr(ask_time, "LEAST", 0.05)
    monkeypatch.setattr(play, "supply", lambda name: "x" * LARGE if name == "inline-over-50-mb" else media.supply(name))


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    """Return a function that asks a server for the claims of a profile's text."""

    def ask(server: Callable[[Request], Response], text: str | None = RIGHT, spend: int = 0) -> dict[str, Claim]:
        file = tmp_path / "p.toml"
        if text is not None:
            file.write_text(text)
        with answering(server) as url:
            if isinstance(server, Vendor):
                server.url = url
            found = survey(Options(target=url, profile=None if text is None else file, announce=print, spend=spend))
        return {claim.role: claim for claim in found.claims}

    return ask


@contextmanager
def elsewhere() -> Iterator[None]:
    """Let servers on this machine count as ones that cost money."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("luma_conformance.target.http.is_loopback", lambda _: False)
        yield


def of(found: dict[str, Claim], finding: Finding) -> set[str]:
    """Return the roles of which this was found."""
    return {role for role, claim in found.items() if claim.finding is finding}


def claimed(name: str, entry: str) -> str:
    """Return the right profile with another entry for a role."""
    lines = [line for line in RIGHT.splitlines() if not line.startswith(f"{name} =")]
    table = next(table for table, roles in {"[keys]": "key", "[media]": "url", "[prompts]": "prompt"}.items()
                 if name.endswith(roles))  # fmt: skip
    lines.insert(lines.index(table) + 1, f"{name} = {entry}")
    return "\n".join(lines)


def test_a_right_profile_is_true_in_every_claim(asked: Asked) -> None:
    """On a mock of another make, over a socket; what it does not claim is missing, or found."""
    found = asked(Vendor())

    assert (
        of(found, Finding.FALSE) == of(found, Finding.UNCLEAR) - {"clock.scope"} == of(found, Finding.UNASKED) == set()
    )
    assert found["main-key"].text == "accepted; announces 600 requests a minute"
    assert found["low-rpm-key"].text == "announces 4 requests a minute"
    assert found["low-concurrency-key"].text == "takes 2 jobs at a time"
    assert found["fast-clock"].text == "it answers and moves time"
    assert of(found, Finding.FOUND) == {"video-url", "video-source", "unreachable-url"}
    assert found["unreachable-url"].value == '"https://conformance.invalid/image.png"'


def test_the_references_own_profile_is_true(url: str) -> None:
    """All that it publishes holds, and nothing is left out."""
    found = survey(Options(target=url))

    assert {claim.finding for claim in found.claims} == {Finding.TRUE}, found.claims
    assert found.published == profile_path().read_text()


@pytest.mark.parametrize(
    ("role", "entry", "why"),
    [
        ("second-key", '{env = "K_MAIN"}', "it is main-key itself"),
        ("second-key", '{env = "K_REVOKED"}', "it does not open the API: 401"),
        ("other-key", '{env = "K_SECOND"}', "sees what main-key made"),
        ("revoked-key", '{env = "K_NOBODY"}', "answered as a key that nobody made"),
        ("revoked-key", '{env = "K_EXPIRED"}', "refused for another reason (401 — Expired API key)"),
        ("revoked-key", '{env = "K_OTHER"}', "it opens the API"),
        ("suspended-key", '{env = "K_DEACTIVATED"}', "refused for another reason"),
        ("unfunded-key", '{env = "K_OTHER"}', "was accepted: 201"),
        ("unfunded-key", '{env = "K_NOBODY"}', "it does not open the API"),
        ("low-rpm-key", '{env = "K_OTHER"}', "announces 600 requests a minute"),
        ("low-rpm-key", '{env = "K_POOR"}', "nothing can be created with it: 402"),
        ("low-concurrency-key", '{env = "K_OTHER"}', "takes 21 jobs at once"),
        ("low-concurrency-key", '{env = "K_POOR"}', "another answer comes first, after 0 jobs: 402"),
        ("missing-url", '"https://cdn.test/secret.png"', "refused for another reason (another number): 422"),
        ("missing-url", '"https://cdn.test/a.pdf"', "refused for another reason"),
        ("missing-url", '"https://cdn.test/fine.png"', "was accepted: 201"),
        ("image-url", '"https://cdn.test/gone.png"', "refused: 422"),
        ("queued-prompt", '"do fail"', "its generation is failed"),
        ("queued-prompt", '"an ordinary prompt"', "its generation is completed"),
        ("corrupt-input-prompt", '"do fail"', "fails with generation_failed"),
        ("corrupt-input-prompt", '"an ordinary prompt"', "its generation ends as completed"),
    ],
)
def test_a_false_claim_is_found_alone(asked: Asked, role: str, entry: str, why: str) -> None:
    """It is told as what it is, and throws no doubt on the others."""
    found = asked(Vendor(), claimed(role, entry))

    assert of(found, Finding.FALSE) == {role}
    assert why in found[role].text


def test_a_second_key_that_sees_nothing_may_be_one_all_the_same(asked: Asked) -> None:
    """The documents do not agree whether a generation is of the client or of the key."""
    found = asked(Vendor(), claimed("second-key", '{env = "K_OTHER"}'))

    assert found["second-key"].finding is Finding.UNCLEAR


def test_a_client_may_be_refused_only_when_it_creates(asked: Asked) -> None:
    """The page has the refusal of a suspended client in its section on creating."""
    vendor = Vendor()

    def serve(request: Request) -> Response:
        suspended = header(request.headers, "Authorization") == "Bearer k-suspended"
        return response(404, {"detail": "Generation not found"}) if suspended and not request.body else vendor(request)

    assert asked(serve)["suspended-key"].text == "403 API client is suspended"
    with elsewhere():
        assert asked(serve)["suspended-key"].finding is Finding.UNASKED


def test_words_of_its_own_do_not_make_a_claim_false(asked: Asked) -> None:
    """A server may be wrong in what it says of a URL; that is for the cases to judge."""
    found = asked(Vendor(), claimed("missing-url", '"https://cdn.test/odd.png"'))

    assert found["missing-url"].finding is Finding.UNCLEAR
    assert found["missing-url"].text == "refused in words of its own: 422 could not get it, sorry"


@pytest.mark.parametrize(
    ("clock", "why"),
    [("stuck", "it answers, and created_at moves by 1 s where 100 s were to pass"), (None, "answers 404: Not Found")],
)
def test_a_clock_that_moves_nothing_is_no_clock(asked: Asked, clock: str | None, why: str) -> None:
    """One that is not there, and one that says yes to everything; the other questions are asked all the same."""
    found = asked(Vendor(clock=clock))

    assert of(found, Finding.FALSE) == {"fast-clock"}
    assert why in found["fast-clock"].text


@pytest.mark.parametrize("clock", ["server", "client"])
@pytest.mark.parametrize("scope", ["server", "client"])
def test_whose_time_a_clock_moves_is_found_out(asked: Asked, clock: str, scope: str) -> None:
    """By a client whose clock was not asked to move; the profile's other claim is corrected."""
    found = asked(Vendor(clock=clock), RIGHT + f'scope = "{scope}"\n')["clock.scope"]

    assert found.finding is (Finding.TRUE if clock == scope else Finding.FALSE)
    assert found.value == (None if clock == scope else f'"{clock}"')


def test_without_a_key_of_another_client_nobody_can_tell_whose_time_moves(asked: Asked) -> None:
    """That is no fault of the profile's."""
    text = "\n".join(line for line in RIGHT.splitlines() if not line.startswith(("other", "low")))

    assert asked(Vendor(), text)["clock.scope"].finding is Finding.UNCLEAR


def test_generations_are_looked_up(asked: Asked) -> None:
    """One that is there, one of another type, one that nobody made."""
    done = {"client": "us", "prompt": "", "polls": 5, "ended": True}
    jobs = {"an-image": {**done, "type": "image"}, "a-video": {**done, "type": "video_edit"}}
    ids = '[generations]\ncompleted-image = "{}"\ncompleted-video = "{}"\n'

    right = asked(Vendor(jobs=dict(jobs)), RIGHT + ids.format("an-image", "a-video"))
    wrong = asked(Vendor(jobs=dict(jobs)), RIGHT + ids.format("a-video", "nobodys"))

    assert {*ids_of(right)} == {Finding.TRUE}
    assert {*ids_of(wrong)} == {Finding.FALSE}
    assert wrong["completed-image"].text == "it is of type video_edit and in state completed"
    assert "has none of that id: 404" in wrong["completed-video"].text


def ids_of(found: dict[str, Claim]) -> tuple[Finding, ...]:
    """Return what was found of the generations."""
    return found["completed-image"].finding, found["completed-video"].finding


def test_a_key_alone_is_enough_to_ask(asked: Asked) -> None:
    """On loopback, a server that has nothing but a key: what can be found is, the rest is not claimed."""
    found = asked(Vendor(), None)

    assert found["main-key"].finding is Finding.TRUE
    assert of(found, Finding.FALSE) == set()
    assert of(found, Finding.FOUND) == {
        "image-url", "video-url", "video-source", "unreachable-url", "large-uploads", "hdr-access",
    }  # fmt: skip
    assert found["other-key"] == Claim(role="other-key", finding=Finding.MISSING, text="the profile names no other-key")


def test_the_pages_examples_are_found_where_a_mock_knows_them(asked: Asked) -> None:
    """They are tried on loopback only."""
    known = {**FETCHED, "https://example.com/document.pdf": FETCHED["https://cdn.test/a.pdf"]}

    assert asked(Vendor(fetched=known), None)["pdf-url"].value == '"https://example.com/document.pdf"'
    with elsewhere():
        assert of(asked(Vendor(fetched=known), None, spend=50), Finding.FOUND) == set()


def test_what_a_server_publishes_is_asked_beside_a_file(asked: Asked) -> None:
    """Keys, prompts and a clock that the file does not name."""
    vendor = Vendor(keys={**KEYS, "luma-api-test-gone": "API key has expired"})
    published = (
        '[keys]\nmain-key = {test_key = "luma-api-test-no"}\nexpired-key = {test_key = "luma-api-test-gone"}\n'
        '[prompts]\ngeneration-failed-prompt = "do fail"\nqueued-prompt = "do fail"\n'
        '[clock]\nadvance = "/clock"\nbody = \'{"by": {seconds}}\'\n'
    )

    def serve(request: Request) -> Response:
        return response(200, published.encode()) if request.url == opening.WELL_KNOWN else vendor(request)

    found = asked(serve, '[keys]\nmain-key = {env = "K_MAIN"}\n')

    assert found["expired-key"].value == '{test_key = "luma-api-test-gone"}'
    assert found["generation-failed-prompt"].value == '"do fail"'
    assert (found["fast-clock"].value or "").startswith('advance = "/clock"\nbody = "{\\"by\\": {seconds}}"')
    assert found["queued-prompt"].finding is Finding.MISSING
    assert found["main-key"].finding is Finding.TRUE


def test_off_this_machine_nothing_is_sent_that_may_be_accepted(asked: Asked) -> None:
    """What costs nothing is asked; the rest says why not."""
    vendor = Vendor()
    with elsewhere():
        found = asked(vendor)

    assert {request.method for request in vendor.heard if request.url != "/clock"} == {"GET"}
    assert {"main-key", "revoked-key", "expired-key", "suspended-key", "deactivated-key"} == of(found, Finding.TRUE)
    assert found["missing-url"] == Claim(role="missing-url", finding=Finding.UNASKED, text=COSTS)
    assert "would cost money" in found["fast-clock"].text
    assert "would cost money" in found["second-key"].text


def test_a_budget_is_kept(asked: Asked) -> None:
    """So many may be accepted, and no more: what came first is asked, the rest is not."""
    vendor = Vendor()
    with elsewhere():
        found = asked(vendor, spend=4)

    assert len(vendor.jobs) == 4
    assert found["fast-clock"].finding is Finding.TRUE
    assert found["low-concurrency-key"].finding is Finding.UNASKED


def test_generations_that_never_end_do_not_hold_it_up(asked: Asked) -> None:
    """A static mock: its prompts cannot be told, and are not waited for one after another."""
    vendor = Vendor(prompts={"do fail": "processing", "do wait": "queued"}, clock=None)
    text = claimed("corrupt-input-prompt", '"do fail"').partition("[clock]")[0]

    found = asked(vendor, text)

    assert found["corrupt-input-prompt"].text == "its generation does not end; it is in state queued"
    assert found["queued-prompt"].finding is Finding.TRUE


def test_a_refused_main_key_leaves_nothing_to_ask(asked: Asked) -> None:
    """It ends as a run would."""
    with pytest.raises(CouldNotJudge, match="refuses the main key"):
        asked(Vendor(), '[keys]\nmain-key = {env = "K_NOBODY"}\n')


def test_a_server_that_hangs_up_on_one_question_is_asked_the_others(asked: Asked) -> None:
    """And one that goes away meanwhile ends it."""
    vendor = Vendor()

    def serve(request: Request) -> Response:
        if b"gone.png" in request.body:
            raise ConnectionError
        return vendor(request)

    found = asked(serve)

    assert found["missing-url"].text.startswith("asking broke: ")
    assert found["pdf-url"].finding is Finding.TRUE


def test_roles_of_ones_own_are_listed(asked: Asked) -> None:
    """A key is asked what it opens; nobody but their author knows what the others should do."""
    own = '[roles]\nour-key = "k"\nour-text = "t"\n[values]\nour-text = "x"\n'
    found = asked(Vendor(), RIGHT.replace("[keys]", '[keys]\nour-key = {env = "K_OTHER"}') + own)

    assert found["our-key"].text == "a role of your own: a lookup is answered 404 Generation not found"
    assert found["our-text"].finding is Finding.UNASKED


def test_every_answer_is_scrubbed(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that repeats the key in what it says does not get it onto the screen."""
    secret = "luma-api-0123456789abcdef0123456789abcdef"
    monkeypatch.setenv("K_MAIN", secret)
    vendor = Vendor(keys={**KEYS, secret: "us"})

    def serve(request: Request) -> Response:
        answer = vendor(request)
        said = header(request.headers, "Authorization")
        return replace(answer, body=answer.body.replace(b'"state": "queued"', f'"state": "{said}"'.encode()))

    found = asked(serve)

    assert secret not in repr(found)


@pytest.mark.parametrize(
    ("vendor", "role", "why"),
    [
        (Vendor(fetched={}), "url-ingestion", "a URL whose host cannot exist was accepted"),
        (Vendor(decodes=False), "image-decoding", "was accepted: 201"),
        (Vendor(files=False), "output-files", "an output's URL is answered 404, with nothing"),
    ],
)
def test_what_is_taken_for_granted_is_asked_too(asked: Asked, vendor: Vendor, role: str, why: str) -> None:
    """A mock may lack it; the corrected profile then says so."""
    found = asked(vendor, "\n".join(line for line in RIGHT.splitlines() if "-url" not in line))

    assert of(found, Finding.FALSE) == {role}
    assert why in found[role].text
    assert found[role].value == "false"
    assert asked(Vendor())[role].finding is Finding.TRUE


def test_what_a_mock_says_it_lacks_is_not_asked(asked: Asked) -> None:
    """It is offered no more than any other role that is not."""
    found = asked(Vendor(files=False), RIGHT.replace("[offers]", "[offers]\noutput-files = false"))

    assert found["output-files"].finding is Finding.MISSING

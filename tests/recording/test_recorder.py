"""The recorder and the player, in memory but for the file: whose exchanges are whose, and what is not given out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from luma_conformance.errors import ExchangeError, InputError, NotRecorded
from luma_conformance.model import Case, Exchange, Request, Response
from luma_conformance.recording.har import Writer
from luma_conformance.recording.player import OUTDATED, Player
from luma_conformance.recording.recorder import FORMAT, Recorder, Storing, version_of
from luma_conformance.target.channel import Channel
from luma_conformance.target.server_time import TimeDoubts
from tests.kit import read_cases

AS_IT_IS = Storing(request=lambda r: r, response=lambda r: r, fold=lambda e: e, unfold=lambda e: e)
CASES = """\
section: The section
operation: POST /v1/generations
accepted: {prompt: A sunset}
cases:
  - {id: empty, title: t, set: {prompt: ""}, status: 400}
"""


@dataclass
class Counter:
    """A channel whose answers are numbered, a second apart, and that breaks on demand."""

    count: int = 0
    slept: list[tuple[float, str]] = field(default_factory=list)
    doubt: str | None = None

    def exchange(self, request: Request, *, at_once: bool = False) -> Exchange:
        self.count += 1
        if request.url == "/broken":
            raise ExchangeError("connection reset")
        response = Response(status=400, headers=(("X-Number", str(self.count)),), body=b'{"detail": "no"}')
        return Exchange(request=request, response=response, sent=float(self.count), received=self.count + 0.5)

    def sleep(self, seconds: float, role: str) -> None:
        self.slept.append((seconds, role))

    def find_time_doubts(self) -> TimeDoubts:
        return TimeDoubts(clients=self.doubt)

    def begin_item(self, item: str, case: Case | None = None) -> None:
        pass

    def begin_step(self, number: int) -> None:
        pass

    def begin_example(self, example: object) -> None:
        pass

    def end_example(self) -> None:
        pass

    def recorded_examples(self) -> Iterator[object] | None:
        return None


def ask(body: str = "{}", url: str = "/v1/generations", trace: str = "id-1") -> Request:
    """Return a request."""
    return Request(method="POST", url=url, headers=(("X-Request-Id", trace),), body=body.encode())


def case(text: str = CASES) -> Case:
    """Return the one case of a file that is no control."""
    return read_cases(text)[1]


Record = Callable[..., Recorder]


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Record]:
    """Return a function that opens recorders of one file, as one run after another does."""
    with ExitStack() as writers:

        def make(channel: Channel | None = None, storing: Storing = AS_IT_IS) -> Recorder:
            writers.close()
            writer = writers.enter_context(Writer(tmp_path / "run.har", {"format": FORMAT}))
            return Recorder(channel or Counter(), writer, "http://127.0.0.1:1", storing, lambda: {"kit": "1"})

        yield make


def player(tmp_path: Path) -> Player:
    """Return the recording."""
    return Player(tmp_path / "run.har", AS_IT_IS, lambda text: None)


def number(exchange: Exchange) -> str:
    """Return the number of its channel's answer that an exchange has."""
    return dict(exchange.response.headers)["X-Number"]


def test_an_item_gets_its_own_exchanges_back_in_order_and_at_their_times(recorder: Record, tmp_path: Path) -> None:
    """In whatever order items are replayed, each gets the answers and times it was recorded with."""
    recording = recorder()
    for item in ("a", "b"):
        recording.begin_item(item)
        for body in ("1", "2"):
            recording.exchange(ask(body))

    playing = player(tmp_path)
    playing.begin_item("b")
    second = [playing.exchange(ask(body)) for body in ("1", "2")]
    playing.begin_item("a")
    first = playing.exchange(ask("1"))

    assert [number(exchange) for exchange in second] == ["3", "4"]
    assert (second[0].sent, second[0].received) == (3.0, 3.5)
    assert number(first) == "1"


def test_a_recorded_request_id_is_the_one_that_was_sent(recorder: Record, tmp_path: Path) -> None:
    """A run's ids are its own: a recorded echo is compared with the id that was sent then."""
    recording = recorder()
    recording.begin_item("a")
    recording.exchange(ask(trace="then"))

    playing = player(tmp_path)
    playing.begin_item("a")

    assert playing.exchange(ask(trace="now")).request.headers == (("X-Request-Id", "then"),)


def test_a_doubt_about_the_target_s_clock_is_replayed(recorder: Record, tmp_path: Path) -> None:
    """Where the times could not be relied on when they were recorded, a replay cannot either, and says why."""
    channel = Counter()
    recording = recorder(channel)
    recording.begin_item("a")
    recording.exchange(ask("1"))
    channel.doubt = "the scope is wrong"
    recording.exchange(ask("2"))

    playing = player(tmp_path)
    playing.begin_item("a")
    doubts = [playing.find_time_doubts().clients]
    for body in ("1", "2"):
        playing.exchange(ask(body))
        doubts.append(playing.find_time_doubts().clients)

    assert doubts == [None, None, "the scope is wrong"]


def test_a_request_that_was_not_recorded_is_not_answered(recorder: Record, tmp_path: Path) -> None:
    """A body that differs, and a request too many, are not answered with something else."""
    recording = recorder()
    recording.begin_item("a")
    recording.exchange(ask("1"))

    playing = player(tmp_path)
    playing.begin_item("a")
    with pytest.raises(NotRecorded, match=OUTDATED):
        playing.exchange(ask("2"))
    playing.begin_item("a")
    playing.exchange(ask("1"))
    with pytest.raises(NotRecorded, match="not recorded"):
        playing.exchange(ask("1"))
    with pytest.raises(NotRecorded, match="not recorded"):
        playing.begin_item("z")


def test_a_case_whose_request_has_changed_is_not_judged(recorder: Record, tmp_path: Path) -> None:
    """A case may expect something else and its recording is still good; it may not send something else."""
    recording = recorder()
    recording.begin_item("n/empty", case())

    recording.exchange(ask())
    playing = player(tmp_path)
    playing.begin_item("n/empty", case(CASES.replace("status: 400", "status: 422")))
    with pytest.raises(NotRecorded, match=OUTDATED):
        playing.begin_item("n/empty", case(CASES.replace('prompt: ""', 'prompt: "x"')))


@pytest.mark.parametrize("change", ["method: PUT", "auth: none", "headers: {X: y}", "path: /x"])
def test_every_part_of_a_request_is_compared_with_the_recorded_one(change: str) -> None:
    """Method, key, headers and path are part of what a case sends."""
    plain = CASES.replace('set: {prompt: ""}', "request: {body: {}}")
    changed = CASES.replace('set: {prompt: ""}', f"request: {{body: {{}}, {change}}}")

    assert version_of(case(plain)) != version_of(case(changed))


def test_examples_come_back_with_their_exchanges(recorder: Record, tmp_path: Path) -> None:
    """What was tried is tried again, in order, bytes and tuples and all, and each finds its own exchanges."""
    tried = [{"prompt": "\ud83d 🌅"}, ("family", b"\xff\0", None), ["wait", 1.5, True]]
    recording = recorder()
    recording.begin_item("p")
    for example in tried:
        recording.begin_example(example)
        recording.exchange(ask(repr(example)))
        recording.end_example()

    playing = player(tmp_path)
    playing.begin_item("p")
    examples = playing.recorded_examples()
    assert examples is not None
    again = [(example, number(playing.exchange(ask(repr(example))))) for example in examples]

    assert again == list(zip(tried, ["1", "2", "3"], strict=True))


def test_an_unfinished_example_is_not_in_the_file(recorder: Record, tmp_path: Path) -> None:
    """A run that is killed in the middle of an example leaves the whole ones before it."""
    recording = recorder()
    recording.begin_item("p")
    for example in (1, 2):
        recording.begin_example(example)
        recording.exchange(ask(str(example)))
        if example == 1:
            recording.end_example()

    playing = player(tmp_path)
    playing.begin_item("p")

    assert list(playing.recorded_examples() or ()) == [1]


def test_an_exchange_that_broke_breaks_again(recorder: Record, tmp_path: Path) -> None:
    """How an exchange broke is recorded, and is how it breaks when it is played."""
    recording = recorder()
    recording.begin_item("a")
    with pytest.raises(ExchangeError):
        recording.exchange(ask(url="/broken"))

    playing = player(tmp_path)
    playing.begin_item("a")
    with pytest.raises(ExchangeError, match="connection reset"):
        playing.exchange(ask(url="/broken"))


def test_the_later_of_two_recordings_counts(recorder: Record, tmp_path: Path) -> None:
    """A second run of the same item replaces the first, even where it is shorter."""
    first = recorder()
    first.begin_item("a")
    first.exchange(ask("1"))
    first.exchange(ask("2"))
    second = recorder()
    second.begin_item("a")
    second.exchange(ask("1"))

    playing = player(tmp_path)
    playing.begin_item("a")
    playing.exchange(ask("1"))
    with pytest.raises(NotRecorded):
        playing.exchange(ask("2"))


def test_a_recording_is_as_old_as_the_oldest_part_that_counts(
    recorder: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An item that is recorded again is as old as its last recording; replaced recordings do not count."""
    for day, items in ((1, "ab"), (3, "a"), (5, "b")):
        monkeypatch.setattr("time.time", lambda day=day: day * 86_400.0)
        recording = recorder()
        for item in items:
            recording.begin_item(item)
            recording.exchange(ask())

    assert player(tmp_path).oldest == 3 * 86_400


def test_time_passes_when_recording_and_not_when_playing(recorder: Record, tmp_path: Path) -> None:
    """A recorder hands a wait on; a player has nothing to wait for."""
    counter = Counter()
    recorder(counter).sleep(60, "main-key")
    player(tmp_path).sleep(60, "main-key")

    assert counter.slept == [(60, "main-key")]


def test_everything_is_stored_through_the_policy(recorder: Record, tmp_path: Path) -> None:
    """Requests, answers and examples reach the file only as they may be stored."""
    storing = Storing(
        request=lambda request: replace(request, body=b"stored-request"),
        response=lambda response: replace(response, body=b"stored-response"),
        fold=lambda example: "stored-example",
        unfold=lambda example: f"unfolded {example}",
    )
    recording = recorder(storing=storing)
    recording.begin_item("p")
    recording.begin_example("secret-example")
    recording.exchange(ask("secret-body"))
    recording.end_example()

    text = (tmp_path / "run.har").read_text()
    playing = Player(tmp_path / "run.har", storing, lambda text: None)
    playing.begin_item("p")
    assert list(playing.recorded_examples() or ()) == ["unfolded stored-example"]
    assert "secret-" not in text
    assert "stored-request" in text


def test_a_recording_with_a_key_in_it_is_refused_with_its_place(recorder: Record, tmp_path: Path) -> None:
    """Whatever part of an entry the key is in, it is found."""
    recording = recorder()
    recording.begin_item("a")
    recording.exchange(ask("fine"))
    recording.exchange(ask("has a KEY in it"))

    with pytest.raises(InputError, match=r"run\.har:entry 2: found it"):
        Player(tmp_path / "run.har", AS_IT_IS, lambda text: "found it" if "KEY" in text else None)


WHOLE: dict[str, object] = {"item": "a", "take": "t", "version": "", "at": 1, "request": "x", "sent": 1, "received": 2}


@pytest.mark.parametrize(
    "note",
    [
        {},
        *({name: value for name, value in WHOLE.items() if name != missing} for missing in WHOLE),
        {**WHOLE, "at": "today"},
        {**WHOLE, "request": 7},
        {**WHOLE, "sent": "soon"},
        {**WHOLE, "received": None},
        {**WHOLE, "example": "first"},
    ],
)
def test_a_note_that_is_not_ours_is_refused_with_its_place(tmp_path: Path, note: dict[str, object]) -> None:
    """A file somebody edited is refused at the entry, and with what to do."""
    with Writer(tmp_path / "run.har", {"format": FORMAT}) as writer:
        writer.add(Counter().exchange(ask()), "http://a.test", note)

    with pytest.raises(InputError, match=r"run\.har:entry 1: its note is not one of .*record again"):
        player(tmp_path)


def test_a_literal_that_is_code_is_not_run(recorder: Record, tmp_path: Path) -> None:
    """An example is data: an expression that calls something is refused."""
    recording = recorder()
    recording.begin_item("p")
    recording.begin_example("harmless")
    recording.exchange(ask())
    recording.end_example()
    file = tmp_path / "run.har"
    file.write_text(file.read_text().replace("'harmless'", "__import__('os').getpid()"))

    playing = player(tmp_path)
    playing.begin_item("p")
    with pytest.raises(InputError, match="its example is not plain data"):
        list(playing.recorded_examples() or ())


def test_notes_say_to_which_item_an_exchange_belongs(recorder: Record, tmp_path: Path) -> None:
    """Case, step, what it was recorded by, and times are in the file for other tools to read."""
    recording = recorder()
    recording.begin_item("n/empty", case())
    recording.begin_step(2)
    recording.exchange(ask())

    comment = json.loads((tmp_path / "run.har").read_text())["log"]["entries"][0]["comment"]
    note = json.loads(comment)["note"]
    assert {"item": "n/empty", "step": 2, "kit": "1", "sent": 1.0, "received": 1.5}.items() <= note.items()

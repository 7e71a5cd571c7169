"""Recording and replaying through the plugin: the same verdicts without a socket, and nothing made up."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from luma_conformance.catalogue.files import specs
from luma_conformance.cli.main import main
from luma_conformance.errors import Exit, InputError
from luma_conformance.model import Request, Response
from luma_conformance.recording.har import Writer, read_entries
from luma_conformance.reference.asgi import serving
from luma_conformance.session.record import gather, name_part
from tests import miniatures
from tests.failing import fail_writing
from tests.kit import ONLY_OURS, exchange, run_inside
from tests.miniatures import Wrong, on_requests

UNKNOWN_MODEL = str(specs() / "create" / "400-unknown-model.yaml")
SUITE = Path(__file__).resolve().parents[2] / "conformance" / "luma_conformance" / "suite"
FEW = ("--luma-fuzz", "6", "-k", "not large and not over and not heavy")
OFFLINE = """
import socket

class Refused(socket.socket):
    def connect(self, *address):
        raise AssertionError(f"a socket was opened to {address}")
    connect_ex = bind = connect

socket.socket = Refused
"""
Ran = subprocess.CompletedProcess[str]


def run(folder: Path, *arguments: str, conftest: str = "", env: dict[str, str] | None = None) -> Ran:
    """Run pytest in a process and folder of its own."""
    folder.mkdir(exist_ok=True)
    (folder / "conftest.py").write_text(conftest)
    command = [sys.executable, "-m", "pytest", "--rootdir", str(folder), "-c", str(_ini(folder)), *arguments]
    return subprocess.run(
        [*command, *_conftest(folder), f"--junitxml={folder / 'junit.xml'}"],
        cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, **ONLY_OURS, **(env or {})},
    )  # fmt: skip


def _ini(folder: Path) -> Path:
    options = "--import-mode=importlib -p no:cacheprovider -p no:schemathesis"
    (folder / "pytest.ini").write_text(f"[pytest]\naddopts = {options}\n")
    return folder / "pytest.ini"


def _conftest(folder: Path) -> list[str]:
    return ["-p", "conftest"] if (folder / "conftest.py").read_text() else []


def verdicts(ran: Ran) -> dict[str, str]:
    """Return the verdict of each case and property."""
    (report,) = (word.partition("=")[2] for word in ran.args if word.startswith("--junitxml="))
    found: dict[str, str] = {}
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314  our own file
        words = [child.tag for child in case if child.tag in ("failure", "skipped")]
        found[f"{case.attrib['classname']}::{case.attrib['name']}"] = ", ".join(words) or "passed"
    return found


def summary(ran: Ran) -> str:
    """Return the kit's summary without what it says about the target of a recording."""
    lines = ran.stdout.partition("Luma Agents API conformance ==")[2].splitlines()[1:]
    return "\n".join(line for line in lines if not line.startswith(("target ", "=", "-")))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a recording of one section, whose server is gone."""
    folder = tmp_path_factory.mktemp("recorded")
    with serving() as url:
        run(folder / "live", UNKNOWN_MODEL, "--base-url", url, "--luma-record", str(folder / "run.har"))
    return folder / "run.har"


@pytest.mark.slow
def test_a_replayed_recording_has_the_verdicts_of_its_run_without_a_socket(tmp_path: Path) -> None:
    """Every case and property comes to the same, rule coverage and observations included, with no server there."""
    file = tmp_path / "run.har"
    with serving() as url:
        live = run(tmp_path / "live", str(specs()), str(SUITE), "--base-url", url, "--luma-record", str(file), *FEW)

    again = run(tmp_path / "again", str(specs()), str(SUITE), "--base-url", f"cassette:{file}", *FEW, conftest=OFFLINE)

    assert live.returncode == again.returncode == 0, again.stdout[-3000:]
    assert verdicts(live) == verdicts(again)
    assert len(verdicts(again)) > 480
    assert summary(live) == summary(again)
    assert re.search(r"rules       \d+ of \d+ broken by generated requests", summary(again))
    assert re.search(r"a recording of http://127\.0\.0\.1:\d+, made (just now|\d+ minutes? ago) \(", again.stdout)


@pytest.mark.slow
def test_the_guard_against_sockets_works(tmp_path: Path) -> None:
    """The guard of the test above would have noticed a socket."""
    ran = run(tmp_path, UNKNOWN_MODEL, "--base-url", "http://127.0.0.1:9", conftest=OFFLINE)

    assert "a socket was opened" in ran.stdout + ran.stderr


@pytest.mark.slow
def test_a_replayed_failure_is_explained_as_it_was_live(tmp_path: Path) -> None:
    """A recorded failure is explained as it was live, the smallest example of a property included."""
    file = tmp_path / "wrong.har"
    wrong = miniatures.another_detail("Unknown model: super-model-v9", "no such model")
    chosen = [UNKNOWN_MODEL, str(SUITE / "test_malformed.py"), *FEW[:2]]
    lost = miniatures.without_header("X-Request-Id", on=lambda response: response.status == 400)
    with serving(wrap=lambda handle: lost(wrong(handle))) as url:
        live = run(tmp_path / "live", *chosen, "--base-url", url, "--luma-record", str(file))

    again = run(tmp_path / "again", *chosen, "--base-url", f"cassette:{file}", conftest=OFFLINE)

    assert live.returncode == again.returncode == Exit.NOT_CONFORMANT
    assert verdicts(live) == verdicts(again)
    assert "failure" in verdicts(live).values()
    failures = [re.sub(r"luma-[0-9a-f]{8}|luma-replayed", "RUN", explanations(ran)) for ran in (live, again)]
    assert failures[0] == failures[1]


def explanations(ran: Ran) -> str:
    """Return the text that pytest prints about the failures."""
    return ran.stdout.partition("= FAILURES =")[2].partition("- generated xml file")[0]


@pytest.mark.slow
def test_a_case_that_was_not_recorded_is_not_judged(recorded: Path, tmp_path: Path) -> None:
    """A case the recording lacks, and one whose request is another now, are counted with their reasons."""
    for name in ("case-file.schema.json", "every-response.yaml"):  # what makes a folder a catalogue
        shutil.copy(specs() / name, tmp_path / name)
    (tmp_path / "create").mkdir()
    original = (specs() / "create" / "400-unknown-model.yaml").read_text()
    changed = original.replace("super-model-v9", "super-model-v10")
    assert changed != original
    more = "  - {id: brand-new, title: a new case, set: {prompt: x}, status: 201}\n"
    (tmp_path / "create" / "400-unknown-model.yaml").write_text(changed.rstrip() + "\n" + more)

    ran = run(tmp_path, "create", "--base-url", f"cassette:{recorded}", conftest=OFFLINE)

    assert "1  not recorded" in ran.stdout
    assert "recorded for another version of this case" in ran.stdout


@pytest.mark.slow
def test_a_recording_that_is_too_old_is_not_judged(recorded: Path, tmp_path: Path) -> None:
    """Older than --luma-max-age, or from the future: could not judge, with its age and what is allowed."""

    def aged(seconds: int) -> str:
        at = int(time.time()) - seconds
        file = tmp_path / f"{seconds}.har"
        file.write_text(re.sub(r'\\"at\\": \d+', f'\\\\"at\\\\": {at}', recorded.read_text()))
        return f"cassette:{file}"

    allowing = (UNKNOWN_MODEL, "--luma-max-age", "30d", "--base-url")
    fresh = run(tmp_path / "fresh", *allowing, aged(9_000))
    stale = run(tmp_path / "stale", *allowing, aged(31 * 86_400))
    future = run(tmp_path / "future", *allowing, aged(-9_000))
    ahead = run(tmp_path / "ahead", UNKNOWN_MODEL, "--base-url", aged(-86_400))
    wrong = run(tmp_path / "wrong", UNKNOWN_MODEL, "--luma-max-age", "a month")

    assert fresh.returncode == 0, fresh.stdout
    assert "made 2 hours ago (" in fresh.stdout
    assert stale.returncode == Exit.COULD_NOT_JUDGE
    assert "was made 31 days ago, and --luma-max-age allows 30 days; record it again" in stale.stdout
    assert future.returncode == Exit.COULD_NOT_JUDGE
    assert "is dated in the future by this machine's clock, so that its age is not known" in future.stdout
    assert ahead.returncode == 0, ahead.stdout
    assert "dated in the future by this machine's clock (" in ahead.stdout
    assert wrong.returncode == Exit.USAGE
    assert "is not an age in days, hours or minutes, like 30d, 12h or 90m" in wrong.stderr


@pytest.mark.slow
def test_a_recording_can_be_compared_with_a_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`compare FILE URL` sends the recorded cases again: the planted change is all there is, and only a wording."""
    file = tmp_path / "run.har"
    with serving() as url:
        run(tmp_path / "live", UNKNOWN_MODEL, "--base-url", url, "--luma-record", str(file))
        same = main(["compare", str(file), url, "--fail-on", "any"])
        unchanged = capsys.readouterr().out
    wrong = miniatures.another_detail("Unknown model: super-model-v9", "no such model")
    with serving(wrap=wrong) as url:
        other = main(["compare", str(file), url, "--fail-on", "any"])
        changed = capsys.readouterr().out
        lenient = main(["compare", str(file), url])

    assert same == lenient == Exit.CONFORMANT
    assert unchanged.startswith("The same: nothing changed\n")
    assert unchanged.count(", 6 exchanges, 6 compared\n") == 2
    assert other == Exit.NOT_CONFORMANT
    assert changed.startswith("The same but for words: 1 worded otherwise\n")
    assert "\nworded otherwise: 1\n  POST /v1/generations: detail\n" in changed
    assert ", create/400-unknown-model/page-example, and 1 more\n" in changed


def test_only_a_recording_of_ours_can_be_compared_with_a_server(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another program's file has no cases, and a server that is not there answers none."""
    foreign = tmp_path / "foreign.har"
    foreign.write_text(json.dumps({"log": {"version": "1.2", "creator": {"name": "x"}, "entries": []}}))

    assert main(["compare", str(foreign), "http://127.0.0.1:9"]) == Exit.USAGE
    assert "only what a recording of this kit has" in capsys.readouterr().err


@pytest.mark.slow
def test_workers_record_into_one_file(tmp_path: Path) -> None:
    """With -n each worker records its part; at the end there is one file, which replays whole."""
    file = tmp_path / "run.har"
    chosen = [str(specs() / "get"), str(SUITE / "test_malformed.py"), *FEW[:2]]
    with serving() as url:
        live = run(tmp_path / "live", *chosen, "-n", "2", "--base-url", url, "--luma-record", str(file))
    again = run(tmp_path / "again", *chosen, "--base-url", f"cassette:{file}", conftest=OFFLINE)

    assert [path.name for path in tmp_path.glob("*.har")] == ["run.har"]
    assert live.returncode == again.returncode == 0, again.stdout[-2000:]
    assert len(verdicts(again)) > 20
    assert "not recorded" not in again.stdout


@pytest.mark.slow
def test_a_killed_run_leaves_what_it_had_recorded(tmp_path: Path) -> None:
    """Kill -9 in the middle: the exchanges so far are there, and judged; the rest is not recorded."""
    file = tmp_path / "run.har"
    folder = tmp_path / "live"
    folder.mkdir()
    with serving(wrap=slowly) as url:
        command = [sys.executable, "-m", "pytest", "-q", "-c", str(_ini(folder)), "--rootdir", str(folder)]
        with subprocess.Popen(
            [*command, str(specs() / "create"), "--base-url", url, "--luma-record", str(file)],
            stdout=subprocess.DEVNULL, cwd=folder, env={**os.environ, **ONLY_OURS},
        ) as process:  # fmt: skip
            while not (file.exists() and file.stat().st_size > 30_000):
                assert process.poll() is None
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)

    again = run(tmp_path / "again", str(specs() / "create"), "--base-url", f"cassette:{file}", conftest=OFFLINE)

    assert again.returncode == 0, again.stdout[-2000:]
    assert 5 < sum(word == "passed" for word in verdicts(again).values()) < 300
    assert re.search(r"\d+  not recorded", again.stdout)


@on_requests
def slowly(request: Request) -> Request:
    """Take a hundredth of a second for an answer, so that there is a middle to be killed in."""
    time.sleep(0.01)
    return request


@pytest.mark.slow
def test_a_second_run_appends_to_the_recording(tmp_path: Path) -> None:
    """A second run appends to the file; of a case recorded twice, the later recording counts."""
    file = tmp_path / "run.har"
    mended = threading.Event()

    def wrong_at_first(handle: miniatures.Handle) -> miniatures.Handle:
        wrong = miniatures.another_detail("Unknown model: super-model-v9", "no such model")(handle)

        def answer(request: Request) -> Response:
            return handle(request) if mended.is_set() else wrong(request)

        return answer

    with serving(wrap=wrong_at_first) as url:
        first = run(tmp_path / "first", UNKNOWN_MODEL, "--base-url", url, "--luma-record", str(file))
        mended.set()
        second = run(tmp_path / "second", UNKNOWN_MODEL, "--base-url", url, "--luma-record", str(file))

    again = run(tmp_path / "again", UNKNOWN_MODEL, "--base-url", f"cassette:{file}", conftest=OFFLINE)

    assert first.returncode == Exit.NOT_CONFORMANT
    assert second.returncode == again.returncode == 0
    assert len(list(read_entries(file))) == 2 * len(verdicts(again))


@pytest.mark.slow
def test_a_recording_is_not_continued_with_another_server(recorded: Path, tmp_path: Path) -> None:
    """What is said once of a whole recording, whose it is, would be wrong of a part; nothing in the file is touched."""
    file = tmp_path / "run.har"
    shutil.copy(recorded, file)
    with serving() as url:
        ran = run(tmp_path / "other", UNKNOWN_MODEL, "--base-url", url, "--luma-record", str(file))

    assert ran.returncode == Exit.USAGE
    assert "is a recording of http://127.0.0.1:" in ran.stdout
    assert "name another file" in ran.stdout
    assert file.read_bytes() == recorded.read_bytes()


@pytest.mark.slow
def test_parts_that_cannot_be_gathered_are_kept(tmp_path: Path) -> None:
    """Where workers' parts do not fit the file they belong to, the run says so and removes none of them."""
    file = tmp_path / "run.har"
    file.write_text("{}")
    chosen = [str(specs() / "get" / "404-does-not-exist.yaml"), "-n", "1"]
    with serving() as url:
        ran = run(tmp_path / "live", *chosen, "--base-url", url, "--luma-record", str(file))

    assert ran.returncode == Exit.USAGE
    assert "what the workers recorded is beside it" in ran.stdout
    assert "Traceback" not in ran.stdout + ran.stderr
    assert len(list(read_entries(tmp_path / "run.gw0.har"))) >= 2


@pytest.mark.parametrize("lasting", [0, 1])
@pytest.mark.parametrize("allowed", range(8))
def test_each_write_of_what_gathers_the_parts_can_fail(
    allowed: int, lasting: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Head, four entries or the close: one sentence, whole entries in the recording, and no part is lost."""
    file, whole = tmp_path / "run.har", [0, 1, 2, 3]
    for worker, first in (("gw0", 0), ("gw1", 2)):
        with Writer(name_part(file, worker), {"format": 1}) as writer:
            for number in whole[first : first + 2]:
                writer.add(exchange(Response(status=400)), "http://127.0.0.1:1", {"number": number})
    name_part(file, "gw2").touch()  # its worker could not write even the head
    before = {part.name: part.read_bytes() for part in tmp_path.iterdir()}
    fail_writing(monkeypatch, allowed, lasting=bool(lasting), suffix="run.har")

    refused = pytest.raises(InputError, match=r"/run\.har cannot be written: No space left")
    with refused if allowed < 6 else nullcontext():
        gather(file, ["gw1", "gw0", "gw2", "gw3"])
    left = {part.name: part.read_bytes() for part in tmp_path.iterdir()}
    assert left.keys() == ({*before, "run.har"} if allowed < 6 else {"run.har"})
    assert left | before == before | {"run.har": left["run.har"]}
    entries = [entry.note["number"] for entry in read_entries(file)] if file.stat().st_size else []
    assert entries == whole[: max(0, min(allowed - 1, 4))]


def test_a_part_that_cannot_be_removed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recording is whole then, and a second run would have it twice."""
    with Writer(name_part(tmp_path / "run.har", "gw0"), {"format": 1}) as writer:
        writer.add(exchange(Response(status=400)), "http://127.0.0.1:1", {"number": 0})

    def refuse(path: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(
        InputError, match=r"run\.har is whole, but .*run\.gw0\.har cannot be removed: Permission denied"
    ):
        gather(tmp_path / "run.har", ["gw0"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--base-url", "cassette:"), "cassette: names no file"),
        (("--base-url", "cassette:garbage.har"), "garbage.har is not a HAR file"),
        (("--base-url", "cassette:none.har"), "none.har cannot be read: No such file"),
        (("--base-url", "cassette:foreign.har"), "foreign.har is not a recording of `pytest --luma-record`"),
        (("--base-url", "cassette:{file}", "--luma-record", "x.har"), "--luma-record does not go with a recording"),
        (("--base-url", "cassette:leaking.har"), "leaking.har:entry 1: line"),
        (("--luma-record", "foreign.har"), "foreign.har exists already and is not a recording"),
    ],
)
def test_an_invalid_recording_is_refused_in_one_line(
    recorded: Path, pytester: pytest.Pytester, arguments: tuple[str, ...], said: str
) -> None:
    """A file that is not there, not ours, or has a key in it ends the run at once, with its place and the fix."""
    Path("foreign.har").write_text(json.dumps({"log": {"version": "1.2", "creator": {}, "entries": []}}))
    Path("garbage.har").write_text("garbage")
    leaking = recorded.read_text().replace("luma-api-test-main", "luma-api-3f9c0b7d5e2a4c61")
    Path("leaking.har").write_text(leaking)

    ran = run_inside(pytester, UNKNOWN_MODEL, *(argument.format(file=recorded) for argument in arguments))

    assert ran.ret == Exit.USAGE
    assert said in ran.stdout.str()
    assert "Traceback" not in ran.stdout.str() + ran.stderr.str()


@pytest.mark.slow
def test_a_recording_has_no_secret_and_no_media(tmp_path: Path) -> None:
    """A key from the environment goes by its name, an upload by digest and length, an unknown header by digest."""
    file = tmp_path / "run.har"
    key = "luma-api-51f0a9c3d7e84b26"
    chosen = [str(specs() / "create" / name) for name in ("400-source-on-image.yaml", "413-too-large.yaml")]
    with serving(wrap=lambda handle: miniatures.with_extras(accepting(key)(handle))) as url:
        ran = run(tmp_path / "live", *chosen, "--base-url", url, "--luma-record", str(file),
                  "--luma-profile", str(profile(tmp_path)), env={"LUMA_AGENTS_API_KEY": key})  # fmt: skip

    text = file.read_text()
    assert "judged" in ran.stdout
    assert key not in text
    assert "Bearer $LUMA_AGENTS_API_KEY" in text
    assert "edge-7" not in text
    assert "luma-conformance:header sha256=" in text
    assert file.stat().st_size < 1_000_000
    assert "luma-conformance:inline sha256=" in text


def accepting(key: str) -> Wrong:
    """Accept a key of its own as the reference's main key."""

    def trusting(request: Request) -> Request:
        headers = tuple((n, v.replace(key, "luma-api-test-main")) for n, v in request.headers)
        return replace(request, headers=headers)

    return on_requests(trusting)


def profile(folder: Path) -> Path:
    """Return a profile whose main key comes from the environment, and which takes large uploads."""
    file = folder / "profile.toml"
    file.write_text('[keys]\nmain-key = {env = "LUMA_AGENTS_API_KEY"}\n[offers]\nlarge-uploads = true\n')
    return file

"""Recordings held against the page: the official client's traffic is clean, and whatever is broken in it is found."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import luma_agents
import pytest
import vcr  # type: ignore[import-untyped]
import yaml

from luma_conformance.catalogue import files as casefiles
from luma_conformance.cli.main import main
from luma_conformance.cli.recordings import read_recording, watch
from luma_conformance.reference import Settings
from luma_conformance.reference.asgi import serving
from tests.kit import ONLY_OURS
from tests.reference.asking import COMPLETED_VIDEO, key

QUICK = Settings(queued_seconds=0.01, processing_seconds=0.01)
SUNSET = "A sunset over the ocean"
NOBODY = "00000000-0000-0000-0000-000000000000"
Document = dict[str, Any]
Output = pytest.CaptureFixture[str]


class Browser:
    """Writes down what a client sends and receives as the network tools of a browser do."""

    def __init__(self) -> None:
        self.entries: list[Document] = []
        self._sent: dict[int, float] = {}

    def asked(self, request: httpx.Request) -> None:
        """Note when a request leaves."""
        self._sent[id(request)] = time.time()

    def answered(self, response: httpx.Response) -> None:
        """Write an exchange."""
        response.read()
        request, sent = response.request, self._sent[id(response.request)]
        asked = [(name.lower(), value) for name, value in request.headers.items()]
        entry = {
            "_resourceType": "fetch",
            "startedDateTime": datetime.fromtimestamp(sent, UTC).isoformat().replace("+00:00", "Z"),
            "time": (time.time() - sent) * 1000,
            "request": {
                "method": request.method,
                "url": str(request.url),
                "headers": _records([(":method", request.method), *asked]),
                "bodySize": len(request.content),
                **(
                    {"postData": {"mimeType": "application/json", "text": request.content.decode()}}
                    if request.content
                    else {}
                ),
            },
            "response": {
                "status": response.status_code,
                "headers": _records(list(response.headers.items())),
                "content": _content(response.content),
                "bodySize": -1,
            },
        }
        self.entries.append(entry)

    def har(self) -> Document:
        """Return the file."""
        return {
            "log": {"version": "1.2", "creator": {"name": "WebInspector", "version": "537.36"}, "entries": self.entries}
        }


def _records(fields: list[tuple[str, str]]) -> list[Document]:
    return [{"name": name, "value": value} for name, value in fields]


def _content(body: bytes) -> Document:
    return {"size": len(body), "mimeType": "application/json", "text": body.decode("latin-1")}


def drive(http: httpx.Client, url: str) -> None:
    """Use the official client as its users do, well and badly."""

    def client(who: str) -> luma_agents.Luma:
        return luma_agents.Luma(auth_token=key(who), base_url=f"{url}/v1", max_retries=0, http_client=http)

    def refused(who: str = "main", **asked: Any) -> None:
        with pytest.raises(luma_agents.APIStatusError):
            client(who).generations.create(**{"prompt": SUNSET, **asked})

    create = client("main").generations.create
    made = create(prompt=SUNSET, extra_headers={"X-Request-Id": "myapp-7"})  # 1
    for _ in range(3):  # 2, 3, 4
        time.sleep(0.03)
        made = client("main").generations.get(made.id)
    assert made.output
    http.get(made.output[0].url)  # 5
    create(prompt=SUNSET, model="ray-3.2", type="video_edit", source={"generation_id": COMPLETED_VIDEO})  # 6
    create(prompt=SUNSET, image_ref=[{"url": "https://media.test/image.png"}])  # 7
    refused(aspect_ratio="4:3")  # 8
    refused(prompt="")  # 9
    refused(image_ref=[{"url": "https://media.test/missing.png"}])  # 10
    refused(who="revoked")  # 11
    refused(who="unfunded")  # 12
    with pytest.raises(luma_agents.NotFoundError):
        client("main").generations.get(NOBODY)  # 13
    for _ in range(3):  # 14, 15, 16
        client("low-rpm").generations.create(prompt=SUNSET)
    refused(who="low-rpm")  # 17
    failed = create(prompt="[test] fail generation_failed")  # 18
    time.sleep(0.03)
    client("main").generations.get(failed.id)  # 19


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> tuple[Document, str]:
    """Return one run of the client, as a browser and as vcrpy record it."""
    browser, path = Browser(), tmp_path_factory.mktemp("traffic") / "cassette.yaml"
    hooks: dict[str, list[Callable[..., Any]]] = {"request": [browser.asked], "response": [browser.answered]}
    with serving(QUICK) as url, vcr.use_cassette(str(path)), httpx.Client(event_hooks=hooks) as http:
        drive(http, url)
    return browser.har(), path.read_text()


@pytest.fixture
def har(traffic: tuple[Document, str]) -> Document:
    """Return a copy of the browser's file, to be broken."""
    return json.loads(json.dumps(traffic[0]))  # type: ignore[no-any-return]


@pytest.fixture
def cassette(traffic: tuple[Document, str]) -> Document:
    """Return the data of the cassette, to be broken."""
    return yaml.safe_load(traffic[1])  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change into an empty folder."""
    monkeypatch.chdir(tmp_path)


def ran(*arguments: str) -> int:
    """Return the exit status of a command, whether it returns or exits."""
    try:
        return main([*arguments])
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1


def audited(capsys: Output, *arguments: str) -> tuple[int, str]:
    """Return the exit status and the output of an audit."""
    status = ran("audit", *arguments)
    return status, capsys.readouterr().out


def places(output: str) -> list[int]:
    """Return the entries that have findings."""
    return [int(number) for number in re.findall(r"^\S+:entry (\d+) ", output, re.MULTILINE)]


def written(document: Document, name: str = "browser.har") -> str:
    """Write a file of data and return its name."""
    Path(name).write_text(json.dumps(document) if name.endswith((".har", ".json")) else yaml.safe_dump(document))
    return name


def test_the_official_clients_traffic_is_clean(traffic: tuple[Document, str], capsys: Output) -> None:
    """A browser's HAR and vcrpy's cassette of the same run have no finding, and everything is judged."""
    Path("browser.har").write_text(json.dumps(traffic[0]))
    Path("cassette.yaml").write_text(traffic[1])

    for name in ("browser.har", "cassette.yaml"):
        status, output = audited(capsys, name)
        assert (status, places(output)) == (0, [])
        assert re.search(
            r"^judged +18 of 18 exchanges with http://127.0.0.1:\d+, of 19 in 1 file; 0 findings$", output, re.M
        )
        lost = re.findall(r"^not judged +\d+  ([\w ]+)", output, re.M)
        assert lost == (["rate limit over time"] if name == "cassette.yaml" else [])  # it has no times
        for entry, rule in ((8, "aspect-ratio-invalid"), (9, "prompt-empty")):
            assert f"{name}:entry {entry}: the request itself is refused by rule {rule} (400)" in output


# Ten ways to be wrong: the entry, and what is done to it.


def _answer(entry: Document, status: int, body: object) -> None:
    entry["response"]["status"] = status
    entry["response"]["content"]["text"] = json.dumps(body)


def _edit(entry: Document, change: Callable[[Document], object]) -> None:
    body = json.loads(entry["response"]["content"]["text"])
    change(body)
    entry["response"]["content"]["text"] = json.dumps(body)


def _set(entry: Document, name: str, value: str | None) -> None:
    headers = [record for record in entry["response"]["headers"] if record["name"].lower() != name]
    entry["response"]["headers"] = headers + ([] if value is None else [{"name": name, "value": value}])


def _accept(entry: Document) -> None:
    shape = {"type": "image", "state": "queued", "model": "uni-1", "created_at": "2026-04-08T12:00:00Z"}
    _answer(entry, 201, {"id": NOBODY, **shape, "output": [], "failure_reason": None, "failure_code": None})
    for name, value in (("limit", "60"), ("remaining", "59"), ("reset", str(int(time.time()) + 60))):
        _set(entry, f"x-ratelimit-{name}", value)


def _refuse(entry: Document) -> None:
    _answer(entry, 400, {"detail": "Prompt must be between 1 and 6000 characters"})
    for name in ("limit", "remaining", "reset"):
        _set(entry, f"x-ratelimit-{name}", None)


BROKEN: dict[int, tuple[Callable[[Document], None], str, str]] = {
    1: (lambda entry: _set(entry, "x-request-id", "another"), "headers", 'X-Request-Id: expected .* "myapp-7"'),
    3: (
        lambda entry: _edit(entry, lambda body: body.update(state="queued", output=[])),
        "sequence",
        "does not go back",
    ),
    4: (lambda entry: _edit(entry, lambda body: body.pop("created_at")), "body", "created_at: is missing"),
    7: (_refuse, "status", "the page says    201"),
    8: (
        lambda entry: _edit(entry, lambda body: body.update(detail="Bad aspect_ratio")),
        "detail",
        "Invalid aspect_ratio",
    ),
    9: (_accept, "status", "the page says    400  Prompt must be"),
    11: (lambda entry: _edit(entry, lambda body: body.update(detail="Revoked")), "detail", "has been revoked"),
    12: (lambda entry: _set(entry, "x-ratelimit-limit", "60"), "headers", "x?-?RateLimit-Limit: does not belong here"),
    13: (lambda entry: _set(entry, "x-api-version", None), "headers", "X-API-Version: is missing"),
    16: (lambda entry: _set(entry, "x-ratelimit-remaining", "2"), "sequence", "X-RateLimit-Remaining is 2 where"),
}


def test_ten_faults_are_ten_findings(har: Document, capsys: Output) -> None:
    """Each of ten faults in the browser's file is found, at its entry, by its facet, with the reason; nothing else."""
    for number, (wrong, _, _) in BROKEN.items():
        wrong(har["log"]["entries"][number - 1])

    status, output = audited(capsys, written(har))

    assert (status, sorted(places(output))) == (1, sorted(BROKEN))
    assert "; 10 findings" in output
    for number, (_, facet, said) in BROKEN.items():
        explanation = output[output.index(f"browser.har:entry {number} ") :].partition("\n\n")[0]
        assert f"differs in       {facet}" in explanation
        assert re.search(said, explanation), explanation


@pytest.mark.parametrize("number", BROKEN)
def test_each_fault_alone_is_one_finding(har: Document, capsys: Output, number: int) -> None:
    """One fault is reported once, at its entry."""
    BROKEN[number][0](har["log"]["entries"][number - 1])

    assert audited(capsys, written(har))[0] == 1
    assert places(audited(capsys, "browser.har")[1]) == [number]


def test_faults_in_a_cassette_are_found(cassette: Document, capsys: Output) -> None:
    """A text, a status, a shape, a misplaced header and a step back are found in a cassette too, which has no times."""
    interactions = cassette["interactions"]
    answers = [interaction["response"] for interaction in interactions]
    answers[10]["body"]["string"] = '{"detail": "Revoked"}'
    answers[6].update(status={"code": 500, "message": ""}, body={"string": '{"detail": "x"}'})
    answers[18]["body"]["string"] = answers[18]["body"]["string"].replace('"failed"', '"broken"')
    answers[11]["headers"]["retry-after"] = ["3"]
    answers[3]["body"]["string"] = answers[1]["body"]["string"].replace('"completed"', '"queued"')
    del answers[12]["headers"]["x-api-version"]

    status, output = audited(capsys, written(cassette, "cassette.yaml"))

    assert (status, sorted(places(output))) == (1, [4, 7, 11, 12, 13, 19])


def test_what_was_filtered_out_of_a_cassette_is_not_a_finding(cassette: Document, capsys: Output) -> None:
    """Keys, ids and headers that no answer has any more are counted as not judged, and accuse nobody."""
    for interaction in cassette["interactions"]:
        request, response = interaction["request"]["headers"], interaction["response"]["headers"]
        interaction["request"]["headers"] = {
            name: ["DUMMY"] if name == "authorization" else values
            for name, values in request.items()
            if name not in ("x-request-id", "content-type")
        }
        for name in ("x-api-version", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "retry-after"):
            response.pop(name, None)

    status, output = audited(capsys, written(cassette, "cassette.yaml"))

    assert (status, places(output)) == (0, [])
    assert re.search(r"^not judged +\d+  X-API-Version: no answer of the file has it", output, re.MULTILINE)


def test_what_a_browser_left_out_is_not_a_finding(har: Document, capsys: Output) -> None:
    """Without keys, bodies and answers, the rest is judged, and what is missing is counted with its reason."""
    for number, entry in enumerate(har["log"]["entries"]):
        entry["request"]["headers"] = [one for one in entry["request"]["headers"] if one["name"] != "authorization"]
        if number % 3 == 0:
            del entry["response"]["content"]["text"]
        if number % 3 == 1:
            entry["request"].pop("postData", None)
        if number == 8:
            entry["response"].update(status=0, headers=[])

    status, output = audited(capsys, written(har))

    assert (status, places(output)) == (0, [])
    assert re.search(r"^not judged +1  no answer was recorded \(browser.har:entry 9\)$", output, re.MULTILINE)
    assert re.search(r"^not judged +\d+  rate limit over time: the recording does not show whose key", output, re.M)


def test_a_request_that_breaks_a_rule_is_a_finding_when_asked_for(har: Document, capsys: Output) -> None:
    """With --requests a client's own mistakes fail; without, they are notes."""
    name = written(har)

    assert audited(capsys, name)[0] == 0
    status, output = audited(capsys, name, "--requests")
    assert status == 1
    assert "browser.har:entry 8: the request itself is refused by rule aspect-ratio-invalid (400)" in output
    assert "; 2 findings" in output


def test_only_one_host_is_judged_when_it_is_named(har: Document, capsys: Output) -> None:
    """--host takes a name, or a name and port; with no exchange of it, nothing was judged, and that is no success."""
    name = written(har)
    port = re.findall(r"http://127.0.0.1:(\d+)", json.dumps(har))[0]

    assert audited(capsys, name, "--host", "127.0.0.1")[0] == 0
    assert audited(capsys, name, "--host", f"127.0.0.1:{port}")[0] == 0
    assert ran("audit", name, "--host", "agents.lumalabs.ai") == 6
    assert "no exchange with the API at agents.lumalabs.ai" in capsys.readouterr().err


def test_a_file_of_other_traffic_cannot_be_judged(har: Document, capsys: Output) -> None:
    """Silence is not conformance: nothing with the API in it is status 6."""
    har["log"]["entries"] = har["log"]["entries"][4:5]

    assert ran("audit", written(har)) == 6
    output = capsys.readouterr()
    assert "judged      0 of 0 exchanges with the API, of 1 in 1 file; 0 findings" in output.out
    assert "could not judge" in output.err


def test_secrets_and_terminal_commands_of_a_file_are_not_printed(har: Document, capsys: Output) -> None:
    """Keys, tokens, cookies, signatures and terminal commands in a file are not printed, whatever is found."""
    secrets = ("luma-api-0123456789abcdef", "sk-proxy-0123456789", "session-0123456789", "0123456789signature")
    for entry in har["log"]["entries"]:
        entry["request"]["headers"] += _records([("authorization", f"Bearer {secrets[1]}"), ("cookie", secrets[2])])
        if entry["response"]["content"]["text"].startswith("{"):
            said = f"\x1b[31m{secrets[0]} Bearer {secrets[1]} https://a.b/?x=1&X-Amz-Signature={secrets[3]}"
            _answer(entry, 500, {"detail": said})

    status, output = audited(capsys, written(har))

    assert status == 1
    assert len(places(output)) == 18
    assert [secret for secret in (*secrets, "\x1b") if secret in output] == []
    assert "luma-api-REDACTED" in output


@pytest.mark.parametrize(
    "place",
    ["user of the URL", "cookies", "cookies of the answer", "cookies of a browser"],
)
def test_a_secret_that_is_in_no_field_of_its_own_is_not_printed(har: Document, capsys: Output, place: str) -> None:
    """What programs write beside the headers, or several cookies as one, is as secret as what is in them."""
    secret = "s3cretOfTheGateway77"
    entry = har["log"]["entries"][0]
    request, response = entry["request"], entry["response"]
    if place == "user of the URL":
        request["url"] = request["url"].replace("://", f"://me:{secret}@")
        _answer(entry, 500, {"detail": "no"})
    else:
        _answer(entry, 500, {"detail": f"no {secret}"})
    if place == "cookies":
        request["cookies"] = [{"name": "session", "value": secret}, "odd"]
    elif place == "cookies of the answer":
        response["cookies"] = [{"name": "session", "value": secret, "path": "/"}]
    elif place == "cookies of a browser":
        response["headers"].append({"name": "Set-Cookie", "value": f"lang=en; Path=/\nsession={secret}; Path=/"})

    status, output = audited(capsys, written(har))

    assert status == 1
    assert len(places(output)) == 1
    assert secret not in output


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("my notes", "is neither a HAR file nor a cassette"),
        ('{"a": 1}', "not a HAR file"),
        ('{"log": ', "ends at byte 8"),
    ],
)
def test_a_file_that_is_no_recording_is_an_input_error(capsys: Output, content: str, said: str) -> None:
    """The complaint is one line with what to do, the status 4."""
    Path("notes.txt").write_text(content)

    assert ran("audit", "notes.txt") == 4
    assert said in capsys.readouterr().err
    assert ran("audit", "none.har") == 4
    assert "cannot be read: No such file" in capsys.readouterr().err


@pytest.mark.slow
def test_the_kits_own_recording_has_no_findings(capsys: Output) -> None:
    """A run's own recording, uploads left out of it and keys by name, has no finding."""
    wanted = "source-pixels-inline or keyframes or extend or url-http or rpm or prompt-too-long"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--pyargs", "luma_conformance"]
    recording = [*command, "-k", f"({wanted}) and not test_", "--luma-record", "run.har"]
    subprocess.run(recording, capture_output=True, check=True, env={**os.environ, **ONLY_OURS})

    status, output = audited(capsys, "run.har")

    assert (status, places(output)) == (0, [])
    assert int(re.findall(r"^judged +(\d+) of", output, re.MULTILINE)[0]) > 30


@pytest.mark.slow
def test_runs_that_advance_the_clock_separately_do_not_contradict_each_other(capsys: Output) -> None:
    """A run does not know how far an earlier one has advanced the clock; that is no fault of the server."""
    files = [str(casefiles.specs() / name) for name in ("create/201-created.yaml", "urls")]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:schemathesis", *files]
    with serving() as url:
        for _ in range(2):
            recording = [*command, "--base-url", url, "--luma-record", str(Path("run.har").resolve())]
            subprocess.run(recording, capture_output=True, check=True, env={**os.environ, **ONLY_OURS})

    status, output = audited(capsys, "run.har")

    assert (status, places(output)) == (0, [])
    assert "recorded by several runs or workers" in output


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


def test_progress_is_shown_on_a_terminal(har: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a long file a line on the terminal's stderr counts entries, and is taken away at the end."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    path = Path(written(har))
    times = iter(range(100))

    watched = list(watch(read_recording(path), path, now=lambda: next(times)))

    assert len(watched) == 19
    assert "browser.har: 19 entries …\r" in terminal.getvalue()
    assert terminal.getvalue().endswith("\033[K")


def test_json_cassettes_are_recognised(cassette: Document, capsys: Output) -> None:
    """The format is recognised by content, not by name."""
    kept = [one for one in cassette["interactions"] if "storage" not in one["request"]["uri"]]

    assert audited(capsys, written({"version": 1, "interactions": kept}, "any.json"))[0] == 0

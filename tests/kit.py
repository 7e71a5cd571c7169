"""What the tests of several folders build: cases, exchanges, targets, and runs of pytest inside a test."""

from __future__ import annotations

import json
import pkgutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import luma_conformance.clients.transport
import luma_conformance.properties.luma_target
import luma_conformance.target.http  # noqa: F401  see below
from luma_conformance import pytest_plugin
from luma_conformance.catalogue.catalogue import Catalogue
from luma_conformance.catalogue.grammar import read_section
from luma_conformance.catalogue.strict_yaml import parse
from luma_conformance.errors import ExchangeError
from luma_conformance.judge.play import Target
from luma_conformance.model import Case, Clock, Exchange, Headers, Request, Response, Transport
from luma_conformance.reference import profile_path
from luma_conformance.reference.origin import ORIGIN
from luma_conformance.report import jsonl
from luma_conformance.report.result import Results
from luma_conformance.target.channel import LiveChannel, Passing
from luma_conformance.target.profile import Profile, load_profile
from tests.miniatures import Handle
from tests.verdicts import SHOW

# A run inside a test forgets what it has imported: without these each would get, and patch, copies of its own.
for _module in pkgutil.iter_modules(pytest_plugin.__path__, f"{pytest_plugin.__name__}."):
    import_module(_module.name)

CREATE = Request(method="POST", url="/v1/generations")
HEAD = "section: The section\noperation: POST /v1/generations\naccepted: {}\ncases:\n"
PROFILE = load_profile(profile_path(), {})
THINGS = """\
# yaml-language-server: $schema=case-file.schema.json
section: 400 — Invalid things
operation: POST /v1/generations
accepted: {prompt: A sunset}
status: 400
cases:
  - id: empty
    title: an empty prompt is refused
    set: {prompt: ""}
    detail: Prompt must be between 1 and 6000 characters
  - id: unknown-model
    title: an unknown model is refused
    set: {model: super-model-v9}
    detail: "Unknown model: super-model-v9"
"""
"""A case file of three cases, the control included."""
UNKNOWN_MODELS = """\
# yaml-language-server: $schema=case-file.schema.json
section: 400 — Unknown model
operation: POST /v1/generations
status: 400
cases:
"""
"""The head of a case file without a control, whose cases have requests of their own."""
MAIN_KEY_PROFILE = '[keys]\nmain-key = {test_key = "luma-api-test-main"}\n'
"""A profile with no more than a key."""

ONLY_OURS = {
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTEST_PLUGINS": "pytest_base_url.plugin,luma_conformance.pytest_plugin.plugin,xdist.plugin",
}
"""The environment in which pytest loads the kit and what it needs, and no other plugin: that saves seconds a run."""

PLAIN = ("-p", "no:cacheprovider", "--assert=plain")
Run = Callable[..., pytest.RunResult]
Output = pytest.CaptureFixture[str]


def read_cases(text: str) -> tuple[Case, ...]:
    """Return the cases of a case file's text."""
    return read_section(parse(text, "f.yaml"), "n").cases


def case(members: str, *, head: str = HEAD) -> Case:
    """Return a case with these members, in the flow style of YAML, below `head`."""
    return read_cases(f"{head}  - {{id: a, title: t, {members}}}\n")[1]


def case_of(catalogue: Catalogue, case_id: str) -> Case:
    """Return the case of a catalogue that has this id."""
    found = catalogue.get(case_id)
    assert found is not None, case_id
    return found


def response(status: int, body: object = None, headers: Headers = ()) -> Response:
    """Return a response; `body` is JSON data, or bytes as they are."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status=status, headers=headers, body=raw)


def exchange(
    answer: Response, request: Request = CREATE, *, sent: float = 0.0, received: float | None = None
) -> Exchange:
    """Return the exchange of a request and its answer, which takes no time unless `received` says so."""
    return Exchange(request=request, response=answer, sent=sent, received=sent if received is None else received)


@dataclass
class Fixed:
    """A transport that notes what it is sent, and gives one answer to everything or breaks."""

    answer: Response | ExchangeError
    heard: list[Request] = field(default_factory=list)

    def send(self, request: Request) -> Response:
        self.heard.append(request)
        if isinstance(self.answer, ExchangeError):
            raise self.answer
        return self.answer


@dataclass(frozen=True)
class Direct:
    """A transport that calls a handler; output URLs lead back to it."""

    handle: Handle

    def send(self, request: Request) -> Response:
        return self.handle(replace(request, url=request.url.removeprefix(ORIGIN)))


def reference_target(transport: Transport, clock: Clock, *, profile: Profile = PROFILE) -> Target:
    """Return a target that offers what the reference offers and is reached by `transport`."""
    channel = LiveChannel(transport=transport, patient=transport, passing=Passing(transport=transport, clock=clock))
    return Target(channel=channel, profile=profile, run="test")


def same_examples(count: int) -> settings:
    """Return Hypothesis settings for so many examples, the same every time, however slow the machine is."""
    return settings(
        max_examples=count, deadline=None, database=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
    )


def run_inside(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run pytest in this process, with the kit's plugin and those it needs."""
    with _only_ours():
        return pytester.runpytest(*PLAIN, *arguments)


def run_apart(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run pytest as `run_inside` does, in a process of its own, for what changes or ends the process."""
    with _only_ours():
        return pytester.runpytest_subprocess(*PLAIN, *arguments)


@contextmanager
def _only_ours() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        for name, value in ONLY_OURS.items():
            environment.setenv(name, value)
        yield


def results(folder: str | Path = "out") -> Results:
    """Return the results a run wrote into a folder."""
    return jsonl.parse_results(Path(folder, "results.jsonl").read_bytes(), "results.jsonl", SHOW)


def free_port() -> int:
    """Return a port of this machine at which nothing listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port

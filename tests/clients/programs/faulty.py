"""A well-built client with a mistake of one's choice, `python faulty.py MISTAKE`, or without one.

`MISTAKES` is the table. Each is a habit that a reviewer could miss: small, and plausible where it stands.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

Generation = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """An answer, or what is left of one: `status` is 0 if none came, `is_whole` false if it ended early."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    is_whole: bool = True
    took: float = 0.0

    @property
    def after(self) -> float:
        """The seconds of `Retry-After`, or 0."""
        text = self.headers.get("retry-after", "")
        return float(text) if text.isdecimal() else 0.0

    @property
    def detail(self) -> str:
        return f"{self.status or 'no answer'} {self.content.decode('utf-8', 'replace')}"


def heed(heard: tuple[Heard, ...]) -> float:
    """Return the seconds to wait after these answers: what the last one asks for, or five and more."""
    return heard[-1].after or 5.0 * len(heard)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What the client does where clients differ; the defaults are right."""

    repeats: frozenset[int] = frozenset({429, 502, 503})
    repeats_lost: frozenset[str] = frozenset({"GET"})
    attempts: int = 4
    waits: Callable[[tuple[Heard, ...]], float] = heed
    body: Callable[[str, int], object] = lambda prompt, _attempt: {"prompt": prompt}
    authorization: Callable[[str], dict[str, str]] = lambda key: {"Authorization": f"Bearer {key}"}
    query: Callable[[str, str], dict[str, str]] = lambda _method, _key: {}
    submits: int = 1
    polls: Callable[[int], float] = lambda _number: 2.0
    most_polls: int = 1000
    done: frozenset[str] = frozenset({"completed"})
    failed: frozenset[str] = frozenset({"failed"})
    resubmits: frozenset[str] = frozenset({"generation_failed", "output_not_found", "rate_limited"})
    resubmissions: int = 2
    backs_off: Callable[[int], float] = lambda number: 3.0 * number
    url: Callable[[Generation], str] = lambda generation: str(generation["output"][0]["url"])
    storage_headers: Callable[[str], dict[str, str]] = lambda _key: {}
    saves: Callable[[Heard], bool] = lambda heard: heard.status == 200 and heard.is_whole
    content: Callable[[Heard], bytes] = lambda heard: heard.content
    renews: Callable[[Generation], str] = lambda _generation: "poll"
    prints: Callable[[Generation], object] = lambda generation: generation["id"]
    complains: Callable[[str], str] = lambda reason: reason
    status: int = 1


class Stopped(Exception):
    """The end of a task without a result, and why."""


class Client:
    """The API and storage, approached by habit."""

    def __init__(self, base_url: str, key: str, habits: Habits) -> None:
        self.base_url, self.key, self.habits = base_url, key, habits

    def create(self, prompt: str) -> Generation:
        for _ in range(self.habits.submits):
            generation = self._call("POST", "/generations", prompt)
        return generation

    def get(self, generation_id: str) -> Generation:
        return self._call("GET", f"/generations/{generation_id}")

    def _call(self, method: str, path: str, prompt: str = "") -> Generation:
        query = urlencode(self.habits.query(method, self.key))
        url = f"{self.base_url}{path}{'?' if query else ''}{query}"
        headers = self.habits.authorization(self.key) | {"Content-Type": "application/json"}
        heard: tuple[Heard, ...] = ()
        while True:
            body = json.dumps(self.habits.body(prompt, len(heard))).encode() if method == "POST" else None
            heard = (*heard, send(method, url, headers, body))
            last = heard[-1]
            if last.status in {200, 201} and last.is_whole:
                return dict(json.loads(last.content))
            is_lost = last.status == 0 or not last.is_whole
            may_repeat = method in self.habits.repeats_lost if is_lost else last.status in self.habits.repeats
            if not may_repeat or len(heard) >= self.habits.attempts:
                raise Stopped(last.detail)
            time.sleep(max(0.0, self.habits.waits(heard)))

    def finish(self, generation: Generation) -> Generation:
        """Poll until the generation is over as this client sees it."""
        for number in itertools.count(1):
            if generation["state"] in self.habits.done | self.habits.failed or number > self.habits.most_polls:
                break
            time.sleep(self.habits.polls(number))
            generation = self.get(generation["id"])
        if generation["state"] in self.habits.failed:
            raise Stopped(f"{generation['failure_code']}: {generation['failure_reason']}")
        return generation

    def generate(self, prompt: str) -> Generation:
        """Return a generation that has completed as this client sees it."""
        for number in itertools.count(1):
            try:
                return self.finish(self.create(prompt))
            except Stopped as reason:
                code = str(reason).partition(":")[0]
                if code not in self.habits.resubmits or number > self.habits.resubmissions:
                    raise
            time.sleep(self.habits.backs_off(number))
        raise AssertionError

    def fetch(self, generation: Generation, prompt: str) -> bytes:
        """Return the bytes of the output."""
        for pause in (0.0, 2.0, None):
            heard = send("GET", self.habits.url(generation), self.habits.storage_headers(self.key))
            if self.habits.saves(heard):
                return self.habits.content(heard)
            if pause is None:
                break
            time.sleep(pause)
            match self.habits.renews(generation):
                case "poll":
                    generation = self.get(generation["id"])
                case "submit":
                    generation = self.generate(prompt)
        raise Stopped(f"storage answers {heard.detail}")


def send(method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Heard:
    """Return what a request brings, on a connection of its own."""
    parts = urlsplit(url)
    made = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = made(parts.netloc, timeout=30)
    started = time.monotonic()
    status, received, content, is_whole = 0, {}, b"", False
    try:
        connection.request(method, f"{parts.path}?{parts.query}" if parts.query else parts.path, body, dict(headers))
        response = connection.getresponse()
        status, received = response.status, {name.lower(): value for name, value in response.headers.items()}
        content, is_whole = response.read(), True
    except http.client.IncompleteRead as error:
        content = error.partial
    except (OSError, http.client.HTTPException) as error:
        content = repr(error).encode()
    finally:
        connection.close()
    took = time.monotonic() - started
    return Heard(status=status, headers=received, content=content, is_whole=is_whole, took=took)


RIGHT: Final = Habits()
EVERY_REFUSAL: Final = frozenset({400, 401, 402, 403, 404, 413, 422})


def also(*statuses: int) -> Habits:
    """Return the habits of a client that repeats these statuses too."""
    return replace(RIGHT, repeats=RIGHT.repeats | set(statuses))


def resubmitting(*codes: str) -> Habits:
    """Return the habits of a client that submits again after these failures too."""
    return replace(RIGHT, resubmits=RIGHT.resubmits | set(codes))


MISTAKES: Final[Mapping[str, Habits]] = {
    # Repeating what was refused.
    "repeats-400": also(400),
    "repeats-401": also(401),
    "repeats-402": also(402),
    "repeats-403": also(403),
    "repeats-404": also(404),
    "repeats-413": also(413),
    "repeats-422": also(422),
    "repeats-whatever-is-an-error": replace(also(*EVERY_REFUSAL, 500), waits=lambda heard: 0.5 * len(heard)),
    # Waiting.
    "hammers-429": replace(RIGHT, waits=lambda _heard: 0.0),
    "ignores-retry-after": replace(RIGHT, waits=lambda heard: 0.3 * 2.0 ** len(heard)),
    "waits-milliseconds": replace(RIGHT, waits=lambda heard: heard[-1].after / 1000 or 5.0),
    "waits-half": replace(RIGHT, waits=lambda heard: heard[-1].after / 2 or 5.0),
    "waits-a-second-less": replace(RIGHT, waits=lambda heard: heard[-1].after - 1 if heard[-1].after else 5.0),
    "caps-the-wait-at-a-second": replace(RIGHT, waits=lambda heard: min(heard[-1].after or 5.0, 1.0)),
    "heeds-the-first-header-only": replace(RIGHT, waits=lambda heard: heard[0].after or 5.0),
    "counts-from-the-request": replace(
        RIGHT, waits=lambda heard: heard[-1].after - heard[-1].took if heard[-1].after else 5.0
    ),
    "wants-x-ratelimit-headers": replace(
        RIGHT, waits=lambda heard: heed(heard) if "x-ratelimit-limit" in heard[-1].headers else 0.5
    ),
    "no-pause-after-502": replace(RIGHT, waits=lambda heard: heard[-1].after or 0.0),
    "retries-for-ever": replace(RIGHT, attempts=10**9, waits=lambda heard: heard[-1].after or 0.5),
    "changes-the-body": replace(RIGHT, body=lambda prompt, attempt: {"prompt": prompt, "attempt": attempt}),
    "changes-the-prompt": replace(RIGHT, body=lambda prompt, attempt: {"prompt": prompt + " " * attempt}),
    # Money.
    "submits-twice": replace(RIGHT, submits=2),
    "repeats-a-lost-post": replace(RIGHT, repeats_lost=frozenset({"GET", "POST"})),
    "submits-anew-for-a-fresh-url": replace(RIGHT, renews=lambda _generation: "submit"),
    "resubmits-content-moderated": resubmitting("content_moderated"),
    "resubmits-budget-exhausted": resubmitting("budget_exhausted"),
    "resubmits-image-too-large": resubmitting("image_too_large"),
    "resubmits-unsupported-format": resubmitting("unsupported_format"),
    "resubmits-corrupt-input": resubmitting("corrupt_input"),
    "resubmits-invalid-request": resubmitting("invalid_request"),
    "resubmits-for-ever": replace(RIGHT, resubmissions=10**9, backs_off=lambda _number: 0.5),
    "resubmits-rate-limited-at-once": replace(RIGHT, backs_off=lambda _number: 0.0),
    # Polling.
    "polls-without-a-pause": replace(RIGHT, polls=lambda _number: 0.0),
    "polls-five-times-a-second": replace(RIGHT, polls=lambda _number: 0.2),
    "polls-ever-faster": replace(RIGHT, polls=lambda number: 2.0 / number),
    "stops-at-queued": replace(RIGHT, done=frozenset({"completed", "queued"})),
    "takes-processing-for-done": replace(RIGHT, done=frozenset({"completed", "processing"})),
    "polls-once": replace(RIGHT, most_polls=1),
    "takes-failed-for-completed": replace(RIGHT, done=frozenset({"completed", "failed"}), failed=frozenset()),
    "never-sees-failed": replace(RIGHT, failed=frozenset()),
    # What is shown, and how it ends.
    "swallows-the-detail": replace(RIGHT, complains=lambda _reason: "Something went wrong. Please try again later."),
    "shows-the-status-only": replace(RIGHT, complains=lambda reason: reason.split()[0].strip(":")[:3]),
    "says-nothing": replace(RIGHT, complains=lambda _reason: ""),
    "exits-with-0": replace(RIGHT, status=0),
    "prints-no-id": replace(RIGHT, prints=lambda _generation: "submitted"),
    "prints-the-state": replace(RIGHT, prints=lambda generation: generation["state"]),
    # The output.
    "caches-an-expired-url": replace(RIGHT, renews=lambda _generation: "same"),
    "writes-the-error-as-the-image": replace(RIGHT, saves=lambda heard: heard.status != 0),
    "writes-half-a-download": replace(RIGHT, saves=lambda heard: heard.status == 200),
    "writes-text": replace(RIGHT, content=lambda heard: heard.content.decode("utf-8", "replace").encode()),
    "writes-nothing": replace(RIGHT, content=lambda _heard: b""),
    "takes-the-last-output": replace(RIGHT, url=lambda generation: str(generation["output"][-1]["url"])),
    "drops-the-query": replace(RIGHT, url=lambda generation: str(generation["output"][0]["url"]).partition("?")[0]),
    # The key.
    "key-to-storage": replace(RIGHT, storage_headers=lambda key: {"Authorization": f"Bearer {key}"}),
    "key-to-storage-in-another-header": replace(RIGHT, storage_headers=lambda key: {"X-Api-Key": key}),
    "key-in-every-query": replace(RIGHT, query=lambda _method, key: {"api_key": key}),
    "key-in-the-url-of-polls": replace(RIGHT, query=lambda method, key: {"token": key} if method == "GET" else {}),
    "key-in-the-storage-url": replace(RIGHT, url=lambda generation: _with_key(str(generation["output"][0]["url"]))),
    "no-bearer": replace(RIGHT, authorization=lambda key: {"Authorization": key}),
    "key-in-x-api-key": replace(RIGHT, authorization=lambda key: {"X-Api-Key": key}),
}
"""Each mistake by its name."""


def _with_key(url: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}key={os.environ.get('LUMA_AGENTS_API_KEY', '')}"


def do(habits: Habits, environ: Mapping[str, str]) -> int:
    """Do the task that the environment names, by habit; return the exit status."""
    client = Client(environ["LUMA_BASE_URL"], environ["LUMA_AGENTS_API_KEY"], habits)
    prompt = environ.get("LUMA_PROMPT", "")
    try:
        if environ["LUMA_TASK"] == "create":
            print(habits.prints(client.create(prompt)))
            return 0
        if environ["LUMA_TASK"] == "download":
            generation = client.finish(client.get(environ["LUMA_GENERATION_ID"]))
        else:
            generation = client.generate(prompt)
        content = client.fetch(generation, prompt)
    except Stopped as reason:
        print(habits.complains(str(reason)), file=sys.stderr)
        return habits.status
    except (KeyError, IndexError) as surprise:
        print(f"unexpected answer: {surprise!r}", file=sys.stderr)
        return habits.status
    Path(environ["LUMA_OUTPUT"]).write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(do(MISTAKES[sys.argv[1]] if sys.argv[1:] else RIGHT, os.environ))

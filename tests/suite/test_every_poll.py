"""The life of each kind of generation proved on servers that forget or mix up what a generation was."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from luma_conformance.model import Request, Response
from luma_conformance.properties.nonconformance import NonConformance
from luma_conformance.strategies import Body
from luma_conformance.suite import test_every_poll as every_poll
from tests import miniatures
from tests.miniatures import Handle, Wrong, right
from tests.suite.target_on import target_on
from tests.suite.wrong_limits import behind, jittery

Change = Callable[[Body, int], Body]
"""Another answer to a poll; the number says how many polls of the same generation found it over before."""


def on_ended(change: Change) -> Wrong:
    """Change the answers about generations that are over."""

    def wrap(handle: Handle) -> Handle:
        counts: Counter[str] = Counter()

        def answer(request: Request) -> Response:
            response = handle(request)
            if request.method != "GET" or response.status != 200 or "/storage/" in request.url:
                return response
            body = json.loads(response.body)
            if body["state"] not in ("completed", "failed"):
                return response
            changed = change(body, counts[body["id"]])
            counts[body["id"]] += 1
            return replace(response, body=json.dumps(changed).encode())

        return answer

    return wrap


def when(kind: str, code: str | None, change: Change) -> Wrong:
    """Change only what is said of one type with one code, None for those that are completed."""
    return on_ended(
        lambda body, before: change(body, before) if (body["type"], body["failure_code"]) == (kind, code) else body
    )


def completed_when_others_ask(handle: Handle) -> Handle:
    """Forget that a generation failed when another client asks for it."""
    service = behind(handle)
    poll = service._poll

    def polling(client: Any, generation_id: str, request: Request) -> Any:
        one = service._generations.get(generation_id)
        if one is not None and one.client != client.name:
            service._generations[generation_id] = replace(one, failure=None)
        return poll(client, generation_id, request)

    service._poll = polling  # type: ignore[method-assign]
    return handle


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param(
            when("video_edit", "unsupported_format", lambda body, _: {**body, "failure_code": "generation_failed"}),
            "a video_edit that fails with unsupported_format: it is failed with the code generation_failed instead",
            id="another code",
        ),
        pytest.param(
            when("video", "image_too_large", lambda body, n: {**body, "created_at": f"2026-04-08T12:00:0{n}Z"}),
            "a video that fails with image_too_large, when it is polled.*: created_at was",
            id="created later",
        ),
        pytest.param(
            when("video_reframe", None, lambda body, n: {**body, "output": body["output"] * (n + 1)}),
            "a video_reframe that is completed, when it is polled later: it had 1 outputs and has 2",
            id="more outputs later",
        ),
        pytest.param(
            when("video_edit", None, lambda body, _: {**body, "output": [{**body["output"][0], "type": "image"}]}),
            "a video_edit that is completed, when it is polled: the output of a video_edit is of type",
            id="another medium",
        ),
        pytest.param(
            when("video_reframe", None, lambda body, n: {**body, "model": "ray-3.2" if not n else "uni-1"}),
            "a video_reframe that is completed, when it is polled later: model",
            id="another model later",
        ),
        pytest.param(
            when("image_edit", "corrupt_input", lambda body, _: {**body, "failure_reason": None}),
            "an image_edit that fails with corrupt_input, when it is polled: failed without a reason",
            id="no reason",
        ),
        pytest.param(
            completed_when_others_ask, "that fails with .*, when it is polled later", id="another client asks"
        ),
    ],
)
def test_an_end_that_is_not_kept_is_caught(wrong: Wrong, said: str) -> None:
    """An end that is wrong for one type and code, or another at a later poll, is caught, and the context is named."""
    with pytest.raises(NonConformance, match=said):
        every_poll.test_every_generation_ends_as_it_should_and_stays_so(target_on(wrong))


def on_urls(refuse: Callable[[Any, dict[str, int], str, int], bool]) -> Wrong:
    """Refuse some fetches: by the state of this server, the URL, and how often it was fetched."""

    def wrap(handle: Handle) -> Handle:
        newest: defaultdict[str, int] = defaultdict(int)
        counts: Counter[str] = Counter()

        def answer(request: Request) -> Response:
            response = handle(request)
            if "/storage/" not in request.url:
                for url in _urls_in(response):
                    newest[_path(url)] = _serial(url)
                return response
            counts[request.url] += 1
            refused = refuse(response, newest, request.url, counts[request.url])
            return replace(response, status=403) if refused else response

        return answer

    return wrap


def _urls_in(response: Response) -> list[str]:
    try:
        return [one["url"] for one in json.loads(response.body).get("output") or ()]
    except ValueError:
        return []


def _serial(url: str) -> int:
    return int(url.partition("X-Amz-Nonce=")[2].partition("&")[0])


def _path(url: str) -> str:
    return url.partition("/storage/")[2].partition("?")[0]


def of_videos(seconds: int) -> Wrong:
    """Let the URLs of videos last for so many seconds."""

    def wrap(handle: Handle) -> Handle:
        storage = behind(handle)._storage
        sign = storage.url

        def url(origin: str, generation: str, media: str, now: float) -> str:
            storage._seconds = seconds if media == "video" else 3600
            return sign(origin, generation, media, now)

        storage.url = url  # type: ignore[method-assign]
        return handle

    return wrap


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param(
            on_urls(lambda _, newest, url, __: _serial(url) < newest[_path(url)]),
            "an image that is completed, the URL of its first poll, 3590 s old, after a third poll: expected 200",
            id="only the newest",
        ),
        pytest.param(
            on_urls(lambda _, __, url, count: "mp4" in url and count > 1),
            "a video that is completed, the URL of its first poll, 3590 s old",
            id="videos once",
        ),
        pytest.param(of_videos(1800), "a video that is completed, the URL of its first poll, 3590 s old", id="half"),
        pytest.param(of_videos(7200), "a video that .* first poll, 3612 s old: expected 403, got 200", id="two hours"),
    ],
)
def test_a_url_that_lasts_by_more_than_its_age_is_caught(wrong: Wrong, said: str) -> None:
    """A URL that other polls or fetches end, or that lasts as long as its medium likes, is caught."""
    with pytest.raises(NonConformance, match=said):
        every_poll.test_the_url_of_every_poll_lasts_its_own_hour(target_on(wrong))


def whole_seconds(handle: Handle) -> Handle:
    """Sign URLs for whole seconds: legal."""
    storage = behind(handle)._storage
    sign = storage.url
    storage.url = lambda origin, generation, media, now: sign(origin, generation, media, int(now))  # type: ignore[method-assign]
    return handle


@pytest.mark.parametrize(
    "legal",
    [right, whole_seconds, jittery(1), miniatures.with_extras, miniatures.of_another_make],
    ids=["none", "whole seconds", "slow and uneven", "extras", "another make"],
)
def test_a_legal_life_is_not_accused(legal: Wrong) -> None:
    """What the page leaves open of a life is left open."""
    every_poll.test_every_generation_ends_as_it_should_and_stays_so(target_on(legal))
    every_poll.test_the_url_of_every_poll_lasts_its_own_hour(target_on(legal))

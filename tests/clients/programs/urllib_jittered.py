"""A client that takes nothing but the standard library's `urllib`, with some jitter on every wait."""

from __future__ import annotations

import http.client
import json
import os
import random
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

ATTEMPTS = 5
RETRIED = {429, 502, 503}
TRANSIENT = {"generation_failed", "output_not_found", "rate_limited"}


class GaveUp(Exception):
    """The task is over without a result; the text is for whoever reads the log."""


def _after(header: str | None, attempt: int) -> float:
    """Return the seconds to wait: what the server asks for, or else an exponential backoff; never less, a bit more."""
    if header is not None and header.strip().isdigit() and int(header) > 0:
        return int(header) + random.uniform(0, 0.5)  # noqa: S311
    return min(5.0 * float(2**attempt), 30.0) + random.uniform(0, 1)  # noqa: S311


def _detail(body: bytes) -> str:
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        return body.decode("utf-8", "replace")[:500]


class Api:
    """The two calls a task needs."""

    def __init__(self, base_url: str, key: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def create(self, prompt: str) -> dict[str, Any]:
        return self._call("POST", "/generations", json.dumps({"prompt": prompt}).encode())

    def get(self, generation_id: str) -> dict[str, Any]:
        return self._call("GET", f"/generations/{generation_id}")

    def _call(self, method: str, path: str, data: bytes | None = None) -> dict[str, Any]:
        request = urllib.request.Request(self._base_url + path, data, self._headers, method=method)  # noqa: S310
        for attempt in range(ATTEMPTS):
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                    return dict(json.load(answer))
            except urllib.error.HTTPError as error:
                said = f"HTTP {error.code}: {_detail(error.read())}"
                if error.code not in RETRIED or attempt == ATTEMPTS - 1:
                    raise GaveUp(said) from None
                time.sleep(_after(error.headers["Retry-After"], attempt))
            except (OSError, ValueError, http.client.HTTPException) as error:
                # A lost POST may have been accepted and paid for; only a GET is safe to send again.
                if method == "POST" or attempt == ATTEMPTS - 1:
                    raise GaveUp(f"no answer to {method} {path}: {error!r}") from error
                time.sleep(_after(None, attempt))
        raise AssertionError


def finish(api: Api, generation: dict[str, Any]) -> dict[str, Any]:
    """Poll until the generation is over, whichever way it ends."""
    while generation["state"] not in {"completed", "failed"}:
        time.sleep(random.uniform(2.1, 3))  # noqa: S311
        generation = api.get(generation["id"])
    return generation


def generate(api: Api, prompt: str) -> dict[str, Any]:
    """Return a generation that is over; one that fails for a passing reason is submitted again."""
    for attempt in range(3):
        generation = finish(api, api.create(prompt))
        if generation["failure_code"] not in TRANSIENT or attempt == 2:
            break
        time.sleep(2**attempt + random.uniform(1, 2))  # noqa: S311
    return generation


def save(api: Api, generation: dict[str, Any], file: str) -> None:
    """Write the first output to a file, through a file beside it; a URL that is refused is replaced by a fresh one."""
    if generation["state"] == "failed":
        raise GaveUp(f"{generation['failure_code']}: {generation['failure_reason']}")
    for attempt in range(ATTEMPTS):
        try:
            with urllib.request.urlopen(generation["output"][0]["url"], timeout=30) as answer:  # noqa: S310
                data = answer.read()
        except (OSError, http.client.HTTPException):
            time.sleep(_after(None, 0) if attempt else 0)
            generation = api.get(generation["id"])
            continue
        with open(file + ".part", "wb") as part:
            part.write(data)
        os.replace(file + ".part", file)
        return
    raise GaveUp("the output could not be downloaded")


def main(environ: Mapping[str, str] = os.environ) -> int:
    """Do the task that the environment names."""
    api = Api(environ["LUMA_BASE_URL"], environ["LUMA_AGENTS_API_KEY"])
    try:
        match environ["LUMA_TASK"]:
            case "create":
                print(api.create(environ["LUMA_PROMPT"])["id"])
            case "generate":
                save(api, generate(api, environ["LUMA_PROMPT"]), environ["LUMA_OUTPUT"])
            case "download":
                save(api, finish(api, api.get(environ["LUMA_GENERATION_ID"])), environ["LUMA_OUTPUT"])
    except GaveUp as reason:
        print(reason, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

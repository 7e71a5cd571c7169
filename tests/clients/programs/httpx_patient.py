"""A client on `httpx` that is in no hurry: it waits a good deal longer than asked, and polls every five seconds."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx


class Failed(Exception):
    """The API refused, or the generation failed."""


def pauses() -> Iterator[float]:
    """Yield the seconds to wait where nobody says how long."""
    yield from (6, 7, 8, 9)


def asked(response: httpx.Response) -> float:
    """Return the seconds `Retry-After` asks for, as a number or a date, or none."""
    text = response.headers.get("Retry-After", "")
    with suppress(ValueError):
        return float(text)
    with suppress(ValueError):
        return parsedate_to_datetime(text).timestamp() - time.time()
    return 0.0


def detail(response: httpx.Response) -> str:
    """Return the API's `detail`, or whatever came in its place."""
    with suppress(ValueError, KeyError, TypeError):
        return f"{response.status_code} {response.json()['detail']}"
    return f"{response.status_code} {response.text[:300]}"


def call(api: httpx.Client, method: str, path: str, json: object = None) -> dict[str, Any]:
    """Return what the API answers; wait and repeat while it says that trying again will help."""
    for pause in (*pauses(), None):
        try:
            response = api.request(method, path, json=json)
        except httpx.ConnectError as error:  # nothing was sent, so nothing can have been made
            if pause is None:
                raise Failed(repr(error)) from error
            time.sleep(pause)
            continue
        except httpx.TransportError as error:
            if method != "GET" or pause is None:
                raise Failed(f"{error!r}; the request may have been carried out") from error
            time.sleep(pause)
            continue
        if response.is_success:
            return dict(response.json())
        if response.status_code not in (429, 502, 503) or pause is None:
            raise Failed(detail(response))
        time.sleep(max(pause, asked(response) + 1))
    raise AssertionError


def finished(api: httpx.Client, generation: dict[str, Any]) -> dict[str, Any]:
    """Return the generation once it has completed."""
    while generation["state"] != "completed":
        if generation["state"] == "failed":
            raise Failed(f"{generation['failure_code']}: {generation['failure_reason']}")
        time.sleep(4.5)
        generation = call(api, "GET", f"generations/{generation['id']}")
    return generation


def save(api: httpx.Client, generation: dict[str, Any], output: Path) -> None:
    """Stream the first output into a file beside the one that is wanted, and rename it when it is whole."""
    for _ in range(3):
        with suppress(httpx.TransportError), httpx.stream("GET", generation["output"][0]["url"]) as response:
            if response.is_success:
                with tempfile.NamedTemporaryFile(dir=output.parent, delete=False) as part:
                    for chunk in response.iter_bytes():
                        part.write(chunk)
                Path(part.name).replace(output)
                return
        time.sleep(5)
        generation = call(api, "GET", f"generations/{generation['id']}")
    raise Failed("the output could not be fetched")


def main(environ: Mapping[str, str] = os.environ) -> int:
    """Do the task that the environment names."""
    headers = {"Authorization": f"Bearer {environ['LUMA_AGENTS_API_KEY']}"}
    with httpx.Client(base_url=environ["LUMA_BASE_URL"], headers=headers, timeout=30) as api:
        try:
            if environ["LUMA_TASK"] == "download":
                generation = call(api, "GET", f"generations/{environ['LUMA_GENERATION_ID']}")
            else:
                generation = call(api, "POST", "generations", {"prompt": environ["LUMA_PROMPT"]})
            if environ["LUMA_TASK"] == "create":
                print(generation["id"])
            else:
                save(api, finished(api, generation), Path(environ["LUMA_OUTPUT"]))
        except Failed as failure:
            print(f"error: {failure}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

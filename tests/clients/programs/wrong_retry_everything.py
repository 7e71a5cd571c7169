"""Wrong: a decorator that repeats whatever raises, which is every refusal too, after a second."""

import functools
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import httpx

P = ParamSpec("P")
R = TypeVar("R")


def retry(function: Callable[P, R]) -> Callable[P, R]:
    """Return the function, tried three times."""

    @functools.wraps(function)
    def tried(*args: P.args, **kwargs: P.kwargs) -> R:
        for _ in range(2):
            try:
                return function(*args, **kwargs)
            except httpx.HTTPError:
                time.sleep(1)
        return function(*args, **kwargs)

    return tried


@retry
def call(method: str, url: str, key: str, json: object = None) -> dict[str, Any]:
    """Return what the API answers."""
    response = httpx.request(method, url, headers={"Authorization": f"Bearer {key}"}, json=json, timeout=10)
    if response.is_error:
        raise httpx.HTTPError(f"{response.status_code}: {response.text}")
    return dict(response.json())


@retry
def download(url: str) -> bytes:
    """Return the bytes behind a URL."""
    return httpx.get(url).raise_for_status().content


def main(environ: Mapping[str, str] = os.environ) -> None:
    """Do the task that the environment names."""
    api, key = environ["LUMA_BASE_URL"] + "/generations", environ["LUMA_AGENTS_API_KEY"]
    try:
        if environ["LUMA_TASK"] == "download":
            generation = call("GET", f"{api}/{environ['LUMA_GENERATION_ID']}", key)
        else:
            generation = call("POST", api, key, {"prompt": environ["LUMA_PROMPT"]})
        if environ["LUMA_TASK"] == "create":
            print(generation["id"])
            return
        while generation["state"] not in ("completed", "failed"):
            time.sleep(2)
            generation = call("GET", f"{api}/{generation['id']}", key)
        if generation["state"] == "failed":
            sys.exit(f"{generation['failure_code']}")
        Path(environ["LUMA_OUTPUT"]).write_bytes(download(generation["output"][0]["url"]))
    except httpx.HTTPError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

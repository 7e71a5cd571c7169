"""The shortest client that does no harm: it tries nothing twice, and says why it stopped."""

import json
import os
import sys
import time
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen


def call(environ: Mapping[str, str], path: str, body: bytes | None = None) -> dict[str, Any]:
    """Return what the API answers."""
    headers = {"Authorization": f"Bearer {environ['LUMA_AGENTS_API_KEY']}", "Content-Type": "application/json"}
    with urlopen(Request(environ["LUMA_BASE_URL"] + path, body, headers), timeout=60) as answer:  # noqa: S310
        return dict(json.load(answer))


def main(environ: Mapping[str, str] = os.environ) -> None:
    """Do the task that the environment names."""
    try:
        if environ["LUMA_TASK"] == "download":
            generation = call(environ, f"/generations/{environ['LUMA_GENERATION_ID']}")
        else:
            generation = call(environ, "/generations", json.dumps({"prompt": environ["LUMA_PROMPT"]}).encode())
        if environ["LUMA_TASK"] == "create":
            print(generation["id"])
            return
        while generation["state"] in ("queued", "processing"):
            time.sleep(3)
            generation = call(environ, f"/generations/{generation['id']}")
        if generation["state"] == "failed":
            sys.exit(f"{generation['failure_code']}: {generation['failure_reason']}")
        try:
            data = urlopen(generation["output"][0]["url"], timeout=60).read()  # noqa: S310
        except HTTPError:  # expired; each look at the generation brings a fresh URL
            generation = call(environ, f"/generations/{generation['id']}")
            data = urlopen(generation["output"][0]["url"], timeout=60).read()  # noqa: S310
    except HTTPError as error:
        sys.exit(f"{error} {error.read().decode('utf-8', 'replace')}")
    with open(environ["LUMA_OUTPUT"], "wb") as file:
        file.write(data)


if __name__ == "__main__":
    main()

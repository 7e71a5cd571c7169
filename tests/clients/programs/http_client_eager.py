"""A client on the standard library's `http.client`: one kept connection, and never a moment later than allowed."""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Answer = tuple[int, Mapping[str, str], bytes]


class Connection:
    """A host, connected to when first needed and again after a connection was lost."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = make(parts.netloc, timeout=20)

    def send(self, method: str, target: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        try:
            self._connection.request(method, target, body, dict(headers))
            response = self._connection.getresponse()
            return response.status, dict(response.headers.items()), response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise


class Luma:
    """The API: one method that is patient with what passes, and two calls."""

    def __init__(self, base_url: str, key: str) -> None:
        self._connection = Connection(base_url)
        self._path = urlsplit(base_url).path.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}

    def create(self, prompt: str) -> dict[str, Any]:
        return self._call("POST", "/generations", {"prompt": prompt, "model": "uni-1"})

    def get(self, generation_id: str) -> dict[str, Any]:
        return self._call("GET", f"/generations/{generation_id}")

    def _call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        sent = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        headers = self._headers | ({"Content-Type": "application/json"} if sent else {})
        for _ in range(6):
            try:
                status, received, content = self._connection.send(method, self._path + path, sent, headers)
            except (OSError, http.client.HTTPException) as error:
                if method == "POST":
                    sys.exit(f"{error!r}: the generation may have been made; look before you send it again")
                time.sleep(2)
                continue
            if status in {200, 201}:
                return dict(json.loads(content))
            if status not in {429, 502, 503}:
                break
            time.sleep(_wait({name.lower(): value for name, value in received.items()}, status))
        sys.exit(f"{status} {content.decode('utf-8', 'replace')}")


def _wait(headers: Mapping[str, str], status: int) -> float:
    """Return exactly what `Retry-After` says, five seconds for a server that is down, one second for want of both."""
    try:
        return max(float(headers["retry-after"]), 1)
    except (KeyError, ValueError):
        return 1 if status == 429 else 5


def over(luma: Luma, generation: dict[str, Any]) -> dict[str, Any]:
    """Return the generation as it is once it is over, asking every two seconds."""
    while generation["state"] not in {"completed", "failed"}:
        time.sleep(2)
        generation = luma.get(generation["id"])
    return generation


def fetch(luma: Luma, generation: dict[str, Any]) -> bytes:
    """Return the bytes of the first output."""
    for _ in range(4):
        url = urlsplit(generation["output"][0]["url"])
        try:
            status, _headers, content = Connection(url.geturl()).send("GET", f"{url.path}?{url.query}", None, {})
        except (OSError, http.client.HTTPException):
            time.sleep(1)
            continue
        if status == 200:
            return content
        time.sleep(0 if status == 403 else 5)
        generation = luma.get(generation["id"])
    sys.exit(f"the output answers {status}")


def main(environ: Mapping[str, str] = os.environ) -> None:
    """Do the task that the environment names."""
    luma = Luma(environ["LUMA_BASE_URL"], environ["LUMA_AGENTS_API_KEY"])
    if environ["LUMA_TASK"] == "create":
        print(luma.create(environ["LUMA_PROMPT"])["id"])
        return
    if environ["LUMA_TASK"] == "download":
        generation = luma.get(environ["LUMA_GENERATION_ID"])
    else:
        generation = over(luma, luma.create(environ["LUMA_PROMPT"]))
        for pause in (2, 4):
            if generation["failure_code"] in {"generation_failed", "output_not_found", "rate_limited"}:
                time.sleep(pause)
                generation = over(luma, luma.create(environ["LUMA_PROMPT"]))
    if generation["state"] != "completed":
        sys.exit(f"{generation['failure_code']}: {generation['failure_reason']}")
    Path(environ["LUMA_OUTPUT"]).write_bytes(fetch(luma, generation))


if __name__ == "__main__":
    main()

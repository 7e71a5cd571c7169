"""A client on `requests` that leaves waiting and retrying to urllib3's own `Retry`."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

TIMEOUT = (5, 30)


class Backoff(Retry):
    """`Retry`, but for its first pause, which is none at all where the server names no time."""

    def get_backoff_time(self) -> float:
        return max(super().get_backoff_time(), 5.0)


def session(key: str) -> requests.Session:
    """Return a session for the API that waits as long as `Retry-After` says, and repeats no request that was lost."""
    answered = Backoff(
        total=None, connect=3, read=0, other=0, status=4, status_forcelist=(429, 502, 503), allowed_methods=None,
        backoff_factor=2, backoff_max=10, respect_retry_after_header=True, raise_on_status=False,
    )  # fmt: skip
    made = requests.Session()
    made.headers["Authorization"] = f"Bearer {key}"
    for scheme in ("http://", "https://"):
        made.mount(scheme, HTTPAdapter(max_retries=answered))
    return made


class Luma:
    """What a task needs of the API."""

    def __init__(self, base_url: str, key: str) -> None:
        self.base_url, self.session = base_url, session(key)

    def create(self, prompt: str) -> dict[str, Any]:
        return self._read(self.session.post(f"{self.base_url}/generations", json={"prompt": prompt}, timeout=TIMEOUT))

    def get(self, generation_id: str) -> dict[str, Any]:
        for pause in (2, 4, None):
            try:
                return self._read(self.session.get(f"{self.base_url}/generations/{generation_id}", timeout=TIMEOUT))
            except (requests.ConnectionError, requests.Timeout):
                if pause is None:
                    raise
                time.sleep(pause)
        raise AssertionError

    def wait(self, generation: dict[str, Any]) -> dict[str, Any]:
        while generation["state"] not in ("completed", "failed"):
            time.sleep(3)
            generation = self.get(generation["id"])
        if generation["state"] == "failed":
            raise SystemExit(f"the generation failed: {generation['failure_code']} ({generation['failure_reason']})")
        return generation

    @staticmethod
    def _read(answer: requests.Response) -> dict[str, Any]:
        if not answer.ok:
            raise SystemExit(f"{answer.status_code} {answer.reason}: {answer.text}")
        return dict(answer.json())


def download(luma: Luma, generation: dict[str, Any], file: Path) -> None:
    """Write the first output to the file, without the API's session: storage must not see the key."""
    for _ in range(3):
        answer = requests.get(generation["output"][0]["url"], timeout=TIMEOUT)
        if answer.ok:
            file.write_bytes(answer.content)
            return
        generation = luma.get(generation["id"])
    answer.raise_for_status()


def main(environ: Mapping[str, str] = os.environ) -> None:
    """Do the task that the environment names."""
    luma = Luma(environ["LUMA_BASE_URL"], environ["LUMA_AGENTS_API_KEY"])
    try:
        match environ["LUMA_TASK"]:
            case "create":
                print(luma.create(environ["LUMA_PROMPT"])["id"])
            case "generate":
                generation = luma.wait(luma.create(environ["LUMA_PROMPT"]))
                download(luma, generation, Path(environ["LUMA_OUTPUT"]))
            case "download":
                generation = luma.wait(luma.get(environ["LUMA_GENERATION_ID"]))
                download(luma, generation, Path(environ["LUMA_OUTPUT"]))
    except requests.RequestException as error:
        raise SystemExit(f"{type(error).__name__}: {error}") from error


if __name__ == "__main__":
    main()

"""The page's own samples on the official SDK, re-expressed: the retry of a 429, the poll, the failure's branch.

What is found about it: `int(…)` ends with a traceback on a `Retry-After` that is no integer; the SDK, with its
defaults, retries below it, so that its five attempts are up to fifteen requests; and the branch resubmits whatever is
not `content_moderated`, where the page's table says of five other codes that this does not help.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import httpx
from luma_agents import APIError, Luma, RateLimitError
from luma_agents.types import Generation


def create_with_retry(client: Luma, prompt: str, max_retries: int = 5) -> Generation:
    """Submit a generation; after a 429 wait as long as `Retry-After` says, or else longer each time, and try again."""
    for attempt in range(max_retries):
        try:
            return client.generations.create(prompt=prompt)
        except RateLimitError as error:
            if attempt == max_retries - 1:
                raise
            retry_after = error.response.headers.get("Retry-After")
            time.sleep(int(retry_after) if retry_after else 2**attempt + random.uniform(0, 1))  # noqa: S311
    raise AssertionError


def finished(client: Luma, generation: Generation) -> Generation:
    """Poll every two seconds until the generation is over."""
    while generation.state not in ("completed", "failed"):
        time.sleep(2)
        generation = client.generations.get(generation.id)
    return generation


def generate(client: Luma, prompt: str) -> Generation:
    """Submit and wait; submit once more after any failure but that of the content policy."""
    generation = finished(client, create_with_retry(client, prompt))
    if generation.state == "failed" and generation.failure_code != "content_moderated":
        generation = finished(client, create_with_retry(client, prompt))
    return generation


def save(client: Luma, generation: Generation, file: str) -> None:
    """Download the first output, by a fresh URL if the first has expired."""
    if generation.state == "failed":
        sys.exit(f"Generation {generation.id} failed: {generation.failure_reason} ({generation.failure_code})")
    assert generation.output
    response = httpx.get(str(generation.output[0].url))
    if response.status_code == 403:
        fresh = client.generations.get(generation.id).output
        assert fresh
        response = httpx.get(str(fresh[0].url))
    Path(file).write_bytes(response.raise_for_status().content)


def main(environ: Mapping[str, str] = os.environ) -> None:
    """Do the task that the environment names."""
    client = Luma(auth_token=environ["LUMA_AGENTS_API_KEY"], base_url=environ["LUMA_BASE_URL"])
    try:
        match environ["LUMA_TASK"]:
            case "create":
                print(create_with_retry(client, environ["LUMA_PROMPT"]).id)
            case "generate":
                save(client, generate(client, environ["LUMA_PROMPT"]), environ["LUMA_OUTPUT"])
            case "download":
                save(client, client.generations.get(environ["LUMA_GENERATION_ID"]), environ["LUMA_OUTPUT"])
    except APIError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

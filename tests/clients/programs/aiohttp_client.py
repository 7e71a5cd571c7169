"""A client on `aiohttp`, with one deadline over all that it does."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

DEADLINE = 600


class ApiError(Exception):
    """An answer that is none of those a task can go on with."""


async def call(session: aiohttp.ClientSession, method: str, url: str, body: object = None) -> dict[str, Any]:
    """Return the API's answer; a 429, 502 or 503 is waited out, anything else raised."""
    attempt = 0
    while True:
        try:
            async with session.request(method, url, json=body) as answer:
                if answer.ok:
                    return dict(await answer.json())
                text = await answer.text()
                if answer.status not in (429, 502, 503) or attempt == 4:
                    raise ApiError(f"{answer.status}: {text}")
                after = answer.headers.get("Retry-After", "")
                wait = int(after) + 0.25 if after.isdigit() else 5.0 + attempt
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError):
            if method == "POST" or attempt == 4:
                raise
            wait = 1.0 + attempt
        attempt += 1
        await asyncio.sleep(wait)


async def result(session: aiohttp.ClientSession, base: str, generation: dict[str, Any]) -> dict[str, Any]:
    """Return the generation when it has completed."""
    while True:
        match generation["state"]:
            case "completed":
                return generation
            case "failed":
                raise ApiError(f"{generation['failure_code']}: {generation['failure_reason']}")
        await asyncio.sleep(2.2)
        generation = await call(session, "GET", f"{base}/generations/{generation['id']}")


async def fetch(session: aiohttp.ClientSession, base: str, generation: dict[str, Any]) -> bytes:
    """Return the first output, by a fresh URL if one is refused."""
    async with aiohttp.ClientSession() as storage:
        for _ in range(3):
            try:
                async with storage.get(generation["output"][0]["url"], raise_for_status=True) as answer:
                    return await answer.read()
            except aiohttp.ClientError:
                await asyncio.sleep(2)
            generation = await call(session, "GET", f"{base}/generations/{generation['id']}")
    raise ApiError("the output cannot be downloaded")


async def run(environ: Mapping[str, str]) -> None:
    """Do the task that the environment names."""
    base = environ["LUMA_BASE_URL"]
    key = {"Authorization": f"Bearer {environ['LUMA_AGENTS_API_KEY']}"}
    async with asyncio.timeout(DEADLINE), aiohttp.ClientSession(headers=key) as session:
        if environ["LUMA_TASK"] == "download":
            generation = await call(session, "GET", f"{base}/generations/{environ['LUMA_GENERATION_ID']}")
        else:
            generation = await call(session, "POST", f"{base}/generations", {"prompt": environ["LUMA_PROMPT"]})
        if environ["LUMA_TASK"] == "create":
            print(generation["id"])
            return
        content = await fetch(session, base, await result(session, base, generation))
    await asyncio.to_thread(Path(environ["LUMA_OUTPUT"]).write_bytes, content)


def main(environ: Mapping[str, str] = os.environ) -> str | None:
    """Do the task, and return what went wrong."""
    try:
        asyncio.run(run(environ))
    except (ApiError, aiohttp.ClientError, TimeoutError) as error:
        return str(error) or repr(error)
    return None


if __name__ == "__main__":
    sys.exit(main())

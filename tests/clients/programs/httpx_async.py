"""A client on `httpx.AsyncClient`, whose retries are a transport: the calls themselves know nothing of them."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

PASSING = {"generation_failed", "output_not_found", "rate_limited"}


class Retrying(httpx.AsyncBaseTransport):
    """Sends a request again when the answer says that it may be, no sooner than the answer says."""

    def __init__(self, inner: httpx.AsyncBaseTransport, attempts: int = 5) -> None:
        self._inner, self._attempts = inner, attempts

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        for attempt in range(1, self._attempts):
            try:
                response = await self._inner.handle_async_request(request)
            except httpx.TransportError:
                if request.method != "GET":
                    raise
                await asyncio.sleep(attempt)
                continue
            if response.status_code not in (429, 502, 503):
                return response
            await response.aread()
            await response.aclose()
            await asyncio.sleep(self._pause(response, attempt))
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()

    @staticmethod
    def _pause(response: httpx.Response, attempt: int) -> float:
        after = response.headers.get("retry-after", "")
        if after.isdecimal() and int(after):
            return float(after) * random.uniform(1.02, 1.2)  # noqa: S311
        return random.uniform(5, 6) * attempt  # noqa: S311


class Failure(Exception):
    """What the API said against it."""


def _read(response: httpx.Response) -> dict[str, Any]:
    if response.is_error:
        raise Failure(f"HTTP {response.status_code}: {response.text}")
    return dict(response.json())


async def _finished(api: httpx.AsyncClient, generation: dict[str, Any]) -> dict[str, Any]:
    while generation["state"] not in ("completed", "failed"):
        await asyncio.sleep(2.5)
        generation = _read(await api.get(f"generations/{generation['id']}"))
    return generation


async def _generate(api: httpx.AsyncClient, prompt: str) -> dict[str, Any]:
    for pause in (3, 6, None):
        generation = await _finished(api, _read(await api.post("generations", json={"prompt": prompt})))
        if generation["failure_code"] not in PASSING or pause is None:
            break
        await asyncio.sleep(pause)
    return generation


async def _download(api: httpx.AsyncClient, generation: dict[str, Any]) -> bytes:
    if generation["state"] == "failed":
        raise Failure(f"{generation['failure_code']}: {generation['failure_reason']}")
    async with httpx.AsyncClient(timeout=30) as storage:
        for _ in range(4):
            try:
                answer = await storage.get(generation["output"][0]["url"])
                answer.raise_for_status()
            except httpx.HTTPError as error:
                last = error
                await asyncio.sleep(1)
                generation = _read(await api.get(f"generations/{generation['id']}"))
            else:
                return answer.content
    raise Failure(f"no output: {last!r}")


async def run(environ: Mapping[str, str]) -> None:
    """Do the task that the environment names."""
    async with httpx.AsyncClient(
        base_url=environ["LUMA_BASE_URL"],
        headers={"Authorization": f"Bearer {environ['LUMA_AGENTS_API_KEY']}"},
        transport=Retrying(httpx.AsyncHTTPTransport()),
        timeout=30,
    ) as api:
        if environ["LUMA_TASK"] == "create":
            print(_read(await api.post("generations", json={"prompt": environ["LUMA_PROMPT"]}))["id"])
            return
        if environ["LUMA_TASK"] == "generate":
            generation = await _generate(api, environ["LUMA_PROMPT"])
        else:
            generation = _read(await api.get(f"generations/{environ['LUMA_GENERATION_ID']}"))
        content = await _download(api, generation)
    Path(environ["LUMA_OUTPUT"]).write_bytes(content)


def main(environ: Mapping[str, str] = os.environ) -> int:
    """Do the task, and say what went wrong."""
    try:
        asyncio.run(run(environ))
    except (Failure, httpx.TransportError) as failure:
        print(str(failure) or repr(failure), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

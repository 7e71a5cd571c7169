"""Wrong: gives an answer a second, asks all over again after it, and asks for the state as fast as it is told."""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp


async def call(session: aiohttp.ClientSession, method: str, url: str, body: object = None) -> dict[str, Any]:
    """Return what the API answers."""
    while True:
        try:
            async with session.request(method, url, json=body, timeout=aiohttp.ClientTimeout(1)) as answer:
                if answer.status < 400:
                    return dict(await answer.json())
                if answer.status != 429 and answer.status < 500:
                    sys.exit(await answer.text())
                await asyncio.sleep(0.1)
        except (TimeoutError, aiohttp.ClientError):
            continue


async def run(environ: Mapping[str, str]) -> None:
    """Do the task that the environment names."""
    api = environ["LUMA_BASE_URL"] + "/generations"
    headers = {"Authorization": f"Bearer {environ['LUMA_AGENTS_API_KEY']}"}
    async with aiohttp.ClientSession() as bare, aiohttp.ClientSession(headers=headers) as session:
        if environ["LUMA_TASK"] == "download":
            generation = await call(session, "GET", f"{api}/{environ['LUMA_GENERATION_ID']}")
        else:
            generation = await call(session, "POST", api, {"prompt": environ["LUMA_PROMPT"]})
        if environ["LUMA_TASK"] == "create":
            print(generation["id"])
            return
        while generation["state"] not in ("completed", "failed"):
            generation = await call(session, "GET", f"{api}/{generation['id']}")
        if generation["state"] == "failed":
            sys.exit(generation["failure_code"])
        async with bare.get(generation["output"][0]["url"], raise_for_status=True) as answer:
            content = await answer.read()
    await asyncio.to_thread(Path(environ["LUMA_OUTPUT"]).write_bytes, content)


def main(environ: Mapping[str, str] = os.environ) -> None:
    """Do the task in an event loop of its own."""
    asyncio.run(run(environ))


if __name__ == "__main__":
    main()

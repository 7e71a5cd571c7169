"""The same as python_sync.py with the official SDK's AsyncLuma: `luma-conformance client -- python python_async.py`.

The kit runs this program once per scenario, and says in the environment what to do: LUMA_TASK is `create`, `generate`
or `download`. LUMA_BASE_URL and LUMA_AGENTS_API_KEY are read by the SDK itself. Put your own client in place of it.
In seconds, without a process: `luma-conformance client --function python_async.py:main`.
"""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx
from luma_agents import APIError, AsyncLuma
from luma_agents.types import Generation

# Failures of a generation that may pass; all others need another prompt, other media, or money.
TRANSIENT = {"generation_failed", "output_not_found", "rate_limited"}


async def finish(luma: AsyncLuma, generation: Generation) -> Generation:
    """Poll until the generation is over, whichever way it ends."""
    while generation.state not in ("completed", "failed"):
        await asyncio.sleep(2)
        generation = await luma.generations.get(generation.id)
    return generation


async def generate(luma: AsyncLuma, prompt: str) -> Generation:
    """Submit a generation and wait for it; submit it again, twice at most, if its failure may pass."""
    for pause in (2, 4, None):
        generation = await finish(luma, await luma.generations.create(prompt=prompt))
        if generation.failure_code not in TRANSIENT or pause is None:
            break
        await asyncio.sleep(pause)
    return generation


async def fetch(luma: AsyncLuma, generation: Generation) -> bytes:
    """Return the first output; a URL that has expired is a 403, and each poll brings a fresh one."""
    if generation.state == "failed":
        sys.exit(f"{generation.failure_code}: {generation.failure_reason}")
    # Storage is another host: it gets neither the SDK's client nor the key.
    async with httpx.AsyncClient() as storage:
        for pause in (0, 2, None):
            try:
                response = await storage.get(generation.output[0].url)
                response.raise_for_status()
                break
            except httpx.HTTPError as error:
                if pause is None:
                    sys.exit(f"the output could not be downloaded: {error}")
                await asyncio.sleep(pause)
                generation = await luma.generations.get(generation.id)
        return response.content


async def main(task: Mapping[str, str] = os.environ) -> None:
    """Do the task. Exit with 0, or with another status once the API's `detail` or the `failure_code` is printed."""
    # With its defaults the SDK repeats a request twice, after a 429, a 5xx, a timeout or a lost connection.
    async with AsyncLuma() as luma:
        try:
            match task["LUMA_TASK"]:
                case "create":  # submit one generation and print its id
                    print((await luma.generations.create(prompt=task["LUMA_PROMPT"])).id)
                    return
                case "generate":  # submit one, wait until it is over, write its first output
                    generation = await generate(luma, task["LUMA_PROMPT"])
                case "download":  # write the first output of a generation that was made long ago
                    generation = await luma.generations.get(task["LUMA_GENERATION_ID"])
            content = await fetch(luma, generation)
        except APIError as error:
            sys.exit(str(error))  # the text has the status and the detail
    Path(task["LUMA_OUTPUT"]).write_bytes(content)


if __name__ == "__main__":
    asyncio.run(main())

"""A client of the Luma Agents API on the official SDK: `luma-conformance client -- python python_sync.py`.

The kit runs this program once per scenario, and says in the environment what to do: LUMA_TASK is `create`, `generate`
or `download`. LUMA_BASE_URL and LUMA_AGENTS_API_KEY are read by the SDK itself. Put your own client in place of it.
In seconds, without a process: `luma-conformance client --function python_sync.py:main`.
"""

import os
import sys
import time
from collections.abc import Mapping

import httpx
from luma_agents import APIError, Luma
from luma_agents.types import Generation

# Failures of a generation that may pass; all others need another prompt, other media, or money.
TRANSIENT = {"generation_failed", "output_not_found", "rate_limited"}


def finish(luma: Luma, generation: Generation) -> Generation:
    """Poll until the generation is over, whichever way it ends."""
    while generation.state not in ("completed", "failed"):
        time.sleep(2)
        generation = luma.generations.get(generation.id)
    return generation


def generate(luma: Luma, prompt: str) -> Generation:
    """Submit a generation and wait for it; submit it again, twice at most, if its failure may pass."""
    for pause in (2, 4, None):
        generation = finish(luma, luma.generations.create(prompt=prompt))
        if generation.failure_code not in TRANSIENT or pause is None:
            break
        time.sleep(pause)
    return generation


def save(luma: Luma, generation: Generation, file: str) -> None:
    """Write the first output to a file; a URL that has expired is a 403, and each poll brings a fresh one."""
    if generation.state == "failed":
        sys.exit(f"{generation.failure_code}: {generation.failure_reason}")
    for pause in (0, 2, None):
        try:
            # Storage is another host: it gets neither the SDK's client nor the key.
            response = httpx.get(generation.output[0].url)
            response.raise_for_status()
            break
        except httpx.HTTPError as error:
            if pause is None:
                sys.exit(f"the output could not be downloaded: {error}")
            time.sleep(pause)
            generation = luma.generations.get(generation.id)
    with open(file, "wb") as output:
        output.write(response.content)


def main(task: Mapping[str, str] = os.environ) -> None:
    """Do the task. Exit with 0, or with another status once the API's `detail` or the `failure_code` is printed."""
    # With its defaults the SDK repeats a request twice, after a 429, a 5xx, a timeout or a lost connection.
    luma = Luma()
    try:
        match task["LUMA_TASK"]:
            case "create":  # submit one generation and print its id
                print(luma.generations.create(prompt=task["LUMA_PROMPT"]).id)
            case "generate":  # submit one, wait until it is over, write its first output
                save(luma, generate(luma, task["LUMA_PROMPT"]), task["LUMA_OUTPUT"])
            case "download":  # write the first output of a generation that was made long ago
                save(luma, luma.generations.get(task["LUMA_GENERATION_ID"]), task["LUMA_OUTPUT"])
    except APIError as error:
        sys.exit(str(error))  # the text has the status and the detail


if __name__ == "__main__":
    main()

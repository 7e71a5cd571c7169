"""Wrong: one `requests` session for everything, so that storage gets the key that is meant for the API."""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import requests


def main(environ: Mapping[str, str] = os.environ) -> None:
    """Do the task that the environment names."""
    api = environ["LUMA_BASE_URL"] + "/generations"
    session = requests.Session()
    session.headers["Authorization"] = "Bearer " + environ["LUMA_AGENTS_API_KEY"]

    if environ["LUMA_TASK"] == "download":
        response = session.get(f"{api}/{environ['LUMA_GENERATION_ID']}", timeout=30)
    else:
        response = session.post(api, json={"prompt": environ["LUMA_PROMPT"]}, timeout=30)
    if not response.ok:
        sys.exit(response.text)
    generation = response.json()
    if environ["LUMA_TASK"] == "create":
        print(generation["id"])
        return

    while generation["state"] not in ("completed", "failed"):
        time.sleep(2.5)
        generation = session.get(f"{api}/{generation['id']}", timeout=30).json()
    if generation["state"] == "failed":
        sys.exit(generation["failure_code"])
    Path(environ["LUMA_OUTPUT"]).write_bytes(session.get(generation["output"][0]["url"], timeout=30).content)


if __name__ == "__main__":
    main()

"""Run one stranger by hand, so that the kit can be pointed at it."""

from __future__ import annotations

import argparse
import tempfile
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path

from tests.strangers import NAMES, stranger


def main() -> None:
    """Run a stranger until it is interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.strangers", description=__doc__)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--fault", default="", help="a mistake it makes: one of its FAULTS")
    parser.add_argument("--profile", type=Path, help="where to write its profile (default: a temporary file)")
    parser.add_argument("--bare", action="store_true", help="with nothing but a key (those that know how)")
    options = parser.parse_args()
    start: Callable[..., AbstractContextManager[tuple[str, str]]] = stranger(options.name).start
    bare = {"bare": True} if options.bare else {}
    with ExitStack() as stack:
        url, profile = stack.enter_context(start(options.port, options.fault, **bare))
        made = stack.enter_context(tempfile.TemporaryDirectory())
        file = options.profile or Path(made, f"{options.name}.toml")
        file.write_text(profile, encoding="utf-8")
        print(f"pytest --pyargs luma_conformance --base-url {url} --luma-profile {file}", flush=True)
        stack.enter_context(suppress(KeyboardInterrupt))
        threading.Event().wait()


if __name__ == "__main__":
    main()

"""A client that is a Python function, named on the command line as MODULE:NAME or FILE.py:NAME."""

from __future__ import annotations

import errno
import importlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

from luma_conformance.cli.parser import did_you_mean
from luma_conformance.errors import InputError
from luma_conformance.reading.regular_file import open_file

if TYPE_CHECKING:
    from luma_conformance.clients.in_process import Client

MAX_BYTES: Final = 10_000_000
"""Bytes of a file with a client in it."""


def load_function(text: str) -> Client:
    """Return the function that a text names; raise InputError if there is none, or its module cannot be imported."""
    home, _, name = text.rpartition(":")
    if not home or not name:
        raise InputError(f"{text!r} names no function; write MODULE:NAME or FILE.py:NAME, as in client.py:main")
    sys.path.insert(0, str(Path.cwd()))  # as `python -m` has it
    try:
        module = _load_file(Path(home)) if home.endswith(".py") else importlib.import_module(home)
    except Exception as error:  # noqa: BLE001  whatever a module raises
        raise InputError(f"{home} cannot be imported: {type(error).__name__}: {error}") from None
    found = getattr(module, name, None)
    if not callable(found):
        callables = [key for key, value in vars(module).items() if callable(value)]
        raise InputError(f"{home} has no function {name!r}{did_you_mean(name, callables)}")
    client: Client = found
    return client


def _load_file(path: Path) -> ModuleType:
    with open_file(path) as file:  # the import system would read from a pipe, and of a device for ever
        if os.fstat(file.fileno()).st_size > MAX_BYTES:
            raise OSError(errno.EFBIG, f"it has over {MAX_BYTES:,} bytes")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module

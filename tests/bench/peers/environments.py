"""The environments of the tools beside us: each has its own, as they exclude each other, with nothing else in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.measuring import ROOT, tell

FOLDER: Final = ROOT / ".tox" / "peers"
_BIN: Final = "Scripts" if os.name == "nt" else "bin"


class NotInstalled(Exception):
    """A tool that could not be installed, with the reason in a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What is installed for a tool: with pip, or else with npm; the versions are those that were compared."""

    name: str
    packages: tuple[str, ...]
    with_npm: bool = False

    @property
    def folder(self) -> Path:
        """Where it is."""
        return FOLDER / self.name

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / _BIN / "python"

    def install(self) -> None:
        """Install it unless it is there already; raise NotInstalled."""
        stamp = self.folder / "installed.txt"
        wanted = "\n".join(self.packages)
        if stamp.exists() and stamp.read_text() == wanted:
            return
        tell(f"installing {', '.join(self.packages)}")
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        if self.with_npm:
            _call("npm", "install", "--no-audit", "--no-fund", "--prefix", str(self.folder), *self.packages)
        else:
            _call(sys.executable, "-m", "venv", str(self.folder))
            _call(str(self.python), "-m", "pip", "install", "--quiet", *self.packages)
        stamp.write_text(wanted)


def _call(*command: str) -> None:
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise NotInstalled(f"there is no {command[0]} here") from None
    if ended.returncode:
        said = (ended.stderr.strip() or ended.stdout.strip()).splitlines() or ["it does not say why"]
        raise NotInstalled(f"{command[0]} failed: {said[-1][:200]}")

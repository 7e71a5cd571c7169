"""Run the command as a module: `python -m luma_conformance`."""

from __future__ import annotations

import sys

from luma_conformance.cli.main import main

if __name__ == "__main__":
    sys.exit(main())

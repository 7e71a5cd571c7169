"""Prints what the kit makes of hostile servers: time, memory, verdict. Run: python tests/bench/hostile.py."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests import hostile

for row in hostile.rows():
    print(row, flush=True)

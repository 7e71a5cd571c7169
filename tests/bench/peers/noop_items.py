"""A pytest plugin that collects the case files the kit collects, as items that do nothing: the floor of slope.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from luma_conformance.catalogue.files import is_case_file, load_file


class NoopItem(pytest.Item):
    def runtest(self) -> None:
        """Do nothing."""


class NoopFile(pytest.File):
    def collect(self) -> Iterator[NoopItem]:
        for case in load_file(self.path).cases:
            yield NoopItem.from_parent(self, name=case.slug)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> NoopFile | None:
    """Collect what the kit would collect."""
    if file_path.suffix == ".yaml" and is_case_file(file_path):
        return NoopFile.from_parent(parent, path=file_path)
    return None

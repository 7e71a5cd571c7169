"""The files that reports and annotations name."""

from __future__ import annotations

from pathlib import Path

import pytest

from luma_conformance import suite
from luma_conformance.catalogue.files import specs
from luma_conformance.pytest_plugin.places import keep_annotatable, name_file
from luma_conformance.report import markdown
from tests.report import samples
from tests.verdicts import SHOW, alter

SUITE = Path(str(suite.__file__)).parent


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("project/cases/mine.yaml", "cases/mine.yaml"),
        ("elsewhere/mine.yaml", "../elsewhere/mine.yaml"),
        (str(specs() / "create/201.yaml"), "luma_conformance/specs/create/201.yaml"),
        (str(SUITE / "test_schema.py"), "luma_conformance/suite/test_schema.py"),
    ],
    ids=["in the project", "beside it", "a case of ours", "a property of ours"],
)
def test_a_file_is_named_by_the_project_or_the_package(tmp_path: Path, path: str, name: str) -> None:
    """No name is absolute, and none tells where the package is installed."""
    assert name_file(tmp_path / path, tmp_path / "project") == name


def test_in_a_checkout_the_cases_are_files_of_the_project() -> None:
    """The kit's own repository has them where an annotation finds them."""
    assert name_file(specs() / "create/201.yaml", specs().parent) == "specs/create/201.yaml"


def test_an_annotation_names_only_files_of_the_repository(tmp_path: Path) -> None:
    """A project below the repository's top is named from the top; a file that is not there is not named at all."""
    root = tmp_path / "api"
    (root / "cases").mkdir(parents=True)
    (root / "cases/mine.yaml").touch()
    (root / ".venv/lib/site-packages").mkdir(parents=True)
    (root / ".venv/lib/site-packages/ours.yaml").touch()
    (tmp_path / "outside.yaml").touch()

    def annotate(file: str, repository: Path | None) -> str:
        failed = alter(samples.MIXED, verdicts=(alter(samples.FAILED, file=file),))
        kept = keep_annotatable(failed, root, str(repository) if repository else None, SHOW)
        (command,) = markdown.render_commands(kept)
        return command.partition("title=")[0]

    assert annotate("cases/mine.yaml", None) == "::error file=cases/mine.yaml,line=11,"
    assert annotate("cases/mine.yaml", tmp_path) == "::error file=api/cases/mine.yaml,line=11,"
    for file in ("luma_conformance/specs/create/201.yaml", "../outside.yaml", ".venv/lib/site-packages/ours.yaml"):
        assert annotate(file, None) == "::error "

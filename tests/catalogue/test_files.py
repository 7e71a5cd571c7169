"""Case files found on disk, named by their place, and read all at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from luma_conformance.catalogue.files import (
    CASES,
    EVERY_RESPONSE,
    SCHEMA,
    find_own,
    is_case_file,
    is_own,
    load,
    load_file,
    own,
    section_name,
    specs,
)
from luma_conformance.errors import CatalogueError, InputError

FILE = f"""\
# yaml-language-server: $schema={SCHEMA}
section: s
operation: POST /v1/generations
accepted: {{}}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a catalogue's folder: the schema, what holds on every response, and a folder of its own for `create`."""
    (tmp_path / SCHEMA).write_text("{}")
    (tmp_path / EVERY_RESPONSE).write_text("")
    (tmp_path / "create").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("content", "declared"),
    [
        (FILE.encode(), True),
        (b"# $schema=../case-file.schema.json\r\n", True),
        (b"section: s\n# $schema=case-file.schema.json\n", False),
        (b"", False),
        (b"\xff\xfe\x00", False),
        (b"#" * 600 + SCHEMA.encode(), False),
    ],
)
def test_a_case_file_is_recognised_by_its_first_line(tmp_path: Path, content: bytes, declared: object) -> None:
    """The schema's name in the first line, and nothing else, makes a YAML file a case file."""
    file = tmp_path / "f.yaml"
    file.write_bytes(content)

    assert is_case_file(file) is declared
    assert not is_case_file(tmp_path / "none.yaml")


def test_ids_begin_with_a_files_place_in_its_catalogue(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearest folder with the catalogue's two files is the catalogue, wherever the command is run from."""
    file = root / "create" / "400-keyframes.yaml"
    file.write_text(FILE)
    monkeypatch.chdir(file.parent)

    assert section_name(file) == section_name(Path(file.name)) == "create/400-keyframes"
    assert [case.id for case in load_file(file).cases] == ["create/400-keyframes/control"]


@pytest.mark.parametrize("beside", [[], [SCHEMA], [EVERY_RESPONSE]])
def test_ids_of_a_file_outside_any_catalogue_begin_with_its_path(tmp_path: Path, beside: list[str]) -> None:
    """Its ids are those by which `show` finds it; a schema beside it, for an editor, makes no catalogue."""
    for name in beside:
        (tmp_path / name).write_text("")
    file = tmp_path / "deep" / "mine.yaml"
    file.parent.mkdir()
    file.write_text(FILE)

    assert section_name(file, "deep/mine.yaml") == "deep/mine.yaml"
    (case,) = load([file], below=tmp_path)
    assert (case.id, case.section_id, case.slug) == ("deep/mine.yaml#control", "deep/mine.yaml", "control")
    assert [one.id for one in load_file(file, "deep/mine.yaml").cases] == [case.id]
    assert [one.id for one in load_file(file).cases] == [f"{file}#control"]


def test_a_folder_is_read_in_the_order_of_its_paths(root: Path) -> None:
    """Files below are read in the order of their paths; a file that declares nothing is somebody else's."""
    for name in ("create/b.yaml", "create/a.yaml", "z.yaml"):
        (root / name).write_text(FILE)
    (root / "other.yaml").write_text("anything: [")

    found = load([root], below=root)

    assert list(found.sections) == ["create/a", "create/b", "z"]
    assert str(next(iter(found)).place) == "create/a.yaml:4"
    assert list(load([root, root / "z.yaml"]).sections) == ["create/a", "create/b", "z"]


def test_the_problems_of_all_files_are_reported_at_once(root: Path) -> None:
    """Bad YAML in one file and bad grammar in another are one CatalogueError."""
    (root / "a.yaml").write_text(f"{FILE}satus: 400\n")
    (root / "b.yaml").write_text(f"{FILE}cases: [\n")
    (root / "c.yaml").write_text(FILE)

    with pytest.raises(CatalogueError) as refused:
        load([root], below=root)

    assert [(problem.file, problem.line) for problem in refused.value.problems] == [("a.yaml", 5), ("b.yaml", 6)]


def test_two_files_with_the_same_name_are_refused(tmp_path: Path) -> None:
    """Files of two catalogues whose cases would share ids are refused, both named; no case is dropped in silence."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        for name in (SCHEMA, EVERY_RESPONSE):
            (tmp_path / folder / name).write_text("")
        (tmp_path / folder / "mine.yaml").write_text(FILE)

    with pytest.raises(CatalogueError, match=r"two/mine.yaml:1:1: its ids would be those of .*one/mine.yaml; rename"):
        load([tmp_path / "one" / "mine.yaml", tmp_path / "two" / "mine.yaml"])


def test_loose_files_with_the_same_name_are_kept_apart(tmp_path: Path) -> None:
    """Their paths keep their cases apart."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.yaml").write_text(FILE)

    assert [case.id for case in load([tmp_path], below=tmp_path)] == ["one/mine.yaml#control", "two/mine.yaml#control"]


def test_a_missing_path_is_an_input_error(tmp_path: Path) -> None:
    """The message names the missing file or folder."""
    with pytest.raises(InputError, match="none: there is no such file or folder"):
        load([tmp_path / "none"])


def test_the_kits_own_catalogue_is_read_once_and_whole() -> None:
    """Every section file of specs/ reads, and is shown by its path from the checkout."""
    catalogue = own()

    assert catalogue is own()
    assert len(catalogue) > 0
    assert all((specs().parent / case.place.file).is_file() for case in catalogue)


def test_the_number_of_cases_is_that_of_the_catalogue() -> None:
    """The constant that runs show is the number of cases that there are."""
    assert len(own()) == CASES


def test_a_case_is_the_kits_own_by_its_id(tmp_path: Path) -> None:
    """A case of the catalogue is the kit's, and one with another id, or of a file by its path, is not."""
    kits = next(iter(own()))
    (file := tmp_path / "mine.yaml").write_bytes((specs() / "create/400-keyframes.yaml").read_bytes())

    assert is_own(kits)
    assert not is_own(replace(kits, id=f"{kits.section_id}/no-such-case"))
    assert not any(map(is_own, load_file(file).cases))


def test_a_case_of_the_kits_own_is_found_by_its_id_in_one_file() -> None:
    """Each case is the one that the whole catalogue has, which is not read for it; other words name none."""
    ids = [case.id for case in own()]
    own.cache_clear()
    found = [find_own(one) for one in ids]
    others = [find_own(one) for one in ("", "/", "create", "create/400-keyframes", "create/400-key*/control", "../x/y")]

    assert own.cache_info().misses == 0
    assert found == [own().get(one) for one in ids]
    assert others == [None] * 6

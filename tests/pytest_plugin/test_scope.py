"""Of how many cases a run judged how many, whatever selects them, and what it has to judge at least."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from luma_conformance.catalogue import files
from luma_conformance.errors import Exit
from luma_conformance.pytest_plugin.scope import Scope
from luma_conformance.suite import PROPERTIES
from tests.kit import Run, results, run_apart, run_inside

ALL = len(files.own()) + PROPERTIES
MODELS = str(files.specs() / "create/400-unknown-model.yaml")
MANY = len(files.own().sections["create/400-unknown-model"].cases)
FILES = len(files.own().sections)
MINE = """
def test_one(luma_target):
    "One of two properties."

def test_two(luma_target):
    "Another."

def test_of_something_else():
    pass
"""


def shield() -> tuple[str, str]:
    """Return the color and the text of the badge of the last run."""
    data = json.loads(Path("out/badge.json").read_text())
    return data["color"], data["message"]


def test_the_number_of_properties_is_that_of_the_suite(pytester: pytest.Pytester) -> None:
    """What stands beside the suite is what pytest collects there."""
    suite = Path(str(files.__file__)).parents[1] / "suite"

    assert run_inside(pytester, str(suite), "--collect-only", "-q").parseoutcomes() == {"tests": PROPERTIES}


COUNTING = """
from luma_conformance.catalogue import strict_yaml

usual, found = strict_yaml.read, []

def read(path, name=None):
    found.append(path.name)
    return usual(path, name)

strict_yaml.read = read

def pytest_unconfigure():
    print("read", len(found), "files")
"""


@pytest.mark.parametrize(
    ("arguments", "files_read"),
    [
        ([f"{MODELS}::control"], 2),
        ([f"{MODELS}::control", "--luma-report=out"], 3),
        ([f"{MODELS}::control", "--luma-require=1"], 2 + FILES),
        ([str(files.specs() / "get")], 1 + len([*files.specs().glob("get/*.yaml")])),
    ],
    ids=["one case", "with a report", "with a requirement", "a folder"],
)
def test_a_run_reads_the_files_it_needs_once(pytester: pytest.Pytester, arguments: list[str], files_read: int) -> None:
    """Beside its cases: what holds of every response, and of a report the ledger. A requirement has all counted."""
    pytester.makepyfile(counting=COUNTING)

    run_apart(pytester, "-p", "counting", *arguments).stdout.fnmatch_lines([f"*read {files_read} files"])


@pytest.mark.parametrize(
    ("selection", "judged"),
    [
        ([MODELS], MANY),
        ([f"{MODELS}::control"], 1),
        ([MODELS, "-k", "control"], 1),
        ([MODELS, "-m", "luma(status=201)"], 1),
        ([MODELS, "--deselect", "specs/create/400-unknown-model.yaml::control"], MANY - 1),
    ],
    ids=["file", "node-id", "-k", "-m", "--deselect"],
)
def test_a_selection_is_of_the_whole_catalogue(pytester: pytest.Pytester, selection: list[str], judged: int) -> None:
    """However little pytest collects, there are as many cases as in the kit, and the badge is not bright green."""
    result = run_inside(pytester, *selection, "--luma-report", "out")

    assert result.ret == Exit.CONFORMANT
    result.stdout.fnmatch_lines([f"judged      {judged} of {ALL}: {judged} passed*", f"*{ALL - judged}  not selected"])
    assert shield() == ("yellowgreen", f"{judged} of {ALL} judged, all pass")
    assert results().headline == f"Conformant as far as judged: {judged} of {ALL} cases, each as the page says"


def test_cases_of_ones_own_are_counted_among_themselves(pytester: pytest.Pytester, run: Run) -> None:
    """Files and modules of somebody's are all there is where none of the kit's is selected; else they come on top."""
    pytester.makepyfile(test_mine=MINE)

    counts = {
        "": run("--luma-report", "out"),
        "things.yaml": run("things.yaml::empty"),
        "test_mine.py": run("test_mine.py::test_one"),
        "both": run("things.yaml", "test_mine.py", "-k", "empty or one"),
        "and ours": run("things.yaml", f"{MODELS}::control"),
    }

    assert shield() == ("yellowgreen", "5 of 5 own cases judged, all pass")
    words = [next(line for line in one.outlines if line.startswith("judged")).split(":")[0] for one in counts.values()]
    assert [line.split(maxsplit=1)[1] for line in words] == ["5 of 5", "1 of 3", "1 of 2", "2 of 5", f"4 of {ALL + 3}"]


def test_what_last_failed_is_of_all_there_was(run: Run, pytester: pytest.Pytester) -> None:
    """--lf passes over whole files without reading them; their cases are there all the same."""
    pytester.makefile(".yaml", others=Path("things.yaml").read_text())
    pytester.makefile(".yaml", things=Path("things.yaml").read_text().replace('"Unknown model', '"No model'))
    run("-p", "cacheprovider")

    again = run("-p", "cacheprovider", "--lf", "--luma-report", "out")

    again.assert_outcomes(failed=1)
    assert results().headline == "Not conformant: 1 case fails, in 1 section; 1 of 6 judged"


def test_a_run_that_is_ended_says_how_many_were_not_tried(run: Run, pytester: pytest.Pytester) -> None:
    """With -x the rest is not passed over in silence."""
    pytester.makefile(".yaml", things=Path("things.yaml").read_text().replace("super-model-v9", "ray-3.2", 1))

    result = run("-x", "--luma-report", "out")

    assert result.ret == Exit.NOT_CONFORMANT
    assert results().coverage == f"{results().judged} of 3"
    assert results().untried + results().judged == 3


@pytest.mark.parametrize(
    ("required", "status", "words"),
    [
        (["3"], Exit.CONFORMANT, None),
        (["100%"], Exit.CONFORMANT, None),
        (["4"], Exit.COULD_NOT_JUDGE, "required    3 of 3 cases were judged, and 4 are required"),
        (["3", "4"], Exit.COULD_NOT_JUDGE, "required    3 of 3 cases were judged, and 4 are required"),
        (["completed-video"], Exit.USAGE, "*--luma-require completed-video: no case needs such a role; *"),
    ],
)
@pytest.mark.parametrize("workers", [[], pytest.param(["-n", "2"], marks=pytest.mark.slow)], ids=["alone", "workers"])
def test_what_is_required_decides_the_exit_status(
    run: Run, workers: list[str], required: list[str], status: Exit, words: str | None
) -> None:
    """The gate has a floor: below it the run could not judge enough, and says so."""
    result = run(*workers, *(f"--luma-require={one}" for one in required))

    assert result.ret == status
    if words is not None:
        result.stdout.fnmatch_lines([words])
    else:
        result.stdout.no_fnmatch_line("required*")


def test_a_role_is_required_of_every_case_that_needs_it(pytester: pytest.Pytester) -> None:
    """All that need the role have to be selected and judged; a misspelt one is refused before anything is sent."""
    needing = [case for case in files.own() if "large-uploads" in case.needs]
    nodes = [f"{files.specs().parent / case.place.file}::{case.slug}" for case in needing]

    assert run_inside(pytester, *nodes, "--luma-require", "large-uploads").ret == Exit.CONFORMANT
    fewer = run_inside(pytester, *nodes[1:], "--luma-require", "large-uploads")
    assert fewer.ret == Exit.COULD_NOT_JUDGE
    fewer.stdout.fnmatch_lines([f"required    {len(nodes) - 1} of the {len(nodes)} cases that need large-uploads *"])
    wrong = run_inside(pytester, *nodes, "--luma-require", "large-upload")
    assert wrong.ret == Exit.USAGE
    wrong.stdout.no_fnmatch_line("target *")
    wrong.stdout.fnmatch_lines(["*no case needs such a role; did you mean large-uploads?"])


@pytest.mark.parametrize("wrong", ["0", "101%", "Completed Video"])
def test_a_wrong_requirement_is_refused_in_one_line(run: Run, wrong: str) -> None:
    """It is neither a number nor a share nor a role."""
    result = run(f"--luma-require={wrong}")

    assert result.ret == Exit.USAGE
    result.stderr.fnmatch_lines([f"*--luma-require: {wrong!r} is neither a number of cases from 1 on*"])


def test_other_tests_alone_do_not_meet_a_requirement(run: Run, pytester: pytest.Pytester) -> None:
    """A run that judges nothing is not green because something else passes; without the option it is none of ours."""
    pytester.makepyfile(test_mine=MINE)

    assert run("test_mine.py::test_of_something_else", "--luma-require=1").ret == Exit.COULD_NOT_JUDGE
    assert run("test_mine.py::test_of_something_else").ret == Exit.CONFORMANT


def test_a_scope_without_cases_of_the_kits_has_only_its_own() -> None:
    """The kit's catalogue is before a run only if something of it is."""
    case = next(iter(files.own()))
    scope = Scope()

    assert scope.every_case == ()
    scope.add_cases(Path("copy.yaml"), [case])
    assert len(scope.every_case) == len(files.own())

"""The public names: which there are, that each has an example that works, and that importing them costs nothing."""

from __future__ import annotations

import ast
import doctest
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import luma_conformance
from tests.examples import docstrings

ROOT = Path(__file__).resolve().parents[1]
NAMES = [name for name in luma_conformance.__all__ if name != "__version__"]
DOCSTRINGS = docstrings()
EXAMPLES = {name: text for name, text in DOCSTRINGS.items() if ">>>" in text}


def test_the_documented_names_are_the_public_ones() -> None:
    """docs/api.md has a row for each name of `__all__`, and for no other."""
    documented = re.findall(r"(?m)^\| `(\w+)` \|", (ROOT / "docs" / "api.md").read_text())

    assert sorted(documented) == sorted(luma_conformance.__all__)


def test_public_names_are_listed_in_order_and_by_dir() -> None:
    """`__all__` is sorted as ruff sorts it, and `dir` says the same."""
    assert sorted(luma_conformance.__all__) == dir(luma_conformance)


def test_type_checkers_and_python_find_the_same_names_in_the_same_places() -> None:
    """The imports for type checkers are those that are made at run time."""
    tree = ast.parse(Path(luma_conformance.__file__).read_bytes())
    guarded = next(node for node in tree.body if isinstance(node, ast.If) and isinstance(node.test, ast.Name))
    typed = {
        alias.name: node.module for node in guarded.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }

    assert typed == luma_conformance._HOMES
    assert sorted(typed) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_is_there_and_has_an_example(name: str) -> None:
    """Each name leads to what is defined under it, and its docstring shows how it is used."""
    assert getattr(luma_conformance, name) is getattr(sys.modules[luma_conformance._HOMES[name]], name)
    assert f"{luma_conformance._HOMES[name]}.{name}" in EXAMPLES


def test_any_other_name_is_an_attribute_error() -> None:
    """A misspelt name is answered as Python answers it."""
    with pytest.raises(AttributeError, match="module 'luma_conformance' has no attribute 'predicts'"):
        _ = luma_conformance.predicts  # type: ignore[attr-defined]
    with pytest.raises(ImportError, match="predicts"):
        exec("from luma_conformance import predicts")  # noqa: S102


@pytest.fixture
def repeatable() -> Iterator[None]:
    """Have Hypothesis try the same examples every time, however slow the machine is, and keep nothing."""
    before = settings.get_current_profile_name()
    settings.register_profile(
        "repeatable", deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    settings.load_profile("repeatable")
    yield
    settings.load_profile(before)


@pytest.mark.usefixtures("repeatable")
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_works(name: str) -> None:
    """The output in a docstring is what its code prints, in a session of its own."""
    shown = doctest.DocTestParser().get_doctest(EXAMPLES[name], {}, name, None, None)
    said: list[str] = []

    outcome = doctest.DocTestRunner(optionflags=doctest.IGNORE_EXCEPTION_DETAIL).run(shown, out=said.append)

    assert outcome.failed == 0, "".join(said)
    assert outcome.attempted > 0


@pytest.mark.slow
def test_the_example_of_the_fixture_is_a_property_that_holds(pytester: pytest.Pytester) -> None:
    """The test that the docstring of `LumaTarget` shows passes on the embedded reference, and counts as a case."""
    shown = doctest.DocTestParser().get_examples(EXAMPLES[f"{luma_conformance._HOMES['LumaTarget']}.LumaTarget"])
    pytester.makepyfile("".join(example.source for example in shown))

    result = pytester.runpytest_subprocess("-p", "no:schemathesis", "-p", "no:cacheprovider")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["judged *1: 1 passed*"])


def test_importing_the_package_imports_nothing_else() -> None:
    """Neither a module of ours nor a dependency is loaded until a name is used, and then only what it needs."""
    look = (
        "import sys, luma_conformance\n"
        "def loaded(): return [name for name in sys.modules if name.partition('.')[0] in sys.argv]\n"
        "print(*loaded())\n"
        "luma_conformance.__version__, dir(luma_conformance), hasattr(luma_conformance, 'nothing')\n"
        "print(*loaded())\n"
        "luma_conformance.predict\n"
        "print({name.split('.')[1] for name in loaded()[1:]})"
    )
    names = ["luma_conformance", "yaml", "PIL", "uvicorn", "hypothesis", "pytest", "schemathesis"]

    ran = subprocess.run([sys.executable, "-c", look, *names], capture_output=True, text=True, check=True)

    assert ran.stdout.splitlines() == ["luma_conformance", "luma_conformance", "{'rules'}"]


def test_the_version_is_the_distributions() -> None:
    """`__version__` is what pip says."""
    assert re.fullmatch(r"\d+\.\d+\.\d+", luma_conformance.__version__)


def test_a_clone_that_is_not_installed_has_version_0(tmp_path: Path) -> None:
    """Without the metadata of an installed distribution `__version__` is "0", and nothing fails."""
    (tmp_path / "luma_conformance").symlink_to(Path(luma_conformance.__file__).parent)
    look = "import sys; sys.path.insert(0, sys.argv[1]); import luma_conformance; print(luma_conformance.__version__)"

    ran = subprocess.run([sys.executable, "-S", "-c", look, tmp_path], capture_output=True, text=True, check=True)

    assert ran.stdout == "0\n"

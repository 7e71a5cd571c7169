"""The house: who imports whom, what the core may know, and how long things get."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "conformance"
MODULES = {
    file.relative_to(PACKAGE).with_suffix("").as_posix(): ast.parse(file.read_bytes())
    for file in sorted(PACKAGE.rglob("*.py"))
}

CORE = {
    "model", "paths", "matching", "source", "roles", "reading", "expecting", "catalogue", "judge", "replay",
    "explain", "exits", "errors", "channel", "limiter", "concurrency", "lifecycle", "recording", "changes",
    "precedence", "jsonstream", "spelling", "grading", "against", "deviations", "rules",
}  # fmt: skip
EDGES = {
    "yamlfile", "casefiles", "http", "wire", "profile", "redaction", "supplies", "pacing", "spending", "preflight",
    "har", "harentry", "cassette", "vcrfile", "strategies", "oracle", "openapi", "reference", "report",
    "deviationfile",
}  # fmt: skip
SHELLS = {
    "plugin", "scrubbing", "findings", "items", "judging", "taping", "properties", "suite", "summary", "auditing",
    "audit", "allowance", "verdicts", "ordering", "rivalry", "publishing", "reporter", "reporting", "cli",
    "showing",
}  # fmt: skip

THINKING = {
    "__future__", "binascii", "bisect", "codecs", "collections", "dataclasses", "difflib", "enum", "fnmatch",
    "functools", "graphlib", "html", "itertools", "json", "math", "re", "shlex", "string", "types", "typing",
}  # fmt: skip
"""What the core takes of the standard library: nothing that reads a file, a socket, a clock or chance."""

DOORS = {"open", "print", "input", "exec", "eval", "compile", "__import__", "breakpoint"}
"""Built-ins through which the outside comes in without an import."""

BETWEEN_EDGES = {
    ("cassette", "har"): "a recording of ours is a HAR file, and nothing else",
    ("casefiles", "yamlfile"): "a case file is YAML, and finding one without reading it is of no use",
    ("har", "harentry"): "one edge in two files: harentry is one entry of a file",
    ("http", "wire"): "one edge in two files: wire is the sockets below http",
}

OWNERS = {
    "yaml": {"yamlfile", "vcrfile"},
    "harfile": {"har", "harentry"},
    "PIL": {"reference"},
    "uvicorn": {"reference"},
    "httptools": {"reference"},
    "hypothesis": {"strategies", "properties", "rivalry", "suite", "openapi"},
    "schemathesis": {"openapi"},
    "requests": {"openapi"},
    "pytest": SHELLS - {"cli", "reporting"},
}
"""Where each dependency is imported; elsewhere nobody knows it is there."""


def part(name: str) -> str:
    """Returns the part of the house a module, or a dotted name of ours, belongs to."""
    return name.removeprefix("conformance.").replace(".", "/").partition("/")[0]


def imported(tree: ast.Module) -> Iterator[str]:
    """Yields every name a module imports, wherever in it, in full."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module}.{alias.name}" for alias in node.names)


def ours() -> Iterator[tuple[str, str]]:
    """Yields each import of one module of ours by another, as its two parts, those within a part left out."""
    for name, tree in MODULES.items():
        for full in imported(tree):
            if full.startswith("conformance.") and part(full) != part(name):
                yield part(name), part(full)


def others() -> Iterator[tuple[str, str]]:
    """Yields each import of something that is not ours: the part, and the top-level name."""
    for name, tree in MODULES.items():
        for full in imported(tree):
            if not full.startswith("conformance."):
                yield part(name), full.partition(".")[0]


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Yields every function, with its module."""
    for name, tree in MODULES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield name, node


def test_every_module_has_a_place() -> None:
    """A module is core, edge or shell, and only one of them."""
    assert {part(name) for name in MODULES} - {"__init__"} <= CORE | EDGES | SHELLS
    assert len(CORE) + len(EDGES) + len(SHELLS) == len(CORE | EDGES | SHELLS)


def test_imports_name_the_whole_way() -> None:
    """No import is relative, and none takes everything."""
    assert [(name, full) for name, tree in MODULES.items() for full in imported(tree) if full[0] == "."] == []
    assert [(name, full) for name, tree in MODULES.items() for full in imported(tree) if full.endswith("*")] == []


def test_the_core_imports_only_the_core() -> None:
    """Core modules do not look right."""
    assert [(one, other) for one, other in ours() if one in CORE and other not in CORE] == []


def test_the_core_only_thinks() -> None:
    """Core modules import nothing that touches the world, and open no other door to it."""
    assert [(one, other) for one, other in others() if one in CORE and other not in THINKING] == []
    assert [
        (name, node.id)
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if part(name) in CORE and isinstance(node, ast.Name) and node.id in DOORS
    ] == []


def test_the_two_readings_of_the_page_share_nothing() -> None:
    """The oracle is written from the page: it knows no other module, and no core module knows it."""
    assert [(one, other) for one, other in ours() if one == "rules"] == []
    assert [(one, other) for one, other in ours() if other == "rules" and one in CORE] == []


def test_edges_import_the_core_and_not_each_other() -> None:
    """An edge is one outside thing; the few that go together are listed with their reason."""
    crossings = {(one, other) for one, other in ours() if one in EDGES and other not in CORE}

    assert crossings == set(BETWEEN_EDGES)


def test_each_dependency_has_its_owner() -> None:
    """What is not the standard library is imported where it belongs and nowhere else."""
    foreign = {(one, other) for one, other in others() if other not in sys.stdlib_module_names}

    assert {(one, other) for one, other in foreign if one not in OWNERS.get(other, ())} == set()


@pytest.mark.parametrize("name", MODULES)
def test_a_module_fits_in_a_head(name: str) -> None:
    """A module has at most 400 lines, says in its first line what it is, and its name says it too."""
    assert len((PACKAGE / f"{name}.py").read_text().splitlines()) <= 400
    assert ast.get_docstring(MODULES[name])
    assert not re.search("util|helper|manager|common|misc", name)


def test_a_function_fits_on_a_screen() -> None:
    """A function has at most 40 lines, docstring included."""
    lengths = {(name, node.name): (node.end_lineno or 0) - node.lineno + 1 for name, node in functions()}

    assert {function: length for function, length in lengths.items() if length > 40} == {}


def test_what_is_public_is_documented() -> None:
    """Every public class and function of a module has a docstring."""
    assert [
        (name, node.name)
        for name, tree in MODULES.items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ] == []


def test_the_house_is_synchronous_but_for_the_reference() -> None:
    """Only the reference, which speaks ASGI, has coroutines."""
    assert {part(name) for name, node in functions() if isinstance(node, ast.AsyncFunctionDef)} <= {"reference"}


def test_the_plugin_is_inert_where_it_is_not_used() -> None:
    """Loading the plugin loads nothing of ours but itself, and none of our dependencies but pytest."""
    look = (
        "import sys, conformance.plugin; print(*(name for name in sys.modules if name.partition('.')[0] in sys.argv))"
    )
    command = [sys.executable, "-c", look, "conformance", "yaml", "PIL", "uvicorn", "httptools"]

    loaded = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()

    assert loaded == ["conformance", "conformance.plugin"]


def test_each_dependency_says_why_it_is_there() -> None:
    """CONTRIBUTING.md gives every dependency a row or a word, and no row to what is none."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    rows = set(re.findall(r"^\| ([a-z][a-z-]+) \| ", contributing.partition("## Dependencies")[2], re.MULTILINE))
    lines = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["schema"]]
    ours = {re.split("[<>=]", line)[0] for line in lines}
    tools = {
        re.split("[<>=]", line)[0]
        for group in project["dependency-groups"].values()
        for line in group
        if isinstance(line, str)
    }

    assert rows - {"dependency"} == ours
    assert {tool for tool in tools - ours if f"`{tool}`" not in contributing} == set()

"""The house: which folder may import which, what only thinks, who owns a dependency, and how long things get."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NAME = "luma_conformance"
PACKAGE = ROOT / "conformance" / NAME
MODULES = {
    file.relative_to(PACKAGE).with_suffix("").as_posix(): ast.parse(file.read_bytes())
    for file in sorted(PACKAGE.rglob("*.py"))
}

FLOORS = (
    "errors", "shown", "matching", "model", "paths", "arguments",
    "reading",
    "rules",
    "redaction",
    "catalogue",
    "ledger",
    "strategies",
    "reference",
    "miniatures",
    "target",
    "judge",
    "recording",
    "report",
    "audit",
    "session",
    "clients",
    "survey",
    "properties",
    "suite",
    "pytest_plugin",
    "cli",
)  # fmt: skip
"""The import law: a folder imports only from the folders that stand before it."""

TOP = {"__init__", "__main__"}
"""Modules above all floors."""

THINKERS = {"errors", "shown", "paths", "matching", "model", "rules", "miniatures", "judge", "audit"}
"""Folders with no I/O, no clock and no randomness; the reference's service keeps to it too."""

THINKING = {
    "__future__", "array", "binascii", "bisect", "calendar", "codecs", "collections", "dataclasses", "difflib", "enum",
    "fnmatch", "functools", "graphlib", "hashlib", "html", "itertools", "json", "math", "pickle", "re", "shlex",
    "string", "types", "typing", "unicodedata", "zlib",
}  # fmt: skip
"""What a folder that only thinks takes of the standard library: no file, no socket, no clock, no randomness."""

DOORS = {"open", "print", "input", "exec", "eval", "compile", "__import__", "breakpoint"}
"""Built-ins through which the outside comes in without an import."""

OWNERS = {
    "markdown_it": {"ledger"},
    "yaml": {"reading", "catalogue", "recording", "judge"},
    "PIL": {"reference", "catalogue"},
    "uvicorn": {"reference"},
    "httptools": {"target"},
    "hypothesis": {"strategies", "properties", "suite"},
    "schemathesis": {"properties"},
    "requests": {"properties"},
    "pytest": {"properties", "suite", "pytest_plugin"},
    "httpx": {"clients"},
    "respx": {"clients"},
}
"""The folders in which each dependency is imported; elsewhere nobody knows it is there."""


def folder(name: str) -> str:
    """Return the folder, or the single module, that a module or a dotted name of ours belongs to."""
    return name.removeprefix(f"{NAME}.").replace(".", "/").partition("/")[0]


def imported(tree: ast.Module) -> Iterator[str]:
    """Yield every name a module imports, wherever in it, in full."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module}.{alias.name}" for alias in node.names)


IMPORTS = {name: tuple(imported(tree)) for name, tree in MODULES.items()}
"""The names that each module imports."""


def ours() -> Iterator[tuple[str, str]]:
    """Yield each import across folders: the module that imports, and the folder it imports from."""
    for name, names in IMPORTS.items():
        for full in names:
            if full.startswith(f"{NAME}.") and folder(full) != folder(name) and name not in TOP:
                yield name, folder(full)


def others() -> Iterator[tuple[str, str]]:
    """Yield each import of something that is not ours: the module that imports, and the top-level name."""
    for name, names in IMPORTS.items():
        for full in names:
            if full != NAME and not full.startswith(f"{NAME}."):  # the package itself has the version
                yield name, full.partition(".")[0]


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Yield every function, with its module."""
    for name, tree in MODULES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield name, node


def test_every_folder_has_a_place() -> None:
    """The list of folders is the folders there are."""
    assert {folder(name) for name in MODULES} - TOP == set(FLOORS)


def test_a_folder_imports_only_from_folders_before_it() -> None:
    """No import goes from an earlier folder to a later one."""
    assert [(one, other) for one, other in ours() if FLOORS.index(other) > FLOORS.index(folder(one))] == []


def test_modules_of_a_folder_import_each_other_in_one_direction() -> None:
    """No two modules import each other, at whatever distance and wherever in them the import stands."""
    graph = {
        name: {target for full in names if full.startswith(f"{NAME}.") for target in _modules(full) if target != name}
        for name, names in IMPORTS.items()
        if name not in TOP
    }
    circles = [(one, *graph[one]) for one in graph if one in _reached(graph, one)]

    assert circles == []


def _modules(full: str) -> set[str]:
    """Return the module a dotted name of ours stands for: itself, or the one it is a name of."""
    path = full.removeprefix(f"{NAME}.").replace(".", "/")
    for one in (path, path.rpartition("/")[0]):
        if found := {f"{one}{tail}" for tail in ("", "/__init__") if f"{one}{tail}" in MODULES}:
            return found
    return set()


def _reached(graph: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    waiting = [*graph[start]]
    while waiting:
        one = waiting.pop()
        if one not in seen and one in graph:
            seen.add(one)
            waiting += graph[one]
    return seen


def test_imports_are_absolute_and_explicit() -> None:
    """No import is relative, and none takes everything."""
    assert [(name, full) for name, names in IMPORTS.items() for full in names if full[0] == "."] == []
    assert [(name, full) for name, names in IMPORTS.items() for full in names if full.endswith("*")] == []


def test_pure_folders_do_no_io() -> None:
    """Folders that only think import nothing that touches the world, and open no other door to it."""
    owned = {"yaml"}  # a case file is written as text; nothing is read
    assert [
        (name, other) for name, other in others() if folder(name) in THINKERS and other not in THINKING | owned
    ] == []
    assert [
        (name, node.id)
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if folder(name) in THINKERS and isinstance(node, ast.Name) and node.id in DOORS
    ] == []


def test_the_two_readings_of_the_page_share_nothing() -> None:
    """The rules import nothing of ours, the catalogue no rules, the reference of the catalogue only roles."""
    assert [(one, other) for one, other in ours() if folder(one) == "rules"] == []
    assert [(one, other) for one, other in ours() if folder(one) == "catalogue" and other == "rules"] == []
    assert {
        full
        for name, names in IMPORTS.items()
        for full in names
        if folder(name) == "reference" and full.startswith(f"{NAME}.catalogue") and ".roles." not in full
    } == set()


def test_each_dependency_has_its_owner() -> None:
    """What is not the standard library is imported where it belongs and nowhere else."""
    foreign = {(folder(one), other) for one, other in others() if other not in sys.stdlib_module_names}

    assert {(one, other) for one, other in foreign if one not in OWNERS.get(other, ())} == set()


@pytest.mark.parametrize("name", MODULES)
def test_a_module_has_a_docstring_a_telling_name_and_a_limited_size(name: str) -> None:
    """A module says in its first line what it is, has a telling name, and at most 450 lines."""
    assert ast.get_docstring(MODULES[name])
    assert not re.search("util|helper|manager|common|misc", name)
    assert len((PACKAGE / f"{name}.py").read_text().splitlines()) <= 450


def test_a_function_fits_on_a_screen() -> None:
    """A function has at most 36 lines beside its docstring."""
    lengths = {(name, node.name): _lines(node) for name, node in functions()}

    assert {function: length for function, length in lengths.items() if length > 36} == {}


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the number of lines of a function, its docstring left out."""
    first = node.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return (node.end_lineno or 0) - node.lineno + 1 - docstring


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


def test_the_house_is_synchronous_but_for_two_modules() -> None:
    """Only what speaks ASGI, and what stands in for `asyncio.sleep`, has coroutines."""
    assert {name for name, node in functions() if isinstance(node, ast.AsyncFunctionDef)} == {
        "reference/asgi", "clients/virtual_time",
    }  # fmt: skip


def test_the_plugin_is_inert_where_it_is_not_used() -> None:
    """Loading the plugin loads nothing of ours but the plugin itself and the errors, and no dependency but pytest."""
    look = (
        f"import sys, {NAME}.pytest_plugin.plugin; "
        "print(*(name for name in sys.modules if name.partition('.')[0] in sys.argv))"
    )
    command = [sys.executable, "-c", look, NAME, "yaml", "PIL", "uvicorn", "httptools", "hypothesis", "httpx", "respx"]

    loaded = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()

    shell = f"{NAME}.pytest_plugin"
    plugin = (
        shell,
        f"{shell}.client_fixtures",
        f"{shell}.options",
        f"{shell}.plugin",
        f"{shell}.run",
    )
    assert sorted(loaded) == [NAME, f"{NAME}.arguments", f"{NAME}.errors", *plugin]


ONLY_CASES = ("-p", "pytest_base_url.plugin", "-p", f"{NAME}.pytest_plugin.plugin", "-p", "no:cacheprovider")
NOT_FOR_CASES = {
    "PIL", "asyncio", "hypothesis", "httpx", "jsonschema", "markdown_it", "respx", "schemathesis", "uvicorn",
}  # fmt: skip
"""What takes long to import, and serves properties, clients or a server."""
NOT_FOR_A_SERVER = {
    f"{NAME}.{one}" for one in ("rules", "reference", "recording.har", "report.jsonl", "audit", "judge.causes")
}
"""What only a run on the embedded reference needs, or one that writes a report or a recording, or finds something."""


@pytest.mark.parametrize("live", [False, True])
def test_a_run_of_cases_imports_only_what_cases_take(url: str, tmp_path: Path, *, live: bool) -> None:
    """Where cases alone are judged, nothing is imported that properties, clients or reports are for."""
    look = (
        "import sys, pytest; status = pytest.main(sys.argv[1:]); "
        f"print(int(status), *({NOT_FOR_CASES | NOT_FOR_A_SERVER!r} & sys.modules.keys()))"
    )
    case = str(ROOT / "specs/create/400-unknown-model.yaml")  # no image in it, which the reference would decode
    command = [sys.executable, "-c", look, *ONLY_CASES, "-q", "-c", os.devnull, case]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}

    if live:
        command += ["--base-url", url]
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    status, *loaded = ended.stdout.splitlines()[-1].split()
    assert status == "0", ended.stdout
    assert set(loaded) & (NOT_FOR_CASES | NOT_FOR_A_SERVER if live else NOT_FOR_CASES) == set()


def test_contributing_shows_the_folders_in_their_order() -> None:
    """CONTRIBUTING.md lists the folders as the import law has them."""
    house = (ROOT / "CONTRIBUTING.md").read_text().partition("## The house")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ((?:`\w+/?` ?)+)\|", house, re.MULTILINE)

    assert [name for row in rows for name in re.findall(r"`(\w+)/?`", row)] == [*FLOORS]


def test_each_dependency_says_why_it_is_there() -> None:
    """CONTRIBUTING.md gives every dependency a row or a word, and no row to anything else."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    rows = set(re.findall(r"^\| ([a-z][a-z-]+) \| ", contributing.partition("## Dependencies")[2], re.MULTILINE))
    lines = [*project["project"]["dependencies"], *chain(*project["project"]["optional-dependencies"].values())]
    ours = {re.split("[<>=~[]", line)[0] for line in lines} - {project["project"]["name"]}
    tools = {
        re.split("[<>=]", line)[0]
        for group in project["dependency-groups"].values()
        for line in group
        if isinstance(line, str)
    }

    assert rows - {"dependency"} == ours
    assert {tool for tool in tools - ours if f"`{tool}`" not in contributing} == set()


def test_the_oldest_versions_that_are_allowed_are_those_that_are_tested() -> None:
    """Each direct dependency is pinned, in tox's environment `oldest`, to the lower bound in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    oldest = (ROOT / "tox.ini").read_text().partition("[testenv:oldest]")[2].partition("commands")[0]
    pinned = dict(re.findall(r"^ +([\w-]+)==([\w.]+)", oldest, re.MULTILINE))

    bounds = dict(re.findall(r"^([\w-]+)(?:>=|~=)([\w.]+)", "\n".join(wanted), re.MULTILINE))
    assert len(bounds) >= 9
    assert {name: _whole(version) for name, version in bounds.items()} == {n: _whole(v) for n, v in pinned.items()}


def _whole(version: str) -> tuple[int, ...]:
    numbers = [int(number) for number in version.split(".")]
    return tuple(numbers + [0] * (3 - len(numbers)))


OWN_DATA = {
    "catalogue/files", "cli/client_starters", "cli/ledger_names", "pytest_plugin/places", "reference/service",
    "report/html_frame", "target/profile",
}  # fmt: skip
"""Modules that read files of the package itself in their own way."""

OPENING = {"open", "read_text", "read_bytes", "write_text", "write_bytes"}
NO_PATHS = {"archive", "os", "Image", "stream", "path", "self._routes"}
"""What else has a method of such a name; `path` where it may be a member of an archive."""


def test_files_of_users_are_opened_through_one_door() -> None:
    """A path is opened in `reading/regular_file`, which refuses what is no file, so that nothing can hang."""
    found = [
        (name, ast.unparse(node))
        for name, tree in MODULES.items()
        if name not in OWN_DATA | {"reading/regular_file"}
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id == "open")
            or (isinstance(node.func, ast.Attribute) and node.func.attr in OPENING)
        )
        and not (isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) in NO_PATHS)
    ]

    assert found == [("cli/output", "output.write_text(text, encoding='utf-8', newline='\\n')")]  # /dev/null

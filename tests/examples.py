"""The examples in the package's docstrings, found in its source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "conformance" / "luma_conformance"


def docstrings() -> dict[str, str]:
    """Return every docstring by the dotted name of what it describes: modules, classes, functions and constants."""
    found: dict[str, str] = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        tree = ast.parse(file.read_bytes())
        found |= {".".join((module, *name)): text for name, text in _within(tree) if text}
    return found


def _within(node: ast.Module | ast.ClassDef | ast.FunctionDef) -> Iterator[tuple[tuple[str, ...], str | None]]:
    yield (), ast.get_docstring(node)
    for child, after in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(child, ast.ClassDef | ast.FunctionDef):
            yield from (((child.name, *rest), text) for rest, text in _within(child))
        name = _assigned(child)
        if name is not None and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            yield (name,), str(after.value.value)


def _assigned(node: ast.stmt) -> str | None:
    """Return the name a statement gives a value to, if it gives one name one value."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else None

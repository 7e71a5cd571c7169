"""The form of a fault, and the code that turns its fields into requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from hypothesis import strategies as st

from luma_conformance import paths
from luma_conformance.model import ABSENT
from luma_conformance.strategies.bodies import Bodies, Body, available_kinds, plain_requests
from luma_conformance.strategies.material import Material

Value = Callable[[Material], st.SearchStrategy[Any]]
Change = Callable[[st.DrawFn, Body], Body]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fault:
    """How to just keep one rule and how to break it: the fields to set, by path, and ABSENT to unset one.

    `kinds` are the types it can occur in and `needs` what the material must offer; `change` breaks what setting fields
    cannot.
    """

    rule: str
    kinds: tuple[str, ...]
    near: Mapping[str, Value] = field(default_factory=dict)
    broken: Mapping[str, Value] = field(default_factory=dict)
    change: Change | None = None
    needs: tuple[str, ...] = ()

    def missing(self, material: Material) -> str | None:
        """Return why the fault cannot be made from a material, or None."""
        if not set(self.kinds) & set(available_kinds(material)):
            return material.missing("video-source")
        return next((why for role in self.needs if (why := material.missing(role))), None)

    @cache  # noqa: B019  faults are constants, and live as long as the program
    def bodies(self, material: Material) -> Bodies:
        """Return requests that just keep the rule."""
        kinds = [kind for kind in self.kinds if kind in available_kinds(material)]
        return st.one_of([self.bodies_of(kind, material) for kind in kinds])

    @cache  # noqa: B019
    def bodies_of(self, kind: str, material: Material) -> Bodies:
        """Return requests of one type that just keep the rule."""
        return _draw_near(kind, self.near, material)

    def apply(self, draw: st.DrawFn, body: Body, material: Material) -> Body:
        """Return the request with this fault added."""
        return _set_fields(draw, body, self.broken, material) if self.change is None else self.change(draw, body)


@st.composite
def _draw_near(draw: st.DrawFn, kind: str, fields: Mapping[str, Value], material: Material) -> Body:
    return _set_fields(draw, draw(plain_requests(kind, material)), fields, material)


def _set_fields(draw: st.DrawFn, body: Body, fields: Mapping[str, Value], material: Material) -> Body:
    changed: object = body
    for path, value in fields.items():
        drawn = draw(_make(value, material))
        if drawn is not ABSENT:
            changed = paths.put(changed, path, drawn)
        elif paths.get(changed, path) is not ABSENT:
            changed = paths.unset(changed, path)
    assert isinstance(changed, dict)
    return changed


@cache
def _make(value: Value, material: Material) -> st.SearchStrategy[Any]:
    return value(material)


def just(*values: object) -> Value:
    """Return a field value drawn from `values`, whatever the material."""
    chosen = st.sampled_from(values)
    return lambda _: chosen

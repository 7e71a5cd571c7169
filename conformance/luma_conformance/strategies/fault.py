"""The shape of a fault, and the dull code that turns its fields into requests."""

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
    """How one rule is kept narrowly and how it is broken: fields to set, by path, ABSENT to unset.

    `kinds` are the types it can happen on, `needs` what the material must have; `change` apply what fields cannot.
    """

    rule: str
    kinds: tuple[str, ...]
    near: Mapping[str, Value] = field(default_factory=dict)
    broken: Mapping[str, Value] = field(default_factory=dict)
    change: Change | None = None
    needs: tuple[str, ...] = ()

    def missing(self, material: Material) -> str | None:
        """Returns why the fault cannot be made of a material, or None."""
        if not set(self.kinds) & set(available_kinds(material)):
            return material.missing("video-source")
        return next((why for role in self.needs if (why := material.missing(role))), None)

    @cache  # noqa: B019  faults are constants, and live as long as the program
    def bodies(self, material: Material) -> Bodies:
        """Returns requests that only just keep the rule."""
        kinds = [kind for kind in self.kinds if kind in available_kinds(material)]
        return st.one_of([self.bodies_of(kind, material) for kind in kinds])

    @cache  # noqa: B019
    def bodies_of(self, kind: str, material: Material) -> Bodies:
        """Returns requests of one type that only just keep the rule."""
        return _draw_near(kind, self.near, material)

    def apply(self, draw: st.DrawFn, body: Body, material: Material) -> Body:
        """Returns the request with this fault added."""
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
    """Returns a field's value as one of these, whatever the material."""
    chosen = st.sampled_from(values)
    return lambda _: chosen

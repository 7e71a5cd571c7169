"""The shape of a fault, and the dull code that turns its fields into requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from conformance import paths
from conformance.model import ABSENT
from conformance.strategies.bodies import Bodies, Body, plain, served
from conformance.strategies.material import Material

Value = Callable[[Material], st.SearchStrategy[Any]]
Change = Callable[[st.DrawFn, Body], Body]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """How one rule is kept narrowly and how it is broken: fields to set, by path, ABSENT to unset.

    `kinds` are the types it can happen on, `needs` what the material must have; `change` breaks what fields cannot.
    """

    rule: str
    kinds: tuple[str, ...]
    near: Mapping[str, Value] = field(default_factory=dict)
    broken: Mapping[str, Value] = field(default_factory=dict)
    change: Change | None = None
    needs: tuple[str, ...] = ()

    def missing(self, material: Material) -> str | None:
        """Returns why the fault cannot be made of a material, or None."""
        if not set(self.kinds) & set(served(material)):
            return material.missing("video-source")
        return next((why for role in self.needs if (why := material.missing(role))), None)

    def bodies(self, material: Material) -> Bodies:
        """Returns requests that only just keep the rule."""
        return st.sampled_from([kind for kind in self.kinds if kind in served(material)]).flatmap(
            lambda kind: _set(plain(kind, material), self.near, material)
        )

    def breaks(self, body: Body, material: Material) -> Bodies:
        """Returns the request with this fault added."""
        if self.change is not None:
            return _changed(self.change, body)
        return _set(st.just(body), self.broken, material)


@st.composite
def _set(draw: st.DrawFn, bodies: Bodies, fields: Mapping[str, Value], material: Material) -> Body:
    body: object = draw(bodies)
    for path, value in fields.items():
        drawn = draw(value(material))
        if drawn is not ABSENT:
            body = paths.put(body, path, drawn)
        elif paths.get(body, path) is not ABSENT:
            body = paths.unset(body, path)
    assert isinstance(body, dict)
    return body


@st.composite
def _changed(draw: st.DrawFn, change: Change, body: Body) -> Body:
    return change(draw, body)


def just(*values: object) -> Value:
    """Returns a field's value as one of these, whatever the material."""
    chosen = st.sampled_from(values)
    return lambda _: chosen

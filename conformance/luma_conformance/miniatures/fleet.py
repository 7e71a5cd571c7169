"""The whole fleet: every wrong service the operators yield, and every legal variant."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from luma_conformance.miniatures.answers import answer_operators
from luma_conformance.miniatures.contexts import CONTEXTS
from luma_conformance.miniatures.legal import off_by_one, refused_contexts, refused_requests
from luma_conformance.miniatures.life import life_operators
from luma_conformance.miniatures.limits import filling, limit_operators
from luma_conformance.miniatures.loading import loading_operators
from luma_conformance.miniatures.miniature import Miniature, concerning, is_limited, is_lookup
from luma_conformance.miniatures.owners import owner_operators
from luma_conformance.miniatures.protocol import form_operators, wire_operators
from luma_conformance.miniatures.slots import slot_operators
from luma_conformance.miniatures.tabled import (
    another_status,
    another_text,
    another_word,
    forms,
    never_checked,
    only_in_contexts,
    skipped_in_contexts,
    skipped_in_forms,
)
from luma_conformance.miniatures.urls import output_operators
from luma_conformance.miniatures.variants import legal_variants
from luma_conformance.miniatures.windows import window_operators
from luma_conformance.rules import RULES


@cache
def fleet() -> tuple[Miniature, ...]:
    """Return every miniature, always in the same order."""
    return tuple(_yield_all())


def _yield_all() -> Iterator[Miniature]:
    yield from never_checked(RULES)
    yield from another_text(RULES)
    yield from another_word(RULES)
    yield from another_status(RULES)
    yield from skipped_in_forms(forms())
    yield from off_by_one()
    yield from loading_operators()
    yield from refused_requests()
    yield from refused_contexts()
    yield from skipped_in_contexts(CONTEXTS)
    yield from only_in_contexts(CONTEXTS)
    yield from answer_operators()
    yield from owner_operators()
    for limits in (limit_operators, window_operators, slot_operators):
        yield from concerning(is_limited, filling(limits()))
    yield from life_operators()
    yield from concerning(is_lookup, output_operators())
    yield from form_operators()
    yield from wire_operators()
    yield from legal_variants()

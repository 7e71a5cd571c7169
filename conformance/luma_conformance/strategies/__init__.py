"""Hypothesis strategies for requests to POST /v1/generations, used by the kit's properties and for your own tests.

`valid_requests()` gives requests that are accepted; `near_misses(rule)` pairs that just keep and just break one rule;
`faulty()` requests that break one to three rules; `hostile()` requests with values the page does not cover;
`malformed()` bodies that are not requests. `luma_conformance.rules.predict` says what may be answered.
"""

from __future__ import annotations

from luma_conformance.strategies.bodies import KINDS, Body, available_kinds, prompts, valid, valid_requests
from luma_conformance.strategies.fault import Fault
from luma_conformance.strategies.faults import FAULTS, faulty, near_misses, two_faults
from luma_conformance.strategies.hostile import hostile, malformed, request_id_lists, request_ids
from luma_conformance.strategies.material import Material

__all__ = (
    "FAULTS",
    "KINDS",
    "Body",
    "Fault",
    "Material",
    "available_kinds",
    "faulty",
    "hostile",
    "malformed",
    "near_misses",
    "prompts",
    "request_id_lists",
    "request_ids",
    "two_faults",
    "valid",
    "valid_requests",
)

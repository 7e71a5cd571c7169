"""Requests to a target's clock, in another program's recording of a run of this kit, are time that passed."""

from __future__ import annotations

import json

import pytest

from luma_conformance.audit.audit import Audit
from luma_conformance.audit.passing import find_passed
from luma_conformance.catalogue import files as casefiles
from luma_conformance.model import Exchange, Headers, Request, Response
from luma_conformance.recording.entry import Entry
from tests.audit.damaged import EVERY, QUOTA, generation

KIT: Headers = (("User-Agent", "luma-conformance/0.1.0"),)
BEGIN = 1_795_600_000.0
KEY = "Bearer luma-api-recorded-key-0001"


def entry(url: str, body: object, at: float, *, headers: Headers = KIT, status: int = 200, key: str = KEY) -> Entry:
    """Return a recorded request and an answer that fits it."""
    asked = (("Authorization", key), ("X-Request-Id", "a"), ("Content-Type", "application/json"), *headers)
    request = Request(method="POST", url=url, headers=asked, body=json.dumps(body).encode())
    said = {201: generation("queued")}.get(status, {"now": 1})
    # The times that are named are those of the target's clock, two minutes ahead of the recording's after it was moved.
    reset = ("X-RateLimit-Reset", str(int(BEGIN) + (60 if at < 1 else 181)))
    answered = (*EVERY, ("X-Request-Id", "a"), *((*QUOTA[:2], reset) if status == 201 else ()))
    response = Response(status=status, headers=answered, body=json.dumps(said).encode())
    exchange = Exchange(request=request, response=response, sent=BEGIN + at, received=BEGIN + at + 0.1)
    return Entry(exchange=exchange, base_url="http://127.0.0.1:8080", place=f"a.har:entry {int(at * 10) + 1}")


@pytest.mark.parametrize(
    ("one", "seconds"),
    [
        (entry("http://127.0.0.1:8080/_reference/clock", {"advance": 60}, 0.0, headers=()), 60.0),
        (entry("http://127.0.0.1:8080/admin/time", {"move": {"by": 7}}, 0.0), 7.0),
        (entry("http://127.0.0.1:8080/admin/time?by=3", "", 0.0), None),
        (entry("http://127.0.0.1:8080/admin/time", {"move": 7}, 0.0, headers=()), None),
        (entry("http://127.0.0.1:8080/_reference/clock", {"advance": 60}, 0.0, status=404), None),
        (entry("/v1/generations", {"prompt": "60"}, 0.0, status=201), None),
    ],
)
def test_a_request_to_a_clock_is_recognised(one: Entry, seconds: float | None) -> None:
    """It is one to the reference's clock, or one of this kit to a place that is not of the API."""
    passed = find_passed(one, KEY)

    assert (passed and passed.seconds) == seconds


@pytest.mark.parametrize(
    ("key", "findings", "reason"),
    [(KEY, 0, ""), ("Bearer luma-api-another-key-0002", 0, "the clock was moved for another client"), (None, 1, "")],
)
def test_time_that_passed_is_no_finding(key: str | None, findings: int, reason: str) -> None:
    """A window that ends three minutes later is right after the clock was moved, and wrong if no time has passed."""
    audit = Audit(catalogue=casefiles.own())
    body = {"prompt": "a fox"}
    audit.add(entry("/v1/generations", body, 0.0, status=201))
    if key is not None:
        audit.add(entry("http://127.0.0.1:8080/_reference/clock", {"advance": 120}, 1.0, key=key))
    audit.add(entry("/v1/generations", body, 2.0, status=201))
    audit.end()

    assert len(audit.findings) == findings
    assert any(reason in why for why in audit.not_judged) or not reason

"""Which verdicts of a run are about which statements."""

from __future__ import annotations

import re

import pytest

from luma_conformance.catalogue import strict_yaml
from luma_conformance.ledger.covered import cover
from luma_conformance.ledger.grammar import read_ledger
from luma_conformance.ledger.ledger import Ledger
from luma_conformance.model import Outcome
from luma_conformance.report.html_statements import render_statements
from luma_conformance.report.result import Results
from tests.report.samples import ENDING, FAILED, PASSED, RUN

PASS, FAIL, UNJUDGED = Outcome.PASS, Outcome.FAIL, Outcome.NOT_JUDGED
TEXT = """
page: https://docs.example/errors
sections:
  - heading: Size
    statements:
      - {says: one, digest: 0123456789ab/1, cases: [create/400-size/big]}
      - {says: many, digest: 0123456789ab/1, cases: ["create/400-*"], rules: [size]}
      - {says: tried, digest: 0123456789ab/1, properties: ["size/test_*"]}
      - {says: asked, digest: 0123456789ab/1, scenarios: [every]}
      - {says: nothing, digest: 0123456789ab/1, reason: It demands nothing.}
beyond: []
"""
VERDICTS = {
    "create/400-size/big": FAIL,
    "create/400-size/bigger": PASS,
    "create/400-colour/red": PASS,
    "create/401-key/none": PASS,
    "properties/size/test_sizes[uni-1]": PASS,
    "properties/sizes/test_other": FAIL,
}


@pytest.fixture
def ledger() -> Ledger:
    """Return a ledger of five statements."""
    return read_ledger(strict_yaml.parse(TEXT, "ledger.yaml"))


def test_a_statement_has_the_verdicts_of_what_carries_it(ledger: Ledger) -> None:
    """Ids, globs and properties of any parameters are found; what only begins alike is not."""
    found = cover(ledger, VERDICTS, ("cases", "properties"))

    assert {one.statement.says: dict(one.counts) for one in found} == {
        "one": {FAIL: 1},
        "many": {FAIL: 1, PASS: 2},
        "tried": {PASS: 1},
    }
    assert [one.search for one in found] == ["create/400-size/big", "create/400-", "properties/size/test_"]


def test_what_was_not_judged_covers_nothing(ledger: Ledger) -> None:
    """A statement is covered by a verdict that says something, not by one that says why there is none."""
    found = cover(ledger, {"create/400-size/big": UNJUDGED}, ("cases",))

    assert [one.is_judged for one in found] == [False, False]


def test_what_every_scenario_shows_is_covered_by_any(ledger: Ledger) -> None:
    """In a run on a client, only scenarios count."""
    [one] = cover(ledger, {"429/slow": PASS, "502/once": FAIL}, ("scenarios",))

    assert dict(one.counts) == {PASS: 1, FAIL: 1}


def test_the_report_says_which_statements_were_covered() -> None:
    """Each has its words, a link to its section, and one to the verdicts in the list; another run has none."""
    shown = render_statements([Results(run=RUN, verdicts=(PASSED, FAILED), ending=ENDING)])
    rows = {row for row in re.findall(r"<td>(An example of such a request\.<td>.*?)<tr>", shown) if "none" not in row}

    assert re.search(r"\d+ of the 300 statements of the page that cases or properties carry, covered by this", shown)
    assert any('href="#verdict=fail&amp;search=create%2F400-unknown-model%2F">1 fail' in row for row in rows)
    assert render_statements([Results(run=RUN, verdicts=(PASSED,), ending=ENDING)]) == ""

"""Results to make reports of: one of each verdict, and what a hostile server says."""

from __future__ import annotations

from dataclasses import replace

from luma_conformance.errors import Exit
from luma_conformance.model import Facet, Outcome
from luma_conformance.report.result import CLIENT, Results
from tests.verdicts import alter, differs, judge_as, make_ending, make_moment, make_run

RUN = make_run(
    target="http://127.0.0.1:8080, luma-profile.toml",
    kit="0.1.0",
    pytest="9.0.0",
    python="3.12.1",
    catalogue="0123456789abcdef",
    profile="luma-profile.toml",
    offers=("main-key", "image-url"),
    started="2026-04-08T12:00:00Z",
)
ENDING = make_ending(
    ended="2026-04-08T12:01:30Z",
    status=1,
    spent=2,
    made={"completed-image": 1, "completed-video": 1},
    rules={"unknown-model": (35, 10), "prompt-empty": (0, 0)},
    observed=("refused requests use no quota",),
)
PASSED = judge_as(
    case="create/201/control",
    title="a sunset is accepted",
    section="201 — Created (success)",
    verdict=Outcome.PASS,
    file="specs/create/201.yaml",
    line=6,
    operation="POST /v1/generations",
    expected="201  (a sunset is accepted)",
    seconds=0.012,
)
FAILED = judge_as(
    case="create/400-unknown-model/page-example",
    title="an unknown model is refused",
    section="400 — Unknown model",
    verdict=Outcome.FAIL,
    file="specs/create/400-unknown-model.yaml",
    line=11,
    operation="POST /v1/generations",
    severity="should",
    expected="400  Unknown model: super-model-v9",
    actual="400  no such model",
    differences=(
        differs(
            facet=Facet.DETAIL,
            where="detail",
            why='expected "Unknown model: super-model-v9", got "no such model"',
            rests_on="400 — Unknown model",
        ),
    ),
    curl='curl -sS -i -X POST http://127.0.0.1:8080/v1/generations --data-binary \'{"model": "super-model-v9"}\'',
    request_id="luma-52a2c353-page-example-1",
    exchange="fedcba9876543210",
    seconds=0.034,
)
DEVIATES = alter(
    FAILED,
    case="create/413/too-large",
    title="a body that is too large is refused",
    section="413 — Payload Too Large",
    verdict=Outcome.DEVIATION,
    severity="must",
    reason="the proxy in front answers first",
)
WORDED = alter(FAILED, case="create/400-unknown-model/for-video", verdict=Outcome.WARNING)
UNJUDGED = judge_as(
    case="create/401-revoked/revoked",
    title="a revoked key is refused",
    section="401 — Revoked API key",
    verdict=Outcome.NOT_JUDGED,
    file="specs/create/401-revoked.yaml",
    line=5,
    reason="the profile names no revoked-key",
)
FOUND = judge_as(
    case="properties/malformed/test_odd",
    title="A body that is no request is a 4xx.",
    section="Property: malformed",
    verdict=Outcome.FAIL,
    severity="must",
    explanation="expected a refusal\n  the server said  500  oops\n  again            curl …",
    seconds=2.5,
)
MIXED = Results(RUN, (PASSED, FAILED, DEVIATES, WORDED, UNJUDGED, FOUND), ENDING)
CLEAN = Results(replace(RUN, total=1, selected=1), (PASSED,), replace(ENDING, status=0))

IMPATIENT = judge_as(
    case="429/retry-after-2",
    title="the client waits the two seconds that Retry-After names",
    section="429 — Too Many Requests",
    verdict=Outcome.FAIL,
    file="specs/clients/429.yaml",
    line=18,
    operation="LUMA_TASK=create",
    severity="must",
    expected="A request before Retry-After is refused again (must)",
    actual="the second POST came 0.41 s after the answer; Retry-After was 2",
    differences=(
        differs(
            facet=Facet.CONDUCT,
            where="A request before Retry-After is refused again",
            why="the second POST came 0.41 s after the answer; Retry-After was 2",
            rests_on="429 — Too Many Requests",
        ),
        differs(facet=Facet.ADVICE, where="Give up after a while", why="it did not", rests_on="429"),
    ),
    show="luma-conformance client --scenario 429/retry-after-2 -- node client.js",
    explanation="429/retry-after-2\n  the page says    …",
    notes=("it sends no X-Request-Id",),
    timeline=(
        make_moment(began=0.0, ended=0.1, asked="POST /v1/generations", told="429 Rate limit exceeded", is_fault=True),
        make_moment(began=0.51, ended=0.6, asked="POST /v1/generations", told="201 queued"),
    ),
    seconds=0.9,
)
UNADVISED = alter(
    IMPATIENT, case="502/once", verdict=Outcome.WARNING, severity="should", differences=IMPATIENT.differences[1:]
)
OF_A_CLIENT = Results(alter(RUN, kind=CLIENT, target="node client.js"), (IMPATIENT, UNADVISED), ENDING)

HOSTILE = (
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "<!--<script>",
    "]]>&lt;b&gt;\u2028\u2029",
    "\u202eevil\u2066\u200f",
    "\0\x1b[31m\x07\x9b",
    "half a pair: \ud800 and \udfff",
    "`code` | [link](javascript:alert(1)) **bold** @everyone #1",
    "%0A::error::forged\r\n::error::forged",
    "x" * 100_000,
)


def saying(text: str) -> Results:
    """Return results in which a text stands wherever there can be one."""
    difference = differs(facet=Facet.HEADERS, where=text, why=text, rests_on=text)
    judged = judge_as(
        case=f"create/{text[:200]}",
        title=text,
        section=text,
        verdict=Outcome.FAIL,
        file=text,
        line=1,
        operation=text,
        severity="must",
        reason=text,
        expected=text,
        actual=text,
        differences=(difference,),
        curl=text,
        request_id=text,
        explanation=text,
        notes=(text,),
        timeline=(make_moment(began=0.0, ended=1.0, asked=text, told=text),),
    )
    stopped = make_ending(ended=text, complete=False, status=Exit.COULD_NOT_JUDGE, stop=text, observed=(text,))
    return Results(make_run(target=text, kit=text, catalogue=text, started=text), (judged,), stopped)

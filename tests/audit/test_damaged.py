"""What a recording lost accuses no server that is right, and hides no fault of one that is wrong without a word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.audit.damaged import (
    FAULTS,
    VCR_DAMAGES,
    add_header,
    both,
    drop_header,
    judge,
    list_damages,
    make,
    put,
    speak,
    to_cassette,
    to_har,
    write,
)

EVERY = [*list_damages()]


@pytest.mark.parametrize(("kind", "part", "way"), EVERY)
def test_a_right_server_is_not_accused_for_what_is_lost(tmp_path: Path, kind: str, part: str, way: str) -> None:
    """Whatever part of one exchange is lost, in whatever way, there is no finding."""
    audit = judge(_written(tmp_path, kind, part, way, is_wrong=False))

    assert audit.findings == []
    assert audit.found == 4


@pytest.mark.parametrize(("kind", "part", "way"), EVERY)
def test_a_wrong_server_is_found_or_said_to_be_unjudged(tmp_path: Path, kind: str, part: str, way: str) -> None:
    """A fault in, or shown by, what is lost is found, or the exchange is counted as not judged, with the reason."""
    whole = judge(_written(tmp_path, kind, part, None, is_wrong=False))
    audit = judge(_written(tmp_path, kind, part, way, is_wrong=True))

    assert audit.findings or audit.not_judged.keys() - whole.not_judged.keys()


def _written(folder: Path, kind: str, part: str, way: str | None, *, is_wrong: bool) -> Path:
    return write(make(kind, part, way, is_wrong=is_wrong), folder / f"a.{kind}")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", ["har", "vcr.yaml", "vcr.json"])
def test_each_fault_is_found_in_a_whole_recording(tmp_path: Path, kind: str, fault: str) -> None:
    """Each planted fault is one finding, at its exchange, where nothing is lost."""
    spoken = speak()
    number, change = FAULTS[fault]
    spoken[number] = change(spoken[number])

    audit = judge(write(to_har(spoken) if kind == "har" else to_cassette(spoken), tmp_path / f"a.{kind}"))

    assert [int(finding.entry.place.rpartition(" ")[2]) for finding in audit.findings] == [number + 1]


EMPTY: dict[str, tuple[str, Any]] = {
    "a HAR whose sizes say so": (
        "har", both(put("response.content", {"size": 0, "text": ""}), put("response.bodySize", 0))
    ),
    "a HAR without text": ("har", both(put("response.content", {"size": 0}), put("response.bodySize", 0))),
    "a cassette": ("vcr.yaml", put("response.body", {"string": ""})),
    "a cassette of JSON": ("vcr.json", put("response.body", {"string": ""})),
}  # fmt: skip


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_answer_is_judged_as_empty(tmp_path: Path, name: str) -> None:
    """An answer that really had no body is accused of having none."""
    kind, damage = EMPTY[name]
    document = to_har(speak()) if kind == "har" else to_cassette(speak())
    entry = (document["log"]["entries"] if kind == "har" else document["interactions"])[2]
    both(damage, drop_header("response", "Content-Length"), add_header("response", "Content-Length", "0"))(entry)

    audit = judge(write(document, tmp_path / f"a.{kind}"))

    assert [finding.entry.place.rpartition(" ")[2] for finding in audit.findings] == ["3"]


def test_there_are_many_damages() -> None:
    """The damages are of every part of an exchange, in each format."""
    assert len(EVERY) >= 120
    assert {"request body", "response body", "response headers", "status"} < VCR_DAMAGES.keys()

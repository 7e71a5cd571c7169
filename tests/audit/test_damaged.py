"""What a recording lost accuses no server that is right, and hides no fault of one that is wrong without a word."""

from __future__ import annotations

import json
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import pytest

from tests.audit.damaged import (
    FAULTS,
    HAR_DAMAGES,
    VCR_DAMAGES,
    add_header,
    both,
    drop_header,
    judge,
    list_damages,
    make,
    put,
    rewrite,
    speak,
    to_cassette,
    to_har,
    write,
)
from tests.audit.disordered import HAR_OF_ALL, OF_ALL, VCR_OF_ALL, disorder, list_disorders

EVERY = [*list_damages()]


SPREADS = pytest.mark.parametrize("is_everywhere", [False, True], ids=["once", "everywhere"])


@SPREADS
@pytest.mark.parametrize(("kind", "part", "way"), EVERY)
def test_a_right_server_is_not_accused_for_what_is_lost(
    tmp_path: Path,
    kind: str,
    part: str,
    way: str,
    is_everywhere: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Whatever part of one exchange, or of all, is lost, in whatever way, there is no finding."""
    document = make(kind, part, way, is_wrong=False, is_everywhere=is_everywhere)

    audit = judge(write(document, tmp_path / f"a.{kind}"))

    assert audit.findings == []
    assert audit.found == 6 or is_everywhere


@SPREADS
@pytest.mark.parametrize(("kind", "part", "way"), EVERY)
def test_a_wrong_server_is_found_or_said_to_be_unjudged(
    tmp_path: Path,
    kind: str,
    part: str,
    way: str,
    is_everywhere: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """A fault in, or shown by, what is lost is found, or the exchange is counted as not judged, with the reason."""
    document = make(kind, part, way, is_wrong=True, is_everywhere=is_everywhere)

    audit = judge(write(document, tmp_path / f"a.{kind}"))

    assert audit.findings or audit.not_judged.keys() - _judge_whole(kind, tmp_path)


def _judge_whole(kind: str, folder: Path) -> AbstractSet[str]:
    """Return why something is not judged of a recording that lost nothing."""
    document = to_har(speak()) if kind == "har" else to_cassette(speak())
    return judge(write(document, folder / f"whole.{kind}")).not_judged.keys()


@pytest.mark.parametrize(("kind", "name"), list_disorders())
def test_a_right_server_is_not_accused_for_what_happened_to_a_file(tmp_path: Path, kind: str, name: str) -> None:
    """Whatever the order, the times and the spelling, and whatever texts somebody replaced, there is no finding."""
    document = disorder(kind, name, to_har(speak()) if kind == "har" else to_cassette(speak()))

    assert judge(write(document, tmp_path / f"a.{kind}")).findings == []


@pytest.mark.parametrize(("kind", "name"), list_disorders())
def test_faults_in_a_changed_file_are_found_or_said_to_be_unjudged(tmp_path: Path, kind: str, name: str) -> None:
    """Each fault is found whatever happened to the file, or something more is counted as not judged."""
    for number, change in FAULTS.values():
        spoken = speak()
        spoken[number] = change(spoken[number])
        document = disorder(kind, name, to_har(spoken) if kind == "har" else to_cassette(spoken))

        audit = judge(write(document, tmp_path / f"a.{kind}"))

        assert audit.findings or audit.not_judged.keys() - _judge_whole(kind, tmp_path)


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


CONTROLS: dict[str, tuple[int, Any]] = {
    "a redirect to another place": (0, both(
        put("response.status", 308), put("response.headers", [{"name": "Location", "value": "/v1/generations/"}]))),
    "a text that was coded twice": (2, both(
        rewrite("response.content.text", lambda text: text.encode().decode("latin-1")),
        rewrite("response.content.text", lambda text: text.replace("source is", "source was")))),
    "a body that the server quoted": (2, both(
        rewrite("response.content.text", json.dumps), put("response.content.size", -1),
        drop_header("response", "Content-Length"))),
    "a text that only resembles a mask": (2, put("response.content.text", '{"detail": "secret sauce"}')),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTROLS)
def test_what_resembles_a_loss_and_is_none_is_found(tmp_path: Path, name: str) -> None:
    """A fault of the server's that looks like something recordings suffer is a finding, or is counted."""
    number, damage = CONTROLS[name]
    document = to_har(speak())
    damage(document["log"]["entries"][number])

    audit = judge(write(document, tmp_path / "a.har"))

    assert audit.findings or audit.not_judged
    assert audit.findings or name == "a text that was coded twice"


def test_a_form_is_told_from_json_where_the_type_is_not_in_a_cassette(tmp_path: Path) -> None:
    """Of what aiohttp was handed only data that no form can hold is JSON for sure; another refusal may be of a form."""
    for more, is_found in (({}, False), ({"video": {"resolution": "720p"}}, True)):
        document = to_cassette(speak())
        entry = document["interactions"][2]
        entry["request"]["body"] = {"prompt": "früh", "model": "ray-3.2", "type": "video_edit", **more}
        entry["response"]["body"] = {"string": '{"detail": "Request body is not valid JSON"}'}
        for name in ("Content-Type", "Content-Length"):
            drop_header("request", name)(entry)

        audit = judge(write(document, tmp_path / "a.vcr.json"))

        assert bool(audit.findings) is is_found
        assert any("a Content-Type that the recording does not show" in why for why in audit.not_judged) is not is_found


def test_there_are_many_damages() -> None:
    """The damages are of every part of an exchange, and there are more than 120 of each conversation in each format."""
    assert sum(map(len, HAR_DAMAGES.values())) + len({**OF_ALL, **HAR_OF_ALL}) >= 120
    assert 2 * sum(map(len, VCR_DAMAGES.values())) + len({**OF_ALL, **VCR_OF_ALL}) >= 120
    assert {"request body", "response body", "response headers", "status"} < VCR_DAMAGES.keys()

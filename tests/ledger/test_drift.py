"""Edited copies of a page, of which each edit is found and nothing else, and copies that only look different."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from luma_conformance.cli.main import main
from luma_conformance.ledger.drift import Drift, find_drift, split_statements
from luma_conformance.ledger.forms import read_blocks
from luma_conformance.ledger.grammar import load
from luma_conformance.ledger.page import Digest, make_page, squeeze
from tests.cli.commands import COMMAND, Output, printed, ran
from tests.ledger import pages
from tests.ledger.pages import PAGE, Section, as_html, as_markdown, as_text, code, edited, moved, words

ROOT = Path(__file__).resolve().parents[2]
REAL = Path(os.environ.get("LUMA_ERROR_PAGE", ROOT.parent / "shared" / "error-handling-page.txt"))
Told = list[tuple[str, list[str], list[tuple[str, str | None, str | None]]]]
"""Of each change its kind, the statements that are lost, and the facts."""

FORMS: dict[str, Callable[[tuple[Section, ...]], str]] = {".txt": as_text, ".md": as_markdown, ".html": as_html}


@pytest.fixture(scope="session")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the ledger of the invented page."""
    return pages.write_ledger(tmp_path_factory.mktemp("ledger"))


def drift_of(ledger: Path, text: str, suffix: str) -> Drift:
    """Return what a copy of the invented page has changed."""
    return find_drift(load(ledger), make_page(read_blocks(text, suffix)))


def summed_up(drift: Drift) -> Told:
    """Return of each change its kind, the statements that are lost, and the facts."""
    return [
        (one.kind, [each.says for each in one.statements], [(fact.kind, fact.old, fact.new) for fact in one.facts])
        for one in drift.changes
    ]


EDITS: dict[str, tuple[tuple[Section, ...], Told]] = {
    "a text": (
        edited("weight_kg must be at most 30", "weight_kg must be 30 at most"),
        [("changed", ["too-heavy 2"], [("text", "weight_kg must be at most 30", "weight_kg must be 30 at most")])],
    ),
    "a number": (
        edited("60 seconds", "90 seconds"),
        [("changed", ["429-too-many-parcels 1"], [("number", "60 seconds", "90 seconds")])],
    ),
    "a status in a table": (
        (PAGE[0], edited("404", "410")[1], *PAGE[2:]),
        [("changed", ["overview 2"], [("status", "404", "410")])],
    ),
    "a code": (
        edited("parcel_id", "shipment_id"),
        [("changed", ["overview 2"], [("code", "parcel_id", "shipment_id")])],
    ),
    "a header": (
        edited("X-Parcel-Trace", "X-Trace-Id"),
        [("changed", ["overview 4"], [("header", "X-Parcel-Trace", "X-Trace-Id")])],
    ),
    "words without a fact": (edited("fold the parcel", "crease the parcel"), [("changed", ["too-large 2"], [])]),
    "a line of code": (
        edited("sleep(2 ** tries)", "sleep(tries)"),
        [("changed", ["429-too-many-parcels 2"], [("number", "2", None)])],
    ),
    "a point of a list": (
        edited("Never send it twice", "Never send it again"),
        [("changed", ["lost-parcels 3"], [])],
    ),
    "a heading": (
        edited("Too large", "Too long"),
        [("changed", [], [])],
    ),
    "a section that is gone": (
        pages.without("Too large"),
        [
            (
                "gone",
                ["too-large 0", "too-large 1", "too-large 2"],
                [("number", "90 px", None), ("text", "side is too long", None), ("status", "400", None)],
            )
        ],
    ),
    "one of two equal answers": (
        tuple(
            one if one.heading != "Lost parcels" else Section(one.heading, (one.parts[0], one.parts[3]), anchored=False)
            for one in PAGE
        ),
        [("gone", ["lost-parcels 1"], [("text", "Parcel not found", None), ("status", "404", None)])],
    ),
    "a section that is new": (
        pages.with_section(
            Section("409 — Conflict", (words("Two parcels have one name."), code('{ "detail": "Name is taken" }'))),
            after="404 — Not found",
        ),
        [("new", [], [("text", None, "Name is taken"), ("status", None, "409")])],
    ),
    "a section at the end": (
        (*PAGE, Section("Old parcels", (words("They must be burnt after 30 days."),))),
        [("new", [], [("number", None, "30 days")])],
    ),
    "a sentence that is new": (
        edited("The parcel is not there.", "The parcel is not there. It must be sent anew."),
        [("new", [], [])],
    ),
    "a section moved and changed": (
        moved("Too heavy", edited("120 MB", "90 MB")),
        [("changed", ["too-heavy 0"], [("number", "120 MB", "90 MB")])],
    ),
}
"""Edits of the page, and the one change that each of them is."""


@pytest.mark.parametrize("suffix", FORMS)
@pytest.mark.parametrize("name", EDITS)
def test_an_edit_is_found_and_nothing_else(ledger: Path, name: str, suffix: str) -> None:
    """In each of the three forms the edit is the one change, with what was there before."""
    page, expected = EDITS[name]
    found = summed_up(drift_of(ledger, FORMS[suffix](page), suffix))

    assert [(kind, says, sorted(map(str, facts))) for kind, says, facts in found] == [
        (kind, says, sorted(map(str, facts))) for kind, says, facts in expected
    ]


def test_a_row_that_is_new_and_one_that_is_gone_are_found(ledger: Path) -> None:
    """Rows of tables are statements, whatever is in them."""
    table = PAGE[1].parts[0]
    more = pages.rows(*table.content[:3], ("Grey", "Nobody knows", "Perhaps"), table.content[3])  # type: ignore[arg-type]
    less = pages.rows(*table.content[:2], *table.content[3:])
    for changed, kind, says in ((more, "new", []), (less, "gone", ["overview 2"])):
        page = (PAGE[0], Section("Overview", (changed, *PAGE[1].parts[1:])), *PAGE[2:])
        for suffix, form in FORMS.items():
            [one] = drift_of(ledger, form(page), suffix).changes
            assert (one.kind, [each.says for each in one.statements]) == (kind, says)


STRAIGHT = str.maketrans("“”’", '""\'')
LOOKS = {
    "as it is": (".txt", as_text()),
    "line ends": (".txt", as_text().replace("\n", "\r\n")),
    "straight quotes": (".txt", as_text().translate(STRAIGHT)),
    "wrapped lines": (".txt", "\n".join(textwrap.fill(line, 30) for line in as_text().splitlines())),
    "navigation": (
        ".txt",
        f"Skip to content\nDocs API\nOverview\nToo large\n{as_text()}\nEdit page\nNext\nPrices",
    ),
    "spaces": (".txt", as_text().replace(" ", " \u00a0 ").replace(".", ".\u200b")),
    "Markdown": (".md", as_markdown()),
    "Markdown without a name": ("", as_markdown()),
    "wide Markdown": (".md", as_markdown().replace("\n* ", "\n- ").replace("```", "~~~~").replace("#### ", "### ")),
    "HTML": (".html", as_html()),
    "HTML without a name": ("", as_html()),
    "HTML with a head that does not end": (".html", as_html().replace("</head>", "").replace("<main>", "")),
    "HTML on many lines": (".htm", as_html().replace("><", ">\n\n  <")),
    "a section that has moved": (".txt", as_text(moved("Too large"))),
    "sections that have moved": (".md", as_markdown(moved("Overview", moved("400 — Wrong parcel")))),
}
"""Copies of the page that only look different."""


@pytest.mark.parametrize("name", LOOKS)
def test_what_only_looks_different_is_no_drift(ledger: Path, name: str) -> None:
    """Line ends, quotes, wrapped lines, markup, navigation and the order of sections change nothing."""
    suffix, text = LOOKS[name]
    drift = drift_of(ledger, text, suffix)

    assert summed_up(drift) == []
    assert drift.kept == drift.total


@pytest.mark.parametrize("suffix", FORMS)
def test_two_edits_are_two_changes(ledger: Path, suffix: str) -> None:
    """Edits in different places are told apart, in page order, each with the cases that it makes doubtful."""
    page = tuple(pages.without("404 — Not found", edited("60 seconds", "6 seconds")))
    gone, changed = drift_of(ledger, FORMS[suffix](page), suffix).changes

    assert (gone.kind, gone.headings) == ("gone", ("404 — Not found",))
    assert changed.now == "It is 6 seconds or less."
    assert changed.suspects == {"cases": ("parcels/429-too-many-parcels/1",)}


def test_a_digest_knows_a_statement_by_its_meaning() -> None:
    """Spaces and shapes of quotes do not matter; a letter, a digit and a sign within a word do."""
    assert Digest.of("Wait “60”  seconds — or\nless.") == Digest.of('Wait "60" seconds -- or less.')
    for other in ("Wait “6” seconds or less.", "wait “60” seconds or less.", "Wait “-60” seconds or less."):
        assert Digest.of("Wait “60” seconds or less.") != Digest.of(other)
    assert squeeze("| a | b-c |\n|---|---|\n- d") == "ab-cd"


def test_new_text_is_split_into_statements() -> None:
    """Sentences are statements, and an example goes with its label."""
    text = 'It is gone. Send it anew.\nResponse (HTTP 410):\n{ "detail": "Gone" }'

    assert split_statements(text) == ["It is gone.", "Send it anew.", 'Response (HTTP 410):\n{ "detail": "Gone" }']


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working folder of a command."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_exit_status_tells_drift(ledger: Path, folder: Path, capsys: Output) -> None:
    """0 for none, 1 for some, 4 for what is no copy of the page."""
    (folder / "same.html").write_text(as_html(), encoding="utf-8")
    (folder / "other.html").write_text(as_html(edited("30 kg", "20 kg")), encoding="utf-8")
    (folder / "news.html").write_text("<h1>News</h1><p>Parcels are slow.</p>", encoding="utf-8")
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\xff")
    (folder / "empty.txt").write_text("")

    assert printed(capsys, "drift", "same.html", "--ledger", str(ledger)).endswith("0 changed, 0 gone, 0 new\n")
    assert main(["drift", "other.html", "--ledger", str(ledger)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["changed", "400", "—", "Too", "heavy"]
    assert "  now      A parcel weighs at most 20 kg and 120 MB of papers." in lines
    assert "  number   30 -> 20" in lines
    assert "  suspect  cases: parcels/too-heavy/0" in lines
    for file, said in (
        ("news.html", "is not a copy of https://parcels.example/errors: it has 0%"),
        ("empty.txt", "is not a copy"),
        ("picture.png", "is not UTF-8 text"),
        ("nowhere.md", "cannot be read"),
    ):
        assert ran(["drift", file, "--ledger", str(ledger)]) == 4
        assert said in capsys.readouterr().err


def test_the_kits_own_ledger_refuses_another_page(folder: Path, capsys: Output) -> None:
    """Without a ledger named, a copy is held against that of the API's own page."""
    (folder / "page.md").write_text(as_markdown(), encoding="utf-8")

    assert ran(["drift", "page.md"]) == 4
    assert "is not a copy of https://docs.agents.lumalabs.ai/guides/error-handling/" in capsys.readouterr().err


def test_json_has_everything(ledger: Path, folder: Path, capsys: Output) -> None:
    """Each change with its statements, its facts and what it makes doubtful."""
    (folder / "page.md").write_text(as_markdown(edited("X-Parcel-Trace", "X-Trace-Id")), encoding="utf-8")

    assert main(["drift", "page.md", "--format", "json", "--ledger", str(ledger)]) == 1
    data = json.loads(capsys.readouterr().out)
    [change] = data["changes"]
    assert (data["schema"], data["page"]) == (1, "https://parcels.example/errors")
    assert change["facts"] == [{"kind": "header", "old": "X-Parcel-Trace", "new": "X-Trace-Id"}]
    assert change["suspects"] == {"cases": ["parcels/overview/4"]}
    assert [one["says"] for one in change["statements"]] == ["overview 4"]


def test_a_draft_says_what_comes_next(ledger: Path, folder: Path) -> None:
    """The rows that are drafted have the digests of the new text; the checklist names files and cases."""
    copy = as_html(edited("30 kg", "20 kg"))
    (folder / "page.html").write_text(copy, encoding="utf-8")

    assert main(["drift", "page.html", "--write", "next", "--ledger", str(ledger)]) == 1
    rows = (folder / "next" / "rows.yaml").read_text(encoding="utf-8")
    checklist = (folder / "next" / "checklist.md").read_text(encoding="utf-8")
    new = str(Digest.of("A parcel weighs at most 20 kg and 120 MB of papers."))
    assert f"digest: {new}" in rows
    assert "- [ ] changed: 400 — Too heavy" in checklist
    assert "section file: specs/parcels/too-heavy.yaml" in checklist

    old = re.findall(r"too-heavy 0, digest: (\S+),", ledger.read_text(encoding="utf-8"))[0]
    mended = folder / "ledger.yaml"
    mended.write_text(ledger.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    assert main(["drift", "page.html", "--ledger", str(mended)]) == 0


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_recipe_for_a_scheduled_job_works_as_it_is_written(ledger: Path, folder: Path) -> None:
    """It fetches a page, and ends with the status of the drift; what it leaves says what has changed."""
    [recipe] = re.findall(r"(?ms)^```sh\n(.*?)^```", (ROOT / "docs" / "page.md").read_text(encoding="utf-8"))
    function = f'luma-conformance() {{ {" ".join(COMMAND)} "$@" --ledger {ledger}; }}\n'
    ends = []
    for name, page in (("same", PAGE), ("changed", edited("60 seconds", "6 seconds"))):
        (folder / f"{name}.html").write_text(as_html(page), encoding="utf-8")
        environment = {**os.environ, "PAGE": (folder / f"{name}.html").as_uri()}
        ended = subprocess.run(["bash", "-c", function + recipe], cwd=folder, env=environment, check=False, timeout=60)
        ends.append(ended.returncode)

    assert ends == [0, 1]
    assert "60 seconds -> 6 seconds" in (folder / "drift" / "drift.txt").read_text(encoding="utf-8")
    assert (folder / "drift" / "checklist.md").is_file()


def test_markdown_without_its_reader_is_told(monkeypatch: pytest.MonkeyPatch, ledger: Path) -> None:
    """Where the extra is missing, the message names it, and the way without it."""
    monkeypatch.setitem(sys.modules, "markdown_it", None)

    with pytest.raises(Exception, match=re.escape("pip install 'luma-agents-conformance[drift]'; or save the page as")):
        drift_of(ledger, as_markdown(), ".md")


@pytest.mark.skipif(not REAL.is_file(), reason="needs a copy of the page: LUMA_ERROR_PAGE=page.html")
def test_the_kits_own_ledger_is_that_of_the_page() -> None:
    """Every statement is where the ledger says, and nothing of the page is left over."""
    page = make_page(read_blocks(REAL.read_text(encoding="utf-8"), REAL.suffix))
    drift = find_drift(load(), page)

    assert summed_up(drift) == []
    assert drift.kept == drift.total == len(load().statements)

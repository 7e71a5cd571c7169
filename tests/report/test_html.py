"""The page, as text: whole, closed to the outside, and unmoved by what is in it; the browser's view is test_browser."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from luma_conformance.report import html
from tests.report import samples
from tests.verdicts import alter


class Page(HTMLParser):
    """What a page is made of: elements, attributes, and the text of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_data(self, data: str) -> None:
        if self._inside in ("script", "style"):
            self.texts.setdefault(self._inside, []).append(data)

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""


def test_the_page_allows_only_its_own_script_and_style() -> None:
    """The policy names the very bytes of the script and the style, and nothing may be loaded from anywhere."""
    page = Page(html.render([samples.MIXED]))
    (policy,) = [attributes["content"] or "" for _, attributes in page.elements if "http-equiv" in attributes]

    hashes = {f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in page.texts["script"][1:]}
    hashes |= {f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in page.texts["style"]}
    assert policy.startswith("default-src 'none'; ")
    assert hashes == set(re.findall(r"'sha256-[^']+'", policy))
    assert "unsafe" not in policy


def test_the_page_needs_nothing_else() -> None:
    """No element names a thing to load; no attribute is a handler or a style."""
    for tag, attributes in Page(html.render([samples.MIXED, samples.CLEAN])).elements:
        assert "src" not in attributes
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        if tag == "link":
            assert attributes["href"] == "data:,"


@pytest.mark.parametrize("text", samples.HOSTILE)
def test_hostile_texts_add_nothing_to_the_page(text: str) -> None:
    """A hostile text adds no element, no attribute and no script, and commands no reader."""
    hostile, tame = (html.render([samples.saying(words)]) for words in (text, "tame"))

    shapes = [
        [(tag, sorted(attributes)) for tag, attributes in Page(page).elements if tag != "wbr"]
        for page in (hostile, tame)
    ]
    assert shapes[0] == shapes[1]
    assert len(Page(hostile).texts["script"]) == 2
    assert all(line.isprintable() for line in hostile.split("\n"))
    assert hostile.encode()


def test_the_page_holds_every_case_once_as_data() -> None:
    """The island holds every case once, a cell for each run, and no more of a case that passed than its title."""
    island = json.loads(Page(html.render([samples.MIXED, samples.CLEAN])).texts["script"][0])
    cells = {case[0]: case[5] for case in island["cases"]}

    assert len(cells) == 6
    assert cells["create/201/control"] == [3, 3]
    assert cells[samples.FAILED.case][1] is None
    assert cells[samples.FAILED.case][0]["request_id"] == samples.FAILED.request_id
    assert island["sections"][1][1].startswith("https://docs.agents.lumalabs.ai/guides/error-handling/#:~:text=400")


def test_where_no_script_runs_the_findings_are_there() -> None:
    """The first findings are in the page itself, with both texts."""
    text = html.render([samples.MIXED])

    assert "The list of all cases needs JavaScript." in text
    assert "<td>400  Unknown model: super-model-v9<td>400  no such model" in text
    assert "no finding" not in text


def test_the_causes_come_before_everything_else() -> None:
    """What to mend first is above the sections, most important first; one that many cases show is there once."""
    many = tuple(alter(samples.FAILED, case=f"case/{number}") for number in range(300))
    text = html.render([replace(samples.MIXED, verdicts=(*many, samples.FOUND))])
    causes, rest = text.partition('id="causes-1">')[2].split("</section>", 1)

    assert causes.startswith("2 causes</h2>")
    assert causes.index("expected a refusal") < causes.index("says &quot;no such model&quot; instead of")
    assert '<a href="#cause=1">300 cases</a>; as in <a href="#search=case%2F0"><bdi>case/<wbr>0</bdi></a>' in causes
    assert "<dd class=page>400  Unknown model: super-model-v9</dd>" in causes
    assert "By section" in rest
    assert 'id="causes' not in html.render([samples.CLEAN])
    assert "2 causes in run 2</h2>" in html.render([samples.CLEAN, samples.MIXED])


def test_sections_without_a_finding_are_folded_away() -> None:
    """A reader sees the sections that have something to say, linked to the page."""
    folded = html.render([samples.MIXED]).partition("<details><summary>2 sections without a finding")

    assert "400 — Unknown model</bdi></a>" in folded[0]
    assert "201 — Created (success)</bdi></a>" in folded[2]


def test_an_empty_or_odd_result_makes_a_page() -> None:
    """A result cut off before its first verdict, and times that are none, make a page."""
    empty = alter(samples.CLEAN, verdicts=(), ending=None, run=alter(samples.RUN, started="yesterday"))

    assert "Incomplete: the run broke off after 0 of 0 cases" in html.render([empty])
    assert "the latest of 2 runs" in html.render([samples.CLEAN, empty])


def test_runs_of_two_targets_are_never_joined() -> None:
    """Each target has a chart of its own, and each run is compared with the one before it of the same server."""
    other = alter(samples.CLEAN, run=alter(samples.RUN, target="http://127.0.0.1:9, luma-profile.toml"))
    text = html.render([samples.MIXED, other, samples.CLEAN, other])

    assert "2 targets: 2 conformant" in text
    assert text.count("<svg") == 2
    assert "<strong>Less is judged: 4 no longer judged</strong>" in text
    assert "<strong>The same: nothing changed</strong>" in text
    assert "polyline" not in text


def test_a_server_is_the_same_with_another_profile() -> None:
    """More keys or fewer change what is judged, not what it is about."""
    fewer = alter(samples.CLEAN, run=alter(samples.RUN, target="http://127.0.0.1:8080, fewer.toml"))

    assert "Less is judged: 4 no longer judged" in html.render([fewer], since=samples.MIXED)
    assert "two profiles: luma-profile.toml, and fewer.toml" in html.render([samples.MIXED, fewer])


def test_what_comes_and_goes_is_told_apart_from_what_is_mended() -> None:
    """A case that went wrong, right and wrong again is listed; one that was mended once is not."""
    passed = replace(samples.PASSED, case=samples.FAILED.case)
    unsteady = [replace(samples.CLEAN, verdicts=(one,)) for one in (samples.FAILED, passed, samples.FAILED)]

    assert "1 case changed more than once" in html.render(unsteady)
    assert "fail, pass, fail" in html.render(unsteady)
    assert "changed more than once" not in html.render(unsteady[:2])


def test_the_first_screen_names_the_build_and_the_contract() -> None:
    """Which build, how many cases were judged, and the page with the day of its transcription."""
    run = alter(samples.RUN, label="2.4.1 <rc>", transcribed="2026-11-23")
    text = html.render([replace(samples.MIXED, run=run)]).partition("causes-1")[0]

    assert "2.4.1 &lt;rc&gt; at http://127.0.0.1:8080" in text.replace("<wbr>", "")
    assert "<dd>5 of 6 cases</dd>" in text
    assert 'href="https://docs.agents.lumalabs.ai/guides/error-handling/"' in text
    assert ", transcribed 2026-11-23" in text

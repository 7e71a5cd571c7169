"""The page in a browser, headless: what a reader does with it, and that it asks nobody for anything."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from luma_conformance.report import html
from luma_conformance.report.result import Results
from tests.report import samples
from tests.verdicts import alter

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
SWITCHES = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run", "--window-size=1280,1000",
)  # fmt: skip

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="needs Chromium and its driver (Debian: chromium, chromium-driver)"
    ),
]
Browser = webdriver.Chrome


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Start a browser with nothing of its own."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for switch in (*SWITCHES, f"--user-data-dir={tmp_path_factory.mktemp('browser')}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Browser]]:
    """Return a function that opens the page of some runs; it must log no problem and fetch nothing."""
    browser.get("about:blank")
    for name in ("browser", "performance"):
        log(browser, name)

    def opened(*runs: Results) -> Browser:
        page = tmp_path / "report.html"
        page.write_text(html.render(runs), encoding="utf-8")
        browser.get(page.as_uri())
        return browser

    yield opened
    assert log(browser, "browser") == []
    events = [json.loads(entry["message"])["message"] for entry in log(browser, "performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert asked
    assert all(url.startswith(("file:", "data:")) for url in asked)


def rows(browser: Browser) -> list[str]:
    """Return the ids of the cases that are listed."""
    return [row.text for row in browser.find_elements(By.CSS_SELECTOR, "#list > details > summary .id")]


def case(browser: Browser) -> WebElement:
    """Return the first unfolded case, once it is filled."""
    return WebDriverWait(browser, 5).until(lambda page: page.find_element(By.CSS_SELECTOR, "#list .case"))


def log(browser: Browser, name: str) -> list[dict[str, str]]:
    """Return what is new in a log of the browser since it was last read."""
    entries: list[dict[str, str]] = browser.get_log(name)  # type: ignore[no-untyped-call]
    return entries


def button(browser: Browser, words: str) -> WebElement:
    """Return the button whose text contains some words."""
    return next(one for one in browser.find_elements(By.TAG_NAME, "button") if words in one.text)


def test_the_page_opens_on_what_fails(opened: Callable[..., Browser]) -> None:
    """The headline and the failing cases are what is seen first."""
    page = opened(samples.MIXED)

    assert page.find_element(By.TAG_NAME, "h1").text == "Not conformant: 2 cases fail, in 2 sections; 5 of 6 judged"
    assert rows(page) == [samples.FOUND.case, samples.FAILED.case]
    assert page.find_element(By.ID, "found").text == "2 of 6 cases"


def test_verdicts_sections_and_words_narrow_the_list(opened: Callable[..., Browser]) -> None:
    """Each filter narrows, all of them together too, and Show all takes them back."""
    page = opened(samples.MIXED)

    button(page, "Show all").click()
    assert len(rows(page)) == 6
    button(page, "known deviation").click()
    assert rows(page) == [samples.DEVIATES.case]
    button(page, "worded otherwise").click()
    assert rows(page) == [samples.DEVIATES.case, samples.WORDED.case]
    page.find_element(By.CSS_SELECTOR, "#section option[value='1']").click()
    assert rows(page) == [samples.WORDED.case]
    button(page, "Show all").click()
    page.find_element(By.ID, "search").send_keys("NO SUCH unknown-model/page-example")
    assert rows(page) == [samples.FAILED.case]
    page.find_element(By.ID, "search").send_keys(" nothing-like-it")
    assert page.find_element(By.ID, "found").text == "None of 6 cases is all of that."


def test_a_cause_leads_to_the_case_that_shows_it(opened: Callable[..., Browser]) -> None:
    """The example of a cause is a link to that case, whatever its id is made of."""
    odd = alter(samples.FAILED, case="a b/50% & more#1")
    page = opened(replace(samples.MIXED, verdicts=(*samples.MIXED.verdicts, odd)))
    page.find_element(By.PARTIAL_LINK_TEXT, samples.FOUND.case).click()
    assert rows(page) == [samples.FOUND.case]

    page = opened(replace(samples.MIXED, verdicts=(samples.FOUND, odd)))
    page.find_element(By.PARTIAL_LINK_TEXT, odd.case).click()
    assert rows(page) == [odd.case]


def test_a_cause_leads_to_all_of_its_cases(opened: Callable[..., Browser]) -> None:
    """The number of a cause's cases is a link to exactly those, also where two runs are on the page."""
    other = alter(samples.FAILED, case="create/another")
    page = opened(samples.CLEAN, replace(samples.MIXED, verdicts=(*samples.MIXED.verdicts, other)))

    page.find_element(By.LINK_TEXT, "2 cases").click()

    assert rows(page) == [samples.FAILED.case, other.case]
    assert page.current_url.endswith("#cause=1")


@pytest.mark.parametrize("width", [320, 400])
def test_a_narrow_page_does_not_scroll_sideways(opened: Callable[..., Browser], width: int) -> None:
    """Long ids break between their words, and tables become blocks."""
    long = alter(samples.FAILED, case=f"properties/{'odd_' * 40}", title="video.edit.keyframe_indexes " * 9)
    page = opened(samples.MIXED, replace(samples.MIXED, verdicts=(*samples.MIXED.verdicts, long)))
    narrow = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}

    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", narrow)
    wide = page.execute_script("return document.documentElement.scrollWidth")
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    assert wide <= width


def test_a_number_in_the_table_leads_to_its_cases(opened: Callable[..., Browser]) -> None:
    """The count of a section and verdict is a link to those cases, which can be bookmarked."""
    page = opened(samples.MIXED)

    page.find_element(By.CSS_SELECTOR, "td a.deviation").click()

    assert rows(page) == [samples.DEVIATES.case]
    assert page.current_url.endswith("#verdict=deviation&section=2")


def test_a_case_unfolds_from_the_keyboard(opened: Callable[..., Browser]) -> None:
    """Enter on a case shows both texts, what differs marked, the link to the page, the request id and the request."""
    page = opened(samples.MIXED)

    page.find_element(By.CSS_SELECTOR, "#list > details:nth-child(2) > summary").send_keys(Keys.ENTER)

    unfolded = case(page)
    assert [mark.text for mark in unfolded.find_elements(By.TAG_NAME, "mark")] == [
        "Unknown model: super-model-v9", "no such model",
    ]  # fmt: skip
    assert str(samples.FAILED.request_id) in unfolded.text
    assert unfolded.find_element(By.TAG_NAME, "pre").text == samples.FAILED.curl
    (link, *_) = unfolded.find_elements(By.TAG_NAME, "a")
    assert str(link.get_attribute("href")).startswith("https://docs.agents.lumalabs.ai/guides/error-handling/#:~:text=")
    assert "luma-conformance show create/400-unknown-model/page-example" in unfolded.text


def test_every_control_has_a_name(opened: Callable[..., Browser]) -> None:
    """Every element that the keyboard reaches has an accessible name."""
    page = opened(samples.MIXED, samples.CLEAN)

    for control in page.find_elements(By.CSS_SELECTOR, "a, button, input, select, summary, svg"):
        if control.is_displayed():
            assert control.accessible_name, control.get_attribute("outerHTML")


def test_the_theme_follows_the_system_and_can_be_chosen(opened: Callable[..., Browser]) -> None:
    """Dark where the system is dark; the button goes through system, light and dark."""
    page = opened(samples.MIXED)

    def paper() -> str:
        return page.find_element(By.TAG_NAME, "body").value_of_css_property("background-color")

    light = paper()
    night = {"name": "prefers-color-scheme", "value": "dark"}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [night]})
    dark = paper()
    button(page, "Theme: system").click()
    assert paper() == light != dark
    button(page, "Theme: light").click()
    assert paper() == dark
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_what_is_printed_is_what_was_filtered_unfolded(opened: Callable[..., Browser]) -> None:
    """A printed page has the findings with both texts, and none of the controls."""
    page = opened(samples.MIXED)

    page.execute_script("dispatchEvent(new Event('beforeprint'))")
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})

    assert "400  no such model" in page.find_element(By.ID, "list").text
    assert not page.find_element(By.ID, "filters").is_displayed()
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    page.execute_script("dispatchEvent(new Event('afterprint'))")
    assert "400  no such model" not in page.find_element(By.ID, "list").text
    assert base64.b64decode(page.print_page()).startswith(b"%PDF-")


def test_several_runs_stand_side_by_side(opened: Callable[..., Browser]) -> None:
    """A row has a mark for each run, and at first only the cases on which runs differ are listed."""
    fixed = replace(samples.CLEAN, verdicts=(samples.PASSED, replace(samples.PASSED, case=samples.FAILED.case)))
    page = opened(samples.MIXED, fixed)

    assert "create/201/control" not in rows(page)
    row = page.find_elements(By.CSS_SELECTOR, "#list > details")[rows(page).index(samples.FAILED.case)]
    marks = row.find_elements(By.CSS_SELECTOR, "summary .mark")
    assert [mark.accessible_name for mark in marks] == ["fail", "pass"]
    assert page.find_element(By.CSS_SELECTOR, "figure svg").accessible_name == "cases by verdict, run by run"


def test_fifty_thousand_cases_are_paged_and_searched(opened: Callable[..., Browser]) -> None:
    """Only a page of rows is built, whatever there is; a search among all of them finds the one."""
    many = tuple(alter(samples.PASSED, case=f"many/{number:05}") for number in range(50_000))
    page = opened(Results(samples.RUN, many, samples.ENDING))

    assert rows(page) == []
    assert page.find_element(By.ID, "found").text == "No case has a finding: Show all lists the 50,000."
    button(page, "Show all").click()
    assert len(rows(page)) == 100
    assert page.find_element(By.ID, "where").text == "1 to 100"
    button(page, "Next").click()
    assert rows(page)[0] == "many/00100"
    page.find_element(By.ID, "search").send_keys("43210")
    assert rows(page) == ["many/43210"]


@pytest.mark.parametrize("text", samples.HOSTILE)
def test_no_text_of_a_server_takes_over_the_page(opened: Callable[..., Browser], text: str) -> None:
    """Unfolded and searched, a hostile text is text: the title stays, and nothing is added to the page."""
    page = opened(samples.saying(text))

    page.find_element(By.CSS_SELECTOR, "#list summary").click()

    assert page.title != "owned"
    assert page.find_elements(By.CSS_SELECTOR, "main img, main script, main b") == []
    assert case(page).is_displayed()
    assert page.find_element(By.ID, "found").text == "1 of 1 cases"


def test_the_timeline_of_a_client_is_drawn(opened: Callable[..., Browser]) -> None:
    """Each request is a row: when it came, a bar where it lies in time, what was asked and answered."""
    browser = opened(samples.OF_A_CLIENT)
    browser.find_element(By.CSS_SELECTOR, "#list summary").click()
    unfolded = case(browser)
    found = [
        [cell.text for cell in row.find_elements(By.TAG_NAME, "td")]
        for row in unfolded.find_elements(By.CSS_SELECTOR, ".timeline tr")
    ]
    bars = [bar.rect for bar in unfolded.find_elements(By.CSS_SELECTOR, ".timeline .track span")]

    assert found == [
        ["0.00 s", "", "POST /v1/generations", "429 Rate limit exceeded"],
        ["0.51 s", "", "POST /v1/generations", "201 queued"],
    ]
    assert bars[0]["x"] + bars[0]["width"] < bars[1]["x"]
    assert "the client did" in unfolded.text
    assert "luma-conformance show" not in unfolded.text
    assert rows(browser) == ["429/retry-after-2"]

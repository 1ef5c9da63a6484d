"""The list of this visit, and corrections, in a real browser."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.end_to_end.browsing import choose, hand, submit, upload, verdict
from tests.end_to_end.conftest import OpenPage


def download(page: Page) -> list[dict[str, str]]:
    """The rows of the CSV file that the page makes."""
    with page.expect_download() as started:
        page.get_by_role("button", name="Download as CSV").click()
    assert started.value.suggested_filename == "signs.csv"
    return list(csv.DictReader(io.StringIO(started.value.path().read_text(encoding="utf-8"))))


def test_the_list_keeps_every_answer_and_shows_it_again(page: Page) -> None:
    expect(page.locator("#history")).to_be_hidden()
    choose(page, hand("1"))
    expect(page.locator(".answer")).to_have_count(1)
    choose(page, hand("4"))
    expect(page.locator("#history-list li")).to_have_count(2)
    page.get_by_role("button", name="hand 1.png: 1. Show it again").click()
    expect(page.locator(".answer")).to_have_count(1)
    assert verdict(page) == "This hand shows a 1"


def test_nothing_is_kept_beyond_the_page(page: Page) -> None:
    choose(page, hand("1"))
    expect(page.locator("#history-list li")).to_have_count(1)
    stored = page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]")
    assert stored == [0, 0, ""]
    page.reload()
    expect(page.locator("#history")).to_be_hidden()


def test_only_requests_to_the_service_leave_the_browser(page: Page, site: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    choose(page, hand("1"), upload("letter.pdf", b"%PDF-1.7"))
    expect(page.locator("#history-list li")).to_have_count(2)
    download(page)
    # Chromium asks for the page's own icon whenever it likes.
    known = (f"{site}/predict", f"{site}/static/icon.svg", "data:", "blob:")
    outside = [address for address in asked if not address.startswith(known)]
    assert outside == []


def test_the_list_comes_as_csv(page: Page) -> None:
    odd = 'a "strange", name.png'
    choose(page, hand("1"), upload("=1+1.pdf", b"%PDF-1.7"), {**hand("5"), "name": odd})
    expect(page.locator("#history-list li")).to_have_count(3)
    first, second, third = download(page)
    assert (first["name"], first["label"], first["accepted"]) == ("hand 1.png", "1", "true")
    probabilities = [float(first[f"p{label}"]) for label in "012345"]
    assert max(probabilities) == float(first["confidence"]) == probabilities[1]
    assert float(first["milliseconds"]) > 0
    assert (second["name"], second["label"]) == ("'=1+1.pdf", "")
    assert second["error"] == "That is no picture we can read"
    assert (third["name"], third["label"]) == (odd, "5")
    assert first["time"] <= second["time"] <= third["time"]


def test_the_list_can_be_cleared(page: Page) -> None:
    choose(page, hand("1"))
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#history")).to_be_hidden()
    expect(page.get_by_role("button", name="Choose photos")).to_be_focused()


def correct(page: Page, digit: str) -> None:
    page.get_by_text("Wrong? Tell us").click()
    page.get_by_label(digit, exact=True).check()
    page.get_by_role("button", name="Send", exact=True).click()


def stored(folder: Path, digit: str) -> set[Path]:
    return set((folder / digit).glob("*.jpg"))


def test_a_correction_needs_consent_and_is_stored(open_page: OpenPage, corrections: Path) -> None:
    for script, digit in ((True, "2"), (False, "4")):
        page = open_page(java_script_enabled=script)
        if script:
            choose(page, hand("3"))
        else:
            submit(page, hand("3"))
        before = stored(corrections, digit)
        correct(page, digit)  # the browser itself refuses: the box is not ticked
        assert stored(corrections, digit) == before
        page.get_by_label("I took this picture or may give it away").check()
        page.get_by_role("button", name="Send", exact=True).click()
        expect(page.get_by_text("Thank you. The picture and its digit are stored.")).to_be_visible()
        assert len(stored(corrections, digit) - before) == 1


def test_a_correction_that_cannot_be_stored_is_told(page: Page) -> None:
    page.route("**/feedback", lambda route: route.fulfill(status=507, body=""))
    choose(page, hand("3"))
    page.get_by_text("Wrong? Tell us").click()
    page.get_by_label("none of the six").check()
    page.get_by_label("I took this picture or may give it away").check()
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".feedback")).to_contain_text("No room for more pictures")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_enabled()

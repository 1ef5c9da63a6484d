"""The camera in a real browser: a photo, live reading, and every way in which there is no camera."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, Route, expect

from tests.end_to_end.browsing import launched, playing, until, verdict, video
from tests.end_to_end.conftest import watched

WATCH_THE_CAMERA = """
  window.tracks = [];
  const get = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wishes) => {
    const stream = await get(wishes);
    window.tracks.push(...stream.getTracks());
    return stream;
  };
"""
HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { get: () => hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
REFUSE = """(name) => {
  navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", name));
}"""


@pytest.fixture(scope="module")
def filming(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser whose camera shows a 3 all the time."""
    film = video(tmp_path_factory.mktemp("camera") / "three.mjpeg", "3")
    with launched(playwright, *playing(film)) as browser:
        yield browser


@pytest.fixture
def camera_page(filming: Browser, site: str) -> Iterator[Page]:
    with watched(filming, permissions=["camera"]) as page:
        page.add_init_script(WATCH_THE_CAMERA)
        page.goto(site)
        yield page


def open_camera(page: Page) -> None:
    page.get_by_role("button", name="Use the camera").click()


def expect_lights(page: Page, *states: str) -> None:
    """Waits until the cameras that were opened, in this order, are "live" or "ended"."""
    until(page, f"tracks.map((track) => track.readyState).join() === '{','.join(states)}'")


def test_live_reading_is_steadied_and_says_so(camera_page: Page) -> None:
    page = camera_page
    open_camera(page)
    expect(page.locator("#live-digit")).to_have_text("3")
    expect(page.locator("#live-text")).to_contain_text("This hand shows a 3")
    expect(page.locator("#live-pace")).to_have_text(
        re.compile(r"Steadied over the last 6 frames, \d+ a second")
    )
    expect(page.locator("#announcer")).to_have_text("This hand shows a 3")
    expect(page.locator("#history")).to_be_hidden()


def test_a_photo_is_read_like_a_file(camera_page: Page) -> None:
    page = camera_page
    open_camera(page)
    expect(page.locator("#live-digit")).to_have_text("3")
    page.get_by_role("button", name="Take photo").click()
    assert verdict(page) == "This hand shows a 3"
    expect(page.locator(".answer figcaption")).to_contain_text("Camera photo")
    expect(page.get_by_role("button", name="Read live")).to_be_visible()
    expect(page.locator("#history-list li")).to_have_count(1)


def test_one_frame_is_on_its_way_at_a_time_and_none_while_out_of_sight(camera_page: Page) -> None:
    page = camera_page
    sent: list[str] = []
    most = 0
    answered = 0

    def answer(route: Route) -> None:
        nonlocal most, answered
        sent.append(route.request.url)
        most = max(most, len(sent) - answered)
        response = route.fetch()
        answered += 1  # counted before the page can know of it
        route.fulfill(response=response)

    page.route("**/predict*", answer)
    open_camera(page)
    expect(page.locator("#live-pace")).to_contain_text("last 6 frames")
    page.evaluate(HIDE, True)
    expect(page.locator("#live-text")).to_have_text("Paused while this page is out of sight.")
    before = len(sent)
    page.wait_for_timeout(500)
    assert len(sent) == before
    page.evaluate(HIDE, False)
    expect(page.locator("#live-text")).to_contain_text("This hand shows a 3")
    assert len(sent) > before
    assert most == 1
    page.unroute_all(behavior="wait")  # or the page may be gone before a frame that is on its way is answered


def test_pausing_stops_the_questions_and_closing_the_camera_itself(camera_page: Page) -> None:
    page = camera_page
    open_camera(page)
    expect(page.locator("#live-digit")).to_have_text("3")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Read live")).to_be_visible()
    expect_lights(page, "live")
    page.keyboard.press("Escape")
    expect(page.locator("#camera")).to_be_hidden()
    expect_lights(page, "ended")
    expect(page.get_by_role("button", name="Use the camera")).to_be_focused()


def test_a_camera_that_ends_by_itself_is_told(camera_page: Page) -> None:
    page = camera_page
    open_camera(page)
    expect(page.locator("#live-digit")).to_have_text("3")
    page.evaluate("tracks[0].dispatchEvent(new Event('ended'))")
    expect(page.locator("#live-text")).to_contain_text("The camera was switched off.")
    expect_lights(page, "ended")


def test_a_busy_service_slows_live_reading_down_and_a_lost_one_ends_it(camera_page: Page) -> None:
    page = camera_page
    page.route("**/predict*", lambda route: route.fulfill(status=503, headers={"Retry-After": "4"}), times=1)
    open_camera(page)
    expect(page.locator("#live-text")).to_contain_text("The service is busy. Trying again in 4 s")
    expect(page.locator("#live-digit")).to_have_text("3")
    page.route("**/predict*", lambda route: route.abort())
    expect(page.locator("#live-text")).to_contain_text("The service cannot be reached")
    expect(page.get_by_role("button", name="Read live")).to_be_enabled()


def test_answers_that_change_are_followed(playwright: Playwright, site: str, tmp_path: Path) -> None:
    film = video(tmp_path / "changing.mjpeg", "1" * 60 + "4" * 60)
    with launched(playwright, *playing(film)) as browser, watched(browser, permissions=["camera"]) as page:
        page.goto(site)
        open_camera(page)
        for digit in ("1", "4", "1"):
            expect(page.locator("#live-digit")).to_have_text(digit, timeout=60_000)


def test_a_denied_camera_is_explained(browser: Browser, site: str) -> None:
    with watched(browser, permissions=[]) as page:
        page.goto(site)
        page.evaluate(REFUSE, "NotAllowedError")
        open_camera(page)
        expect(page.locator("#live-text")).to_contain_text("The camera is blocked for this page. Allow it")
        expect(page.get_by_role("button", name="Take photo")).to_be_disabled()
        expect(page.locator("#camera-frame")).to_be_hidden()
        page.get_by_role("button", name="Close").click()
        expect(page.locator("#camera")).to_be_hidden()


def test_a_machine_without_a_camera_says_so(playwright: Playwright, site: str) -> None:
    arguments = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream=device-count=0")
    with launched(playwright, *arguments) as browser, watched(browser, permissions=["camera"]) as page:
        page.goto(site)
        open_camera(page)
        expect(page.locator("#live-text")).to_contain_text("No camera was found.")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("NotReadableError", "The camera is in use by another program"),
        ("OverconstrainedError", "That camera is not there any more."),
        ("StrangeError", "The camera could not be started (StrangeError)."),
    ],
)
def test_other_refusals_are_explained(browser: Browser, site: str, name: str, words: str) -> None:
    with watched(browser) as page:
        page.goto(site)
        page.evaluate(REFUSE, name)
        open_camera(page)
        expect(page.locator("#live-text")).to_contain_text(words)


def test_a_page_that_came_over_plain_http_says_why_there_is_no_camera(browser: Browser, site: str) -> None:
    with watched(browser) as page:
        page.add_init_script("Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")
        page.goto(site)
        open_camera(page)
        expect(page.locator("#live-text")).to_contain_text("only to pages that come over https")


def test_other_cameras_can_be_chosen_where_there_are_any(
    playwright: Playwright, camera_page: Page, site: str
) -> None:
    open_camera(camera_page)
    expect(camera_page.locator("#live-digit")).to_have_text("3")
    expect(camera_page.get_by_role("button", name="Other camera")).to_be_hidden()
    arguments = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream=device-count=2")
    with launched(playwright, *arguments) as browser, watched(browser, permissions=["camera"]) as page:
        page.add_init_script(WATCH_THE_CAMERA)
        page.goto(site)
        open_camera(page)
        page.get_by_role("button", name="Other camera").click()
        expect_lights(page, "ended", "live")

"""For everybody: no barrier that axe-core knows, by keyboard only, on every width, in either scheme."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Playwright, expect

from tests.end_to_end.browsing import (
    FAKE_CAMERA,
    answer_with,
    choose,
    hand,
    launched,
    submit,
    upload,
    verdict,
)
from tests.end_to_end.conftest import OpenPage, watched

Show = Callable[[Page], None]
WIDTHS = (320, 390, 768, 1280, 2560)


@pytest.fixture(scope="module")
def filming(playwright: Playwright) -> Iterator[Browser]:
    with launched(playwright, *FAKE_CAMERA) as browser:
        yield browser


def show_start(page: Page) -> None:
    expect(page.get_by_role("button", name="Choose photos")).to_be_visible()


def show_answer(page: Page) -> None:
    choose(page, hand("3"))
    page.get_by_text("Wrong? Tell us").click()


def show_doubt(page: Page) -> None:
    answer_with(page, accepted=False, window={"x0": 0.2, "y0": 0.1, "x1": 0.8, "y1": 0.7})
    choose(page, hand("3"))
    expect(page.locator(".answer.doubtful")).to_be_visible()


def show_several(page: Page) -> None:
    choose(page, hand("1"), upload("letter.pdf", b"%PDF-1.7"), hand("5"))
    expect(page.locator("#outcomes .card")).to_have_count(3)


def show_camera(page: Page) -> None:
    page.get_by_role("button", name="Use the camera").click()
    expect(page.locator("#live-pace")).to_contain_text("Steadied")
    page.get_by_role("button", name="Pause").click()


def show_refusal(page: Page) -> None:
    page.evaluate("void (navigator.mediaDevices.getUserMedia = () => Promise.reject(new Error('no')))")
    page.get_by_role("button", name="Use the camera").click()
    expect(page.locator("#live-text")).to_contain_text("could not be started")


VIEWS: dict[str, Show] = {
    "start": show_start,
    "answer": show_answer,
    "doubt": show_doubt,
    "several": show_several,
    "camera": show_camera,
    "refusal": show_refusal,
}


def barriers(page: Page) -> list[str]:
    """What axe-core finds, as text."""
    found: dict[str, Any] = Axe().run(page).response
    return [
        f"{rule['id']} ({rule['impact']}): {node['html'][:200]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_no_view_of_the_page_has_a_barrier(filming: Browser, site: str, view: str, scheme: str) -> None:
    for width in (390, 1280):
        options = {"color_scheme": scheme, "viewport": {"width": width, "height": 844}}
        with watched(filming, permissions=["camera"], reduced_motion="reduce", **options) as page:
            page.goto(site)
            VIEWS[view](page)
            assert barriers(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_without_the_script_has_a_barrier(browser: Browser, site: str, scheme: str) -> None:
    """The page's own script is kept away; axe-core itself needs a browser that runs scripts."""
    with watched(browser, color_scheme=scheme) as page:
        page.route("**/*.js", lambda route: route.abort())
        page.goto(f"{site}/about")
        assert barriers(page) == []
        page.goto(site)
        assert barriers(page) == []
        submit(page, hand("3"))
        page.get_by_text("Wrong? Tell us").click()
        assert barriers(page) == []
        page.get_by_label("none of the six").check()
        page.get_by_label("I took this picture or may give it away").check()
        page.get_by_role("button", name="Send", exact=True).click()
        expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
        assert barriers(page) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_no_width_needs_scrolling_sideways(filming: Browser, site: str, width: int) -> None:
    size = {"width": width, "height": 700}
    with watched(filming, permissions=["camera"], viewport=size) as page:
        for path in ("/about", "/"):
            page.goto(site + path)
            assert overflow(page) <= 0
        show_camera(page)
        assert overflow(page) <= 0
        page.get_by_role("button", name="Close").click()
        for show in (show_answer, show_several):
            show(page)
            assert overflow(page) <= 0


def overflow(page: Page) -> int:
    """How many pixels the page is wider than its window."""
    pixels: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return pixels


def press_until(page: Page, name: str) -> None:
    """Presses Tab until the control with this name has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.ariaLabel ?? document.activeElement.innerText") == name:
            return
        if page.evaluate("document.activeElement.querySelector?.('img')?.alt") == name:
            return
    raise AssertionError(f"no way to {name!r} by keyboard")


def test_everything_works_by_keyboard(playwright: Playwright, site: str) -> None:
    # In a browser of its own: one that has shown other pages may leave the keyboard's focus with them.
    with launched(playwright, *FAKE_CAMERA) as browser, watched(browser, permissions=["camera"]) as page:
        # Once somebody listens, the browser asks for no file in a window of its own.
        page.on("filechooser", lambda _: None)
        page.goto(site)
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        press_until(page, "Choose photos")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        with page.expect_file_chooser() as chooser:
            page.keyboard.press("Enter")
        chooser.value.set_files([hand("2")])
        assert verdict(page) == "This hand shows a 2"
        press_until(page, "Use the camera")
        page.keyboard.press("Space")
        expect(page.locator("#live-pace")).to_contain_text("Steadied")
        press_until(page, "Take photo")
        page.keyboard.press("Enter")
        expect(page.locator("#history-list li")).to_have_count(2)
        press_until(page, "Close")
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Use the camera")).to_be_focused()
        press_until(page, "Example: a hand that signs 1")
        page.keyboard.press("Enter")
        expect(page.locator("#history-list li")).to_have_count(3)


def test_motion_is_reduced_where_asked(open_page: OpenPage) -> None:
    for wish, seconds in (("reduce", "0s"), ("no-preference", "0.2s")):
        page = open_page(reduced_motion=wish)
        choose(page, hand("3"))
        bar = page.locator(".answer rect").first
        assert bar.evaluate("bar => getComputedStyle(bar).transitionDuration") == seconds


def test_the_page_is_light_and_asks_nobody_else(browser: Browser, site: str) -> None:
    with watched(browser) as page:
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        sizes: list[float] = []
        session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(site)
        page.wait_for_load_state("networkidle")
        assert all(address.startswith(site) for address in asked)
        assert len(sizes) <= len(asked) <= 30
        assert sum(sizes) <= 60_000

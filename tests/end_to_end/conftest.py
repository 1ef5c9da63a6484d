"""A service and a browser that the tests of the page share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from tests.app.serving import server_process
from tests.end_to_end.browsing import chromium_path, launched

OpenPage = Callable[..., Page]

PATIENCE = 60_000  # ms until something is said not to come, on a machine that may be busy


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    # For one file only: its event loop runs in this thread, and would be in the way of others.
    chromium_path()  # skips before anything is started
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    with launched(playwright) as browser:
        yield browser


@pytest.fixture(scope="module")
def corrections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the shared service stores corrections."""
    return tmp_path_factory.mktemp("corrections")


@pytest.fixture(scope="module")
def site(playwright: Playwright, corrections: Path) -> Iterator[str]:
    """The address of a service with the constant engine: the grey of a picture chooses its answer."""
    with running(feedback_dir=corrections, max_bytes=2**20) as address:
        yield address


@contextmanager
def running(*arguments: str, **settings: object) -> Iterator[str]:
    """The address of a service whose log is read all the time: a full pipe would make it wait."""
    with server_process(*arguments, **settings) as server:  # type: ignore[arg-type]
        reader = threading.Thread(target=server.end)
        reader.start()
        try:
            yield server.address
        finally:
            server.terminate()
            reader.join()


@contextmanager
def watched(browser: Browser, **options: Any) -> Iterator[Page]:
    """A page whose errors, and whose breaches of the content policy, fail the test."""
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda message: troubles.append(message.text) if "Refused" in message.text else None)
    page.on("console", lambda message: troubles.append(message.text) if "Policy" in message.text else None)
    try:
        yield page
    finally:
        context.close()
    assert troubles == []


@pytest.fixture
def open_page(browser: Browser, site: str) -> Iterator[OpenPage]:
    """Opens the page (or `path`) in a context of its own: `open_page(java_script_enabled=False)`."""
    with ExitStack() as stack:

        def _open(path: str = "/", **options: Any) -> Page:
            page = stack.enter_context(watched(browser, **options))
            page.goto(site + path)
            return page

        yield _open


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """The page, just opened."""
    return open_page()

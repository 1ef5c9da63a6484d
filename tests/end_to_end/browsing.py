"""A real Chromium for tests of the page: how it is started, and what it is fed."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
FAKE_CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
GREYS = {"0": 0, "1": 51, "2": 102, "3": 153, "4": 204, "5": 255}  # by the constant engine's rule


def chromium_path() -> str:
    """The system's Chromium, or what `CHROMIUM` names; without one the test is skipped and says so."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        pytest.skip(f"no Chromium here: none of {', '.join(NAMES)} (CHROMIUM names another)")
    return found


@contextmanager
def launched(playwright: Playwright, *arguments: str) -> Iterator[Browser]:
    """A headless browser of its own, for arguments that only its start takes."""
    browser = playwright.chromium.launch(executable_path=chromium_path(), args=list(arguments))
    try:
        yield browser
    finally:
        browser.close()


def grey(label: str, size: tuple[int, int] = (90, 70)) -> Image.Image:
    """A picture that the constant engine answers with `label`."""
    return Image.new("RGB", size, (GREYS[label],) * 3)


def encoded(picture: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def upload(name: str, data: bytes, kind: str = "image/png") -> FilePayload:
    """A file as a file chooser takes it."""
    return {"name": name, "mimeType": kind, "buffer": data}


def hand(label: str) -> FilePayload:
    """A small picture of a `label`, as a file."""
    return upload(f"hand {label}.png", encoded(grey(label)))


def video(path: Path, labels: str) -> Path:
    """A motion-JPEG file that a fake camera plays again and again, one frame for each label."""
    path.write_bytes(b"".join(encoded(grey(label, (320, 240)), "JPEG", quality=95) for label in labels))
    return path


def playing(path: Path) -> tuple[str, ...]:
    """The browser arguments for a fake camera that shows this video."""
    return (*FAKE_CAMERA, f"--use-file-for-fake-video-capture={path}")


def answer_with(page: Page, **changes: object) -> None:
    """Lets every picture be answered with a 3 that has these changes, whatever it shows."""
    probabilities = [{"label": label, "probability": 0.5 if label == "3" else 0.1} for label in GREYS]
    answer = {"label": "3", "confidence": 0.5, "accepted": True, "probabilities": probabilities}
    model = {"name": "signs", "version": 1}
    page.route("**/predict*", lambda route: route.fulfill(json={**answer, "model": model, **changes}))


def until(page: Page, expression: str) -> None:
    """Waits until an expression holds; Playwright's own way of waiting would break the page's policy."""
    for _ in range(1200):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"it did not come true: {expression}")


def choose(page: Page, *files: FilePayload) -> None:
    """Presses the button and takes these files in the browser's dialogue."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose photos").click()
    chooser.value.set_files(list(files))


def submit(page: Page, *files: FilePayload) -> None:
    """Sends these files as the form does without JavaScript, and waits for the page with its style."""
    page.get_by_label("One or more photos").set_input_files(list(files))
    with page.expect_navigation():
        page.get_by_role("button", name="Read the sign").click()


def verdict(page: Page, number: int = 0) -> str:
    """What the answer with this number says, once it is there."""
    return page.locator(".answer h2").nth(number).inner_text()

"""What goes over the line: shrunk pictures, progress, and new tries where the service is busy."""

from __future__ import annotations

import base64
import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from playwright.sync_api import Browser, Page, Request, Route, expect

from app.imaging import decode
from app.views import least_side, of_standard_size
from tests.app.test_views import LOCATING, with_views
from tests.end_to_end.browsing import choose, encoded, grey, hand, until, upload, verdict
from tests.end_to_end.conftest import running, watched
from tests.end_to_end.test_model import served
from training.dataset import LABELS

TWELVE_MEGAPIXELS = (4000, 3000)
EVERY_ORIENTATION = range(1, 9)
PREPARE = """async ([data, type]) => {
  const { prepare } = await import("/static/picture.js");
  const bytes = Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0));
  const { body } = await prepare(new File([bytes], "photo.jpg", { type }));
  const sent = new Uint8Array(await body.arrayBuffer());
  let text = "";
  for (const byte of sent) text += String.fromCharCode(byte);
  return btoa(text);
}"""


def prepared(page: Page, data: bytes, kind: str = "image/jpeg") -> bytes:
    """What the page would send for a photo with these bytes."""
    return base64.b64decode(page.evaluate(PREPARE, [base64.b64encode(data).decode(), kind]))


def photo(size: tuple[int, int], **options: object) -> bytes:
    """A JPEG as noisy as one from a phone."""
    noise = np.random.RandomState(1).normal(128, 25, (size[1] // 4, size[0] // 4, 3)).clip(0, 255)
    picture = Image.fromarray(noise.astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
    return encoded(picture, "JPEG", quality=90, **options)


def test_a_twelve_megapixel_photo_is_shrunk_to_a_small_part(page: Page) -> None:
    data = photo(TWELVE_MEGAPIXELS)
    choose(page, upload("large.jpg", data, "image/jpeg"))
    expect(page.locator(".answer")).to_be_visible()  # although the service takes 1 MB at most
    sent = prepared(page, data)
    with Image.open(io.BytesIO(sent)) as picture:
        assert picture.size == (512, 384)
    assert len(data) > 2_000_000
    assert len(sent) < 450_000  # lossless, and the noise is as good as new


@pytest.mark.parametrize(
    ("size", "kind"),
    [
        ((4000, 3000), "JPEG"),
        ((3000, 1500), "JPEG"),
        ((1001, 700), "JPEG"),
        ((2500, 2000), "PNG"),
        ((700, 520), "PNG"),
    ],
)
def test_the_page_shrinks_as_the_service_does(page: Page, size: tuple[int, int], kind: str) -> None:
    picture = decode(photo(size))
    data = encoded(picture, kind) if kind == "PNG" else photo(size)
    seen = of_standard_size(decode(data, least_side=least_side(with_views(locating=LOCATING))))
    sent = decode(prepared(page, data, f"image/{kind.lower()}"))
    assert sent.size == seen.size
    difference = np.abs(np.asarray(sent, float) - np.asarray(seen, float))
    # A JPEG's decoder takes means before it rounds to whole colours, the page can only afterwards.
    assert difference.max() <= (1 if kind == "PNG" else 8)
    assert difference.mean() < (0.01 if kind == "PNG" else 1)


@pytest.mark.parametrize("orientation", EVERY_ORIENTATION)
def test_what_is_sent_is_upright_and_carries_no_exif(page: Page, orientation: int) -> None:
    noted = Image.Exif()
    noted[0x0112], noted[0x010F] = orientation, "Maker of cameras"
    # The darkest corner shows how the picture lies.
    corner = Image.linear_gradient("L").resize((800, 600)).convert("RGB")
    corner.paste((255, 0, 0), (0, 0, 200, 150))
    sent = prepared(page, encoded(corner, "JPEG", exif=noted, quality=95))
    assert b"Maker" not in sent
    upright = decode(encoded(corner, "JPEG", exif=noted, quality=95))
    upright.thumbnail((512, 512))
    shown = decode(sent)
    assert shown.size == upright.size
    difference = np.abs(np.asarray(shown, float) - np.asarray(upright, float))
    assert difference.mean() < 3


@pytest.mark.parametrize("size", [(512, 512), (90, 70)])
def test_small_pictures_go_as_they_are(page: Page, size: tuple[int, int]) -> None:
    data = encoded(grey("2", size))
    assert prepared(page, data) == data


def test_transparent_pictures_are_laid_on_white(page: Page) -> None:
    data = encoded(Image.new("RGBA", (600, 600), (0, 0, 0, 0)))
    choose(page, upload("clear.png", data))
    assert verdict(page) == "This hand shows a 5"  # the constant engine's answer to white


def test_a_busy_service_is_asked_again_after_the_time_it_names(page: Page) -> None:
    page.route("**/predict*", lambda route: route.fulfill(status=503, headers={"Retry-After": "4"}), times=1)
    choose(page, hand("3"))
    expect(page.locator("#busy")).to_be_visible()
    expect(page.locator("#busy-text")).to_have_text("The service is busy. Trying again in 4 s …")
    assert verdict(page) == "This hand shows a 3"
    expect(page.locator("#busy")).to_be_hidden()


def test_a_service_that_stays_busy_is_given_up(page: Page) -> None:
    tries: list[str] = []

    def refuse(route: Route) -> None:
        tries.append(route.request.url)
        route.fulfill(status=503, headers={"Retry-After": "0"}, body="busy")

    page.route("**/predict*", refuse)
    choose(page, hand("3"))
    expect(page.get_by_role("alert").locator("h2")).to_have_text("The service is very busy")
    assert len(tries) == 5


def test_a_lost_line_is_told(page: Page) -> None:
    page.route("**/predict*", lambda route: route.abort())
    choose(page, hand("3"))
    expect(page.get_by_role("alert").locator("h2")).to_have_text("The service cannot be reached")


def test_a_slow_upload_shows_how_far_it_is_and_can_be_cancelled(page: Page) -> None:
    noise = np.random.RandomState(0).randint(0, 256, (500, 500, 3)).astype(np.uint8)
    slow = page.context.new_cdp_session(page)
    slow.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 100_000},
    )
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))
    choose(page, upload("noise.png", encoded(Image.fromarray(noise))), hand("3"))
    expect(page.locator("#busy-text")).to_have_text("Sending noise.png … Picture 1 of 2")
    until(page, "document.getElementById('busy-bar').value > 0.05")
    with page.expect_event("requestfailed") as gone:
        page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#announcer")).to_have_text("Cancelled.")
    expect(page.locator("#busy")).to_be_hidden()
    expect(page.locator("#outcomes .card")).to_have_count(0)
    # The second picture was not even begun.
    assert [request for request in asked if "predict" in request.url] == [gone.value]


def test_where_keys_are_set_the_page_sends_the_one_that_is_typed(browser: Browser) -> None:
    keys = f"ann:{hashlib.sha256(b'sesame').hexdigest()}"
    with running(api_keys=keys) as address, watched(browser) as locked:
        locked.goto(address)
        choose(locked, hand("3"))
        expect(locked.get_by_role("alert").locator("h2")).to_have_text("Please enter a valid API key")
        locked.get_by_label("API key").fill("sesame")
        choose(locked, hand("3"))
        assert verdict(locked) == "This hand shows a 3"


def test_shrinking_changes_no_label(page: Page, data_folder: Path) -> None:
    """Photos of the data set, blown up to twelve megapixels, as they are and as the page sends them."""
    photos = [path for label in LABELS for path in sorted((data_folder / "digits" / label).glob("*"))[:1]]
    with served("openvino") as client:
        for path in photos:
            with Image.open(path) as small:
                large = encoded(small.convert("RGB").resize((3464, 3464), Image.Resampling.BICUBIC), "JPEG")
            assert asked(client, prepared(page, large)) == asked(client, large), path


def asked(client: TestClient, data: bytes) -> str:
    """The label of a picture."""
    label: str = client.post("/predict", content=data).json()["label"]
    return label

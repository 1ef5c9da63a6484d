"""The page: plain HTML that works without JavaScript, for good pictures and bad ones."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from app.engines.constant import ConstantEngine
from app.main import create_app
from app.preview import SIDE, preview
from app.settings import Settings
from app.wording import FOLDER
from tests.app.conftest import Encode
from tests.app.serving import service

GreyPng = Callable[[int], bytes]
KEYS = {"ann": hashlib.sha256(b"sesame").hexdigest()}


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with service(max_bytes=2**20) as client:
        yield client


def shown(page: str) -> str:
    """What stands on the page, without what only the script shows."""
    kept = re.sub(r"<(template|script)\b.*?</\1>", "", page, flags=re.DOTALL)
    return re.sub(r'<section id="camera".*?</section>', "", kept, flags=re.DOTALL)


def test_the_form_is_shown(client: TestClient) -> None:
    response = client.get("/")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert '<input id="file" name="file" type="file"' in response.text
    assert 'enctype="multipart/form-data"' in response.text
    assert "api_key" not in response.text


def test_nothing_on_the_page_is_inline_or_foreign(client: TestClient, grey_png: GreyPng) -> None:
    answer = client.post("/", files={"file": grey_png(0)})
    for page in (client.get("/").text, answer.text, client.get("/about").text):
        scripts = re.findall(r"<script([^>]*)>", page)
        assert all(" src=" in script or ' type="application/json"' in script for script in scripts)
        assert not re.search(r"<style|\sstyle=|\son\w+=", page)
        assert not re.search(r"""(?:href|src|action)=["'](?!/|#content|data:image/jpeg)""", page)


def test_the_policy_lets_in_what_is_ours_only_and_the_camera_for_ourselves(client: TestClient) -> None:
    headers = client.get("/").headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["permissions-policy"].startswith("camera=(self), ")
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"


def test_assets_are_served(client: TestClient) -> None:
    for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', client.get("/").text):
        assert client.get(path).status_code == 200, path


def test_the_answer_shows_picture_digit_confidence_and_all_six(client: TestClient, grey_png: GreyPng) -> None:
    response = client.post("/", files={"file": ("my hand.png", grey_png(255), "image/png")})
    assert response.status_code == 200
    page = response.text
    assert "This hand shows a 5" in page
    assert "my hand.png" in page
    assert re.search(r"sure: \d\d\.\d\u00a0%|certain: \d\d\.\d\u00a0%", page)
    assert re.search(r"Answered in \d+ ms by signs, version 1\.", page)
    page = shown(page)
    assert re.findall(r'<th scope="row">(\d)</th>', page) == list("012345")
    widths = [float(width) for width in re.findall(r'<rect width="([\d.]+)"', page)]
    assert widths[5] == max(widths)
    assert sum(widths) == pytest.approx(100, abs=0.3)
    picture = re.search(r'src="data:image/jpeg;base64,([^"]+)"', page)
    assert picture
    assert Image.open(io.BytesIO(base64.b64decode(picture[1]))).size == (90, 70)


def test_a_picture_of_no_sign_is_told_so(grey_png: GreyPng) -> None:
    with service(ConstantEngine([0.3, 0.2, 0.2, 0.1, 0.1, 0.1])) as client:
        page = client.post("/", files={"file": grey_png(0)}).text
    assert "This does not look like one of the six signs" in page
    assert "The best guess is a 0, at 30.0\u00a0%." in page
    assert "This hand shows" not in shown(page)


@pytest.mark.parametrize(
    ("name", "data", "status", "advice"),
    [
        ("", b"", 400, "Please choose a picture first"),
        ("a.png", b"no picture", 415, "The file is a text; send a JPEG"),
        (
            "a.pdf",
            b"%PDF-1.7",
            415,
            "The file is a PDF; send a JPEG, PNG, WebP, AVIF, HEIC, GIF, BMP or TIFF",
        ),
        ("a.png", b"\x89PNG\r\n\x1a\n", 422, "That picture is damaged"),
        ("a.png", bytes(2**20), 413, "At most 1 MB can be sent at once"),
    ],
)
def test_errors_are_friendly_pages(
    client: TestClient, name: str, data: bytes, status: int, advice: str
) -> None:
    response = client.post("/", files={"file": (name, data, "application/pdf")})
    assert response.status_code == status
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert advice in response.text
    assert response.headers["x-request-id"] in response.text


def test_a_form_without_the_file_is_a_friendly_page(client: TestClient) -> None:
    for response in (client.post("/"), client.post("/", files={"other": b"x"})):
        assert response.status_code == 400
        assert "Please choose a picture first" in response.text


def test_without_a_model_the_page_says_so(tmp_path: Path, grey_png: GreyPng) -> None:
    with TestClient(create_app(Settings(model_dir=tmp_path))) as client:
        assert client.get("/").status_code == 200
        response = client.post("/", files={"file": grey_png(0)})
    assert response.status_code == 503
    assert "The service is not ready yet" in response.text
    assert int(response.headers["retry-after"]) > 0


def test_names_of_files_are_escaped(client: TestClient, grey_png: GreyPng) -> None:
    page = client.post("/", files={"file": ('"><script>alert(1)</script>.png', grey_png(0))}).text
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;.png" in page


def test_where_keys_are_set_the_page_asks_for_one(grey_png: GreyPng) -> None:
    with service(api_keys=KEYS) as client:
        assert 'name="api_key"' in client.get("/").text
        for data in ({}, {"api_key": "guess"}):
            response = client.post("/", files={"file": grey_png(0)}, data=data)
            assert response.status_code == 401
            assert "Please enter a valid API key" in response.text
        assert client.post("/", files={"file": grey_png(0)}, data={"api_key": "sesame"}).status_code == 200


def test_links_hold_behind_a_proxy_that_strips_a_prefix(grey_png: GreyPng) -> None:
    with TestClient(create_app(Settings(), ConstantEngine()), root_path="/signs") as client:
        page = client.get("/").text
        assert 'action="/signs/"' in page
        assert set(re.findall(r'(?:href|src)="(/\w+/)', page)) == {"/signs/"}


def test_a_preview_is_small_upright_and_any_format(encode: Encode) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    data = encode(Image.new("RGB", (2000, 1000)), "TIFF", exif=turned)
    shown = Image.open(io.BytesIO(base64.b64decode(preview(data, 10**7).partition(",")[2])))
    assert (shown.format, shown.size) == ("JPEG", (SIDE // 2, SIDE))


def test_several_pictures_are_answered_on_one_page_and_a_bad_one_spoils_no_other(
    client: TestClient, grey_png: GreyPng
) -> None:
    contents = {"a.png": grey_png(0), "b.txt": b"hello", "c.png": grey_png(255)}
    files = [("file", (name, data)) for name, data in contents.items()]
    response = client.post("/", files=files)
    assert response.status_code == 200
    page = shown(response.text)
    told = re.findall(r"This hand shows a \d|The file is a text", page)
    assert told == ["This hand shows a 0", "The file is a text", "This hand shows a 5"]
    assert all(name in page for name in contents)
    assert "3 pictures read" in page


def test_several_files_of_which_none_is_a_picture_are_an_error(client: TestClient) -> None:
    files = [("file", ("a.txt", b"one")), ("file", ("b.txt", b"two"))]
    assert client.post("/", files=files).status_code == 415


@pytest.mark.parametrize("label", "012345")
def test_an_example_is_answered_without_a_file(client: TestClient, label: str) -> None:
    answer = client.post("/", data={"example": label}, files={"file": ("", b"")})
    assert answer.status_code == 200
    assert f"Example {label}" in shown(answer.text)
    assert client.get(f"/static/examples/{label}-small.webp").status_code == 200


def test_an_example_that_is_none_reads_no_file(client: TestClient) -> None:
    assert client.post("/", data={"example": "../../page.css"}, files={"file": ("", b"")}).status_code == 400


def test_the_page_is_light(client: TestClient) -> None:
    """What a first visit loads: the page, its styles, its modules and the small examples."""
    folder = FOLDER / "static"
    loaded = {path.relative_to(folder) for path in folder.rglob("*") if path.stem.endswith("-small")}
    loaded |= {path.relative_to(folder) for path in folder.glob("*.*") if path.name != "docs.js"}
    answers = [client.get("/"), *(client.get(f"/static/{path}") for path in loaded)]
    assert len(answers) > 20
    assert {answer.status_code for answer in answers} == {200}
    assert sum(int(answer.headers["content-length"]) for answer in answers) <= 60_000


def test_assets_are_compressed_and_asked_for_again(client: TestClient) -> None:
    answer = client.get("/static/page.css")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["cache-control"] == "no-cache"
    again = client.get("/static/page.css", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304

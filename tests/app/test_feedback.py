"""Corrections from the page: off by default, and with consent only."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.app.serving import service

GreyPng = Callable[[int], bytes]
Send = Callable[..., Any]
KEYS = {"ann": hashlib.sha256(b"sesame").hexdigest()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "corrections"


@pytest.fixture
def client(folder: Path) -> Iterator[TestClient]:
    with service(feedback_dir=folder) as client:
        yield client


def uri(data: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(data).decode()


def send(client: TestClient, picture: str, **changes: str) -> Any:
    """Posts the form as the page does; a change to an empty string leaves the field out."""
    fields = {"picture": picture, "label": "3", "consent": "yes"} | changes
    parts = {name: (None, value) for name, value in fields.items() if value}
    headers = {"sec-fetch-site": "same-origin"}
    return client.post("/feedback", files=parts, headers=headers)


def stored(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_off_means_no_route_and_no_word_of_it(grey_png: GreyPng) -> None:
    with service() as client:
        assert send(client, uri(grey_png(0))).status_code == 404
        for page in (client.get("/"), client.post("/", files={"file": grey_png(0)}), client.get("/about")):
            assert "feedback" not in page.text
            assert "Tell us" not in page.text


def test_a_correction_is_stored_under_its_digit(client: TestClient, folder: Path, grey_png: GreyPng) -> None:
    for label in ("3", "none"):
        answer = send(client, uri(grey_png(0)), label=label)
        assert answer.status_code == 201
        assert "Thank you" in answer.text
    assert [re.sub(r"/[0-9a-f]{24}\.jpg$", "/NAME", path) for path in stored(folder)] == [
        "3/NAME",
        "none/NAME",
    ]


def test_the_form_below_an_answer_works_without_a_script(
    client: TestClient, folder: Path, grey_png: GreyPng
) -> None:
    page = client.post("/", files={"file": grey_png(255)}).text
    found = re.search(r'name="picture" data-slot="keepsake" value="([^"]+)"', page)
    assert found
    assert 'name="consent" value="yes" required' in page
    assert send(client, found[1]).status_code == 201
    assert len(stored(folder)) == 1


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"consent": ""}, 400, "only with your consent"),
        ({"consent": "no"}, 400, "only with your consent"),
        ({"label": "6"}, 400, "expected the right digit among 0, 1, 2, 3, 4, 5, none"),
        ({"label": "../3"}, 400, "expected the right digit"),
        ({"label": ""}, 400, "expected the right digit"),
        ({"picture": "data:image/png;base64,%%%%"}, 422, "That picture is damaged"),
        ({"picture": ""}, 400, "Please choose a picture first"),
        ({"picture": "data:,JVBERi0xLjc="}, 415, "The file is a PDF"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_stored(
    client: TestClient, folder: Path, grey_png: GreyPng, changes: dict[str, str], status: int, words: str
) -> None:
    answer = send(client, **{"picture": uri(grey_png(0)), **changes})
    assert answer.status_code == status
    assert words.lower() in answer.text.lower()
    assert stored(folder) == []


def test_a_full_folder_says_so(folder: Path, grey_png: GreyPng) -> None:
    with service(feedback_dir=folder, feedback_quota=10) as client:
        answer = send(client, uri(grey_png(0)))
    assert answer.status_code == 507
    assert "No room for more pictures" in answer.text


def test_a_picture_over_the_limit_is_refused(folder: Path, grey_png: GreyPng) -> None:
    with service(feedback_dir=folder, feedback_max_bytes=50) as client:
        assert send(client, uri(grey_png(0))).status_code == 422


def test_a_folder_that_cannot_be_written_is_no_500(tmp_path: Path, grey_png: GreyPng) -> None:
    (tmp_path / "file").write_text("in the way")
    with service(feedback_dir=tmp_path / "file") as client:
        answer = send(client, uri(grey_png(0)))
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


def test_other_sites_cannot_fill_the_folder(client: TestClient, folder: Path, grey_png: GreyPng) -> None:
    parts = {"picture": (None, uri(grey_png(0))), "label": (None, "3"), "consent": (None, "yes")}
    for site in ("cross-site", "same-site"):
        answer = client.post("/feedback", files=parts, headers={"sec-fetch-site": site})
        assert answer.status_code == 403
    assert stored(folder) == []


def test_where_keys_are_set_one_is_needed(folder: Path, grey_png: GreyPng) -> None:
    with service(feedback_dir=folder, api_keys=KEYS) as client:
        assert send(client, uri(grey_png(0))).status_code == 401
        assert send(client, uri(grey_png(0)), api_key="sesame").status_code == 201


def test_an_empty_setting_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    from app.settings import Settings

    monkeypatch.setenv("SIGNS_FEEDBACK_DIR", "")
    assert Settings.load().feedback_dir is None

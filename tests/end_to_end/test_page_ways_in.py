"""Every way a picture comes into the page, in a real browser."""

from __future__ import annotations

import base64
import re

import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.browsing import answer_with, choose, encoded, grey, hand, submit, upload, verdict
from tests.end_to_end.conftest import OpenPage

DROP = """async ([kind, files]) => {
  const transfer = new DataTransfer();
  for (const [name, data] of files) {
    const bytes = Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0));
    transfer.items.add(new File([bytes], name));
  }
  const target = document.querySelector("footer, main");
  target.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
}"""
COPY = """async (data) => {
  const bytes = Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0));
  const item = new ClipboardItem({ "image/png": new Blob([bytes], { type: "image/png" }) });
  await navigator.clipboard.write([item]);
}"""


def base64_of(label: str) -> str:
    return base64.b64encode(encoded(grey(label))).decode()


def test_a_chosen_file_is_answered(page: Page) -> None:
    choose(page, hand("3"))
    assert verdict(page) == "This hand shows a 3"
    card = page.locator(".answer")
    expect(card.locator(".digit")).to_have_text("3")
    expect(card).to_contain_text(re.compile(r"(sure|certain|Not sure): \d+\.\d\s%"))
    expect(card).to_contain_text("The whole picture was looked at.")
    expect(card).to_contain_text(re.compile(r"Answered in \d+ ms by signs, version 1\."))
    expect(card.locator(".bars th")).to_have_text(list("012345"))
    expect(card.locator("img")).to_have_js_property("naturalWidth", 90)
    expect(page.locator("#announcer")).to_contain_text("This hand shows a 3.")


def test_what_was_looked_at_is_shown_in_the_picture(page: Page) -> None:
    answer_with(page, window={"x0": 0.25, "y0": 0.1, "x1": 0.75, "y1": 0.6})
    choose(page, hand("3"))
    expect(page.locator(".answer figcaption")).to_contain_text("The bright part is what was looked at.")
    shade, picture = page.locator(".answer .shade"), page.locator(".answer img")
    assert shade.locator("path").get_attribute("d") == "M0 0H1V1H0ZM0.25 0.1H0.75V0.6H0.25Z"
    expect(picture).to_have_js_property("complete", True)
    assert shade.bounding_box() == picture.bounding_box()


def test_a_doubtful_answer_says_what_helps(page: Page) -> None:
    answer_with(page, accepted=False)
    choose(page, hand("3"))
    assert verdict(page) == "This does not look like one of the six signs"
    expect(page.locator(".answer")).to_contain_text(re.compile(r"a 3, at 50\.0\s%\. What helps: one hand"))
    expect(page.locator(".digit").last).to_have_text("?")
    expect(page.locator("#history-list button")).to_have_attribute(
        "aria-label", "hand 3.png: no sign. Show it again"
    )


def test_several_files_are_answered_in_order_and_a_bad_one_spoils_no_other(page: Page) -> None:
    choose(page, hand("1"), upload("letter.pdf", b"%PDF-1.7", "application/pdf"), hand("5"))
    expect(page.locator("#announcer")).to_have_text("3 pictures read, 1 of them could not be answered")
    titles = ["This hand shows a 1", "That is no picture we can read", "This hand shows a 5"]
    expect(page.locator("#outcomes .card h2")).to_have_text(titles)
    expect(page.locator("#history-list li")).to_have_count(3)


def test_a_second_choice_takes_the_place_of_the_first(page: Page) -> None:
    choose(page, hand("1"), hand("2"))
    expect(page.locator(".answer")).to_have_count(2)
    choose(page, hand("4"))
    expect(page.locator(".answer")).to_have_count(1)
    assert verdict(page) == "This hand shows a 4"


def test_files_dropped_anywhere_are_read(page: Page) -> None:
    page.evaluate(DROP, ["dragover", []])
    expect(page.locator("#drop-here")).to_be_visible()
    page.evaluate(DROP, ["drop", [["a.png", base64_of("2")], ["b.png", base64_of("4")]]])
    expect(page.locator(".answer")).to_have_count(2)
    expect(page.locator("#drop-here")).to_be_hidden()
    assert (verdict(page), verdict(page, 1)) == ("This hand shows a 2", "This hand shows a 4")


def test_a_dropped_link_is_explained(page: Page) -> None:
    page.evaluate(DROP, ["drop", []])
    expect(page.get_by_role("alert")).to_contain_text("That was no picture file")


def test_a_pasted_picture_is_read(open_page: OpenPage) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.evaluate(COPY, base64_of("4"))
    page.keyboard.press("Control+V")
    assert verdict(page) == "This hand shows a 4"
    expect(page.locator(".answer figcaption")).to_contain_text("Pasted picture")


@pytest.mark.parametrize("script", [True, False])
def test_an_example_is_answered(open_page: OpenPage, script: bool) -> None:
    page = open_page(java_script_enabled=script)
    page.get_by_role("button", name="Example: a hand that signs 5").click()
    assert re.search(r"This hand shows a \d", verdict(page))
    expect(page.locator(".answer figcaption")).to_contain_text("Example 5")


def test_without_javascript_the_same_words_come_back(open_page: OpenPage) -> None:
    page, plain = open_page(), open_page(java_script_enabled=False)
    choose(page, hand("3"))
    submit(plain, hand("3"))
    told = [re.sub(r"\d+ ms", "", card.locator(".answer").inner_text()) for card in (page, plain)]
    assert told[0] == told[1]
    expect(plain.locator(".answer img")).to_have_js_property("naturalWidth", 90)
    for scripted in ("Use the camera", "Choose photos", "Download as CSV"):
        expect(plain.get_by_role("button", name=scripted)).to_be_hidden()


def test_without_javascript_several_files_and_errors_work(open_page: OpenPage) -> None:
    plain = open_page(java_script_enabled=False)
    files = [hand("0"), upload("film.mp4", b"\x00\x00\x00\x18ftypisom", "video/mp4"), hand("5")]
    submit(plain, *files)
    titles = ["This hand shows a 0", "That is no picture we can read", "This hand shows a 5"]
    expect(plain.locator("#outcomes .card h2")).to_have_text(titles)
    expect(plain.get_by_role("alert")).to_contain_text("The file is a video; send a JPEG")


def test_where_the_modules_fail_the_plain_form_comes_back(open_page: OpenPage, site: str) -> None:
    page = open_page("/about")
    page.route("**/reader.js", lambda route: route.abort())
    page.goto(site)
    expect(page.get_by_label("One or more photos")).to_be_visible()
    expect(page.get_by_role("button", name="Choose photos")).to_be_hidden()


@pytest.mark.parametrize(
    ("name", "data", "title", "text"),
    [
        ("letter.pdf", b"%PDF-1.7", "That is no picture we can read", "The file is a PDF; send a JPEG, PNG,"),
        ("hand.png", encoded(grey("1"))[:60], "That picture is damaged", "Try to open it on your device"),
        ("empty.jpg", b"", "Please choose a picture first", "No picture came"),
        ("huge.tiff", bytes(2**20 + 1), "That file is too large", "At most 1 MB can be sent at once."),
    ],
)
def test_errors_read_like_help(page: Page, name: str, data: bytes, title: str, text: str) -> None:
    choose(page, upload(name, data))
    alert = page.get_by_role("alert")
    expect(alert.locator("h2")).to_have_text(title)
    expect(alert).to_contain_text(text)
    expect(alert).to_contain_text(name)


def test_a_picture_that_only_the_service_can_show_is_answered(page: Page) -> None:
    choose(page, upload("scan.tiff", encoded(grey("2"), "TIFF")))
    assert verdict(page) == "This hand shows a 2"
    expect(page.locator(".answer")).to_contain_text("This browser cannot show the picture")
    expect(page.locator(".answer .photo")).to_be_hidden()

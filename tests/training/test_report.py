"""The page about a run: whole in one file, and true to the run's predictions."""

from __future__ import annotations

import base64
import io
import os
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.training.conftest import made_up_pictures, write_signs
from training.cli import main
from training.cross_validation import CROSS_VALIDATION
from training.dataset import LABELS, Examples
from training.errors import RunError
from training.report import write_report
from training.report_figures import curve_svg, gradient_svgs, reliability_svg
from training.report_pictures import SHOWN, class_rows, data_uri, mistake_cards
from training.run import load_network, predict, run_recipe
from training.scores import Predictions, Reliability
from training.split import load_split

GRADIENTS = "network,step,layer,depth,norm\n" + "".join(
    f"{network},{step},{layer},{depth},{10.0**-depth}\n"
    for network in ("plain", "residual")
    for step in (1, 2)
    for depth, layer in enumerate(("conv1", "res2a_branch2a", "fc6"))
)


class Page(HTMLParser):
    """What a browser would fetch, and how often each class of element is there."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = re.findall(r"url\(([^)#]+)\)|@import\s+(\S+)", text)
        self.classes: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.classes += (found.get("class") or "").split()
        for name in ("src", "href", "xlink:href", "srcset"):
            value = found.get(name) or ""
            if value and not value.startswith(("data:", "#")):
                self.fetched.append(value)


def linked(run: Path, to: Path) -> Path:
    """A run folder of its own that shares the large files."""
    shutil.copytree(run, to, copy_function=os.link)
    return to


@pytest.fixture(scope="module")
def run(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = linked(tiny_run, tmp_path_factory.mktemp("reported") / "tiny")
    (folder / "gradients.csv").write_text(GRADIENTS)
    return folder


@pytest.fixture(scope="module")
def page(run: Path, made_up_data: Path) -> str:
    return write_report(run, made_up_data).read_text(encoding="utf-8")


def test_the_page_fetches_nothing(page: str) -> None:
    assert Page(page).fetched == []
    assert "<script" not in page


def test_the_page_shows_every_mistake_and_all_its_probabilities(
    page: str, run: Path, made_up_data: Path
) -> None:
    recipe = run_recipe(run)
    _, validation = load_split(made_up_data, recipe.data, recipe.seed)
    predictions = predict(load_network(run), validation)
    assert len(predictions.mistakes), "two epochs on noise are expected to leave some"
    assert Page(page).classes.count("mistake") == len(predictions.mistakes)
    for index in predictions.mistakes:
        assert str(predictions.names[index]) in page
        for probability in predictions.probabilities[index]:
            assert f"{100 * probability:.1f} %" in page


def test_the_page_names_recipe_data_and_environment(page: str) -> None:
    assert "Run tiny" in page
    assert "24 pictures were trained on, 8 kept for validation" in page
    assert "tensorflow" in page
    assert "their hashes differ" not in page
    assert "fitted on these same pictures" in page


def test_the_page_shows_gradients_where_they_were_recorded(page: str) -> None:
    assert page.count("Gradient norm by step") == 2
    assert "<h3>residual</h3>" in page


def test_data_of_another_run_are_said_so(tiny_run: Path, tmp_path: Path) -> None:
    images, labels = made_up_pictures(32, seed=9)
    write_signs(tmp_path / "data" / "signs", "train", images, labels)
    folder = linked(tiny_run, tmp_path / "run")
    page = write_report(folder, tmp_path / "data").read_text(encoding="utf-8")
    assert "their hashes differ" in page
    (folder / CROSS_VALIDATION).write_text("{}")
    crossed = write_report(folder, tmp_path / "data").read_text(encoding="utf-8")
    assert "fitted on photos of people left out" in crossed
    assert "<h2>Gradients</h2>" not in page


def test_the_command_says_where_the_page_lies(
    run: Path, made_up_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(run), "--data", str(made_up_data)]) == 0
    assert capsys.readouterr().out == f"wrote {run / 'report.html'}\n"


def test_a_folder_that_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="not a run folder"):
        write_report(tmp_path, tmp_path)


def test_gradients_of_another_shape_are_refused(tmp_path: Path) -> None:
    (tmp_path / "gradients.csv").write_text("step,size\n1,2\n")
    with pytest.raises(RunError, match="expected a column for each of depth, layer, network, norm"):
        gradient_svgs(tmp_path / "gradients.csv")


def test_a_picture_survives_its_way_into_the_page() -> None:
    picture = made_up_pictures(1, seed=5)[0][0]
    encoded = data_uri(picture).removeprefix("data:image/png;base64,")
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded)))), picture)


def test_each_class_is_counted_and_shown() -> None:
    images, labels = made_up_pictures(7, seed=6)
    names = np.array([str(index) for index in range(7)])
    examples = Examples(images, labels, names, names)
    rows = class_rows(examples, examples.take(labels == 3))
    assert [row.label for row in rows] == list(LABELS)
    assert [row.train for row in rows] == [2, 1, 1, 1, 1, 1]
    assert [row.validation for row in rows] == [0, 0, 0, 1, 0, 0]
    assert [len(row.thumbnails) for row in rows] == [min(row.train, SHOWN) for row in rows]


def test_mistakes_come_with_the_most_confident_first() -> None:
    images, labels = made_up_pictures(3, seed=7)
    names = np.array(["a", "b", "c"])
    probabilities = np.full((3, 6), 0.1, np.float32)
    probabilities[0, 4], probabilities[1, 1], probabilities[2, 0] = 0.5, 0.5, 0.9
    cards = mistake_cards(Examples(images, labels, names, names), Predictions(names, labels, probabilities))
    assert [(card.name, card.truth, card.guess) for card in cards] == [("c", "2", "0"), ("a", "0", "4")]
    assert cards[1].probabilities[0] == ("4", 0.5)


def test_figures_take_their_colours_from_the_page() -> None:
    history = [{"epoch": 1.0, "loss": 2.0, "val_loss": 2.5}, {"epoch": 2.0, "loss": 1.0, "val_loss": 1.5}]
    nothing = np.zeros(15)
    empty = Reliability(nothing, nothing, nothing.astype(np.int64))
    for svg in (curve_svg(history, "loss"), reliability_svg(empty)):
        assert svg.startswith('<svg role="img" aria-label=')
        assert "var(--ink)" in svg
        assert "#01020" not in svg

"""From materials to a run that finds hands: mixed, trained, read, scored and exported."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from app.engines import ENGINES, load_engine, load_locator
from app.manifest import read_manifest
from app.proof import load_proven
from app.views import look
from tests.training.hand import write_hand
from training import locate, materials
from training.checkpoint import BEST, TUNED
from training.cross_validation import write_cross_validation
from training.cutouts import Cutouts, rendered
from training.dataset import load_signs
from training.errors import DataError, RunError
from training.evaluate import evaluate
from training.export import export
from training.fit import fit
from training.hand_model import load_hand
from training.locate import LOCATOR, train_locator
from training.materials import Materials, load_materials, make_materials
from training.network import ResNet50
from training.photo_evaluation import evaluate_photos
from training.photos import list_photos
from training.reader import run_reader
from training.robustness import TRIALS, measure_robustness
from training.run import run_recipe
from training.split import load_split

RECIPE = """
name = "strangers"
batch_size = 4
start = "tiny"
[data]
sources = ["signs"]
validation_fraction = 0.25
[[phases]]
size = 64
epochs = 1
[mixture]
photos = 0.5
batches = 1
[looks]
closeness = [1.2, 1.6]
mirror = true
as_is_to = 8
least_score = 0.0
locator_steps = 1
"""


@pytest.fixture(scope="module")
def strangers_data(made_up_data: Path) -> Path:
    """The made-up SIGNS with photos of four people beside it; two show no sign."""
    folder = made_up_data / "photos"
    rows = ["file,label,person,pose,box"]
    rng = np.random.default_rng(0)
    for number in range(8):
        label = "none" if number > 5 else str(number)
        (folder / label).mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 255, (60, 80, 3), np.uint8)
        Image.fromarray(pixels).save(folder / label / f"{number}.png")
        box = "0.2 0.2 0.7 0.8" if number % 2 else ""
        rows.append(f"{label}/{number}.png,{label},homes-{number % 4},palm,{box}")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    return made_up_data


@pytest.fixture(scope="module")
def mixed(strangers_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Materials:
    folder = tmp_path_factory.mktemp("materials")
    (folder / "backgrounds").mkdir()
    Image.new("RGB", (80, 60), "olive").save(folder / "backgrounds" / "a.png")
    with pytest.MonkeyPatch.context() as patch:
        # The made-up pictures show no hands, so nothing could be cut out of them.
        hands = [cutout for cutout, _ in rendered(load_hand(write_hand(folder / "hand.glb")), 6, seed=1)]
        cut = Cutouts(
            np.stack([cutout.pixels for cutout in hands]),
            np.array([cutout.box for cutout in hands], np.float32),
            np.arange(6),
            np.array([f"signs:{number}" for number in range(6)]),
        )
        patch.setattr(materials, "cut_from", lambda examples: cut)
        patch.setattr(
            materials, "load_digits", lambda path, labels: load_signs(path.parent / "signs", "train")
        )
        make_materials(strangers_data, folder / "hand.glb", 8, folder, say=lambda _: None)
    return load_materials(folder, folder / "backgrounds")


@pytest.fixture(scope="module")
def strangers_run(strangers_data: Path, mixed: Materials, tiny_run: Path) -> Path:
    """A run with a locator, beside the one that it starts from."""
    out = tiny_run.parent / "strangers"
    recipe = tiny_run.parent / "strangers.toml"
    recipe.write_text(RECIPE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(locate, "FRAMES", 8)
        patch.setattr(locate, "FRAMES_OF_PHOTOS", 8)
        train_locator(recipe, strangers_data, mixed, out)
    return fit(recipe, strangers_data, out, materials=mixed, say=lambda _: None)


def test_it_finds_looks_and_answers(strangers_run: Path, strangers_data: Path) -> None:
    reader = run_reader(strangers_run)
    photos = list_photos(strangers_data / "photos")
    answers = reader.read_photos(photos)
    assert answers.probabilities.shape == (8, 6)
    np.testing.assert_allclose(answers.probabilities.sum(axis=1), 1, rtol=1e-5)
    assert {len(windows) for windows in answers.windows} == {2}
    assert (len(answers.signs.photos), len(answers.no_signs.photos)) == (6, 2)


def test_its_scores_on_strangers_come_from_the_cross_validation(
    strangers_run: Path, strangers_data: Path
) -> None:
    answers = run_reader(strangers_run).read_photos(list_photos(strangers_data / "photos"))
    certain = np.eye(6, dtype=np.float32)[np.arange(8) % 6] * 0.7 + 0.05
    write_cross_validation(strangers_run, type(answers)(answers.photos, certain, answers.windows))
    report = evaluate(strangers_run, strangers_data, say=lambda _: None)
    assert (
        report["scores"]["homes_left_out"] | {"n": 6, "accuracy": 1.0} == report["scores"]["homes_left_out"]
    )
    assert report["strangers"]["no_signs"] == 2
    assert report["acceptance"]["true_acceptance_rate"] == 1
    scores = evaluate_photos(strangers_run, strangers_data / "photos", say=lambda _: None)
    assert (scores.n, scores.no_signs) == (6, 2)
    assert (strangers_run / "photos-worst.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((strangers_run / "photos.json").read_text())["n"] == 6


def test_its_robustness_is_drawn(strangers_run: Path, strangers_data: Path, mixed: Materials) -> None:
    recipe = run_recipe(strangers_run)
    _, validation = load_split(strangers_data, recipe.data, recipe.seed, lambda _: None)
    kept_back = replace(mixed.cut, groups=np.resize(validation.groups, len(mixed.cut)))
    trials = [replace(trial, values=trial.values[-2:]) for trial in TRIALS[:2]]
    curves = measure_robustness(
        strangers_run, strangers_data, replace(mixed, cut=kept_back), hands=2, trials=trials
    )
    assert [curve.values for curve in curves] == [trial.values for trial in trials]
    assert all(share in (0, 0.5, 1) for curve in curves for share in curve.accuracies)
    assert len((strangers_run / "robustness.csv").read_text().splitlines()) == 5
    assert (strangers_run / "robustness.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(DataError, match="kept back for validation, found none"):
        measure_robustness(strangers_run, strangers_data, mixed.without(mixed.cut.groups), hands=2)


@pytest.mark.parametrize("engine", ENGINES)
def test_exported_it_sees_and_answers_the_same(
    engine: str, strangers_run: Path, strangers_data: Path, tmp_path: Path
) -> None:
    if not (strangers_run / "evaluation.json").exists():
        evaluate(strangers_run, strangers_data, say=lambda _: None)
    folder = export(strangers_run, tmp_path, say=lambda _: None)
    manifest = read_manifest(folder)
    assert manifest.views.locating is not None
    assert manifest.views.as_is_to == 8
    assert len(manifest.golden.places) == 8
    version = load_proven(
        folder,
        lambda path: load_engine(engine, path, 1, "float32"),
        4,
        lambda path, side: load_locator(engine, path, side),
    )
    reader = run_reader(strangers_run)
    for photo in list_photos(strangers_data / "photos")[:4]:
        with Image.open(photo.path) as picture:
            seen = look(picture.convert("RGB"), manifest, version.locator)
            _, windows = reader.read([picture.convert("RGB")])
        for mine, theirs in zip(seen.windows, windows[0], strict=True):
            assert (mine.x0, mine.y1) == pytest.approx((theirs.x0, theirs.y1), abs=1e-3)
        assert seen.views.shape == (4, 64, 64, 3)


def test_a_share_of_the_start_stays_in_the_weights(
    strangers_run: Path, strangers_data: Path, mixed: Materials, tiny_run: Path, tmp_path: Path
) -> None:
    recipe, out = tmp_path / "recipe.toml", tmp_path / "out"
    recipe.write_text(RECIPE.replace('start = "tiny"', 'start = "tiny"\nstart_share = 0.25'))
    out.mkdir()
    (out / LOCATOR).write_bytes((strangers_run / LOCATOR).read_bytes())
    kept = []
    for _ in range(2):  # a run that is over stays as it is
        fit(recipe, strangers_data, out, materials=mixed, starts=tiny_run.parent, say=lambda _: None)
        kept.append(_weights(out / BEST))
    begun, tuned = _weights(tiny_run / BEST), _weights(out / TUNED)
    assert any((old != new).any() for old, new in zip(begun, tuned, strict=True))
    for old, new, *means in zip(begun, tuned, *kept, strict=True):
        for mean in means:
            np.testing.assert_allclose(mean, 0.25 * old + 0.75 * new, rtol=1e-5, atol=1e-6)


def _weights(path: Path) -> list[NDArray[np.float32]]:
    network = ResNet50()
    network.load_weights(path)
    return list(network.get_weights())


def test_a_mixture_needs_materials(strangers_run: Path, strangers_data: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected materials"):
        fit(strangers_run / "recipe.toml", strangers_data, tmp_path, say=lambda _: None)


def test_a_start_that_is_not_there_is_named(
    strangers_run: Path, strangers_data: Path, mixed: Materials, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / LOCATOR).write_bytes((strangers_run / LOCATOR).read_bytes())
    with pytest.raises(RunError, match="starts from the run tiny: train that first"):
        fit(
            strangers_run / "recipe.toml",
            strangers_data,
            tmp_path / "out",
            materials=mixed,
            say=lambda _: None,
        )

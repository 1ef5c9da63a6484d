"""Scores a run on any folder of photos, in numbers and a picture of its worst mistakes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageDraw

from training.checkpoint import replace_file
from training.evaluate import read_evaluation
from training.photo_scores import PhotoScores, caption, score_photos, sentences, worst
from training.photos import list_photos, read_photo
from training.plots import draw_pictures
from training.reader import PhotoAnswers, run_reader

PHOTO_EVALUATION = "photos.json"
WORST = "photos-worst.png"
SHOWN = 30


def evaluate_photos(run: Path, folder: Path, *, say: Callable[[str], None] = print) -> PhotoScores:
    """The run's scores on a folder with a `manifest.csv` or class folders.

    Writes `photos.json` and `photos-worst.png` into the run's folder. The threshold is the run's own, from
    `evaluate`. Raises `DataError` for a folder that is neither.
    """
    threshold = float(read_evaluation(run)["acceptance"]["threshold"])
    photos = list_photos(folder)
    answers = run_reader(run).read_photos(photos)
    scores = score_photos(answers, threshold)
    for line in sentences(scores):
        say(line)
    text = json.dumps(scores.as_dict(), indent=2) + "\n"
    replace_file(run / PHOTO_EVALUATION, lambda path: path.write_text(text, encoding="utf-8"))
    _draw_worst(answers, threshold, run / WORST)
    return scores


def _draw_worst(answers: PhotoAnswers, threshold: float, path: Path) -> None:
    indices = worst(answers, threshold, SHOWN)
    pictures = [_with_windows(answers, index) for index in indices]
    captions = [caption(answers, index) for index in indices]
    draw_pictures(pictures, captions, f"the {len(indices)} most confident mistakes", path)


def _with_windows(answers: PhotoAnswers, index: int) -> Image.Image:
    """The photo, small, with the windows that were looked at."""
    picture = read_photo(answers.photos[index], 256)
    draw = ImageDraw.Draw(picture)
    width, height = picture.size
    for window in answers.windows[index]:
        corners = (window.x0 * width, window.y0 * height, window.x1 * width - 1, window.y1 * height - 1)
        draw.rectangle(corners, outline="yellow", width=2)
    return picture

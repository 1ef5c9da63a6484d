"""What mixed pictures are made of, made once and kept in a folder: cutouts and backgrounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from training.backgrounds import Backgrounds, load_backgrounds
from training.cutouts import Cutouts, cut_from, load_cutouts, rendered, save_cutouts
from training.dataset import Examples, load_digits, load_signs, without_wrong_labels
from training.errors import DataError
from training.hand_model import load_hand

ALL_DIGITS = tuple(str(digit) for digit in range(10))


@dataclass(frozen=True, slots=True)
class Materials:
    """Hands without their backgrounds, and backgrounds without hands."""

    cut: Cutouts
    rendered: Cutouts
    backgrounds: Backgrounds

    def without(self, groups: np.typing.NDArray[np.str_]) -> Materials:
        """The same without the cutouts of some groups: people kept back."""
        return Materials(self.cut.take(~np.isin(self.cut.groups, groups)), self.rendered, self.backgrounds)


def make_materials(
    data: Path, hand: Path, count: int, out: Path, *, say: Callable[[str], None] = print
) -> None:
    """Renders `count` hands and cuts those of SIGNS and digits/ from their walls, into the folder `out`."""
    model = load_hand(hand)
    pixels, boxes, labels = [], [], []
    for cutout, label in tqdm(rendered(model, count, seed=0), total=count, unit="hand"):
        pixels.append(cutout.pixels)
        boxes.append(cutout.box)
        labels.append(label)
    names = np.array([f"rendered:{index}" for index in range(count)])
    save_cutouts(
        out / "rendered",
        Cutouts(np.stack(pixels), np.array(boxes, np.float32), np.array(labels, np.int64), names),
    )
    sources = [load_signs(data / "signs", "train"), load_digits(data / "digits", ALL_DIGITS)]
    examples, _ = without_wrong_labels(Examples.joined(sources))
    cut = cut_from(examples)
    save_cutouts(out / "cut", cut)
    say(f"{count} hands rendered, {len(cut)} of {len(examples)} cut out, into {out}")


def load_materials(folder: Path, backgrounds: Path) -> Materials:
    """What `make_materials` wrote, and every picture below `backgrounds`; raises `DataError`."""
    for name in ("cut", "rendered"):
        if not (folder / name / "pixels.npy").exists():
            raise DataError(f"{folder}: expected {name}/pixels.npy, made by `python -m training materials`")
    return Materials(
        load_cutouts(folder / "cut"), load_cutouts(folder / "rendered"), load_backgrounds(backgrounds)
    )

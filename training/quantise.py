"""The network in 8 bits beside the SavedModel, kept only where it reads as well as in float32."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import openvino
from numpy.typing import NDArray
from PIL import Image

from app.manifest import INT8_PATH, GoldenPair, InputSpec, PrecisionScore, Quantised, golden_input
from training.dataset import Examples
from training.errors import ExportError
from training.evaluate import hands_of_no_sign
from training.reader import Reader, recipe_views, run_locator
from training.run import run_recipe
from training.split import load_split

CALIBRATED_ON = 300
"""So many training pictures give the activations' ranges: NNCF's own default."""
SEED = 0
LARGEST_LOSS = 0.003
"""The most accuracy that may be lost on validation data, as a fraction."""
RATE_TOLERANCE = 0.01
"""How much fewer right answers, or more hands of no sign, may be accepted, as a fraction of them."""
GOLDEN_TOLERANCE = 0.15
"""For the golden outputs in int8. The golden inputs look like no picture the ranges were taken of."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A network in OpenVINO, which stands in a `Reader` where Keras's would."""

    network: openvino.CompiledModel

    def predict_on_batch(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities float32 [n, classes] of float32 [n, height, width, 3]."""
        probabilities: NDArray[np.float32] = self.network(images)[0]
        return probabilities


def add_int8(folder: Path, run: Path, data: Path, threshold: float, say: Callable[[str], None]) -> Quantised:
    """Writes the SavedModel in `folder` in int8 to `INT8_PATH` below it, and returns how it compares.

    It is calibrated on training pictures and read back to be scored, by the split of the run's recipe.
    Raises `ExportError` where accuracy or acceptance suffers by more than is allowed.
    """
    recipe = run_recipe(run)
    views, locator = recipe_views(recipe), run_locator(run, recipe)
    train, validation = load_split(data, recipe.data, recipe.seed)
    chosen = np.random.default_rng(SEED).permutation(len(train))[:CALIBRATED_ON]
    reader = Reader(_compiled(folder), views, locator)
    looks = reader.look(map(Image.fromarray, train.images[np.sort(chosen)]))
    write_int8(folder, np.concatenate([look.views for look in looks]))
    no_signs = hands_of_no_sign(data, validation)
    float32, int8 = (
        _score(each, validation, no_signs, threshold)
        for each in (reader, replace(reader, model=_compiled(folder / INT8_PATH)))
    )
    say(f"float32 reads {float32.accuracy:.1%} of the validation pictures, int8 {int8.accuracy:.1%}")
    check_scores(float32, int8)
    return Quantised(calibrated_on=len(chosen), n=len(validation), float32=float32, int8=int8)


def write_int8(folder: Path, shown: NDArray[np.float32]) -> None:
    """Quantises the SavedModel in `folder`; `shown` float32 [n, height, width, 3] calibrates it.

    Post-training quantisation by NNCF: weights and activations in 8 bits, the activations' ranges from
    what the network makes of `shown`, biases corrected for what rounding shifts.
    """
    os.environ["NNCF_CI"] = "1"  # else NNCF would report its use to its makers
    import nncf

    nncf.set_log_level(logging.ERROR)
    pictures = nncf.Dataset([picture[np.newaxis] for picture in shown])
    quantised = nncf.quantize(_widened(folder), pictures, subset_size=len(shown))
    (folder / INT8_PATH).parent.mkdir(parents=True, exist_ok=True)
    openvino.save_model(quantised, folder / INT8_PATH)


def _widened(folder: Path) -> openvino.Model:
    """The SavedModel with its weights in float32: NNCF stores no 8-bit weights of float16 ones."""
    network = openvino.Core().read_model(folder)
    for node in network.get_ordered_ops():
        if node.get_type_name() == "Convert":
            kept = node.input_value(0).get_node()
            if kept.get_type_name() == "Constant":
                wide = openvino.opset13.constant(kept.data.astype(np.float32))
                node.output(0).replace(wide.output(0))
    return network


def check_scores(float32: PrecisionScore, int8: PrecisionScore) -> None:
    """Raises `ExportError` unless int8 reads and accepts as float32 does, within what is allowed."""
    worse = {
        "accuracy": (float32.accuracy - int8.accuracy, LARGEST_LOSS),
        "acceptance of right answers": (
            float32.true_acceptance_rate - int8.true_acceptance_rate,
            RATE_TOLERANCE,
        ),
        "refusal of no signs": (
            (int8.false_acceptance_rate or 0.0) - (float32.false_acceptance_rate or 0.0),
            RATE_TOLERANCE,
        ),
    }
    for what, (loss, allowed) in worse.items():
        if loss > allowed:
            raise ExportError(
                f"int8 is worse than float32 in {what}: expected a loss of at most {allowed:.1%}, "
                f"found {loss:.1%}; nothing was exported"
            )


def check_golden_in_int8(folder: Path, pairs: tuple[GoldenPair, ...]) -> float:
    """The largest difference to the golden outputs; raises `ExportError` above `GOLDEN_TOLERANCE`."""
    inputs = np.concatenate([golden_input(pair.seed, InputSpec()) for pair in pairs])
    answers = _compiled(folder / INT8_PATH).predict_on_batch(inputs)
    difference = float(np.abs(answers - [pair.probabilities for pair in pairs]).max())
    if not difference <= GOLDEN_TOLERANCE:
        raise ExportError(
            f"int8 answers the golden inputs otherwise: expected a difference of at most {GOLDEN_TOLERANCE}, "
            f"found {difference:.2g}; nothing was exported"
        )
    return difference


def _compiled(path: Path) -> Compiled:
    return Compiled(openvino.compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}))


def _score(
    reader: Reader, validation: Examples, no_signs: Examples | None, threshold: float
) -> PrecisionScore:
    answers = reader.read_examples(validation)
    right = answers.confidence[answers.correct]
    others = None if no_signs is None else reader.read_examples(no_signs).confidence
    return PrecisionScore(
        accuracy=answers.accuracy,
        true_acceptance_rate=_share(right, threshold),
        false_acceptance_rate=None if others is None else _share(others, threshold),
    )


def _share(confidence: NDArray[np.float32], threshold: float) -> float:
    """The share that is accepted; 0 of none."""
    return float((confidence >= threshold).mean()) if len(confidence) else 0.0

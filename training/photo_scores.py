"""How good a run is on photos of strangers: by class, person, collection and pose, and on no sign at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from training.dataset import LABELS
from training.photos import Photo
from training.reader import PhotoAnswers
from training.scores import auroc


@dataclass(frozen=True, slots=True)
class PhotoScores:
    """Shares are in 0..1; None where there is nothing to take a share of."""

    n: int
    accuracy: float | None
    calibration_error: float | None
    per_label: dict[str, float]
    per_person: dict[str, float]
    per_source: dict[str, float]
    per_pose: dict[str, float]
    no_signs: int
    auroc: float | None
    """Of confidence, right answers against pictures without a sign."""
    true_acceptance: float | None
    """The share of right answers that the threshold lets through."""
    rejection: float | None
    """The share of pictures without a sign that it does not."""

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def score_photos(answers: PhotoAnswers, threshold: float) -> PhotoScores:
    """The scores of a run's answers at its threshold of acceptance."""
    signs, others = answers.signs, answers.no_signs
    right = signs.predictions.confidence[signs.predictions.correct]
    wrong_kind = others.predictions.confidence
    there = len(signs.photos) > 0
    return PhotoScores(
        n=len(signs.photos),
        accuracy=signs.predictions.accuracy if there else None,
        calibration_error=signs.predictions.reliability.calibration_error if there else None,
        per_label=_shares(signs, lambda photo: photo.label),
        per_person=_shares(signs, lambda photo: photo.person),
        per_source=_shares(signs, lambda photo: photo.source),
        per_pose=_shares(signs, lambda photo: photo.pose),
        no_signs=len(others.photos),
        auroc=auroc(right, wrong_kind) if len(right) and len(wrong_kind) else None,
        true_acceptance=float((right >= threshold).mean()) if len(right) else None,
        rejection=float((wrong_kind < threshold).mean()) if len(wrong_kind) else None,
    )


def _shares(answers: PhotoAnswers, key: Callable[[Photo], str]) -> dict[str, float]:
    """The accuracy of each group of photos, by the group's name."""
    names = np.array([key(photo) for photo in answers.photos])
    return {
        name: float(answers.predictions.correct[names == name].mean()) for name in np.unique(names).tolist()
    }


def sentences(scores: PhotoScores) -> list[str]:
    """The scores in lines for a terminal."""
    lines = []
    if scores.accuracy is not None:
        lines.append(
            f"{scores.n} photos of signs: {scores.accuracy:.1%} right, "
            f"calibration error {scores.calibration_error:.3f}"
        )
        groups = (("sign", scores.per_label), ("pose", scores.per_pose), ("collection", scores.per_source))
        lines += [f"  by {name}: {_listed(group)}" for name, group in groups]
        lines.append(f"  by person: {_listed(scores.per_person)}")
    if scores.no_signs:
        lines.append(f"{scores.no_signs} photos of no sign: {_percent(scores.rejection)} not accepted")
    if scores.auroc is not None:
        lines.append(
            f"confidence tells right answers from no sign: AUROC {scores.auroc:.3f}; "
            f"{_percent(scores.true_acceptance)} of right answers accepted"
        )
    return lines


def _listed(group: dict[str, float]) -> str:
    return ", ".join(f"{name or 'unknown'} {share:.0%}" for name, share in group.items())


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def worst(answers: PhotoAnswers, threshold: float, count: int) -> Sequence[int]:
    """The most confident mistakes: signs misread, and accepted pictures of no sign; indices, worst first."""
    predictions = answers.predictions
    mistaken = ~predictions.correct & ((predictions.labels >= 0) | (predictions.confidence >= threshold))
    order = np.argsort(-predictions.confidence, kind="stable")
    return [int(index) for index in order if mistaken[index]][:count]


def caption(answers: PhotoAnswers, index: int) -> str:
    """`3 read as 5, 87%`."""
    guess = LABELS[answers.predictions.guesses[index]]
    return f"{answers.photos[index].label} read as {guess}, {answers.predictions.confidence[index]:.0%}"

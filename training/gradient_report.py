"""What the gradient study shows, in sentences read off its data."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from pathlib import Path

from training.dataset import LABELS
from training.gradient_figures import shown_steps
from training.gradient_study import Recording
from training.page import inlined, write_page

VANISHED, EXPLODED = 1e-3, 1e3
"""A first layer whose gradient is below or above these shares of the last layer's is called so here."""

LEARNT = 0.98
"""A mean loss below this share of a guess's counts as having learnt something."""

CLAIM = (
    "The claim under test: in a very deep plain network the gradient of the shallow layers falls to zero as "
    "training proceeds, and shortcuts prevent it."
)


def findings(recordings: Sequence[Recording]) -> list[str]:
    """One sentence a network, then what the comparison of the networks says of the claim."""
    return [*(_told(recording) for recording in recordings), *_compared(recordings)]


def vanishes(recording: Recording) -> bool:
    """Whether the first layer's gradient ends below `VANISHED` of the last layer's."""
    return recording.first_to_last(recording.steps) < VANISHED


def _told(recording: Recording) -> str:
    shares = ", ".join(f"{recording.first_to_last(step):.2g}" for step in shown_steps(recording))
    steps = ", ".join(str(step) for step in shown_steps(recording))
    return (
        f"{recording.network}: the first layer's gradient {_fate(recording)}. It is {shares} of the last "
        f"layer's at steps {steps}; the mean loss of the epoch went from {recording.losses[0]:.2f} "
        f"to {recording.losses[-1]:.2f}{_lesson(recording)}."
    )


def _lesson(recording: Recording) -> str:
    """A remark where the loss never left that of a guess, ln 6."""
    return "" if recording.losses[-1] < LEARNT * log(len(LABELS)) else ": so far it has learnt nothing"


def _fate(recording: Recording) -> str:
    if vanishes(recording):
        return "vanishes"
    exploded = recording.first_to_last(1) > EXPLODED
    return "explodes at first, and does not vanish" if exploded else "does not vanish"


def _compared(recordings: Sequence[Recording]) -> list[str]:
    found = {recording.network: recording for recording in recordings}
    sentences = []
    for ending, condition in (("", "With"), ("-without-bn", "Without")):
        plain, residual = found.get("plain" + ending), found.get("residual" + ending)
        if plain and residual:
            sentences.append(f"{condition} batch normalisation {_verdict(plain, residual)}")
    return sentences


def _verdict(plain: Recording, residual: Recording) -> str:
    if vanishes(plain) and not vanishes(residual):
        return (
            "the claim holds here: the plain network's gradient vanishes and the residual network's does not."
        )
    if vanishes(plain):
        return "the gradient vanishes in both networks here: shortcuts alone do not prevent it."
    fails = "the claim does not hold here: the plain network's gradient does not vanish either"
    plain_loss, residual_loss = plain.losses[-1], residual.losses[-1]
    speed = "more slowly" if plain_loss > residual_loss else "no more slowly"
    return (
        f"{fails}. It learns {speed}: its loss ended at {plain_loss:.2f}, "
        f"the residual network's at {residual_loss:.2f}."
    )


def write_report(recordings: Sequence[Recording], out: Path) -> None:
    """Writes `out/report.html`, one page with both figures and the sentences; no outside asset."""
    write_page(
        out / "report.html",
        "gradients.html",
        claim=CLAIM,
        findings=findings(recordings),
        vanished=VANISHED,
        rows=[(each.network, _shares(each)) for each in recordings],
        by_step=inlined((out / "gradients.png").read_bytes()),
        by_depth=inlined((out / "depth.png").read_bytes()),
    )


def _shares(recording: Recording) -> list[tuple[int, str, str]]:
    return [
        (step, f"{recording.first_to_last(step):.2e}", f"{recording.ratios[step - 1, 0]:.2e}")
        for step in shown_steps(recording)
    ]

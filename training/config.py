"""A recipe: one committed file that names a whole training run."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from training.errors import RecipeError
from training.precision import Precision

RECIPES = Path(__file__).parent / "recipes"

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(gt=0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Data(_Part):
    """What is trained on, and what is kept back to choose by."""

    sources: Annotated[tuple[Literal["signs", "digits"], ...], Field(min_length=1)]
    validation_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.15
    """The share of groups (people, or pictures with their exact copies) kept for validation."""


class Network(_Part):
    """Which of the 50-layer networks."""

    shortcuts: bool = True
    batch_norm: bool = True
    zero_last_gamma: bool = False
    """Start every residual block as the identity (Goyal et al. 2017, section 5.1)."""


class Optimizer(_Part):
    """How the weights move; the learning rate rises over `warmup_epochs`, then follows `schedule`."""

    name: Literal["adam", "adamw", "sgd"] = "adamw"
    learning_rate: Positive = 1e-3
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    schedule: Literal["constant", "cosine"] = "cosine"
    warmup_epochs: Annotated[float, Field(ge=0)] = 0
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0


class Phase(_Part):
    """So many epochs on pictures of one size; the trunk is convolutional, so the weights carry over."""

    size: Annotated[int, Field(ge=32, le=64)] = 64
    epochs: Count


class Augmentation(_Part):
    """The ranges from which each picture's changes are drawn; all off by default."""

    flip: bool = False
    rotation: Annotated[float, Field(ge=0, le=180)] = 0.0
    """Degrees to either side."""
    zoom: tuple[Positive, Positive] = (1.0, 1.0)
    """The hand's size, as a factor; drawn evenly on a log scale."""
    shift: Fraction = 0.0
    """To either side, as a fraction of the picture."""
    perspective: Fraction = 0.0
    brightness: Fraction = 0.0
    contrast: Fraction = 0.0
    saturation: Fraction = 0.0
    hue: Fraction = 0.0
    """As a fraction of the whole colour circle, to either side."""
    blur: Annotated[float, Field(ge=0, le=4)] = 0.0
    """The largest Gaussian radius, in pixels."""
    noise: Fraction = 0.0
    cutout: Fraction = 0.0
    """The largest side of a square painted over, as a fraction of the picture."""
    probability: Fraction = 0.5
    """How often blur, noise and cutout each happen."""


class Mixture(_Part):
    """How often each kind of picture is drawn, relative to the others; a recipe with it needs materials.

    `plain` are SIGNS and digits/ as they are; `cut` and `rendered` hands are laid into rooms; `photos` are
    close looks at real ones; `empty` rooms and `partial` hands show no sign.
    """

    plain: Fraction = 0.2
    cut: Fraction = 0.2
    rendered: Fraction = 0.43
    photos: Fraction = 0.0
    no_sign: Positive = 1.0
    """How often a photo of one collection shows no sign, relative to each of the signs."""
    empty: Fraction = 0.12
    partial: Fraction = 0.05
    batches: Count = 100
    """What counts as one epoch: pictures are made anew for ever."""
    closeness: tuple[Positive, Positive] = (1.0, 1.7)
    """From where to where the window's side is drawn, in longer sides of the hand's box."""
    off_centre: Fraction = 0.07
    """How far, in windows, the hand may lie from the middle: locators err."""


class Looks(_Part):
    """How a photo is looked at once its hand is found; see `app.manifest.Views`."""

    closeness: Annotated[tuple[Positive, ...], Field(min_length=1)] = (1.3,)
    mirror: bool = False
    alternate: bool = False
    as_is_to: Annotated[int, Field(ge=0)] = 0
    least_score: Fraction = 0.2
    locator_steps: Count = 2000
    """How many batches the locator learns from; it goes on from that of the recipe's `start`, if any."""


class Expected(_Part):
    """What the recipe gave when it was committed."""

    minutes: Positive | None = None
    machine: str = ""
    scores: dict[str, Fraction] = {}


class Recipe(_Part):
    """A whole run; see the fields' own descriptions."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1
    batch_size: Count = 32
    precision: Precision = "float32"
    early_stopping_epochs: Annotated[int, Field(ge=0)] = 0
    """Stop a phase after so many epochs without a better validation loss; 0: never."""
    data: Data
    network: Network = Network()
    optimizer: Optimizer = Optimizer()
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]
    augmentation: Augmentation = Augmentation()
    mixture: Mixture | None = None
    looks: Looks | None = None
    start: str = ""
    """The recipe whose run, in the folder beside this one's, gives the first weights; empty: none."""
    start_share: Fraction = 0.0
    """How much of the first weights is kept: the last ones become a mean of both (Wortsman et al. 2022,
    "Robust fine-tuning of zero-shot models"), so that a lesson costs less of what was learnt before it."""
    left_out: tuple[str, ...] = ()
    """People, or whole collections, of photos/ that neither network may see: to be tested on."""
    expected: Expected = Expected()

    @model_validator(mode="after")
    def _gamma_needs_batch_norm(self) -> Self:
        if self.network.zero_last_gamma and not self.network.batch_norm:
            raise ValueError("zero_last_gamma needs batch_norm")
        return self

    @model_validator(mode="after")
    def _share_needs_start(self) -> Self:
        if self.start_share and not self.start:
            raise ValueError("start_share needs a start")
        return self

    def trains_as(self, other: Recipe) -> bool:
        """Whether two recipes are the same but for what they are expected to give."""
        return self.model_copy(update={"expected": other.expected}) == other

    @property
    def epochs(self) -> int:
        """The epochs of all phases together."""
        return sum(phase.epochs for phase in self.phases)


def read_recipe(path: Path) -> Recipe:
    """Reads and validates a recipe; raises `RecipeError` that names the file and every wrong key."""
    try:
        return Recipe.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        choices = ", ".join(str(found) for found in sorted(RECIPES.glob("*.toml")))
        raise RecipeError(f"{path}: no such recipe; committed ones are {choices or 'none'}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: not a TOML file: {error}") from error
    except ValidationError as error:
        raise RecipeError(f"{path}: {_in_words(error)}") from error


def _in_words(error: ValidationError) -> str:
    """`data.sources: Input should be ...; colour: unknown key`."""
    return "; ".join(
        f"{'.'.join(map(str, fault['loc'])) or 'recipe'}: "
        + ("unknown key" if fault["type"] == "extra_forbidden" else fault["msg"])
        for fault in error.errors()
    )

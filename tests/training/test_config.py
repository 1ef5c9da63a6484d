"""A recipe is complete and valid, or refused with every fault named."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from training.config import RECIPES, read_recipe
from training.errors import RecipeError

LEAST = 'name = "x"\n[data]\nsources = ["signs"]\n[[phases]]\nepochs = 2\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_committed_recipes_are_valid_and_named_by_their_file(path: Path) -> None:
    recipe = read_recipe(path)
    assert recipe.name == path.stem
    assert recipe.expected.minutes, "a committed recipe says how long it takes"
    assert recipe.expected.scores, "a committed recipe says what it gave"


def test_a_recipe_is_frozen(tmp_path: Path) -> None:
    recipe = read_recipe(written(tmp_path, LEAST))
    assert recipe.epochs == 2
    with pytest.raises(ValidationError):
        recipe.seed = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LEAST.replace('"signs"', '"cats"'), "data.sources.0: Input should be 'signs'"),
        ("colour = 1\n" + LEAST, "colour: unknown key"),
        (LEAST + "[optimizer]\nspeed = 1\n", "optimizer.speed: unknown key"),
        (LEAST + "[optimizer]\nlearning_rate = -1\n", "optimizer.learning_rate"),
        (LEAST + "[optimizer]\nlearning_rate = inf\n", "optimizer.learning_rate"),
        (
            LEAST + "[network]\nzero_last_gamma = true\nbatch_norm = false\n",
            "zero_last_gamma needs batch_norm",
        ),
        ("start_share = 0.5\n" + LEAST, "start_share needs a start"),
        ('name = "x"\n', "phases: Field required"),
        ("= nonsense", "not a TOML file"),
    ],
)
def test_a_fault_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=r"recipe\.toml") as caught:
        read_recipe(written(tmp_path, text))
    assert message in str(caught.value)


def test_a_missing_recipe_names_the_committed_ones(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"no such recipe.*signs\.toml"):
        read_recipe(tmp_path / "none.toml")

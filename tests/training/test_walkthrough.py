"""The walk-through's commands run as they stand, at small sizes; what it shows is there."""

from __future__ import annotations

import inspect
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.training.conftest import TINY_RECIPE
from training import network
from training.cli import main

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "training.md"
TEXT = PAGE.read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.S) for line in block.splitlines()]
SMALLER = {"gradients": ["--epochs", "1", "--size", "32", "--networks", "residual"]}
"""What a command is given besides, so that it takes seconds."""
MADE = {
    "describe": ["network.svg"],
    "gradients": ["runs/gradients/gradients.csv", "runs/gradients/report.html"],
    "fit": ["runs/signs/best.weights.h5", "runs/signs/curves.png", "runs/signs/tensorboard/train"],
    "evaluate": ["runs/signs/evaluation.json", "runs/signs/confusion-signs_test.png"],
    "report": ["runs/signs/report.html"],
    "export": ["model/signs/1/saved_model.pb", "model/signs/1/assets.extra/manifest.json"],
}


class Walk:
    """The page's training commands, each run once, in their order."""

    def __init__(self, room: Path) -> None:
        self.room = room
        self.done: list[str] = []
        self._left = [shlex.split(line) for line in COMMANDS if " -m training " in line]

    def up_to(self, command: str) -> None:
        """Runs what comes before a command on the page, and the command itself."""
        while command not in self.done:
            start, _, module, name, *rest = self._left.pop(0)
            assert (start, module) == (".venv/bin/python", "training")
            assert main([name, *rest, *SMALLER.get(name, [])]) == 0, name
            self.done.append(name)


@pytest.fixture(scope="module")
def walk(made_up_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """A walk in a folder like the repository's root, with a short recipe, made-up data and a photo."""
    room = tmp_path_factory.mktemp("room")
    (room / "training" / "recipes").mkdir(parents=True)
    recipe = TINY_RECIPE.rpartition("[[phases]]")[0].replace('"tiny"', '"signs"')
    # Half of the pictures hold every class, so even a network that always answers the same is right once.
    recipe = recipe.replace("validation_fraction = 0.25", "validation_fraction = 0.5")
    (room / "training" / "recipes" / "signs.toml").write_text(recipe)
    Image.effect_noise((90, 120), 60).convert("RGB").save(room / "photo.jpg")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGNS_DATA", str(made_up_data))
        patch.chdir(room)
        yield Walk(room)


@pytest.mark.parametrize("command", MADE)
def test_a_command_makes_what_the_page_says(walk: Walk, command: str) -> None:
    walk.up_to(command)
    assert [name for name in MADE[command] if not (walk.room / name).exists()] == []


def test_every_command_is_on_the_page_once() -> None:
    assert re.findall(r"-m training (\w+)", "\n".join(COMMANDS)) == list(MADE)


def test_tensorboard_finds_the_epoch(walk: Walk) -> None:
    walk.up_to("fit")
    assert logged_epochs(walk.room / "runs" / "signs" / "tensorboard" / "validation") == 1


def logged_epochs(folder: Path) -> int:
    """How many validation losses TensorBoard finds."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log = EventAccumulator(str(folder))
    log.Reload()
    return len(log.Tensors("epoch_loss"))


def test_the_exported_model_answers(walk: Walk) -> None:
    walk.up_to("export")
    (line,) = [line for line in COMMANDS if " -m app " in line]
    command = [sys.executable, *shlex.split(line)[1:]]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    answer = subprocess.run(
        command, cwd=walk.room, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert re.fullmatch(r"[0-5] +[\d.]+% +(doubtful)? +photo\.jpg", answer.stdout.splitlines()[-1])


def test_every_picture_is_there_and_small() -> None:
    pictures = [PAGE.parent / name for name in re.findall(r"!\[[^]]+\]\(([^)]+)\)", TEXT)]
    assert len(pictures) >= 4
    assert [path.name for path in pictures if not path.is_file()] == []
    assert [path.name for path in pictures if path.stat().st_size > 200_000] == []


def test_every_link_within_the_repository_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", TEXT)
    assert [link for link in links if not (PAGE.parent / link).exists()] == []


@pytest.mark.parametrize("block", ["identity_block", "convolutional_block"])
def test_the_blocks_are_those_of_the_source(block: str) -> None:
    (shown,) = re.findall(rf"def {block}\(.*?```", TEXT, re.S)
    body = shown.removesuffix("```").split(":\n", 1)[1].strip()
    source = inspect.getsource(getattr(network, block))
    assert source.rstrip().endswith(body)
    names = list(inspect.signature(getattr(network, block)).parameters)
    assert [re.split("[= ]", name)[0] for name in signature(shown)] == names


def signature(shown: str) -> list[str]:
    """The parameters as the page writes them."""
    parameters = shown[shown.index("(") + 1 : shown.index("):")].split(", ")
    return [parameter for parameter in parameters if parameter != "*"]

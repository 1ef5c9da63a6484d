"""New versions under load, every fourth of them broken: `python -m tests.soak.swaps --swaps 20`."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from app.manifest import MANIFEST_PATH, read_manifest, write_manifest
from tests.conftest import ROOT
from tests.soak.client import Answer, client_of, get, photo
from tests.soak.load import ask_once
from tests.soak.report import Figure, options_of, publish
from tests.soak.service import Service, running_service

MODEL = ROOT / "model" / "signs"
CLIENTS = 3
EVERY = 4
POLL_SECONDS = 0.2
MOST_GROWTH = 0.1
PATIENCE = 300.0
PHOTOS = [photo(seed) for seed in range(8)]


async def measure(service: Service, versions: Path, whole: Path, swaps: int) -> list[Figure]:
    """Figures of `swaps` versions made of the one in `whole` and put into the served folder, `versions`."""
    answers, stop = list[Answer](), asyncio.Event()
    asking = asyncio.gather(*(_ask(service.port, stop, answers) for _ in range(CLIENTS)))
    before, served, refused = service.memory(), 0, 0
    for number in range(2, swaps + 2):
        if number % EVERY:
            put(whole, versions, number)
            served += await _until(service, lambda model, n=number: model["version"] == n)
            shutil.rmtree(_oldest(versions))
        else:
            spoil(put(whole, versions, number), number // EVERY)
            refused += await _until(service, lambda model, n=number: (n, "refused") in _states(model))
            shutil.rmtree(versions / str(number))
    await asyncio.sleep(5 * POLL_SECONDS)
    after = service.memory()
    stop.set()
    await asking
    broken = sum(number % EVERY == 0 for number in range(2, swaps + 2))
    failed = sum(answer.status != 200 for answer in answers)
    seen = len({json.loads(answer.body)["model"]["version"] for answer in answers if answer.status == 200})
    growth = after / before - 1
    return [
        Figure(
            "good versions that came to serve", str(served), str(swaps - broken), served == swaps - broken
        ),
        Figure("broken versions refused with their reason", str(refused), str(broken), refused == broken),
        Figure("requests answered meanwhile", f"{len(answers)}, by {seen} versions"),
        Figure("requests failed", str(failed), "0", failed == 0),
        Figure("resident memory before", f"{before:.0f} MB"),
        Figure("resident memory after", f"{after:.0f} MB ({growth:+.1%})", "< +10 %", growth < MOST_GROWTH),
    ]


def put(whole: Path, versions: Path, number: int) -> Path:
    """A copy of a version under another number, whole from the moment that it appears."""
    folder = versions / f".{number}"
    shutil.copytree(whole, folder)
    write_manifest(folder, read_manifest(whole).model_copy(update={"version": number}))
    return folder.rename(versions / str(number))


def _oldest(versions: Path) -> Path:
    return min(versions.iterdir(), key=lambda folder: int(folder.name))


def spoil(folder: Path, kind: int) -> None:
    """Breaks a version in one of four ways."""
    spoilers: tuple[Callable[[], object], ...] = (
        lambda: (folder / "saved_model.pb").unlink(),
        lambda: (folder / "surplus").write_bytes(b"x"),
        lambda: (folder / MANIFEST_PATH).write_text("{}", encoding="utf-8"),
        lambda: _expect_other_answers(folder),
    )
    spoilers[kind % len(spoilers)]()


def _expect_other_answers(folder: Path) -> None:
    manifest = read_manifest(folder)
    pairs = [
        pair.model_copy(update={"probabilities": pair.probabilities[::-1]}) for pair in manifest.golden.pairs
    ]
    golden = manifest.golden.model_copy(update={"pairs": tuple(pairs)})
    write_manifest(folder, manifest.model_copy(update={"golden": golden}))


async def _ask(port: int, stop: asyncio.Event, answers: list[Answer]) -> None:
    async with client_of(port) as client:
        while not stop.is_set():
            answers.append(await ask_once(client, PHOTOS[len(answers) % len(PHOTOS)]))


async def _until(service: Service, holds: Callable[..., bool]) -> bool:
    """Whether it comes to hold of `/model`."""
    end = time.monotonic() + PATIENCE
    async with client_of(service.port) as client:
        while time.monotonic() < end:
            answer = await client.ask(get("/model"))
            if answer.status == 200 and holds(json.loads(answer.body)):
                return True
            await asyncio.sleep(POLL_SECONDS)
    return False


def _states(model: dict[str, list[dict[str, object]]]) -> list[tuple[object, object]]:
    return [(each["version"], each["state"]) for each in model["versions"]]


def main() -> int:
    """Runs the command."""
    options = options_of(__doc__, swaps=20)
    whole = max(MODEL.iterdir(), key=lambda folder: int(folder.name))
    with tempfile.TemporaryDirectory() as folder:
        versions = Path(folder)
        put(whole, versions, 1)
        with running_service(model_dir=versions, poll_seconds=POLL_SECONDS) as service:
            figures = asyncio.run(measure(service, versions, whole, options.swaps))
    return publish("swaps", "New versions under load", figures, options)


if __name__ == "__main__":
    sys.exit(main())

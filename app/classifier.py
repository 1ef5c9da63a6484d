"""The one thing that routes talk to: bytes in, a prediction out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

from app.batcher import Batcher
from app.compiled_networks import kept_networks, one_process_at_a_time
from app.deadline import Within
from app.decoder import Decoder
from app.engines import load_engine, load_locator
from app.engines.base import MOST_LANES, Engine, Float32Array, Locator
from app.engines.constant import constant_manifest
from app.errors import NotReady
from app.manifest import Manifest
from app.memory import available_share
from app.observer import Observer
from app.prediction import Prediction, predict_all
from app.proof import LoadedVersion
from app.repository import Repository, VersionStatus
from app.settings import Settings
from app.tensors import check_count, check_tensor, joined
from app.threads import plan_threads, step_back

logger = logging.getLogger(__name__)

__all__ = ["Classifier", "Prediction", "build_classifier"]


class Classifier:
    """Looks after the serving version, has pictures decoded, and ranks what the network says.

    All methods belong to one event loop. `source` is a repository, or a version that is there already.
    """

    def __init__(
        self, settings: Settings, source: Repository | LoadedVersion, observer: Observer | None = None
    ) -> None:
        self._settings = settings
        self._observer = observer or Observer()
        self._source = source
        self._version: LoadedVersion | None = None
        self._batcher: Batcher | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._looked = asyncio.Event()
        self._draining = self._closed = False
        self._plan = plan_threads(settings.threads, workers=settings.workers)
        self._decoder = Decoder(settings.max_pixels, self._plan.decode, self._observer)
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="load", initializer=step_back)

    @property
    def manifest(self) -> Manifest:
        """The manifest of the serving version; raises `NotReady`."""
        return self._ready()[0].manifest

    @property
    def model_name(self) -> str:
        """The serving version's name; until one serves, that of the model folder."""
        return self._version.manifest.name if self._version else self._settings.model_dir.absolute().name

    @property
    def capacity(self) -> int:
        """The most pictures that may be inside at once, and so the most that one request may bring."""
        return self._settings.queue

    @property
    def engine_name(self) -> str:
        """What runs the serving version; raises `NotReady`."""
        return self._ready()[0].engine.name

    @property
    def precision(self) -> str:
        """What the serving version is computed in; raises `NotReady`."""
        return self._ready()[0].engine.precision

    @property
    def occupied(self) -> int:
        """Pictures inside: being decoded, waiting or running."""
        return self._batcher.occupied if self._batcher else 0

    def full(self, inside: int) -> str | None:
        """Why one more picture finds no place, be at least so many inside; None where it does, or unready."""
        version, batcher = self._version, self._batcher
        most = version.manifest.views.most if version else 1
        return batcher.full(most, inside * most) if batcher else None

    @property
    def versions(self) -> tuple[VersionStatus, ...]:
        """Every version on disk as last seen, the highest first."""
        if isinstance(self._source, Repository):
            return self._source.statuses
        return (VersionStatus(self._source.manifest.version, "serving"),)

    def readiness(self) -> str | None:
        """None when ready, else the reason in words."""
        return "draining" if self._draining else self._obstacle()

    @property
    def dead(self) -> str | None:
        """Why only a new process can help; None while there is hope."""
        return None if self._closed or self._batcher is None else self._batcher.stopped

    @property
    def draining(self) -> bool:
        """Whether it is about to end."""
        return self._draining

    async def start(self) -> None:
        """Begins to load the model and returns at once; a broken folder is tried again as it changes."""
        logger.info("threads: %s", self._plan)
        if isinstance(self._source, Repository):
            self._keeper = asyncio.create_task(self._keep(self._source))
        else:
            await self._install(self._source)
            self._looked.set()

    async def looked(self) -> None:
        """Returns once the model folder has been looked at for the first time: ready, or with a reason."""
        await self._looked.wait()

    def begin_drain(self) -> None:
        """Not ready from now on; whoever still asks is answered."""
        self._draining = True

    async def close(self) -> None:
        """Answers what was admitted, then ends all threads and frees the network."""
        self._draining = self._closed = True
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
        self._loader.shutdown(wait=False, cancel_futures=True)
        if self._batcher is not None:
            await asyncio.to_thread(self._batcher.close)
        await asyncio.to_thread(self._decoder.close)

    async def classify(self, data: bytes, deadline: float | None = None) -> Prediction:
        """The prediction for one picture; see `classify_all`."""
        return (await self.classify_all([data], deadline))[0]

    async def classify_all(
        self, pictures: Sequence[bytes], deadline: float | None = None
    ) -> list[Prediction]:
        """The predictions for several pictures, all by one version.

        `deadline` is a `time.monotonic()` instant. Raises the `ImageError`s of `imaging`, `Overloaded`,
        `DeadlineExceeded`, `NotReady`, `InferenceError`, and `TensorError` where there are no pictures, or
        more than can ever be inside at once.
        """
        async with Within(deadline, self._observer):
            while True:
                version, batcher = self._ready()
                most = version.manifest.views.most
                check_count(len(pictures), max(1, batcher.capacity // most))
                with batcher.reserve(len(pictures) * most):
                    looks = await self._decoder.looks(pictures, version.manifest, version.locator)
                    # A version that came while this one was decoded may look at other windows.
                    if version is self._version:
                        rows = await batcher.run(joined([seen.views for seen in looks]), deadline)
                        return predict_all(version.manifest, rows, looks)

    async def infer(self, images: Float32Array, deadline: float | None = None) -> Float32Array:
        """Probabilities float32 [n, classes] for float32 [n, height, width, 3] in 0..1.

        Raises `TensorError` for a wrong shape, number or value, otherwise what `classify_all` raises.
        """
        async with Within(deadline, self._observer):
            version, batcher = self._ready()
            check_tensor(images, version.manifest.input, batcher.capacity)
            with batcher.reserve(len(images)):
                return await batcher.run(images, deadline)

    def _ready(self) -> tuple[LoadedVersion, Batcher]:
        obstacle = self._obstacle()
        if self._version is None or self._batcher is None or obstacle is not None:
            raise NotReady(obstacle or "no model version serves")
        return self._version, self._batcher

    def _obstacle(self) -> str | None:
        """Why nothing can be answered; None when it can."""
        if self._closed:
            return "the service is closing"
        if self._batcher is not None:
            return self._batcher.stopped or self._decoder.stuck
        if isinstance(self._source, Repository) and self._looked.is_set():
            return self._source.problem
        return "loading the model"

    async def _keep(self, repository: Repository) -> None:
        """Takes over the version that the repository offers, again and again."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                await self._install(await loop.run_in_executor(self._loader, repository.refresh))
            # The keeper must outlive whatever happens, or no folder could be mended any more.
            except Exception:
                logger.exception("the model folder could not be looked at")
            self._looked.set()
            if not self._settings.poll_seconds:
                return
            await asyncio.sleep(self._settings.poll_seconds)

    async def _install(self, version: LoadedVersion | None) -> None:
        if version is self._version:
            return
        self._version, batcher = version, self._batcher
        if version is None:
            self._batcher = None
        elif batcher is None or batcher.stopped:
            limits = self._settings.max_batch, self._settings.queue
            self._batcher = Batcher(version.engine, *limits, self._observer)
        else:
            batcher.swap(version.engine)
        if batcher is not None and self._batcher is not batcher:
            await asyncio.to_thread(batcher.close)


def build_classifier(
    settings: Settings, engine: Engine | None = None, observer: Observer | None = None
) -> Classifier:
    """The classifier of `settings.model_dir` or, for tests, of an engine that needs no model folder."""
    if engine is not None:
        return Classifier(settings, LoadedVersion(constant_manifest(), engine), observer)
    threads = plan_threads(settings.threads, workers=settings.workers).inference

    def load(folder: Path) -> Engine:
        kept = kept_networks(settings.cache_dir, folder)
        with one_process_at_a_time(kept):
            return load_engine(settings.engine, folder, threads, settings.precision, kept, MOST_LANES)

    def find(folder: Path, side: int) -> Locator:
        kept = kept_networks(settings.cache_dir, folder.parents[1])  # below `assets.extra/`
        with one_process_at_a_time(kept):
            return load_locator(settings.engine, folder, side, kept)

    share = partial(available_share, settings.workers)  # all of them load it at the same time
    repository = Repository(settings.model_dir, load, settings.max_batch, find, settings.version, share)
    return Classifier(settings, repository, observer)

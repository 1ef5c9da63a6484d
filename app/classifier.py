"""The one thing that routes talk to: bytes in, a prediction out."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar, TypeVarTuple

import numpy as np

from app import imaging
from app.batcher import Batcher
from app.engines import load_engine
from app.engines.base import Engine, Float32Array
from app.engines.constant import constant_manifest
from app.errors import DeadlineExceeded, NotReady, TensorError
from app.manifest import InputSpec, Manifest
from app.observer import Observer
from app.pixel_budget import PixelBudget
from app.prediction import LabelProbability, Prediction, predict
from app.proof import LoadedVersion
from app.repository import Repository, VersionStatus
from app.settings import Settings
from app.threads import granted_threads

logger = logging.getLogger(__name__)

__all__ = ["Classifier", "LabelProbability", "Prediction", "build_classifier"]

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")


class Classifier:
    """Looks after the serving version, decodes off the event loop, and ranks what the network says.

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
        self._draining = False
        self._closed = False
        # Two at least, so that one slow picture does not hold up all others.
        workers = max(2, granted_threads())
        self._decoders = ThreadPoolExecutor(workers, thread_name_prefix="decode")
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="load")
        self._pixels = PixelBudget(settings.max_pixels)

    @property
    def manifest(self) -> Manifest:
        """The manifest of the serving version; raises `NotReady`."""
        return self._ready()[0].manifest

    @property
    def precision(self) -> str:
        """What the serving version is computed in; raises `NotReady`."""
        return self._ready()[0].engine.precision

    @property
    def occupied(self) -> int:
        """Pictures inside: being decoded, waiting or running."""
        return self._batcher.occupied if self._batcher else 0

    @property
    def versions(self) -> tuple[VersionStatus, ...]:
        """Every version on disk as last seen, the highest first."""
        if isinstance(self._source, Repository):
            return self._source.statuses
        return (VersionStatus(self._source.manifest.version, "serving"),)

    def readiness(self) -> str | None:
        """None when ready, else the reason in words."""
        return "draining" if self._draining else self._obstacle()

    async def start(self) -> None:
        """Begins to load the model and returns at once; a broken folder is tried again as it changes."""
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
        await asyncio.to_thread(self._decoders.shutdown)
        if self._batcher is not None:
            await asyncio.to_thread(self._batcher.close)

    async def classify(self, data: bytes, deadline: float | None = None) -> Prediction:
        """The prediction for the picture in `data`; `deadline` is a `time.monotonic()` instant.

        Raises the `ImageError`s of `imaging`, `Overloaded`, `DeadlineExceeded`, `NotReady` and
        `InferenceError`.
        """
        async with _within(deadline):
            while True:
                version, batcher = self._ready()
                with batcher.reserve(len(version.manifest.views.windows)):
                    images = await self._off_loop(self._decoders, self._views, data, version.manifest)
                    # A version that came while this one was decoded may look at other windows.
                    if version is self._version:
                        rows = await batcher.run(images, deadline)
                        return predict(version.manifest, rows)

    async def infer(self, images: Float32Array, deadline: float | None = None) -> Float32Array:
        """Probabilities float32 [n, classes] for float32 [n, height, width, 3] in 0..1.

        Raises `TensorError` for another shape, no or too many pictures, and values that are not finite;
        `Overloaded`, `DeadlineExceeded`, `NotReady` and `InferenceError` like `classify`.
        """
        async with _within(deadline):
            version, batcher = self._ready()
            _check_tensor(images, version.manifest.input, batcher.capacity)
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
            return self._batcher.stopped
        if isinstance(self._source, Repository) and self._looked.is_set():
            return self._source.problem
        return "loading the model"

    def _views(self, data: bytes, manifest: Manifest) -> Float32Array:
        """The windows of a picture as float32 [windows, height, width, 3]; runs in a decoding thread."""
        begun = time.monotonic()
        windows = manifest.views.windows
        least_side = imaging.least_side(windows, manifest.input)
        opened = imaging.open_image(data, self._settings.max_pixels, least_side)
        with self._pixels.hold(opened.width * opened.height):
            picture = imaging.load_upright(opened)
            views = np.stack([imaging.fit(picture, window, manifest.input) for window in windows])
        self._observer.decoded(time.monotonic() - begun)
        return views

    async def _keep(self, repository: Repository) -> None:
        """Takes over the version that the repository offers, again and again."""
        while True:
            try:
                await self._install(await self._off_loop(self._loader, repository.refresh))
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
            max_batch, queue = self._settings.max_batch, self._settings.queue
            self._batcher = Batcher(version.engine, max_batch, queue, self._observer)
        else:
            batcher.swap(version.engine)
        if batcher is not None and self._batcher is not batcher:
            await asyncio.to_thread(batcher.close)

    async def _off_loop(
        self, pool: ThreadPoolExecutor, work: Callable[[*Arguments], Result], *arguments: *Arguments
    ) -> Result:
        return await asyncio.get_running_loop().run_in_executor(pool, work, *arguments)


def build_classifier(
    settings: Settings, engine: Engine | None = None, observer: Observer | None = None
) -> Classifier:
    """The classifier of `settings.model_dir` or, for tests, of an engine that needs no model folder."""
    if engine is not None:
        return Classifier(settings, LoadedVersion(constant_manifest(), engine), observer)
    threads = settings.threads or granted_threads()

    def load(folder: Path) -> Engine:
        return load_engine(settings.engine, folder, threads, settings.precision)

    return Classifier(settings, Repository(settings.model_dir, load, settings.max_batch), observer)


@asynccontextmanager
async def _within(deadline: float | None) -> AsyncIterator[None]:
    """Raises `DeadlineExceeded` when its body is not done at the `time.monotonic()` instant `deadline`."""
    try:
        async with asyncio.timeout(None if deadline is None else deadline - time.monotonic()):
            yield
    except TimeoutError:
        raise DeadlineExceeded("not answered in time") from None


def _check_tensor(images: Float32Array, spec: InputSpec, most: int) -> None:
    if images.dtype != np.float32 or images.shape[1:] != (spec.height, spec.width, 3):
        received = f"{images.dtype} {list(images.shape)}"
        raise TensorError(f"expected float32 [n, {spec.height}, {spec.width}, 3], received {received}")
    if not 1 <= len(images) <= most:
        raise TensorError(f"expected 1 to {most} pictures, received {len(images)}")
    if not np.isfinite(images).all():
        raise TensorError("expected finite numbers, received NaN or infinity")

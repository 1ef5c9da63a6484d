"""The same on a Ray cluster: one process finds, and workers on every node read and answer.

Every node needs what this one needs to classify: the packages, the model folder, and the pictures, under the
same paths. The code itself is brought along.
"""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import socket
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import app
from app.bulk.answering import Answerer, ready_classifier
from app.bulk.errors import RunRefused, RunStopped
from app.bulk.items import Item
from app.bulk.journal import Journal
from app.bulk.progress import Progress
from app.bulk.records import Model, Record, record_of
from app.bulk.sources import Sources
from app.engines.base import Engine
from app.errors import NotReady
from app.settings import Settings

Batch = Mapping[str, Sequence[Any]]
Place = tuple[str, Settings, Engine | None]

ITEMS: Final = 256
"""Things found that are handed out together: some seconds of work."""

SECONDS_TO_CONNECT: Final = 10.0
DIGEST: Final = 32
"""Bytes of a SHA-256."""


class KnownHashes:
    """A set of SHA-256s in order, one after the other: a third of what a set takes."""

    def __init__(self, hashes: bytes) -> None:
        self._hashes = hashes

    def __contains__(self, sha256: object) -> bool:
        assert isinstance(sha256, bytes)
        count = len(self._hashes) // DIGEST
        place = bisect_left(range(count), sha256, key=self._at)
        return place < count and self._at(place) == sha256

    def _at(self, place: int) -> bytes:
        return self._hashes[place * DIGEST : (place + 1) * DIGEST]


class Worker:
    """One on every node: answers portions of what was found, as `answering` does everywhere."""

    def __init__(self, folder: str, settings: Settings, engine: Engine | None, known: bytes) -> None:
        """`known` is what `KnownHashes` takes. Raises `NotReady` where there is no model."""
        _go_to(folder)
        self._loop = asyncio.new_event_loop()
        self._open = ready_classifier(settings, engine)
        classifier = self._loop.run_until_complete(self._open.__aenter__())
        self._model = Model.of(classifier)
        self._answerer = Answerer([classifier], settings, KnownHashes(known))

    def __call__(self, batch: Batch) -> Batch:
        """Items to records, both pickled; the model that answered is with them."""
        items = [item for portion in batch["items"] for item in pickle.loads(portion)]
        records = self._loop.run_until_complete(self._records(items))
        return {"records": [pickle.dumps((self._model, records))]}

    async def _records(self, items: Sequence[Item]) -> list[Record]:
        return [record_of(each) async for portion in self._answerer.outcomes(items) for each in portion]


def answer_on_cluster(
    address: str, sources: Sources, settings: Settings, engine: Engine | None, journal: Journal, anew: bool
) -> Model:
    """Has the cluster at `address` answer for all of `sources`, and the journal keep it; who answered.

    Raises `RunRefused` where there is no cluster, `NotReady` where its nodes have no model, and
    `RunStopped` where it cannot go on.
    """
    if not sources.can_be_read_twice:
        raise RunRefused("expected each --list to be a file: the cluster cannot read from a pipe")
    ray = _connect(address)
    try:
        place = (str(Path.cwd()), settings, engine)
        model: Model = ray.get(ray.remote(_model_of).remote(*place))
        journal.claim(model, anew)
        dataset = _dataset(ray, sources, place, journal.hashes())
        with Progress(sources, settings.max_bytes) as progress:
            for row in dataset.iter_rows():
                answered_by, records = pickle.loads(row["records"])
                if answered_by != model:
                    raise RunStopped(
                        f"one node answers with {answered_by}, another one with {model}; SIGNS_VERSION and "
                        "SIGNS_PRECISION name one for all"
                    )
                journal.record(records)
                progress.advance(len(records))
    except ray.exceptions.RayError as error:
        raise _meaning(error) from error
    finally:
        ray.shutdown()
    return model


def _dataset(ray: Any, sources: Sources, place: Place, known: bytes) -> Any:
    """Portions found on this node, answered on every node, in the order in which they were found."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    context.execution_options.preserve_order = True
    context.target_max_block_size = 1  # a row is a portion, and is to go on as soon as it is there
    cpus = _cpus_of_nodes(ray)
    folder, settings, engine = place
    threads = settings.threads or min(cpus)
    workers = ray.data.ActorPoolStrategy(min_size=1, max_size=sum(max(1, count // threads) for count in cpus))
    here = {"ray.io/node-id": ray.get_runtime_context().get_node_id()}
    found = ray.data.from_items([folder]).map_batches(
        _find, fn_args=(sources, settings.max_bytes), batch_size=1, num_cpus=0, label_selector=here
    )
    limited = settings.model_copy(update={"threads": threads})
    return found.map_batches(
        Worker,
        fn_constructor_args=(folder, limited, engine, known),
        batch_size=1,
        num_cpus=threads,
        compute=workers,
    )


def _find(batch: Batch, sources: Sources, max_bytes: int) -> Iterator[Batch]:
    """What there is, in portions; pictures in archives with their bytes, files to be read by who answers."""
    _go_to(batch["item"][0])
    items: list[Item] = []
    size = 0
    for item in sources.items(max_bytes):
        items.append(item)
        size += len(item.data or b"")
        if len(items) == ITEMS or size > max_bytes:
            yield {"items": [pickle.dumps(items)]}
            items, size = [], 0
    if items:
        yield {"items": [pickle.dumps(items)]}


def _model_of(folder: str, settings: Settings, engine: Engine | None) -> Model:
    async def ask() -> Model:
        async with ready_classifier(settings, engine) as classifier:
            return Model.of(classifier)

    _go_to(folder)
    return asyncio.run(ask())


def _go_to(folder: str) -> None:
    """Relative paths mean the same on every node."""
    try:
        os.chdir(folder)
    except OSError as error:
        raise RunRefused(f"expected the folder {folder} on every node: {error.strerror}") from None


def _connect(address: str) -> Any:
    """Ray, connected; raises `RunRefused` where it is not installed or nothing answers."""
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise RunRefused(f"--ray needs the package ray: pip install 'signs[ray]' ({error})") from None
    _check_address(address)
    try:
        code = {"py_modules": [str(Path(app.__file__).parent)]}
        ray.init(address, runtime_env=code, log_to_driver=False, logging_level=logging.ERROR)
        logging.getLogger("ray.data").setLevel(logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise RunRefused(f"no cluster to work with at {address}: {_first_line(error)}") from error
    return ray


def _check_address(address: str) -> None:
    """Ray itself would try for a long time, and then end the process."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise RunRefused(f"expected --ray auto or host:port of a cluster's head node, received {address}")
    try:
        socket.create_connection((host, int(port)), SECONDS_TO_CONNECT).close()
    except OSError as error:
        raise RunRefused(f"no cluster answers at {address}: {error.strerror or error}") from None


def _cpus_of_nodes(ray: Any) -> list[int]:
    """How many CPUs each living node lends; raises `RunRefused` where none lends any."""
    cpus = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
    if not any(cpus):
        raise RunRefused("expected a cluster that lends CPUs, found none")
    return [count for count in cpus if count]


def _meaning(error: Exception) -> Exception:
    """What a worker raised, or how the cluster failed, in one line."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, NotReady | RunRefused):
        return type(cause)(str(cause))
    return RunStopped(f"the cluster could not go on: {_first_line(cause or error)}")


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__

"""Pictures to the network's input: within a budget of pixels and, but for thumbnails, in threads."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from app import imaging
from app.engines.base import Locator
from app.errors import ImageError
from app.manifest import Manifest
from app.observer import Observer
from app.pixel_budget import PixelBudget
from app.plain_jpeg import plain_jpeg
from app.threads import step_back
from app.together import together
from app.views import Look, least_side, look

Placed = tuple[bytes, str]
"""A picture, and what an error about it begins with."""

PORTION_BYTES = 2**14
"""So much is decoded in one go: handing a picture to a thread takes longer than decoding a thumbnail."""
THUMBNAIL_SIDE, THUMBNAIL_BYTES = 128, 2**13
"""A plain JPEG of no more that no locator has to look at is decoded in the event loop."""
TURN_SECONDS = 0.01
"""So long the event loop may decode before it sees to others; what comes then goes to the threads."""
HANGS_AFTER = 60.0
"""Seconds; no picture within the limits takes that long, however slow the machine."""


class Decoder:
    """Decodes off the event loop, but for thumbnails, in the memory that `max_pixels` pixels take."""

    def __init__(self, max_pixels: int, threads: int, observer: Observer) -> None:
        self._max_pixels = max_pixels
        self._observer = observer
        self._pixels = PixelBudget(max_pixels)
        self._workers = threads
        self._turn_ends: float | None = None
        self._begun: dict[int, float] = {}
        """Since when each thread, by its identifier, has been at its picture."""
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="decode", initializer=step_back)

    @property
    def stuck(self) -> str | None:
        """Why nothing can be decoded: every thread hangs in a picture. None as long as one does not."""
        begun = list(self._begun.values())
        if len(begun) < self._workers or time.monotonic() - max(begun) < HANGS_AFTER:
            return None
        return f"all {self._workers} decoding threads have been at one picture for {HANGS_AFTER:g} s"

    async def looks(
        self, pictures: Sequence[bytes], manifest: Manifest, locator: Locator | None = None
    ) -> list[Look]:
        """What the network is to see of each picture.

        Raises the `ImageError` of a picture that gives none; where there are several it says which.
        """
        if len(pictures) == 1 and (seen := self._look_at_thumbnail(pictures[0], manifest, locator)):
            return [seen]
        # No more than there are threads, so that a request with many pictures lets others in between.
        at_once = asyncio.Semaphore(self._workers)
        placed = zip(pictures, _places(len(pictures)), strict=True)
        portions = await together(
            self._looks(portion, manifest, locator, at_once) for portion in _portions(placed)
        )
        return [seen for portion in portions for seen in portion]

    def close(self) -> None:
        """Finishes what is being decoded and ends the threads; blocks."""
        self._threads.shutdown()

    def _look_at_thumbnail(self, data: bytes, manifest: Manifest, locator: Locator | None) -> Look | None:
        """What is seen of a picture that is decoded before a thread would begin; None for all others."""
        if len(data) > THUMBNAIL_BYTES or not self._has_time():
            return None
        begun = time.monotonic()
        as_is = manifest.views.as_is_to if locator else THUMBNAIL_SIDE
        unscaled = 2 * least_side(manifest) - 1
        picture = plain_jpeg(data, min(THUMBNAIL_SIDE, as_is, unscaled))
        if picture is None or picture.width * picture.height > self._max_pixels:
            return None
        seen = look(picture, manifest, locator)
        self._observer.decoded(time.monotonic() - begun)
        return seen

    def _has_time(self) -> bool:
        """Whether the event loop may decode one more before its next turn: many may come in one request."""
        now = time.monotonic()
        if self._turn_ends is None:
            self._turn_ends = now + TURN_SECONDS
            asyncio.get_running_loop().call_soon(self._end_turn)
        return now < self._turn_ends

    def _end_turn(self) -> None:
        self._turn_ends = None

    async def _looks(
        self, portion: list[Placed], manifest: Manifest, locator: Locator | None, at_once: asyncio.Semaphore
    ) -> list[Look]:
        def look_at_all() -> list[Look]:
            return [self._look(data, place, manifest, locator) for data, place in portion]

        async with at_once:
            return await asyncio.get_running_loop().run_in_executor(self._threads, look_at_all)

    def _look(self, data: bytes, place: str, manifest: Manifest, locator: Locator | None) -> Look:
        try:
            return self._decode(data, manifest, locator)
        except ImageError as error:
            raise type(error)(f"{place}{error}") from None

    def _decode(self, data: bytes, manifest: Manifest, locator: Locator | None) -> Look:
        begun = self._begun[threading.get_ident()] = time.monotonic()
        try:
            least = least_side(manifest)
            opened = imaging.open_image(data, self._max_pixels, least)
            with self._pixels.hold(opened.cost):
                seen = look(imaging.load_upright(opened.picture, least), manifest, locator)
        finally:
            del self._begun[threading.get_ident()]
        self._observer.decoded(time.monotonic() - begun)
        return seen


def _places(count: int) -> list[str]:
    """What an error about each of several pictures begins with."""
    return [""] if count == 1 else [f"picture {index} of {count}: " for index in range(1, count + 1)]


def _portions(pictures: Iterable[Placed]) -> Iterator[list[Placed]]:
    """The pictures in their order: small ones together, large ones alone."""
    portion: list[Placed] = []
    room = PORTION_BYTES
    for picture in pictures:
        if portion and len(picture[0]) > room:
            yield portion
            portion, room = [], PORTION_BYTES
        portion.append(picture)
        room -= len(picture[0])
    if portion:
        yield portion

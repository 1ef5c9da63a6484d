"""Work that must be done by a deadline, and that somebody watches."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.errors import DeadlineExceeded
from app.observer import Observer


@asynccontextmanager
async def within(deadline: float | None, observer: Observer) -> AsyncIterator[None]:
    """Raises `DeadlineExceeded` when its body is not done at the `time.monotonic()` instant `deadline`.

    The observer is told how long it took, and whether it was `answered` or has `failed`.
    """
    begun = time.monotonic()
    tell = observer.failed
    try:
        async with asyncio.timeout(None if deadline is None else deadline - begun):
            yield
        tell = observer.answered
    except TimeoutError:
        raise DeadlineExceeded("not answered in time") from None
    finally:
        tell(time.monotonic() - begun)

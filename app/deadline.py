"""Work that must be done by a deadline, and that somebody watches."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType

from app.errors import DeadlineExceeded
from app.observer import Observer


class Within:
    """Raises `DeadlineExceeded` when its body is not done at the `time.monotonic()` instant `deadline`.

    The observer is told how long it took, and whether it was `answered` or has `failed`. A class, since
    every request passes here, and a generator for each takes as long again as the timer itself.
    """

    def __init__(self, deadline: float | None, observer: Observer) -> None:
        self._begun = time.monotonic()
        self._timeout = asyncio.timeout(None if deadline is None else deadline - self._begun)
        self._observer = observer

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        late = isinstance(error, TimeoutError)
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError:
            late = True
        tell = self._observer.answered if error is None else self._observer.failed
        tell(time.monotonic() - self._begun)
        if late:
            raise DeadlineExceeded("not answered in time") from None

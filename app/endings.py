"""How a service ends: its exit statuses, and how long an end may take."""

from __future__ import annotations

from typing import Final

WORK_LOST: Final = 1
"""It ended without waiting for what was admitted."""
NOT_STARTED: Final = 3
"""It could not listen, or its workers did not get so far; uvicorn's own status for the same."""
CLEAN_UP_SECONDS: Final = 2.0
"""Beyond the bound on finishing requests, for what threads still do."""

"""Whether the service lives and can answer: what orchestrators ask, each at a path of its own."""

from __future__ import annotations

from typing import Any, Final

from fastapi import Response

from app.dependencies import ClassifierDep
from app.schemas import Health

NO_STORE: Final = "no-store"
LIVE_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    503: {"model": Health, "description": "Never again: start the process anew."}
}
READY_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    503: {"model": Health, "description": "Not now: the reason in words."}
}


async def check_live(response: Response, classifier: ClassifierDep) -> Health:
    """200 as long as the event loop turns and the inference thread lives; then only a restart helps."""
    response.headers["Cache-Control"] = NO_STORE
    if classifier.dead is None:
        return Health(status="live")
    response.status_code = 503
    return Health(status="dead", reason=classifier.dead)


async def check_ready(response: Response, classifier: ClassifierDep) -> Health:
    """200 once a model version is loaded, proven and warm, and until the service drains."""
    response.headers["Cache-Control"] = NO_STORE
    reason = classifier.readiness()
    if reason is None:
        return Health(status="ready")
    response.status_code = 503
    return Health(status="not ready", reason=reason)

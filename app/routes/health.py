"""For load balancers and monitoring. Everything here is `async def` and waits for nothing."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Response

from app.dependencies import ClassifierDep
from app.readiness import NO_STORE, READY_RESPONSES, check_ready
from app.schemas import Health

LIVE_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    503: {"model": Health, "description": "Never again: start the process anew."}
}

router = APIRouter(prefix="/health", tags=["health"])


@router.get("/live", summary="Does the process live?", responses=LIVE_RESPONSES)
async def check_live(response: Response, classifier: ClassifierDep) -> Health:
    """200 as long as the event loop turns and the inference thread lives; then only a restart helps."""
    response.headers["Cache-Control"] = NO_STORE
    if classifier.dead is None:
        return Health(status="live")
    response.status_code = 503
    return Health(status="dead", reason=classifier.dead)


router.add_api_route("/ready", check_ready, summary="Can it answer?", responses=READY_RESPONSES)

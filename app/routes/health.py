"""For load balancers and monitoring. Everything here is `async def` and waits for nothing."""

from __future__ import annotations

from fastapi import APIRouter, Response

from app.dependencies import ClassifierDep
from app.schemas import Health

router = APIRouter(prefix="/health", tags=["health"])

NO_STORE = "no-store"


@router.get("/live", summary="Does the process live?")
async def check_live(response: Response) -> Health:
    """200 as long as the event loop turns."""
    response.headers["Cache-Control"] = NO_STORE
    return Health(status="live")


@router.get(
    "/ready",
    summary="Can it answer?",
    responses={503: {"model": Health, "description": "Not now: the reason in words."}},
)
async def check_ready(response: Response, classifier: ClassifierDep) -> Health:
    """200 once a model version is loaded, proven and warm, and until the service drains."""
    response.headers["Cache-Control"] = NO_STORE
    reason = classifier.readiness()
    if reason is None:
        return Health(status="ready")
    response.status_code = 503
    return Health(status="not ready", reason=reason)

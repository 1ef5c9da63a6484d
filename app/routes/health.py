"""For load balancers and monitoring. Everything here is `async def` and waits for nothing."""

from __future__ import annotations

from fastapi import APIRouter

from app.readiness import LIVE_RESPONSES, READY_RESPONSES, check_live, check_ready

router = APIRouter(prefix="/health", tags=["health"])
router.add_api_route("/live", check_live, summary="Does the process live?", responses=LIVE_RESPONSES)
router.add_api_route("/ready", check_ready, summary="Can it answer?", responses=READY_RESPONSES)

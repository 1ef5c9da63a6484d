"""What Amazon SageMaker asks of a container: `/ping` and `/invocations`."""

from __future__ import annotations

from fastapi import APIRouter

from app.descriptions import PROBLEM, error_responses
from app.invocations import BODY, invoke
from app.readiness import READY_RESPONSES, check_ready

open_router = APIRouter(tags=["sagemaker"])
"""SageMaker's health check, which has no key."""

router = APIRouter(tags=["sagemaker"], responses=error_responses(PROBLEM))

open_router.add_api_route("/ping", check_ready, summary="Can it answer?", responses=READY_RESPONSES)
router.add_api_route(
    "/invocations",
    invoke,
    methods=["POST"],
    summary="What do these hands sign? As Amazon SageMaker asks",
    openapi_extra=BODY,
    response_model_exclude_none=True,
)

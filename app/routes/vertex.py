"""What Google's Vertex AI asks of a container, at the paths that it names in `AIP_*` variables."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter
from fastapi.params import Depends

from app.invocations import invoke
from app.readiness import check_ready
from app.settings import Settings


def build_router(settings: Settings, dependencies: Sequence[Depends]) -> APIRouter:
    """The routes that `settings` name, if any; `dependencies` guard the predictions, not the health check.

    They may have the path of another route and are then to come first: they answer all that `/predict` does.
    """
    router = APIRouter(include_in_schema=False)
    if settings.aip_health_route:
        router.add_api_route(settings.aip_health_route, check_ready)
    if settings.aip_predict_route:
        router.add_api_route(
            settings.aip_predict_route,
            invoke,
            methods=["POST"],
            dependencies=dependencies,
            response_model_exclude_none=True,
        )
    return router

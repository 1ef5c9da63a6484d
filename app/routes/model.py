"""What serves, told in full, and what Prometheus scrapes."""

from __future__ import annotations

from fastapi import APIRouter, Response

from app.dependencies import ClassifierDep, MetricsDep
from app.descriptions import PROBLEM, error_responses
from app.metrics import CONTENT_TYPE
from app.schemas import ServingModel, VersionReport

router = APIRouter(tags=["model"], responses=error_responses(PROBLEM, 401, 503))


@router.get("/model", summary="The manifest of the serving version, and the state of every version")
async def describe_model(classifier: ClassifierDep) -> ServingModel:
    """Labels, input, views, acceptance rule, scores, training record and hashes of the serving version.

    And the engine and the precision that this machine runs it in. `versions` tells of each version on
    disk whether it serves and, where it was refused, why.
    """
    versions = [VersionReport.of(status) for status in classifier.versions]
    return ServingModel(
        **dict(classifier.manifest),
        engine=classifier.engine_name,
        precision=classifier.precision,
        versions=versions,
    )


@router.get("/metrics", summary="Counters in the Prometheus text format", response_class=Response)
async def render_metrics(metrics: MetricsDep) -> Response:
    """Requests by route and status, pictures, rejections by reason, times, and the state of the service."""
    return Response(metrics.render(), media_type=CONTENT_TYPE)

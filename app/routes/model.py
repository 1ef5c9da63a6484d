"""What serves, told in full, and what Prometheus scrapes."""

from __future__ import annotations

from fastapi import APIRouter, Response

from app.dependencies import ClassifierDep, MetricsDep
from app.manifest import Manifest
from app.metrics import CONTENT_TYPE

router = APIRouter(tags=["model"])


@router.get("/model", summary="The manifest of the serving version")
async def describe_model(classifier: ClassifierDep) -> Manifest:
    """Labels, input, views, acceptance rule, scores, training record and hashes of the serving version."""
    return classifier.manifest


@router.get("/metrics", summary="Counters in the Prometheus text format", response_class=Response)
async def render_metrics(metrics: MetricsDep) -> Response:
    """Requests by route and status, pictures, rejections by reason, times, and the state of the service."""
    return Response(metrics.render(), media_type=CONTENT_TYPE)

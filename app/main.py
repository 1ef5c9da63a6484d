"""The application: routes, middleware and the life of the classifier. Nothing is built at import."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from copy import copy
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from app.admission import LimitRate
from app.api_keys import require_key
from app.assets import assets
from app.classifier import Classifier, build_classifier
from app.corrections import Corrections
from app.door import Door
from app.engines.base import Engine
from app.fast_path import FastPath
from app.http_errors import register_error_handlers
from app.incoming_body import BodyBudget
from app.inflate import Inflate
from app.metrics import Metrics
from app.middleware import (
    FULL_BODIES,
    DropAbandoned,
    Identify,
    LimitBody,
    Observe,
    PartWhileDraining,
)
from app.observer import Observers
from app.open_inference.operations import Operations
from app.open_inference.statistics import Statistics
from app.routes import (
    about,
    feedback,
    health,
    hugging_face,
    model,
    open_inference,
    page,
    predict,
    sagemaker,
    tensorflow_serving,
    vertex,
)
from app.routes.short_way import ShortWay
from app.settings import Settings
from app.telemetry import Trace, build_provider
from app.wording import FOLDER

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

API_VERSION: Final = "1.0"
DESCRIPTION: Final = (
    "A photo of a hand goes in, the digit it signs (0-5) comes out.\n\n"
    "TensorFlow Serving's REST API and KServe's V1 are spoken below `/v1`, as described by these."
)


def create_app(
    settings: Settings | None = None, engine: Engine | None = None, metrics: Metrics | None = None
) -> FastAPI:
    """The service for `settings`, by default the environment's.

    Tests give an `engine` in place of a model folder, a worker the `metrics` that it shares with others.
    Raises `SettingsError` where the environment is wrong.
    """
    settings = settings or Settings.load()
    metrics, statistics = metrics or Metrics(), Statistics()
    classifier = build_classifier(settings, engine, Observers(metrics, statistics))
    metrics.watch(classifier)
    budget = BodyBudget(settings.max_bytes * FULL_BODIES)
    provider = build_provider(settings.otlp_endpoint) if settings.otlp_endpoint else None
    app = FastAPI(
        title="Signs",
        description=DESCRIPTION,
        version=API_VERSION,
        openapi_url="/openapi.json" if settings.show_docs else None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_live,
        middleware=_middleware(settings, metrics, classifier, budget, provider),
    )
    app.state.settings, app.state.classifier, app.state.metrics = settings, classifier, metrics
    app.state.open_inference = Operations(classifier, metrics, statistics, settings.max_batch, API_VERSION)
    app.state.budget, app.state.telemetry = budget, provider
    # A browser shows a page from elsewhere only answers that name it, which the middleware sees to.
    app.state.door = None if settings.cors_origins else Door(classifier, metrics, settings.max_bytes)
    fits = FastPath.fits(settings)
    app.state.fast_path = FastPath(classifier, metrics, budget, settings) if fits else None
    app.state.previews = CapacityLimiter(1)
    register_error_handlers(app)
    _add_routes(app, settings)
    return app


@asynccontextmanager
async def _live(app: FastAPI) -> AsyncIterator[None]:
    state = app.state
    async with AsyncExitStack() as stack:
        if state.telemetry:
            # Sends what is left, after all else has ended.
            stack.push_async_callback(to_thread.run_sync, state.telemetry.shutdown)
        await state.classifier.start()
        stack.push_async_callback(state.classifier.close)
        if state.settings.workers > 1:
            # Who accepts before it can answer takes requests from the workers that can.
            await state.classifier.looked()
        if state.settings.grpc_port is not None:
            from app.grpc_server import running_grpc  # late, so that others need not wait for its import

            state.grpc_port = await stack.enter_async_context(
                running_grpc(state.open_inference, state.metrics, state.budget, state.settings)
            )
        yield


def _middleware(
    settings: Settings,
    metrics: Metrics,
    classifier: Classifier,
    budget: BodyBudget,
    provider: TracerProvider | None,
) -> list[Middleware]:
    """From the outermost to the innermost."""
    cors = Middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "POST"],
        allow_headers=[
            "Authorization",
            "X-API-Key",
            "X-Request-ID",
            "traceparent",
            open_inference.HEADER_LENGTH,
        ],
        expose_headers=["X-Request-ID", "Retry-After", open_inference.HEADER_LENGTH],
    )
    return [
        Middleware(Identify),
        *([Middleware(Trace, provider=provider)] if provider else []),
        Middleware(Observe, metrics=metrics),
        Middleware(PartWhileDraining, classifier=classifier),
        *([cors] if settings.cors_origins else []),
        Middleware(LimitBody, max_bytes=settings.max_bytes, deadline_ms=settings.deadline_ms, budget=budget),
        Middleware(
            LimitRate,
            keys=settings.api_keys,
            key_rate=settings.key_rate,
            address_rate=settings.address_rate,
            metrics=metrics,
        ),
        Middleware(Inflate, max_bytes=settings.max_bytes),
        Middleware(DropAbandoned),
        Middleware(ShortWay, classifier=classifier, metrics=metrics, settings=settings),
    ]


def _open(router: APIRouter, settings: Settings) -> APIRouter:
    """The router without the routes that are closed by setting."""
    closed = {"/docs": not settings.show_docs, "/metrics": not settings.show_metrics}
    kept = copy(router)
    kept.routes = [route for route in router.routes if not closed.get(getattr(route, "path", ""))]
    return kept


def _add_routes(app: FastAPI, settings: Settings) -> None:
    # Where no keys are set none is asked for, and so none is described.
    guarded = [Depends(require_key)] if settings.api_keys else []
    app.include_router(vertex.build_router(settings, guarded))  # first: it may take any path
    app.include_router(health.router)
    app.include_router(predict.router, dependencies=guarded)
    app.include_router(_open(model.router, settings), dependencies=guarded)
    app.include_router(tensorflow_serving.router, dependencies=guarded)
    app.include_router(open_inference.router, dependencies=guarded)
    app.include_router(open_inference.health)
    app.include_router(hugging_face.router, dependencies=guarded)
    app.include_router(sagemaker.router, dependencies=guarded)
    app.include_router(sagemaker.open_router)
    # The form is shown to all; its answer asks for the key itself.
    app.include_router(_open(page.router, settings))
    app.include_router(about.router)
    if settings.feedback_dir is not None:
        app.state.corrections = Corrections(
            settings.feedback_dir, settings.feedback_max_bytes, settings.feedback_quota, settings.max_pixels
        )
        app.include_router(feedback.router)
    app.mount("/static/swagger", StaticFiles(directory=str(files("fastapi_offline") / "static")))
    app.mount("/static", assets(FOLDER / "static"))

"""The application: routes, middleware and the life of the classifier. Nothing is built at import."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Final

from anyio import CapacityLimiter
from fastapi import Depends, FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from app.api_keys import require_key
from app.classifier import build_classifier
from app.engines.base import Engine
from app.http_errors import register_error_handlers
from app.metrics import Metrics
from app.middleware import DropAbandoned, Identify, LimitBody, Observe
from app.routes import health, model, page, predict
from app.settings import Settings

API_VERSION: Final = "1.0"
DESCRIPTION: Final = "A photo of a hand goes in, the digit it signs (0-5) comes out."


def create_app(settings: Settings | None = None, engine: Engine | None = None) -> FastAPI:
    """The service for `settings`, by default the environment's.

    Tests give an `engine` in place of a model folder. Raises `SettingsError` where the environment is wrong.
    """
    settings = settings or Settings.load()
    metrics = Metrics()
    classifier = build_classifier(settings, engine, metrics)
    metrics.watch(classifier)
    app = FastAPI(
        title="Signs",
        description=DESCRIPTION,
        version=API_VERSION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_live,
        middleware=_middleware(settings, metrics),
    )
    app.state.settings, app.state.classifier, app.state.metrics = settings, classifier, metrics
    app.state.previews = CapacityLimiter(1)
    register_error_handlers(app)
    _add_routes(app)
    return app


@asynccontextmanager
async def _live(app: FastAPI) -> AsyncIterator[None]:
    await app.state.classifier.start()
    yield
    await app.state.classifier.close()


def _middleware(settings: Settings, metrics: Metrics) -> list[Middleware]:
    """From the outermost to the innermost."""
    cors = Middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "X-API-Key", "X-Request-ID"],
        expose_headers=["X-Request-ID", "Retry-After"],
    )
    return [
        Middleware(Identify),
        Middleware(Observe, metrics=metrics),
        *([cors] if settings.cors_origins else []),
        Middleware(LimitBody, max_bytes=settings.max_bytes, deadline_ms=settings.deadline_ms),
        Middleware(DropAbandoned),
    ]


def _add_routes(app: FastAPI) -> None:
    guarded = [Depends(require_key)]
    app.include_router(predict.router, dependencies=guarded)
    app.include_router(model.router, dependencies=guarded)
    app.include_router(health.router)
    app.include_router(page.router)  # shows the form to all; its answer asks for the key itself
    app.mount("/static/swagger", StaticFiles(directory=str(files("fastapi_offline") / "static")))
    app.mount("/static", StaticFiles(directory=page.FOLDER / "static"))

"""The service on a Ray cluster: `serve run deploy.ray.app:app`. Importing it builds nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ray
from fastapi import FastAPI
from ray import serve

from app.errors import NotReady
from app.logs import configure_logs
from app.main import create_app
from app.settings import Settings
from deploy.ray.options import Options
from deploy.ray.replica_settings import settings_for_replicas


class Signs:
    """One replica: Serve wraps it around the application, and asks it whether it is well."""

    app: FastAPI  # given by `serve.ingress`

    async def check_health(self) -> None:
        """Raises `NotReady`, for which Serve starts the replica anew; first waits for a look at the model.

        Serve asks before it sends the first request, so that none meets a model that still loads.
        """
        classifier = self.app.state.classifier
        await classifier.looked()
        reason = classifier.readiness()
        if reason is not None:
            raise NotReady(reason)


def app(arguments: dict[str, Any]) -> Any:
    """The application for Serve; `arguments` are the fields of `Options`, by name.

    The settings are those of the process that calls this, and travel with the application to every replica.
    Raises `SettingsError`, and pydantic's `ValidationError` for the arguments.
    """
    options, settings = Options.model_validate(arguments), settings_for_replicas(Settings.load())
    ingress = serve.ingress(builder(settings))(Signs)
    return serve.deployment(**options.deployment(settings))(ingress).bind()


def builder(settings: Settings) -> Callable[[], FastAPI]:
    """What Serve calls in each replica: makes the service, with a thread for each CPU of the replica."""

    def build() -> FastAPI:
        configure_logs(settings.log_format)
        return create_app(settings.model_copy(update={"threads": settings.threads or granted_cpus()}))

    return build


def granted_cpus() -> int:
    """The whole CPUs that Ray has reserved for this replica; at least 1."""
    return max(1, int(ray.get_runtime_context().get_assigned_resources().get("CPU", 0)))

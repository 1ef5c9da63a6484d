"""What is asked of Ray Serve follows from the settings, and its configuration names what there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from app.server import KEEP_ALIVE_SECONDS
from app.settings import Settings, SettingsError
from deploy.ray.options import Options
from deploy.ray.replica_settings import settings_for_replicas
from tests.conftest import ROOT

FOLDER = ROOT / "deploy" / "ray"
DOCUMENT = (ROOT / "docs" / "ray.md").read_text(encoding="utf-8")


@pytest.fixture
def configuration() -> dict[str, Any]:
    """What `serve deploy` is given."""
    read: dict[str, Any] = yaml.safe_load((FOLDER / "serve.yaml").read_text(encoding="utf-8"))
    return read


@pytest.mark.parametrize(
    ("max_batch", "queue", "target", "ongoing"),
    [(32, 256, 4, 64), (8, 256, 1, 16), (1, 256, 1, 2), (32, 40, 4, 40)],
)
def test_replicas_come_before_the_batches_are_full(
    max_batch: int, queue: int, target: float, ongoing: int
) -> None:
    asked = Options().deployment(Settings(max_batch=max_batch, queue=queue))
    assert asked["autoscaling_config"]["target_ongoing_requests"] == target
    assert asked["max_ongoing_requests"] == ongoing
    assert asked["max_queued_requests"] == queue


def test_a_replica_ends_as_the_process_does() -> None:
    asked = Options().deployment(Settings(drain_seconds=3, shutdown_seconds=20))
    assert asked["graceful_shutdown_wait_loop_s"] == 3
    assert asked["graceful_shutdown_timeout_s"] > 3 + 20
    assert Options().deployment(Settings(drain_seconds=0))["graceful_shutdown_wait_loop_s"] > 0


def test_what_is_asked_for_is_passed_on() -> None:
    asked = Options(cpus=2, memory=2**31, min_replicas=3, max_replicas=5).deployment(Settings())
    assert asked["ray_actor_options"] == {"num_cpus": 2, "memory": 2**31}
    assert asked["autoscaling_config"]["min_replicas"] == 3
    assert asked["autoscaling_config"]["max_replicas"] == 5


@pytest.mark.parametrize("wrong", [{"replicas": 3}, {"cpus": 0}, {"max_replicas": "many"}])
def test_a_wrong_argument_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Options.model_validate(wrong)


def test_paths_mean_the_same_everywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    settings = settings_for_replicas(Settings(model_dir=Path("models"), cache_dir=None, queue=7))
    assert (settings.model_dir, settings.cache_dir, settings.queue) == (tmp_path / "models", None, 7)


@pytest.mark.parametrize(
    "wrong", [{"grpc_port": 0}, {"root_path": "/signs"}, {"trusted_proxies": ("10.0.0.1",)}]
)
def test_what_a_replica_cannot_keep_to_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=Settings.variable(next(iter(wrong)))):
        settings_for_replicas(Settings(**wrong))


def test_certificates_are_refused(certificate: tuple[Path, Path]) -> None:
    with pytest.raises(SettingsError, match="SIGNS_TLS_CERT"):
        settings_for_replicas(Settings(tls_cert=certificate[0], tls_key=certificate[1]))


def test_the_configuration_is_one_of_ours(
    configuration: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (application,) = configuration["applications"]
    for name, value in application["runtime_env"]["env_vars"].items():
        monkeypatch.setenv(name, value)
    settings = settings_for_replicas(Settings.load())
    assert Options.model_validate(application["args"]).deployment(settings)
    module, _, function = application["import_path"].partition(":")
    source = (ROOT / module.replace(".", "/")).with_suffix(".py").read_text(encoding="utf-8")
    assert f"\ndef {function}(" in source


def test_the_proxies_are_more_patient_than_the_service(configuration: dict[str, Any]) -> None:
    options = configuration["http_options"]
    assert options["request_timeout_s"] > Settings().deadline_ms / 1000
    assert options["keep_alive_timeout_s"] == KEEP_ALIVE_SECONDS


def test_every_argument_is_documented_with_its_default() -> None:
    rows = [line.split("|")[1:3] for line in DOCUMENT.splitlines() if line.startswith("| `")]
    told = {name.strip(" `"): default.strip(" `") for name, default in rows}
    for name, field in Options.model_fields.items():
        assert told.get(name) == str(field.default), name

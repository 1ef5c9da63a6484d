"""Every manifest is valid by published schemas: of several Kubernetes, of Prometheus' operator, of KServe."""

from __future__ import annotations

import copy
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from tests.deploy.kustomize import OVERLAYS, Resource, build, the
from tests.end_to_end.test_kserve_client import ABSENT, INSTALLED, PYTHON

VERSIONS = ("1.28", "1.31", "1.34", "1.37")
CUSTOM = ("monitoring.coreos.com/", "serving.kserve.io/")
RESOURCES = {
    f"{overlay.name} {resource['kind']}": resource
    for overlay in sorted(OVERLAYS.iterdir())
    for resource in build(overlay)
}
BUILT_IN = {name: each for name, each in RESOURCES.items() if not each["apiVersion"].startswith(CUSTOM)}
PROGRAM = Path(__file__).with_name("kserve_models.py")

Change = Callable[[Resource], Any]


def changed(resource: Resource, change: Change) -> Resource:
    broken = copy.deepcopy(resource)
    change(broken)
    return broken


def container(resource: Resource) -> Resource:
    (found,) = resource["spec"]["template"]["spec"]["containers"]
    return dict(found)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", BUILT_IN)
def test_it_is_what_that_version_of_kubernetes_takes(name: str, version: str) -> None:
    # The version is told back: an unknown one would be replaced by the newest before it.
    assert kubernetes_validate.validate(BUILT_IN[name], version, strict=True) == version


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "change",
    [
        lambda deployment: deployment["spec"].update(topologySpread=[]),
        lambda deployment: deployment["spec"].pop("selector"),
        lambda deployment: container(deployment)["ports"].append({"containerPort": "8000"}),
        lambda deployment: container(deployment)["securityContext"].update(dropAll=True),
    ],
    ids=["unknown field", "no selector", "text for a number", "unknown field further in"],
)
def test_a_field_that_is_unknown_missing_or_wrong_is_seen(change: Change, version: str) -> None:
    broken = changed(RESOURCES["small Deployment"], change)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, version, strict=True)


def by_the_operators_models(monitor: Resource) -> Any:
    """What is left of the monitor in the operator's models, which drop what they do not know."""
    from cloudcoil.models.prometheus_operator import v1  # takes seconds

    read = v1.ServiceMonitor.model_validate(monitor)
    return read.model_dump(by_alias=True, exclude_none=True, mode="json")


def test_the_monitor_is_what_the_prometheus_operator_takes() -> None:
    monitor = RESOURCES["production ServiceMonitor"]
    assert by_the_operators_models(monitor) == monitor


def test_a_monitor_with_a_wrong_field_is_seen() -> None:
    monitor = RESOURCES["production ServiceMonitor"]
    unknown = changed(monitor, lambda each: each["spec"]["endpoints"][0].update(intervall="15s"))
    assert by_the_operators_models(unknown) != unknown
    with pytest.raises(ValueError, match="interval"):
        by_the_operators_models(
            changed(monitor, lambda each: each["spec"]["endpoints"][0].update(interval="often"))
        )


def by_kserves_models(*resources: Resource) -> str:
    """What KServe's models have against the resources; empty: nothing."""
    done = subprocess.run([PYTHON, PROGRAM], input=json.dumps(resources), capture_output=True, text=True)
    return done.stderr if done.returncode else ""


@pytest.mark.parametrize("version", VERSIONS)
def test_the_pod_of_kserves_runtime_is_what_that_version_of_kubernetes_takes(version: str) -> None:
    runtime = RESOURCES["kserve ServingRuntime"]
    spec = {part: runtime["spec"][part] for part in ("containers", "volumes")}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": runtime["metadata"], "spec": spec}
    assert kubernetes_validate.validate(pod, version, strict=True) == version


@pytest.mark.skipif(not INSTALLED, reason=ABSENT)
def test_kserves_resources_are_what_kserve_takes() -> None:
    built = build(OVERLAYS / "kserve")
    assert {each["kind"] for each in built} == {"ServingRuntime", "InferenceService"}
    assert by_kserves_models(*built) == ""


@pytest.mark.skipif(not INSTALLED, reason=ABSENT)
@pytest.mark.parametrize(
    ("kind", "change", "told"),
    [
        ("ServingRuntime", lambda each: each["spec"].update(protocols=["v2"]), "no such field: protocols"),
        ("ServingRuntime", lambda each: each["spec"].pop("containers"), "`containers`, must not be `None`"),
        (
            "InferenceService",
            lambda each: each["spec"]["predictor"]["model"].update(modelFormat="signs"),
            "InferenceService.spec.predictor.model.modelFormat: expected <class 'dict'>",
        ),
    ],
    ids=["unknown field", "no container", "text for an object"],
)
def test_what_kserve_would_not_take_is_seen(kind: str, change: Change, told: str) -> None:
    assert told in by_kserves_models(changed(the(build(OVERLAYS / "kserve"), kind), change))

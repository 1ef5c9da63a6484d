"""What the manifests say of the service is so: its settings, routes, port, user, limits and end."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from app.endings import CLEAN_UP_SECONDS
from app.settings import Settings
from app.threads import granted_threads
from tests.app.serving import service
from tests.conftest import ROOT
from tests.deploy.container_options import container_options, size
from tests.deploy.kustomize import OVERLAYS, Resource, build, the

DEPLOYED = ("small", "production")
WORKLOADS = (*DEPLOYED, "kserve")
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
USUAL_GRACE = 30  # seconds, where a pod does not ask for another one
RESTRICTED = {
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "runAsGroup": 10001,
    "readOnlyRootFilesystem": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""Kubernetes' Pod Security Standard of this name, with a fixed user and a read-only root besides."""


def pod_of(overlay: str) -> Resource:
    """The specification of the overlay's pods; KServe lays the InferenceService over the runtime."""
    built = build(OVERLAYS / overlay)
    if overlay != "kserve":
        spec: Resource = the(built, "Deployment")["spec"]["template"]["spec"]
        return spec
    return {**the(built, "ServingRuntime")["spec"], **the(built, "InferenceService")["spec"]["predictor"]}


@pytest.fixture(params=WORKLOADS)
def pod(request: pytest.FixtureRequest) -> Resource:
    return pod_of(request.param)


@pytest.fixture
def container(pod: Resource) -> Resource:
    (found,) = pod["containers"]
    return dict(found)


def settings_of(container: Resource) -> Settings:
    """The settings that the container's variables make; raises where one is unknown or wrong."""
    given: dict[str, Any] = {each["name"]: each["value"] for each in container["env"]}
    names = {Settings.variable(name): name for name in Settings.model_fields}
    return Settings(**{names[variable]: value for variable, value in given.items()})


def test_every_variable_is_a_setting_that_takes_its_value(container: Resource) -> None:
    assert settings_of(container).cache_dir == Path("/tmp/networks")


def test_the_port_is_the_one_that_is_listened_on(container: Resource) -> None:
    (port,) = container["ports"]
    assert port["containerPort"] == settings_of(container).port


def test_every_probe_asks_a_route_of_the_service(container: Resource) -> None:
    (port,) = container["ports"]
    asked = [container[probe]["httpGet"] for probe in PROBES if probe in container]
    assert len(asked) >= 2
    with service() as client:
        for request in asked:
            assert request["port"] in (port.get("name"), port["containerPort"])
            assert client.get(request["path"]).status_code == 200


def test_readiness_is_asked_of_the_model_and_life_of_the_process_alone(container: Resource) -> None:
    with service() as client:
        client.app.state.classifier.begin_drain()  # type: ignore[attr-defined]
        assert client.get(container["readinessProbe"]["httpGet"]["path"]).status_code in (400, 503)
        assert client.get(container["livenessProbe"]["httpGet"]["path"]).status_code == 200


def test_the_pod_may_do_nothing_that_it_need_not(pod: Resource, container: Resource) -> None:
    assert container["securityContext"] == RESTRICTED
    assert pod["automountServiceAccountToken"] is False


def test_no_service_gives_variables_that_are_taken_for_settings(pod: Resource) -> None:
    # A Service called signs would set SIGNS_PORT to an address, and one more that is refused.
    assert pod["enableServiceLinks"] is False


def test_the_user_is_the_images() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    user = f"{RESTRICTED['runAsUser']}:{RESTRICTED['runAsGroup']}"
    assert set(re.findall(r"^USER (\S+)$", dockerfile, re.MULTILINE)) == {user}


def test_requests_are_limits_and_cpus_are_whole(container: Resource) -> None:
    resources = container["resources"]
    assert resources["requests"] == resources["limits"]
    assert resources["limits"]["cpu"].isdecimal()


def test_the_threads_follow_the_limit(
    container: Resource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    cpus = int(container["resources"]["limits"]["cpu"])
    assert settings_of(container).threads == 0
    (tmp_path / "cpu.max").write_text(f"{cpus * 100_000} 100000\n")  # as the kubelet writes it
    assert granted_threads(tmp_path, tmp_path / "none") == cpus


def test_the_compiled_networks_lie_where_the_pod_may_write(pod: Resource, container: Resource) -> None:
    (mount,) = container["volumeMounts"]
    (volume,) = pod["volumes"]
    assert mount == {"name": volume["name"], "mountPath": "/tmp"}
    assert settings_of(container).cache_dir == Path(mount["mountPath"]) / "networks"


def test_the_pod_is_given_the_time_that_its_end_takes(pod: Resource, container: Resource) -> None:
    settings = settings_of(container)
    longest = settings.drain_seconds + settings.shutdown_seconds + CLEAN_UP_SECONDS
    assert pod.get("terminationGracePeriodSeconds", USUAL_GRACE) > longest
    assert settings.shutdown_seconds * 1000 > settings.deadline_ms


@pytest.mark.parametrize(("overlay", "cpus"), [("small", "1"), ("production", "4")])
def test_a_container_engine_is_told_what_kubernetes_is_told(overlay: str, cpus: str) -> None:
    assert container_options(pod_of(overlay)) == [
        "--user=10001:10001",
        f"--cpus={cpus}",
        "--memory=1g",
        "--cap-drop=ALL",
        "--read-only",
        "--security-opt=no-new-privileges",
        "--tmpfs=/tmp:size=512m",
        "--env=SIGNS_CACHE_DIR=/tmp/networks",
        "--env=SIGNS_DRAIN_SECONDS=10",
        "--env=SIGNS_SHUTDOWN_SECONDS=15",
    ]


@pytest.mark.parametrize("quantity", ["1G", "0.5Gi", "1024", ""])
def test_a_size_that_an_engine_would_take_for_another_is_refused(quantity: str) -> None:
    with pytest.raises(ValueError, match="expected a whole number of Ki, Mi or Gi"):
        size(quantity)


@pytest.mark.parametrize("overlay", DEPLOYED)
def test_all_that_belongs_to_the_deployment_finds_it(overlay: str) -> None:
    built = build(OVERLAYS / overlay)
    deployment, balancer = the(built, "Deployment"), the(built, "Service")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    selectors = [
        deployment["spec"]["selector"]["matchLabels"],
        balancer["spec"]["selector"],
        the(built, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        the(built, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        *(each["labelSelector"]["matchLabels"] for each in pod_of(overlay)["topologySpreadConstraints"]),
    ]
    assert all(selector == labels for selector in selectors)
    (port,) = pod_of(overlay)["containers"][0]["ports"]
    (rule,) = the(built, "NetworkPolicy")["spec"]["ingress"]
    assert balancer["spec"]["ports"][0]["targetPort"] == rule["ports"][0]["port"] == port["name"]


@pytest.mark.parametrize("overlay", DEPLOYED)
def test_everything_lives_in_a_restricted_namespace(overlay: str) -> None:
    *placed, namespace = sorted(build(OVERLAYS / overlay), key=lambda each: each["kind"] == "Namespace")
    assert namespace["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted"}
    assert {each["metadata"]["namespace"] for each in placed} == {namespace["metadata"]["name"]}


def test_what_scales_and_what_watches_the_deployment_finds_it() -> None:
    built = build(OVERLAYS / "production")
    scaled = the(built, "HorizontalPodAutoscaler")["spec"]
    deployment, balancer, monitor = (the(built, k) for k in ("Deployment", "Service", "ServiceMonitor"))
    assert scaled["scaleTargetRef"] == {
        "apiVersion": deployment["apiVersion"],
        "kind": deployment["kind"],
        "name": deployment["metadata"]["name"],
    }
    assert "replicas" not in deployment["spec"]  # each apply would set it back
    assert monitor["spec"]["selector"]["matchLabels"] == balancer["metadata"]["labels"]
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["port"] == balancer["spec"]["ports"][0]["name"]
    with service() as client:
        assert "signs_requests_total" in client.get(endpoint["path"]).text


def test_the_inference_service_asks_for_its_runtime_and_for_the_model_by_its_name() -> None:
    built = build(OVERLAYS / "kserve")
    runtime, asking = the(built, "ServingRuntime"), the(built, "InferenceService")
    model = asking["spec"]["predictor"]["model"]
    assert model["runtime"] == runtime["metadata"]["name"]
    assert model["modelFormat"]["name"] in [each["name"] for each in runtime["spec"]["supportedModelFormats"]]
    assert model["protocolVersion"] in runtime["spec"]["protocolVersions"]
    (container,) = runtime["spec"]["containers"]
    assert settings_of(container).model_dir == Path("/mnt/models")
    scraped = runtime["spec"]["annotations"]
    assert int(scraped["prometheus.kserve.io/port"]) == settings_of(container).port
    with service() as client:
        assert client.get(f"/v2/models/{asking['metadata']['name']}").status_code == 200
        assert "signs_requests_total" in client.get(scraped["prometheus.kserve.io/path"]).text

"""The counters that Prometheus scrapes tell the truth."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from app.engines.constant import ConstantEngine, constant_manifest
from app.main import create_app
from app.metrics import Metrics
from app.proof import LoadedVersion
from app.settings import Settings
from tests.app.serving import service

GreyPng = Callable[[int], bytes]
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scrape(client: TestClient) -> Samples:
    """Every sample by name and sorted labels, read by Prometheus' own parser."""
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def sample(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((name, tuple(sorted(labels.items()))), 0)


def test_pictures_are_counted_by_what_became_of_them(grey_png: GreyPng) -> None:
    with service() as client:
        client.post("/predict", content=grey_png(255))
        client.post("/", files={"file": grey_png(255)})
        client.post("/predict", content=b"no picture")
        client.post(
            "/predict/batch", files=[("files", ("a", grey_png(0))), ("files", ("b", grey_png(0)[:40]))]
        )
        samples = scrape(client)
    assert sample(samples, "signs_images_total") == 5
    assert sample(samples, "signs_predictions_total", label="5", accepted="true") == 2
    assert sample(samples, "signs_predictions_total", label="0", accepted="true") == 1
    assert sample(samples, "signs_rejections_total", reason="unsupported-image") == 1
    assert sample(samples, "signs_rejections_total", reason="corrupt-image") == 1


def test_decoding_and_inference_are_timed(grey_png: GreyPng) -> None:
    with service(ConstantEngine(delay=0.02)) as client:
        client.post("/predict", content=grey_png(0))
        client.post("/predict", content=b"no picture")
        samples = scrape(client)
    assert sample(samples, "signs_decode_seconds_count") == 1
    assert sample(samples, "signs_inference_seconds_count") == 1
    assert 0.02 <= sample(samples, "signs_inference_seconds_sum") < 5
    assert sample(samples, "signs_batch_images_sum") == 1


def test_the_queue_is_told_as_it_is(grey_png: GreyPng) -> None:
    running, release = threading.Event(), threading.Event()

    def hold(_images: object) -> None:
        running.set()
        assert release.wait(20)

    with service(ConstantEngine(before_run=hold)) as client, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.post, "/predict", content=grey_png(0))
        assert running.wait(20)
        assert sample(scrape(client), "signs_queue_images") == 1
        release.set()
        waiting.result()
        assert sample(scrape(client), "signs_queue_images") == 0


def test_requests_are_counted_by_template_and_status(grey_png: GreyPng) -> None:
    with service() as client:
        client.post("/predict", content=grey_png(0))
        client.post("/predict", content=b"x")
        for index in range(20):
            client.get(f"/nothing/{index}")
        client.get("/static/page.css")
        samples = scrape(client)
    assert sample(samples, "signs_requests_total", route="/predict", status="200") == 1
    assert sample(samples, "signs_requests_total", route="/predict", status="415") == 1
    assert sample(samples, "signs_requests_total", route="unmatched", status="404") == 20
    assert sample(samples, "signs_requests_total", route="/static", status="200") == 1
    assert sample(samples, "signs_request_seconds_count", route="/predict") == 2


def test_the_state_of_the_model_is_told(tmp_path: Path) -> None:
    with service() as client:
        samples = scrape(client)
    assert (sample(samples, "signs_ready"), sample(samples, "signs_model_version")) == (1, 1)
    with TestClient(create_app(Settings(model_dir=tmp_path))) as client:
        samples = scrape(client)
    assert (sample(samples, "signs_ready"), sample(samples, "signs_model_version")) == (0, 0)


def test_the_wait_for_the_network_is_timed() -> None:
    metrics = Metrics()
    metrics.computed(waited=0.03, ran=1.0)
    told = metrics.render().decode()
    assert "signs_queue_seconds_count 1.0" in told
    assert "signs_queue_seconds_sum 0.03" in told


def test_the_precision_and_the_memory_are_told() -> None:
    with service() as client:
        samples = scrape(client)
    assert sample(samples, "signs_model_precision", precision="float32") == 1
    assert 2**20 < sample(samples, "process_resident_memory_bytes") < 2**36


def test_what_the_answers_are_compared_with_is_told(tmp_path: Path) -> None:
    manifest = constant_manifest()
    training = manifest.training.model_copy(update={"labels": {"0": 3, "5": 1}})
    acceptance = manifest.acceptance.model_copy(update={"true_acceptance_rate": 0.9})
    version = LoadedVersion(
        manifest.model_copy(update={"training": training, "acceptance": acceptance}), ConstantEngine()
    )
    app = create_app(Settings(), ConstantEngine())
    app.state.classifier._source = version
    with TestClient(app) as client:
        samples = scrape(client)
    assert sample(samples, "signs_training_share", label="0") == 0.75
    assert sample(samples, "signs_training_share", label="5") == 0.25
    assert sample(samples, "signs_training_accepted_share") == 0.9


def test_every_reason_is_there_from_the_start() -> None:
    with service() as client:
        samples = scrape(client)
    reasons = {dict(labels)["reason"] for name, labels in samples if name == "signs_rejections_total"}
    assert {"unsupported-image", "corrupt-image", "image-too-large", "overloaded"} <= reasons
    assert {dict(labels)["reason"] for name, labels in samples if name == "signs_refusals_total"} == {
        "address-rate",
        "key-rate",
        "overloaded",
    }


def test_two_applications_count_apart(grey_png: GreyPng) -> None:
    with service() as first, service() as second:
        first.post("/predict", content=grey_png(0))
        assert sample(scrape(second), "signs_images_total") == 0
        assert sample(scrape(first), "signs_images_total") == 1

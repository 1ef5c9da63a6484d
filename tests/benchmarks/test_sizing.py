"""A load's size follows from what was measured, and what was not is said and fits the rest of the project."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from benchmarks.bottlenecks import next_bottleneck, strains
from benchmarks.pictures import thumbnails
from benchmarks.service_report import half_load
from benchmarks.sizing import Assumptions, kinds, read_copy, size
from tests.app.serving import service
from tests.benchmarks.reports import LONE, PEAK, QUEUE, report, server
from tests.deploy.kustomize import OVERLAYS, build, the

ASSUMED = Assumptions()
COPY = read_copy(report())
SMALL, PHOTO = kinds(COPY, ASSUMED)


def test_the_copy_is_the_fastest_of_this_services_or_the_one_that_is_named() -> None:
    slow = server("Signs, slow", peak={"answered": PEAK / 2})
    peer = server("Peer", peer="peer", peak={"answered": PEAK * 2})
    broken = server("Signs, broken", error="RuntimeError: not ready", peak=None)
    told = report(slow, server(), peer, broken)
    assert read_copy(told) == COPY
    assert read_copy(told, "Signs, slow").peak == PEAK / 2
    for absent in ("Peer", "Signs, broken", "Nobody"):
        with pytest.raises(ValueError, match=rf"no such measurement: {absent}; choices: \['Signs, Open"):
            read_copy(told, absent)
    with pytest.raises(ValueError, match="no such measurement: of this service"):
        read_copy(report(peer))


def test_the_queue_is_found_again_in_what_it_gave() -> None:
    # The network's times are straight in the batch, so that those between the measured ones are right too.
    assert COPY.queue.seconds == pytest.approx(QUEUE.seconds)
    assert COPY.queue.variation == 0
    assert COPY.queue.limit == pytest.approx(PEAK)
    assert COPY.shift == pytest.approx(LONE - QUEUE.seconds[0])


def test_times_that_vary_are_told_by_the_percentiles_of_lone_requests() -> None:
    # Of a log-normal p95 / p50 = exp(1.645 sigma), and the squared coefficient of variation exp(sigma^2) - 1.
    alone = server()["alone"] | {"p50": 10.0, "p95": 10.0 * 2.718281828**0.8224}
    assert read_copy(report(server(alone=alone))).queue.variation == pytest.approx(0.284, abs=0.001)


def test_a_service_that_is_faster_than_its_network_is_noise_or_a_measurement_gone_wrong() -> None:
    best = 8 / (0.004 + 8 * 0.001)
    copy = read_copy(report(server(peak={"answered": best * 1.05})))
    assert copy.queue.seconds[0] == pytest.approx(0.005)
    with pytest.raises(ValueError, match=r"best rate alone, 666\.7 a second, received 800\.0"):
        read_copy(report(server(peak={"answered": 800.0})))


def test_a_copy_is_not_said_to_carry_more_than_its_peak() -> None:
    assert COPY.share_within(60.0) == pytest.approx(0.99, abs=0.01)
    assert 0.3 < COPY.share_within(0.040) < 0.95
    assert COPY.share_within(LONE / 2) == 0


def test_a_photo_takes_a_small_picture_and_the_decoding_that_makes_it_later() -> None:
    assert SMALL.core_seconds == pytest.approx(2 / PEAK)
    assert PHOTO.core_seconds == pytest.approx(2 / PEAK + 0.060 - LONE)
    assert (SMALL.decode_seconds, PHOTO.decode_seconds) == pytest.approx((0.0005, 0.0505))


@pytest.mark.parametrize("rate", [1_000, 1_000_000])
def test_copies_carry_the_load_at_their_share_and_one_fewer_would_not(rate: float) -> None:
    for kind in (SMALL, PHOTO):
        found = size(COPY, kind, rate, 0.5, ASSUMED)
        needed = rate * kind.core_seconds / 0.5
        assert (found.copies - 1) * 2 < needed <= found.cores == found.copies * 2
        assert found.gigabytes == pytest.approx(found.copies * 0.5)  # of eight photos at once


def test_a_small_load_has_a_copy_for_each_zone() -> None:
    assert size(COPY, SMALL, 10, 0.5, ASSUMED).copies == 3


def test_prices_are_of_a_month_of_730_hours() -> None:
    prices = replace(
        ASSUMED, core_hour=1, gigabyte_hour=10, egress_gigabyte=100, answer_bytes=1000, small_bytes=2000
    )
    found = size(COPY, kinds(COPY, prices)[0], 1000, 0.5, prices)
    assert found.core_price == found.cores * 730
    assert found.memory_price == pytest.approx(found.gigabytes * 7300)
    assert found.egress_price == pytest.approx(1e-3 * 3600 * 730 * 100)
    assert found.price == found.core_price + found.memory_price + found.egress_price
    assert (found.ingress_gigabits, found.egress_gigabits) == pytest.approx((0.016, 0.008))


@pytest.mark.parametrize("share", [0.0, 1.1, float("nan")])
def test_a_share_that_cannot_be_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="expected a share above 0 and at most 1"):
        size(COPY, SMALL, 10, share, ASSUMED)


def test_each_strain_is_a_share_of_what_it_may_take() -> None:
    assumed = replace(
        ASSUMED,
        requests_a_connection=1,
        handshakes_a_core=1e4,
        ciphered_a_core=1e9,
        small_bytes=9e5,
        answer_bytes=1e5,
    )
    small, photo = kinds(COPY, assumed)
    found = size(COPY, small, 1e6, 0.5, assumed)
    decode, tls, bandwidth, distribution, cold = every = strains(COPY, found, assumed)
    assert decode.share == pytest.approx(0.0005 / (2 / PEAK))
    assert decode.told == "500 cores"
    assert tls.share == pytest.approx((1e6 / 1e4 + 1e6 * 1e6 / 1e9) / found.cores)
    nodes = -(-found.cores // 32)
    assert bandwidth.share == pytest.approx(1e6 * 9e5 * 8 / 1e9 / nodes / 25)
    assert distribution.share == pytest.approx(nodes * 0.8 * 8 / 10 / 600, rel=1e-6)
    assert cold.share == pytest.approx(32.5 / 300, rel=1e-3)
    assert cold.told.startswith("32 s, ")
    assert next_bottleneck(every).share == max(each.share for each in every)
    assert next_bottleneck(strains(COPY, size(COPY, photo, 1000, 0.5, assumed), assumed)).name == "decode"


def test_the_autoscaler_keeps_to_what_is_assumed() -> None:
    scaled = the(build(OVERLAYS / "production"), "HorizontalPodAutoscaler")["spec"]
    (metric,) = scaled["metrics"]
    assert metric["resource"]["target"]["averageUtilization"] == ASSUMED.load_share * 100
    assert scaled["minReplicas"] == ASSUMED.fewest_copies


def test_an_answer_is_as_large_as_is_assumed() -> None:
    with service() as client:
        answer = client.post("/predict", content=thumbnails()[0]).raise_for_status()
    head = sum(len(f"{name}: {value}\r\n") for name, value in answer.headers.items())
    assert ASSUMED.answer_bytes / 2 < head + len(answer.content) <= ASSUMED.answer_bytes


def test_the_report_is_of_the_shape_that_the_benchmark_writes() -> None:
    told = report()
    assert half_load(told["servers"][0])["offered"] == PEAK / 2
    assert json.loads(json.dumps(told)) == told

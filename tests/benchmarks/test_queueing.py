"""The queue with bulk service agrees with closed forms where there are some, and with itself elsewhere."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.queueing import BulkQueue

LOADS = (0.1, 0.5, 0.9)
GROWING = BulkQueue((0.010, 0.012, 0.014, 0.016, 0.018, 0.020, 0.022, 0.024))
"""A fixed cost for a batch, and one for each request in it."""


@pytest.mark.parametrize("load", LOADS)
def test_one_at_a_time_in_exponential_times_is_m_m_1(load: float) -> None:
    queue = BulkQueue((0.02,), variation=1)
    assert queue.mean_seconds(load * 50) == pytest.approx(1 / (50 - load * 50), rel=1e-6)


@pytest.mark.parametrize("load", LOADS)
def test_one_at_a_time_in_constant_times_is_m_d_1(load: float) -> None:
    queue = BulkQueue((0.02,))
    expected = 0.02 * (1 + load / (2 * (1 - load)))
    assert queue.mean_seconds(load * 50) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("variation", [0.25, 3.0])
def test_one_at_a_time_in_any_times_is_pollaczek_and_khinchines_m_g_1(variation: float) -> None:
    queue, load = BulkQueue((0.02,), variation), 0.7
    expected = 0.02 * (1 + load * (1 + variation) / (2 * (1 - load)))
    assert queue.mean_seconds(load * 50) == pytest.approx(expected, rel=1e-6)


def test_batches_of_any_size_in_exponential_times_leave_a_geometric_queue() -> None:
    # While a batch is served each event is an arrival with probability p, so it leaves n with (1 - p) p^n:
    # whoever arrives waits for the batch that runs, and then for its own; an idle server answers at once.
    service, rate = 0.02, 30.0
    queue, p = BulkQueue((service,) * 200, variation=1), rate * service / (1 + rate * service)
    idle = (1 - p) / rate / (service + (1 - p) / rate)
    assert queue.mean_seconds(rate) == pytest.approx(service + (1 - idle) * service, rel=1e-6)


def test_a_lone_request_takes_the_time_of_a_batch_of_one() -> None:
    assert GROWING.mean_seconds(1e-3) == pytest.approx(0.010, rel=1e-3)
    assert GROWING.sample_seconds(1e-3, count=100) == pytest.approx(np.full(90, 0.010), rel=1e-6)


@pytest.mark.parametrize("variation", [0.0, 0.5])
@pytest.mark.parametrize("load", [0.3, 0.8])
def test_the_queue_played_through_has_the_exact_mean(load: float, variation: float) -> None:
    queue = BulkQueue(GROWING.seconds, variation)
    played = queue.sample_seconds(load * queue.limit, count=60_000)
    assert played.mean() == pytest.approx(queue.mean_seconds(load * queue.limit), rel=0.03)


def test_percentiles_of_m_m_1_are_those_of_its_exponential_distribution() -> None:
    played = BulkQueue((0.02,), variation=1).sample_seconds(25, count=60_000)
    assert np.percentile(played, 99) == pytest.approx(math.log(100) / 25, rel=0.05)


def test_batches_carry_loads_that_one_at_a_time_would_not() -> None:
    assert GROWING.limit == pytest.approx(8 / 0.024)
    assert GROWING.mean_seconds(200) < 3 * GROWING.mean_seconds(1)
    with pytest.raises(ValueError, match="expected a rate above 0 and below 100"):
        BulkQueue((0.010,)).mean_seconds(200)


def test_the_rate_within_a_goal_keeps_it_and_no_other_by_much() -> None:
    rate = GROWING.rate_within(0.040, count=20_000)
    assert np.percentile(GROWING.sample_seconds(rate, 20_000), 99) <= 0.040
    assert np.percentile(GROWING.sample_seconds(rate + 0.02 * GROWING.limit, 20_000), 99) > 0.040
    assert GROWING.rate_within(0.005, count=1000) == 0


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), GROWING.limit, 1e9])
def test_a_rate_that_it_cannot_carry_is_refused(rate: float) -> None:
    for asked in (GROWING.mean_seconds, GROWING.sample_seconds):
        with pytest.raises(ValueError, match="expected a rate above 0 and below 333"):
            asked(rate)


@pytest.mark.parametrize(("seconds", "variation"), [((), 0), ((0.1, 0.0), 0), ((0.1,), -1)])
def test_times_that_cannot_be_are_refused(seconds: tuple[float, ...], variation: float) -> None:
    with pytest.raises(ValueError, match="expected times above 0"):
        BulkQueue(seconds, variation)

"""A caller's requests are let through at the rate that was set, and nobody else's are held up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rate_limit import MOST_CALLERS, RateLimit, network_of


class Clock:
    """Time that stands still until it is moved, in seconds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_minutes_worth_may_come_at_once_and_is_earned_back_evenly() -> None:
    clock = Clock()
    limit = RateLimit(6, clock)
    assert [limit.admit("ann") for _ in range(6)] == [0] * 6
    assert limit.admit("ann") == pytest.approx(10)
    clock.now += 9.5
    assert limit.admit("ann") == pytest.approx(0.5)
    clock.now += 0.5
    assert limit.admit("ann") == 0
    assert limit.admit("ann") == pytest.approx(10)
    clock.now += 3600
    assert [limit.admit("ann") for _ in range(6)] == [0] * 6
    assert limit.admit("ann") > 0


def test_callers_do_not_share() -> None:
    limit = RateLimit(1, Clock())
    assert limit.admit("ann") == 0
    assert limit.admit("ann") > 0
    assert limit.admit("bob") == 0


@given(st.integers(1, 50), st.lists(st.floats(0, 40, allow_nan=False, allow_infinity=False), max_size=200))
def test_never_more_than_twice_the_rate_in_any_minute(rate: int, pauses: list[float]) -> None:
    clock, admitted = Clock(), list[float]()
    limit = RateLimit(rate, clock)
    for pause in pauses:
        clock.now += pause
        for _ in range(rate):
            if limit.admit("ann") == 0:
                admitted.append(clock.now)
    for start in admitted:
        assert sum(start <= instant < start + 60 for instant in admitted) <= 2 * rate


def test_those_longest_unheard_of_are_forgotten() -> None:
    limit = RateLimit(1, Clock())
    for caller in range(MOST_CALLERS + 1):
        assert limit.admit(str(caller)) == 0
    assert limit.admit(str(MOST_CALLERS)) > 0
    assert limit.admit("0") == 0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("testclient", "testclient"),
        ("-", "-"),
    ],
)
def test_what_counts_as_one_address(address: str, network: str) -> None:
    assert network_of(address) == network

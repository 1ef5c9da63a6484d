"""What waits is taken in its order, by fair shares, and never past a change of the engine."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from app.engines.constant import ConstantEngine
from app.errors import DeadlineExceeded, NotReady
from app.waiting import Change, Line, Request
from tests.app.batching import pictures


def _request(size: int = 1, deadline: float | None = None) -> Request:
    return Request(pictures(*[0.0] * size), deadline)


@given(
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=20),
    takers=st.integers(1, 4),
    most=st.integers(5, 8),
)
def test_shares_keep_the_order_and_are_neither_small_nor_large(
    sizes: list[int], takers: int, most: int
) -> None:
    requests = [_request(size) for size in sizes]
    line = Line()
    line.append(*requests)
    taken: list[list[Request]] = []
    while line:
        left = sum(sizes[sum(map(len, taken)) :])
        taken.append(line.take(takers, most))
        counts = [len(request.images) for request in taken[-1]]
        assert 1 <= sum(counts) <= most
        assert sum(counts[:-1]) * takers < left  # it had its share not before the last one
        if sum(counts) * takers < left:
            assert sum(counts) + sizes[sum(map(len, taken))] > most
    assert [request for share in taken for request in share] == requests


def test_what_was_asked_after_a_change_does_not_count_before_it() -> None:
    first, second, change, third = _request(), _request(), Change(ConstantEngine()), _request(5)
    line = Line()
    line.append(first, second, change, third)
    assert line.take_change() is None
    assert line.take(2, 8) == [first]
    assert line.take(1, 8) == [second]
    assert line.change is change
    assert line.take(1, 8) == []
    assert line.take_change() is change
    assert line.take(2, 8) == [third]


def test_who_left_or_came_too_late_takes_no_place_in_a_batch() -> None:
    gone, late, cancelled, alive = _request(), _request(deadline=time.monotonic()), _request(), _request()
    line = Line()
    line.append(gone, late, cancelled, alive)
    line.withdraw([gone])
    assert len(line) == 3
    assert cancelled.answer.cancel()  # it is not withdrawn yet
    assert line.take(3, 8) == [alive]
    assert isinstance(late.answer.exception(), DeadlineExceeded)
    assert alive.answer.running()


def test_all_that_wait_can_be_told_at_once() -> None:
    requests = [_request() for _ in range(3)]
    line = Line()
    line.append(requests[0], Change(ConstantEngine()), *requests[1:], Change(None))
    assert line.clear() == requests
    assert not line
    for request in requests:
        request.fail(NotReady("over"))
        request.fail(NotReady("over again"))
        assert str(request.answer.exception()) == "over"

"""A request's trace is the one that its sender says it belongs to, or a new one."""

from __future__ import annotations

import re

import pytest

from app.trace_context import trace_id_in

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    "header", [f"00-{TRACE}-00f067aa0ba902b7-01", f"cc-{TRACE}-00f067aa0ba902b7-01-more"]
)
def test_the_senders_trace_is_kept(header: str) -> None:
    assert trace_id_in(header.format(TRACE)) == TRACE


@pytest.mark.parametrize(
    "header",
    [
        "",
        TRACE,
        f"ff-{TRACE}-00f067aa0ba902b7-01",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-00f067aa0ba902b7-01",
        f"00-{TRACE}-00f067aa0ba902b7-01\n",
        f"00-{TRACE}-00f067aa0ba902b7-01 forged",
    ],
)
def test_without_one_there_is_a_new_one(header: str) -> None:
    new = trace_id_in(header)
    assert re.fullmatch("[0-9a-f]{32}", new)
    assert new not in (TRACE, "0" * 32, trace_id_in(header))

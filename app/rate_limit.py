"""How often one caller may ask."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

MOST_CALLERS: Final = 10_000  # remembered, which is about 2 MB; then those longest unheard of are forgotten
MINUTE: Final = 60.0


class RateLimit:
    """Lets `per_minute` requests of each caller through at once, and as many a minute in the long run.

    This is the generic cell rate algorithm (ITU-T I.371), which keeps one number for each caller.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._cost = MINUTE / per_minute  # seconds in which one request is earned back
        self._clock = clock
        self._whole_at: OrderedDict[str, float] = OrderedDict()  # when all that was used is earned back

    def admit(self, caller: str) -> float:
        """0 where a request of `caller` is admitted, else the seconds until one would be."""
        now = self._clock()
        whole_at = max(self._whole_at.get(caller, now), now) + self._cost
        early = whole_at - now - MINUTE
        if early > 1e-6:  # less is rounding
            return early
        self._whole_at[caller] = whole_at
        self._whole_at.move_to_end(caller)
        if len(self._whole_at) > MOST_CALLERS:
            self._whole_at.popitem(last=False)
        return 0.0


def network_of(address: str) -> str:
    """What counts as one caller: an IPv4 address, or the /64 that an IPv6 customer gets at the least."""
    try:
        parsed = ip_address(address)
    except ValueError:  # a socket of another kind, or a proxy's own name for a client
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    return str(parsed.ipv4_mapped or ip_network((int(parsed), 64), strict=False))

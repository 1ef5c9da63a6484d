"""How long requests wait in a service that answers in batches: a queue with bulk service, M/G(n)/1.

Requests arrive at random (Poisson), one server takes all that wait, up to a largest batch, whenever it is
free, and how long it takes hangs on the batch. The mean is exact, by the Markov chain of what each batch
leaves behind: M. F. Neuts, "A general class of bulk queues with Poisson input", The Annals of Mathematical
Statistics 38 (1967); of inference servers, Y. Inoue, "Queueing analysis of GPU-based inference servers with
dynamic batching", Performance Evaluation 147 (2021). Percentiles come from the same queue, played through.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Float64Array = NDArray[np.float64]

NEGLIGIBLE = 1e-9
"""The probability of a queue so long that leaving it out changes nothing."""
FIRST_LENGTH, LAST_LENGTH = 128, 4096
PLAYED = 30_000
"""So many requests are played through: enough for a 99th percentile to within some per cent."""
WARM_UP = 0.1
"""Of what is played through: this part begins with an empty queue and is left out."""


@dataclass(frozen=True, slots=True)
class BulkQueue:
    """One server that answers in batches."""

    seconds: tuple[float, ...]
    """How long a batch takes on average: of one request, of two, and so on up to the largest."""
    variation: float = 0.0
    """The squared coefficient of variation of these times: 0 always the same, 1 exponential."""

    def __post_init__(self) -> None:
        if not self.seconds or min(self.seconds) <= 0 or self.variation < 0:
            raise ValueError(f"expected times above 0 and a variation of 0 or more, received {self}")

    @property
    def limit(self) -> float:
        """Requests a second that it never reaches: with as many or more the queue grows for ever."""
        return len(self.seconds) / self.seconds[-1]

    def mean_seconds(self, rate: float) -> float:
        """The mean time from arrival to answer, at so many requests a second (0 < rate < limit)."""
        self._check(rate)
        left = self._left_behind(rate)
        lengths = np.arange(len(left))
        times = np.array(self.seconds)[np.clip(lengths, 1, len(self.seconds)) - 1]
        arriving = rate * times**2 * (1 + self.variation) / 2
        inside = left @ (np.maximum(lengths, 1) * times + arriving)
        cycle = left @ times + left[0] / rate
        return float(inside / cycle / rate)  # Little's law

    def sample_seconds(self, rate: float, count: int = PLAYED, seed: int = 0) -> Float64Array:
        """The times from arrival to answer of so many requests, one after the other; the same for a seed."""
        self._check(rate)
        random = np.random.default_rng(seed)
        due = np.cumsum(random.exponential(1 / rate, count)).tolist()
        factors = self._factors(random, count).tolist()
        answered = np.empty(count)
        first, free = 0, 0.0
        while first < count:
            begun = max(free, due[first])
            last = min(bisect_right(due, begun, first), first + len(self.seconds))
            free = begun + self.seconds[last - first - 1] * factors[first]
            answered[first:last] = free
            first = last
        taken: Float64Array = answered - due
        return taken[int(count * WARM_UP) :]

    def rate_within(self, goal: float, percentile: float = 99.0, count: int = PLAYED) -> float:
        """The most requests a second of which so many per cent are answered within `goal` seconds; or 0."""
        low, high = 0.0, self.limit * 0.99
        for _ in range(10):  # to a thousandth of the limit
            middle = (low + high) / 2
            within = np.percentile(self.sample_seconds(middle, count), percentile) <= goal
            low, high = (middle, high) if within else (low, middle)
        return low

    def _check(self, rate: float) -> None:
        if not 0 < rate < self.limit:
            raise ValueError(f"expected a rate above 0 and below {self.limit:.1f} a second, received {rate}")

    def _factors(self, random: np.random.Generator, count: int) -> Float64Array:
        if not self.variation:
            return np.ones(count)
        return random.gamma(1 / self.variation, self.variation, count)

    def _left_behind(self, rate: float) -> Float64Array:
        """How likely a batch leaves 0, 1, 2, ... requests waiting when it ends."""
        length = FIRST_LENGTH
        while True:
            left = self._stationary(rate, length)
            if left[length // 2 :].sum() < NEGLIGIBLE or length >= LAST_LENGTH:
                return left
            length *= 2

    def _stationary(self, rate: float, length: int) -> Float64Array:
        """The same, where what is beyond `length` counts as the last."""
        arrivals = [self._arrivals(rate * seconds, np.arange(length)) for seconds in self.seconds]
        moves = np.zeros((length, length))
        for waiting in range(length):
            size = min(max(waiting, 1), len(self.seconds))  # an idle server waits for one request
            kept = max(waiting - size, 0)
            moves[waiting, kept:] = arrivals[size - 1][: length - kept]
        moves[:, -1] += 1 - moves.sum(axis=1)
        # The balance of all states but one, and that their probabilities add up to 1.
        equations = moves.T - np.eye(length)
        equations[-1] = 1
        return np.linalg.solve(equations, np.eye(length)[-1])

    def _arrivals(self, mean: float, counts: NDArray[np.int_]) -> Float64Array:
        """How likely so many requests arrive during a batch, of which `mean` arrive on average."""
        if not self.variation:
            pmf: Float64Array = stats.poisson.pmf(counts, mean)
        else:
            pmf = stats.nbinom.pmf(counts, 1 / self.variation, 1 / (1 + mean * self.variation))
        return pmf

"""Latency of the stages of the data path: cheap to record, quantiles since the start and over the last minute.

A histogram with buckets of equal ratio (16 to each doubling): a reported quantile is at most 2.2 % from the true one,
the maximum is exact. Recording is one logarithm and one list increment, 0.3 us where one update of a KLL sketch took
1.0 us (and has no weight). No clock is read: whoever holds a histogram calls `rotate` when a slice of the last minute
is over.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable
from itertools import accumulate
from math import log2
from operator import add
from typing import Final

from msgspec import Struct

LATENCY_SLICES: Final = 5
"""Finished slices of the last minute; with the running one, quantiles cover 50 to 60 seconds."""


STEPS: Final = 16
"""Buckets to each doubling."""

OCTAVE_MIN: Final = -20
OCTAVE_MAX: Final = 10
"""From 2**-20 s (1 us) to 2**10 s (17 minutes); what lies outside counts in the outermost bucket."""

BUCKETS: Final = (OCTAVE_MAX - OCTAVE_MIN) * STEPS
_OFFSET: Final = -OCTAVE_MIN * STEPS
_FLOOR_S: Final = 2.0**OCTAVE_MIN


Spent = tuple[str, float, int]
"""A stage, how many seconds it took, and for how many messages."""

SPENT_MAX: Final = 4_096
"""Of them, before they are counted: at 500 orders a second once in a second."""


class Quantiles(Struct, frozen=True):
    """What a reader wants of one stage, in milliseconds. All zero where nothing was recorded."""

    p50: float
    p99: float
    max: float
    count: int


class Histogram:
    """The latencies of one stage. Values are seconds."""

    __slots__ = ("_recent", "_total", "_total_max_s", "counts", "max_s", "sum_s")

    def __init__(self) -> None:
        self.counts = [0] * BUCKETS
        self.max_s = 0.0
        self.sum_s = 0.0
        self._recent: deque[tuple[list[int], float]] = deque(maxlen=LATENCY_SLICES)
        self._total = [0] * BUCKETS
        self._total_max_s = 0.0

    def record(self, seconds: float, n: int = 1) -> None:
        """`n` messages took `seconds` each."""
        bucket = int(log2(seconds) * STEPS + _OFFSET) if seconds > _FLOOR_S else 0
        self.counts[bucket if bucket < BUCKETS else BUCKETS - 1] += n
        self.sum_s += seconds * n
        if seconds > self.max_s:
            self.max_s = seconds

    def rotate(self) -> None:
        """The running slice is over: it moves into the last minute, and the oldest slice leaves it."""
        self._total = list(map(add, self._total, self.counts))
        self._total_max_s = max(self._total_max_s, self.max_s)
        self._recent.append((self.counts, self.max_s))
        self.counts = [0] * BUCKETS
        self.max_s = 0.0

    def recent(self) -> Quantiles:
        """Over the running slice and the LATENCY_SLICES before it."""
        counts, max_s = self.counts, self.max_s
        for older, older_max_s in self._recent:
            counts = list(map(add, counts, older))
            max_s = max(max_s, older_max_s)
        return _quantiles(counts, max_s)

    def total(self) -> Quantiles:
        """Since the start."""
        return _quantiles(list(map(add, self._total, self.counts)), max(self._total_max_s, self.max_s))

    def cumulative(self, octaves: range) -> list[tuple[float, int]]:
        """Since the start: (2**octave seconds, values below it) for each octave, and (inf, all values) at the end."""
        sums = list(accumulate(map(add, self._total, self.counts)))
        below = [(2.0**octave, sums[(octave - OCTAVE_MIN) * STEPS - 1]) for octave in octaves]
        return [*below, (float("inf"), sums[-1])]


def _quantiles(counts: list[int], max_s: float) -> Quantiles:
    sums = list(accumulate(counts))
    total = sums[-1]
    if total == 0:
        return Quantiles(0.0, 0.0, 0.0, 0)

    def at(share: float) -> float:
        bucket = bisect_left(sums, max(1.0, share * total))
        middle_s = 2.0 ** ((bucket + 0.5 - _OFFSET) / STEPS)
        return round(min(middle_s, max_s) * 1000, 4)

    return Quantiles(at(0.5), at(0.99), round(max_s * 1000, 4), total)


class Stages:
    """The latencies of several stages, by name. The data path only notes what it `spent`, and asks for `histograms`
    where that are more than SPENT_MAX; they are counted there."""

    def __init__(self, names: Iterable[str]) -> None:
        self._histograms = {name: Histogram() for name in names}
        self.spent: list[Spent] = []

    def histograms(self) -> dict[str, Histogram]:
        """By stage, with everything spent so far."""
        for name, seconds, n in self.spent:
            self._histograms[name].record(seconds, n)
        self.spent.clear()
        return self._histograms

"""Of paired rounds the median ratio, its bootstrapped interval, and what follows from it."""

from math import sqrt
from statistics import NormalDist, median
from typing import Any, Final

import numpy as np
from msgspec import Struct

from edge.errors import DoorstepError

RESAMPLES: Final = 10_000
LEVEL: Final = 0.95

ROUNDS_MIN: Final = 6
"""Fewer pairs give no interval: without any difference all of 5 lie on one side of it once in 16 times."""

SLOWER: Final = "slower"
FASTER: Final = "faster"
NO_DIFFERENCE: Final = "no difference shown"


class Figure(Struct, frozen=True):
    """What is compared. `threshold` is the ratio up to which this one may be worse."""

    words: str
    threshold: float
    more_is_better: bool = False


FIGURES: Final[dict[str, Figure]] = {
    "cpu_us": Figure("CPU an order, µs", 1.05),
    "p50": Figure("p50, ms", 1.10),
    "p99": Figure("p99, ms", 1.10),
    "rate": Figure("highest rate, orders/s", 1.10, more_is_better=True),
}


def evaluate(name: str, ours: list[float], theirs: list[float], threshold: float | None = None) -> dict[str, Any]:
    """One of FIGURES of both sides, a value a round. Its field "beyond" is true where the whole interval is worse than
    the threshold. Raises DoorstepError where a value is 0, of which there is no ratio."""
    figure = FIGURES[name]
    if not all((*ours, *theirs)):
        raise DoorstepError(
            f"{figure.words} was 0 in a round: too little to compare. Take more --seconds, or a --rate."
        )
    ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
    low, high = interval(ratios) or (None, None)
    limit = threshold or figure.threshold
    result, over_limit = NO_DIFFERENCE, False
    if low is not None and high is not None:
        worst, best = (1 / low, 1 / high) if figure.more_is_better else (high, low)
        result = SLOWER if best > 1 else FASTER if worst < 1 else NO_DIFFERENCE
        over_limit = best > limit
    return {
        "this": median(ours),
        "other": median(theirs),
        "ratio": round(median(ratios), 4),
        "low": low,
        "high": high,
        "verdict": result,
        "threshold": limit,
        "beyond": over_limit,
        "ratios": [round(ratio, 4) for ratio in ratios],
    }


def interval(ratios: list[float]) -> tuple[float, float] | None:
    """The 95 % interval of their median, the same for the same values; None for fewer than ROUNDS_MIN.

    A percentile interval of so few values is too narrow (of 7 it covers the median 87 times in 100), so it is
    expanded. Source: T. Hesterberg, "What Teachers Should Know About the Bootstrap", Am. Statistician 69 (2015).
    """
    count = len(ratios)
    if count < ROUNDS_MIN:
        return None
    drawn = np.random.default_rng(0).integers(0, count, (RESAMPLES, count))
    medians = np.median(np.array(ratios)[drawn], axis=1)
    tail = NormalDist().cdf(-sqrt(count / (count - 1)) * _student((1 + LEVEL) / 2, count - 1))
    low, high = np.quantile(medians, [tail, 1 - tail]).tolist()
    return round(low, 4), round(high, 4)


def _student(probability: float, freedom: int) -> float:
    """A quantile of Student's t, to 0.003 from 5 degrees of freedom on. Source: Abramowitz and Stegun, 26.7.5."""
    z = NormalDist().inv_cdf(probability)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3

"""Does it grow? A straight line through what was sampled, with its interval.

Samples are taken together in blocks, whose medians hardly depend on each other; what dependence is left widens the
interval (Newey and West, *A Simple, Positive Semi-Definite, Heteroskedasticity and Autocorrelation Consistent
Covariance Matrix*, Econometrica 55, 1987). Where samples belong to groups (the lives of a process that was killed),
each group has a level of its own and all have one slope: then a leak shows although every restart hides it.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from msgspec import Struct

LAGS: Final = 3
"""Blocks over which residuals may depend on each other."""

SIGMAS: Final = 1.96
"""Of a 95 % interval."""

POINTS_MIN: Final = 8


class Slope(Struct, frozen=True):
    """Per real hour, in the unit of the values; `low` and `high` bound its 95 % interval. `level` is the mean."""

    per_hour: float
    low: float
    high: float
    level: float
    points: int

    def upward(self, tolerated: float = 0.0) -> bool:
        """Whether it surely grows, by more than is tolerated in a real hour."""
        return self.low > tolerated


def slope(seconds: Sequence[float], values: Sequence[float], groups: Sequence[int] | None = None) -> Slope:
    """The line through blocks. Zeros where there are too few of them."""
    count = len(values)
    labels = np.array(groups if groups is not None else [0] * count)
    t, y = np.array(seconds, float) / 3600, np.array(values, float)
    level = float(y.mean()) if count else 0.0
    sizes = {int(label): int((labels == label).sum()) for label in set(labels.tolist())}
    keep = np.array([sizes[int(label)] > 1 for label in labels], bool)
    t, y, labels = t[keep], y[keep], labels[keep]
    lives = len(set(labels.tolist()))
    if len(t) < POINTS_MIN or len(t) <= lives + 1:
        return Slope(0.0, 0.0, 0.0, level, len(t))
    for label in set(labels.tolist()):
        mine = labels == label
        t[mine] -= t[mine].mean()
        y[mine] -= y[mine].mean()
    spread = float(t @ t)
    per_hour = float(t @ y) / spread
    moments = t * (y - per_hour * t)
    variance = float(moments @ moments)
    for lag in range(1, LAGS + 1):
        variance += 2 * (1 - lag / (LAGS + 1)) * float(moments[lag:] @ moments[:-lag])
    freedom = len(t) / (len(t) - lives - 1)
    error = max(variance, 0.0) ** 0.5 / spread * freedom**0.5
    return Slope(per_hour, per_hour - SIGMAS * error, per_hour + SIGMAS * error, level, len(t))


def blocks(
    seconds: Sequence[float],
    values: Sequence[float],
    groups: Sequence[int],
    width_s: float,
    of: Callable[[list[float]], Any] = np.median,
) -> "Blocks":
    """Medians, or what `of` makes of them, of blocks of `width_s`; a block holds samples of one group."""
    found: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for second, value, group in zip(seconds, values, groups, strict=True):
        found.setdefault((int(second // width_s), group), []).append((second, value))
    blocks_ = Blocks([], [], [])
    for (_, group), inside in sorted(found.items()):
        blocks_.seconds.append(float(np.mean([second for second, _ in inside])))
        blocks_.values.append(float(of([value for _, value in inside])))
        blocks_.groups.append(group)
    return blocks_


class Blocks(Struct):
    """Columns of what `slope` takes."""

    seconds: list[float]
    values: list[float]
    groups: list[int]

"""How far from its prediction a drop-off is: the promise, and the interval in which 8 of 10 drop-offs are.

The error of a prediction is measured in scales, the mean size of the errors of its shop. Its quantiles are tracked in
three groups, since less is known of a shop that is new to the node. The time promised is one that 1 order in 50 misses
by more than PROMISE_TOLERANCE_S: not the end of the interval, because errors have a long tail.

The numbers below were chosen on the development seeds (0, 1, 5, 7) of the public instances.
"""

from typing import Final

from msgspec import Struct

from .means import Mean, Quantile

PROMISE_TOLERANCE_S: Final = 300
"""A promise counts as kept up to this much after its time."""

SHARES: Final = (0.1, 0.5, 0.9, 0.98)
"""The interval is from the first to the third; the last less the tolerance is promised, but never less than the
second."""

BEGIN: Final = (-0.5, 0.4, 2.2, 3.8)
"""The quantiles before anything is learned. Food that is early waits for its rider, who comes when it is expected: so
orders are late by more than they are early."""

KNOWN: Final = 5
"""Labels from which on a shop is known."""

SCALE_S: Final = {True: 150.0, False: 300.0}
SCALE_WEIGHT: Final = 4
"""The scale before anything is learned, where the preparation time was stated and where not; and labels of the node for
which it counts."""

SHOP_WEIGHT: Final = 10
"""Labels of a shop for which the node's scale counts."""

CLIP: Final = 6.0
"""Scales: an error counts as no more than this."""


class Interval(Struct, frozen=True):
    """Seconds from the prediction."""

    earliest: int
    promised: int
    latest: int


class Promises(Struct, array_like=True):
    """`size` is the node's mean size of an error, seconds. `groups`: quantiles of shops without labels, with fewer than
    KNOWN, and with more."""

    size: Mean
    groups: list[list[Quantile]]

    @classmethod
    def empty(cls) -> "Promises":
        """Nothing learned."""
        return cls(Mean(), [[Quantile(value) for value in BEGIN] for _ in range(3)])

    def interval(self, shop: Mean | None, stated: bool, day: int) -> Interval:
        """For an order of a shop with these sizes of errors, which `stated` its preparation time."""
        scale = self._scale(shop, stated, day)
        first, middle, last, rare = (scale * each.at(day) for each in self._group(shop))
        return Interval(round(min(first, middle)), round(max(rare - PROMISE_TOLERANCE_S, middle)), round(last))

    def learn(self, shop: Mean, stated: bool, error_s: float, day: int) -> None:
        """An order came `error_s` after its prediction."""
        scale = self._scale(shop, stated, day)
        for quantile, share in zip(self._group(shop), SHARES, strict=True):
            quantile.add(error_s / scale, share, day)
        size = min(abs(error_s), CLIP * scale)
        shop.add(size, day)
        self.size.add(size, day)

    def _scale(self, shop: Mean | None, stated: bool, day: int) -> float:
        found = self.size.towards(SCALE_S[stated], SCALE_WEIGHT, day)
        return max(1.0, found if shop is None else shop.towards(found, SHOP_WEIGHT, day))

    def _group(self, shop: Mean | None) -> list[Quantile]:
        n = 0 if shop is None else shop.n
        return self.groups[0 if not n else 1 if n < KNOWN else 2]

"""How long kitchens need: by shop and two-hour band, for orders that state it and for orders that do not.

Both are learned as an error in seconds: actual minus assumed, where assumed is what the order stated, or the option
`prep_s` where it stated nothing. What is seen of an order, at its pickup:

    the kitchen called it ready before the rider came   the label is exact
    the rider waited                                    it was ready when picked up
    neither                                             it was ready at some time before the pickup, nobody knows when

The last kind must count, or only late orders would. Were errors spread evenly around the prediction with mean size s
(Laplace's distribution), one known to be below d would be d - s in the mean where d < 0, and rise to 0 above it; here
along a straight line. Since kitchens are late by more than they are early, EARLY takes the place of 1.
"""

from typing import Final

from .learned import SPREAD_S, SPREAD_WEIGHT, Errors, Mean, clipped, correction

EARLY: Final = 0.7
"""The mean size of an error of orders that are early, in scales. Chosen on the development seeds (0, 1, 5, 7) of the
public instances: with 1 riders wait more and promises are wider, with 0.5 food waits more."""

CLIP: Final = 4.0
CLIP_S_MIN: Final = 600.0
"""Scales: an error counts as no more than this, or than ten minutes where that is more, so that one forgotten order
teaches little."""


def spread(shop: Errors | None, node: Errors, stated: bool) -> float:
    """The mean size of an error of the correction, seconds."""
    found = node.size.towards(SPREAD_S[stated], SPREAD_WEIGHT)
    return found if shop is None else shop.size.towards(found, SPREAD_WEIGHT)


def learn(shop: Errors, node: Errors, stated: bool, seen_s: float, exact: bool, band: int) -> None:
    """An order was ready `seen_s` later than assumed, or, where not `exact`, no later than that."""
    expected, scale = correction(shop, node, stated, band), spread(shop, node, stated)
    off, early, most = seen_s - expected, EARLY * scale, max(CLIP * scale, CLIP_S_MIN)
    if exact:
        off = clipped(off, most)
        for each in (shop, node):
            each.size.add(abs(off))
    else:
        off = max(off, -most) - early if off < 0 else -max(0.0, early - off / 2)
    label = expected + off
    for each in (shop.mean, shop.bands.setdefault(band, Mean()), node.mean):
        each.add(label)

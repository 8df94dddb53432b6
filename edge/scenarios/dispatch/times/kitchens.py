"""How long kitchens need: by shop and two-hour band, for orders that state it and for orders that do not.

Both are learned as an error in seconds: actual minus assumed, where assumed is what the order stated, or the option
`prep_s` where it stated nothing. A shop's mean is shrunk towards the node's, that of a band towards the shop's.

What is seen of an order, at its pickup:

    the kitchen called it ready before the rider came   the label is exact
    the rider waited                                    it was ready when picked up
    neither                                             it was ready at some time before the pickup, nobody knows when

The last kind must count, or only late orders would. Were errors spread evenly around the prediction with mean size s
(Laplace's distribution), one known to be below d would be d - s in the mean where d < 0, and rise to 0 above it; here
along a straight line. Since kitchens are late by more than they are early, EARLY takes the place of 1.
"""

from typing import Final

from msgspec import Struct

from .means import Mean, clipped

BAND_MS: Final = 2 * 3_600_000
BANDS: Final = 12

SHOP_WEIGHT: Final = 1
BAND_WEIGHT: Final = 3
"""Labels that the level above counts for."""

SCALE_WEIGHT: Final = 4
SCALE_S: Final = {True: 60.0, False: 300.0}
"""The mean size of an error where the time was stated, and where not, before anything is known; and for how many labels
the level above counts."""

EARLY: Final = 0.7
"""The mean size of an error of orders that are early, in scales. Chosen on the development seeds (0, 1, 5, 7) of the
public instances: with 1 riders wait more and promises are wider, with 0.5 food waits more."""

STATED_WEIGHT: Final = 5
"""What an order states is believed until more labels than this differ."""

CLIP: Final = 4.0
CLIP_S_MIN: Final = 600.0
"""Scales: an error counts as no more than this, or than ten minutes where that is more, so that one forgotten order
teaches little."""


class Errors(Struct, array_like=True):
    """Of one shop, or of the whole node: seconds, by band of the day (UTC) and in all. `size` is their mean size."""

    mean: Mean
    size: Mean
    bands: dict[int, Mean]

    @classmethod
    def empty(cls) -> "Errors":
        """Nothing learned."""
        return cls(Mean(), Mean(), {})


def band_of(wall_ms: int) -> int:
    """The two hours of the day that a time is in, UTC."""
    return wall_ms // BAND_MS % BANDS


def correction(shop: Errors | None, node: Errors, stated: bool, band: int, day: int) -> float:
    """By how many seconds an order is ready later than assumed."""
    found = node.mean.towards(0.0, STATED_WEIGHT if stated else 0, day) if node.mean.n else 0.0
    if shop is not None:
        found = shop.mean.towards(found, SHOP_WEIGHT, day)
        if band in shop.bands:
            found = shop.bands[band].towards(found, BAND_WEIGHT * SHOP_WEIGHT, day)
    return found


def spread(shop: Errors | None, node: Errors, stated: bool, day: int) -> float:
    """The mean size of an error of the correction, seconds."""
    found = node.size.towards(SCALE_S[stated], SCALE_WEIGHT, day)
    return found if shop is None else shop.size.towards(found, SCALE_WEIGHT, day)


def learn(shop: Errors, node: Errors, stated: bool, seen_s: float, exact: bool, band: int, day: int) -> None:
    """An order was ready `seen_s` later than assumed, or, where not `exact`, no later than that."""
    expected, scale = correction(shop, node, stated, band, day), spread(shop, node, stated, day)
    off, early, most = seen_s - expected, EARLY * scale, max(CLIP * scale, CLIP_S_MIN)
    if exact:
        off = clipped(off, most)
        for each in (shop, node):
            each.size.add(abs(off), day)
    else:
        off = max(off, -most) - early if off < 0 else -max(0.0, early - off / 2)
    label = expected + off
    for each in (shop.mean, shop.bands.setdefault(band, Mean()), node.mean):
        each.add(label, day)

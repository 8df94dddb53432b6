"""How far from its prediction a drop-off was: what the interval and the promise of later orders are made from.

The error of a prediction is measured in scales, the mean size of the errors of its shop, larger where riders were
scarce when it was made. Its quantiles are tracked in three groups, since less is known of a shop that is new.

The numbers below were chosen on the development seeds (0, 1, 5, 7) of the public instances.
"""

from typing import Final

from .learned import Mean, Promises

SHARES: Final = (0.1, 0.5, 0.9, 0.98)
"""The interval is from the first to the third; the last less the tolerance is promised, but never less than the
second."""

STEP: Final = 0.03
STEP_FIRST: Final = 5
"""The step of a quantile for each label (Gibbs and Candès 2021; Angelopoulos et al. 2023, the proportional part). The
first ones are longer, 1/(5 + n), so that the first day is not the price of what the node begins with."""

RARE: Final = 0.1
"""A quantile beyond which fewer errors lie than this share moves by steps that are as many times longer: rare errors
lie far apart, and with the same steps a day is over before such a quantile is where it belongs."""

QUANTILE_MAX: Final = 20.0
"""Scales from the prediction, beyond which no quantile goes."""

CLIP: Final = 6.0
"""Scales: an error counts as no more than this."""


def learn(promises: Promises, shop: Mean, stated: bool, scarce: float, error_s: float) -> None:
    """An order came `error_s` after its prediction, which was made where riders were so `scarce`. Each quantile goes up
    where the error lies above, down where it does not, so that both balance at its share."""
    scale = promises.scale(shop, stated, scarce)
    error = error_s / scale
    group = promises.group(shop, stated)
    step = max(STEP, 1 / (STEP_FIRST + group[0].n))
    for quantile, share in zip(group, SHARES, strict=True):
        value, far = quantile.value, step * max(1.0, RARE / min(share, 1 - share))
        value += far * share if error > value else far * (share - 1)
        if -QUANTILE_MAX <= value <= QUANTILE_MAX:
            quantile.value = value
        quantile.n += 1
    size = min(abs(error_s), CLIP * scale) / scarce
    shop.add(size)
    promises.size.add(size)

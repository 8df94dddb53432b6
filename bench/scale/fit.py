"""How a cost grows with a size: the exponent of n."""

from collections.abc import Sequence

import numpy as np


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The slope of the straight line through the points in logarithms, by least squares: 0 is flat, 1 proportional.
    NaN where there are fewer than two sizes, or a cost is not above 0."""
    if len(set(sizes)) < 2 or min(costs) <= 0:
        return float("nan")
    return round(float(np.polyfit(np.log(sizes), np.log(costs), 1)[0]), 3)

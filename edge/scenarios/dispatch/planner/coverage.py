"""Where an idle courier is of most use: near the shops whose orders no other could fetch soon.

A shop is covered by each idle courier according to its ride there, e^(-ride/reach), and what coverage is worth grows
with its logarithm: the second courier beside a shop is worth less than the first one elsewhere.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

REACH_MIN: Final = 5.0
"""Minutes of travel over which the use of an idle courier for a shop falls to 1/e."""

COVERED: Final = 0.3
"""Coverage that a shop is assumed to have anyway: the smaller, the more the worst covered shop counts."""


def coverage(rides: Floats) -> Floats:
    """(shops) How well idle couriers cover each shop. `rides` (couriers x shops): minutes."""
    return np.exp(rides / (-REACH_MIN)).sum(axis=0)


def best_shop(own: Floats, others: Floats, between: Floats, demand: Sequence[float] | Floats) -> int | None:
    """The shop to which a courier should move before anything is planned for it; None: where it is, it is best.

    `own` (shops): its ride to each shop. `others` (shops): how well the other idle couriers cover each. `between`
    (shops x shops): rides from shop to shop. `demand` (shops): how many orders each may expect, in any unit.
    """
    share = np.asarray(demand) / np.sum(demand)
    base = COVERED + others
    scale = -REACH_MIN
    # Sums, not matrix products: those may be added up in another sequence on another machine.
    there: Floats = (np.log(base[None, :] + np.exp(between / scale)) * share).sum(axis=1)
    here = float((np.log(base + np.exp(own / scale)) * share).sum())
    found = int(there.argmax())
    return found if float(there[found]) > here else None

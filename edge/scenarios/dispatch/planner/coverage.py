"""Where an idle rider is of most use: near the shops whose orders no other could fetch soon.

A shop is covered by each idle rider according to its ride there, e^(-ride/reach), and what coverage is worth grows with
its logarithm: the second rider beside a shop is worth less than the first one elsewhere.
"""

from typing import Final

import numpy as np

from .routes import Floats

REACH_S: Final = 300.0
"""Seconds of ride over which the use of an idle rider for a shop falls to 1/e."""

COVERED: Final = 0.3
"""Coverage that a shop is assumed to have anyway: the smaller, the more the worst covered shop counts."""


def coverage(rides: Floats) -> Floats:
    """How well riders cover shops, by their rides in seconds."""
    return np.exp(rides / -REACH_S)


def best_shop(own: Floats, others: Floats, between: Floats, demand: Floats, gain_min: float = 0.0) -> int | None:
    """The shop at which a rider is of most use; None where it is not better than where it is by `gain_min`.

    `own` (shops): how well it covers each from where it is. `others` (shops): how well the other idle riders do.
    `between` (shops x shops): how well a rider at one covers each. `demand` (shops): how many orders each may expect,
    in any unit.
    """
    share = demand / demand.sum()
    base = COVERED + others
    # Sums, not matrix products: those may be added up in another sequence on another machine.
    there: Floats = (np.log(base + between) * share).sum(axis=1)
    here = float((np.log(base + own) * share).sum())
    found = int(there.argmax())
    return found if float(there[found]) > here + gain_min else None

"""Means over instances, and how sure one may be of them.

Variants of one seed share their orders, so they are no independent days: everything is resampled by seed.
"""

import re
from collections.abc import Mapping
from typing import Final

import numpy as np
from msgspec import Struct

from .simulator.scorer import Score

RESAMPLES: Final = 10_000
"""Of the bootstrap: the ends of the interval settle to about 1 % of its width."""

COMPARED: Final = ("undelivered_pct", "ctd_mean", "ctd_penalised", "rtp_mean", "cost_per_order")
"""What two runs on the same instances are compared by."""

Scores = Mapping[str, Score]
"""By instance."""


class Difference(Struct, frozen=True):
    """The mean of a paired difference, and its 95 % interval. `n`: instances on which both have a value. Of one seed
    alone nothing is known about others: no interval."""

    mean: float
    low: float | None
    high: float | None
    n: int


def values(scores: Scores, field: str) -> dict[str, float]:
    """One field by instance, where there is a value."""
    return {name: value for name, score in scores.items() if (value := getattr(score, field)) is not None}


def means(scores: Scores) -> dict[str, float | None]:
    """The unweighted mean over instances of each field, over those that have a value."""
    found: dict[str, float | None] = {}
    for field in Score.__struct_fields__:
        held = values(scores, field)
        found[field] = sum(held.values()) / len(held) if held else None
    return found


def differences(scores: Scores, others: Scores) -> dict[str, Difference]:
    """Of each field of COMPARED: this run less the other one, instance by instance."""
    found: dict[str, Difference] = {}
    for field in COMPARED:
        ours, theirs = values(scores, field), values(others, field)
        apart = {name: ours[name] - theirs[name] for name in ours if name in theirs}
        if apart:
            low, high = interval(apart) if len(set(map(seed_of, apart))) > 1 else (None, None)
            found[field] = Difference(sum(apart.values()) / len(apart), low, high, len(apart))
    return found


def interval(by_instance: Mapping[str, float], level: float = 0.95) -> tuple[float, float]:
    """A percentile bootstrap interval for the mean, resampled by seed. The same values give the same interval."""
    groups: dict[str, list[float]] = {}
    for name in sorted(by_instance):
        groups.setdefault(seed_of(name), []).append(by_instance[name])
    sums = np.array([sum(group) for group in groups.values()])
    counts = np.array([len(group) for group in groups.values()])
    drawn = np.random.default_rng(0).integers(0, len(groups), (RESAMPLES, len(groups)))
    resampled = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.percentile(resampled, [50 * (1 - level), 50 * (1 + level)]).tolist()
    return low, high


def seed_of(name: str) -> str:
    """The seed that an instance's name begins with; any other name is a seed of its own."""
    match = re.match(r"(\d+)[or]\d", name)
    return match.group(1) if match else name

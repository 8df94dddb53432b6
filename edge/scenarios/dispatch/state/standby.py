"""Which idle rider should wait where: the answer of the sensor, from places that only it knows."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from ..options import DispatchOptions
from ..planner.coverage import best_shop, coverage
from ..planner.routes import Floats
from ..records import StandbyPlace
from ..travel.ride_times import Place, ride_s, rides_s
from ..travel.spatial_index import SpatialIndex
from .shops import Demand

COVERING_MAX: Final = 256
"""Idle riders, the nearest to the one who is asked about, who count as covering shops."""

GAIN_MIN: Final = 0.0
"""By how much a place must be better (see `coverage.best_shop`)."""


class Waiting(Struct, frozen=True):
    """Riders about whom advice is asked; who else will be at which place instead of where it is (`heading`), who is
    planned for an order already and covers nothing, and the doors at which busy riders will soon be free."""

    riders: list[str]
    heading: dict[str, Place]
    planned: set[str]
    doors: list[Place]


def places(
    waiting: Waiting, demand: Demand, index: SpatialIndex, rules: DispatchOptions, now_ms: int
) -> list[StandbyPlace]:
    """For each rider who is of more use elsewhere: the shop, by number, and the seconds of ride there."""
    found: list[StandbyPlace] = []
    heading = dict(waiting.heading)
    oldest_ms = now_ms - rules.position_age_s_max * 1000
    busy = _covered(waiting.doors, demand.places, rules)
    for name in waiting.riders:
        here = index.place(name)
        if here is None or here.at_ms < oldest_ms:
            continue
        near = index.nearest(here.lat, here.lon, COVERING_MAX, rules.radius_m_max, oldest_ms)
        others = [place for rider, place in heading.items() if rider != name]
        others += [
            (spot.lat, spot.lon)
            for _, rider, spot in near
            if rider != name and rider not in waiting.planned and rider not in heading
        ]
        covered = _covered(others, demand.places, rules) + busy
        own: Floats = coverage(rides_s([(here.lat, here.lon)], demand.places, rules)[0])
        shop = best_shop(own, covered, demand.between, demand.orders, GAIN_MIN)
        if shop is not None:
            heading[name] = demand.places[shop]
            found.append(StandbyPlace(name, shop, ride_s(here.lat, here.lon, *demand.places[shop], rules)))
    return found


def _covered(riders: Sequence[Place], shops: Sequence[Place], rules: DispatchOptions) -> Floats:
    return coverage(rides_s(riders, shops, rules)).sum(axis=0) if riders else np.zeros(len(shops))

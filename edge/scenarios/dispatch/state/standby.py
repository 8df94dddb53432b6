"""Which idle rider should wait where: near the shops whose orders no other could fetch soon. The answer of the sensor,
from places that only it knows.

A shop is covered by each idle rider according to its ride there, e^(-ride/reach), and what coverage is worth grows with
its logarithm: the second rider beside a shop is worth less than the first one elsewhere.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from ..options import DispatchOptions
from ..planner.routes import Floats
from ..records import StandbyPlace
from ..travel.ride_times import Place, ride_s, rides_s
from ..travel.spatial_index import SpatialIndex
from .orders import Orders, Shop

REACH_S: Final = 300.0
"""Seconds of ride over which the use of an idle rider for a shop falls to 1/e."""

COVERED: Final = 0.3
"""Coverage that a shop is assumed to have anyway: the smaller, the more the worst covered shop counts."""

SHOPS_MAX: Final = 64
"""Shops that advice looks at, those with most orders: in a larger district nobody is sent to where little happens."""

COVERING_MAX: Final = 256
"""Idle riders, the nearest to the one who is asked about, who count as covering shops."""


class Demand(Struct, frozen=True):
    """The busiest shops: places, counts, and (shops x shops) how well a rider at one covers each."""

    shops: list[Shop]
    places: list[Place]
    orders: Floats
    between: Floats


class BusiestShops:
    """The shops that advice looks at, with the table of what covers what, which is kept while they are the same."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._busiest: list[Shop] = []
        self._between: Floats = np.zeros((0, 0))
        self._rules: DispatchOptions | None = None

    def demand(self, rules: DispatchOptions) -> Demand:
        """The busiest shops now."""
        busiest = list(self._orders.shops.values())
        if len(busiest) > SHOPS_MAX:
            busiest = sorted(busiest, key=lambda shop: (-shop.orders, shop.id))[:SHOPS_MAX]
        places = [(shop.lat, shop.lon) for shop in busiest]
        if busiest != self._busiest or rules != self._rules:
            self._between = coverage(rides_s(places, places, rules))
            self._busiest, self._rules = busiest, rules
        # One more for each: a shop that had few orders may be as busy as another that had as few.
        orders = np.array([shop.orders + 1 for shop in busiest], np.float64)
        return Demand(busiest, places, orders, self._between)


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
        shop = best_shop(own, covered, demand.between, demand.orders)
        if shop is not None:
            heading[name] = demand.places[shop]
            found.append(StandbyPlace(name, shop, ride_s(here.lat, here.lon, *demand.places[shop], rules)))
    return found


def _covered(riders: Sequence[Place], shops: Sequence[Place], rules: DispatchOptions) -> Floats:
    return coverage(rides_s(riders, shops, rules)).sum(axis=0) if riders else np.zeros(len(shops))


def coverage(rides: Floats) -> Floats:
    """How well riders cover shops, by their rides in seconds."""
    return np.exp(rides / -REACH_S)


def best_shop(own: Floats, others: Floats, between: Floats, demand: Floats) -> int | None:
    """The shop at which a rider is of most use; None where it is not better than where it is.

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
    return found if float(there[found]) > here else None

"""Where orders come from: the shops with most orders lately. What standby advice is about."""

from typing import Final

import numpy as np
from msgspec import Struct

from ..options import DispatchOptions
from ..planner.coverage import coverage
from ..planner.routes import Floats
from ..travel.ride_times import Place, rides_s
from .orders import Orders, Shop

SHOPS_MAX: Final = 64
"""Shops that advice looks at, those with most orders: in a larger district nobody is sent to where little happens."""


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

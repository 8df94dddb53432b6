"""Where orders come from: each shop with how many orders it had lately. What standby advice is about."""

from typing import Final

import numpy as np
from msgspec import Struct

from ..options import DispatchOptions
from ..planner.coverage import coverage
from ..planner.routes import Floats
from .travel import Place, rides_s

ORDERS_COUNTED: Final = 2_000
"""Orders after which all counts are halved, so that old days fade. Shops that come to nothing are forgotten, which
bounds the table."""

SHOPS_MAX: Final = 64
"""Shops that advice looks at, those with most orders: in a larger district nobody is sent to where little happens."""


class Shop(Struct, array_like=True):
    """A shop, its place, and its orders lately."""

    id: str
    lat: float
    lon: float
    orders: int


class Demand(Struct, frozen=True):
    """The busiest shops: places, counts, and (shops x shops) how well a rider at one covers each."""

    shops: list[Shop]
    places: list[Place]
    orders: Floats
    between: Floats


class Shops:
    """Every shop that had an order lately."""

    def __init__(self) -> None:
        self._known: dict[str, Shop] = {}
        self._counted = 0
        self._busiest: list[Shop] = []
        self._between: Floats = np.zeros((0, 0))
        self._rules: DispatchOptions | None = None

    def __len__(self) -> int:
        return len(self._known)

    def ordered(self, name: str, lat: float, lon: float) -> None:
        """An order was placed there. A shop is at the place of its latest order."""
        shop = self._known.get(name)
        if shop is None or (shop.lat, shop.lon) != (lat, lon):
            shop = self._known[name] = Shop(name, lat, lon, 0 if shop is None else shop.orders)
        shop.orders += 1
        self._counted += 1
        if self._counted > ORDERS_COUNTED:
            for each in self._known.values():
                each.orders //= 2
            self._known = {key: each for key, each in self._known.items() if each.orders}
            self._counted = sum(each.orders for each in self._known.values())

    def demand(self, rules: DispatchOptions) -> Demand:
        """The busiest shops now."""
        busiest = list(self._known.values())
        if len(busiest) > SHOPS_MAX:
            busiest = sorted(busiest, key=lambda shop: (-shop.orders, shop.id))[:SHOPS_MAX]
        places = [(shop.lat, shop.lon) for shop in busiest]
        if busiest != self._busiest or rules != self._rules:
            self._between = coverage(rides_s(places, places, rules))
            self._busiest, self._rules = busiest, rules
        # One more for each: a shop that had few orders may be as busy as another that had as few.
        orders = np.array([shop.orders + 1 for shop in busiest], np.float64)
        return Demand(busiest, places, orders, self._between)

    def state(self) -> list[Shop]:
        """For a snapshot."""
        return list(self._known.values())

    def restore(self, shops: list[Shop]) -> None:
        """From a snapshot."""
        self.__init__()
        self._known = {shop.id: shop for shop in shops}
        self._counted = sum(shop.orders for shop in shops)

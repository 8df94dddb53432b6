"""The published method, as its description says, untuned: the baseline that quality is measured against.

Source: Reyes, Erera, Savelsbergh, Sahasrabudhe, O'Neil: The Meal Delivery Routing Problem, 2018. Every EVERY minutes:
bundles for each restaurant, of a size that follows the ratio of orders to couriers; three groups of bundles by urgency,
each one assignment problem; and a commitment in two stages, of which the first sends a courier to the restaurant and
lets its bundle still grow.
"""

from collections.abc import Sequence
from typing import Final

import lap
import numpy as np
from msgspec import Struct

from .bundles import build, timing
from .policy import Assign, Change, Day, Decision, Free, GaveUp, Known, News, PickedUp, Place, Placed, Ready, Wake

EVERY: Final = 5
"""f: minutes between two rounds."""

AHEAD: Final = 10
"""Delta u, Delta 1, Delta 2: minutes in which an order is ready, or a courier free, to count in a round."""

WAITED: Final = 25
"""x: an order that has been ready for longer is committed to whoever the round gave it to, however busy."""

THETA: Final = 0.1
"""What a minute between ready and pickup weighs against orders delivered per minute."""

NEVER: Final = 1e9
"""The cost of a pair that the end of a shift forbids."""


class _Bundle(Struct):
    """Orders of one restaurant in their sequence of drop-offs."""

    orders: list[Known]
    site: Place
    ready: int
    last: int  # minutes from pickup to the last drop-off
    spent: int  # minutes from pickup to being free again


class _Courier(Struct):
    """Since or from when a courier is free, and where; and what it is committed to. `orders` of a partial commitment
    may still grow; `planned` is begun when the courier is free."""

    since: int
    place: Place
    off: int
    orders: list[Known] = []
    partial: bool = False
    arrives: int = 0
    planned: _Bundle | None = None


class RollingHorizon:
    """Decides at minutes that are multiples of `every`; between them couriers that become free begin what is planned."""

    def __init__(self, day: Day, every: int = EVERY, ahead: int = AHEAD, theta: float = THETA, waited: int = WAITED, groups: bool = False) -> None:
        self.day = day
        self.every = every
        self.ahead = ahead
        self.theta = theta
        self.waited = waited
        self.groups = groups
        self.open: dict[str, Known] = {}  # placed, and neither picked up nor finally committed
        self.couriers = {name: _Courier(each.on, (each.x, each.y), each.off) for name, each in day.couriers.items()}
        self.next = 0

    def decide(self, now: int, news: Sequence[News]) -> Sequence[Decision]:
        """A round where one is due; else only what is planned for couriers that became free."""
        decisions: list[Decision] = []
        for item in news:
            self._learn(now, item)
        for item in news:
            if isinstance(item, Free):
                courier = self.couriers[item.courier]
                if courier.planned:
                    bundle, courier.planned = courier.planned, None
                    decisions.append(self._send(now, item.courier, bundle))
        if now >= self.next:
            if now % self.every == 0:
                decisions += self._round(now)
            self.next = now + self.every - now % self.every
            decisions.append(Wake(self.next))
        return decisions

    # -- what it remembers -------------------------------------------------------------------------------------------

    def _learn(self, now: int, item: News) -> None:
        if isinstance(item, Placed):
            self.open[item.order.name] = item.order
        elif isinstance(item, Ready):
            if item.order in self.open and self.open[item.order].estimated:
                self.open[item.order] = self._told(self.open[item.order], now)
            for courier in self.couriers.values():
                courier.orders = [self._told(o, now) if o.name == item.order else o for o in courier.orders]
        elif isinstance(item, Free):
            courier = self.couriers[item.courier]
            courier.since, courier.place = now, item.place
        elif isinstance(item, PickedUp):
            courier = self.couriers[item.courier]
            courier.since, courier.place = item.free, courier.orders[-1].place
            courier.orders, courier.partial = [], False
            for name in item.orders:
                self.open.pop(name, None)
        elif isinstance(item, GaveUp):
            courier = self.couriers[item.courier]
            self.open.update((order.name, order) for order in courier.orders)
            courier.orders, courier.partial = [], False

    @staticmethod
    def _told(order: Known, now: int) -> Known:
        return Known(order.name, order.place, order.placed, order.restaurant, now)

    def _ready(self, order: Known, now: int) -> int:
        """When it will be ready, as far as anybody knows: an estimate that has passed means at any moment."""
        return max(order.ready, now + 1) if order.estimated else order.ready

    # -- a round -----------------------------------------------------------------------------------------------------

    def _round(self, now: int) -> list[Decision]:
        horizon = now + self.ahead
        soon = [order for order in self.open.values() if self._ready(order, now) <= horizon]
        there = [c for c in self.couriers.values() if now <= c.off and (c.partial or c.since <= horizon)]
        size = max(1, -(-len(soon) // max(1, len(there))))
        decisions: list[Decision] = []
        loose: list[_Bundle] = []
        by_restaurant: dict[str, list[Known]] = {}
        for order in soon:
            by_restaurant.setdefault(order.restaurant, []).append(order)
        for restaurant, orders in by_restaurant.items():
            decisions += self._bundles(now, restaurant, orders, size, loose)
        for group in self._groups(now, loose) if self.groups else [loose]:
            decisions += self._match(now, group)
        return decisions

    def _bundles(self, now, restaurant, orders, size, loose) -> list[Decision]:
        """Build this restaurant's bundles; those of couriers on their way are settled here, the others are `loose`."""
        owners = [n for n, c in self.couriers.items() if c.partial and c.orders[0].restaurant == restaurant]
        held = {order.name for name in owners for order in self.couriers[name].orders}
        fixed = [list(self.couriers[name].orders) for name in owners]
        routes = build(self.day, restaurant, fixed, [o for o in orders if o.name not in held], size)
        decisions: list[Decision] = []
        for owner, before, route in zip(owners, fixed, routes, strict=False):
            courier = self.couriers[owner]
            bundle = self._bundle(now, route)
            pickup = max(now, bundle.ready, courier.arrives + self.day.before_pickup)
            if pickup > courier.off:
                bundle = self._bundle(now, before)
            elif len(route) > len(before):
                courier.orders = route
                decisions.append(Change(((owner, tuple(order.name for order in route)),)))
            self._close(now, courier, bundle)
        loose += [self._bundle(now, route) for route in routes[len(owners) :]]
        return decisions

    def _bundle(self, now: int, orders: list[Known]) -> _Bundle:
        last, spent = timing(self.day, orders[0].restaurant, orders)
        ready = max(self._ready(order, now) for order in orders)
        return _Bundle(orders, self.day.site(orders[0].restaurant), ready, last, spent)

    def _close(self, now: int, courier: _Courier, bundle: _Bundle) -> None:
        """The second stage: from here on the bundle stays as it is."""
        if courier.arrives + self.day.before_pickup <= now + self.every and bundle.ready <= now + self.every:
            courier.partial = False
            pickup = max(now, bundle.ready, courier.arrives + self.day.before_pickup)
            courier.since, courier.place = pickup + bundle.spent, bundle.orders[-1].place
            for order in bundle.orders:
                self.open.pop(order.name, None)
            
    def _send(self, now: int, name: str, bundle: _Bundle) -> Decision:
        courier = self.couriers[name]
        courier.arrives = now + self.day.travel(courier.place, bundle.site)
        courier.orders, courier.partial = list(bundle.orders), True
        self._close(now, courier, bundle)
        return Assign(name, tuple(order.name for order in bundle.orders))

    def _pickups(self, now: int, bundles: Sequence[_Bundle], names: Sequence[str]):
        """(when each courier could pick up each bundle, when each courier is free), minutes."""
        couriers = [self.couriers[name] for name in names]
        free = np.array([max(now, courier.since) for courier in couriers])
        at = np.array([courier.place for courier in couriers], dtype=np.int64).reshape(-1, 2)
        sites = np.array([bundle.site for bundle in bundles], dtype=np.int64).reshape(-1, 2)
        apart = sites[:, None, :] - at[None, :, :]
        travel = np.ceil(np.sqrt((apart**2).sum(axis=2)) / self.day.parameters.metres_per_minute).astype(np.int64)
        ready = np.array([bundle.ready for bundle in bundles])
        return np.maximum(ready[:, None], free[None, :] + travel + self.day.before_pickup), free

    def _available(self, now: int) -> list[str]:
        return [
            name
            for name, c in self.couriers.items()
            if not c.partial and c.planned is None and c.since <= now + self.ahead and now <= c.off
        ]

    def _groups(self, now: int, bundles: list[_Bundle]) -> list[list[_Bundle]]:
        """By urgency: late whoever comes, fetched late whoever comes, and all others."""
        names = self._available(now)
        if not bundles or not names:
            return []
        earliest = self._pickups(now, bundles, names)[0].min(axis=1).tolist()
        groups: list[list[_Bundle]] = [[], [], []]
        target = self.day.parameters.click_to_door_target
        for bundle, pickup in zip(bundles, earliest, strict=True):
            elapsed = pickup + self.day.after_pickup
            place, late = bundle.site, False
            for order in bundle.orders:
                elapsed += self.day.travel(place, order.place) + self.day.before_dropoff
                late = late or elapsed > order.placed + target
                elapsed += self.day.after_dropoff
                place = order.place
            groups[0 if late else 1 if pickup > bundle.ready else 2].append(bundle)
        return groups

    def _match(self, now: int, bundles: list[_Bundle]) -> list[Decision]:
        names = self._available(now)
        if not bundles or not names:
            return []
        pickup, free = self._pickups(now, bundles, names)
        ready = np.array([bundle.ready for bundle in bundles])[:, None]
        done = pickup + np.array([bundle.last for bundle in bundles])[:, None]
        count = np.array([len(bundle.orders) for bundle in bundles])[:, None]
        cost = self.theta * (pickup - ready) - count / (done - free[None, :])
        cost[pickup > np.array([self.couriers[name].off for name in names])[None, :]] = NEVER
        decisions: list[Decision] = []
        rows, columns = lap.lapjvc(cost, return_cost=False)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            if cost[row, column] < NEVER:
                decisions += self._commit(now, names[column], bundles[row])
        return decisions

    def _commit(self, now: int, name: str, bundle: _Bundle) -> list[Decision]:
        """The first stage: who can begin before the next round does; a long wait overrides."""
        courier = self.couriers[name]
        overdue = any(now - order.ready > self.waited for order in bundle.orders)
        if courier.since <= now:
            return [self._send(now, name, bundle)]
        if courier.since < now + self.every or overdue:
            courier.planned = bundle
            for order in bundle.orders:
                del self.open[order.name]
        return []

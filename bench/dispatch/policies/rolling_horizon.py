"""The published method, as described, untuned: the baseline that quality is measured against.

Source: Reyes, Erera, Savelsbergh, Sahasrabudhe, O'Neil: The Meal Delivery Routing Problem, 2018. Every few minutes:
bundles for each restaurant, of a size that follows the ratio of orders to couriers; an assignment problem of bundles
and couriers; and assignment in two stages, of which the first sends a courier to the restaurant and lets its bundle
still grow, and the second closes it.
"""

from collections.abc import Sequence
from typing import Final

import lap
import numpy as np
import numpy.typing as npt
from msgspec import Struct, structs

from .bundles import build, timing
from .policy import (
    ASK_AGAIN_MIN,
    Assign,
    Change,
    Day,
    Decision,
    Declined,
    Free,
    Known,
    News,
    PickedUp,
    Place,
    Placed,
    Ready,
    Wake,
)

EVERY: Final = 5
"""f: minutes between two rounds."""

AHEAD: Final = 20
"""Delta u, Delta 1, Delta 2: an order ready, or a courier free, within these minutes counts in a round. Those who have
implemented the method use 10 or 20; with 10 the 16 instances of the paper's Table 4 come out 0.5 minutes worse than
there."""

WAITED: Final = 25
"""x: an order that has been ready for longer is committed to whoever the round gave it to, however busy."""

THETA: Final = 0.1
"""What a minute between ready and pickup weighs against orders delivered per minute. Anything from 0.01 to 1 gives the
same on those 16 instances, within 0.02 minutes."""

NEVER: Final = 1e9
"""The cost of a pair that the end of a shift forbids."""


class _Bundle(Struct):
    """Orders of one restaurant in their sequence of drop-offs, and when the last of them is ready."""

    orders: list[Known]
    site: Place
    ready: int
    last: int  # minutes from pickup to the last drop-off
    spent: int  # minutes from pickup to being free again


class _Courier(Struct):
    """Since or from when a courier is free, as far as is known, and where. `orders` are those it is under way to fetch;
    while `partial`, more may come. `planned` is begun when it is free."""

    since: int
    place: Place
    off: int
    orders: list[str] = []
    partial: bool = False
    arrives: int = 0
    planned: _Bundle | None = None


class RollingHorizon:
    """Decides at minutes that are multiples of `every`; between them couriers that become free begin what is planned.

    All bundles are matched at once. Matching late ones first, as one reading of the paper has it, is the weaker
    baseline, and does not agree with the paper's results on days with scarce couriers.
    """

    def __init__(self, day: Day, every: int = EVERY) -> None:
        self.day = day
        self.every = every
        self.orders: dict[str, Known] = {}  # all that were placed
        self.open: dict[str, None] = {}  # neither picked up nor finally committed, in the sequence in which they came
        self.couriers = {name: _Courier(each.on, (each.x, each.y), each.off) for name, each in day.couriers.items()}
        self.next = 0
        self.not_before: dict[tuple[str, str], int] = {}  # (courier, order) -> when it may be asked again

    def decide(self, now: int, news: Sequence[News]) -> Sequence[Decision]:
        """A round where one is due; else only what is planned for couriers that became free."""
        for item in news:
            self._learn(now, item)
        decisions = [
            decision
            for item in news
            if isinstance(item, Free) and (decision := self._begin(now, item.courier)) is not None
        ]
        if now >= self.next:
            if now % self.every == 0:
                decisions += self._round(now)
            self.next = now + self.every - now % self.every
            decisions.append(Wake(self.next))
        return decisions

    def _learn(self, now: int, item: News) -> None:
        if isinstance(item, Placed):
            self.orders[item.order.name] = item.order
            self.open[item.order.name] = None
        elif isinstance(item, Ready):
            self.orders[item.order] = structs.replace(self.orders[item.order], ready=now, estimated=False)
        else:
            courier = self.couriers[item.courier]
            if isinstance(item, Free):
                courier.since, courier.place = now, item.place
            elif isinstance(item, PickedUp):
                courier.since, courier.place = item.free, self.orders[item.orders[-1]].place
                for name in item.orders:
                    self.open.pop(name, None)
            else:
                self._reopen(item.orders)
            if isinstance(item, Declined):
                self.not_before.update({(item.courier, name): now + ASK_AGAIN_MIN for name in item.orders})
            if not isinstance(item, Free):
                courier.orders, courier.partial = [], False

    def _reopen(self, names: Sequence[str]) -> None:
        self.open.update(dict.fromkeys(names))

    def _seen(self, now: int, name: str) -> Known:
        """An order as it looks now: an estimate that has passed means at any moment."""
        order = self.orders[name]
        if order.estimated and order.ready <= now:
            return structs.replace(order, ready=now + 1)
        return order

    # -- a round -----------------------------------------------------------------------------------------------------

    def _round(self, now: int) -> list[Decision]:
        for courier in self.couriers.values():
            if courier.planned and now > courier.off:
                self._reopen([order.name for order in courier.planned.orders])
                courier.planned = None
        horizon = now + AHEAD
        soon = [order for name in self.open if (order := self._seen(now, name)).ready <= horizon]
        there = [c for c in self.couriers.values() if now <= c.off and (c.partial or self._since(now, c) <= horizon)]
        size = max(1, -(-len(soon) // max(1, len(there))))
        decisions: list[Decision] = []
        loose: list[_Bundle] = []
        by_restaurant: dict[str, list[Known]] = {}
        for order in soon:
            by_restaurant.setdefault(order.restaurant, []).append(order)
        for restaurant, orders in by_restaurant.items():
            grown, rest = self._bundles(now, restaurant, orders, size)
            decisions += grown
            loose += rest
        return decisions + self._match(now, loose)

    def _bundles(
        self, now: int, restaurant: str, orders: list[Known], size: int
    ) -> tuple[list[Decision], list[_Bundle]]:
        """This restaurant's bundles: those of couriers on their way grow, and may be closed; the others come back."""
        owners = [
            name
            for name, courier in self.couriers.items()
            if courier.partial and self.orders[courier.orders[0]].restaurant == restaurant
        ]
        fixed = [[self._seen(now, name) for name in self.couriers[owner].orders] for owner in owners]
        held = {order.name for route in fixed for order in route}
        routes = build(self.day, restaurant, fixed, [order for order in orders if order.name not in held], size)
        decisions: list[Decision] = []
        for owner, before, route in zip(owners, fixed, routes, strict=False):
            courier = self.couriers[owner]
            bundle = self._bundle(route)
            if len(route) > len(before) and self._pickup(now, courier, bundle) <= courier.off:
                courier.orders = [order.name for order in route]
                decisions.append(Change(((owner, tuple(courier.orders)),)))
            else:
                bundle = self._bundle(before)
            self._close(now, courier, bundle)
        return decisions, [self._bundle(route) for route in routes[len(owners) :]]

    def _bundle(self, orders: list[Known]) -> _Bundle:
        restaurant = orders[0].restaurant
        last, spent = timing(self.day, restaurant, orders)
        return _Bundle(orders, self.day.site(restaurant), max(order.ready for order in orders), last, spent)

    def _match(self, now: int, bundles: Sequence[_Bundle]) -> list[Decision]:
        """One assignment problem: most orders delivered per minute of couriers, least waiting after ready."""
        names = self._available(now)
        if not bundles or not names:
            return []
        pickup, free = self._pickups(now, bundles, names)
        ready = np.array([bundle.ready for bundle in bundles])[:, None]
        done = pickup + np.array([bundle.last for bundle in bundles])[:, None]
        count = np.array([len(bundle.orders) for bundle in bundles])[:, None]
        cost = THETA * (pickup - ready) - count / np.maximum(1, done - free[None, :])
        cost[pickup > np.array([self.couriers[name].off for name in names])[None, :]] = NEVER
        if self.not_before:
            for row, bundle in enumerate(bundles):
                refused = [any(now < self.not_before.get((n, o.name), 0) for o in bundle.orders) for n in names]
                cost[row, refused] = NEVER
        rows, columns = lap.lapjvc(cost, return_cost=False)
        decisions: list[Decision] = []
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            if cost[row, column] < NEVER:
                decisions += self._commit(now, names[column], bundles[row])
        return decisions

    # -- couriers ----------------------------------------------------------------------------------------------------

    def _since(self, now: int, courier: _Courier) -> int:
        """When it is free. One that still waits for its orders is not, whatever had been expected."""
        return max(now + 1, courier.since) if courier.orders else courier.since

    def _available(self, now: int) -> list[str]:
        return [
            name
            for name, courier in self.couriers.items()
            if not courier.partial
            and courier.planned is None
            and now <= courier.off
            and self._since(now, courier) <= now + AHEAD
        ]

    def _pickups(
        self, now: int, bundles: Sequence[_Bundle], names: Sequence[str]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """(bundles x couriers) when each could pick up each; (couriers) when each is free. Minutes of the day."""
        couriers = [self.couriers[name] for name in names]
        free = np.array([max(now, self._since(now, courier)) for courier in couriers], dtype=np.int64)
        places = np.array([courier.place for courier in couriers], dtype=np.int64)
        sites = np.array([bundle.site for bundle in bundles], dtype=np.int64)
        apart = ((sites[:, None, :] - places[None, :, :]) ** 2).sum(axis=2)
        travel = np.ceil(np.sqrt(apart) / self.day.parameters.metres_per_minute).astype(np.int64)
        ready = np.array([bundle.ready for bundle in bundles], dtype=np.int64)
        return np.maximum(ready[:, None], free[None, :] + travel + self.day.before_pickup), free

    def _commit(self, now: int, name: str, bundle: _Bundle) -> list[Decision]:
        """Who can begin before the next round is committed; a long wait overrides that."""
        courier = self.couriers[name]
        since = self._since(now, courier)
        if since <= now:
            return [self._send(now, name, bundle)]
        overdue = any(now - order.ready > WAITED for order in bundle.orders)
        if since < now + self.every or overdue:
            courier.planned = bundle
            for order in bundle.orders:
                del self.open[order.name]
        return []

    def _begin(self, now: int, name: str) -> Decision | None:
        """A courier is free: it begins what was planned, where that still ends in time."""
        courier = self.couriers[name]
        if courier.planned is None:
            return None
        names, courier.planned = [order.name for order in courier.planned.orders], None
        self._reopen(names)
        bundle = self._bundle([self._seen(now, each) for each in names])
        arrives = now + self.day.travel(courier.place, bundle.site)
        if max(bundle.ready, arrives + self.day.before_pickup) > courier.off:
            return None
        return self._send(now, name, bundle)

    def _send(self, now: int, name: str, bundle: _Bundle) -> Decision:
        courier = self.couriers[name]
        courier.arrives = now + self.day.travel(courier.place, bundle.site)
        courier.orders, courier.partial = [order.name for order in bundle.orders], True
        self._close(now, courier, bundle)
        return Assign(name, tuple(courier.orders))

    def _pickup(self, now: int, courier: _Courier, bundle: _Bundle) -> int:
        return max(now, bundle.ready, courier.arrives + self.day.before_pickup)

    def _close(self, now: int, courier: _Courier, bundle: _Bundle) -> None:
        """The second stage: who will have picked up when the next round comes keeps what it has."""
        pickup = self._pickup(now, courier, bundle)
        if pickup > now + self.every:
            return
        courier.partial = False
        courier.since, courier.place = pickup + bundle.spent, bundle.orders[-1].place
        for order in bundle.orders:
            self.open.pop(order.name, None)

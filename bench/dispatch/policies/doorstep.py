"""The moves of the node's planner on one plan that is kept all day, with repositioning. (`node` has a node's own.)"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from edge.scenarios.dispatch.planner.insertion import insert
from edge.scenarios.dispatch.planner.routes import Floats, Plan, Route
from edge.scenarios.dispatch.planner.search import EFFORT, improve
from edge.scenarios.dispatch.planner.trips import Jobs, ServiceTimes, Weights

from .coverage import best_shop, coverage
from .policy import (
    ASK_AGAIN_MIN,
    Assign,
    Change,
    Day,
    Decision,
    Declined,
    Free,
    GaveUp,
    Known,
    News,
    PickedUp,
    Place,
    Placed,
    Ready,
    Reposition,
    Wake,
)
from .promises import Promises

FLOOR_MAX: Final = 85
"""Minutes: only an order that takes longer than this by itself may be delivered after the maximum."""

SHOP_SHARE: Final = 1.0
"""Orders that each restaurant is expected to have before it had any, beside one for each that it has had."""

SOON_MIN: Final = 20
STAYS_MIN: Final = 15
"""Minutes: a courier who is idle within the first and on shift beyond the second covers restaurants."""

ROWS: Final = 1024
"""By how many orders the travel table grows at once."""


class Doorstep:
    """Plans at each minute with news, and each minute while something is planned; with `every`, only at multiples.

    `effort` is the number of passes for each decision.
    """

    def __init__(self, day: Day, every: int = 1, effort: int = EFFORT, weights: Weights | None = None) -> None:
        self.day = day
        self.every = every
        self.effort = effort
        parameters = day.parameters
        self.shops = list(day.restaurants)
        self.shop_number = {name: number for number, name in enumerate(self.shops)}
        self.sites: Floats = np.array([day.site(name) for name in self.shops], np.float64).reshape(-1, 2)
        self.between = np.array([self._rides(day.site(name)) for name in self.shops])
        self.demand: Floats = np.full(len(self.shops), SHOP_SHARE)
        halves = (day.before_pickup, day.after_pickup, day.before_dropoff, day.after_dropoff)
        self.jobs = Jobs(weights or Weights(), ServiceTimes(*map(float, halves)), self._hop)
        self.couriers = list(day.couriers)
        self.number = {name: number for number, name in enumerate(self.couriers)}
        self.plan = Plan(self.jobs, len(self.couriers), np.zeros((len(self.couriers) + ROWS, len(self.shops))))
        self.idle_places: list[Place] = []
        for number, courier in enumerate(day.couriers.values()):
            self.plan.routes.append(Route(number, number, float(courier.on), float(courier.off)))
            self.idle_places.append((courier.x, courier.y))
            self.plan.place(number, self._rides(self.idle_places[number]))
        self.maximum = parameters.click_to_door_max
        self.orders: list[Known] = []
        self.order_number: dict[str, int] = {}
        self.guesses: set[int] = set()
        """Orders whose ready time is an estimate."""
        self.loose: list[int] = []
        self.idle: set[int] = set()
        self.assigned: dict[int, tuple[str, ...]] = {}
        self.woken = -1
        self.promises = Promises()
        self.expected: dict[int, tuple[int, int]] = {}
        """By order: the kind of its promise, and the drop-off that was planned then."""
        self.refused: list[tuple[int, int, int]] = []
        """Until when, which order, by which courier."""
        self._hops: dict[tuple[int, int], float] = {}

    # -- geometry ------------------------------------------------------------------------------------------------------

    def _rides(self, place: Place) -> Floats:
        apart = self.sites - np.array(place, np.float64)
        return np.ceil(np.sqrt((apart * apart).sum(axis=1)) / self.day.parameters.metres_per_minute)

    def _hop(self, origin: int, destination: int) -> float:
        found = self._hops.get((origin, destination))
        if found is None:
            found = float(self.day.travel(self.orders[origin].place, self.orders[destination].place))
            self._hops[origin, destination] = found
        return found

    # -- a decision ----------------------------------------------------------------------------------------------------

    def decide(self, now: int, news: Sequence[News]) -> Sequence[Decision]:
        """Learns what is new, plans, and sends whoever has to leave now."""
        starting = [each for item in news if (each := self._learn(now, item)) is not None]
        if news and all(isinstance(item, PickedUp) for item in news):
            return []
        if now % self.every:
            return self._wake(now)
        self._refresh(now)
        plan = self.plan
        if plan.open:
            loose, self.loose = self.loose, []
            self.loose = insert(plan, loose)
            improve(plan, self.effort)
        decisions = self._changes()
        for route in plan.open:
            if route.trips and not route.bound and route.courier in self.idle and self._departure(route) <= now:
                decisions.append(self._send(now, route))
        return decisions + self._reposition(now, starting) + self._wake(now)

    def promise(self, order: str) -> tuple[int, float] | None:
        """The expected minute of the drop-off, and the probability of no later. None where no courier is in sight."""
        number = self.order_number[order]
        planned = self.plan.dropoff(number)
        if planned is None:
            return None
        trips = self.plan.where[number].trips
        # Who is fetched next comes as planned; who waits for other trips gets the delays of all of them.
        kind = next(index for index, trip in enumerate(trips) if number in trip.orders)
        shift, confidence = self.promises.expect(kind)
        self.expected[number] = kind, int(planned)
        return int(planned) + shift, confidence

    def _wake(self, now: int) -> list[Decision]:
        if not (self.plan.where or self.loose or self.guesses) or self.woken > now:
            return []
        self.woken = now + self.every - now % self.every
        return [Wake(self.woken)]

    # -- news ----------------------------------------------------------------------------------------------------------

    def _learn(self, now: int, item: News) -> int | None:
        """Takes one piece of news in; the courier where a shift begins."""
        match item:
            case Placed(order):
                self._placed(order)
            case Ready(name):
                order = self.order_number[name]
                if order in self.guesses:
                    self.guesses.discard(order)
                    self._ready_at(order, now)
            case Free(name, place):
                return self._free(now, self.number[name], place)
            case PickedUp(name, names, free):
                self._picked_up(now, self.number[name], names, free)
            case GaveUp(name, _):
                route = self.plan.routes[self.number[name]]
                route.bound = False
                self._release(route)
            case Declined(name, names, _):
                self._declined(now, self.number[name], names)
        return None

    def _placed(self, order: Known) -> None:
        direct = self.day.travel(self.day.site(order.restaurant), order.place)
        floor = order.ready - order.placed + self.day.after_pickup + direct + self.day.before_dropoff
        until = order.placed + self.maximum if floor <= FLOOR_MAX else math.inf
        shop = self.shop_number[order.restaurant]
        number = self.jobs.add(float(order.placed), float(order.ready), shop, float(direct), float(until))
        self.orders.append(order)
        self.order_number[order.name] = number
        row = self.plan.doors + number
        if row >= len(self.plan.travel):
            self.plan.travel = np.concatenate([self.plan.travel, np.zeros((ROWS, len(self.shops)))])
        self.plan.place(row, self._rides(order.place))
        self.demand[shop] += 1
        self.loose.append(number)
        if order.estimated:
            self.guesses.add(number)

    def _ready_at(self, order: int, ready: int) -> None:
        self.jobs.change(order, float(ready))
        route = self.plan.where.get(order)
        if route is not None:
            trips = [self.jobs.trip(trip.orders) if order in trip.orders else trip for trip in route.trips]
            self.plan.set(route, trips)

    def _free(self, now: int, courier: int, place: Place) -> int | None:
        self.idle.add(courier)
        self.plan.routes[courier].since = float(now)
        shift = self.day.couriers[self.couriers[courier]]
        if place != self.idle_places[courier]:
            self._stands(courier, place)
        return courier if now == shift.on and place == (shift.x, shift.y) else None

    def _stands(self, courier: int, place: Place) -> None:
        self.idle_places[courier] = place
        self.plan.place(courier, self._rides(place))

    def _picked_up(self, now: int, courier: int, names: Sequence[str], free: int) -> None:
        route = self.plan.routes[courier]
        orders = [self.order_number[name] for name in names]
        for index, order in enumerate(orders):
            if order in self.expected:
                kind, planned = self.expected.pop(order)
                dropoff = now + self.jobs.trip(orders[: index + 1]).free - self.day.after_dropoff
                self.promises.learn(kind, int(dropoff) - planned)
        route.bound, route.since = False, float(free)
        last = orders[-1]
        self.idle_places[courier] = self.orders[last].place
        self.plan.place(courier, self.plan.travel[self.plan.doors + last])
        self.plan.set(route, route.trips[1:])
        for order in orders:
            self.guesses.discard(order)
        del self.assigned[courier]

    def _declined(self, now: int, courier: int, names: Sequence[str]) -> None:
        route = self.plan.routes[courier]
        route.bound = False
        self.plan.set(route, route.trips[1:])
        self.assigned.pop(courier, None)
        for name in names:
            order = self.order_number[name]
            self.loose.append(order)
            self.plan.barred.setdefault(order, set()).add(courier)
            self.refused.append((now + ASK_AGAIN_MIN, order, courier))

    def _release(self, route: Route) -> None:
        self.loose += [order for trip in route.trips for order in trip.orders]
        self.plan.set(route, [])
        self.assigned.pop(route.courier, None)

    def _refresh(self, now: int) -> None:
        """Time has passed: who is still idle, what is not ready though it should be, which plans have become void."""
        plan = self.plan
        while self.refused and self.refused[0][0] <= now:
            _, order, courier = self.refused.pop(0)
            plan.barred[order].discard(courier)
            if not plan.barred[order]:
                del plan.barred[order]
        for order in sorted(self.guesses):
            if self.jobs.ready[order] <= now:
                self._ready_at(order, now + 1)
        plan.open = [route for route in plan.routes if now <= route.off]
        plan.weigh(now + SOON_MIN, len(self.loose))
        for route in plan.routes:
            if route.courier in self.idle:
                route.since = float(now)
                if now > route.off:
                    self.idle.discard(route.courier)
            if not route.trips:
                continue
            if now > route.off and not route.bound:
                self._release(route)
                continue
            plan.time(route)
            self.loose += plan.evict(route)

    # -- decisions -----------------------------------------------------------------------------------------------------

    def _changes(self) -> list[Decision]:
        """Sets that differ from what couriers under way were assigned."""
        changed: list[tuple[str, tuple[str, ...]]] = []
        for courier, assigned in self.assigned.items():
            names = self._names(self.plan.routes[courier])
            if names != assigned:
                changed.append((self.couriers[courier], names))
                self.assigned[courier] = names
        return [Change(tuple(changed))] if changed else []

    def _names(self, route: Route) -> tuple[str, ...]:
        return tuple(self.orders[order].name for order in route.trips[0].orders)

    def _departure(self, route: Route) -> float:
        """When the courier must leave for its first trip, so that nothing is picked up later than planned."""
        ride = self.plan.rows[route.origin][route.trips[0].shop]
        return route.pickups[0] - self.jobs.service.before_pickup - ride

    def _send(self, now: int, route: Route) -> Decision:
        self.idle.discard(route.courier)
        route.bound = True
        route.arrives = now + self.plan.rows[route.origin][route.trips[0].shop]
        self.plan.time(route)
        self.assigned[route.courier] = self._names(route)
        return Assign(self.couriers[route.courier], self.assigned[route.courier])

    def _reposition(self, now: int, starting: Sequence[int]) -> list[Decision]:
        """Couriers whose shift begins, and for whom nothing is planned, go where they are of most use."""
        plan = self.plan
        free = [courier for courier in starting if courier in self.idle and not plan.routes[courier].trips]
        if not free:
            return []
        soon = [route for route in plan.open if not route.trips and route.since <= now + SOON_MIN]
        idle = [route.origin for route in soon if route.off > now + STAYS_MIN]
        covered = coverage(plan.travel[idle])
        decisions: list[Decision] = []
        for courier in free:
            route = plan.routes[courier]
            rides = plan.travel[route.origin].copy()
            own = coverage(rides[None, :]) if route.origin in idle else np.zeros_like(rides)
            shop = best_shop(rides, covered - own, self.between, self.demand)
            if shop is None:
                continue
            self.idle.discard(courier)
            route.since = now + float(rides[shop])
            self._stands(courier, self.day.site(self.shops[shop]))
            covered += coverage(self.between[None, shop]) - own
            decisions.append(Reposition(self.couriers[courier], self.shops[shop]))
        return decisions

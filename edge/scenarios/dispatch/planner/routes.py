"""Routes: what each courier does next, trip after trip, when, and at what cost."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from .trips import FORBIDDEN, NO_LIMIT, Jobs, Trip

Floats = npt.NDArray[np.float64]

LOAD_MIN: Final = 0.5
LOAD_MAX: Final = 2.5
"""Orders for each courier below which couriers are not scarce, and how far above that it counts."""

TOGETHER_MAX: Final = 10
"""Orders on one trip: what a courier carries."""


class Route:
    """One courier: from when (`since`) and until when (`off`) it may begin trips, and those planned for it.

    Where `bound`, it is on its way to the shop of its first trip, or there, since or at `arrives`: that trip keeps its
    shop and at least one order. `pickups`, `frees` and `costs` are by trip, `costs` added up; `cost` is the last of
    them. Each of its orders costs `handicap` more than elsewhere. `origin` is the row of the travel table from which it
    starts, `room` how many orders a trip may have, `limit` its load at most; rides take `pace` times as long as in the
    tables.
    """

    __slots__ = (
        "arrives",
        "bound",
        "cost",
        "costs",
        "courier",
        "frees",
        "handicap",
        "limit",
        "off",
        "origin",
        "pace",
        "pickups",
        "room",
        "since",
        "trips",
    )

    def __init__(self, courier: int, origin: int, since: float, off: float, room: int = TOGETHER_MAX) -> None:
        self.courier = courier
        self.room = room
        self.origin = origin
        self.since = since
        self.off = off
        self.bound = False
        self.arrives = 0.0
        self.handicap = 0.0
        self.limit = NO_LIMIT
        self.pace = 1.0
        self.trips: list[Trip] = []
        self.pickups: list[float] = []
        self.frees: list[float] = []
        self.costs: list[float] = []
        self.cost = 0.0

    def holds(self, trip: Trip) -> bool:
        """Whether the courier can carry what the trip fetches."""
        return trip.count <= self.room and trip.load[0] <= self.limit[0] and trip.load[1] <= self.limit[1]


class Plan:
    """All routes, and the route of each order.

    `travel[row, shop]` is the ride from a row's place to a shop, whole units of time: rows below `doors` are couriers,
    row `doors + order` is the door of an order. `rows` is the same as lists, because single look-ups in those are
    several times faster.
    """

    def __init__(self, jobs: Jobs, doors: int, travel: Floats) -> None:
        self.jobs = jobs
        self.doors = doors
        self.travel = travel
        self.rows: dict[int, list[float]] = {}
        self.minute = jobs.weights.travel
        """What a unit of a courier's time costs now; see `weigh`."""
        self.routes: list[Route] = []
        self.open: list[Route] = []
        """Those that may get trips now, in the sequence of their couriers."""
        self.where: dict[int, Route] = {}
        self.by_shop: dict[int, list[int]] = {}
        """The planned orders of each shop."""
        self.fixed: set[int] = set()
        """Orders that stay on their route: their couriers have accepted them."""
        self.barred: dict[int, set[int]] = {}
        """Couriers who may not get an order, because they would not take it."""
        self.only: dict[int, int] = {}
        """The one courier who may get an order; -1: nobody may."""
        self.paces: list[float] = []
        """The paces of all couriers, each once; empty where all are 1."""

    def place(self, row: int, rides: Floats) -> None:
        """Set the rides from a row's place to each shop."""
        self.travel[row] = rides
        self.rows[row] = rides.tolist()

    def weigh(self, until: float, waiting: int) -> None:
        """Set the cost of a courier's time from the load, and that of every route by it: the orders for each courier
        who is free before `until`. `waiting` orders are not planned yet."""
        weights = self.jobs.weights
        couriers = sum(route.since <= until for route in self.open)
        load = (len(self.where) + waiting) / max(1, couriers)
        self.minute = weights.travel + weights.scarcity * min(LOAD_MAX, max(0.0, load - LOAD_MIN))
        for route in self.routes:
            self.time(route)

    # -- cost ----------------------------------------------------------------------------------------------------------

    def price(self, trip: Trip, pickup: float, ride: float, off: float) -> float:
        """What a trip costs that picks up then, after a ride to its shop."""
        weights = self.jobs.weights
        # Work after the shift delays no other order.
        spent = ride + trip.work - min(trip.work, max(0.0, pickup + trip.free - off))
        cost = trip.count * pickup + trip.offset + self.minute * spent
        late = pickup + trip.lateness
        if late > 0:
            cost += weights.overdue * late * late
        if pickup > off or pickup > trip.limit:
            cost += FORBIDDEN
        return cost

    def at_pace(self, route: Route, trips: list[Trip]) -> list[Trip]:
        """The trips as the courier of the route makes them."""
        if not self.paces:
            return trips
        pace = route.pace
        return [trip if trip.pace == pace else self.jobs.trip(trip.orders, pace) for trip in trips]

    def fields(self, trips: Sequence[Trip], routes: Sequence[Route], minute: float = 0.0) -> Floats:
        """(8 x trips x routes, or x 1 where all paces are 1) The count, offset, ready, lateness, limit, work, free and
        shop of trips as each courier would make them; the offset with the work at `minute` a unit."""
        if not self.paces:
            return _fields(trips, minute)[..., None]
        number = {pace: index for index, pace in enumerate(self.paces)}
        kinds = [number[route.pace] for route in routes]
        made = [_fields([self.jobs.trip(trip.orders, pace) for trip in trips], minute) for pace in self.paces]
        return np.stack(made, axis=2)[..., kinds]

    def after(self, since: float, row: int, route: Route, trips: Sequence[Trip]) -> float:
        """What trips of a route cost that begin from a row's place."""
        before, rows, doors = self.jobs.service.before_pickup, self.rows, self.doors
        cost, off, pace, handicap = 0.0, route.off, route.pace, route.handicap
        for trip in trips:
            ride = rows[row][trip.shop] * pace
            pickup = max(since + ride + before, trip.ready)
            cost += self.price(trip, pickup, ride, off) + handicap * trip.count
            since, row = pickup + trip.free, doors + trip.last
        return cost

    def changed(self, route: Route, first: int, trips: list[Trip]) -> float:
        """What the route would cost if these were its trips from position `first` on."""
        trips = self.at_pace(route, trips)
        if first:
            before = route.trips[first - 1]
            since = route.frees[first - 1]
            return route.costs[first - 1] + self.after(since, self.doors + before.last, route, trips)
        if not route.bound:
            return self.after(route.since, route.origin, route, trips)
        trip = trips[0]
        pickup = max(route.arrives + self.jobs.service.before_pickup, trip.ready)
        cost = self.price(trip, pickup, 0.0, route.off) + route.handicap * trip.count
        return cost + self.after(pickup + trip.free, self.doors + trip.last, route, trips[1:])

    def time(self, route: Route) -> None:
        """Compute the route's times and costs anew."""
        before, doors = self.jobs.service.before_pickup, self.doors
        since, row, cost, pace = route.since, route.origin, 0.0, route.pace
        pickups: list[float] = []
        frees: list[float] = []
        costs: list[float] = []
        for index, trip in enumerate(route.trips):
            ride = 0.0 if route.bound and not index else self.rows[row][trip.shop] * pace
            arrives = route.arrives if route.bound and not index else since + ride
            pickup = max(arrives + before, trip.ready)
            cost += self.price(trip, pickup, ride, route.off) + route.handicap * trip.count
            since, row = pickup + trip.free, doors + trip.last
            pickups.append(pickup)
            frees.append(since)
            costs.append(cost)
        route.pickups, route.frees, route.costs, route.cost = pickups, frees, costs, cost

    def dropoff(self, order: int) -> float | None:
        """When the order will be at its door as things are planned; None where it is on no route."""
        route = self.where.get(order)
        if route is None:
            return None
        index = next(index for index, trip in enumerate(route.trips) if order in trip.orders)
        orders = route.trips[index].orders
        part = self.jobs.trip(orders[: orders.index(order) + 1], route.pace)
        return route.pickups[index] + part.free - self.jobs.service.after_dropoff

    # -- change --------------------------------------------------------------------------------------------------------

    def set(self, route: Route, trips: list[Trip]) -> None:
        """Replace the trips of a route. Orders that it loses are on no route until another gets them."""
        trips = self.at_pace(route, trips)
        where, by_shop, shop = self.where, self.by_shop, self.jobs.shop
        for trip in route.trips:
            for order in trip.orders:
                if where.get(order) is route:
                    del where[order]
                    by_shop[shop[order]].remove(order)
        for trip in trips:
            for order in trip.orders:
                # An order that changes its route may be set on the new one before it is taken off the old one.
                if order not in where:
                    by_shop.setdefault(shop[order], []).append(order)
                where[order] = route
        route.trips = trips
        self.time(route)

    def without(self, route: Route, order: int) -> tuple[int, list[Trip]] | None:
        """The position of the order's trip, and the trips from there on without the order; None where the courier is
        bound to fetch just this one."""
        trips = route.trips
        index = next(index for index, trip in enumerate(trips) if order in trip.orders)
        trip = trips[index]
        if trip.count > 1:
            fewer = self.jobs.trip([each for each in trip.orders if each != order], trip.pace)
            return index, [fewer, *trips[index + 1 :]]
        if not index and route.bound:
            return None
        return index, trips[index + 1 :]

    def evict(self, route: Route) -> list[int]:
        """Remove the trips that have become too late for the courier's shift or an order's limit. Returns their
        orders."""
        gone: list[int] = []
        while route.cost >= FORBIDDEN:
            before = 0.0
            for index, cost in enumerate(route.costs):
                if cost - before >= FORBIDDEN and not (route.bound and not index):
                    gone += route.trips[index].orders
                    self.set(route, [*route.trips[:index], *route.trips[index + 1 :]])
                    break
                before = cost
            else:
                break  # what a bound courier is about to fetch stays
        return gone


def _fields(trips: Sequence[Trip], minute: float) -> Floats:
    table = [(t.count, t.offset + minute * t.work, t.ready, t.lateness, t.limit, t.work, t.free, t.shop) for t in trips]
    return np.array(table, np.float64).T

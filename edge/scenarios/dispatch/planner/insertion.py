"""Where an order fits best, a new one or one that moves: as a trip of its own between two others, or on a trip to its
shop."""

from collections.abc import Container, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from .routes import Floats, Plan, Route
from .trips import FORBIDDEN, Trip

TRIED: Final = 6
"""Gaps that are worked out exactly, those with the lowest bounds. A bound leaves out only whom the order delays."""

FIRST_COME: Final = 1e-3
"""What it costs to go before a trip: between equals, who came first is fetched first."""

GAIN_MIN: Final = 0.01
"""Units of cost that a move must save: less is rounding."""

CELLS_MAX: Final = 65_536
"""Orders x places that a pass weighs up at once, so that a decision stays quick in a district of any size. The
published days stay below it."""

LOOKED_AT: Final = 4
"""How many orders are looked at for each that is tried."""

Found = tuple[float, Route | None, list[Trip]]
"""The cost that is added, and the route with its trips; no route where nothing is cheap enough."""


class Gaps:
    """Every place in the open routes where a trip could begin: from when, from which row, until when.

    The gaps of a route lie side by side, in the sequence of its trips; a bound courier's first trip has none before it.
    """

    def __init__(self, plan: Plan) -> None:
        self.routes: list[Route] = []
        self.positions: list[int] = []
        self.spans: dict[int, tuple[int, int]] = {}
        since: list[float] = []
        rows: list[int] = []
        offs: list[float] = []
        handicaps: list[float] = []
        # Couriers with nothing to do are most of all; one list after the other is several times faster for them.
        idle = [route for route in plan.open if not route.trips and not route.bound]
        self.routes += idle
        self.positions += [0] * len(idle)
        since += [route.since for route in idle]
        rows += [route.origin for route in idle]
        offs += [route.off for route in idle]
        handicaps += [route.handicap for route in idle]
        self.spans.update((route.courier, (place, place + 1)) for place, route in enumerate(idle))
        for route in plan.open:
            if route.trips or route.bound:
                self._list(plan, route, since, rows, offs, handicaps)
        self.since: Floats = np.array(since)
        self.rows: npt.NDArray[np.int64] = np.array(rows, np.int64)
        self.offs: Floats = np.array(offs)
        self.handicaps: Floats = np.array(handicaps)

    def change(self, plan: Plan, route: Route) -> None:
        """The route has other trips now: its gaps are closed, and those that it has now come at the end. Listing all of
        them anew cost as much as everything else about an insertion."""
        start, end = self.spans[route.courier]
        self.offs[start:end] = -np.inf
        since: list[float] = []
        rows: list[int] = []
        offs: list[float] = []
        handicaps: list[float] = []
        self._list(plan, route, since, rows, offs, handicaps)
        self.since = np.concatenate((self.since, since))
        self.rows = np.concatenate((self.rows, np.array(rows, np.int64)))
        self.offs = np.concatenate((self.offs, offs))
        self.handicaps = np.concatenate((self.handicaps, handicaps))

    def _list(
        self, plan: Plan, route: Route, since: list[float], rows: list[int], offs: list[float], handicaps: list[float]
    ) -> None:
        start = len(self.routes)
        if not route.bound:
            self.positions.append(0)
            since.append(route.since)
            rows.append(route.origin)
        for index, trip in enumerate(route.trips):
            self.positions.append(index + 1)
            since.append(route.frees[index])
            rows.append(plan.doors + trip.last)
        more = len(self.positions) - start
        self.routes += [route] * more
        offs += [route.off] * more
        handicaps += [route.handicap] * more
        self.spans[route.courier] = (start, start + more)


def bounds(plan: Plan, gaps: Gaps, orders: Sequence[int]) -> Floats:
    """(orders x gaps) The cost of each order alone in each gap. The delay of later trips is not included, so these are
    lower bounds; at the end of a route they are exact."""
    weights = plan.jobs.weights
    fields = plan.fields([plan.jobs.alone(order) for order in orders], gaps.routes, plan.minute)
    _, offset, ready, lateness, limit, work, free, shops = fields
    ride = plan.travel[gaps.rows[None, :], shops[:, :1].astype(np.int64)]
    if plan.paces:
        ride *= [route.pace for route in gaps.routes]
    pickup = np.maximum(ready, gaps.since + plan.jobs.service.before_pickup + ride)
    cost = pickup + offset + plan.minute * ride + gaps.handicaps
    over = pickup + (free - gaps.offs)
    if over.max() > 0:
        cost -= plan.minute * np.clip(over, 0, work)
    late = pickup + lateness
    if late.max() > 0:
        np.maximum(late, 0, out=late)
        cost += weights.overdue * late * late
    cost += FORBIDDEN * ((pickup > gaps.offs) | (pickup > limit))
    for index, order in enumerate(orders):
        for courier in plan.barred.get(order, ()):
            start, end = gaps.spans.get(courier, (0, 0))
            cost[index, start:end] = FORBIDDEN
        if order in plan.only:
            start, end = gaps.spans.get(plan.only[order], (0, 0))
            cost[index, :start] = cost[index, end:] = FORBIDDEN
    return cost


def best(
    plan: Plan, gaps: Gaps, bound: Floats, order: int, below: float, stale: Container[int] = (), apart: int = -1
) -> Found:
    """The cheapest place for an order, if it adds less than `below`. `bound` is its row of `bounds`. Routes of `stale`
    couriers have changed since the gaps were listed, and with `apart`'s own nothing is tried."""
    found: Found = (below, None, [])
    trip = plan.jobs.alone(order)
    near: npt.NDArray[np.intp] = np.arange(len(bound))
    if len(bound) > TRIED:
        near = np.argpartition(bound, TRIED)[:TRIED]
    ranked: list[int] = near[np.argsort(bound[near], kind="stable")].tolist()
    for gap in ranked:
        least = float(bound[gap])
        if least >= found[0]:
            break
        route, position = gaps.routes[gap], gaps.positions[gap]
        if route.courier == apart or route.courier in stale:
            continue
        tail = route.trips[position:]
        cost = plan.changed(route, position, [trip, *tail]) - route.cost + FIRST_COME * len(tail) if tail else least
        if cost < found[0]:
            found = cost, route, [*route.trips[:position], trip, *tail]
    return _join(plan, trip, found, stale, apart)


def _join(plan: Plan, trip: Trip, found: Found, stale: Container[int], apart: int) -> Found:
    """The same, on a trip to its shop that is planned already."""
    order = trip.orders[0]
    stop = plan.jobs.service.before_dropoff + plan.jobs.service.after_dropoff
    for planned in plan.by_shop.get(trip.shop, ()):
        route = plan.where[planned]
        if planned == order or route.courier == apart or route.courier in stale:
            continue
        if plan.only.get(order, route.courier) != route.courier or route.courier in plan.barred.get(order, ()):
            continue
        index = next((index for index, other in enumerate(route.trips) if other.orders[0] == planned), None)
        if index is None or route.trips[index].count >= route.room:
            continue
        other, pickup = route.trips[index], route.pickups[index]
        # A lower bound of the cost: one order waits for the other at the shop, and one at the other's door.
        if max(pickup - trip.ready, other.count * (trip.ready - pickup)) + stop + route.handicap >= found[0]:
            continue
        before, tail = route.trips[:index], route.trips[index + 1 :]
        for place in range(other.count, -1, -1):
            longer = plan.jobs.trip([*other.orders[:place], order, *other.orders[place:]], route.pace)
            if not route.holds(longer):
                break
            cost = plan.changed(route, index, [longer, *tail]) - route.cost
            if cost < found[0]:
                found = cost, route, [*before, longer, *tail]
    return found


def insert(plan: Plan, orders: Sequence[int]) -> list[int]:
    """Plan new orders, one after the other. Returns those for which no place is cheap enough."""
    weights = plan.jobs.weights
    left: list[int] = []
    if not orders or not plan.open:
        return list(orders)
    gaps = Gaps(plan)
    for order in orders:
        bound = bounds(plan, gaps, [order])[0]
        _, route, trips = best(plan, gaps, bound, order, weights.dropped * weights.per_minute)
        if route is None:
            left.append(order)
        else:
            plan.set(route, trips)
            gaps.change(plan, route)
    return left


def relocate(plan: Plan, most: int) -> int:
    """One pass over all orders, those that cost most first; at most `most` are tried. The number of moves.

    A route changes at most once in a pass, because the gaps are listed once; whatever else there is to gain, the next
    pass finds.
    """
    orders = [order for route in plan.open for trip in route.trips for order in trip.orders if order not in plan.fixed]
    gains = [(gain, order) for order in orders if (gain := _gain(plan, order)) > GAIN_MIN]
    gains.sort(key=lambda each: (-each[0], each[1]))
    gaps = Gaps(plan)
    del gains[min(most * LOOKED_AT, max(1, CELLS_MAX // max(1, len(gaps.routes)))) :]
    if not gains:
        return 0
    bound = bounds(plan, gaps, [order for _, order in gains])
    stop = plan.jobs.service.before_dropoff + plan.jobs.service.after_dropoff
    tried: list[tuple[float, int, int]] = []
    for index, (gain, order) in enumerate(gains):
        start, end = gaps.spans[plan.where[order].courier]
        bound[index, start:end] = FORBIDDEN
        # Two kinds of places exist: alone in a gap, or together with another order of its shop, at a stop more.
        shared = gain > stop and len(plan.by_shop[plan.jobs.shop[order]]) > 1
        if shared or bound[index].min() < gain:
            tried.append((gain, order, index))
    stale: set[int] = set()
    moved = 0
    for gain, order, index in tried[:most]:
        route = plan.where[order]
        if route.courier in stale:
            continue
        # An order that is forbidden where it is may be forbidden elsewhere too: such a move gains nothing.
        below = min(gain - GAIN_MIN, FORBIDDEN / 2)
        _, to, trips = best(plan, gaps, bound[index], order, below, stale, route.courier)
        left = plan.without(route, order)
        if to is None or left is None:
            continue
        plan.set(route, [*route.trips[: left[0]], *left[1]])
        plan.set(to, trips)
        stale |= {route.courier, to.courier}
        moved += 1
    return moved


def _gain(plan: Plan, order: int) -> float:
    """The cost that its route saves without the order; 0 where the route may not lose it."""
    route = plan.where[order]
    left = plan.without(route, order)
    if left is None:
        return 0.0
    first, trips = left
    if not trips:
        return route.cost - (route.costs[first - 1] if first else 0.0)
    return route.cost - plan.changed(route, first, trips)

"""The orders and riders of one round as a plan, for rounds in which orders compete for riders.

Times are seconds from now. The rides of a rider are known only to the shops of orders that have it as a candidate; from
the doors of the orders, the rides to all shops are known.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Final

import numpy as np
from msgspec import structs

from ..options import DispatchOptions
from ..planner.insertion import insert
from ..planner.routes import Plan, Route
from ..planner.search import improve
from ..planner.trips import FORBIDDEN, NO_LIMIT, Jobs, ServiceTimes, Trip, Weights
from ..planner.trips import Load as Room
from ..state.fit import NOTHING, carries, left, pace_of
from ..state.orders import Order
from ..state.riders import Riders
from ..travel.ride_times import rides_s
from .candidates import CandidateCost, must_leave
from .trips_under_way import TripUnderWay

WEIGHTS: Final = Weights(per_minute=60.0)

UNKNOWN_S: Final = 1e5
"""The ride of a rider to a shop where it is no candidate: more than a day, so that every candidate is nearer."""


JOIN_AHEAD_S: Final = 60
JOIN_AHEAD: Final = 4
"""An order is offered to the rider whose trip it is to share so many seconds, and so many times `offer_ahead_s`, before
the pickup: kitchens are sometimes early. Until then it may go elsewhere."""


class RoundPlan:
    """The orders and riders of a round as a plan. `choices` are the candidates of each order; riders in `taken` are
    assigned already."""

    def __init__(
        self,
        orders: Sequence[Order],
        choices: Sequence[Sequence[CandidateCost]],
        taken: Sequence[str],
        under_way: Sequence[TripUnderWay],
        opened: Mapping[str, Order],
        riders: Riders,
        rules: DispatchOptions,
        now_ms: int,
    ) -> None:
        self.under_way = {trip.rider.id: trip for trip in under_way if trip.rider.id not in taken}
        # What riders have accepted is in the plan, too, behind the orders that are to be decided.
        self.orders = [*orders, *(order for trip in self.under_way.values() for order in trip.orders)]
        self.decided = len(orders)
        self.rules = rules
        self.now_ms = now_ms
        self.options = [{option.rider: option for option in row if option.rider not in taken} for row in choices]
        self.names = sorted({name for row in self.options for name in row} | set(self.under_way))
        self.number = {name: number for number, name in enumerate(self.names)}
        self.room: list[int] = []
        """How many more orders each rider can take now,"""
        self.left: list[Room] = [NO_LIMIT] * len(self.names)
        """and of which load."""
        self.shops: dict[tuple[float, float], int] = {}
        self.column = [
            self.shops.setdefault((order.pickup_lat, order.pickup_lon), len(self.shops)) for order in self.orders
        ]
        doors = [(order.dropoff_lat, order.dropoff_lon) for order in self.orders]
        hops = rides_s(doors, doors, rules)
        halves = (rules.pickup_service_s, rules.dropoff_service_s)
        service = ServiceTimes(*(float(part) for each in halves for part in (each // 2, each - each // 2)))
        # Not through `self`: a reference cycle would keep the round's tables until a garbage collection.
        self.jobs = Jobs(WEIGHTS, service, lambda one, other: float(hops[one, other]))
        self.plan = Plan(
            self.jobs, len(self.names), np.full((len(self.names) + len(doors), len(self.shops)), UNKNOWN_S)
        )
        self._lay_out(riders, opened)

    def _lay_out(self, riders: Riders, opened: Mapping[str, Order]) -> None:
        plan, now_ms, jobs = self.plan, self.now_ms, self.jobs
        for order, column in zip(self.orders, self.column, strict=True):
            ready = max(0.0, (order.ready_ms - now_ms) / 1000)
            placed_ms = order.placed_ms
            if order.terms is not None:
                placed_ms = order.terms.counts_from_ms(placed_ms)
                if order.terms.max_bag_s:
                    jobs.in_bag[len(jobs.placed)] = float(order.terms.max_bag_s)
                if order.terms.pickup_by_ms:
                    jobs.pickup_by[len(jobs.placed)] = (order.terms.pickup_by_ms - now_ms) / 1000
                if order.terms.load != NOTHING:
                    jobs.load[len(jobs.placed)] = order.terms.load
            jobs.add((placed_ms - now_ms) / 1000, ready, column, float(order.ride_s), math.inf)
        free = [0.0] * len(self.names)
        for row, column in zip(self.options, self.column[: self.decided], strict=True):
            for name, option in row.items():
                number = self.number[name]
                # The uncertainty of a rider's position counts as ride: a tenth of its age.
                plan.travel[number, column] = option.travel_s + option.age_s // 10
                free[number] = float(option.free_in_s)
        doors = [(order.dropoff_lat, order.dropoff_lon) for order in self.orders]
        plan.travel[len(self.names) :] = rides_s(doors, list(self.shops), self.rules)
        for row in range(len(plan.travel)):
            plan.place(row, plan.travel[row])
        fairness_s = riders.fairness(self.rules.fair_s, now_ms)
        for number, name in enumerate(self.names):
            rider = riders.known[name]
            off = math.inf if rider.off_ms is None else (rider.off_ms - now_ms) / 1000
            route = Route(number, number, free[number], off, rider.capacity)
            route.handicap = float(fairness_s(rider))
            plan.routes.append(route)
            self.room.append(rider.capacity - len(rider.orders))
            if rider.limits is not None:
                self.left[number] = left(rider, [opened[held] for held in rider.orders])
                route.limit, route.pace = left(rider, ()), pace_of(rider, self.rules)
                plan.place(number, plan.travel[number] / route.pace)  # of the candidates, these are rides by its pace
        plan.open = plan.routes
        if riders.selective and any(route.pace != 1.0 for route in plan.routes):
            plan.paces = list(dict.fromkeys(route.pace for route in plan.routes))
        fixed = self.decided
        for name, trip in self.under_way.items():
            route = plan.routes[self.number[name]]
            route.bound, route.room, route.limit = True, trip.room, trip.left
            route.arrives = max((trip.arrive_ms - now_ms) / 1000, -self.jobs.service.before_pickup)
            plan.fixed.update(range(fixed, fixed + len(trip.orders)))
            plan.set(route, [self.jobs.trip(range(fixed, fixed + len(trip.orders)))])
            if route.cost >= FORBIDDEN:
                route.room = len(trip.orders)  # late for the end of the shift already: nothing joins
            fixed += len(trip.orders)
        for index, order in enumerate(self.orders):
            barred = {
                self.number[name] for name, until in order.excluded.items() if until > now_ms and name in self.number
            }
            if riders.selective and index < self.decided and (fits := riders.fits(order)) is not None:
                barred.update(number for number, name in enumerate(self.names) if not fits(name))
            if barred:
                plan.barred[index] = barred
            if order.override is not None and index < self.decided:
                plan.only[index] = self.number.get(order.override.rider, -1)

    # -- search --------------------------------------------------------------------------------------------------------

    def decide(self) -> list[CandidateCost | None]:
        """For each order the rider who should take it, and when; None where nobody can. What a rider is to fetch after
        another order of the round is planned, not offered."""
        plan = self.plan
        plan.weigh(float(self.rules.soon_free_s), self.decided)
        new = self._resume()
        insert(plan, new)
        improve(plan)
        found: list[CandidateCost | None] = [None] * self.decided
        for route in plan.routes:
            for index, trip in enumerate(route.trips):
                for order in trip.orders:
                    if order < self.decided:
                        found[order] = self._option(route, index, order)
        return found

    def _resume(self) -> list[int]:
        """Restore what was planned before. Returns the other orders, the earliest ready first."""
        before: dict[int, list[int]] = {}
        new: list[int] = []
        for index, order in enumerate(self.orders[: self.decided]):
            number = self.number.get(order.plan)
            if number is None or number in self.plan.barred.get(index, ()):
                new.append(index)
            else:
                before.setdefault(number, []).append(index)
        for number, orders in before.items():
            orders.sort(key=lambda index: (self.orders[index].pickup_ms, self.orders[index].dropoff_ms, index))
            route = self.plan.routes[number]
            orders = self._rejoin(route, orders)
            # What is picked up at once at one shop is one trip.
            trips = groupby(orders, key=lambda index: (self.orders[index].pickup_ms, self.column[index]))
            self.plan.set(route, [*route.trips, *(part for _, trip in trips for part in self._held(route, [*trip]))])
            new += self.plan.evict(route)
        new.sort(key=lambda index: (self.orders[index].ready_ms, self.orders[index].placed_ms, self.orders[index].id))
        return new

    def _held(self, route: Route, orders: list[int]) -> list[Trip]:
        """As one trip; each by itself where that is more than the rider can carry: an order that comes later now, with
        the rider that it had, still has the times of when it came first."""
        together = self.jobs.trip(orders)
        return [together] if route.holds(together) else [self.jobs.alone(order) for order in orders]

    def _rejoin(self, route: Route, orders: list[int]) -> list[int]:
        """Put back what was to join the trip under way: what would be picked up at its shop before its end. Returns the
        other orders."""
        if not route.bound:
            return orders
        trip, end_ms = route.trips[0], self.now_ms + route.frees[0] * 1000
        waiting = [each for each in orders if self.column[each] == trip.shop and self.orders[each].pickup_ms < end_ms]
        waiting = waiting[: route.room - trip.count]
        if waiting:
            together = sorted([*trip.orders, *waiting], key=lambda each: self.orders[each].dropoff_ms)
            self.plan.set(route, [self.jobs.trip(together)])
            if route.cost >= FORBIDDEN or not route.holds(route.trips[0]):
                self.plan.set(route, [trip])
        return [each for each in orders if each not in self.plan.where]

    def _option(self, route: Route, index: int, order: int) -> CandidateCost | None:
        """The plan of one order, as an option of its rider."""
        plan, name, trip = self.plan, self.names[route.courier], route.trips[index]
        if route.bound and not index:
            return self._joined(route, trip, order)
        seen = self.options[order].get(name)
        ride = plan.rows[plan.doors + route.trips[index - 1].last if index else route.origin][trip.shop] * route.pace
        if ride >= UNKNOWN_S - 1:  # a pace may have rounded it
            return None  # it was not among the riders seen near this shop
        known = seen or next((one for row in self.options if (one := row.get(name)) is not None), None)
        if known is None:  # of the rider only the trip under way is known
            known = CandidateCost(name, 0, 0, 0, 0, 0, 0, 0, 0, 0, False, fairness=int(route.handicap))
        since = route.frees[index - 1] if index else route.since
        dropoff = plan.dropoff(order)
        pickup = route.pickups[index]
        leave = pickup - self.jobs.service.before_pickup - ride
        leave_ms = self.now_ms + round(leave * 1000)
        return structs.replace(
            known,
            travel_s=seen.travel_s if seen is not None and not index else int(ride),
            free_in_s=math.ceil(since),
            pickup_ms=self.now_ms + round(pickup * 1000),
            dropoff_ms=self.now_ms + round((dropoff or pickup) * 1000),
            food_waits=int(pickup - max(0.0, self.jobs.ready[order])),
            rider_waits=int(max(0.0, leave - since)),
            total=round(route.costs[index] - (route.costs[index - 1] if index else 0.0)),
            offer=not index
            and self.room[route.courier] >= trip.count
            and carries(self.left[route.courier], trip.load)
            and must_leave(leave_ms, self.now_ms, self.rules),
        )

    def _joined(self, route: Route, trip: Trip, order: int) -> CandidateCost:
        """The order on a trip that is under way: the rider makes it in any case, so only delays count."""
        under_way, now_ms = self.under_way[self.names[route.courier]], self.now_ms
        pickup = route.pickups[0]
        dropoff = self.plan.dropoff(order) or pickup
        ready = max(0.0, self.jobs.ready[order])
        alone = ready + self.jobs.alone(order, route.pace).free - self.jobs.service.after_dropoff
        late = max(0, int(dropoff - alone))
        accepted = [each for each in trip.orders if each in self.plan.fixed]
        others = int(self._last_doors(route, trip.orders, accepted) - self._last_doors(route, accepted, accepted))
        follows = next((each for each in trip.orders[trip.orders.index(order) + 1 :] if each in self.plan.fixed), None)
        return CandidateCost(
            under_way.rider.id,
            travel_s=max(0, -(-(under_way.arrive_ms - now_ms) // 1000)),
            age_s=0,
            free_in_s=0,
            pickup_ms=now_ms + round(pickup * 1000),
            dropoff_ms=now_ms + round(dropoff * 1000),
            food_waits=late,
            rider_waits=0,
            change=0,
            total=late + others + int(route.handicap),
            offer=pickup <= JOIN_AHEAD_S + JOIN_AHEAD * self.rules.offer_ahead_s,
            bundle=tuple(one.id for one in under_way.orders),
            others_wait=others,
            fairness=int(route.handicap),
            before="" if follows is None else self.orders[follows].id,
        )

    def _last_doors(self, route: Route, orders: Sequence[int], accepted: Sequence[int]) -> float:
        """The sum of the drop-offs of the accepted orders, if these were what the trip under way fetches."""
        pickup = max(route.arrives + self.jobs.service.before_pickup, self.jobs.trip(orders, route.pace).ready)
        frees = (self.jobs.trip(orders[: orders.index(each) + 1], route.pace).free for each in accepted)
        return sum(pickup + free - self.jobs.service.after_dropoff for free in frees)

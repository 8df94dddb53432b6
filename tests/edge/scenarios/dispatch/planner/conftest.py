"""Small districts on a grid, drawn from a seed: couriers, shops, doors, and a plan with some of the orders in it."""

import math
import random

import numpy as np
import pytest

from edge.scenarios.dispatch.planner.insertion import insert
from edge.scenarios.dispatch.planner.routes import Plan, Route
from edge.scenarios.dispatch.planner.trips import FORBIDDEN, Jobs, ServiceTimes, Weights

SERVICE = 2.0
"""Each half of a service."""


def rides(places, shops):
    """Whole minutes, a hundred metres each."""
    return np.array([[math.ceil(math.dist(place, shop) / 100) for shop in shops] for place in places], np.float64)


class World:
    """A plan over a drawn district. `orders` are all of its orders, `left` those that found no place. `mixed`: couriers
    are of different speed and carry different loads."""

    def __init__(self, seed, couriers=4, orders=8, shops=3, weights=None, until=math.inf, mixed=False):
        draw = random.Random(seed)

        def spot():
            return draw.randrange(3000), draw.randrange(3000)

        self.shops = [spot() for _ in range(shops)]
        self.doors = [spot() for _ in range(orders)]
        self.homes = [spot() for _ in range(couriers)]
        self.jobs = Jobs(weights or Weights(), ServiceTimes(SERVICE, SERVICE, SERVICE, SERVICE), self.hop)
        self.plan = Plan(self.jobs, couriers, np.zeros((couriers + orders, shops)))
        for row, way in enumerate(rides([*self.homes, *self.doors], self.shops)):
            self.plan.place(row, way)
        for courier in range(couriers):
            self.plan.routes.append(Route(courier, courier, float(draw.randrange(10)), float(draw.randrange(60, 200))))
            self.plan.routes[-1].handicap = float((7 * seed + 3 * courier) % 5 - 2)
        self.plan.open = list(self.plan.routes)
        for door in self.doors:
            shop, placed = draw.randrange(shops), float(draw.randrange(20))
            direct = float(rides([door], self.shops)[0][shop])
            ready = placed + draw.randrange(5, 30)
            self.jobs.add(placed, ready, shop, direct, placed + until)
        self.orders = list(range(orders))
        if mixed:
            self._mix(draw)

    def _mix(self, draw):
        plan, load = self.plan, self.jobs.load
        for route in plan.routes:
            route.pace, route.limit = draw.choice((1.0, 1.5, 4.0)), (draw.choice((5.0, 9.0, math.inf)), 12.0)
        plan.paces = list(dict.fromkeys(route.pace for route in plan.routes))
        load.update({order: (float(draw.randrange(7)), float(draw.randrange(7))) for order in self.orders[::2]})
        self.jobs.in_bag.update(dict.fromkeys(self.orders[::3], 9.0))
        self.jobs.pickup_by.update(dict.fromkeys(self.orders[1::3], 20.0))
        for order in load:
            alone = self.jobs.alone(order)
            plan.barred[order] = {route.courier for route in plan.routes if not route.holds(alone)}

    def hop(self, one, other):
        return float(math.ceil(math.dist(self.doors[one], self.doors[other]) / 100))

    def fill(self):
        """Every order where it fits best, one after the other."""
        self.left = insert(self.plan, self.orders)
        return self

    def total(self):
        """What the whole plan costs, reckoned anew."""
        for route in self.plan.routes:
            self.plan.time(route)
        return sum(route.cost for route in self.plan.routes)

    def reckoned(self, route, trips):
        """When each trip (a list of orders) is picked up, and its courier free again, and what all cost: minute by
        minute, as one would by hand."""
        jobs, plan, weights = self.jobs, self.plan, self.jobs.weights
        now, row, cost = route.since, route.origin, 0.0
        pickups, frees = [], []
        for index, orders in enumerate(trips):
            bound = route.bound and not index
            ride = 0.0 if bound else plan.travel[row, jobs.shop[orders[0]]] * route.pace
            there = (route.arrives if bound else now + ride) + SERVICE
            pickup = max(there, *(jobs.ready[order] for order in orders))
            work, at, before, latest, forbidden = 2 * SERVICE, pickup + SERVICE, None, -math.inf, pickup > route.off
            for order in orders:
                straight = jobs.direct[order]
                way = (straight if before is None else self.hop(before, order)) * route.pace
                door = at + way + SERVICE
                cost += door - (jobs.ready[order] + SERVICE + straight + SERVICE)
                latest = max(latest, door - jobs.placed[order] - weights.target)
                if order in jobs.pickup_by:
                    latest = max(latest, pickup - jobs.pickup_by[order])
                allowed = max(jobs.in_bag.get(order, math.inf), 2 * SERVICE + straight * route.pace)
                forbidden = (
                    forbidden or door > jobs.until[order] + 1e-9 or (before is not None and door - pickup > allowed)
                )
                work += way + 2 * SERVICE
                at, before = door + SERVICE, order
            spent = ride + work - min(work, max(0.0, at - route.off))
            cost += plan.minute * spent + weights.steepness * max(0.0, latest) ** 2 + route.handicap * len(orders)
            cost += FORBIDDEN * forbidden
            pickups.append(pickup)
            frees.append(at)
            now, row = at, plan.doors + orders[-1]
        return pickups, frees, cost

    def check(self):
        """Each order is on one trip at most, of its own shop, and the indexes agree."""
        planned = [order for route in self.plan.routes for trip in route.trips for order in trip.orders]
        assert len(planned) == len(set(planned))
        assert sorted(planned) == sorted(self.plan.where)
        assert sorted(planned) == sorted(order for orders in self.plan.by_shop.values() for order in orders)
        for route in self.plan.routes:
            for trip in route.trips:
                assert {self.jobs.shop[order] for order in trip.orders} == {trip.shop}
                assert all(self.plan.where[order] is route for order in trip.orders)
                assert route.holds(trip)
                assert trip.pace == route.pace
                self.check_bags(trip)
        return sorted(planned)

    def check_bags(self, trip):
        """No order is under way for longer than it may, or than straight to its door."""
        at, place = 2.0, None
        for order in trip.orders:
            straight = self.jobs.direct[order] * trip.pace
            at += (straight if place is None else 4.0 + self.hop(place, order) * trip.pace) + (place is None) * 2.0
            assert at <= max(self.jobs.in_bag.get(order, math.inf), 4.0 + straight) + 1e-6
            place = order


@pytest.fixture
def world():
    """The maker of worlds."""
    return World

"""Small districts on a grid, drawn from a seed: couriers, shops, doors, and a plan with some of the orders in it."""

import math
import random

import numpy as np
import pytest

from edge.scenarios.dispatch.planner.insertion import insert
from edge.scenarios.dispatch.planner.routes import Plan, Route
from edge.scenarios.dispatch.planner.trips import Jobs, ServiceTimes, Weights


def rides(places, shops):
    """Whole minutes, a hundred metres each."""
    return np.array([[math.ceil(math.dist(place, shop) / 100) for shop in shops] for place in places], np.float64)


class World:
    """A plan over a drawn district. `orders` are all of its orders, `left` those that found no place."""

    def __init__(self, seed, couriers=4, orders=8, shops=3, weights=None, until=math.inf):
        draw = random.Random(seed)

        def spot():
            return draw.randrange(3000), draw.randrange(3000)

        self.shops = [spot() for _ in range(shops)]
        self.doors = [spot() for _ in range(orders)]
        self.homes = [spot() for _ in range(couriers)]
        self.jobs = Jobs(weights or Weights(), ServiceTimes(2.0, 2.0, 2.0, 2.0), self.hop)
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
                assert trip.count <= route.room
        return sorted(planned)


@pytest.fixture
def world():
    """The maker of worlds."""
    return World

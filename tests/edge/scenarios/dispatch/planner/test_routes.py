"""What each courier does, when, and at what cost."""

import math

import pytest

from edge.scenarios.dispatch.planner.trips import FORBIDDEN


@pytest.mark.parametrize("seed", range(20))
def test_a_change_costs_what_was_computed(world, seed):
    """The cost of a route with other trips from any position on is what it costs once it has them."""
    w = world(seed, couriers=2).fill()
    for route in w.plan.routes:
        for first in range(len(route.trips)):
            trips = route.trips[first:][::-1]
            expected = w.plan.changed(route, first, trips)
            before = route.trips
            w.plan.set(route, [*before[:first], *trips])
            assert route.cost == pytest.approx(expected)
            w.plan.set(route, before)
    w.check()


@pytest.mark.parametrize("seed", range(10))
def test_times_follow_one_another(world, seed):
    """Nobody is in two places: each pickup is after the ride from the last door, and not before the food is ready."""
    w = world(seed, couriers=2).fill()
    for route in w.plan.routes:
        since, row = route.since, route.origin
        for trip, pickup, free in zip(route.trips, route.pickups, route.frees, strict=True):
            assert pickup == max(trip.ready, since + w.plan.rows[row][trip.shop] + 2)
            since, row = free, w.plan.doors + trip.last


def test_leaving_as_late_as_possible_costs_nothing(world):
    """Who leaves just in time picks up exactly when planned; a minute later it would be late."""
    w = world(3).fill()
    route = next(route for route in w.plan.routes if route.trips and route.pickups[0] > route.since + 20)
    pickup, cost = route.pickups[0], route.cost
    route.since = pickup - 2 - w.plan.rows[route.origin][route.trips[0].shop]
    w.plan.time(route)
    assert (route.pickups[0], route.cost) == (pickup, pytest.approx(cost))
    route.since += 1
    w.plan.time(route)
    assert route.pickups[0] == pickup + 1


def test_work_costs_more_where_couriers_are_scarce(world):
    """A courier's minute costs its base up to half an order for each courier, and half a minute more for each further
    order, up to two."""
    w = world(1, couriers=2, orders=4)
    costs = []
    for waiting in (1, 3, 100):
        w.plan.weigh(1_000.0, waiting)
        costs.append(w.plan.minute)
    assert costs == pytest.approx([0.05, 0.05 + 0.5 * 1.0, 0.05 + 0.5 * 2.5])


def test_a_dropoff_is_when_the_food_is_handed_over(world):
    """The expected drop-off of the last order on a trip is a service before the courier is free; others are earlier."""
    w = world(5, couriers=1, orders=4, shops=1)
    (route,) = w.plan.routes
    w.plan.set(route, [w.jobs.trip([0, 1]), w.jobs.trip([2])])
    assert w.plan.dropoff(1) == route.frees[0] - 2
    assert w.plan.dropoff(0) < w.plan.dropoff(1) < w.plan.dropoff(2)
    assert w.plan.dropoff(3) is None


def test_a_bound_courier_keeps_its_shop(world):
    """The first trip of a courier under way begins where it arrives, and its only order stays."""
    w = world(7, couriers=1, orders=3, shops=1)
    (route,) = w.plan.routes
    w.plan.set(route, [w.jobs.trip([0, 1]), w.jobs.trip([2])])
    route.bound, route.arrives = True, 500.0
    w.plan.time(route)
    assert route.pickups[0] == 502.0
    assert route.cost >= FORBIDDEN  # after its shift: but it is under way
    assert w.plan.evict(route) == [2]
    first, trips = w.plan.without(route, 0)
    w.plan.set(route, [*route.trips[:first], *trips])
    assert w.plan.without(route, 1) is None
    assert w.check() == [1]


@pytest.mark.parametrize("seed", range(10))
def test_a_change_of_a_bound_route_costs_what_was_computed(world, seed):
    """Also from the place where its courier arrives on; a free courier's first order may leave it, too."""
    w = world(seed, couriers=1, orders=4, shops=2)
    (route,) = w.plan.routes
    trips = [w.jobs.alone(order) for order in w.orders]
    w.plan.set(route, trips)
    assert w.plan.without(route, 0) == (0, trips[1:])
    route.bound, route.arrives = True, 30.0
    expected = w.plan.changed(route, 0, [trips[0], trips[2], trips[1]])
    w.plan.set(route, [trips[0], trips[2], trips[1]])
    assert route.cost == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(10))
def test_what_is_too_late_is_given_back(world, seed):
    """After an eviction the route holds nothing that may not be, and what it lost is on no route."""
    w = world(seed, couriers=1, until=40)
    (route,) = w.plan.routes
    w.plan.set(route, [w.jobs.alone(order) for order in w.orders])
    gone = w.plan.evict(route)
    assert route.cost < FORBIDDEN
    assert sorted([*gone, *w.check()]) == w.orders
    for trip, pickup in zip(route.trips, route.pickups, strict=True):
        assert pickup <= min(route.off, trip.limit)


def test_after_the_shift_work_is_free(world):
    """A courier's minutes after its shift keep nobody waiting: only those before cost."""
    w = world(2)
    trip, travel = w.jobs.alone(0), w.jobs.weights.travel
    within = w.plan.price(trip, 100.0, 5.0, 1000.0)
    assert within - w.plan.price(trip, 100.0, 5.0, 100.0) == pytest.approx(travel * min(trip.work, trip.free))


@pytest.mark.parametrize("until", [math.inf, 45])
@pytest.mark.parametrize("seed", range(40))
def test_a_plan_costs_what_is_reckoned(world, seed, until):
    """Times and cost of every route, of the one that it would be from any place on, and the time at each door; with
    couriers under way, of several paces and with small bags, in any sequence of trips and of doors."""
    w = world(seed, couriers=3, orders=9, shops=2, until=until, mixed=seed % 2 == 1).fill()
    w.plan.weigh(100.0, seed % 7)
    for number, route in enumerate(w.plan.routes):
        if route.trips and (seed + number) % 3 == 0:
            route.bound, route.arrives = True, route.since + 3.0
        if seed % 4 == 0:
            route.off = route.since + 30.0
    for route in w.plan.routes:
        trips = [trip.orders for trip in route.trips]
        turned = [orders[::-1] for orders in (trips[:1] + trips[:0:-1] if route.bound else trips[::-1])]
        for first in range(len(turned)):
            made = [w.jobs.trip(orders, route.pace) for orders in turned[first:]]
            expected = w.reckoned(route, [*trips[:first], *turned[first:]])[2]
            w.plan.time(route)
            assert w.plan.changed(route, first, made) == pytest.approx(expected)
        w.plan.set(route, [w.jobs.trip(orders, route.pace) for orders in turned])
        pickups, frees, cost = w.reckoned(route, turned)
        assert (route.pickups, route.frees) == (pytest.approx(pickups), pytest.approx(frees))
        assert route.cost == pytest.approx(cost)
        for index, orders in enumerate(turned):
            alone = w.reckoned(route, [*turned[:index], orders[:1]])
            assert route.costs[index] == pytest.approx(w.reckoned(route, turned[: index + 1])[2])
            if not route.bound and len(orders) == 1:
                assert w.plan.dropoff(orders[0]) == pytest.approx(alone[1][-1] - 2.0)


def test_what_just_fits_is_held(world):
    """A load of exactly what the courier carries, on both scales, and no more; as many orders as there is room for."""
    w = world(1, couriers=1, orders=2, shops=1)
    (route,) = w.plan.routes
    w.jobs.load.update({0: (3.0, 4.0), 1: (2.0, 1.0)})
    trip = w.jobs.trip([0, 1])
    route.room, route.limit = 2, (5.0, 5.0)
    assert route.holds(trip)
    for room, limit in ((1, (5.0, 5.0)), (2, (4.9, 5.0)), (2, (5.0, 4.9))):
        route.room, route.limit = room, limit
        assert not route.holds(trip)

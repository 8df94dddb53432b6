"""Where one more order fits best."""

import math

import pytest

from edge.scenarios.dispatch.planner import insertion
from edge.scenarios.dispatch.planner.insertion import FIRST_COME, Gaps, best, bounds, insert, relocate
from edge.scenarios.dispatch.planner.trips import FORBIDDEN


def brute(w, order):
    """The least that an order can add, over every gap and every place on a trip of its shop."""
    found = math.inf
    alone = w.jobs.alone(order)
    for route in w.plan.open:
        if route.courier in w.plan.barred.get(order, ()):
            continue
        for position in range(int(route.bound), len(route.trips) + 1):
            tail = route.trips[position:]
            cost = w.plan.changed(route, position, [alone, *tail]) - route.cost + FIRST_COME * len(tail)
            found = min(found, cost)
        for index, trip in enumerate(route.trips):
            if trip.shop == alone.shop and trip.count < route.room:
                for place in range(trip.count + 1):
                    longer = w.jobs.trip([*trip.orders[:place], order, *trip.orders[place:]])
                    if not route.holds(longer):
                        continue
                    found = min(found, w.plan.changed(route, index, [longer, *route.trips[index + 1 :]]) - route.cost)
    return found


@pytest.mark.parametrize("seed", range(40))
def test_the_best_place_is_the_best_of_all(world, monkeypatch, seed):
    """With every gap tried, no place is cheaper than the one found, and using it adds the computed cost."""
    monkeypatch.setattr("edge.scenarios.dispatch.planner.insertion.TRIED", 100)
    w = world(seed, couriers=3, mixed=seed % 2 == 1)
    insert(w.plan, w.orders[:-1])
    order, gaps = w.orders[-1], Gaps(w.plan)
    cost, route, trips = best(w.plan, gaps, bounds(w.plan, gaps, [order])[0], order, 2000.0)
    assert cost == pytest.approx(min(2000.0, brute(w, order)))
    if route is None:
        return  # nowhere may it go
    before = w.total()
    w.plan.set(route, trips)
    assert w.total() - before == pytest.approx(cost, abs=0.01)
    assert set(w.check()) >= {order}


@pytest.mark.parametrize("seed", range(20))
def test_bounds_are_bounds(world, seed):
    """In each gap an order costs at least its bound, and exactly that at the end of a route."""
    w = world(seed, until=60, mixed=seed % 2 == 1)
    insert(w.plan, w.orders[:-2])
    gaps = Gaps(w.plan)
    for order, row in zip(w.orders[-2:], bounds(w.plan, gaps, w.orders[-2:]), strict=True):
        for gap, (route, position) in enumerate(zip(gaps.routes, gaps.positions, strict=True)):
            tail = route.trips[position:]
            exact = w.plan.changed(route, position, [w.jobs.alone(order), *tail]) - route.cost
            if route.courier in w.plan.barred.get(order, ()):
                exact = FORBIDDEN
            assert row[gap] <= exact + 1e-6
            if not tail:
                assert row[gap] == pytest.approx(exact)


def test_who_is_barred_gets_nothing(world):
    """A courier who would not take an order is not asked, neither for a trip of its own nor for one to the shop."""
    w = world(4, couriers=2, shops=1)
    insert(w.plan, w.orders[:-1])
    order = w.orders[-1]
    w.plan.barred[order] = {0}
    assert insert(w.plan, [order]) == []
    assert w.plan.where[order].courier == 1
    w.plan.barred[order] = {0, 1}
    w.plan.set(w.plan.where[order], [])
    assert insert(w.plan, [order]) == [order]


def test_what_cannot_be_in_time_comes_back(world):
    """An order that nobody can deliver within its limit stays unplanned, and nothing else changes for it."""
    w = world(6, until=1)
    assert insert(w.plan, w.orders) == w.orders
    assert w.check() == []
    w.plan.open = []
    assert insert(w.plan, w.orders) == w.orders


def test_a_full_bag_takes_no_more(world):
    """Where a courier has room for one, nothing is bundled."""
    w = world(8, couriers=1, orders=4, shops=1)
    w.plan.routes[0].room = 1
    w.plan.routes[0].off = 10_000.0
    assert insert(w.plan, w.orders) == []
    assert [trip.count for trip in w.plan.routes[0].trips] == [1] * len(w.orders)


def test_between_equals_the_first_goes_first(world):
    """An order that costs the same before and after another goes after it."""
    w = world(1, couriers=1, orders=2, shops=1)
    jobs, (route,) = w.jobs, w.plan.routes
    for order in w.orders:
        jobs.placed[order], jobs.direct[order] = 0.0, 10.0
        jobs.change(order, 5.0)
        w.plan.place(w.plan.doors + order, w.plan.travel[w.plan.doors])
    route.room, route.off = 1, 10_000.0
    insert(w.plan, w.orders)
    assert [trip.orders for trip in route.trips] == [[0], [1]]
    assert route.cost < FORBIDDEN


@pytest.mark.parametrize("seed", range(40))
def test_a_pass_makes_it_better_and_loses_nobody(world, seed):
    """Each move saves at least its computed gain; every order stays planned, once."""
    w = world(seed, couriers=4, orders=14, shops=4)
    for order in w.orders:  # a bad plan: all with two couriers
        route = w.plan.routes[order % 2]
        w.plan.set(route, [*route.trips, w.jobs.alone(order)])
    before = w.total()
    moved = relocate(w.plan, 400)
    assert moved > 0
    assert w.total() < before
    assert w.check() == w.orders


def test_a_good_place_is_kept(world):
    """Where nothing can be saved nothing moves, and nothing is to be moved in an empty plan."""
    w = world(11, couriers=6, orders=3).fill()
    while relocate(w.plan, 400):
        pass
    before = [list(route.trips) for route in w.plan.routes]
    assert relocate(w.plan, 400) == 0
    assert [list(route.trips) for route in w.plan.routes] == before
    assert relocate(world(11).plan, 400) == 0


def test_no_more_than_asked_for(world):
    """The bound on what one pass tries holds."""
    w = world(12, couriers=4, orders=14, shops=4)
    for order in w.orders:
        w.plan.set(w.plan.routes[0], [*w.plan.routes[0].trips, w.jobs.alone(order)])
    assert relocate(w.plan, 0) == 0
    assert relocate(w.plan, 1) <= 1


def test_the_dearest_are_tried_first(world, monkeypatch):
    """As many as asked for, by what they would save; among equals the one that came first."""
    w, tried = world(12, couriers=3, orders=9, shops=3), []
    for order in reversed(w.orders):
        route = w.plan.routes[order % 2]
        w.plan.set(route, [*route.trips, w.jobs.alone(order)])

    def nowhere(_plan, _gaps, _bound, order, *_):
        tried.append(order)
        return 0.0, None, None

    monkeypatch.setattr(insertion, "_gain", lambda _, order: 1e6 + order % 3)
    monkeypatch.setattr(insertion, "best", nowhere)
    assert relocate(w.plan, 7) == 0
    assert tried == [2, 5, 8, 1, 4, 7, 0]


def test_what_is_forbidden_does_not_move_to_where_it_is_forbidden(world):
    """An order that a bound courier will deliver too late goes to nobody who could not deliver it in time either."""
    w = world(3, couriers=2, orders=2, shops=1, until=1)
    first, second = w.plan.routes
    w.plan.set(first, [w.jobs.trip([0, 1])])
    first.bound, first.arrives = True, 30.0
    w.plan.time(first)
    assert first.cost >= FORBIDDEN
    assert relocate(w.plan, 400) == 0
    assert second.trips == []


@pytest.mark.parametrize("seed", range(10))
def test_every_gap_is_listed_once(world, seed):
    """One before each trip and one at the end of each route, of idle couriers the only one; none before the trip that a
    bound courier is about to fetch."""
    w = world(seed, couriers=5, orders=6)
    insert(w.plan, w.orders[:4])
    for route in w.plan.routes[::2]:
        route.bound = bool(route.trips)
    gaps = Gaps(w.plan)
    listed = [(route.courier, position) for route, position in zip(gaps.routes, gaps.positions, strict=True)]
    expected = [
        (route.courier, place) for route in w.plan.open for place in range(int(route.bound), len(route.trips) + 1)
    ]
    assert sorted(listed) == sorted(expected)
    for route in w.plan.open:
        start, end = gaps.spans[route.courier]
        assert listed[start:end] == [each for each in listed if each[0] == route.courier]

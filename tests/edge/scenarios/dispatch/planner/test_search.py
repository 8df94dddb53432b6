"""Ends of routes, matched anew."""

import math
from itertools import permutations, product

import pytest

from edge.scenarios.dispatch.planner.insertion import insert
from edge.scenarios.dispatch.planner.search import EFFORT_ORDERS, Head, _costs, exchange, improve
from edge.scenarios.dispatch.planner.trips import FORBIDDEN


@pytest.mark.parametrize("seed", range(30))
def test_whole_routes_go_to_the_best_couriers(world, seed):
    """Cut before the first trip, the result is the best of all permutations."""
    w = world(seed, couriers=4, orders=6, until=90, mixed=seed % 2 == 1)
    w.jobs.load, w.plan.barred = {}, {}
    for order in w.orders:
        route = w.plan.routes[order % 3]
        w.plan.set(route, [*route.trips, w.jobs.alone(order)])
    routes = [route.trips for route in w.plan.routes]

    def cost(order):
        return sum(w.plan.changed(route, 0, trips) for route, trips in zip(w.plan.routes, order, strict=True))

    best = min(cost(order) for order in permutations(routes))
    exchange(w.plan, 0)
    assert w.total() == pytest.approx(best, abs=0.02)
    assert w.check() == w.orders


@pytest.mark.parametrize("cut", [0, 1])
@pytest.mark.parametrize("seed", range(20))
def test_it_never_gets_worse(world, seed, cut):
    """Whatever the cut, the plan costs no more than before, and holds the same orders."""
    w = world(seed, couriers=5, orders=14, shops=4, mixed=seed % 2 == 1).fill()
    for route in w.plan.routes[:2]:
        if route.trips:
            route.bound, route.arrives = True, route.since + 3
    before = w.total()
    planned = w.check()
    held = [route.trips[0].orders for route in w.plan.routes[:2] if route.trips]
    exchange(w.plan, cut)
    assert w.total() <= before + 1e-6
    assert w.check() == planned
    assert [route.trips[0].orders for route in w.plan.routes[:2] if route.bound] == held


def test_who_is_barred_or_full_gets_nothing(world):
    """A route with an order that a courier would not take, or a trip beyond its room, goes to others only."""
    w = world(3, couriers=3, orders=2, shops=1)
    insert(w.plan, [0])
    holder = w.plan.where[0]
    holder.since += 50  # somebody else would now be better
    w.plan.time(holder)
    others = [route for route in w.plan.routes if route is not holder]
    w.plan.barred[0] = {route.courier for route in others}
    assert exchange(w.plan, 0) == 0
    w.plan.barred = {}
    w.plan.set(holder, [w.jobs.trip([0, 1])])
    for route in others:
        route.room = 1
    assert exchange(w.plan, 0) == 0
    others[0].room = 2
    assert exchange(w.plan, 0) == 2
    assert w.plan.where[0] is others[0]


def test_nothing_planned_is_nothing_to_exchange(world):
    """An empty plan, and one whose only trips are bound, stay as they are."""
    w = world(3, couriers=2, orders=1)
    assert exchange(w.plan, 0) == 0
    insert(w.plan, [0])
    w.plan.where[0].bound = True
    assert exchange(w.plan, 0) == 0


@pytest.mark.parametrize("seed", range(20))
def test_more_effort_is_never_worse(world, seed):
    """Each further pass makes the same plan cheaper or leaves it, until there is nothing more to find."""
    costs = []
    for effort in (0, 1, 3, 50):
        w = world(seed, couriers=5, orders=16, shops=4).fill()
        passes = improve(w.plan, effort)
        assert passes <= effort
        assert sorted([*w.check(), *w.left]) == w.orders
        costs.append(w.total())
    assert costs == sorted(costs, reverse=True)
    assert passes < 50


def test_a_large_plan_gets_one_pass(world):
    """With more orders than EFFORT_ORDERS the plan is improved once in a decision, however much there is to find."""
    w = world(3, couriers=8, orders=EFFORT_ORDERS + 8, shops=4).fill()
    assert len(w.plan.where) > EFFORT_ORDERS
    assert improve(w.plan, 50) == 1


def test_the_same_news_gives_the_same_plan(world):
    """Two searches over the same district come to the same plan, trip by trip."""
    plans = []
    for _ in range(2):
        w = world(9, couriers=6, orders=20, shops=5).fill()
        improve(w.plan, 5)
        plans.append([[trip.orders for trip in route.trips] for route in w.plan.routes])
    assert plans[0] == plans[1]


def partings(orders):
    """Every way to fetch these orders, in this sequence, in one trip or several."""
    for cuts in product((False, True), repeat=max(0, len(orders) - 1)):
        parts = [[orders[0]]]
        for order, cut in zip(orders[1:], cuts, strict=True):
            if cut:
                parts.append([order])
            else:
                parts[-1].append(order)
        yield parts


def cheapest(w, route, orders):
    """What the route costs at the least with these orders, in any sequence and any trips that it may make."""
    if not orders:
        return 0.0
    found = math.inf
    for sequence in permutations(orders):
        for parts in partings(sequence):
            if any(len({w.jobs.shop[order] for order in part}) > 1 for part in parts):
                continue
            trips = [w.jobs.trip(part, route.pace) for part in parts]
            if all(route.holds(trip) for trip in trips):
                found = min(found, w.reckoned(route, parts)[2])
    return found


def optimum(w):
    """The best of all plans that have every order; infinite where an order is barred from everybody."""
    sets, best = {}, math.inf
    for owners in product(range(len(w.plan.routes)), repeat=len(w.orders)):
        if any(owner in w.plan.barred.get(order, ()) for order, owner in enumerate(owners)):
            continue
        total = 0.0
        for number, route in enumerate(w.plan.routes):
            mine = tuple(order for order in w.orders if owners[order] == number)
            if (number, mine) not in sets:
                sets[number, mine] = cheapest(w, route, mine)
            total += sets[number, mine]
        best = min(best, total)
    return best


def test_small_plans_are_nearly_the_best_of_all(world):
    """Of 24 plans with two couriers and five orders of two shops, none is cheaper than the best of all plans, many
    are that one, and the others cost little more."""
    gaps = []
    for seed in range(24):
        w = world(seed, couriers=2, orders=5, shops=2, mixed=seed % 2 == 1)
        if insert(w.plan, w.orders):
            continue
        improve(w.plan, 20)
        gaps.append(w.total() - optimum(w))
        w.check()
    assert min(gaps) > -1e-6
    assert len(gaps) >= 18
    assert sum(gap < 1e-6 for gap in gaps) >= 0.4 * len(gaps)
    assert sum(gaps) / len(gaps) < 40


@pytest.mark.parametrize("seed", range(24))
def test_every_end_costs_behind_every_head_what_is_reckoned(world, seed):
    """The whole table of a cut before the first trips: for couriers of several paces, with small bags, short shifts and
    room for few; and where something of it may not be, no less than what is forbidden."""
    w = world(seed, couriers=4, orders=9, shops=2, until=70, mixed=seed % 2 == 1).fill()
    w.plan.barred = {}
    for number, route in enumerate(w.plan.routes):
        route.room = 1 + (seed + number) % 3
        route.off = route.since + 40.0 * (1 + number)
    heads = [Head(route, 0, route.since, route.origin) for route in w.plan.routes]
    ends = sorted((route.trips for route in w.plan.routes if route.trips), key=len, reverse=True)
    for trips, row in zip(ends, _costs(w.plan, heads, ends), strict=True):
        for head, cost in zip(heads, row, strict=True):
            made = [w.jobs.trip(trip.orders, head.route.pace) for trip in trips]
            expected = w.reckoned(head.route, [trip.orders for trip in trips])[2]
            if expected >= FORBIDDEN or not all(head.route.holds(trip) for trip in made):
                assert cost >= FORBIDDEN / 2
            else:
                assert cost == pytest.approx(expected)

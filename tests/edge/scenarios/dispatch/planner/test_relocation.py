"""Orders that move to better places."""

import pytest

from edge.scenarios.dispatch.planner.relocation import relocate
from edge.scenarios.dispatch.planner.weights import FORBIDDEN


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

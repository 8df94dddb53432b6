"""The search as a whole."""

import pytest

from edge.scenarios.dispatch.planner.improvement import improve


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


def test_the_same_news_gives_the_same_plan(world):
    """Two searches over the same district come to the same plan, trip by trip."""
    plans = []
    for _ in range(2):
        w = world(9, couriers=6, orders=20, shops=5).fill()
        improve(w.plan, 5)
        plans.append([[trip.orders for trip in route.trips] for route in w.plan.routes])
    assert plans[0] == plans[1]

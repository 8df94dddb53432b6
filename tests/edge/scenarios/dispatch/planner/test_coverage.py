"""Where an idle rider is of most use."""

import numpy as np

from edge.scenarios.dispatch.planner import coverage as module
from edge.scenarios.dispatch.planner.coverage import best_shop, coverage

RIDES = 60 * np.array([[0.0, 10.0, 20.0], [10.0, 0.0, 10.0], [20.0, 10.0, 0.0]])
EVEN = np.ones(3)


def test_coverage_falls_with_the_ride():
    """A rider at a shop covers it by one, and by 1/e where it is a reach away."""
    assert np.allclose(coverage(np.array([[0.0, 300.0]])), [[1, np.exp(-1)]])


def test_the_worst_covered_shop_gets_the_rider():
    """With others at the first two shops, the third is where a rider is of use; demand can outweigh that, and so can
    what a move must gain."""
    between = coverage(RIDES)
    others, own = between[0] + between[1], between[0]
    assert best_shop(own, others, between, EVEN) == 2
    assert best_shop(own, others, between, np.array([500.0, 1.0, 1.0])) is None
    assert best_shop(own, others, between, EVEN, gain_min=10.0) is None


def test_who_stands_best_stays(monkeypatch):
    """Alone, between shops of equal demand, a rider in the middle does not move."""
    monkeypatch.setattr(module, "REACH_S", 1200.0)
    between = coverage(RIDES)
    assert best_shop(between[1], np.zeros(3), between, EVEN) is None
    assert best_shop(between[0], np.zeros(3), between, EVEN) == 1

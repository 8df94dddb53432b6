"""Where an idle courier is of most use."""

import numpy as np

from edge.scenarios.dispatch.planner import coverage as module
from edge.scenarios.dispatch.planner.coverage import best_shop, coverage

BETWEEN = np.array([[0.0, 10.0, 20.0], [10.0, 0.0, 10.0], [20.0, 10.0, 0.0]])


def test_coverage_falls_with_the_ride():
    """A courier at a shop covers it by one, and by 1/e where it is a reach away; couriers add up."""
    covered = coverage(np.array([[0.0, 5.0], [5.0, 5.0]]))
    assert np.allclose(covered, [1 + np.exp(-1), 2 * np.exp(-1)])


def test_the_worst_covered_shop_gets_the_courier():
    """With others at the first two shops, the third is where a courier is of use; demand can outweigh that."""
    others, own = coverage(BETWEEN[[0, 1]]), BETWEEN[0]
    assert best_shop(own, others, BETWEEN, [1, 1, 1]) == 2
    assert best_shop(own, others, BETWEEN, [500, 1, 1]) is None


def test_who_stands_best_stays(monkeypatch):
    """Alone, between shops of equal demand, a courier in the middle does not move."""
    nobody = np.zeros(3)
    monkeypatch.setattr(module, "REACH_MIN", 20.0)
    assert best_shop(BETWEEN[1], nobody, BETWEEN, [1, 1, 1]) is None
    assert best_shop(BETWEEN[0], nobody, BETWEEN, [1, 1, 1]) == 1

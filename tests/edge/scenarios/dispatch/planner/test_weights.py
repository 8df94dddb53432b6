"""What makes one plan better than another."""

import pytest

from edge.scenarios.dispatch.planner.weights import FORBIDDEN, Weights


@pytest.mark.parametrize("per_minute", [1.0, 60.0])
def test_the_unit_of_time_does_not_matter(per_minute):
    """An hour late weighs the same share of its minutes, whatever the unit, and never as much as what is forbidden."""
    weights = Weights(per_minute=per_minute)
    late = 60 * per_minute
    assert weights.overdue * late * late / late == pytest.approx(weights.steepness * 60)
    assert weights.dropped * per_minute < FORBIDDEN

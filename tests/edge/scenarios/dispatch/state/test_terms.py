"""What an order asks for, as the planner counts it."""

from hypothesis import given
from hypothesis import strategies as st

from edge.scenarios.dispatch.decide.round_plan import WEIGHTS
from edge.scenarios.dispatch.state.terms import PRIORITY_MAX, TARGET_S, Terms


def test_the_target_is_the_planners():
    """Both have from when on an order is late."""
    assert WEIGHTS.target * WEIGHTS.per_minute == TARGET_S


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, PRIORITY_MAX), st.integers(0, PRIORITY_MAX))
def test_priority_and_deadline_only_move_when_lateness_begins(placed_ms, by_ms, one, other):
    """More priority, earlier; a deadline stands for 45 minutes after the order; without either nothing moves."""
    assert Terms().counts_from_ms(placed_ms) == placed_ms
    first, second = (Terms(priority=each, by_ms=by_ms).counts_from_ms(placed_ms) for each in (one, other))
    assert (first <= second) if one >= other else (first >= second)
    assert Terms(by_ms=by_ms).counts_from_ms(placed_ms) == (by_ms - TARGET_S * 1000 if by_ms else placed_ms)
    assert Terms(priority=PRIORITY_MAX).counts_from_ms(placed_ms) == placed_ms - TARGET_S * 1000

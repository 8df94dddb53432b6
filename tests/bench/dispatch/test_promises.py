"""Promises against what happened."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.dispatch.promises import PromiseOutcome, kept, means, promise_outcomes
from bench.dispatch.simulator.solution import Delivery, Solution

SOLUTION = Solution(
    [], [Delivery("o1", 0, 5, 10, 30, "c1"), Delivery("o2", 0, 5, 10, 40, "c1"), Delivery("o3", 0, 5, 10, 47, "c1")], []
)


def test_errors_and_lateness_are_what_a_customer_sees() -> None:
    """Early, on time and late by 7; one promised order never came, which is late and no error."""
    promises = {"o1": (33, 0.9), "o2": (40, 0.9), "o3": (40, 0.4), "o4": (50, 0.95)}
    found = kept(promise_outcomes(promises, SOLUTION))
    assert (found.given, found.mean_error_min, found.mean_abs_error_min) == (4, 4 / 3, 10 / 3)
    assert (found.late_share, found.late_5_share) == (0.5, 0.5)


def test_calibration_sets_confidence_beside_what_was_kept() -> None:
    """By tenths of confidence; 1 belongs to the highest, 0.3 to its own."""
    found = kept(
        [PromiseOutcome(1.0, 0), PromiseOutcome(0.9, 3), PromiseOutcome(0.3, -2), PromiseOutcome(0.0, None)]
    ).calibration
    assert [(each.confidence_from, each.promises, each.kept_share) for each in found] == [
        (0.0, 1, 0.0),
        (0.3, 1, 1.0),
        (0.9, 2, 0.5),
    ]
    assert found[-1].confidence_mean == pytest.approx(0.95)


def test_nothing_promised_is_no_perfect_record() -> None:
    """Without promises there are no shares, and such a day does not count in the mean."""
    nothing, one = kept([]), kept([PromiseOutcome(0.5, 2)])
    assert (nothing.mean_error_min, nothing.late_share, nothing.calibration) == (None, None, [])
    assert means([nothing, one], [PromiseOutcome(0.5, 2)]).mean_error_min == 2.0


@given(st.lists(st.builds(PromiseOutcome, st.floats(0, 1), st.none() | st.integers(-90, 90))))
def test_every_promise_is_in_one_decile(promises: list[PromiseOutcome]) -> None:
    """The calibration loses none, and the shares lie between 0 and 1."""
    found = kept(promises)
    assert sum(each.promises for each in found.calibration) == found.given == len(promises)
    assert all(each.confidence_from <= each.confidence_mean + 1e-9 for each in found.calibration)
    assert all(0 <= each.kept_share <= 1 for each in found.calibration)

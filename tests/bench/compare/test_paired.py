"""What follows from paired rounds: made-up numbers whose answer is known."""

import numpy as np
import pytest

from bench.compare.paired import FASTER, NO_DIFFERENCE, ROUNDS_MIN, SLOWER, evaluate, interval
from edge.errors import DoorstepError

SEVEN = [0.98, 1.01, 1.02, 1.03, 1.04, 1.05, 1.20]
ONES = [1.0] * len(SEVEN)


def test_the_interval_of_seven_is_from_the_least_to_the_most() -> None:
    """As order statistics want it for 95 %: without smallest and largest it would be 87. It is the same again."""
    assert interval(SEVEN) == (0.98, 1.20) == interval(SEVEN)


def test_equal_ratios_have_an_interval_of_no_width() -> None:
    """All rounds agree, so nothing is left to chance."""
    assert interval([1.07] * 9) == (1.07, 1.07)


@pytest.mark.parametrize("count", range(ROUNDS_MIN))
def test_few_rounds_have_no_interval(count: int) -> None:
    """However clear they look."""
    assert interval([3.0] * count) is None


@pytest.mark.parametrize("count", [6, 7, 11, 20])
def test_the_interval_holds_the_median_as_often_as_it_promises(count: int) -> None:
    """Of 400 comparisons without a difference about 95 % show none."""
    dice = np.random.default_rng(count)
    found = [interval(np.exp(dice.normal(0, 0.1, count)).tolist()) for _ in range(400)]
    assert sum(pair is not None and pair[0] <= 1 <= pair[1] for pair in found) >= 0.92 * 400


@pytest.mark.parametrize(
    ("scale", "result", "over_limit"),
    [(1.0, NO_DIFFERENCE, False), (1.06, SLOWER, False), (1.2, SLOWER, True), (0.8, FASTER, False)],
)
def test_a_difference_needs_the_whole_interval(scale: float, result: str, over_limit: bool) -> None:
    """Slower is an interval above 1, faster one below; beyond is one above the threshold."""
    found = evaluate("p50", [value * scale for value in SEVEN], ONES)
    assert (found["verdict"], found["beyond"]) == (result, over_limit)
    assert found["ratio"] == pytest.approx(1.03 * scale, abs=1e-4)
    assert (found["this"], found["other"], found["threshold"]) == (pytest.approx(1.03 * scale), 1.0, 1.10)


def test_of_a_rate_more_is_better() -> None:
    """Twice the rate is faster, half of it slower, and beyond."""
    assert evaluate("rate", [2.0] * 7, ONES)["verdict"] == FASTER
    assert evaluate("rate", [0.5] * 7, ONES)["verdict"] == SLOWER
    assert evaluate("rate", [0.5] * 7, ONES)["beyond"]
    assert not evaluate("rate", [0.95] * 7, ONES)["beyond"]


def test_another_threshold_is_used() -> None:
    """For CPU 1.05 by default."""
    assert evaluate("cpu_us", [1.08] * 7, ONES)["beyond"]
    assert not evaluate("cpu_us", [1.08] * 7, ONES, 1.1)["beyond"]


def test_nothing_has_no_ratio() -> None:
    """A round too short for the clock of the kernel is an error that names what to do."""
    with pytest.raises(DoorstepError, match="Take more --seconds"):
        evaluate("cpu_us", [0.0] * 7, ONES)

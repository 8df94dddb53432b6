"""Exponents."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.scale.fit import exponent


@given(st.floats(-2, 3), st.floats(0.001, 1000))
def test_a_power_is_found_again(power: float, factor: float) -> None:
    """Costs of factor * n^power give that power, whatever the factor."""
    sizes = [10, 100, 1_000, 10_000]
    assert exponent(sizes, [factor * size**power for size in sizes]) == pytest.approx(power, abs=0.001)


def test_one_size_shows_nothing() -> None:
    """Nor do costs without a logarithm."""
    assert math.isnan(exponent([10], [1.0]))
    assert math.isnan(exponent([10, 10], [1.0, 2.0]))
    assert math.isnan(exponent([10, 100], [1.0, 0.0]))

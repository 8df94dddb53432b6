"""Latency: quantiles close to the exact ones, a last minute that forgets, a total that does not."""

import math

from hypothesis import given
from hypothesis import strategies as st

from edge.health.histogram import LATENCY_SLICES, Histogram

seconds = st.floats(min_value=2e-6, max_value=900)


def exact(values: list[float], share: float) -> float:
    """The smallest value that `share` of all values do not exceed, in ms."""
    return sorted(values)[max(math.ceil(share * len(values)), 1) - 1] * 1000


@given(st.lists(seconds, min_size=1, max_size=200))
def test_quantiles_are_within_one_bucket_of_the_exact_ones(values: list[float]) -> None:
    """p50 and p99 lie within 2.3 % of the exact quantile, count and maximum are exact."""
    latency = Histogram()
    for value in values:
        latency.record(value)
    found = latency.recent()
    assert found == latency.total()
    assert found.count == len(values)
    assert math.isclose(found.max, max(values) * 1000, abs_tol=1e-4)
    for share, value in ((0.5, found.p50), (0.99, found.p99)):
        assert math.isclose(value, exact(values, share), rel_tol=0.023, abs_tol=1e-4)


@given(seconds, st.integers(1, 500))
def test_a_batch_weighs_as_many_messages_as_it_has(value: float, n: int) -> None:
    """One record of n messages equals n records of one."""
    batch, single = Histogram(), Histogram()
    batch.record(value, n)
    for _ in range(n):
        single.record(value)
    assert batch.recent() == single.recent()
    assert math.isclose(batch.sum_s, single.sum_s, rel_tol=1e-9)


def test_the_last_minute_forgets_and_the_total_does_not() -> None:
    """A value leaves `recent` after LATENCY_SLICES rotations and one more, and stays in `total`."""
    latency = Histogram()
    latency.record(5.0)
    for _ in range(LATENCY_SLICES):
        latency.rotate()
        latency.record(0.001)
        assert latency.recent().max == 5000
    latency.rotate()
    assert latency.recent().max == 1
    assert latency.total().max == 5000
    assert latency.total().count == LATENCY_SLICES + 1


def test_nothing_recorded_is_zero() -> None:
    """An idle stage has zeros, not an error."""
    assert Histogram().recent().count == 0
    assert (Histogram().total().p99, Histogram().sum_s) == (0, 0)


@given(st.one_of(st.just(0.0), st.floats(0, 1e-6), st.floats(1024, 1e9)))
def test_values_outside_the_range_land_in_the_outermost_buckets(value: float) -> None:
    """No duration is lost, however short or long."""
    latency = Histogram()
    latency.record(value)
    assert latency.recent().count == 1
    assert latency.cumulative(range(-14, 5))[-1] == (math.inf, 1)


@given(st.lists(seconds, min_size=1, max_size=100))
def test_cumulative_counts_grow_and_end_at_the_number_of_values(values: list[float]) -> None:
    """Counts below each power of two agree with counting by hand, over rotations."""
    latency = Histogram()
    for index, value in enumerate(values):
        latency.record(value)
        if index % 7 == 0:
            latency.rotate()
    for bound, count in latency.cumulative(range(-14, 5)):
        # A value on the bound itself may fall to either side: the bucket is computed in floating point.
        assert sum(value < bound * (1 - 1e-9) for value in values) <= count
        assert count <= sum(value < bound * (1 + 1e-9) for value in values)

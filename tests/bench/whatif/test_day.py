"""Tests of bench.whatif.day."""

from tests.bench.whatif.recorded_day import day, order, shift


def test_riders_come_in_the_order_of_their_first_shifts() -> None:
    """Each once, whatever the order of the shifts."""
    made = day([order(1)], [shift("r-2", 900), shift("r-1", 900), shift("r-3", 10), shift("r-3", 5000)])
    assert made.riders() == ["r-3", "r-1", "r-2"]

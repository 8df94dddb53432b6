"""Tests of bench.times.days: two days made of one."""

from pathlib import Path

from bench.demo.district.instance import read
from bench.times.days import DAY_MS, day_of, halves

SMALL = Path(__file__).parents[2] / "data" / "small-district"


def test_every_order_is_on_one_of_the_days() -> None:
    """None twice, none lost; the same seed deals the same."""
    instance = read(SMALL)
    first, second = halves(instance, 1)
    assert sorted(one.name for one in (*first, *second)) == sorted(one.name for one in instance.orders)
    assert first
    assert second
    assert halves(instance, 1) == (first, second)


def test_the_second_day_is_a_day_later() -> None:
    """With the same riders and shops; nothing is stated where nothing is to be."""
    instance = read(SMALL)
    days = [day_of(instance, instance.orders, number, False, 1.3, 0) for number in (0, 1)]
    for one, other in zip(days[0].orders, days[1].orders, strict=True):
        assert other.placed_ms - one.placed_ms == DAY_MS
        assert one.expected_ms == 0
        assert one.ready_ms >= one.placed_ms
    assert [shift.rider for shift in days[0].shifts] == [shift.rider for shift in days[1].shifts]
    assert days[0].pace == 1.3

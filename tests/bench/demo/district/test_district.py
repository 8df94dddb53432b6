"""The made-up district."""

import statistics
from collections import Counter

import pytest

from bench.demo.district.district import generate

SEEDS = range(6)


def test_same_seed_same_district() -> None:
    """A seed names one district, and another seed another one."""
    assert generate(3) == generate(3)
    assert generate(3) != generate(4)


@pytest.mark.parametrize("seed", SEEDS)
def test_shape_of_a_day(seed: int) -> None:
    """Sizes, preparation, distances, fame and peaks are those of the published days."""
    day = generate(seed)
    shops = {shop.name: shop for shop in day.restaurants}
    assert 250 <= len(day.orders) <= 500
    assert 60 <= len(day.couriers) <= 110
    assert 55 <= len(day.restaurants) <= 110
    assert 15 <= statistics.mean(order.ready - order.placed for order in day.orders) <= 19
    metres = [
        ((order.x - shops[order.restaurant].x) ** 2 + (order.y - shops[order.restaurant].y) ** 2) ** 0.5
        for order in day.orders
    ]
    assert 1_900 <= statistics.mean(metres) <= 2_600
    assert max(metres) <= 5_000
    famous = Counter(order.restaurant for order in day.orders).most_common(1)[0][1]
    assert 0.05 <= famous / len(day.orders) <= 0.25
    hours = Counter(order.placed // 60 for order in day.orders)
    assert hours.most_common(1)[0][0] in (7, 8, 9)
    assert hours[1] > hours[4]


@pytest.mark.parametrize("seed", SEEDS)
def test_somebody_is_on_duty(seed: int) -> None:
    """At every minute at which an order becomes ready, some courier is on shift, and every shift has a length."""
    day = generate(seed)
    for order in day.orders:
        assert any(courier.on <= order.ready <= courier.off for courier in day.couriers)
    assert all(courier.off - courier.on >= 30 for courier in day.couriers)

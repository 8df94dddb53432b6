"""Days among real people, whole or made of one."""

from bench.demo.district.instance import read
from bench.dispatch.real_riders.days import DAY_MS, Conditions, day_of, halves
from tests.bench.dispatch.days import SMALL


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
    days = [day_of(instance, instance.orders, number, Conditions(1.3, stated=False), 0) for number in (0, 1)]
    for one, other in zip(days[0].orders, days[1].orders, strict=True):
        assert other.placed_ms - one.placed_ms == DAY_MS
        assert one.expected_ms == 0
        assert one.ready_ms >= one.placed_ms
    assert [shift.rider for shift in days[0].shifts] == [shift.rider for shift in days[1].shifts]
    assert days[0].pace == 1.3


def test_a_part_of_the_orders_has_a_part_of_the_riders() -> None:
    """Seven of ten riders work where the orders are dealt to two days, all of them on a whole day; each has answers and
    errors of its own."""
    instance = read(SMALL)
    whole = day_of(instance, instance.orders, 0, Conditions(), 0)
    half = day_of(instance, halves(instance, 0)[0], 0, Conditions(), 0)
    assert len(half.shifts) < len(whole.shifts) == len(instance.couriers)
    riders = {shift.rider for shift in whole.shifts}
    assert set(whole.replies) == set(whole.errors) == riders
    assert len(set(whole.replies.values())) == len(set(whole.errors.values())) == len(riders)


def test_what_is_stated_is_wrong_where_it_is_to_be() -> None:
    """Every second shop states too early a time; in queues food is ready at another time than stated."""
    instance = read(SMALL)
    exact, early, queues = (
        day_of(instance, instance.orders, 0, conditions, 0)
        for conditions in (Conditions(), Conditions(early_s=360), Conditions(queues=True))
    )
    assert {one.ready_ms - one.expected_ms for one in exact.orders} == {0}
    assert {one.ready_ms - one.expected_ms for one in early.orders} == {0, 360_000}
    assert [one.expected_ms for one in queues.orders] == [one.expected_ms for one in exact.orders]
    assert len({one.ready_ms - one.expected_ms for one in queues.orders}) > len(queues.orders) // 2

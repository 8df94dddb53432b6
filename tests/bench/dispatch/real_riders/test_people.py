"""Riders and kitchens as they are, drawn by a seed."""

from statistics import fmean, pstdev

from bench.demo.district.instance import Order
from bench.dispatch.real_riders import people
from edge.scenarios.dispatch.travel.ride_times import METRES_PER_DEG


def test_riders_answer_as_often_as_they_are_to() -> None:
    """About one offer in ten is declined, one in twenty not answered, and no answer is later than the node waits."""
    made = [reply for number in range(50) for reply in people.replies(f"c{number}", 1)]
    shares = {answer: fmean(reply.answer == answer for reply in made) for answer in ("accept", "decline", "lapse")}
    assert abs(shares["decline"] - people.DECLINE) < 0.02
    assert abs(shares["lapse"] - people.SILENT) < 0.02
    assert 3_000 <= min(reply.after_ms for reply in made) < max(reply.after_ms for reply in made) <= 40_000


def test_positions_are_off_by_some_metres() -> None:
    """In the mean by nothing, with the deviation that is given, both ways."""
    made = [each for number in range(50) for each in people.errors(f"c{number}", 1)]
    for axis in (0, 1):
        metres = [each[axis] * METRES_PER_DEG for each in made]
        assert abs(fmean(metres)) < 5
        assert abs(pstdev(metres) - people.NOISE_M) < 5


def test_orders_wait_for_a_cook() -> None:
    """A kitchen with one cook makes one order after the other; nothing is ready before it is begun, and the same seed
    cooks the same."""
    orders = [Order(f"o{number}", 0, 0, 10 * number, "r1", 10 * number + 6) for number in range(20)]
    slow = [Order(f"o{number}", 0, 0, number // 4, "r1", number // 4 + 1) for number in range(8)]
    ready = people.cooked(orders, 1)
    assert ready == people.cooked(list(reversed(orders)), 1) != people.cooked(orders, 2)
    assert all(ready[order.name] > order.placed for order in orders)
    assert [*ready] == sorted(ready, key=lambda name: ready[name])
    waited = people.cooked(slow, 1)
    assert max(waited.values()) > max(order.ready for order in slow)

"""Customers place one order and follow it."""

from bench.demo.people.customers import MAX_BAG_S, PRIORITY, WEIGHT_G, Customer
from bench.demo.people.world import Habits
from edge.scenarios.dispatch.messages.up import NO_LOAD, OrderCancel, OrderPlace
from tests.bench.demo.people.recorded_world import TINY, RecordedWorld


def test_an_order_is_placed_followed_and_left() -> None:
    """A customer connects before the instant, places at it, and goes when the order is at the door."""
    recorded = RecordedWorld()
    ended: list[str] = []
    customer = Customer(recorded.world, TINY.orders[0], ended.append)
    customer.plan()
    phone = recorded.people["customer-o1"]
    placed = phone.sends(OrderPlace)
    assert phone.joined
    assert placed.at == recorded.world.ms(1)
    assert placed.shop == "shop-r1"
    assert placed.ready_at == recorded.world.ms(6) or placed.prep_s == 300
    assert customer.record.state == "sent"
    phone.answer(placed)
    assert customer.record.state == "placed"
    phone.on_answer(recorded.update("o1", "accepted"))
    assert customer.record.state == "accepted"
    phone.on_answer(recorded.update("o1", "delivered"))
    phone.on_answer(recorded.update("o1", "accepted"))
    assert (customer.record.state, ended, phone.left) == ("delivered", ["o1"], True)


def test_nothing_is_stated_for_a_mute_kitchen() -> None:
    """Orders of a shop that reports nothing have no preparation time."""
    recorded = RecordedWorld(habits=Habits(mute=1))
    Customer(recorded.world, TINY.orders[0], lambda _: None).plan()
    placed = recorded.people["customer-o1"].sends(OrderPlace)
    assert (placed.ready_at, placed.prep_s) == (None, None)


def test_a_refused_order_has_ended() -> None:
    """A refusal ends the customer's day."""
    recorded = RecordedWorld()
    ended: list[str] = []
    Customer(recorded.world, TINY.orders[0], ended.append).plan()
    phone = recorded.people["customer-o1"]
    phone.answer(phone.sends(OrderPlace), "over_capacity")
    assert ended == ["o1"]
    assert recorded.records.orders["o1"].state == "refused"


def test_who_changes_their_mind_cancels() -> None:
    """A customer who cancels sends it once, and not after the end."""
    recorded = RecordedWorld(habits=Habits(cancel=1))
    for order in TINY.orders:
        Customer(recorded.world, order, lambda _: None).plan()
    one, two = recorded.people["customer-o1"], recorded.people["customer-o2"]
    one.answer(one.sends(OrderPlace))
    two.answer(two.sends(OrderPlace))
    two.on_answer(recorded.update("o2", "delivered"))
    cancel = one.sends(OrderCancel, order="o1")
    assert cancel.at > recorded.world.ms(1)
    recorded.scheduler.run(20)
    assert not any(isinstance(event, OrderCancel) for event in two.sent)


def test_some_orders_ask_for_more() -> None:
    """A heavy order, a priority, a limit to the time in the bag. Nobody has any of these where the habit is 0."""
    recorded = RecordedWorld(habits=Habits(varied=1))
    Customer(recorded.world, TINY.orders[0], lambda _: None).plan()
    placed = recorded.people["customer-o1"].sends(OrderPlace)
    assert WEIGHT_G[0] <= placed.load.weight_g < WEIGHT_G[1]
    assert (placed.priority, placed.max_bag_s) == (PRIORITY, MAX_BAG_S)
    plain = RecordedWorld()
    Customer(plain.world, TINY.orders[0], lambda _: None).plan()
    placed = plain.people["customer-o1"].sends(OrderPlace)
    assert (placed.load, placed.priority, placed.max_bag_s) == (NO_LOAD, 0, 0)

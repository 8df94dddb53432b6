"""Kitchens cook what was ordered, and report it."""

from bench.demo.people.kitchens import Kitchen
from bench.demo.people.world import Habits
from edge.scenarios.dispatch.messages.up import KitchenDelay, KitchenReady
from tests.bench.demo.people.recorded_world import TINY, RecordedWorld


def test_a_meal_is_ready_when_the_instance_reports_it() -> None:
    """A kitchen begins with the first update about an order, and notifies the node and the riders when it is ready."""
    recorded = RecordedWorld()
    Kitchen(recorded.world, TINY.restaurants[0], TINY.orders).open()
    shop = recorded.people["shop-r1"]
    seen: list[int] = []
    recorded.world.await_meal("o1", seen.append)
    shop.on_answer(recorded.update("o1", "placed"))
    shop.on_answer(recorded.update("o1", "offered"))
    ready = shop.sends(KitchenReady, order="o1")
    assert shop.joined
    assert seen == [ready.at] == [recorded.world.ms(6)]
    assert len(shop.sent) == 1


def test_a_late_meal_is_announced() -> None:
    """A kitchen that will be late reports the new time before, and keeps to it."""
    recorded = RecordedWorld(habits=Habits(delay=1, mute=0))
    Kitchen(recorded.world, TINY.restaurants[0], TINY.orders).open()
    shop = recorded.people["shop-r1"]
    shop.on_answer(recorded.update("o1", "placed"))
    delay = shop.sends(KitchenDelay, order="o1")
    ready = shop.sends(KitchenReady, order="o1")
    assert recorded.world.ms(1) <= delay.at < recorded.world.ms(6) < delay.ready_at == ready.at


def test_a_mute_kitchen_cooks_and_reports_nothing() -> None:
    """Its meals are ready for whoever stands there, and late ones late; the node gets word of neither."""
    recorded = RecordedWorld(habits=Habits(delay=1, mute=1))
    Kitchen(recorded.world, TINY.restaurants[0], TINY.orders).open()
    shop = recorded.people["shop-r1"]
    seen: list[int] = []
    recorded.world.await_meal("o1", seen.append)
    shop.on_answer(recorded.update("o1", "placed"))
    recorded.scheduler.run(60)
    assert recorded.world.ms(6) < seen[0]
    assert shop.sent == []
    assert recorded.records.counts["mute_kitchens"] == len(TINY.restaurants)


def test_a_cancelled_meal_is_not_cooked() -> None:
    """After a cancellation nothing becomes ready."""
    recorded = RecordedWorld()
    Kitchen(recorded.world, TINY.restaurants[0], TINY.orders).open()
    shop = recorded.people["shop-r1"]
    shop.on_answer(recorded.update("o1", "placed"))
    shop.on_answer(recorded.update("o1", "cancelled"))
    shop.on_answer(recorded.update("o2", "placed"))
    shop.sends(KitchenReady, order="o2")
    assert len(shop.sent) == 1

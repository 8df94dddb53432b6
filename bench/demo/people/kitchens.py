"""Restaurants: they cook what was ordered, report when it is ready, sometimes a delay, and send out again
what nobody took. Some report nothing: their meals are ready when they are."""

from typing import Final

from edge.scenarios.dispatch.messages.down import Update
from edge.scenarios.dispatch.messages.up import KitchenDelay, KitchenReady, OrderRedeliver

from ..district.instance import Order, Restaurant
from .clients import Answer
from .world import MINUTE_MS, World

DELAY_MINUTES: Final = (3, 12)
"""How much longer a delayed meal takes."""

CALL_MINUTES: Final = (1, 6)
"""How long it takes to reach a customer by telephone."""


def name_of(restaurant: str) -> str:
    """The client name of a restaurant's till."""
    return f"shop-{restaurant}"


class Kitchen:
    """One restaurant's till. It learns of an order from the node's first update about it and cooks from then on; a meal
    is ready at the instance's time, or later, which is reported as soon as it is known."""

    def __init__(self, world: World, restaurant: Restaurant, orders: list[Order]) -> None:
        self._world = world
        self._orders = {order.name: order for order in orders}
        self._begun: set[str] = set()
        self._gone: set[str] = set()
        self._draw = world.draw(f"kitchen {restaurant.name}")
        self.client = world.fleet.client(name_of(restaurant.name), json=False, on_answer=self._on_answer)

    def open(self) -> None:
        """Switch the till on for the day."""
        self.client.join()

    def _on_answer(self, answer: Answer) -> None:
        if not isinstance(answer, Update) or answer.order not in self._orders:
            return
        if answer.state in ("cancelled", "undeliverable"):
            self._gone.add(answer.order)
        elif answer.state == "returning":
            self._comes_back(answer)
        elif answer.order not in self._begun:
            self._begun.add(answer.order)
            self._cook(self._orders[answer.order])

    def _comes_back(self, update: Update) -> None:
        """Sometimes somebody answers the telephone, and the rider goes again."""
        if self._draw.random() < self._world.habits.redeliver:
            after_ms = round(self._draw.uniform(*CALL_MINUTES) * MINUTE_MS)
            self._world.at(self._world.now_ms() + after_ms, lambda due_ms: self._redeliver(update.order, due_ms))

    def _redeliver(self, order: str, due_ms: int) -> None:
        self._world.records.log(due_ms, f"{self.client.name}: {order} goes out again")
        self.client.send(OrderRedeliver(id=self.client.next_id(), at=due_ms, order=order), due_ms)

    def _cook(self, order: Order) -> None:
        world = self._world
        ready_ms = max(world.ms(order.ready), world.now_ms())
        if self._draw.random() < world.habits.delay:
            late_ms = round(self._draw.uniform(*DELAY_MINUTES) * MINUTE_MS)
            known_ms = world.ms(order.placed + (order.ready - order.placed) * self._draw.uniform(0.3, 0.9))
            ready_ms += late_ms
            promised_ms = ready_ms
            world.at(known_ms, lambda due_ms: self._late(order, promised_ms, due_ms))
        world.at(ready_ms, lambda due_ms: self._ready(order, due_ms))

    def _late(self, order: Order, ready_ms: int, due_ms: int) -> None:
        if order.name in self._gone:
            return
        if order.restaurant in self._world.mute:
            return
        self._world.records.log(due_ms, f"{self.client.name}: {order.name} will be late")
        event = KitchenDelay(id=self.client.next_id(), at=due_ms, order=order.name, ready_at=ready_ms)
        self.client.send(event, due_ms)

    def _ready(self, order: Order, due_ms: int) -> None:
        if order.name in self._gone:
            return
        self._world.meal_ready(order.name, due_ms)
        if order.restaurant not in self._world.mute:
            self.client.send(KitchenReady(id=self.client.next_id(), at=due_ms, order=order.name), due_ms)

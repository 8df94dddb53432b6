"""A dispatcher, who sometimes knows more than the node: gives an order to another rider, or holds it for a while."""

from typing import Final

from edge.scenarios.dispatch.messages.overrides import OrderAssign, OrderHold, OrderPreview, OrderRelease, Preview

from .clients import Answer
from .world import MINUTE_MS, World

DESK: Final = "desk"
"""Its client name."""

LOOK_MINUTES: Final = (2, 8)
"""From one look at the orders to the next."""

HOLD_MINUTES: Final = (2, 8)
"""How long an order is kept back: the customer is on the telephone."""

OPEN: Final = frozenset({"placed", "offered", "accepted"})
"""States in which an order may still go elsewhere."""


class Dispatcher:
    """Looks at the open orders now and then. What it holds it releases; before it assigns it asks what that costs."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._draw = world.draw("dispatcher")
        self._held: set[str] = set()
        self.client = world.fleet.client(DESK, json=True, on_answer=self._on_answer)

    def plan(self) -> None:
        """Schedule the day."""
        first_ms = self._world.ms(min((order.placed for order in self._world.instance.orders), default=0))
        self._world.at(self._world.ahead(first_ms), lambda _: self.client.join())
        self._world.at(first_ms, self._look)

    def _look(self, due_ms: int) -> None:
        """Something about one of the open orders, or nothing."""
        world, draw = self._world, self._draw
        world.at(due_ms + round(draw.uniform(*LOOK_MINUTES) * MINUTE_MS), self._look)
        wanted = draw.random() < world.habits.override
        hold = draw.random() < 0.5
        orders = [name for name, each in world.records.orders.items() if each.state in OPEN and name not in self._held]
        if not wanted or not orders:
            return
        order = draw.choice(orders)
        if not hold:
            self.client.ask(OrderPreview(order=order))
            return
        self._held.add(order)
        world.records.log(due_ms, f"the dispatcher holds {order}")
        self.client.send(OrderHold(id=self.client.next_id(), at=due_ms, order=order), due_ms)
        world.at(due_ms + round(draw.uniform(*HOLD_MINUTES) * MINUTE_MS), lambda at_ms: self._release(order, at_ms))

    def _release(self, order: str, due_ms: int) -> None:
        self._held.discard(order)
        self._world.records.log(due_ms, f"the dispatcher releases {order}")
        self.client.send(OrderRelease(id=self.client.next_id(), at=due_ms, order=order), due_ms)

    def _on_answer(self, answer: Answer) -> None:
        """Who could have it: whoever would bring it soonest, but for the one who has it already."""
        if not isinstance(answer, Preview) or self._world.closed or answer.order in self._held:
            return
        had = self._world.records.orders[answer.order].accepted_by[-1:]
        riders = [choice.rider for choice in answer.choices if choice.rider not in had]
        if riders:
            now_ms = self._world.now_ms()
            self._world.records.log(now_ms, f"the dispatcher gives {answer.order} to {riders[0]}")
            event = OrderAssign(id=self.client.next_id(), at=now_ms, order=answer.order, rider=riders[0])
            self.client.send(event, now_ms)

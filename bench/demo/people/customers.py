"""Customers: each opens the mini-program, places one order, follows it to the door and goes."""

from collections.abc import Callable
from typing import Final

from edge.messages.envelope import Receipt
from edge.scenarios.dispatch.messages.down import Update
from edge.scenarios.dispatch.messages.up import NO_LOAD, Load, OrderCancel, OrderPlace

from ..district.instance import Order
from ..proof.records import ENDED
from .clients import Answer
from .kitchens import name_of
from .world import MINUTE_MS, World

CANCEL_AFTER_MINUTES: Final = (0.5, 15)
"""When those who change their mind do so, after placing."""


AMOUNT_CENTS: Final = (1_200, 9_900)
"""What an order costs."""


WEIGHT_G: Final = (3_000, 6_000)
"""Of a heavy order."""

PRIORITY: Final = 50
MAX_BAG_S: Final = 1_800


class Customer:
    """One order's customer. Speaks JSON, as mini-programs do."""

    def __init__(self, world: World, order: Order, ended: Callable[[str], None]) -> None:
        self._world = world
        self._order = order
        self._ended = ended
        self._draw = world.draw(f"customer {order.name}")
        self.record = world.record(order)
        self.client = world.fleet.client(f"customer-{order.name}", json=True, on_answer=self._on_answer)

    def plan(self) -> None:
        """Schedule the day of this customer."""
        placed_ms = self._world.ms(self._order.placed)
        self._world.at(self._world.ahead(placed_ms), lambda _: self.client.join())
        self._world.at(placed_ms, self._place)

    def _place(self, due_ms: int) -> None:
        world, order = self._world, self._order
        self.client.join()
        # Half of the orders state an instant, the others a duration, and some nothing: the wire takes either.
        by_instant = self._draw.random() < 0.5
        states = order.restaurant not in world.mute
        wishes = world.draw(f"wishes {order.name}")
        heavy, first, hot = (wishes.random() < world.habits.varied for _ in range(3))
        event = OrderPlace(
            id=self.client.next_id(),
            at=due_ms,
            order=order.name,
            shop=name_of(order.restaurant),
            pickup=world.pickup(order),
            dropoff=world.geometry.place(order.x, order.y),
            ready_at=world.ms(order.ready) if states and by_instant else None,
            prep_s=(order.ready - order.placed) * 60 if states and not by_instant else None,
            amount_cents=world.draw(f"amount {order.name}").randrange(*AMOUNT_CENTS),
            load=Load(weight_g=wishes.randrange(*WEIGHT_G)) if heavy else NO_LOAD,
            priority=PRIORITY if first else 0,
            max_bag_s=MAX_BAG_S if hot else 0,
        )
        self.record.state, self.record.amount_cents = "sent", event.amount_cents or 0
        world.records.counts["placed"] += 1
        self.client.send(event, due_ms, self._placed)
        if self._draw.random() < world.habits.cancel:
            after_ms = round(self._draw.uniform(*CANCEL_AFTER_MINUTES) * MINUTE_MS)
            world.at(due_ms + after_ms, self._cancel)

    def _placed(self, receipt: Receipt) -> None:
        self.record.receipt = receipt
        if receipt.status == "refused":
            self._end("refused")
            self._world.records.log(receipt.at, f"{self._order.name} was refused: {receipt.reason}")
        elif self.record.state == "sent":
            self.record.state = "placed"

    def _cancel(self, due_ms: int) -> None:
        if self.record.ended:
            return
        event = OrderCancel(id=self.client.next_id(), at=due_ms, order=self._order.name, reason="changed my mind")
        self.client.send(event, due_ms)

    def _on_answer(self, answer: Answer) -> None:
        if not isinstance(answer, Update) or answer.order != self._order.name or self.record.ended:
            return
        if answer.state in ENDED:
            self._end(answer.state)
            self._world.records.log(answer.at, f"{self._order.name} {answer.state} {answer.reason}".rstrip())
        else:
            self.record.state = answer.state

    def _end(self, state: str) -> None:
        self.record.state = state
        self.client.leave()
        self._ended(self._order.name)

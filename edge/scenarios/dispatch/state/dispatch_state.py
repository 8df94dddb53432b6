"""The durable state of dispatch in one place, and its snapshot."""

from typing import Any, Final

import msgspec
from msgspec import Struct

from ....messages.envelope import Client
from ...rounds import restored
from ..messages.catalog import NAME
from ..options import DispatchOptions
from ..times.learned import Learned
from ..times.times import Times
from .orders import Order, Orders, OrdersState
from .positions import Positions
from .riders import Rider, Riders
from .standby import BusiestShops

PROMISES_COUNTED: Final = 1_000
"""Promises from which the confidence is learned; beyond it both counters are halved, so that old days fade."""

STATE_VERSION: Final = 1


class PromiseCount(Struct, array_like=True):
    """Promises of one kind whose orders have ended, and how many of them were kept."""

    kept: int
    ended: int


class AdviceState(Struct, array_like=True):
    """Riders whose shift has begun, or who have nothing left to do, and about whom nothing is decided yet; and those
    who have advice, by name: the place, and until when (monotonic ms) they count as heading there."""

    due: list[Client] = []
    heading: dict[Client, tuple[float, float, int]] = {}


class State(Struct, array_like=True):
    """The snapshot."""

    version: int
    orders: OrdersState
    riders: list[Rider]
    offers: int
    by_offer: PromiseCount
    by_plan: PromiseCount
    changed: bool
    advice: AdviceState
    times: Learned = msgspec.field(default_factory=Learned)


class DispatchState:
    """Orders, riders, the numbers of offers, and how well promises were kept."""

    def __init__(self, rules: DispatchOptions) -> None:
        self.times = Times(rules)
        self.rules = self.times.rules
        """As configured, with rides and handovers as they were learned: each round sets them."""
        self.positions = Positions(rules)
        self.orders = Orders()
        self.shops = BusiestShops(self.orders)
        self.advice = AdviceState()
        self.riders = Riders(self.positions)
        self.riders.configure(rules)
        self.now_ms = 0
        """The monotonic clock of the round, milliseconds; each round sets it anew."""
        self.offers = 0
        """The last offer's number; numbers are never used again."""
        self.changed = False
        """Something durable has changed since the last decision."""
        self.taken: list[Order] = []
        """Orders that riders have accepted, got back, or were assigned, in this round."""
        self.costs: dict[tuple[str, str], Any] = {}
        """By client and id of the event, what the assignments of this round cost (`overrides.cost.Cost`)."""
        # What confidence begins with, before anything is learned: 8 of 10 where a rider was offered the order at once,
        # 6 of 10 where one is only planned.
        self.promises = {"offer": PromiseCount(8, 10), "plan": PromiseCount(6, 10)}
        """By what they were made on."""

    def measure(self, rules: DispatchOptions) -> None:
        """Rides and handovers take another time from now on."""
        self.rules = rules
        self.positions.measure(rules)

    def learn(self, order: Order, kept: bool) -> None:
        """A promised order has ended."""
        counts = self.promises[order.promised_by]
        counts.kept += kept
        counts.ended += 1
        if counts.ended > PROMISES_COUNTED:
            counts.kept, counts.ended = counts.kept // 2, counts.ended // 2

    def snapshot(self) -> bytes:
        """Everything durable; nothing of positions."""
        riders, orders, promises = list(self.riders.known.values()), self.orders.state(), self.promises
        return msgspec.msgpack.encode(
            State(
                STATE_VERSION,
                orders,
                riders,
                self.offers,
                promises["offer"],
                promises["plan"],
                self.changed,
                self.advice,
                self.times.learned,
            )
        )

    def restore(self, body: bytes) -> None:
        """From a snapshot. Raises JournalError where it cannot be read."""
        state = restored(body, State, STATE_VERSION, NAME)
        self.orders.restore(state.orders)
        self.riders.restore(state.riders)
        self.offers, self.changed = state.offers, state.changed
        self.advice = state.advice
        self.times.restore(state.times)
        self.promises = {"offer": state.by_offer, "plan": state.by_plan}

"""A discrete-event simulation of a recorded day with the dispatch that runs in a node.

Dispatch is not modelled but executed: the same rounds, plans, offers, withdrawals and deadlines, under a clock that
jumps from one event to the next. The model is of people: messages take no time, rides take the node's expected duration
times the day's pace, riders answer as on the day (`courier`), kitchens are ready as on the day, and orders are
cancelled as on the day unless picked up by then. Breaks, and new times of orders, come as on the day. Nothing is
random: the same day has the same outcome.
"""

import heapq
from typing import Final

from msgspec import structs

from edge.core.model import Event, Now
from edge.messages.envelope import Place as Point
from edge.messages.grants import EVERY_SHOP
from edge.scenarios.dispatch.decide.choice import choose
from edge.scenarios.dispatch.messages.catalog import Durable
from edge.scenarios.dispatch.messages.down import Assignment, Update
from edge.scenarios.dispatch.messages.up import KitchenDelay, KitchenReady, OrderCancel, OrderPlace, RiderPosition
from edge.scenarios.dispatch.scenario import Policy
from edge.scenarios.dispatch.times.times import Times
from edge.scenarios.dispatch.travel.ride_times import ride_s

from ..courier import Action
from ..driver import Driver
from ..job import Place
from .courier import Rider, Then
from .day import Day, Order, Outcome, Reply, Request
from .nearest_rider import nearest_rider

POLICIES: Final[dict[str, Policy]] = {"planned": choose, "nearest": nearest_rider}
"""The policies by name: that of a node, and the baseline."""

_ENDED: Final = ("delivered", "cancelled", "undeliverable")


class Simulation:
    """One day under one policy. Call `step` until it is over; `outcomes` then has every order."""

    def __init__(self, day: Day, policy: str, times: Times | None = None) -> None:
        """`times`: what was learned before; a node that begins knows nothing."""
        self.day = day
        self.orders = {order.name: order for order in day.orders}
        self.outcomes: dict[str, Outcome] = {}
        self.ended = 0
        begins = [order.placed_ms for order in day.orders] + [shift.on_ms for shift in day.shifts]
        self._now_ms = self._zero_ms = min(begins, default=0)
        self._driver = Driver(day.rules, POLICIES[policy])
        self._dispatch = self._driver.dispatch
        if times is not None:
            self.times.restore(times.learned)
        self._queue: list[tuple[int, int, Action]] = []
        self._count = 0
        self._inbox: list[tuple[Event, Then | None]] = []
        self._round_ms = -1
        pool = [reply for replies in day.replies.values() for reply in replies]
        self._couriers: dict[str, Rider] = {}
        for number, name in enumerate(day.riders()):
            shifts = sorted((shift for shift in day.shifts if shift.rider == name), key=lambda shift: shift.on_ms)
            self._couriers[name] = Rider(self, name, shifts, self._replies(name, number, pool))
        for order in day.orders:
            self._plan(order)
        for request in day.requests:
            self.at(request.at_ms, lambda _, request=request: self._ask(request))
        self.at(self._now_ms, self._report)

    @property
    def times(self) -> Times:
        """What the node has learned."""
        return self._dispatch.state.times

    @property
    def over(self) -> bool:
        """Every order has ended."""
        return self.ended == len(self.orders)

    def step(self) -> None:
        """Advance to the next event or deadline, and process everything due then."""
        deadline = self._deadline_ms()
        next_ms = self._now_ms if self._inbox else self._queue[0][0]
        self._now_ms = max(self._now_ms, min(next_ms, deadline))
        while self._queue and self._queue[0][0] <= self._now_ms:
            due_ms, _, action = heapq.heappop(self._queue)
            action(due_ms)
        if self._inbox or self._now_ms >= deadline:
            self._round()

    # -- people and kitchens -------------------------------------------------------------------------------------------

    def now_ms(self) -> int:
        """The simulated clock."""
        return self._now_ms

    def at(self, wall_ms: int, action: Action) -> None:
        """Do `action` at that time, or at once where it has passed."""
        self._count += 1
        heapq.heappush(self._queue, (max(wall_ms, self._now_ms), self._count, action))

    def send(self, client: str, body: Durable, then: Then | None = None) -> None:
        """Send an event to the node now."""
        self._inbox.append((Event(client, body, shop=client), then))

    def next_id(self) -> str:
        """An id for an event."""
        self._count += 1
        return f"e-{self._count}"

    def ride_ms(self, here: Place, there: Place) -> int:
        """How long a ride takes."""
        return round(ride_s(*here, *there, self.day.rules) * 1000 * self.day.pace)

    def _replies(self, name: str, number: int, pool: list[Reply]) -> tuple[Reply, ...]:
        own = self.day.replies.get(name, ())
        turn = number % max(1, len(pool))
        return own or tuple(pool[turn:] + pool[:turn])

    def _plan(self, order: Order) -> None:
        """Schedule the events of an order that come from its customer and its kitchen."""

        def place(_: int) -> None:
            body = OrderPlace(
                id=self.next_id(),
                at=self._now_ms,
                order=order.name,
                shop=order.shop,
                pickup=Point(*order.pickup),
                dropoff=Point(*order.dropoff),
                ready_at=order.expected_ms or None,
                promise=order.promise,
                **order.terms,
            )
            self.send(order.client, body, placed)

        def placed(refusal: str) -> None:
            if refusal:
                self._end(order.name, "refused")

        def delay(ready_ms: int) -> None:
            self.send(order.shop, KitchenDelay(id=self.next_id(), at=self._now_ms, order=order.name, ready_at=ready_ms))

        self.at(order.placed_ms, place)
        for sent_ms, ready_ms in order.delays:
            self.at(sent_ms, lambda _, ready_ms=ready_ms: delay(ready_ms))
        if order.announced:
            ready = lambda _: self.send(order.shop, KitchenReady(id=self.next_id(), at=self._now_ms, order=order.name))
            self.at(order.ready_ms, ready)
        if order.cancelled_ms:
            by = order.cancelled_by
            cancel = lambda _: self.send(by, OrderCancel(id=self.next_id(), at=self._now_ms, order=order.name))
            self.at(order.cancelled_ms, cancel)

    def _ask(self, request: Request) -> None:
        body = structs.replace(request.body, id=self.next_id())
        self._inbox.append((Event(request.client, body, shop=EVERY_SHOP), None))

    def _report(self, _: int) -> None:
        """All riders report their places at once."""
        for name in self._couriers:
            self._observe_place(name)
        self.at(self._now_ms + self.day.position_s * 1000, self._report)

    def _observe_place(self, client: str) -> None:
        courier = self._couriers.get(client)
        place = None if courier is None else courier.place()
        if place is not None:
            if errors := self.day.errors.get(client):
                north, east = errors[self._now_ms // (self.day.position_s * 1000) % len(errors)]
                place = place[0] + north, place[1] + east
            self._dispatch.observe(client, RiderPosition(points=[(self._now_ms, *place)]), self._now())

    # -- the node ------------------------------------------------------------------------------------------------------

    def _now(self) -> Now:
        # Monotonic time begins at one hour, because 0 means none in some fields.
        return Now((self._now_ms - self._zero_ms) / 1000 + 3600, self._now_ms)

    def _deadline_ms(self) -> int:
        deadline = self._dispatch.next_deadline()
        if deadline is None:
            return 1 << 62
        # A round without inputs at an instant that had one would find nothing new.
        return max(round((deadline - 3600) * 1000) + self._zero_ms, self._round_ms + 1)

    def _round(self) -> None:
        now, inbox = self._now(), self._inbox
        self._inbox, self._round_ms = [], self._now_ms
        for event, _ in inbox if self.day.fresh else ():
            self._observe_place(event.client)
        outcomes, sent = self._driver.round([event for event, _ in inbox], now)
        for (_, then), outcome in zip(inbox, outcomes, strict=True):
            promise = outcome.receipt.get("promise")
            if promise is not None:
                name = outcome.receipt["order"]
                known = self.times.learned.shops.get(self.orders[name].shop)
                seen = known is not None and known.late.n > 0
                self.outcomes[name] = Outcome(promised_ms=promise.dropoff_at, promise=promise, shop_seen=seen)
            if then is not None:
                then("" if outcome.refusal is None else outcome.refusal.reason)
        for client, body in sent:
            if isinstance(body, Update):
                if body.state in _ENDED:
                    self._end(body.order, body.state)
            elif isinstance(body, Assignment) and client in self._couriers:
                self._couriers[client].touch(body)

    def _end(self, order: str, state: str) -> None:
        before = self.outcomes.get(order, Outcome())
        if before.state == "open":
            self.outcomes[order] = structs.replace(before, state=state, ended_ms=self._now_ms)
            self.ended += 1

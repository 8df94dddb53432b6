"""The dispatch scenario: which rider takes this order.

A round expires what is due, applies the events, decides, and makes the decisions true. All of it is a function of the
durable state, the arguments and what the `Sensor` shows. Positions come in beside that (`observe`), are in memory only,
and reach a round through the `Sensor` alone.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any, ClassVar, Final

from ...core.effects import Effects
from ...core.model import Event, Now, Presence, Row
from ...core.scenario import (
    Collection,
    Counter,
    Dot,
    Item,
    Message,
    Outcome,
    Part,
    Refusal,
    Renaming,
    Scenario,
    Value,
    Zone,
)
from ...messages.envelope import Receipt
from ...messages.grants import Grant
from ..rounds import failed_on, milliseconds
from . import assignments, endings, view
from .decide.choice import PLAN_ORDERS_MAX, choose
from .decide.moves import held_up_from_ms
from .decide.reach import out_of_reach
from .decide.standby import advise
from .events import apply
from .explain import explain, explain_to, placed
from .messages.board import Board, BoardList, RidersKnown, RidersList
from .messages.catalog import COLLECTIONS, MESSAGES, NAME, WithoutOrder
from .messages.down import OrderReceipt, OrdersOpen, RiderPlace
from .messages.examples import examples
from .messages.overrides import OrderAssign, OrderPreview, Preview
from .messages.up import OrderPlace, OrdersList, OrderTrack, RiderPosition, RiderShift
from .options import DispatchOptions
from .overrides.board import Sequences, board, riders
from .overrides.preview import preview
from .records import COUNTERS, Decision, DispatchRecord, decode_record
from .state.dispatch_state import DispatchState, State
from .state.orders import ORDERS_OPEN_MAX, Order, Orders
from .state.riders import RIDERS_MAX, Riders
from .state.sensor import LiveSensor, RecordedSensor, Sensor
from .times.messages import DropoffPromise
from .travel.ride_times import RulesWithTable
from .travel.table import taken

ROUND_AGAIN_MAX: Final = PLAN_ORDERS_MAX
"""Waiting orders that a round looks at again beside its new ones: what one plan holds. The rest has its turn every
REDECIDE_S. (256 in every round took 50 ms of each under overload, which then never ended.)"""

Policy = Callable[[Orders, Riders, DispatchOptions, Now, Sensor], list[Decision]]
"""What should change about waiting orders, given everything that the node knows."""


class Dispatch(Scenario):
    """Orders find riders. A node's policy is `choose`; a what-if may ask what another one would have done."""

    name: ClassVar[str] = NAME
    zone: ClassVar[Zone] = "instant"
    messages: ClassVar[tuple[Message, ...]] = MESSAGES
    counters: ClassVar[tuple[Counter, ...]] = COUNTERS
    collections: ClassVar[tuple[Collection, ...]] = COLLECTIONS
    options: ClassVar[type[Any]] = DispatchOptions
    file_options: ClassVar[Mapping[str, Callable[[bytes], str]]] = {"travel_table": taken}
    receipt: ClassVar[type[Receipt]] = OrderReceipt

    def __init__(self, options: DispatchOptions = DispatchOptions(), policy: Policy = choose) -> None:  # noqa: B008
        self.state = DispatchState(options)
        self._options = options
        self._policy = policy
        self._sequences = Sequences()
        self._held_up_ms: int | None = 0
        """When an accepted order may be held up, at the earliest; None: at no time. In memory only."""

    def configure(self, options: DispatchOptions) -> None:
        """New options apply from the next decision on; running offers keep their deadlines."""
        if options != self._options:
            self._options = options
            self.state.times.configure(options)
            self.state.rules = self.state.times.options
            self.state.changed = True
            self.state.positions.configure(self.state.rules)
            self.state.riders.configure(options)

    # -- in memory only ------------------------------------------------------------------------------------------------

    def observe(
        self, client: str, message: Any, now: Now
    ) -> RiderPlace | OrdersOpen | Preview | Board | RidersKnown | None:
        """Positions, and signs of life: who sends anything is not silent; who disconnects counts as silent sooner. And
        questions, which are answered."""
        positions = self.state.positions
        if isinstance(message, RiderPosition):
            positions.report_position(client, message.points, now)
        elif isinstance(message, OrderTrack):
            return view.rider_place(self.state, client, message.order, now)
        elif isinstance(message, OrdersList):
            return view.open_orders(self.state, client, message.shop, now)
        elif isinstance(message, OrderPreview):
            return preview(self.state, message, now)
        elif isinstance(message, BoardList):
            return board(self.state, self._sequences, message, now)
        elif isinstance(message, RidersList):
            return riders(self.state, message, now)
        elif isinstance(message, Presence) and not message.present:
            positions.disconnected(client, milliseconds(now))
        else:
            positions.touch(client, milliseconds(now))
            if isinstance(message, RiderShift) and message.place is not None:
                positions.report_position(client, [(message.at, message.place.lat, message.place.lon)], now)
        return None

    def sender(self, topic: str) -> str:
        """The customer who placed the order."""
        order = self.state.orders.find(topic)
        return order.client if order is not None else ""

    def live_sensor(self) -> LiveSensor:
        """The table of positions."""
        return LiveSensor(self.state.positions)

    def recorded_sensor(self, record: bytes, decided: bool) -> RecordedSensor:
        """What a recorded round saw, and, where `decided`, what it decided."""
        found = decode_record(record)
        return RecordedSensor(found.observations, found.decisions if decided else None)

    # -- a round -------------------------------------------------------------------------------------------------------

    def round(self, events: Sequence[Event], now: Now, sensor: Sensor, out: Effects) -> list[Outcome]:
        """Silent riders, ends of shifts, lapsed offers, orders that cannot be delivered; then the events; then one
        decision over what has changed."""
        state = self.state
        state.now_ms = milliseconds(now)
        rules = state.times.begin(now.wall_ms)
        if rules is not state.rules:
            state.measure(rules)
        silent, gone = sensor.silent(state.now_ms)
        if silent or gone or state.riders.moving or self._may_be_due():
            endings.expire(state, silent, gone, now, out)
        refusals = [self._apply(event, now, sensor, out) for event in events]
        if sensor.decisions is None:
            sensor.decisions = self._decide(now, sensor)
            out.decisions += len(sensor.decisions)
        assignments.apply_decisions(state, sensor.decisions, now, out)
        endings.apply_moves(state, sensor.decisions, now, out)
        assignments.confirm(state, now, out)
        self._held_up_ms = 0 if events or sensor.decisions else self._next_held_up_ms()
        if state.advice.due:
            advise(state, now, sensor, out)
        alone = {one.order for one in sensor.decisions if not (one.rider or one.candidates)} if events else ()
        return [self._outcome(event, refusal, alone) for event, refusal in zip(events, refusals, strict=True)]

    def _may_be_due(self) -> bool:
        """Whether a time may have come that an order, or a rider, waits for."""
        state = self.state
        return state.orders.timers.may_be_due(state.now_ms) or state.riders.timers.may_be_due(state.now_ms)

    def _apply(self, event: Event, now: Now, sensor: Sensor, out: Effects) -> Refusal | None:
        try:
            refusal = apply(self.state, event, now, sensor, out)
        except Exception as error:
            error.add_note(failed_on(NAME, event))
            raise
        if refusal is not None and isinstance(event.body, OrderPlace):
            out.count("order.refused", event.body.at, 1, event.body.shop, event.client)
        return refusal

    def _decide(self, now: Now, sensor: Sensor) -> list[Decision]:
        """What should change about the orders. Changes nothing itself; empty where nothing is new.

        A backlog must not make rounds dearer, or it would feed itself. So between the looks at everything that
        REDECIDE_S asks for, a round sees the new orders, and of the others those that are to be fetched first."""
        state = self.state
        orders = state.orders
        if not self._may_decide():
            return []
        needs_decision = sensor.needs_decision(state.now_ms)
        if not (needs_decision or state.changed):
            return []
        if not needs_decision and len(orders.waiting) > ROUND_AGAIN_MAX:
            orders = orders.part(PLAN_ORDERS_MAX, ROUND_AGAIN_MAX)
        return self._policy(orders, state.riders, state.rules, now, sensor)

    def _may_decide(self) -> bool:
        """Whether an order waits, or one that is accepted might find a better rider."""
        orders = self.state.orders
        return bool(orders.waiting or (orders.to_fetch and self.state.riders.idle and self.state.rules.reassign_gain_s))

    def _next_held_up_ms(self) -> int | None:
        """After a round in which nothing happened: so a node with nothing to do has nothing to write either."""
        state = self.state
        if state.orders.waiting or not self._may_decide():
            return 0
        return held_up_from_ms(state.orders, state.riders, state.rules, state.now_ms)

    def _outcome(self, event: Event, refusal: Refusal | None, alone: Container[str]) -> Outcome:
        """With the order, and where it was placed in this round with what was promised about it, or that nobody is in
        reach of it. `alone`: orders for which this round had no candidate."""
        body = event.body
        if isinstance(body, WithoutOrder):
            return Outcome(refusal)
        order: str = getattr(body, "order")  # noqa: B009 - every other kind has one
        if refusal is None and isinstance(body, OrderPlace):
            found = self.state.orders.open.get(order)
            if found is not None and found.promised_ms and body.promise:
                return Outcome(None, {"order": order, "promise": self.promise(found)})
            if found is not None and order in alone:
                return self._alone(found)
        if isinstance(body, OrderAssign) and refusal is None:
            delays = self.state.costs.pop((event.client, body.id)).delays
            return Outcome(None, {"order": order, "delays": delays} if delays else {"order": order})
        return Outcome(refusal, {"order": order})

    def _alone(self, order: Order) -> Outcome:
        """Of an order for which this round had no candidate: whether somebody may still come, as things stand. (Riders
        who are busy, and orders for later, are no reason for alarm.)"""
        state = self.state
        receipt: dict[str, Any] = {"order": order.id}
        if nobody := out_of_reach(state, order, ()):
            wait = f"it waits for one up to {state.rules.give_up_s // 60} min after it is ready"
            receipt |= {"detail": f"{nobody}; {wait}", "unreachable": True}
        return Outcome(None, receipt)

    def promise(self, order: Order) -> DropoffPromise:
        """What was promised when the order was placed, in its round."""
        counts = self.state.promises[order.promised_by]
        confidence, at = round(counts.kept / counts.ended, 2), order.promised_at
        if not order.latest_ms:
            return DropoffPromise(at, confidence)
        behind_ms = at - order.promised_ms
        return DropoffPromise(at, confidence, order.earliest_ms + behind_ms, order.latest_ms + behind_ms)

    def next_deadline(self) -> float | None:
        """When a round is due even without events, in monotonic seconds. 0.0: at once."""
        state = self.state
        if state.advice.due:
            return 0.0
        due = [state.orders.timers.next(), state.riders.timers.next(), state.riders.next_arrival_ms()]
        if state.riders.watched:
            due.append(state.positions.next_silence_ms())
        if self._may_decide():
            if state.changed:
                return 0.0
            from_ms = 0 if state.orders.waiting else self._held_up_ms
            if state.riders.watched and from_ms is not None:
                due.append(max(from_ms, state.positions.next_look_ms()))
        known = [time for time in due if time is not None]
        return min(known) / 1000 if known else None

    # -- snapshots -----------------------------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """Everything durable; nothing of positions."""
        return self.state.snapshot()

    def restore(self, body: bytes) -> None:
        """From a snapshot. Raises JournalError where it cannot be read."""
        self.state.restore(body)

    # -- for clients that ask ------------------------------------------------------------------------------------------

    def items(self, collection: str, client: str, grant: Grant, now: Now, only: str = "") -> Sequence[Item]:
        """Orders: of a customer its own, of a shop its own, of a rider those that it was offered or holds."""
        return view.orders(self.state, client, grant, now, only)

    def holds(self, client: str) -> str:
        """A shift, or an open order."""
        if self.state.riders.known.get(client) is not None:
            return "it is a rider on shift, or holds an order"
        return "it has an open order" if any(each.client == client for each in self.state.orders.open.values()) else ""

    def renamed(self, body: bytes, part: Part, names: Renaming) -> bytes:
        """Customers, shops and riders."""
        return names.packed(body, State if part == "state" else DispatchRecord)

    # -- for people ----------------------------------------------------------------------------------------------------

    def gauges(self) -> Mapping[str, Mapping[str, Value]]:
        """Open orders and riders by state, and positions that no decision can see, by reason, since the start."""
        dropped: dict[str, Value] = {**self.state.positions.dropped}
        orders, riders = view.order_states(self.state), view.rider_states(self.state)
        found: dict[str, Mapping[str, Value]] = {"orders": orders, "riders": riders, "positions_dropped": dropped}
        if isinstance(self.state.rules, RulesWithTable):
            table = self.state.rules.table
            found["travel_table"] = {"found": table.found, "missed": table.missed}
        return found

    def queues(self) -> Mapping[str, tuple[int, int]]:
        """Open orders, and riders who have not gone home, nobody knows for how long."""
        return {
            "orders": (len(self.state.orders.open), ORDERS_OPEN_MAX),
            "riders": (len(self.state.riders.known), RIDERS_MAX),
        }

    def problems(self, now: Now) -> Mapping[str, str]:
        """Orders without a rider, those that are late or do not come back; riders who work for too long."""
        state = self.state
        found = {
            "orders_waiting": view.waiting_problem(state, now),
            "orders_late": view.late_problem(state),
            "orders_returning": view.returning_problem(state, now),
            "riders_over_duty": view.duty_problem(state, now),
        }
        return {name: problem for name, problem in found.items() if problem}

    def view(self, now: Now) -> Mapping[str, list[Dot]]:
        """Shops, riders and open orders, each at its place."""
        return view.layers(self.state, now)

    def explain(self, row: Row, key: str, when: Callable[[int], str]) -> Sequence[Any]:
        """What a row contains about the order `key`."""
        return explain(row, key, when)

    def explain_to(self, row: Row, client: str, when: Callable[[int], str]) -> Sequence[Any]:
        """Where a rider was in each decision, and what it was sent."""
        return explain_to(row, client, when)

    def subjects(self, row: Row) -> Sequence[str]:
        """Orders placed in this row."""
        return placed(row)

    @classmethod
    def examples(cls, seed: int) -> Sequence[tuple[str, str, Mapping[str, Any]]]:
        """An evening with two riders and a few orders."""
        return examples(seed)

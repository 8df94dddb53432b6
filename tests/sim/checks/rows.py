"""The invariants, checked from what became durable, what was shown, and what the core holds.

The checks keep a ledger of their own, made from the rows alone: which id was decided how, who is on shift, who holds
what.
"""

from typing import TYPE_CHECKING

from edge.core.decode import Catalog
from edge.core.model import Acknowledge, Answer, Event, RecordedEvent, Rejected, Repeats, Row, decode_row
from edge.core.node import Node
from edge.errors import MENDABLE, Reason
from edge.mqtt.seam import Publish
from edge.scenarios.dispatch import Dispatch
from edge.scenarios.dispatch.lifecycle import CLOSED, PLACED
from edge.scenarios.dispatch.messages.overrides import OrderAssign, OrderHold, RiderPause, RiderResume
from edge.scenarios.dispatch.messages.up import OrderCancel, RiderProgress, RiderReply, RiderShift
from edge.scenarios.labels import Labels
from tests.sim.checks.broken import need
from tests.sim.checks.labels import LabelChecks, LabelLedger
from tests.sim.people.people import loose

if TYPE_CHECKING:
    from tests.sim.world import World

CATALOG = Catalog([Dispatch, Labels])


def dispatch_of(node: Node) -> Dispatch:
    """The node's dispatch."""
    dispatch = node.scenarios["dispatch"]
    assert isinstance(dispatch, Dispatch)
    return dispatch


class Shift:
    """A rider's terms, as its accepted events set them. `until` is monotonic seconds."""

    def __init__(self, capacity: int, until: float | None) -> None:
        self.capacity, self.until = capacity, until


def mendable(receipt: bytes) -> bool:
    """Whether it refuses for a reason that time can mend, so that the same event may be decided again."""
    return loose(receipt).get("reason") in MENDABLE


class Ledger:
    """What the durable rows contain."""

    def __init__(self) -> None:
        self.decided: dict[tuple[str, str], bytes] = {}
        """The receipt of each id."""
        self.mended: dict[tuple[str, str], list[bytes]] = {}
        """Its earlier receipts: refusals that time could mend."""
        self.received = 0
        self.repeats = 0
        self.refused: dict[str, int] = {}
        self.shed: dict[str, int] = {}
        self.sequence = 0
        self.answers: dict[int, bytes] = {}
        self.shifts: dict[str, Shift] = {}
        self.holders: dict[str, str] = {}
        self.offered: dict[str, int] = {}
        self.ended: dict[str, str] = {}
        """How each order ended, by its updates: delivered, returned, cancelled or undeliverable."""
        self.paused: dict[str, None] = {}
        self.labels = LabelLedger()

    def receipts(self, key: tuple[str, str]) -> list[bytes]:
        """All receipts of an id."""
        return [*self.mended.get(key, ()), *([self.decided[key]] if key in self.decided else [])]

    def enter(self, row: Row) -> None:
        """One more row. Raises Broken where it contradicts the ones before."""
        self._kept: dict[str, str] = {}
        self._moved: set[str] = set()
        self.labels.begin(row)
        opened = [CATALOG.opened(item) if isinstance(item, RecordedEvent) else item for item in row.inputs]
        durable = [item for item in opened if isinstance(item, Event | Rejected)]
        acknowledged = [effect for effect in row.effects if isinstance(effect, Acknowledge)]
        reasons = acknowledged[0].reasons if acknowledged else []
        need(
            len(reasons) == len(durable),
            "I3",
            lambda: f"row {row.number} has {len(durable)} events, {len(reasons)} reasons",
        )
        answers = [effect for effect in row.effects if isinstance(effect, Answer)]
        for answer in answers:
            need(
                answer.sequence == self.sequence + 1,
                "I2",
                lambda a=answer: f"answer {a.sequence} after {self.sequence}",
            )
            self.sequence = answer.sequence
            self.answers[answer.sequence] = answer.payload
        repeats = sum(item.count for item in row.inputs if isinstance(item, Repeats))
        self.received += repeats
        self.repeats += repeats
        receipts = iter([answer for answer in answers if answer.kind == "receipt"])
        for item, reason in zip(durable, reasons, strict=True):
            self.received += 1
            self._decide(item, reason, row, receipts)
        for answer in answers:
            if answer.kind == "assignment":
                self._assign(answer, row.now.mono)
            elif answer.kind == "update" and (body := loose(answer.payload))["state"] in CLOSED:
                self._end(body["order"], body["state"])
            elif answer.kind == "label.show":
                self.labels.send(answer, row)

    def _decide(self, item: Event | Rejected, reason: str, row: Row, receipts) -> None:
        id_ = item.body.id if isinstance(item, Event) else item.id
        key = (item.client, id_)
        if id_:
            before = self.decided.get(key)
            if before is not None:
                need(mendable(before), "I2", lambda: f"row {row.number} decides {key} again")
                self.mended.setdefault(key, []).append(before)
            answer = next(receipts, None)
            need(
                answer is not None and answer.client == item.client and loose(answer.payload)["id"] == id_,
                "I2",
                lambda: f"row {row.number} takes {key} for decided, or gives it no receipt",
            )
            assert answer is not None
            self.decided[key] = answer.payload
        if reason:
            self.refused[reason] = self.refused.get(reason, 0) + 1
        elif isinstance(item, Event):
            self._accept(item, row)
            self.labels.accept(item, answer.payload, row)

    def _accept(self, event: Event, row: Row) -> None:
        body = event.body
        if isinstance(body, RiderShift):
            if body.on:
                before = self.shifts.get(event.client)
                if before is not None and before.until is not None and before.until <= row.now.mono:
                    self.paused.pop(event.client, None)  # that shift has ended, and the pause with it
                until = None if body.until is None else row.now.mono + (body.until - row.now.wall_ms) / 1000
                self.shifts[event.client] = Shift(body.capacity, until)
            else:
                self.shifts.pop(event.client, None)
                self.paused.pop(event.client, None)
        elif isinstance(body, OrderCancel | OrderHold):
            self.holders.pop(body.order, None)
        elif isinstance(body, OrderAssign):
            self.holders[body.order] = body.rider
        elif isinstance(body, RiderPause):
            self.paused[body.rider] = None
        elif isinstance(body, RiderResume):
            self.paused.pop(body.rider, None)
        elif isinstance(body, RiderReply):
            mine = self.holders.get(body.order) == event.client and self.offered[body.order] == body.offer
            if mine and not body.accept:
                del self.holders[body.order]
        elif isinstance(body, RiderProgress):
            self._progress(event.client, body, row)

    def _progress(self, rider: str, body: RiderProgress, row: Row) -> None:
        order, holder = body.order, self.holders.get(body.order)
        if body.step in ("delivered", "returned"):
            self._end(order, body.step)
            self.holders.pop(order, None)
        elif body.step == "picked_up" and order not in self.ended:
            self._kept[order] = rider
            # Timers come before events in a row: its holder may be given up as silent in the same one.
            if holder in (None, rider) or _withdrawn(row, order, holder):
                self.holders[order] = rider

    def _end(self, order: str, state: str) -> None:
        before = self.ended.setdefault(order, state)
        need(before == state, "I4", lambda: f"{order} is {before}, and then {state}")

    def _assign(self, answer: Answer, mono: float) -> None:
        body, rider = loose(answer.payload), answer.client
        order = body["order"]
        if body["state"] == "withdrawn":
            kept = self._kept.get(order) == rider
            need(not kept, "I2", lambda: f"{rider} picks {order} up, gets a confirmation, and then a withdrawal")
            if self.holders.get(order) == rider:
                del self.holders[order]
                if body.get("reason") == "reassigned":
                    self._moved.add(order)
            return
        if body["state"] == "accepted" and order not in self._moved:
            own = self.holders.get(order) == rider
            need(own, "I4", lambda: f"{rider} gets the door of {order}, {self.holders.get(order)} has it")
            return
        need(order not in self.holders, "I4", lambda: f"{order} is offered to {rider}, {self.holders[order]} has it")
        need(rider not in self.paused, "I4", lambda: f"{order} is offered to {rider}, who is paused")
        shift = self.shifts.get(rider)
        need(shift is not None, "I4", lambda: f"{order} is offered to {rider}, who is not on shift")
        assert shift is not None
        over = shift.until is not None and mono > shift.until + 0.002
        need(not over, "I4", lambda: f"{order} is offered to {rider} at {mono}, its shift ended at {shift.until}")
        held = [name for name, who in self.holders.items() if who == rider]
        need(len(held) < shift.capacity, "I4", lambda: f"{order} is offered to {rider}, {held} fill {shift.capacity}")
        self.holders[order] = rider
        self.offered[order] = body["offer"]


def _withdrawn(row: Row, order: str, rider: str) -> bool:
    """Whether the row takes the order from this rider."""
    sent_assignments = [
        e for e in row.effects if isinstance(e, Answer) and e.kind == "assignment" and e.client == rider
    ]
    return any(
        body["order"] == order and body["state"] == "withdrawn" for body in (loose(e.payload) for e in sent_assignments)
    )


class Checks:
    """Everything that is checked while the world runs."""

    def __init__(self, world: "World") -> None:
        self.limits = world.plan.limits
        self.labels = LabelChecks(world)
        self.ledger = Ledger()
        self.sent: dict[tuple[str, str], Publish] = {}
        self.believed: dict[tuple[str, str], None] = {}
        """Ids whose publishers stopped sending."""
        self.shed = 0
        self.seen: dict[tuple[str, str], bytes] = {}
        self.forgotten: dict[tuple[str, str], None] = {}
        """Decided on a disk that was lost, and perhaps once more since: no promise covers these ids."""

    # -- what was shown ------------------------------------------------------------------------------------------------

    def durable(self, body: bytes) -> None:
        """A row is on disk."""
        self.ledger.enter(decode_row(body))

    def shown(self, answer: Answer) -> None:
        """An answer leaves the node."""
        need(
            self.ledger.answers.get(answer.sequence) == answer.payload,
            "I1",
            lambda: f"answer {answer.sequence} to {answer.client} is shown and not on disk",
        )

    def acknowledged(self, client: str, id_: str, reason: str) -> None:
        """A PUBACK leaves the node."""
        if not id_ or reason in (Reason.DISK_FULL, Reason.OVERLOADED):
            return
        receipts = self.ledger.receipts((client, id_))
        need(bool(receipts), "I1", lambda: f"{id_} of {client} is acknowledged, not on disk")
        # An empty reason is also that of a repeat.
        right = not reason or any(loose(receipt).get("reason") == reason for receipt in receipts)
        need(right, "I2", lambda: f"{id_} of {client} is acknowledged as {reason}, its receipts are {receipts!r}")

    def promised(self, client: str, id_: str) -> None:
        """A publisher takes the PUBACK for the node's word."""
        self.believed[client, id_] = None

    def receipt(self, client: str, id_: str, payload: bytes) -> None:
        """A receipt arrived. One without an id is of a message that could not be read: it promises nothing."""
        if not id_:
            return
        key = (client, id_)
        if key in self.forgotten:
            return
        self.believed[key] = None
        before = self.seen.setdefault(key, payload)
        if mendable(before) or mendable(payload):
            self.seen[key] = payload
        else:
            need(before == payload, "I2", lambda: f"{id_} of {client} was answered {before!r} and then {payload!r}")
        need(payload in self.ledger.receipts(key), "I2", lambda: f"the receipt of {id_} of {client} is not on disk")

    def forget(self, lost: Ledger, kept: Ledger) -> None:
        """The node's disk went back in time: what was only on it is promised no more."""
        for key in lost.decided:
            if key not in kept.decided:
                self.forgotten[key] = None
                self.believed.pop(key, None)
                self.seen.pop(key, None)
        self.ledger = kept

    # -- what the core holds -------------------------------------------------------------------------------------------

    def round(self, node: Node) -> None:
        """After each round: nothing disappears, nobody has too much, nothing grows."""
        counts, outbox = node.counts, node.outbox
        decided = counts.accepted + counts.duplicate + sum(counts.refused.values())
        need(counts.received == decided, "I3", lambda: f"{counts.received} received, {decided} decided")
        gone = outbox.events_acked + outbox.events_discarded
        held = sum(draft.events for draft in node.windows._drafts.values()) + outbox.events_waiting
        need(
            counts.received == gone + held, "I3", lambda: f"{counts.received} received, {gone} gone, {held} in windows"
        )
        self._dispatch(node)
        self.labels.round(node)
        self._bounds(node)

    def _dispatch(self, node: Node) -> None:
        dispatch_state = dispatch_of(node).state
        holders = {}
        for name, rider in dispatch_state.riders.known.items():
            for order in rider.orders:
                need(order not in holders, "I4", lambda o=order, n=name: f"{o} is with {n} and {holders[o]}")
                holders[order] = name
                need(
                    dispatch_state.orders.open[order].rider == name,
                    "I4",
                    lambda o=order, n=name: f"{n} has {o}, which is not its",
                )
        for name, order in dispatch_state.orders.open.items():
            held = order.state is not PLACED
            need(bool(order.rider) == held, "I4", lambda n=name, o=order: f"{n} is {o.state} with rider {o.rider!r}")
            need(not held or name in holders, "I4", lambda n=name, o=order: f"{n} is {o.state} and nobody has it")
            waits = not held and not order.on_hold
            need((name in dispatch_state.orders.waiting) == waits, "I4", lambda n=name: f"{n} waits wrongly")
            made = order.override
            who = order.rider or order.plan
            own = made is None or not who or made.kind == "held" or who == made.rider
            need(own, "I4", lambda n=name, o=order: f"{n} is with {o.rider or o.plan!r} in spite of {o.override}")

    def _bounds(self, node: Node) -> None:
        orders, limits = dispatch_of(node).state.orders, self.limits
        mine = max((len(each) for each in node.pending_answers._of.values()), default=0)
        cells = sum(len(window.cells) for window in node.outbox._pool.values())
        for name, value in (
            ("ORDERS_OPEN_MAX", len(orders.open)),
            ("ORDERS_CLOSED_KEPT", len(orders.closed)),
            ("ANSWERS_PENDING_MAX", len(node.pending_answers)),
            ("ANSWERS_PER_CLIENT_MAX", mine),
            ("BATCHES_IN_FLIGHT_MAX", len(node.outbox.in_flight())),
            ("POOL_WINDOWS_MAX", node.outbox.windows_waiting),
            ("CELLS_MAX", node.windows.gathering),
            ("POOL_CELLS_MAX", cells),
        ):
            need(value <= limits[name], "I5", lambda n=name, v=value: f"{n} is {limits[n]}, there are {v}")
        need(
            len(node.pending_answers._expiry) <= 1_000 + 4 * len(node.pending_answers) + 1,
            "I5",
            lambda: "the expiry heap grows",
        )

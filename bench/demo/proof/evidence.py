"""What the node's journal has recorded of the day: the half of the evidence that was on disk before anybody saw it.

Reads rows as they are (`edge.core.model.Row`), with no code of the core, so that a mistake in there cannot hide
itself here.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import apsw
from msgspec import Struct

from edge.core.model import Acknowledge, Repeats, Row, Shed, decode_row
from edge.errors import MENDABLE
from edge.journal.reader import JournalReader, read_snapshot, read_snapshots
from edge.scenarios.dispatch.messages.down import Assignment
from edge.scenarios.dispatch.messages.overrides import RiderPause
from edge.scenarios.dispatch.messages.up import OrderCancel, OrderPlace, RiderProgress, RiderReply, RiderShift

from ...rows import Decided, assignments, decided, receipts, updates
from .hands import Hands
from .labels import LabelEvidence
from .records import ENDED

EXAMPLES_MAX: Final = 5
"""Findings of one kind that are kept; all are counted."""

REST_SLACK_MS: Final = 1_000
"""The node counts breaks by its own clock, from when it got word of them."""


def read_journal(path: Path) -> tuple["Evidence", dict[str, bytes]]:
    """The content of a whole journal, and what its snapshots hold, unpacked, by a name for each. Raises DoorstepError
    where it cannot be read from its first row."""
    evidence = Evidence()
    with JournalReader.open(path) as reader:
        evidence.read(body for _, body in reader.rows(0))
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        unpacked = {f"the snapshot at row {kept.number}": read_snapshot(db, path, kept) for kept in read_snapshots(db)}
    finally:
        db.close()
    return evidence, unpacked


class Shift(Struct):
    """A rider as the journal knows it: on shift until when (0: no end was given), what it can carry (grams, 0: no
    limit), from when until when it rests, and what it has to carry."""

    on: bool = False
    until: int = 0
    capacity: int = 1
    limit_g: int = 0
    rests: tuple[int, int] = (0, 0)
    offered: dict[str, Assignment] = {}
    held: dict[str, bool] = {}

    def load(self, wall_ms: int) -> int:
        """Orders held and offers still open at an instant."""
        return len(self.held) + sum(offer.answer_by > wall_ms for offer in self.offered.values())


class Evidence:
    """Facts and findings of one journal, collected row by row. A finding is a broken rule, with a sentence."""

    def __init__(self) -> None:
        self.rows = 0
        self.received = 0
        self.accepted = 0
        self.duplicate = 0
        self.refused: Counter[str] = Counter()
        self.shed: Counter[str] = Counter()
        self.receipts: dict[tuple[str, str], bytes] = {}
        self.acknowledged = 0
        self.delivered_at: dict[str, int] = {}
        self.promised: dict[str, int] = {}
        self.findings: dict[str, list[str]] = {}
        self.counts: Counter[str] = Counter()
        self.labels = LabelEvidence(self.found)
        self.hands = Hands(self.found)
        self._events: set[tuple[str, str]] = set()  # decided for good
        self._riders: dict[str, Shift] = {}
        self._weight_g: dict[str, int] = {}
        self._holder: dict[str, str] = {}
        self._moved: set[str] = set()  # in this row, from one rider to another

    def found(self, rule: str, text: str) -> None:
        """A rule was broken."""
        self.counts[rule] += 1
        examples = self.findings.setdefault(rule, [])
        if len(examples) < EXAMPLES_MAX:
            examples.append(text)

    def read(self, rows: Iterable[bytes]) -> None:
        """Every row of the journal, in sequence."""
        for body in rows:
            self._row(decode_row(body))

    def _row(self, row: Row) -> None:
        self.rows += 1
        for client, payload, receipt in receipts(row):
            key = (client, receipt.id)
            if self.receipts.setdefault(key, payload) != payload and key in self._events:
                text = f"row {row.number}: a second receipt for {receipt.id} of {client} has other bytes"
                self.found("one_decision_per_id", text)
        events = decided(row)
        for event in events:
            self._event(event, row)
        self.labels.read(row, events)
        for item in row.inputs:
            if isinstance(item, Shed):
                self.shed[item.reason] += item.count
            elif isinstance(item, Repeats):
                self.received += item.count
                self.duplicate += item.count
                self.acknowledged += item.count
        for _, update in updates(row):
            if update.state in ENDED:
                self._release(update.order)
                self.hands.ended(update.order)
        self.acknowledged += sum(len(effect.reasons) for effect in row.effects if isinstance(effect, Acknowledge))
        # A row is one instant: what it takes back is free for what it gives.
        sequence = ("withdrawn", "accepted", "offered")
        for client, assignment in sorted(assignments(row), key=lambda pair: sequence.index(pair[1].state)):
            self._assignment(client, assignment, row)
            self.hands.assignment(client, assignment, row)
        self._moved.clear()
        self.hands.row_ends(row, self._holder.get)

    def _event(self, event: Decided, row: Row) -> None:
        self.received += 1
        if event.id and (event.client, event.id) in self._events:
            self.found("one_decision_per_id", f"row {row.number}: {event.id} of {event.client} was decided again")
        if event.reason not in MENDABLE:
            self._events.add((event.client, event.id))
        if event.accepted:
            self.accepted += 1
            self._accepted(event, row)
        elif event.reason:
            self.refused[event.reason] += 1
        else:
            text = f"row {row.number}: {event.id} of {event.client} was decided without a receipt"
            self.found("every_event_has_a_receipt", text)

    def _accepted(self, event: Decided, row: Row) -> None:
        body, receipt = event.body, event.receipt
        if body is not None:
            self.hands.accepted(event.client, body, row)
        if isinstance(body, RiderShift):
            self._shift(event.client, body)
        elif isinstance(body, RiderReply):
            rider = self._rider(event.client)
            rider.offered.pop(body.order, None)
            if body.accept:
                self._take(event.client, body.order, row)
            elif self._holder.get(body.order) == event.client:
                self._release(body.order)
        elif isinstance(body, RiderProgress):
            self._progress(event.client, body, row)
        elif isinstance(body, OrderCancel):
            self._release(body.order)
        elif isinstance(body, RiderPause):
            self._rider(body.rider).rests = body.starts_at or row.now.wall_ms, body.until or 0
        elif isinstance(body, OrderPlace) and receipt is not None:
            self._weight_g[body.order] = body.load.weight_g
            if receipt.promise is not None:
                self.promised[body.order] = receipt.promise.dropoff_at

    def _shift(self, client: str, body: RiderShift) -> None:
        rider = self._rider(client)
        rider.on = body.on
        if body.on:
            rider.until, rider.capacity, rider.limit_g = body.until or 0, body.capacity, body.load_limit.weight_g
            return
        rider.rests = (0, 0)
        rider.offered.clear()
        for order in [order for order, carried in rider.held.items() if not carried]:
            self._release(order)

    def _take(self, client: str, order: str, row: Row) -> None:
        holder = self._holder.get(order)
        if holder is not None and holder != client:
            self.found("no_order_with_two_riders", f"row {row.number}: {client} took {order}, which {holder} holds")
        self._holder[order] = client
        rider = self._rider(client)
        rider.held.setdefault(order, False)
        if len(rider.held) > rider.capacity:
            text = f"row {row.number}: {client} holds {len(rider.held)} orders and has room for {rider.capacity}"
            self.found("capacity_respected", text)
        self._weigh(client, rider, rider.held, row)

    def _weigh(self, client: str, rider: Shift, orders: Iterable[str], row: Row) -> None:
        weight_g = sum(self._weight_g.get(order, 0) for order in orders)
        if rider.limit_g and weight_g > rider.limit_g:
            text = f"row {row.number}: {client} has orders of {weight_g} g and carries {rider.limit_g} g"
            self.found("capacity_respected", text)

    def _progress(self, client: str, body: RiderProgress, row: Row) -> None:
        """A step was accepted. A rider who was given up and then reports the pickup has the food: it is theirs."""
        order = body.order
        holder = self._holder.get(order)
        if order not in self.delivered_at and holder != client and (holder is not None or body.step != "picked_up"):
            text = f"row {row.number}: {body.step} of {order} by {client} was accepted; {holder or 'nobody'} holds it"
            self.found("no_order_with_two_riders", text)
        elif body.step == "picked_up" and order not in self.delivered_at:
            self._holder[order] = client
            self._rider(client).held[order] = True
        if body.step == "delivered":
            self.delivered_at.setdefault(order, body.at)
        if body.step in ("delivered", "returned"):
            self._release(order)

    def _release(self, order: str) -> None:
        holder = self._holder.pop(order, None)
        if holder is not None:
            self._rider(holder).held.pop(order, None)

    def _assignment(self, client: str, assignment: Assignment, row: Row) -> None:
        rider = self._rider(client)
        order = assignment.order
        holder = self._holder.get(order)
        if assignment.state == "withdrawn":
            offer = rider.offered.get(order)
            if offer is not None and offer.offer == assignment.offer:
                del rider.offered[order]
            elif holder == client and not rider.held[order]:
                self._release(order)
                if assignment.reason == "reassigned":
                    self._moved.add(order)
            return
        if assignment.state == "accepted":
            if order in self._moved or self.hands.given.get(order) == client:
                self._take(client, order, row)
            return
        self.counts["offers"] += 1
        if holder is not None:
            text = f"row {row.number}: {order} was offered to {client} while {holder} held it"
            self.found("no_order_with_two_riders", text)
        rider.offered[order] = assignment
        load = rider.load(row.now.wall_ms)
        if load > rider.capacity:
            text = f"row {row.number}: {client} has {load} orders and offers, and room for {rider.capacity}"
            self.found("capacity_respected", text)
        open_offers = [name for name, each in rider.offered.items() if each.answer_by > row.now.wall_ms]
        self._weigh(client, rider, {*rider.held, *open_offers}, row)
        from_ms, until_ms = rider.rests
        if from_ms + REST_SLACK_MS < row.now.wall_ms < until_ms - REST_SLACK_MS:
            self.found("breaks_respected", f"row {row.number}: {order} was offered to {client}, who has a break")
        if not rider.on or (rider.until and row.now.wall_ms > rider.until):
            ended = f"its shift ended at {rider.until}" if rider.on else "it is not on shift"
            text = f"row {row.number}: {order} was offered to {client} at {row.now.wall_ms}, but {ended}"
            self.found("none_assigned_after_shift_end", text)

    def _rider(self, client: str) -> Shift:
        return self._riders.setdefault(client, Shift())

"""What the node's journal has recorded of the day: the half of the evidence that was on disk before anybody saw it.

Reads rows as they are (`edge.core.model.Row`), with no code of the core, so that a mistake in there cannot hide
itself here.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import apsw
import msgspec
from msgspec import Struct

from edge.core.model import Acknowledge, Answer, DuplicateAnswer, Event, Rejected, Row, Shed, decode_row
from edge.journal.reader import JournalReader, read_snapshot, read_snapshots
from edge.messages.envelope import (
    Assignment,
    OrderCancel,
    Receipt,
    RiderProgress,
    RiderReply,
    RiderShift,
    Update,
    is_json,
)

from .records import ENDED

EXAMPLES_MAX: Final = 5
"""Findings of one kind that are kept; all are counted."""

_DECODERS: Final[dict[str, tuple[Any, Any]]] = {
    kind: (msgspec.msgpack.Decoder(form).decode, msgspec.json.Decoder(form).decode)
    for kind, form in (("receipt", Receipt), ("assignment", Assignment), ("update", Update))
}


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
    """A rider as the journal knows it: on shift until when (0: no end was given), and what it has to carry."""

    on: bool = False
    until: int = 0
    capacity: int = 1
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
        self._events: set[tuple[str, str]] = set()
        self._riders: dict[str, Shift] = {}
        self._holder: dict[str, str] = {}

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
        fresh = self._answers(row)
        for item in row.inputs:
            if isinstance(item, Event):
                self._event(item, row, fresh)
            elif isinstance(item, Rejected):
                again = self._duplicates_of(item.client, item.id)
                self.refused[item.reason] += not item.id or ((item.client, item.id) in fresh and not again)
            elif isinstance(item, Shed):
                self.shed[item.reason] += item.count
        shown: list[tuple[str, Assignment]] = []
        for effect in row.effects:
            if isinstance(effect, Answer) and effect.kind == "assignment":
                shown.append((effect.client, _DECODERS["assignment"][is_json(effect.payload)](effect.payload)))
            elif isinstance(effect, Answer) and effect.kind == "update":
                update: Update = _DECODERS["update"][is_json(effect.payload)](effect.payload)
                if update.state in ENDED:
                    self._release(update.order)
            elif isinstance(effect, Acknowledge):
                self.acknowledged += len(effect.reasons)
        # A row is one instant: what it takes back is free for what it gives.
        for client, assignment in sorted(shown, key=lambda pair: pair[1].state == "offered"):
            self._assignment(client, assignment, row)

    def _answers(self, row: Row) -> dict[tuple[str, str], Receipt]:
        """The receipts that this row made; those that it only repeats are compared."""
        fresh: dict[tuple[str, str], Receipt] = {}
        duplicates = {(item.client, item.payload) for item in row.inputs if isinstance(item, DuplicateAnswer)}
        for effect in row.effects:
            if not isinstance(effect, Answer) or effect.kind != "receipt":
                continue
            receipt: Receipt = _DECODERS["receipt"][is_json(effect.payload)](effect.payload)
            key = (effect.client, receipt.id)
            first = self.receipts.setdefault(key, effect.payload)
            if first != effect.payload:
                text = f"row {row.number}: a second receipt for {receipt.id} of {effect.client} has other bytes"
                self.found("one_decision_per_id", text)
            elif (effect.client, effect.payload) not in duplicates:
                fresh[key] = receipt
        return fresh

    def _duplicates_of(self, client: str, id_: str) -> bool:
        """An event came in. True where it was seen before."""
        self.received += 1
        if not id_:
            return False
        again = (client, id_) in self._events
        self._events.add((client, id_))
        self.duplicate += again
        return again

    def _event(self, event: Event, row: Row, fresh: dict[tuple[str, str], Receipt]) -> None:
        key = (event.client, event.body.id)
        if self._duplicates_of(*key):
            return
        receipt = fresh.get(key)
        if receipt is None:
            text = f"row {row.number}: {event.body.id} of {event.client} was decided without a receipt"
            self.found("every_event_has_a_receipt", text)
        elif receipt.status == "refused":
            self.refused[receipt.reason] += 1
        else:
            self.accepted += 1
            self._accepted(event, receipt, row)

    def _accepted(self, event: Event, receipt: Receipt, row: Row) -> None:
        body = event.body
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
        elif receipt.promise is not None:
            self.promised[receipt.order] = receipt.promise.dropoff_at

    def _shift(self, client: str, body: RiderShift) -> None:
        rider = self._rider(client)
        rider.on = body.on
        if body.on:
            rider.until, rider.capacity = body.until or 0, body.capacity
            return
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
        if not rider.on or (rider.until and row.now.wall_ms > rider.until):
            ended = f"its shift ended at {rider.until}" if rider.on else "it is not on shift"
            text = f"row {row.number}: {order} was offered to {client} at {row.now.wall_ms}, but {ended}"
            self.found("none_assigned_after_shift_end", text)

    def _rider(self, client: str) -> Shift:
        return self._riders.setdefault(client, Shift())

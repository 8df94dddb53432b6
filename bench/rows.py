"""Reads a row of the journal: its events with their outcomes, and messages to clients.

Uses no code of the core beyond its structs, so that a mistake in the core cannot hide itself here. Pure.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import Struct

from edge.core.model import Answer, RecordedEvent, Rejected, Row
from edge.messages.envelope import is_json
from edge.scenarios.dispatch.messages.catalog import DURABLE_KINDS, Durable
from edge.scenarios.dispatch.messages.down import Advice, Assignment, OrderReceipt, Update
from edge.scenarios.dispatch.records import events_in
from edge.scenarios.labels.messages import LabelShow

_DECODERS: Final[dict[str, tuple[Any, Any]]] = {
    kind: (msgspec.msgpack.Decoder(form).decode, msgspec.json.Decoder(form).decode)
    for kind, form in (("receipt", OrderReceipt), ("assignment", Assignment), ("update", Update), ("advice", Advice))
}

_SHOW: Final = (msgspec.msgpack.Decoder(LabelShow).decode, msgspec.json.Decoder(LabelShow).decode)


class Decided(Struct, frozen=True):
    """A durable message and its outcome. `id` is empty where it had none, `body` None where it is no event of dispatch.
    `receipt` is None where this row has none for it: it is a repeat, or had no id. `reason` is empty where it was
    accepted or is a repeat."""

    client: str
    id: str
    body: Durable | None
    receipt: OrderReceipt | None
    reason: str = ""

    @property
    def accepted(self) -> bool:
        """Whether it is accepted in this row."""
        return self.receipt is not None and not self.reason


class _Head(Struct):
    kind: str
    id: str


_head: Final = msgspec.msgpack.Decoder(_Head).decode


def decided(row: Row) -> list[Decided]:
    """The durable messages of a row, in its sequence. Raises msgspec.DecodeError where they are of another version."""
    made = {(client, receipt.id): receipt for client, _, receipt in receipts(row)}
    bodies = iter(events_in(row))
    found: list[Decided] = []
    for item in row.inputs:
        if isinstance(item, RecordedEvent):
            head = _head(item.body)
            body = next(bodies)[1] if head.kind in DURABLE_KINDS else None
            receipt = made.pop((item.client, head.id), None)
            found.append(Decided(item.client, head.id, body, receipt, receipt.reason if receipt else ""))
        elif isinstance(item, Rejected):
            receipt = made.pop((item.client, item.id), None)
            found.append(Decided(item.client, item.id, None, receipt, item.reason if receipt or not item.id else ""))
    return found


def receipts(row: Row) -> Iterator[tuple[str, bytes, OrderReceipt]]:
    """The receipts that go out with a row: client, payload, and what it contains."""
    return _answers(row, "receipt")


def assignments(row: Row) -> Iterator[tuple[str, Assignment]]:
    """The offers to riders, and the withdrawals, in the sequence in which they go out."""
    return ((client, body) for client, _, body in _answers(row, "assignment"))


def updates(row: Row) -> Iterator[tuple[str, Update]]:
    """The states of orders for customers and shops, in the sequence in which they go out."""
    return ((client, body) for client, _, body in _answers(row, "update"))


def opened(kind: str, payload: bytes) -> Any:
    """A message of dispatch to a client, whichever encoding the client uses."""
    return _DECODERS[kind][is_json(payload)](payload)


def _answers(row: Row, kind: str) -> Iterator[tuple[str, bytes, Any]]:
    for effect in row.effects:
        if isinstance(effect, Answer) and effect.kind == kind:
            yield effect.client, effect.payload, opened(kind, effect.payload)


def label_show(payload: bytes) -> LabelShow:
    """A `label.show`, whichever encoding its gateway speaks. Raises msgspec.DecodeError where it is none."""
    return _SHOW[is_json(payload)](payload)

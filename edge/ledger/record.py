"""What the node's journal has of orders: when each was placed, where, for how much, and whether it was cancelled."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from msgspec import Struct

from ..core.model import Acknowledge, RecordedEvent, Rejected, Row, decode_row

_KINDS: Final = (b"order.place", b"order.cancel")


class Order(Struct):
    """An order that the node accepted at `at` (its own clock, Unix ms)."""

    shop: str
    at: int
    amount_cents: int | None
    is_cancelled: bool = False


class _Body(Struct):
    """What counts of the two kinds of events."""

    kind: str
    order: str = ""
    shop: str = ""
    amount_cents: int | None = None


class Record(Struct):
    """The orders by name; `since` (Unix ms) is the time of the first row that the journal still has, 0 without one."""

    orders: dict[str, Order]
    since: int = 0


_decode = msgspec.msgpack.Decoder(_Body).decode


def read_record(rows: Iterable[tuple[int, bytes]]) -> Record:
    """The orders in the rows of a journal (number, body). Raises msgspec.DecodeError."""
    record = Record({})
    for _, body in rows:
        if not record.since:
            record.since = decode_row(body).now.wall_ms
        if any(kind in body for kind in _KINDS):  # plain text in a row: most need not be decoded
            _take(record, decode_row(body))
    return record


def _take(record: Record, row: Row) -> None:
    for event in _accepted(row):
        body = _decode(event.body)
        if body.kind == "order.place":
            record.orders[body.order] = Order(body.shop, row.now.wall_ms, body.amount_cents)
        elif body.kind == "order.cancel" and body.order in record.orders:
            record.orders[body.order].is_cancelled = True


def _accepted(row: Row) -> Iterator[RecordedEvent]:
    none: list[str] = []
    reasons = next((effect.reasons for effect in row.effects if isinstance(effect, Acknowledge)), none)
    decided = (item for item in row.inputs if isinstance(item, RecordedEvent | Rejected))
    for item, reason in zip(decided, reasons, strict=False):
        if isinstance(item, RecordedEvent) and not reason:
            yield item

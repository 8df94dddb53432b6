"""What a dispatcher's board is shown. Decides nothing, and leaves no trace; nothing of where anybody is.

A board asks again every few seconds, so an answer has a price that no number of orders changes: a page of at most
ROWS_MAX, and the sequence of all orders once in SEQUENCE_MS at most, for everybody who asks.
"""

from collections.abc import Iterable
from itertools import islice
from typing import Final

from ....core.model import Now
from ...rounds import milliseconds
from ..lifecycle import RETURNING
from ..messages.board import ROWS_MAX, Board, BoardList, BoardOrder, BoardOverride, BoardRider, RidersKnown, RidersList
from ..state.dispatch_state import DispatchState
from ..state.orders import Order
from ..view import late_s, rider_state

SEQUENCE_MS: Final = 1_000
"""A sequence is used for so long; one of more than 2,000 orders for half a millisecond for each of them."""

SEQUENCES_KEPT: Final = 16
"""Sequences of single shops."""


class Sequences:
    """The open orders by lateness, the latest first: of all shops (the name is empty), and of single ones."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, list[str]]] = {}

    def of(self, dispatch: DispatchState, shop: str, now_ms: int) -> list[str]:
        """The names as they were up to SEQUENCE_MS ago."""
        until_ms, names = self._known.get(shop, (0, []))
        if now_ms >= until_ms:
            found = dispatch.orders.of_shop.get(shop, {}) if shop else dispatch.orders.open
            names = _by_lateness(found.values(), now_ms)
            self._known.pop(shop, None)
            if len(self._known) > SEQUENCES_KEPT:
                del self._known[next(iter(self._known))]
            self._known[shop] = now_ms + max(SEQUENCE_MS, len(names) // 2), names
        return names


def _by_lateness(orders: Iterable[Order], now_ms: int) -> list[str]:
    keyed = [(-(late_s(order, now_ms) or 0), order.placed_ms, order.id) for order in orders]
    keyed.sort()
    return [name for _, _, name in keyed]


def board(dispatch: DispatchState, sequences: Sequences, asked: BoardList, now: Now) -> Board:
    """Open orders, the latest first."""
    now_ms = milliseconds(now)
    opened, shop = dispatch.orders.open, asked.shop or ""
    if asked.order is not None:
        one = opened.get(asked.order)
        rows = [_order(dispatch, one, now)] if one is not None and shop in ("", one.shop) else []
        return Board(at=now.wall_ms, orders=rows, open=len(rows))
    names, end = sequences.of(dispatch, shop, now_ms), asked.offset + ROWS_MAX
    rows = [_order(dispatch, opened[name], now) for name in names[asked.offset : end] if name in opened]
    many = len(dispatch.orders.of_shop.get(shop, ())) if shop else len(opened)
    after = end if end < len(names) else 0
    return Board(at=now.wall_ms, orders=rows, open=many, offset=asked.offset, next=after)


def _order(dispatch: DispatchState, order: Order, now: Now) -> BoardOrder:
    now_ms = milliseconds(now)
    behind_ms = now.wall_ms - now_ms
    late, made, terms = late_s(order, now_ms), order.override, order.terms
    held = dispatch.riders.known[order.rider].orders if order.rider else []
    return BoardOrder(
        order=order.id,
        shop=order.shop,
        state=order.state,
        placed_at=order.placed_ms + behind_ms,
        ready_at=order.ready_ms + behind_ms,
        promised_at=order.promised_anew_at or (order.promised_at if order.promised_ms else 0),
        expected_at=order.dropoff_ms + behind_ms if order.dropoff_ms else 0,
        late_s=None if late is None else round(late),
        rider=order.rider,
        position=held.index(order.id) if held else None,
        planned="" if order.rider else order.plan,
        override=None if made is None else BoardOverride(kind=made.kind, by=made.by, rider=made.rider),
        priority=terms.priority if terms is not None else 0,
        dropoff_from=terms.from_ms + behind_ms if terms is not None and terms.from_ms else 0,
        dropoff_by=terms.by_ms + behind_ms if terms is not None and terms.by_ms else 0,
        cause=order.failed.cause if order.failed is not None and order.state is RETURNING else "",
    )


def riders(dispatch: DispatchState, asked: RidersList, now: Now) -> RidersKnown:
    """Riders on shift, and those who still hold an order, in the sequence in which their shifts began."""
    now_ms, known, end = milliseconds(now), dispatch.riders.known, asked.offset + ROWS_MAX
    behind_ms = now.wall_ms - now_ms
    rows: list[BoardRider] = []
    for rider in islice(known.values(), asked.offset, end):
        contact_ms = dispatch.positions.contact_ms(rider.id)
        row = BoardRider(
            rider=rider.id,
            state=rider_state(dispatch, rider),
            capacity=rider.capacity,
            orders=len(rider.orders),
            free_at=rider.free_ms + behind_ms if rider.orders else 0,
            until=rider.until_ms + behind_ms if rider.on and rider.until_ms is not None else 0,
            paused_by=rider.paused,
            contact_s=None if contact_ms is None else max(now_ms - contact_ms, 0) // 1000,
        )
        rows.append(row)
    after = end if end < len(known) else 0
    return RidersKnown(at=now.wall_ms, riders=rows, known=len(known), offset=asked.offset, next=after)

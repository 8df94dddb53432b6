"""The state machine of an order, as a table: the next state for each state and event.

    placed -> offered -> accepted -> at_shop -> picked_up -> at_customer -> delivered
       ^         |           |          |         |    ^          |
       +---------+-----------+----------+         |    |          |     declined, timed out, shift over, rider silent
       |         |           |          |         +----|----------+---> returning -> returned
       |         |           |          |              +--------------------+        redelivery
       +---------+-----------+----------+-------------------------------------> cancelled (until pickup), undeliverable

Rules that the table follows:

- A repeated event is accepted again, without effect, so that a publisher that resends is never refused.
- Steps may be skipped: `picked_up` without `at_shop` and `delivered` without `picked_up` are accepted, because the
  food has moved in any case. Only an offer must be accepted before any step.
- A dispatcher may assign, pin or hold an order until the pickup. Who is at the shop already and is assigned the order
  stays there; nobody else is, so that the state goes back to accepted.
- Only what is picked up can fail: before the pickup its rider declines. An order that comes back goes out again with
  the same rider, who has the food (`redeliver`); one that is back at its shop is closed, and goes out as a new order.
- A closed order accepts nothing but a repeat of the event that closed it.
- After the pickup the kitchen's `ready` is accepted without effect, and its `delay` is too late.
- A rider who had accepted, was released as silent and then reports the pickup has the food: the order goes back to it,
  unless another rider has accepted since.
"""

from enum import StrEnum
from typing import Final, Literal

from ...errors import Reason


class OrderState(StrEnum):
    """The state of an order. The values are those of `state` in updates."""

    PLACED = "placed"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    AT_SHOP = "at_shop"
    PICKED_UP = "picked_up"
    AT_CUSTOMER = "at_customer"
    RETURNING = "returning"
    DELIVERED = "delivered"
    RETURNED = "returned"
    CANCELLED = "cancelled"
    UNDELIVERABLE = "undeliverable"


REASONS: Final = (
    "cancelled",
    "declined",
    "kitchen",
    "late_but_coming",
    "no answer",
    "no contact",
    "no rider",
    "not returned",
    "on hold",
    "picked up by another rider",
    "reassigned",
    "redelivery",
    "released",
    "rescheduled",
    "rider paused",
    "rider silent",
    "shift ended",
)
"""What the node writes as the reason of an update or a withdrawn offer, beside the words of a person."""


class OrderEvent(StrEnum):
    """What can happen to an order: events of clients, by the sender's relation to the order, and the node's own."""

    # by the customer or the shop
    PLACE = "place"
    CANCEL = "cancel"
    READY = "ready"
    DELAY = "delay"
    # by the shop or a dispatcher
    REDELIVER = "redeliver"
    # by a dispatcher
    ASSIGN = "assign"
    PIN = "pin"
    HOLD = "hold"
    UNDO = "undo"
    # by the rider of the current offer
    ACCEPT = "accept"
    DECLINE = "decline"
    AT_SHOP = "at_shop"
    PICKED_UP = "picked_up"
    AT_CUSTOMER = "at_customer"
    DELIVERED = "delivered"
    FAILED = "failed"
    RETURNED = "returned"
    # by the rider of an earlier offer
    LATE_ACCEPT = "late_accept"
    LATE_DECLINE = "late_decline"
    LATE_PICKED_UP = "late_picked_up"
    LATE_STEP = "late_step"
    # by the node: an offer goes out; the order loses its rider; the state has reached its time limit
    OFFER = "offer"
    RELEASE = "release"
    RUN_OUT = "run_out"


# A member's look-up in its class takes 0.2 us, which adds up in a round; these names take none.
PLACED: Final = OrderState.PLACED
OFFERED: Final = OrderState.OFFERED
ACCEPTED: Final = OrderState.ACCEPTED
AT_SHOP: Final = OrderState.AT_SHOP
PICKED_UP: Final = OrderState.PICKED_UP
AT_CUSTOMER: Final = OrderState.AT_CUSTOMER
RETURNING: Final = OrderState.RETURNING
DELIVERED: Final = OrderState.DELIVERED
RETURNED: Final = OrderState.RETURNED


_P, _O, _A, _S, _U, _K = PLACED, OFFERED, ACCEPTED, AT_SHOP, PICKED_UP, AT_CUSTOMER
_R, _D, _B = RETURNING, DELIVERED, RETURNED
_C, _X = OrderState.CANCELLED, OrderState.UNDELIVERABLE
_L, _SKIP, _NONE, _TWICE = Reason.TOO_LATE, Reason.OUT_OF_SEQUENCE, Reason.NOT_OFFERED, Reason.DUPLICATE_ORDER

# fmt: off
_ROWS: Final[dict[OrderEvent, tuple[OrderState | Reason, ...]]] = {
    # in state: PLACED, OFFERED, ACCEPTED, AT_SHOP, PICKED_UP, AT_CUSTOMER, RETURNING, DELIVERED, RETURNED, CANCELLED,
    # UNDELIVERABLE
    OrderEvent.PLACE: (_TWICE,) * 11,
    OrderEvent.CANCEL: (_C, _C, _C, _C, _L, _L, _L, _L, _L, _C, _L),
    OrderEvent.READY: (_P, _O, _A, _S, _U, _K, _R, _L, _L, _L, _L),
    OrderEvent.DELAY: (_P, _O, _A, _S, _L, _L, _L, _L, _L, _L, _L),
    OrderEvent.REDELIVER: (_SKIP, _SKIP, _SKIP, _SKIP, _SKIP, _SKIP, _U, _L, _L, _L, _L),
    OrderEvent.ASSIGN: (_A, _A, _A, _A, _L, _L, _L, _L, _L, _L, _L),
    OrderEvent.PIN: (_P, _O, _A, _S, _L, _L, _L, _L, _L, _L, _L),
    OrderEvent.HOLD: (_P, _P, _P, _P, _L, _L, _L, _L, _L, _L, _L),
    OrderEvent.UNDO: (_P, _O, _P, _P, _U, _K, _R, _L, _L, _L, _L),
    OrderEvent.ACCEPT: (_NONE, _A, _A, _S, _U, _K, _R, _D, _B, _L, _L),
    OrderEvent.DECLINE: (_NONE, _P, _P, _P, _L, _L, _L, _L, _L, _L, _L),
    OrderEvent.AT_SHOP: (_NONE, _SKIP, _S, _S, _U, _K, _R, _D, _B, _L, _L),
    OrderEvent.PICKED_UP: (_NONE, _SKIP, _U, _U, _U, _K, _R, _D, _B, _L, _L),
    OrderEvent.AT_CUSTOMER: (_NONE, _SKIP, _K, _K, _K, _K, _R, _D, _B, _L, _L),
    OrderEvent.DELIVERED: (_NONE, _SKIP, _D, _D, _D, _D, _D, _D, _L, _L, _L),
    OrderEvent.FAILED: (_NONE, _SKIP, _SKIP, _SKIP, _R, _R, _R, _L, _B, _L, _L),
    OrderEvent.RETURNED: (_NONE, _SKIP, _SKIP, _SKIP, _SKIP, _SKIP, _B, _L, _B, _L, _L),
    OrderEvent.LATE_ACCEPT: (_L,) * 11,
    OrderEvent.LATE_DECLINE: (_P, _O, _A, _S, _U, _K, _R, _D, _B, _C, _X),
    OrderEvent.LATE_PICKED_UP: (_U, _U, _L, _L, _L, _L, _L, _L, _L, _L, _L),
    OrderEvent.LATE_STEP: (_L,) * 11,
    OrderEvent.OFFER: (_O, _O, _A, _S, _U, _K, _R, _D, _B, _C, _X),
    OrderEvent.RELEASE: (_P, _P, _P, _P, _U, _K, _R, _D, _B, _C, _X),
    OrderEvent.RUN_OUT: (_X, _P, _X, _X, _X, _X, _X, _D, _B, _C, _X),
}
# fmt: on

TRANSITIONS: Final[dict[OrderState, dict[OrderEvent, OrderState | Reason]]] = {
    state: {order_event: row[column] for order_event, row in _ROWS.items()} for column, state in enumerate(OrderState)
}
"""For each state and event: the next state, or the reason of its refusal. The same state means that nothing changes
(except by `ready` and `delay`, which move the ready time)."""

IN_BAG: Final = (PICKED_UP, AT_CUSTOMER, RETURNING)
"""The states in which its rider carries the order."""

HELD: Final = (ACCEPTED, AT_SHOP, *IN_BAG)
"""The states in which the order is its rider's own."""

CLOSED: Final = (DELIVERED, RETURNED, OrderState.CANCELLED, OrderState.UNDELIVERABLE)
"""The states that nothing leaves."""

Cause = Literal["customer_absent", "wrong_address", "refused", "damaged", "other"]
"""Why an order could not be handed over."""

Canceller = Literal["customer", "shop", "dispatcher", "node"]
"""Who ends an order that is not delivered."""

WX_STATUS: Final = {_P: 101, _O: 101, _A: 102, _S: 201, _U: 202, _K: 301, _R: 304, _D: 302, _B: 401, _C: 103, _X: 501}
"""The numbers of WeChat's instant delivery (`order_status`) for the same states."""

WX_CANCELLED_AT_SHOP: Final = 203
"""Cancelled while the rider was at the shop already."""

WX_ON_THE_WAY: Final = 301
"""Picked up, in updates after that of the pickup."""

WX_RETURNING: Final[dict[str, int]] = {"refused": 305, "damaged": 305}
"""Returning because the recipient does not take it. The other causes have 304: there was nobody to give it to."""

"""What riders, customers and shops receive about an order: the trip, the state, and when it is expected."""

from collections.abc import Sequence
from functools import partial
from itertools import takewhile
from typing import Final, Literal

from ...core.effects import Effects
from ...core.model import Now
from .lifecycle import CLOSED, OFFERED, RETURNED, RETURNING, WX_RETURNING, WX_STATUS, Canceller
from .messages import Assignment, Stop, Update
from .state.dispatch_state import DispatchState
from .state.orders import Order
from .state.riders import same_pickup
from .times.learned import Interval

DOOR_DIGITS: Final = 2
"""An offer has the door to 0.01 degrees, some 700 m at most: enough to see where the ride goes, and not to whom."""

UPDATE_EXPIRY_S: Final = 2 * 3600.0
"""A status older than two hours is news to nobody."""


def update(
    dispatch: DispatchState,
    order: Order,
    now: Now,
    out: Effects,
    reason: str = "",
    to: Sequence[str] = (),
    wx_status: int = 0,
    cancelled_by: Canceller | Literal[""] = "",
) -> None:
    """The order's state, to its customer and its shop where `to` names nobody else. `wx_status` is given where it is
    not that of the state."""
    behind_ms = now.wall_ms - dispatch.now_ms
    cause, state = "", order.state
    if order.failed is not None and state in (RETURNING, RETURNED):
        cause = order.failed.cause
        wx_status = wx_status or (WX_RETURNING.get(cause, 0) if state is RETURNING else 0)
    if order.late and order.dropoff_ms and not order.promised_anew_at and state not in CLOSED:
        predicted_ms, around = foreseen(dispatch, order)
        order.promised_anew_at = predicted_ms + behind_ms + (around.promised * 1000 if around is not None else 0)
    body = Update(
        order=order.id,
        state=state,
        at=now.wall_ms,
        expected_at=order.dropoff_ms + behind_ms if order.dropoff_ms and state not in CLOSED else 0,
        ready_at=order.ready_ms + behind_ms,
        reason=reason,
        cancelled_by=cancelled_by,
        cause=cause,
        promised_at=order.promised_anew_at,
        wx_status=wx_status or WX_STATUS[state],
    )
    for client in dict.fromkeys(to or (order.client, order.shop)):
        out.send(client, body, now.mono + UPDATE_EXPIRY_S, order.id)


def assignment(dispatch: DispatchState, order: Order, at_ms: int, behind_ms: int) -> Assignment:
    """What the rider of an open order has to know of it, at `at_ms` by the wall clock; `behind_ms` is how far the
    monotonic clock is behind that."""
    offered = order.state is OFFERED
    return Assignment(
        offer=order.offer,
        order=order.id,
        state="offered" if offered else "accepted",
        at=at_ms,
        stops=_stops(dispatch, order, behind_ms),
        ready_at=order.ready_ms + behind_ms,
        answer_by=order.due_ms + behind_ms if offered else 0,
    )


def foreseen(dispatch: DispatchState, order: Order) -> tuple[int, Interval | None]:
    """The order's drop-off as it can be predicted, and the seconds around it; None where nothing is learned."""
    times = dispatch.times
    if not times.options.learn_times:
        return order.dropoff_ms, None
    beyond_s = times.beyond_s(order.shop, order.dropoff_lat, order.dropoff_lon)
    return order.dropoff_ms + beyond_s * 1000, times.interval(order.shop, order.stated)


def _stops(dispatch: DispatchState, order: Order, behind_ms: int) -> list[Stop]:
    """The trip in the sequence to visit: everything that is fetched with the order, then all doors. `behind_ms` is how
    far the monotonic clock is behind the wall clock."""
    if order.failed is not None:
        return _bag(dispatch, order, behind_ms)
    names, trip = dispatch.riders.known[order.rider].orders, [order]
    if len(names) > 1:
        held = [dispatch.orders.open[name] for name in names]
        index = held.index(order)
        before = list(takewhile(partial(same_pickup, order), reversed(held[:index])))
        trip = [*reversed(before), *takewhile(partial(same_pickup, order), held[index:])]
    pickups = [
        Stop(
            at="pickup",
            order=each.id,
            lat=each.pickup_lat,
            lon=each.pickup_lon,
            expected_at=each.pickup_ms + behind_ms,
            shop=each.shop,
        )
        for each in trip
    ]
    dropoffs = [
        Stop(
            at="dropoff",
            order=each.id,
            lat=round(each.dropoff_lat, DOOR_DIGITS) if each.state is OFFERED else each.dropoff_lat,
            lon=round(each.dropoff_lon, DOOR_DIGITS) if each.state is OFFERED else each.dropoff_lon,
            expected_at=each.dropoff_ms + behind_ms,
        )
        for each in trip
    ]
    return pickups + dropoffs


def _bag(dispatch: DispatchState, order: Order, behind_ms: int) -> list[Stop]:
    """Of an order that could not be handed over: where its rider brings what is in the bag, until this order's turn."""
    names = dispatch.riders.known[order.rider].orders
    return [
        Stop(
            at="return" if each.state is RETURNING else "dropoff",
            order=each.id,
            lat=each.dropoff_lat,
            lon=each.dropoff_lon,
            expected_at=each.dropoff_ms + behind_ms,
            shop=each.shop if each.state is RETURNING else "",
        )
        for each in (dispatch.orders.open[name] for name in names[: names.index(order.id) + 1])
    ]

"""What cannot be handed over: the rider is planned back to the shop, and the order is returned, or goes out again.

The return is the order's last leg: its drop-off becomes the shop, so that plans, times and places count it like any
other stop of its rider. It goes out again with the rider who has it; once it is back at its shop it is closed, and
sends out as a new order, with a promise of its own: nothing ever leaves a closed state.
"""

from typing import Final, get_args

from msgspec import structs

from ...core.effects import Effects
from ...core.model import Now
from ...core.scenario import Refusal
from ...errors import Reason
from .assignments import stale_ms, update
from .endings import end
from .lifecycle import AT_CUSTOMER, PICKED_UP, RETURNED, RETURNING, WX_ON_THE_WAY, Cause
from .messages.up import OrderRedeliver, RiderProgress
from .options import DispatchOptions
from .state.dispatch_state import DispatchState
from .state.fit import pace_of
from .state.orders import Failed, Order
from .state.terms import Terms
from .travel.ride_times import metres, ride_s

REDELIVERIES_MAX: Final = 3
"""How often an order goes out again: so that every order ends."""

CODE_TRIES_MAX: Final = 5
"""Wrong codes at the door after which none is compared any more: of 10,000 nobody finds one."""

_CAUSES: Final = get_args(Cause)
_AT_THE_DOOR: Final = ("customer_absent", "wrong_address", "refused")
"""Causes that a rider learns at the door; anything else may have happened on the way."""


def out_of_area(distance_m: int, rules: DispatchOptions) -> Refusal:
    """Of a door so far from its shop that nobody rides there."""
    return Refusal(Reason.OUT_OF_AREA, "dropoff", f"{distance_m} m from the shop; at most {rules.radius_m_max}")


def wrong_code(order: Order, terms: Terms, body: RiderProgress) -> Refusal | None:
    """Why the order is not delivered by this report, where its recipient was to give a code."""
    if not terms.code or (body.code == terms.code and terms.tries < CODE_TRIES_MAX):
        return None
    if body.code is None:
        return Refusal(Reason.WRONG_CODE, "code", "the recipient has a code for this order: ask for it")
    if terms.tries < CODE_TRIES_MAX:
        order.terms = structs.replace(terms, tries=terms.tries + 1)
        return Refusal(Reason.WRONG_CODE, "code", f"not the recipient's; {CODE_TRIES_MAX - terms.tries - 1} more tries")
    return Refusal(Reason.WRONG_CODE, "code", "too many tries: report failed; order.redeliver gives new ones")


def turn_round(
    dispatch: DispatchState, order: Order, body: RiderProgress, now: Now, out: Effects, spoken: str = ""
) -> Refusal | None:
    """Its rider cannot hand the order over, and brings it back. `spoken` is what it wrote, where no row keeps that."""
    if body.cause is None:
        return Refusal(Reason.MALFORMED, "cause", f"a failed delivery needs one of {', '.join(_CAUSES)}")
    now_ms, rider = dispatch.now_ms, dispatch.riders.known[order.rider]
    door = order.dropoff_lat, order.dropoff_lon
    if order.state is AT_CUSTOMER or body.cause in _AT_THE_DOOR:
        dispatch.riders.at(rider, *door, now_ms)
    else:
        rider.place_ms = 0
    times = 1 if order.failed is None else order.failed.times + 1
    order.failed = Failed(body.cause, times, *door)
    order.dropoff_lat, order.dropoff_lon = order.pickup_lat, order.pickup_lon
    order.ride_s = ride_s(*door, order.pickup_lat, order.pickup_lon, dispatch.rules)
    order.pickup_ms = now_ms
    dispatch.orders.move(order, RETURNING, now_ms, stale_ms(order, now_ms))
    out.count("order.failed", body.at)
    out.count(f"failed.{body.cause}", body.at)
    _go_on(dispatch, order, now, out, body.reason, spoken=spoken)
    return None


def redeliver(dispatch: DispatchState, order: Order, body: OrderRedeliver, now: Now, out: Effects) -> Refusal | None:
    """It goes out again, to the same door or another one."""
    failed, now_ms = order.failed, dispatch.now_ms
    assert failed is not None, f"{order.id} is returning and has not failed"
    if failed.times > REDELIVERIES_MAX:
        return Refusal(
            Reason.TOO_LATE, "order", f"it went out {failed.times} times; once it is back, place a new order"
        )
    lat, lon = (failed.lat, failed.lon) if body.dropoff is None else (body.dropoff.lat, body.dropoff.lon)
    distance_m = metres(order.pickup_lat, order.pickup_lon, lat, lon)
    if distance_m > dispatch.rules.radius_m_max:
        return out_of_area(distance_m, dispatch.rules)
    # As far back as the rider has come, and from the old door to the new one.
    pace = pace_of(dispatch.riders.known[order.rider], dispatch.rules)
    ridden_s = min(order.ride_s, round((now_ms - order.pickup_ms) / 1000 / pace))
    order.ride_s = ridden_s + ride_s(failed.lat, failed.lon, lat, lon, dispatch.rules)
    order.dropoff_lat, order.dropoff_lon = lat, lon
    order.pickup_ms = now_ms
    if order.terms is not None:
        order.terms = structs.replace(order.terms, tries=0)
    dispatch.riders.known[order.rider].place_ms = 0
    dispatch.orders.move(order, PICKED_UP, now_ms, stale_ms(order, now_ms))
    out.count("order.redelivered", body.at)
    _go_on(dispatch, order, now, out, "redelivery", WX_ON_THE_WAY)
    return None


def back(dispatch: DispatchState, order: Order, body: RiderProgress, now: Now, out: Effects) -> None:
    """It is at its shop again."""
    now_ms = dispatch.now_ms
    dispatch.riders.at(dispatch.riders.known[order.rider], order.pickup_lat, order.pickup_lon, now_ms)
    out.measure("failed_to_returned_ms", body.at, now_ms - order.pickup_ms)
    end(dispatch, order, RETURNED, now, out, body.at)


def delivered_after_all(order: Order) -> None:
    """Whoever was not there has come out: the order's door is where it was."""
    if order.state is RETURNING and order.failed is not None:
        order.dropoff_lat, order.dropoff_lon = order.failed.lat, order.failed.lon


def _go_on(
    dispatch: DispatchState,
    order: Order,
    now: Now,
    out: Effects,
    reason: str,
    wx_status: int = 0,
    spoken: str = "",
) -> None:
    """Its rider's route has changed: everybody learns of it."""
    rider = dispatch.riders.known[order.rider]
    dispatch.riders.sort(rider, dispatch.orders)
    dispatch.riders.reschedule(rider, dispatch.orders, dispatch.rules, dispatch.now_ms)
    dispatch.taken.append(order)
    update(dispatch, order, now, out, reason, wx_status=wx_status, spoken=spoken)

"""Whether anybody on shift could ever fetch an order, as far as the node knows. Asked about each that finds no rider at
once and, where orders out of reach are refused (`unreachable = "refuse"`), about each that is placed."""

from collections.abc import Sequence
from typing import Final

from ..records import RiderDistance
from ..state.dispatch_state import DispatchState
from ..state.fit import in_words
from ..state.orders import Order
from ..state.riders import Rider
from ..travel.ride_times import metres
from .candidates import CANDIDATES_MAX

OFFER_AHEAD_S: Final = 3600
"""An order is offered at most this long before it is ready, so that an order for tonight binds no rider now. Who is on
shift by then is not known."""

ASKED_MAX: Final = CANDIDATES_MAX
"""Idle riders near a shop that are asked about, the nearest first: not all of their shifts end before the pickup."""

Shop = tuple[float, float]


def out_of_reach(dispatch: DispatchState, order: Order, near: Sequence[RiderDistance]) -> str:
    """Why nobody on shift can fetch the order, a clause without its end; empty where one may, or where it is too early
    to know. `near` are the idle riders who can take it, whose place is known and within `radius_m_max`."""
    riders, ready_ms = dispatch.riders, order.ready_ms
    if ready_ms - dispatch.now_ms > OFFER_AHEAD_S * 1000:
        return ""
    if not riders.watched:
        return "no rider is on shift"
    if any(_lasts(riders.known[one.rider], ready_ms) for one in near):
        return ""
    fits, on_shift = riders.fits(order), [rider for rider in riders.known.values() if rider.on]
    if fits is not None:
        misfits = [riders.misfit(order, rider) for rider in on_shift]
        if all(misfits):
            return f"no rider on shift can take the order: it is {in_words(misfits)} of them"
        on_shift = [rider for rider, why in zip(on_shift, misfits, strict=True) if not why]
    # Busy riders have no place of their own here: they are as near as their last stop.
    shop = order.pickup_lat, order.pickup_lon
    if any(_lasts(rider, ready_ms) and _comes_near(dispatch, rider, shop) for rider in on_shift):
        return ""
    return "no rider on shift is within reach of the shop until it is ready"


def _lasts(rider: Rider, ready_ms: int) -> bool:
    return rider.on and not (rider.silent or rider.paused) and (rider.off_ms is None or rider.off_ms > ready_ms)


def _comes_near(dispatch: DispatchState, rider: Rider, shop: Shop) -> bool:
    if rider.orders:
        last = dispatch.orders.open[rider.orders[-1]]
        place = last.dropoff_lat, last.dropoff_lon
    elif rider.moving:
        place = rider.lat, rider.lon
    else:
        return False
    return metres(*place, *shop) <= dispatch.rules.radius_m_max

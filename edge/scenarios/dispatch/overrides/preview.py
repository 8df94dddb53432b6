"""The answer to a dispatcher who asks what an assignment would cost. Decides nothing, and leaves no trace."""

from typing import Final

from msgspec import structs

from ....core.model import Now
from ....core.scenario import Refusal
from ....errors import Reason
from ...rounds import milliseconds
from ..decide.candidates import candidates_for
from ..lifecycle import TRANSITIONS, OrderEvent
from ..messages.overrides import Choice, OrderPreview, Preview
from ..state.dispatch_state import DispatchState
from ..state.orders import Order
from ..state.sensor import LiveSensor
from .cost import cost_of
from .orders import OTHER_SHOP, refused

CHOICES_MAX: Final = 6
"""Riders in one answer: more than a person compares."""


def preview(dispatch: DispatchState, asked: OrderPreview, now: Now) -> Preview:
    """What it would cost to assign the order: to the rider that was asked about, or to the best ones."""
    dispatch.now_ms = milliseconds(now)
    order = dispatch.orders.find(asked.order)
    if order is None:
        return _none(asked, now, Refusal(Reason.UNKNOWN_ORDER, "order", "no such order here, or closed long ago"))
    if asked.shop not in (None, order.shop):
        return _none(asked, now, Refusal(Reason.NOT_YOURS, "order", OTHER_SHOP))
    if not isinstance(order, Order) or isinstance(TRANSITIONS[order.state][OrderEvent.ASSIGN], Reason):
        return _none(asked, now, Refusal(Reason.TOO_LATE, "order", f"the order is {order.state}"))
    names = [asked.rider] if asked.rider is not None else _best(dispatch, order)
    behind_ms = now.wall_ms - dispatch.now_ms
    choices: list[Choice] = []
    for name in names:
        rider = refused(dispatch, order, name)
        if isinstance(rider, Refusal):
            if asked.rider is not None:
                return _none(asked, now, rider)
            continue
        seen = dispatch.positions.ride(name, order.pickup_lat, order.pickup_lon, dispatch.now_ms)
        cost = cost_of(dispatch, order, rider, asked.position, seen[0].travel_s if seen else 0)
        choices.append(Choice(rider=name, expected_at=cost.dropoff_ms + behind_ms, delays=cost.delays))
    choices.sort(key=lambda one: (one.expected_at, one.rider))
    expected_at = order.dropoff_ms + behind_ms if order.dropoff_ms else 0
    return Preview(order=order.id, at=now.wall_ms, expected_at=expected_at, choices=choices[:CHOICES_MAX])


def _best(dispatch: DispatchState, order: Order) -> list[str]:
    sensor, rules = LiveSensor(dispatch.positions), dispatch.rules
    free = structs.replace(order, override=None, plan="")
    (found,), _ = candidates_for([free], dispatch.orders, dispatch.riders, rules, sensor, dispatch.now_ms)
    return [one.rider for one in found]


def _none(asked: OrderPreview, now: Now, refusal: Refusal) -> Preview:
    return Preview(order=asked.order, at=now.wall_ms, reason=refusal.reason, detail=refusal.detail)

"""A dispatcher assigns, pins, holds or releases an order; and what becomes of that when the rider does otherwise.

The planner plans around it: what is assigned is accepted, and stays with its rider like all that is; what is pinned has
one candidate; what is on hold does not wait. An override ends when its rider cannot keep it (declines, does not answer,
goes home, is silent). Whoever made it gets every update of the order, so that it ends for nobody silently.
"""

from typing import Final

from ....core.effects import Effects
from ....core.model import Event, Now
from ....core.scenario import Refusal
from ....errors import Reason
from ....messages.grants import EVERY_SHOP
from ..assignments import forecast, stale_ms, update
from ..decide.reach import OFFER_AHEAD_S
from ..endings import end_override, release, take_over, unload
from ..lifecycle import ACCEPTED, AT_SHOP, OFFERED, PLACED, TRANSITIONS, OrderEvent
from ..messages.catalog import OrderOverride
from ..messages.overrides import OrderAssign, OrderHold, OrderPin, OrderRelease
from ..state.dispatch_state import DispatchState
from ..state.fit import MISFITS, has_room
from ..state.orders import Closed, Order, Override
from ..state.riders import Rider
from ..state.sensor import Sensor
from .cost import cost_of

OTHER_SHOP: Final = "it is an order of another shop than the one that you act for"

_EVENTS: Final[dict[type[OrderOverride], OrderEvent]] = {
    OrderAssign: OrderEvent.ASSIGN,
    OrderPin: OrderEvent.PIN,
    OrderHold: OrderEvent.HOLD,
    OrderRelease: OrderEvent.UNDO,
}


def override(
    dispatch: DispatchState,
    event: Event,
    order: Order | Closed,
    body: OrderOverride,
    now: Now,
    sensor: Sensor,
    out: Effects,
) -> Refusal | None:
    """One decision of a dispatcher about an order. None where it is accepted."""
    if event.shop not in (order.shop, EVERY_SHOP):
        return Refusal(Reason.NOT_YOURS, "order", OTHER_SHOP)
    after = TRANSITIONS[order.state][_EVENTS[type(body)]]
    if isinstance(after, Reason) or isinstance(order, Closed):
        return Refusal(Reason.TOO_LATE, "order", f"the order is {order.state}")
    if isinstance(body, OrderAssign):
        return _assign(dispatch, event, order, body, now, sensor, out)
    if isinstance(body, OrderPin):
        return _pin(dispatch, event, order, body, out)
    if isinstance(body, OrderHold):
        _hold(dispatch, event, order, now, out)
    else:
        _release(dispatch, order, now, out)
    return None


def refused(dispatch: DispatchState, order: Order, name: str) -> Rider | Refusal:
    """The rider to whom the order can be assigned, or why it cannot."""
    rider = dispatch.riders.known.get(name)
    if rider is None or not rider.on:
        return Refusal(Reason.UNKNOWN_RIDER, "rider", f"{name} is not on shift")
    if rider.silent:
        return Refusal(Reason.UNKNOWN_RIDER, "rider", f"nothing came from {name} for {dispatch.rules.silent_s} s")
    if rider.paused:
        return Refusal(Reason.OUT_OF_SEQUENCE, "rider", f"{rider.paused} has paused {name}: send rider.resume first")
    if why := dispatch.riders.misfit(order, rider):
        return _misfit(why, name)
    if order.rider != name and not has_room(rider, order, dispatch.orders.open):
        full = f"{name} has {len(rider.orders)} orders of at most {rider.capacity}, or as much as it carries"
        return Refusal(Reason.OVER_CAPACITY, "rider", f"{full}; take one from it first")
    ahead_s = (order.ready_ms - dispatch.now_ms) // 1000
    if ahead_s > OFFER_AHEAD_S:
        detail = f"ready in {ahead_s // 60} min: send order.pin, and {name} gets the offer in time"
        return Refusal(Reason.OUT_OF_SEQUENCE, "order", detail)
    return rider


def _misfit(why: str, rider: str) -> Refusal:
    reason = Reason.OVER_CAPACITY if why == "load" else Reason.OUT_OF_AREA if why == "zone" else Reason.UNREACHABLE
    return Refusal(reason, "rider", f"the order is {MISFITS[why]} {rider}")


# -- each of them ------------------------------------------------------------------------------------------------------


def _assign(
    dispatch: DispatchState, event: Event, order: Order, body: OrderAssign, now: Now, sensor: Sensor, out: Effects
) -> Refusal | None:
    rider, now_ms = refused(dispatch, order, body.rider), dispatch.now_ms
    if isinstance(rider, Refusal):
        return rider
    seen = sensor.ride(order.id, rider.id, order.pickup_lat, order.pickup_lon, now_ms)
    cost = cost_of(dispatch, order, rider, body.position, seen[0].travel_s if seen else 0)
    is_new = order.rider != rider.id
    if order.rider and is_new:
        if order.state is not OFFERED:
            out.count("order.reassigned", body.at)
        unload(dispatch, order, now, out, f"given to another rider by {event.client}")
    if is_new or order.state is OFFERED:
        out.count("order.assigned", body.at)
        out.measure("placed_to_accepted_ms", body.at, now_ms - order.placed_ms)
    if is_new:
        order.arrive_ms = cost.arrive_ms
        take_over(dispatch, order, rider, cost.before)
    else:
        dispatch.riders.drop(rider, order.id)
        dispatch.riders.take(rider, order.id, cost.before)
        if order.state is OFFERED:
            dispatch.orders.move(order, ACCEPTED, now_ms, stale_ms(order, now_ms))
        dispatch.taken.append(order)
    order.plan = ""
    dispatch.riders.reschedule(rider, dispatch.orders, dispatch.rules, now_ms)
    _set(dispatch, event, order, Override("assigned", event.client, rider.id), out)
    dispatch.costs[event.client, body.id] = cost
    dispatch.changed = True
    update(dispatch, order, now, out)
    return None


def _pin(dispatch: DispatchState, event: Event, order: Order, body: OrderPin, out: Effects) -> Refusal | None:
    name = body.rider or order.rider or order.plan
    if not name:
        return Refusal(Reason.OUT_OF_SEQUENCE, "rider", "nobody has the order, or is planned for it: name a rider")
    if order.rider and order.rider != name:
        return Refusal(Reason.OUT_OF_SEQUENCE, "rider", f"{order.rider} has the order: send order.assign to move it")
    rider = dispatch.riders.known.get(name)
    if rider is None or not rider.on:
        return Refusal(Reason.UNKNOWN_RIDER, "rider", f"{name} is not on shift")
    if why := dispatch.riders.misfit(order, rider):
        return _misfit(why, name)
    if order.plan != name:
        order.plan = ""
    order.excluded.pop(name, None)
    _set(dispatch, event, order, Override("pinned", event.client, name), out)
    dispatch.changed = True
    return None


def _hold(dispatch: DispatchState, event: Event, order: Order, now: Now, out: Effects) -> None:
    if order.state is PLACED:
        forecast(dispatch, order, None, now)
        update(dispatch, order, now, out, "on hold", (order.shop,))
    else:
        release(dispatch, order, now, out, "on hold")
    _set(dispatch, event, order, Override("held", event.client), out)


def _release(dispatch: DispatchState, order: Order, now: Now, out: Effects) -> None:
    made = order.override
    if made is not None and made.kind == "assigned" and order.state in (ACCEPTED, AT_SHOP):
        release(dispatch, order, now, out, "released")
    elif made is not None:
        end_override(dispatch, order)
        if made.kind == "held" and order.state is PLACED:
            update(dispatch, order, now, out, "released", (order.shop,))


def _set(dispatch: DispatchState, event: Event, order: Order, made: Override, out: Effects) -> None:
    dispatch.orders.set_override(order, made)
    out.count(f"override.{made.kind}", event.body.at)

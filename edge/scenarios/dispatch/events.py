"""What each event does to orders and riders, once its sender is known to be the right one.

Ownership comes first (whose order is it, whose offer), then the table of `lifecycle`, then the effect.
"""

from typing import Final

from ...core.effects import Effects
from ...core.model import Event, Now
from ...core.scenario import Refusal
from ...errors import Reason
from ...messages.grants import EVERY_SHOP
from . import returns
from .assignments import stale_ms, update, wait_ms
from .decide.reach import ASKED_MAX, out_of_reach
from .endings import end, exclude, leave, release, resume, unload
from .lifecycle import (
    ACCEPTED,
    AT_CUSTOMER,
    AT_SHOP,
    DELIVERED,
    IN_BAG,
    OFFERED,
    PICKED_UP,
    PLACED,
    RETURNED,
    RETURNING,
    TRANSITIONS,
    Canceller,
    OrderEvent,
    OrderState,
)
from .messages.catalog import Durable, OrderOverride, WithoutOrder
from .messages.overrides import OrderReschedule
from .messages.up import (
    KitchenDelay,
    KitchenReady,
    OrderCancel,
    OrderPlace,
    OrderRedeliver,
    RiderProgress,
    RiderReply,
    RiderShift,
)
from .overrides.orders import override
from .overrides.riders import pause_or_resume
from .overrides.windows import agree, has_terms, implausible, ready_from
from .state.dispatch_state import DispatchState
from .state.fit import has_room, limits_of
from .state.orders import Closed, Order, no_room
from .state.riders import RIDERS_MAX
from .state.sensor import Sensor
from .times import labels
from .times.messages import TimesReset
from .travel.ride_times import metres, ride_s

_ACCEPT: Final = OrderEvent.ACCEPT
_DECLINE: Final = OrderEvent.DECLINE
_LATE_PICKED_UP: Final = OrderEvent.LATE_PICKED_UP
_STEP: Final = {
    "at_shop": OrderEvent.AT_SHOP,
    "picked_up": OrderEvent.PICKED_UP,
    "at_customer": OrderEvent.AT_CUSTOMER,
    "delivered": OrderEvent.DELIVERED,
    "failed": OrderEvent.FAILED,
    "returned": OrderEvent.RETURNED,
}


def apply(dispatch: DispatchState, event: Event, now: Now, sensor: Sensor, out: Effects) -> Refusal | None:
    """One event. None where it is accepted."""
    client = event.client
    body: Durable = event.body  # pyright: ignore[reportAssignmentType] - the catalogue hands over no other kinds
    rider = dispatch.riders.known.get(client)
    if rider is not None:
        dispatch.riders.touch(rider, dispatch.now_ms)
    if isinstance(body, OrderPlace):
        return _place(dispatch, event, body, now, sensor, out)
    if isinstance(body, WithoutOrder):
        if isinstance(body, RiderShift):
            return _shift(dispatch, client, body, now, out)
        if isinstance(body, TimesReset):
            return dispatch.times.forget(body.shop)
        return pause_or_resume(dispatch, event, body, now, out)
    order = dispatch.orders.find(body.order)
    if order is None:
        return Refusal(Reason.UNKNOWN_ORDER, "order", "no such order here, or closed long ago")
    if isinstance(body, RiderReply):
        return _reply(dispatch, client, order, body, now, out)
    if isinstance(body, RiderProgress):
        return _progress(dispatch, event, order, body, now, out)
    if isinstance(body, OrderCancel):
        return _cancel(dispatch, event, order, body, now, out)
    if isinstance(body, OrderRedeliver):
        if event.shop not in (order.shop, EVERY_SHOP):
            return Refusal(Reason.NOT_YOURS, "order", "only its shop, or a dispatcher, may send it out again")
        refusal = _refusal(order, OrderEvent.REDELIVER)
        return refusal if isinstance(order, Closed) or refusal else returns.redeliver(dispatch, order, body, now, out)
    if isinstance(body, OrderOverride):
        return override(dispatch, event, order, body, now, sensor, out)
    if event.shop != order.shop and not (event.shop == EVERY_SHOP and isinstance(body, OrderReschedule)):
        if isinstance(body, OrderReschedule):
            return Refusal(Reason.NOT_YOURS, "order", "only its shop, or a dispatcher, may give it other times")
        return Refusal(Reason.NOT_YOURS, "order", "only its shop may report when it is ready")
    return _kitchen(dispatch, order, body, now, out)


# -- customers and shops -----------------------------------------------------------------------------------------------


def _place(
    dispatch: DispatchState, event: Event, body: OrderPlace, now: Now, sensor: Sensor, out: Effects
) -> Refusal | None:
    client = event.client
    if dispatch.orders.find(body.order) is not None:
        return Refusal(Reason.DUPLICATE_ORDER, "order", "this order was placed before, by another event")
    refusal = no_room(dispatch.orders, dispatch.rules, client, body.shop, own=event.shop == body.shop)
    if refusal is not None:
        return refusal
    pickup, dropoff = body.pickup, body.dropoff
    distance_m = metres(pickup.lat, pickup.lon, dropoff.lat, dropoff.lon)
    if distance_m > dispatch.rules.radius_m_max:
        return returns.out_of_area(distance_m, dispatch.rules)
    now_ms = dispatch.now_ms
    stated = body.prep_s is not None or body.ready_at is not None
    assumed_ms = now_ms + (dispatch.times.options.prep_s if body.prep_s is None else body.prep_s) * 1000
    if body.ready_at is not None:
        if refusal := implausible("ready_at", body.ready_at, now):
            return refusal
        assumed_ms = max(now_ms, now_ms + body.ready_at - now.wall_ms)
    order = Order(
        body.order,
        client,
        body.shop,
        pickup.lat,
        pickup.lon,
        dropoff.lat,
        dropoff.lon,
        ride_s(pickup.lat, pickup.lon, dropoff.lat, dropoff.lon, dispatch.rules, distance_m),
        now_ms,
        dispatch.times.ready_ms(body.shop, stated, assumed_ms, now_ms, pickup.lon),
        body.promise,
        entered_ms=now_ms,
        stated=stated,
        assumed_ms=assumed_ms,
    )
    rules = dispatch.rules
    if has_terms(body, rules) and (refusal := agree(order, body, rules, now, now_ms)):
        return refusal
    if rules.unreachable == "refuse":
        riders, fits = dispatch.riders, dispatch.riders.fits(order)
        near = sensor.nearest(order.id, pickup.lat, pickup.lon, ASKED_MAX, now_ms, fits) if riders.idle else ()
        if nobody := out_of_reach(dispatch, order, near):
            return Refusal(Reason.UNREACHABLE, "", nobody)
    dispatch.orders.add(order, wait_ms(dispatch, order))
    dispatch.changed = True
    out.count("order.placed", body.at, 1, order.shop, client)
    out.locate("order.placed", body.at, dropoff.lat, dropoff.lon, client)
    # The customer has the receipt; for the shop this is how it learns of the order.
    if order.shop != client:
        update(dispatch, order, now, out, to=(order.shop,))
    return None


def _cancel(
    dispatch: DispatchState, event: Event, order: Order | Closed, body: OrderCancel, now: Now, out: Effects
) -> Refusal | None:
    by: Canceller
    if event.shop == order.shop:
        by = "shop"
    elif event.client == order.client:
        by = "customer"
    elif event.shop == EVERY_SHOP:
        by = "dispatcher"
    else:
        return Refusal(Reason.NOT_YOURS, "order", "only its customer, its shop, or a dispatcher may cancel it")
    refusal = _refusal(order, OrderEvent.CANCEL)
    if refusal is None and isinstance(order, Order):
        reason = body.reason or "cancelled"
        end(dispatch, order, OrderState.CANCELLED, now, out, body.at, reason, by, _spoken(event))
    return refusal


def _kitchen(
    dispatch: DispatchState,
    order: Order | Closed,
    body: KitchenReady | KitchenDelay | OrderReschedule,
    now: Now,
    out: Effects,
) -> Refusal | None:
    refusal = _refusal(order, OrderEvent.READY if isinstance(body, KitchenReady) else OrderEvent.DELAY)
    if refusal is not None or not isinstance(order, Order) or order.state in IN_BAG:
        return refusal
    now_ms, reason = dispatch.now_ms, "kitchen"
    if isinstance(body, OrderReschedule):
        if refusal := agree(order, body, dispatch.rules, now, now_ms):
            return refusal
        reason, order.plan = "rescheduled", ""
        out.count("order.rescheduled", body.at)
    elif isinstance(body, KitchenDelay):
        if refusal := implausible("ready_at", body.ready_at, now):
            return refusal
        order.ready_ms = max(now_ms, now_ms + body.ready_at - now.wall_ms)
        order.is_ready = False
        out.count("order.delayed", body.at)
    elif order.is_ready:
        return None
    else:
        order.ready_ms = now_ms
        order.is_ready = True
        out.count("order.ready", body.at)
    if order.terms is not None and reason == "kitchen":
        ready_from(order, order.terms, order.ready_ms, dispatch.rules)
    rider = dispatch.riders.known.get(order.rider) if order.rider else None
    if rider is not None:
        dispatch.riders.reschedule(rider, dispatch.orders, dispatch.rules, now_ms)
    if order.state is PLACED:
        dispatch.changed = True
        dispatch.orders.due(order, wait_ms(dispatch, order))
    elif order.state is not OFFERED:
        dispatch.orders.due(order, stale_ms(order, now_ms))
    update(dispatch, order, now, out, reason, (order.client, order.shop, *([order.rider] if order.rider else [])))
    return None


# -- riders ------------------------------------------------------------------------------------------------------------


def _shift(dispatch: DispatchState, client: str, body: RiderShift, now: Now, out: Effects) -> Refusal | None:
    now_ms = dispatch.now_ms
    rider = dispatch.riders.known.get(client)
    if not body.on:
        if rider is not None and rider.on:
            leave(dispatch, rider, body.after_orders, now, out, body.at)
        return None
    if rider is None and len(dispatch.riders.known) >= RIDERS_MAX:
        return Refusal(Reason.OVER_CAPACITY, "", f"{RIDERS_MAX} riders are on shift; try again later")
    until_ms = None if body.until is None else now_ms + body.until - now.wall_ms
    if until_ms is not None and until_ms <= now_ms:
        return Refusal(Reason.TOO_LATE, "until", f"the shift would be over already by the node's clock ({now.wall_ms})")
    if rider is None or not rider.on:
        out.count("shift.started", body.at)
        dispatch.advice.due.append(client)
    limits = limits_of(body)
    if isinstance(limits, Refusal):
        return limits
    if rider is not None and rider.duty.leaves:
        resume(dispatch, rider)
    dispatch.riders.begin(client, body.capacity, until_ms, now_ms, limits)
    dispatch.changed = True
    return None


def _reply(
    dispatch: DispatchState, client: str, order: Order | Closed, body: RiderReply, now: Now, out: Effects
) -> Refusal | None:
    if order.rider == client and order.offer == body.offer:
        order_event = _ACCEPT if body.accept else _DECLINE
    elif any(one.offer == body.offer and one.rider == client for one in order.past):
        order_event = OrderEvent.LATE_ACCEPT if body.accept else OrderEvent.LATE_DECLINE
    else:
        return Refusal(Reason.NOT_OFFERED, "offer", "no such offer of this order to you")
    before = order.state
    refusal = _refusal(order, order_event)
    if refusal is not None or not isinstance(order, Order):
        return refusal
    now_ms = dispatch.now_ms
    if order_event is _DECLINE:
        out.count("offer.declined", body.at, 1, order.shop, order.client)
        exclude(order, client, now_ms)
        release(dispatch, order, now, out, "declined", notify_rider=False)
    elif order_event is _ACCEPT and before is OFFERED:
        dispatch.orders.move(order, ACCEPTED, now_ms, stale_ms(order, now_ms))
        dispatch.changed = True
        out.count("order.assigned", body.at)
        out.measure("placed_to_accepted_ms", body.at, now_ms - order.placed_ms)
        dispatch.taken.append(order)
        update(dispatch, order, now, out)
    return None


def _progress(
    dispatch: DispatchState, event: Event, order: Order | Closed, body: RiderProgress, now: Now, out: Effects
) -> Refusal | None:
    client = event.client
    if order.rider == client:
        order_event = _STEP[body.step]
    elif any(one.rider == client and one.accepted for one in order.past):
        order_event = _LATE_PICKED_UP if body.step == "picked_up" else OrderEvent.LATE_STEP
    elif any(one.rider == client for one in order.past):
        return Refusal(Reason.NOT_OFFERED, "order", "you did not accept this order in time")
    elif dispatch.riders.known.get(client) is None:
        return Refusal(Reason.UNKNOWN_RIDER, "", "begin a shift first")
    else:
        return Refusal(Reason.NOT_YOURS, "order", "another rider, or none, has this order")
    refusal = _refusal(order, order_event)
    if refusal is not None or not isinstance(order, Order):
        return refusal
    if order_event is _LATE_PICKED_UP:
        return _reclaim(dispatch, client, order, body, now, out)
    after = TRANSITIONS[order.state][order_event]
    if after is order.state:
        return None
    if after is DELIVERED:
        if order.terms is not None and (refusal := returns.wrong_code(order, order.terms, body)):
            return refusal
        _deliver(dispatch, order, body, now, out)
    elif after is RETURNING:
        return returns.turn_round(dispatch, order, body, now, out, _spoken(event))
    elif after is RETURNED:
        returns.back(dispatch, order, body, now, out)
    elif after is AT_CUSTOMER:
        _at_door(dispatch, order, body, now, out)
    else:
        _advance(dispatch, order, OrderState(after), body, now, out)
    return None


def _advance(
    dispatch: DispatchState, order: Order, state: OrderState, body: RiderProgress, now: Now, out: Effects
) -> None:
    """At the shop, or away from it with the food."""
    now_ms = dispatch.now_ms
    rider = dispatch.riders.known[order.rider]
    if state is PICKED_UP:
        labels.picked_up(dispatch.times, order, rider, dispatch.orders, now_ms)
    dispatch.orders.move(order, state, now_ms, stale_ms(order, now_ms))
    dispatch.riders.at(rider, order.pickup_lat, order.pickup_lon, now_ms)
    if state is AT_SHOP:
        order.arrive_ms = now_ms
        out.count("order.at_shop", body.at)
    else:
        order.pickup_ms = now_ms
        dispatch.riders.sort(rider, dispatch.orders)
        out.count("order.picked_up", body.at)
        out.measure("ready_to_pickup_ms", body.at, max(0, now_ms - order.ready_ms))
    # Not worth a decision of its own: it moves the plans of others by little, and the next look finds that.
    dispatch.riders.reschedule(rider, dispatch.orders, dispatch.rules, now_ms)
    update(dispatch, order, now, out)


def _at_door(dispatch: DispatchState, order: Order, body: RiderProgress, now: Now, out: Effects) -> None:
    """Where the rider is, but no change of hands: how long rides and handovers take is learned from those."""
    now_ms = dispatch.now_ms
    rider = dispatch.riders.known[order.rider]
    if order.state is not PICKED_UP:
        rider.place_ms = 0  # nobody knows when it left the shop
    dispatch.orders.move(order, AT_CUSTOMER, now_ms, stale_ms(order, now_ms))
    dispatch.positions.put(rider.id, now_ms, order.dropoff_lat, order.dropoff_lon)
    dispatch.riders.sort(rider, dispatch.orders)
    dispatch.riders.reschedule(rider, dispatch.orders, dispatch.rules, now_ms)
    out.count("order.at_customer", body.at)
    update(dispatch, order, now, out)


def _deliver(dispatch: DispatchState, order: Order, body: RiderProgress, now: Now, out: Effects) -> None:
    now_ms = dispatch.now_ms
    rider = dispatch.riders.known[order.rider]
    if order.failed is None:
        labels.delivered(dispatch.times, order, rider, now_ms)
    else:
        returns.delivered_after_all(order)
    dispatch.riders.at(rider, order.dropoff_lat, order.dropoff_lon, now_ms)
    order.dropoff_ms = now_ms
    out.measure("click_to_door_ms", body.at, now_ms - order.placed_ms)
    if order.promised_ms:
        out.measure("promise_error_ms", body.at, abs(now_ms - order.promised_ms))
    out.locate("order.delivered", body.at, order.dropoff_lat, order.dropoff_lon, order.client)
    end(dispatch, order, DELIVERED, now, out, body.at)


def _reclaim(
    dispatch: DispatchState, client: str, order: Order, body: RiderProgress, now: Now, out: Effects
) -> Refusal | None:
    """A rider given up as silent comes back with the food. It gets the order back if it can still hold it."""
    rider = dispatch.riders.known.get(client)
    if rider is None or not rider.on or not has_room(rider, order, dispatch.orders.open):
        return Refusal(Reason.TOO_LATE, "order", "it was given to others when you were silent; bring it back")
    offer = next(one.offer for one in reversed(order.past) if one.rider == client and one.accepted)
    if order.rider:
        unload(dispatch, order, now, out, "picked up by another rider")
    order.rider, order.offer, order.plan = client, offer, ""
    dispatch.riders.take(rider, order.id)
    dispatch.taken.append(order)
    out.cancel(client, "assignment", order.id)
    out.count("order.reclaimed", body.at)
    _advance(dispatch, order, PICKED_UP, body, now, out)
    return None


def _spoken(event: Event) -> str:
    """What its sender wrote about it, where the row does not keep that: to pass on, never to decide by."""
    return event.observed.reason if isinstance(event.observed, OrderCancel | RiderProgress) else ""


def _refusal(order: Order | Closed, order_event: OrderEvent) -> Refusal | None:
    outcome = TRANSITIONS[order.state][order_event]
    return Refusal(outcome, "order", f"the order is {order.state}") if isinstance(outcome, Reason) else None

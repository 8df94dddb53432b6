"""What runs out, and how orders lose their riders, come to be late, and end.

Everything here changes durable state alone; nothing here looks at positions.
"""

from collections.abc import Sequence
from typing import Final, Literal

from msgspec.structs import replace

from ...core.effects import Effects
from ...core.model import Now
from .assignments import UPDATE_EXPIRY_S, forecast, stale_ms, update, wait_ms
from .lifecycle import (
    ACCEPTED,
    AT_SHOP,
    CLOSED,
    DELIVERED,
    OFFERED,
    PLACED,
    RETURNED,
    RETURNING,
    TRANSITIONS,
    WX_CANCELLED_AT_SHOP,
    Canceller,
    OrderEvent,
    OrderState,
)
from .messages.down import Assignment
from .records import Decision
from .state import duty
from .state.dispatch_state import DispatchState
from .state.orders import OFFERS_PAST_KEPT, Offered, Order
from .state.riders import Rider
from .times.learned import PROMISE_TOLERANCE_S

IDLE_COVERED: Final = 16
"""With more idle riders every shop is covered, and no advice is looked for after a delivery: with 200 of them each look
took as long as all else that is done for an order."""

EXCLUDED_S: Final = 600
"""A rider that declined an order, or let its offer lapse, is not asked again about it for this long."""

_ENDED: Final = {
    DELIVERED: "order.delivered",
    RETURNED: "order.returned",
    OrderState.CANCELLED: "order.cancelled",
    OrderState.UNDELIVERABLE: "order.undeliverable",
}

_GIVEN_UP: Final = {PLACED: "no rider", RETURNING: "not returned"}
"""Why an order is undeliverable, by its last state."""


# -- the way back ------------------------------------------------------------------------------------------------------


def release(
    dispatch: DispatchState, order: Order, now: Now, out: Effects, reason: str, notify_rider: bool = True
) -> None:
    """The order loses its rider and waits again, if its state lets it."""
    after = TRANSITIONS[order.state][OrderEvent.RELEASE]
    if after is not PLACED or order.state is PLACED:
        return
    if order.state is not OFFERED:
        out.count("order.reassigned", now.wall_ms)
    unload(dispatch, order, now, out, reason if notify_rider else "")
    now_ms = dispatch.now_ms
    forecast(dispatch, order, None, now)
    dispatch.orders.move(order, PLACED, now_ms, wait_ms(dispatch, order))
    dispatch.changed = True
    update(dispatch, order, now, out, reason)
    if order.override is not None:
        end_override(dispatch, order)


def unload(dispatch: DispatchState, order: Order, now: Now, out: Effects, reason: str, spoken: str = "") -> None:
    """Takes the order from its rider, who is notified where there is a reason to give; in a person's own words
    (`spoken`) where no row keeps them."""
    rider = dispatch.riders.known.get(order.rider)
    order.past = [*order.past, Offered(order.offer, order.rider, order.state is not OFFERED)][-OFFERS_PAST_KEPT:]
    out.cancel(order.rider, "assignment", order.id)
    if reason:
        withdrawn = Assignment(offer=order.offer, order=order.id, state="withdrawn", at=now.wall_ms, reason=reason)
        outgoing = replace(withdrawn, reason=spoken) if spoken else None
        out.send(order.rider, withdrawn, now.mono + UPDATE_EXPIRY_S, order.id, outgoing)
        out.count("offer.withdrawn", now.wall_ms)
    order.rider, order.offer = "", 0
    if rider is not None:
        dispatch.riders.drop(rider, order.id)
        dispatch.riders.reschedule(rider, dispatch.orders, dispatch.rules, dispatch.now_ms)
        _leave(dispatch, rider, now, out)


def _leave(dispatch: DispatchState, rider: Rider, now: Now, out: Effects) -> None:
    """The shift of a rider who leaves after its orders ends with the last one."""
    if rider.on and rider.duty.leaves and not rider.orders:
        end_shift(dispatch, rider, now, out, now.wall_ms)


def apply_moves(dispatch: DispatchState, decisions: Sequence[Decision], now: Now, out: Effects) -> None:
    """Accepted orders go to other riders, who have them at once. For everybody else the state is the same, so that it
    never runs backwards."""
    for decision in decisions:
        order, rider = dispatch.orders.open.get(decision.order), dispatch.riders.known.get(decision.rider)
        if order is None or order.state is not ACCEPTED or rider is None or order.rider == rider.id:
            continue
        out.count("order.reassigned", now.wall_ms)
        unload(dispatch, order, now, out, "reassigned")
        forecast(dispatch, order, decision.candidates[0], now)
        take_over(dispatch, order, rider)
        dispatch.riders.reschedule(rider, dispatch.orders, dispatch.rules, dispatch.now_ms)
        update(dispatch, order, now, out, "reassigned")
        dispatch.changed = True


def take_over(dispatch: DispatchState, order: Order, rider: Rider, before: str = "") -> None:
    """The order becomes the rider's own at once, without an offer; in its sequence last, or right before another."""
    dispatch.offers += 1
    order.rider, order.offer, order.offers = rider.id, dispatch.offers, order.offers + 1
    order.excluded.pop(rider.id, None)
    dispatch.riders.take(rider, order.id, before)
    dispatch.orders.move(order, ACCEPTED, dispatch.now_ms, stale_ms(order, dispatch.now_ms))
    dispatch.taken.append(order)


def exclude(order: Order, rider: str, now_ms: int) -> None:
    """The rider is not asked again about the order for a while."""
    excluded = {name: until for name, until in order.excluded.items() if until > now_ms}
    excluded[rider] = now_ms + EXCLUDED_S * 1000
    order.excluded = excluded


def end(
    dispatch: DispatchState,
    order: Order,
    state: OrderState,
    now: Now,
    out: Effects,
    at_ms: int,
    reason: str = "",
    cancelled_by: Canceller | Literal[""] = "",
    spoken: str = "",
) -> None:
    """The order is delivered, returned, cancelled or given up; `spoken` is why in a person's words, where no row keeps
    them."""
    now_ms = dispatch.now_ms
    if cancelled_by and order.rider:
        unload(dispatch, order, now, out, reason or state, spoken)
    rider = dispatch.riders.known.get(order.rider) if order.rider else None
    at_shop = order.state is AT_SHOP
    dispatch.orders.close(order, state)
    if rider is not None:
        dispatch.riders.drop(rider, order.id, paid=state is DELIVERED or state is RETURNED)
        dispatch.riders.reschedule(rider, dispatch.orders, dispatch.rules, now_ms)
        if rider.on and not rider.orders and dispatch.rules.divert and dispatch.riders.idle <= IDLE_COVERED:
            dispatch.advice.due.append(rider.id)
        _leave(dispatch, rider, now, out)
    dispatch.changed = True
    out.count(_ENDED[state], at_ms)
    if order.promised_ms and state is not OrderState.CANCELLED and state is not RETURNED:
        kept = state is DELIVERED and now_ms <= order.promised_ms + PROMISE_TOLERANCE_S * 1000
        dispatch.learn(order, kept)
        out.count("promise.kept" if kept else "promise.broken", at_ms, 1, order.shop, order.client)
    wx_status = WX_CANCELLED_AT_SHOP if at_shop and state is OrderState.CANCELLED else 0
    update(dispatch, order, now, out, reason, wx_status=wx_status, cancelled_by=cancelled_by, spoken=spoken)


def end_override(dispatch: DispatchState, order: Order) -> None:
    """The node decides about the order again."""
    dispatch.orders.set_override(order, None)
    dispatch.changed = True


def end_pins(dispatch: DispatchState, rider: str, now: Now, out: Effects, reason: str) -> None:
    """The rider cannot take what is pinned to it and waits for it: whoever pinned that gets word."""
    for order in list(dispatch.orders.overridden.values()):
        if order.state is PLACED and order.override is not None and order.override.rider == rider:
            update(dispatch, order, now, out, reason, (order.override.by,))
            end_override(dispatch, order)


# -- deadlines ---------------------------------------------------------------------------------------------------------


def expire(dispatch: DispatchState, silent: Sequence[str], gone: Sequence[str], now: Now, out: Effects) -> None:
    """Everything that is due: riders who are silent or gone, ends of shifts, lapsed offers, orders that are late or
    given up."""
    now_ms = dispatch.now_ms
    for name in silent:
        rider = dispatch.riders.known.get(name)
        if rider is not None and rider.on:
            dispatch.riders.mark_silent(rider, now_ms)
            out.count("rider.silent", now.wall_ms)
            release_all(dispatch, rider, now, out, "rider silent")
            end_pins(dispatch, name, now, out, "rider silent")
    for name in gone:
        rider = dispatch.riders.known.get(name)
        if rider is not None and rider.on:
            out.count("rider.gone", now.wall_ms)
            end_shift(dispatch, rider, now, out, now.wall_ms)
    while (name := dispatch.riders.timers.pop(now_ms)) is not None:
        rider = dispatch.riders.known.get(name)
        if rider is not None and rider.on:
            _turn(dispatch, rider, now, out)
    if dispatch.riders.moving:
        for rider in [rider for rider in dispatch.riders.moving.values() if rider.free_ms <= now_ms]:
            dispatch.riders.arrive(rider)
            dispatch.changed = True
    while (name := dispatch.orders.timers.pop(now_ms)) is not None:
        order = dispatch.orders.open[name]
        after = TRANSITIONS[order.state][OrderEvent.RUN_OUT]
        if after is PLACED:
            rider_id = order.rider
            out.count("offer.timed_out", now.wall_ms, 1, order.shop, order.client)
            exclude(order, rider_id, now_ms)
            release(dispatch, order, now, out, "no answer")
        elif order.state is PLACED and not order.late and dispatch.rules.late_s < dispatch.rules.give_up_s:
            _late(dispatch, order, now, out)
        elif after in CLOSED:
            end(
                dispatch,
                order,
                OrderState.UNDELIVERABLE,
                now,
                out,
                now.wall_ms,
                "on hold" if order.on_hold else _GIVEN_UP.get(order.state, "no contact"),
                "node",
            )


def _turn(dispatch: DispatchState, rider: Rider, now: Now, out: Effects) -> None:
    """The rider's shift is over, or a break of it begins or ends."""
    riders, now_ms = dispatch.riders, dispatch.now_ms
    if rider.until_ms is not None and rider.until_ms <= now_ms:
        end_shift(dispatch, rider, now, out, now.wall_ms)
        return
    if rider.paused:
        rider.duty.resumes_ms = duty.stays_ms(rider, now_ms, dispatch.rules)
        if not rider.duty.resumes_ms:
            resume(dispatch, rider)
    elif (due := duty.next_break(rider.duty, dispatch.rules)) is not None and due.from_ms <= now_ms:
        until_ms = now_ms + dispatch.rules.rest_s * 1000 if due.by == duty.REST else due.until_ms
        pause(dispatch, rider, due.by, until_ms, now, out)
    riders.set_duty(rider)


def pause(dispatch: DispatchState, rider: Rider, by: str, resumes_ms: int, now: Now, out: Effects) -> None:
    """Nothing new for the rider from now on; what it was only offered goes to others."""
    out.count("rider.paused", now.wall_ms)
    duty.pause(rider, dispatch.now_ms, resumes_ms)
    dispatch.riders.pause(rider, by, dispatch.now_ms)
    for name in [held for held in rider.orders if dispatch.orders.open[held].state is OFFERED]:
        release(dispatch, dispatch.orders.open[name], now, out, "rider paused")
    dispatch.changed = True


def resume(dispatch: DispatchState, rider: Rider) -> None:
    """The rider gets offers again."""
    duty.resume(rider, dispatch.now_ms, dispatch.rules)
    dispatch.riders.pause(rider, "", dispatch.now_ms)
    if not rider.orders:
        dispatch.advice.due.append(rider.id)
    dispatch.changed = True


def _late(dispatch: DispatchState, order: Order, now: Now, out: Effects) -> None:
    """Nobody could take the order so far. Nobody is abandoned: it stays planned, and everybody learns of it."""
    order.late = True
    dispatch.orders.late[order.id] = order
    dispatch.orders.due(order, wait_ms(dispatch, order))
    out.count("order.late", now.wall_ms)
    update(dispatch, order, now, out, "late_but_coming")


def end_shift(dispatch: DispatchState, rider: Rider, now: Now, out: Effects, at_ms: int) -> None:
    """What the rider has picked up it delivers; the rest goes to others."""
    out.count("shift.ended", at_ms)
    dispatch.changed = True
    release_all(dispatch, rider, now, out, "shift ended")
    end_pins(dispatch, rider.id, now, out, "shift ended")
    dispatch.riders.end(rider, dispatch.now_ms)


def leave(dispatch: DispatchState, rider: Rider, after_orders: bool, now: Now, out: Effects, at_ms: int) -> None:
    """The rider ends its shift: at once, or after what it has accepted."""
    if after_orders:
        rider.duty.leaves = True
        pause(dispatch, rider, rider.id, 0, now, out)
    if rider.on and not (after_orders and rider.orders):
        end_shift(dispatch, rider, now, out, at_ms)


def release_all(dispatch: DispatchState, rider: Rider, now: Now, out: Effects, reason: str) -> None:
    """Every order that the rider has not picked up."""
    for name in list(rider.orders):
        release(dispatch, dispatch.orders.open[name], now, out, reason)

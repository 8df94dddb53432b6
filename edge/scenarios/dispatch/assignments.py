"""Choices and deadlines become true: offers go out, are taken back, run out; orders end.

Everything here changes durable state and is fed with recorded decisions in a recovery; nothing here looks at positions.
"""

from collections.abc import Sequence
from typing import Final, Literal

from ...core.effects import Effects
from ...core.model import Now
from .answers import UPDATE_EXPIRY_S, assignment, foreseen, update
from .lifecycle import (
    AT_SHOP,
    CLOSED,
    DELIVERED,
    HELD,
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
from .messages import Assignment
from .records import Candidate, Decision
from .state.dispatch_state import DispatchState
from .state.orders import OFFERS_PAST_KEPT, Offered, Order
from .state.positions import Sensor
from .state.riders import Rider
from .times.learned import PROMISE_TOLERANCE_S

BURST_OFFERS: Final = 8
"""Offers in one round after which the next one decides again at once, about the orders left over."""

IDLE_COVERED: Final = 16
"""With more idle riders every shop is covered, and no advice is looked for after a delivery: with 200 of them each look
took as long as all else that is done for an order."""

EXCLUDED_S: Final = 600
"""A rider that declined an order, or let its offer lapse, is not asked again about it for this long."""

ORDER_STALE_S: Final = 4 * 3600
"""An accepted order without any event for this long is given up, so that every order ends."""

_ENDED: Final = {
    DELIVERED: "order.delivered",
    RETURNED: "order.returned",
    OrderState.CANCELLED: "order.cancelled",
    OrderState.UNDELIVERABLE: "order.undeliverable",
}


_GIVEN_UP: Final = {PLACED: "no rider", RETURNING: "not returned"}
"""Why an order is undeliverable, by its last state."""


# -- decisions ---------------------------------------------------------------------------------------------------------


def apply_decisions(dispatch: DispatchState, decisions: Sequence[Decision], now: Now, out: Effects) -> None:
    """Decisions of this round, or of a recorded one, become plans and offers. Riders are notified when all are made, so
    that each assignment shows the whole trip."""
    now_ms = dispatch.now_ms
    offered: list[Order] = []
    for decision in decisions:
        order = dispatch.orders.open.get(decision.order)
        if order is None or order.state is not PLACED:
            continue
        dispatch.orders.considered(order)
        chosen = next((one for one in decision.candidates if one.rider == decision.rider), None)
        rider = dispatch.riders.known.get(decision.rider) if chosen is not None else None
        if chosen is None or rider is None:
            forecast(dispatch, order, None, now)
            continue
        forecast(dispatch, order, chosen, now)
        if decision.offer:
            _offer(dispatch, order, rider, decision.before)
            offered.append(order)
        else:
            order.plan = rider.id
        if order.wants_promise and order.placed_ms == now_ms:
            _promise(dispatch, order, now)
            order.promised_by = "offer" if decision.offer else "plan"
    for order in offered:
        _announce(dispatch, order, now, out)
    # Orders that were too many for this round are new to the next one. After a burst of offers those left over may find
    # riders whom the ones that are taken now have hidden from them.
    dispatch.changed = bool(dispatch.orders.fresh) or len(offered) >= BURST_OFFERS


def forecast(dispatch: DispatchState, order: Order, chosen: Candidate | None, now: Now) -> None:
    """What is expected of the order with this rider; nothing where there is none."""
    order.plan = ""
    if chosen is None:
        order.arrive_ms = order.pickup_ms = order.dropoff_ms = 0
        return
    now_ms = dispatch.now_ms
    order.arrive_ms = now_ms + (chosen.free_in_s + chosen.travel_s) * 1000
    order.pickup_ms = now_ms + chosen.pickup_at - now.wall_ms
    order.dropoff_ms = now_ms + chosen.dropoff_at - now.wall_ms


def _promise(dispatch: DispatchState, order: Order, now: Now) -> None:
    """What the customer is promised, from what is expected of the order and how far off that usually is."""
    predicted_ms, around = foreseen(dispatch, order)
    order.predicted_ms = order.promised_ms = predicted_ms
    if around is not None:
        order.promised_ms = predicted_ms + around.promised * 1000
        order.earliest_ms = predicted_ms + around.earliest * 1000
        order.latest_ms = predicted_ms + around.latest * 1000
    order.promised_at = order.promised_ms + now.wall_ms - dispatch.now_ms


def _offer(dispatch: DispatchState, order: Order, rider: Rider, before: str = "") -> None:
    now_ms = dispatch.now_ms
    dispatch.offers += 1
    order.offer, order.rider, order.offers = dispatch.offers, rider.id, order.offers + 1
    dispatch.orders.move(order, OFFERED, now_ms, now_ms + dispatch.rules.reply_s * 1000)
    dispatch.riders.take(rider, order.id, before)
    rider.silent = False
    dispatch.riders.reschedule(rider, dispatch.orders, dispatch.rules, now_ms)


def _announce(dispatch: DispatchState, order: Order, now: Now, out: Effects) -> None:
    """The rider receives its offer, and everybody else what is expected now."""
    now_ms = dispatch.now_ms
    behind_ms = now.wall_ms - now_ms
    out.send(order.rider, assignment(dispatch, order, now.wall_ms, behind_ms), order.due_ms / 1000)
    out.count("order.offered", now.wall_ms)
    if order.offers == 1:
        out.measure("placed_to_offered_ms", now.wall_ms, now_ms - order.placed_ms)
    update(dispatch, order, now, out)


def confirm(dispatch: DispatchState, now: Now, out: Effects) -> None:
    """Riders who still have what they took in this round receive the exact door."""
    behind_ms = now.wall_ms - dispatch.now_ms
    for order in dispatch.taken:
        if order.state in HELD:
            message = assignment(dispatch, order, now.wall_ms, behind_ms)
            out.send(order.rider, message, order.due_ms / 1000, order.id)
    dispatch.taken = []


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


def unload(dispatch: DispatchState, order: Order, now: Now, out: Effects, reason: str) -> None:
    """Takes the order from its rider, who is notified where there is a reason to give."""
    rider = dispatch.riders.get(order.rider)
    order.past = [*order.past, Offered(order.offer, order.rider, order.state is not OFFERED)][-OFFERS_PAST_KEPT:]
    out.cancel(order.rider, "assignment", order.id)
    if reason:
        withdrawn = Assignment(offer=order.offer, order=order.id, state="withdrawn", at=now.wall_ms, reason=reason)
        out.send(order.rider, withdrawn, now.mono + UPDATE_EXPIRY_S, order.id)
        out.count("offer.withdrawn", now.wall_ms)
    order.rider, order.offer = "", 0
    if rider is not None:
        dispatch.riders.drop(rider, order.id)
        dispatch.riders.reschedule(rider, dispatch.orders, dispatch.rules, dispatch.now_ms)


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
) -> None:
    """The order is delivered, returned, cancelled or given up."""
    now_ms = dispatch.now_ms
    if cancelled_by and order.rider:
        unload(dispatch, order, now, out, reason or state)
    rider = dispatch.riders.known.get(order.rider) if order.rider else None
    at_shop = order.state is AT_SHOP
    dispatch.orders.close(order, state)
    if rider is not None:
        dispatch.riders.drop(rider, order.id)
        dispatch.riders.reschedule(rider, dispatch.orders, dispatch.rules, now_ms)
        if rider.on and not rider.orders and dispatch.rules.divert and dispatch.riders.idle <= IDLE_COVERED:
            dispatch.advice.due.append(rider.id)
    dispatch.changed = True
    out.count(_ENDED[state], at_ms)
    if order.promised_ms and state is not OrderState.CANCELLED and state is not RETURNED:
        kept = state is DELIVERED and now_ms <= order.promised_ms + PROMISE_TOLERANCE_S * 1000
        dispatch.learn(order, kept)
        out.count("promise.kept" if kept else "promise.broken", at_ms)
    wx_status = WX_CANCELLED_AT_SHOP if at_shop and state is OrderState.CANCELLED else 0
    update(dispatch, order, now, out, reason, wx_status=wx_status, cancelled_by=cancelled_by)


def wait_ms(dispatch: DispatchState, order: Order) -> int:
    """Until when a waiting order waits: until it is late, then until it is given up."""
    rules = dispatch.rules
    wait_s = rules.give_up_s if order.late else min(rules.late_s, rules.give_up_s)
    return max(order.ready_ms, order.placed_ms) + wait_s * 1000


def stale_ms(order: Order, now_ms: int) -> int:
    """Until when an order that has a rider may stand still."""
    return max(order.ready_ms, now_ms) + ORDER_STALE_S * 1000


# -- deadlines ---------------------------------------------------------------------------------------------------------


def expire(dispatch: DispatchState, now: Now, sensor: Sensor, out: Effects) -> None:
    """Everything that is due: silent riders, ends of shifts, lapsed offers, orders that cannot be delivered."""
    now_ms = dispatch.now_ms
    silent = sensor.silent(dispatch.now_ms)
    for name in silent:
        rider = dispatch.riders.get(name)
        if rider is not None and rider.on:
            dispatch.riders.mark_silent(rider)
            out.count("rider.silent", now.wall_ms)
            release_all(dispatch, rider, now, out, "rider silent")
    while (name := dispatch.riders.timers.pop(now_ms)) is not None:
        rider = dispatch.riders.get(name)
        if rider is not None and rider.on:
            end_shift(dispatch, rider, now, out, now.wall_ms)
    if dispatch.riders.moving:
        for rider in [rider for rider in dispatch.riders.moving.values() if rider.free_ms <= now_ms]:
            dispatch.riders.arrive(rider)
            dispatch.changed = True
    while (name := dispatch.orders.timers.pop(now_ms)) is not None:
        order = dispatch.orders.open[name]
        after = TRANSITIONS[order.state][OrderEvent.RUN_OUT]
        if after is PLACED:
            rider_id = order.rider
            out.count("offer.timed_out", now.wall_ms)
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
                _GIVEN_UP.get(order.state, "no contact"),
                "node",
            )


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
    dispatch.riders.end(rider)


def release_all(dispatch: DispatchState, rider: Rider, now: Now, out: Effects, reason: str) -> None:
    """Every order that the rider has not picked up."""
    for name in list(rider.orders):
        release(dispatch, dispatch.orders.open[name], now, out, reason)
